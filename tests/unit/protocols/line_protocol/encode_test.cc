#include "protocols/line_protocol/encode.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <cmath>
#include <fstream>
#include <limits>
#include <map>
#include <sstream>
#include <vector>

namespace carbongate::line_protocol {
namespace {

boost::system::result<std::string> encode(const PointView& point) {
  std::string out;
  if (auto ok = append_line(out, point); !ok) return ok.error();
  return out;
}

std::string value_text(FieldValue value) {
  const std::vector<Field> fields{{"v", value}};
  const std::string line = encode({"m", {}, fields, 0}).value();
  return line.substr(4, line.size() - 4 - 3);  // between "m v=" and " 0\n"
}

boost::system::error_code error_of(const PointView& point) {
  return encode(point).error();
}

const std::vector<Field> kOneField{{"v", std::int64_t{1}}};

FieldValue value_of(const boost::json::object& json) {
  const auto& [type, value] = *json.begin();
  if (type == "float") return value.to_number<double>();
  if (type == "int") return value.to_number<std::int64_t>();
  if (type == "uint") return value.to_number<std::uint64_t>();
  if (type == "bool") return value.as_bool();
  return std::string_view(value.as_string());
}

// The reference writes floats from 1e6 with an exponent; here they stay plain, for the sake of exactness (encode.h).
const std::map<std::string, std::string> kPlainFloats{
    {"cpu value=6.632243e+06 1000000000", "cpu value=6632243 1000000000"}};

TEST(LineProtocolEncoder, WritesTheReferenceCorpusByteForByte) {
  std::ifstream file(CARBONGATE_SOURCE_DIR "/tests/unit/protocols/line_protocol/encode_cases.json");
  std::ostringstream text;
  text << file.rdbuf();
  const boost::json::value corpus = boost::json::parse(text.str());
  ASSERT_EQ(corpus.at("cases").as_array().size(), 79U);
  for (const auto& item : corpus.at("cases").as_array()) {
    const auto& point = item.at("point").as_object();
    std::vector<Tag> tags;
    for (const auto& tag : point.at("tags").as_array())
      tags.push_back({tag.at("key").as_string(), tag.at("value").as_string()});
    std::vector<Field> fields;
    for (const auto& field : point.at("fields").as_array()) {
      fields.push_back({field.at("key").as_string(), value_of(field.at("value").as_object())});
    }
    const auto line = encode({point.at("name").as_string(), tags, fields, point.at("time").to_number<std::int64_t>()});
    if (item.as_object().contains("error")) {
      EXPECT_FALSE(line) << item.at("key");
      continue;
    }
    std::string expected(item.at("result").as_string());
    if (const auto plain = kPlainFloats.find(expected); plain != kPlainFloats.end()) expected = plain->second;
    ASSERT_TRUE(line) << item.at("key") << line.error().message();
    EXPECT_EQ(*line, expected + "\n") << item.at("key");
  }
}

TEST(LineProtocolEncoder, WritesEveryTypeOfField) {
  EXPECT_EQ(value_text(std::int64_t{-42}), "-42i");
  EXPECT_EQ(value_text(std::numeric_limits<std::int64_t>::min()), "-9223372036854775808i");
  EXPECT_EQ(value_text(std::numeric_limits<std::uint64_t>::max()), "18446744073709551615u");
  EXPECT_EQ(value_text(true), "true");
  EXPECT_EQ(value_text(false), "false");
  EXPECT_EQ(value_text(Decimal{"-0.000001"}), "-0.000001");
  EXPECT_EQ(value_text(std::string_view("a \"b\" \\ c")), R"("a \"b\" \\ c")");
}

TEST(LineProtocolEncoder, WritesFloatsShortestAndPlain) {
  EXPECT_EQ(value_text(0.1), "0.1");
  EXPECT_EQ(value_text(-0.0), "-0");
  EXPECT_EQ(value_text(1234567.89), "1234567.89");
  EXPECT_EQ(value_text(12345678901234567.0), "12345678901234568");
  EXPECT_EQ(value_text(1e17), "1e+17");
  EXPECT_EQ(value_text(0.000001), "0.000001");
  EXPECT_EQ(value_text(0.0000001), "1e-07");
}

TEST(LineProtocolEncoder, FloatsReadBackAsTheSameDouble) {
  double value = 1.1e-12;
  for (int i = 0; i < 1000; ++i, value *= -1.0873) EXPECT_EQ(std::strtod(value_text(value).c_str(), nullptr), value);
}

TEST(LineProtocolEncoder, KeepsUtf8AsItIs) {
  const std::vector<Tag> tags{{"name", "冲压车间"}};
  EXPECT_EQ(encode({"园区", tags, kOneField, 1}).value(), "园区,name=冲压车间 v=1i 1\n");
}

TEST(LineProtocolEncoder, RefusesWhatTheFormatCannotCarry) {
  EXPECT_EQ(error_of({"", {}, kOneField, 0}), EncodeError::empty_name);
  EXPECT_EQ(error_of({"#m", {}, kOneField, 0}), EncodeError::comment);
  EXPECT_EQ(error_of({"m\n", {}, kOneField, 0}), EncodeError::control_character);
  EXPECT_EQ(error_of({"m\\", {}, kOneField, 0}), EncodeError::trailing_backslash);
  EXPECT_EQ(error_of({"m", {}, {}, 0}), EncodeError::no_fields);

  const auto tag = [](std::string_view key, std::string_view value) {
    const std::vector<Tag> tags{{key, value}};
    return error_of({"m", tags, kOneField, 0});
  };
  EXPECT_EQ(tag("", "v"), EncodeError::empty_name);
  EXPECT_EQ(tag("k", ""), EncodeError::empty_tag_value);
  EXPECT_EQ(tag("k", "a\nb"), EncodeError::control_character);
  EXPECT_EQ(tag("k", "a\\"), EncodeError::trailing_backslash);
  EXPECT_EQ(tag("k\r", "a"), EncodeError::control_character);
  EXPECT_EQ(tag("k", std::string(kSeriesBytesMax, 'x')), EncodeError::series_too_long);

  const auto field = [](std::string_view key, FieldValue value) {
    const std::vector<Field> fields{{key, value}};
    return error_of({"m", {}, fields, 0});
  };
  EXPECT_EQ(field("", 1.0), EncodeError::empty_name);
  EXPECT_EQ(field("v\\", 1.0), EncodeError::trailing_backslash);
  EXPECT_EQ(field("v", std::nan("")), EncodeError::not_finite);
  EXPECT_EQ(field("v", -std::numeric_limits<double>::infinity()), EncodeError::not_finite);
  for (const char* text : {"", "-", "1e5", "1.", ".5", "0x1", "1,2", "nan"}) {
    EXPECT_EQ(field("v", Decimal{text}), EncodeError::not_decimal) << text;
  }
}

TEST(LineProtocolEncoder, RefusesAKeyThatComesTwice) {
  const std::vector<Tag> tags{{"a", "1"}, {"b", "2"}, {"a", "3"}};
  EXPECT_EQ(error_of({"m", tags, kOneField, 0}), EncodeError::duplicate_key);
  const std::vector<Field> fields{{"v", 1.0}, {"v", 2.0}};
  EXPECT_EQ(error_of({"m", {}, fields, 0}), EncodeError::duplicate_key);
}

TEST(LineProtocolEncoder, LeavesTheOutputAsItWasWhenItRefuses) {
  std::string out = "before 1\n";
  const std::vector<Field> fields{{"good", 1.0}, {"bad", std::nan("")}};
  EXPECT_FALSE(append_line(out, {"m", {}, fields, 0}));
  EXPECT_EQ(out, "before 1\n");
}

}  // namespace
}  // namespace carbongate::line_protocol

#include "protocols/energy_platform/messages.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <string>

namespace carbongate::energy_platform {
namespace {

using namespace std::chrono_literals;

Dialect base() {
  Dialect dialect;
  constexpr const char* kFields[] = {"loadDicVersionURL", "downloadBaseDataURL", "centerInfoURL",
                                     "centerMeteringDataURL", "centerDataURL"};
  for (std::size_t i = 0; i < kOperationCount; ++i) dialect.places.at(i).field = kFields[i];
  return dialect;
}

std::optional<Answer> answer_of(std::string_view text, const Dialect& dialect = base()) {
  std::string why;
  auto answer = decode_answer(text, dialect, why);
  EXPECT_EQ(answer.has_value(), why.empty()) << text;
  return answer;
}

constexpr const char* kRegistered =
    R"({"responseCode":"0","responseMessage":"ok","deviceId":"d1","uploadTime":"08:30:15",
  "loadDicVersionURL":"https://a.example/v","centerDataURL":"https://b.example:8443/d?x=1",
  "secretKey":"0123456789ABCDEFFEDCBA9876543210"})";

TEST(EnergyPlatformAnswer, IsSuccessByTheDialectsWord) {
  EXPECT_TRUE(answer_of(R"({"responseCode":"0","responseMessage":""})")->is_success);
  EXPECT_TRUE(answer_of(R"({"responseCode":0})")->is_success) << "as a number";
  EXPECT_FALSE(answer_of(R"({"responseCode":"1","responseMessage":"解密失败"})")->is_success);
  Dialect other = base();
  other.success = {"200"};
  EXPECT_TRUE(answer_of(R"({"responseCode":200})", other)->is_success);
  EXPECT_FALSE(answer_of(R"({"responseCode":"0"})", other)->is_success);
}

TEST(EnergyPlatformAnswer, IsAnObjectWithACode) {
  for (const char* text : {"", "null", "[]", "{", R"({"a":1})", R"({"responseCode":{}})", R"({"responseCode":""})",
                           R"({"responseCode":"0"} x)", "<html></html>", "{\"responseCode\":\"\xFF\"}"}) {
    EXPECT_FALSE(answer_of(text)) << text;
  }
}

TEST(EnergyPlatformAnswer, SaysItsReasonOnOneShortLine) {
  EXPECT_EQ(answer_of(R"({"responseCode":"1","responseMessage":"a\nb\u0000c"})")->message, "a b c");
  std::string characters;
  for (int i = 0; i < 100; ++i) characters += "错";
  const auto answer = answer_of(R"({"responseCode":"1","responseMessage":")" + characters + "\"}");
  EXPECT_EQ(answer->message, characters.substr(0, 198)) << "whole characters";
}

TEST(EnergyPlatformRegistration, HasWhatIsAskedForNext) {
  std::string why;
  const auto got = decode_registration(*answer_of(kRegistered), base(), why);
  ASSERT_TRUE(got) << why;
  EXPECT_EQ(got->device_id, "d1");
  EXPECT_EQ(got->upload_time, 8h + 30min + 15s);
  EXPECT_EQ(got->urls[static_cast<std::size_t>(Operation::data)], "https://b.example:8443/d?x=1");
  EXPECT_EQ(got->urls[static_cast<std::size_t>(Operation::meters)], "") << "it does not take meters";
}

TEST(EnergyPlatformRegistration, IsKeptWithoutTheKey) {
  std::string why;
  const auto got = *decode_registration(*answer_of(kRegistered), base(), why);
  const std::string text = to_text(got);
  EXPECT_EQ(text.find("0123456789ABCDEF"), std::string::npos);
  auto kept = registration_of(text);
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->secret_key, "");
  kept->secret_key = got.secret_key;
  EXPECT_EQ(*kept, got);
  EXPECT_FALSE(registration_of("{}"));
  EXPECT_FALSE(registration_of(text.substr(1)));
}

TEST(EnergyPlatformRegistration, LacksNothing) {
  const auto why_not = [](std::string text, bool encrypts = false) {
    Dialect dialect = base();
    dialect.encrypts = encrypts;
    std::string why;
    EXPECT_FALSE(decode_registration(*answer_of(text), dialect, why));
    return why;
  };
  EXPECT_EQ(why_not(R"({"responseCode":"0"})"), "the registration has no deviceId");
  EXPECT_EQ(why_not(R"({"responseCode":"0","deviceId":"a b","centerDataURL":"http://x/"})"),
            "the registration has no deviceId");
  EXPECT_EQ(why_not(R"({"responseCode":"0","deviceId":"d"})"), "the registration does not say where data go");
  EXPECT_EQ(why_not(R"({"responseCode":"0","deviceId":"d","centerDataURL":"http://x/\r\nHost: y"})"),
            "the registration's centerDataURL is no address");
  EXPECT_EQ(why_not(R"({"responseCode":"0","deviceId":"d","centerDataURL":"http://x/","secretKey":"12"})", true),
            "the registration has no secretKey of 32 hexadecimal digits, and this dialect encrypts");
}

TEST(EnergyPlatformRegistration, TakesPathsOfTheDialectWhereTheAnswerHasNone) {
  Dialect dialect = base();
  dialect.places[static_cast<std::size_t>(Operation::data)] = {"", "/api/data"};
  std::string why;
  const auto got = decode_registration(*answer_of(R"({"responseCode":"0","deviceId":"d"})"), dialect, why);
  ASSERT_TRUE(got) << why;
  EXPECT_EQ(got->urls[static_cast<std::size_t>(Operation::data)], "/api/data");
  EXPECT_EQ(got->upload_time, std::nullopt);
}

TEST(EnergyPlatformVersions, AreNumbersOrTexts) {
  EXPECT_EQ(decode_versions(*answer_of(R"({"responseCode":"0","regVersion":"3","dicVersion":7})")), (Versions{3, 7}));
  EXPECT_EQ(decode_versions(*answer_of(R"({"responseCode":"0","regVersion":"new"})")), (Versions{0, 0}));
}

TEST(EnergyPlatformToken, IsGoodForAsLongAsItSays) {
  Dialect dialect = base();
  dialect.token = {.path = "/token", .header = "AK", .field = "ak", .expires = "akExpiresIn", .secret = "sk"};
  std::string why;
  const auto token = decode_token(*answer_of(R"({"responseCode":"0","ak":"t1","akExpiresIn":7200})"), dialect, why);
  ASSERT_TRUE(token) << why;
  EXPECT_EQ(token->text, "t1");
  EXPECT_EQ(token->good_for, 2h);
  EXPECT_EQ(decode_token(*answer_of(R"({"responseCode":"0","ak":"t1","akExpiresIn":-5})"), dialect, why)->good_for, 1s);
  EXPECT_FALSE(decode_token(*answer_of(R"({"responseCode":"0"})"), dialect, why));
  EXPECT_EQ(why, "answers without the token ak");
}

const Record kRecord{.code = {"0000000002330011"},
                     .value = "-0.000001",
                     .input_type = 4,
                     .stat_type = StatType::day,
                     .stat_date = "2026-08-01 00:00:00",
                     .upload_date = "2026-08-02 08:30:00",
                     .scope = 2,
                     .is_valid = false};

TEST(EnergyPlatformData, HasEightMembersAsTheyAre) {
  const Registration registration{.device_id = "d1", .secret_key = {}, .upload_time = {}, .urls = {}};
  const Record records[] = {kRecord, kRecord};
  const std::string record =
      R"({"dataCode":"00-00-0000-023300-11","dataValue":-0.000001,"inputType":4,"statType":1,)"
      R"("statDate":"2026-08-01 00:00:00","uploadDate":"2026-08-02 08:30:00","scope":2,"valid":false})";
  EXPECT_EQ(encode_data(records, registration, "E1", base()),
            R"({"deviceId":"d1","enterpriseCode":"E1","data":[)" + record + "," + record + "]}");
}

TEST(EnergyPlatformData, FollowsTheDialect) {
  Dialect dialect = base();
  dialect.dashes = false;
  dialect.numbers_as_text = true;
  dialect.invalid = "1";
  const Registration registration{.device_id = "d1", .secret_key = {}, .upload_time = {}, .urls = {}};
  EXPECT_EQ(encode_data({&kRecord, 1}, registration, "E1", dialect),
            R"({"deviceId":"d1","enterpriseCode":"E1","data":[{"dataCode":"0000000002330011","dataValue":"-0.000001",)"
            R"("inputType":"4","statType":"1","statDate":"2026-08-01 00:00:00","uploadDate":"2026-08-02 08:30:00",)"
            R"("scope":"2","valid":1}]})");
}

TEST(EnergyPlatformData, IsEncryptedValueByValue) {
  Dialect dialect = base();
  dialect.encrypts = true;
  Registration registration{.device_id = "d1", .secret_key = {}, .upload_time = {}, .urls = {}};
  EXPECT_FALSE(encode_data({&kRecord, 1}, registration, "E1", dialect)) << "never in clear";
  registration.secret_key = "0123456789ABCDEFFEDCBA9876543210";
  const auto body = encode_data({&kRecord, 1}, registration, "E1", dialect);
  ASSERT_TRUE(body);
  const auto value = boost::json::parse(*body);
  const auto& record = value.at("data").at(0).as_object();
  EXPECT_EQ(value.at("deviceId"), "d1");
  EXPECT_EQ(record.size(), 8u);
  EXPECT_EQ(record.at("dataCode"), "ef49d2a4d631f9fc3ae6db23a5998f23aafd0fd6242c37e636e90e8e5e5b967a");
  EXPECT_EQ(record.at("statDate"), "efa82c1f183d9766e83ada8f588d59e9479c00b3cae05c920a9ce19063aadb57");
  EXPECT_EQ(record.at("statType"), "b265308ec733dc5cd02ea745329dc5f9");
}

}  // namespace
}  // namespace carbongate::energy_platform

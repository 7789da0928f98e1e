#include "protocols/remote_write/encode.h"

#include <gtest/gtest.h>
#include <snappy.h>

#include <bit>
#include <boost/json/parse.hpp>
#include <cmath>
#include <string>

#include "tests/support/hex.h"

namespace carbongate::remote_write {
namespace {

namespace json = boost::json;

std::string bytes_of(const json::value& hex) {
  const auto bytes = testing::from_hex(std::string_view(hex.as_string()));
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string uncompressed(const std::string& block) {
  std::string message;
  EXPECT_TRUE(snappy::Uncompress(block.data(), block.size(), &message));
  return message;
}

std::vector<Series> series_of(const json::value& timeseries) {
  std::vector<Series> all;
  for (const json::value& one : timeseries.as_array()) {
    Series& series = all.emplace_back();
    for (const json::value& label : one.at("labels").as_array()) {
      series.labels.emplace_back(label.at(0).as_string(), label.at(1).as_string());
    }
    for (const json::value& sample : one.at("samples").as_array()) {
      const auto bits = std::stoull(std::string(sample.at("bits").as_string()), nullptr, 16);
      series.samples.push_back({sample.at("timestamp").to_number<std::int64_t>(), std::bit_cast<double>(bits)});
    }
  }
  return all;
}

// Escaped and UTF-8 label values, NaN with its bits, infinity: whatever Prometheus itself sends.
TEST(RemoteWriteEncode, MakesTheBytesOfPrometheus) {
  const auto file =
      json::parse(testing::read_text(CARBONGATE_SOURCE_DIR "/tests/unit/protocols/remote_write/prometheus_2_42.json"));
  std::size_t cases = 0;
  for (const json::value& one : file.at("cases").as_array()) {
    const std::string message = encode(series_of(one.at("timeseries")));
    EXPECT_EQ(message, bytes_of(one.at("protobuf_hex"))) << one.at("id");
    EXPECT_EQ(message, uncompressed(bytes_of(one.at("body_snappy_hex")))) << one.at("id");
    EXPECT_EQ(uncompressed(compress(message)), message);
    ++cases;
  }
  EXPECT_EQ(cases, 3U);
}

TEST(RemoteWriteEncode, ZeroAndTheYear1970AreWhatIsLeftOut) {
  const Series zero{{{"a", "b"}}, {{0, 0.0}}};
  EXPECT_EQ(encode({&zero, 1}), std::string("\x0a\x0a\x0a\x06\x0a\x01"
                                            "a\x12\x01"
                                            "b\x12\x00",
                                            12));
}

TEST(RemoteWriteEncode, NothingIsAnEmptyMessage) {
  EXPECT_EQ(encode({}), "");
  EXPECT_EQ(uncompressed(compress("")), "");
}

}  // namespace
}  // namespace carbongate::remote_write

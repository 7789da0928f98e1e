#include "gateway/store/reading_block.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <limits>
#include <random>
#include <span>
#include <utility>

#include "gateway/store/value_column.h"

namespace carbongate::store {
namespace {

constexpr std::int64_t kStartMs = 1'767'225'600'000;

struct Same {
  std::int64_t sequence, series, at_ms;
  std::uint64_t bits;
  std::int64_t quality;
  explicit Same(const BlockReading& r)
      : sequence(r.sequence),
        series(r.series),
        at_ms(r.at_ms),
        bits(std::bit_cast<std::uint64_t>(r.value)),
        quality(r.quality) {}
  friend bool operator==(const Same&, const Same&) = default;
};

// Encodes, decodes, compares every bit; bytes of the block.
std::size_t round_trip(const std::vector<BlockReading>& readings) {
  BlockCodec codec;
  const auto encoded = codec.encode(readings);
  const auto decoded = codec.decode(encoded.directory, encoded.body, readings.front().sequence);
  EXPECT_EQ(decoded.size(), readings.size());
  for (std::size_t i = 0; i < std::min(decoded.size(), readings.size()); ++i) {
    if (Same(decoded[i]) == Same(readings[i])) continue;
    ADD_FAILURE() << "reading " << i << ": " << readings[i].value << " became " << decoded[i].value;
    break;
  }
  return encoded.directory.size() + encoded.body.size();
}

// `points` registers every 15 s, each device's ten at one time; every quarter hour numbers are left out for the books.
std::vector<BlockReading> polled(int points, int rounds, const std::function<double(int, int)>& value) {
  std::vector<BlockReading> readings;
  std::int64_t sequence = 1000;
  std::mt19937 random(3);
  std::int64_t at = 0;
  for (int round = 0; round < rounds; ++round) {
    if (round % 60 == 59) sequence += 3 * points;
    for (int point = 0; point < points; ++point) {
      if (point % 10 == 0) at = kStartMs + round * 15'000 + point + static_cast<std::int64_t>(random() % 8);
      readings.push_back(
          {.sequence = ++sequence, .series = 7 + 2 * point, .at_ms = at, .value = value(point, round), .quality = 0});
    }
  }
  return readings;
}

TEST(ReadingBlock, HoldsMeterReadingsInFewBytes) {
  std::mt19937 random(1);
  std::vector<double> energy(1000, 12'345.67);
  const auto readings = polled(1000, 64, [&](int point, int) {
    double& register_value = energy[static_cast<std::size_t>(point)];
    switch (point % 4) {
      case 0: return std::round((register_value += (random() % 20) * 0.01) * 100) / 100;  // kWh
      case 1: return 2300.0 + static_cast<double>(random() % 60);                         // V * 10
      case 2: return static_cast<double>(static_cast<float>(40 + (random() % 1000) * 0.001));
      default: return 3.0;
    }
  });
  const std::size_t bytes = round_trip(readings);
  EXPECT_LT(bytes, 2 * readings.size()) << static_cast<double>(bytes) / static_cast<double>(readings.size());
}

TEST(ReadingBlock, HoldsWhatDoesNotChangeInNextToNothing) {
  const auto readings = polled(100, 600, [](int point, int) { return point * 1.5; });
  EXPECT_LT(round_trip(readings), readings.size() / 5);
}

TEST(ReadingBlock, KeepsEveryBitOfEveryDouble) {
  const double kept_bits = std::bit_cast<double>(0x7ff8'0000'dead'beefULL);
  const std::vector<double> odd = {0.0,
                                   -0.0,
                                   0.1 * 3,
                                   1e300,
                                   -1e-300,
                                   5e-324,
                                   std::numeric_limits<double>::infinity(),
                                   -std::numeric_limits<double>::infinity(),
                                   std::numeric_limits<double>::quiet_NaN(),
                                   kept_bits,
                                   std::numeric_limits<double>::max(),
                                   9'007'199'254'740'993.0,
                                   -123.45,
                                   3.4e38,
                                   -1.0};
  round_trip(polled(1, static_cast<int>(odd.size()), [&](int, int i) { return odd[static_cast<std::size_t>(i)]; }));
  for (const double one : odd) {
    round_trip(polled(3, 40, [&](int, int i) { return i == 20 ? one : i * 0.25; }));
    round_trip(polled(2, 40, [&](int, int) { return one; }));
  }
  std::mt19937_64 random(11);
  round_trip(polled(4, 500, [&](int, int) { return std::bit_cast<double>(random()); }));
}

TEST(ReadingBlock, KeepsTimesAndNumbersInAnyOrder) {
  std::mt19937_64 random(5);
  for (int round = 0; round < 50; ++round) {
    std::vector<BlockReading> readings;
    std::int64_t sequence = 1 + static_cast<std::int64_t>(random() % 1000);
    const auto count = 1 + random() % 300;
    for (std::uint64_t i = 0; i < count; ++i) {
      sequence += 1 + static_cast<std::int64_t>(random() % 3 == 0 ? random() % 100'000 : 0);
      const std::int64_t at = random() % 20 == 0   ? static_cast<std::int64_t>(random())
                              : random() % 20 == 0 ? INT64_MIN + static_cast<std::int64_t>(random() % 2)
                                                   : kStartMs + static_cast<std::int64_t>(random() % 100'000);
      readings.push_back({.sequence = sequence,
                          .series = random() % 9 == 0 ? static_cast<std::int64_t>(random())
                                                      : 1 + static_cast<std::int64_t>(random() % 5),
                          .at_ms = at,
                          .value = static_cast<double>(random() % 1000) / 8,
                          .quality = static_cast<std::int64_t>(random() % 3 == 0 ? random() % 400 : 0)});
    }
    round_trip(readings);
  }
}

TEST(ReadingBlock, SaysWhichSeriesAreInItWithoutTheReadings) {
  BlockCodec codec;
  const auto encoded = codec.encode(polled(2, 5, [](int, int) { return 1.0; }));
  EXPECT_EQ(decode_directory(encoded.directory), (std::vector<BlockSeries>{{7, 5}, {9, 5}}));
}

TEST(ReadingBlock, IsNeverMisreadWhenBytesAreChangedOrCutOff) {
  BlockCodec codec;
  const auto readings = polled(5, 20, [](int point, int round) { return point + round * 0.1; });
  const auto encoded = codec.encode(readings);
  std::mt19937 random(9);
  int refused = 0;
  const auto must_refuse = [&](const std::string& directory, const std::string& body) {
    try {  // zstd's frame has bits that mean nothing
      const auto decoded = codec.decode(directory, body, readings.front().sequence);
      EXPECT_TRUE(std::ranges::equal(
          decoded, readings, {}, [](const auto& r) { return Same(r); }, [](const auto& r) { return Same(r); }));
    } catch (const DamagedRecord&) {
      ++refused;
    }
  };
  for (std::size_t i = 0; i < encoded.body.size(); ++i) {
    std::string body = encoded.body;
    body[i] = static_cast<char>(body[i] ^ static_cast<char>(1U << random() % 8));
    must_refuse(encoded.directory, body);
    must_refuse(encoded.directory, encoded.body.substr(0, i));
  }
  for (std::size_t i = 0; i < encoded.directory.size(); ++i) {
    std::string directory = encoded.directory;
    directory[i] = static_cast<char>(directory[i] ^ static_cast<char>(1U << random() % 8));
    must_refuse(directory, encoded.body);
    EXPECT_THROW(decode_directory(directory), DamagedRecord);
    must_refuse(encoded.directory.substr(0, i), encoded.body);
  }
  const auto other = codec.encode(polled(6, 20, [](int, int) { return 1.0; }));
  must_refuse(other.directory, encoded.body);
  EXPECT_GE(refused, static_cast<int>(2 * encoded.body.size() + 2 * encoded.directory.size()) - 3);
}

TEST(ValueColumn, CodesEachSeriesByItself) {
  const std::vector<double> counter = {100.1, 100.2, 100.3, 100.4, 100.5};
  const std::vector<double> steady(300, 17.0);
  BitWriter out;
  encode_values(counter, out);
  encode_values(steady, out);
  encode_values({}, out);
  const std::string bytes = out.finish();
  EXPECT_LT(bytes.size(), 64u);
  BitReader in(bytes);
  std::vector<double> read(counter.size());
  decode_values(in, read);
  EXPECT_EQ(read, counter);
  read.resize(steady.size());
  decode_values(in, read);
  EXPECT_EQ(read, steady);
  read.resize(200);
  EXPECT_THROW(decode_values(in, read), DamagedRecord) << "there is nothing more";
}

TEST(ValueColumn, TakesLittleForASingleValue) {
  const std::vector<double> values = {231.4,      -17.0,
                                      0.0,        1e9 + 0.5,
                                      1.0 / 3,    static_cast<float>(40.123F),
                                      1e-300,     std::numeric_limits<double>::infinity(),
                                      0.123456789};
  for (const double value : values) {
    BitWriter out;
    encode_values(std::span(&value, 1), out);
    const std::string bytes = out.finish();
    double read = 0;
    BitReader in(bytes);
    decode_values(in, std::span(&read, 1));
    EXPECT_EQ(std::bit_cast<std::uint64_t>(read), std::bit_cast<std::uint64_t>(value)) << value;
  }
  BitWriter out;
  for (int i = 0; i < 100; ++i) encode_values(std::vector{231.4 + i}, out);
  const std::string bytes = out.finish();
  EXPECT_LE(bytes.size(), 310u);
  BitReader in(bytes);
  std::vector<double> two(2);
  EXPECT_THROW(decode_values(in, two), DamagedRecord) << "it is that of one value";
}

}  // namespace
}  // namespace carbongate::store

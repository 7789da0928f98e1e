#include "drivers/json/timestamp.h"

#include <date/date.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <string>

namespace carbongate::json_payload {
namespace {

using namespace std::chrono_literals;
using enum TimeFormat;

std::string utc(const Result<Instant>& at) {
  return at ? date::format("%FT%TZ", *at) : "error: " + at.error();
}

std::string read(std::string_view text, TimeFormat format, const char* zone = nullptr,
                 Instant received = Instant(1'700'000'000s)) {
  return utc(read_time(text, format, zone == nullptr ? nullptr : find_zone(zone), received));
}

bool refused(std::string_view text, TimeFormat format) {
  return read(text, format).starts_with("error: ");
}

TEST(Timestamp, ReadsEpochs) {
  EXPECT_EQ(read("1757059829.08", epoch_s), "2025-09-05T08:10:29.080Z");
  EXPECT_EQ(read("1682952865", epoch_s), "2023-05-01T14:54:25.000Z");
  EXPECT_EQ(read("1650006388943", epoch_ms), "2022-04-15T07:06:28.943Z");
  EXPECT_EQ(read("1451649600512", epoch_ms), "2016-01-01T12:00:00.512Z");
}

TEST(Timestamp, NamesWhatItRefusesWithoutItsControlCharacters) {
  EXPECT_EQ(read("20\x1b[2J\n26", iso8601),
            "error: time '20?[2J?26' is not ISO 8601, such as 2024-07-19T11:04:55+08:00");
}

TEST(Timestamp, ReadsNumbersOfJsonExactly) {
  const auto value = boost::json::parse("1757059829.08");
  EXPECT_EQ(utc(read_time(value, epoch_s, nullptr, {})), "2025-09-05T08:10:29.080Z");
  const auto compact_number = boost::json::parse("20211124101800");
  EXPECT_EQ(utc(read_time(compact_number, compact, nullptr, {})), "2021-11-24T10:18:00.000Z");
  EXPECT_FALSE(read_time(boost::json::parse("true"), epoch_s, nullptr, {}));
  EXPECT_FALSE(read_time(boost::json::parse("2021.5"), compact, nullptr, {}));
}

TEST(Timestamp, KeepsWhatAClockShowsThatWasNeverSet) {
  EXPECT_EQ(read("12", epoch_s), "1970-01-01T00:00:12.000Z");
  EXPECT_EQ(read("1970-01-01T00:00:12", iso8601), "1970-01-01T00:00:12.000Z");
  EXPECT_EQ(read("1650006388", epoch_ms), "1970-01-20T02:20:06.388Z") << "seconds taken for milliseconds";
}

TEST(Timestamp, RefusesAWrongFormat) {
  EXPECT_TRUE(refused("1650006388943", epoch_s)) << "milliseconds taken for seconds";
  EXPECT_TRUE(refused("-1", epoch_s));
  EXPECT_TRUE(refused("1e300", epoch_s));
  EXPECT_TRUE(refused("nan", epoch_s));
  EXPECT_TRUE(refused("inf", epoch_ms));
}

TEST(Timestamp, ReadsIso8601WithAnOffset) {
  EXPECT_EQ(read("2024-07-19T11:04:55+02:00", iso8601), "2024-07-19T09:04:55.000Z");
  EXPECT_EQ(read("2026-05-19T08:20:31.232Z", iso8601), "2026-05-19T08:20:31.232Z");
  EXPECT_EQ(read("2024-07-19T11:04:55.1-0330", iso8601), "2024-07-19T14:34:55.100Z");
  EXPECT_EQ(read("20240719T110455+08", iso8601), "2024-07-19T03:04:55.000Z");
  EXPECT_EQ(read("2024-07-19 11:04:55,123456 +08:00", iso8601), "2024-07-19T03:04:55.123Z");
  EXPECT_EQ(read("2024-07-19T11:04Z", iso8601), "2024-07-19T11:04:00.000Z");
  EXPECT_EQ(read("2024-07-19T24:00:00Z", iso8601), "2024-07-20T00:00:00.000Z");
  EXPECT_EQ(read("2016-12-31T23:59:60Z", iso8601), "2017-01-01T00:00:00.000Z") << "a leap second";
}

TEST(Timestamp, TakesTheDevicesZoneWhereTheTextHasNone) {
  EXPECT_EQ(read("2023-08-21T15:05:31", iso8601), "2023-08-21T15:05:31.000Z");
  EXPECT_EQ(read("2023-08-21T15:05:31", iso8601, "Asia/Shanghai"), "2023-08-21T07:05:31.000Z");
  EXPECT_EQ(read("2023-08-21T15:05:31Z", iso8601, "Asia/Shanghai"), "2023-08-21T15:05:31.000Z");
  EXPECT_EQ(read("20211124101800", compact, "Asia/Shanghai"), "2021-11-24T02:18:00.000Z");
  EXPECT_EQ(read("20211124101800123", compact), "2021-11-24T10:18:00.123Z");
}

TEST(Timestamp, DecidesATwofoldHourByTheArrival) {
  // 2023-10-29 in Berlin: 02:30 is 00:30 UTC, and an hour later 01:30 UTC.
  const Instant first = date::sys_days{date::year{2023} / 10 / 29} + 31min;
  EXPECT_EQ(read("2023-10-29T02:30:00", iso8601, "Europe/Berlin", first), "2023-10-29T00:30:00.000Z");
  EXPECT_EQ(read("2023-10-29T02:30:00", iso8601, "Europe/Berlin", first + 1h), "2023-10-29T01:30:00.000Z");
  // 02:30 on 2023-03-26 does not exist there.
  EXPECT_EQ(read("2023-03-26T02:30:00", iso8601, "Europe/Berlin"), "2023-03-26T01:30:00.000Z");
}

TEST(Timestamp, RefusesWhatIsNoTime) {
  for (const char* bad :
       {"", "2024", "2024-07-19", "2024-07-19T", "2024-13-19T11:04:55Z", "2024-02-30T11:04:55Z", "2024-07-19T25:00:00Z",
        "2024-07-19T11:60:00Z", "2024-07-19T11:04:55+", "2024-07-19T11:04:55Zx", "2024-07-19T11:04:55.Z",
        "2024-07-19T11:04:", "2024-07-19T24:00:01Z", "19.07.2024 11:04"}) {
    EXPECT_TRUE(refused(bad, iso8601)) << bad;
  }
  for (const char* bad : {"", "2021112410180", "202111241018001", "20211324101800", "2021-11-24101800"}) {
    EXPECT_TRUE(refused(bad, compact)) << bad;
  }
}

TEST(Timestamp, KnowsZonesByTheirName) {
  EXPECT_NE(find_zone("Asia/Shanghai"), nullptr);
  EXPECT_EQ(find_zone("Asia/Chengdu"), nullptr);
}

}  // namespace
}  // namespace carbongate::json_payload

#include "gateway/cli/time_text.h"

#include <gtest/gtest.h>

namespace carbongate::cli {
namespace {

using namespace std::chrono_literals;

constexpr Instant kNewYear2023Utc{std::chrono::milliseconds(1'672'531'200'000)};

TEST(TimeText, ReadsADateAsMidnightInTheZone) {
  EXPECT_EQ(parse_time("2023-01-01", "UTC"), kNewYear2023Utc);
  EXPECT_EQ(parse_time("2023-01-01", "Asia/Shanghai"), kNewYear2023Utc - 8h);
}

TEST(TimeText, ReadsTimesWithAndWithoutOffset) {
  EXPECT_EQ(parse_time("2023-01-01T00:15:00Z", "Asia/Shanghai"), kNewYear2023Utc + 15min);
  EXPECT_EQ(parse_time("2023-01-01T08:15:00+08:00", "UTC"), kNewYear2023Utc + 15min);
  EXPECT_EQ(parse_time("2023-01-01T08:15+0800", "UTC"), kNewYear2023Utc + 15min);
  EXPECT_EQ(parse_time("2022-12-31T19:00:00-05", "UTC"), kNewYear2023Utc);
  EXPECT_EQ(parse_time("2023-01-01 08:15:00", "Asia/Shanghai"), kNewYear2023Utc + 15min);
}

TEST(TimeText, KeepsMillisecondsAndCutsWhatIsFiner) {
  EXPECT_EQ(parse_time("2023-01-01T00:00:00.25Z", "UTC"), kNewYear2023Utc + 250ms);
  EXPECT_EQ(parse_time("2023-01-01T00:00:00.0019Z", "UTC"), kNewYear2023Utc + 1ms);
}

TEST(TimeText, ReadsEpochSecondsAndMilliseconds) {
  EXPECT_EQ(parse_time("1672531200", "UTC"), kNewYear2023Utc);
  EXPECT_EQ(parse_time("1672531200250", "UTC"), kNewYear2023Utc + 250ms);
}

TEST(TimeText, TakesTheFirstOfARepeatedHourAndTheJumpForASkippedOne) {
  EXPECT_EQ(parse_time("2023-10-29T02:30", "Europe/Berlin"), parse_time("2023-10-29T02:30+02:00", "UTC"));
  EXPECT_EQ(parse_time("2023-03-26T02:30", "Europe/Berlin"), parse_time("2023-03-26T01:00Z", "UTC"));
}

TEST(TimeText, TakesMidnightAsTheEndOfADay) {
  EXPECT_EQ(parse_time("2022-12-31T24:00:00Z", "UTC"), kNewYear2023Utc);
  EXPECT_FALSE(parse_time("2022-12-31T24:00:01Z", "UTC"));
}

TEST(TimeText, RefusesWhatIsNotATime) {
  for (const char* text : {"", "yesterday", "2023", "2023-13-01", "2023-02-29", "2023-1-1", "2023-01-01T",
                           "2023-01-01T25:00", "2023-01-01T00:60", "2023-01-01T00:00:00+", "2023-01-01T00:00:00+8",
                           "2023-01-01T00:00:00.", "2023-01-01T00:00:00Zulu", "123", "16725312001"}) {
    EXPECT_FALSE(parse_time(text, "UTC")) << text;
  }
}

}  // namespace
}  // namespace carbongate::cli

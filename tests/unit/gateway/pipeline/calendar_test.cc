#include "gateway/pipeline/calendar.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "tests/unit/gateway/pipeline/pipeline_fixture.h"

namespace carbongate::pipeline {
namespace {

using model::Period;
using namespace std::chrono_literals;

Span span(std::string_view begin, std::string_view end) {
  return {utc(begin), utc(end)};
}

TEST(Calendar, DaysOfShanghaiBeginAtFourInTheAfternoonUtc) {
  Calendar calendar("Asia/Shanghai");
  EXPECT_EQ(calendar.period(Period::day, utc("2023-06-01 16:00")), span("2023-06-01 16:00", "2023-06-02 16:00"));
  EXPECT_EQ(calendar.period(Period::day, utc("2023-06-01 15:59:59")), span("2023-05-31 16:00", "2023-06-01 16:00"));
  EXPECT_EQ(calendar.period(Period::month, utc("2023-06-01 12:00")), span("2023-05-31 16:00", "2023-06-30 16:00"));
  EXPECT_EQ(calendar.period(Period::year, utc("2023-12-31 17:00")), span("2023-12-31 16:00", "2024-12-31 16:00"));
}

TEST(Calendar, QuartersOfAYearAreThreeMonths) {
  Calendar calendar("Asia/Shanghai");
  EXPECT_EQ(calendar.quarter_of_year(utc("2024-02-29 12:00")), span("2023-12-31 16:00", "2024-03-31 16:00"));
  EXPECT_EQ(calendar.quarter_of_year(utc("2024-03-31 16:00")), span("2024-03-31 16:00", "2024-06-30 16:00"));
  EXPECT_EQ(calendar.quarter_of_year(utc("2024-09-30 15:59:59")), span("2024-06-30 16:00", "2024-09-30 16:00"));
  EXPECT_EQ(calendar.quarter_of_year(utc("2024-12-31 15:59:59")), span("2024-09-30 16:00", "2024-12-31 16:00"));
}

TEST(Calendar, APeriodContainsItsBeginAndNotItsEnd) {
  Calendar calendar("UTC");
  EXPECT_EQ(calendar.period(Period::quarter_hour, utc("2023-06-01 12:15")),
            span("2023-06-01 12:15", "2023-06-01 12:30"));
  EXPECT_EQ(calendar.period(Period::quarter_hour, utc("2023-06-01 12:15") - 1ms),
            span("2023-06-01 12:00", "2023-06-01 12:15"));
  EXPECT_EQ(calendar.period(Period::hour, utc("2023-06-01 12:15")), span("2023-06-01 12:00", "2023-06-01 13:00"));
}

TEST(Calendar, FebruaryOfALeapYearHas29Days) {
  Calendar calendar("UTC");
  EXPECT_EQ(calendar.period(Period::month, utc("2024-02-29 12:00")), span("2024-02-01 00:00", "2024-03-01 00:00"));
}

TEST(Calendar, WorksBefore1970) {
  Calendar calendar("UTC");
  EXPECT_EQ(calendar.period(Period::quarter_hour, utc("1969-12-31 23:50")),
            span("1969-12-31 23:45", "1970-01-01 00:00"));
  EXPECT_EQ(calendar.period(Period::day, utc("1969-12-31 23:50")), span("1969-12-31 00:00", "1970-01-01 00:00"));
}

TEST(Calendar, TheDayThatSpringsForwardHas23Hours) {
  Calendar calendar("Europe/Berlin");
  EXPECT_EQ(calendar.period(Period::day, utc("2023-03-26 12:00")), span("2023-03-25 23:00", "2023-03-26 22:00"));
}

TEST(Calendar, TheDayThatFallsBackHas25Hours) {
  Calendar calendar("Europe/Berlin");
  EXPECT_EQ(calendar.period(Period::day, utc("2023-10-29 12:00")), span("2023-10-28 22:00", "2023-10-29 23:00"));
  // 02:00 to 03:00 comes twice: two hours of their own.
  EXPECT_EQ(calendar.period(Period::hour, utc("2023-10-29 00:30")), span("2023-10-29 00:00", "2023-10-29 01:00"));
  EXPECT_EQ(calendar.period(Period::hour, utc("2023-10-29 01:30")), span("2023-10-29 01:00", "2023-10-29 02:00"));
}

TEST(Calendar, QuarterHoursAndHoursFollowTheClockOnTheWall) {
  Calendar kathmandu("Asia/Kathmandu");  // +05:45
  EXPECT_EQ(kathmandu.period(Period::hour, utc("2023-06-01 12:00")), span("2023-06-01 11:15", "2023-06-01 12:15"));
  EXPECT_EQ(kathmandu.period(Period::quarter_hour, utc("2023-06-01 12:00")),
            span("2023-06-01 12:00", "2023-06-01 12:15"));
}

TEST(Calendar, AnHourIsCutWhereTheClockJumpsByHalfAnHour) {
  Calendar calendar("Australia/Lord_Howe");  // 2023-04-01 15:00 UTC: +11:00 -> +10:30, 02:00 -> 01:30
  EXPECT_EQ(calendar.period(Period::hour, utc("2023-04-01 14:30")), span("2023-04-01 14:00", "2023-04-01 15:00"));
  EXPECT_EQ(calendar.period(Period::hour, utc("2023-04-01 15:10")), span("2023-04-01 15:00", "2023-04-01 15:30"));
}

TEST(Calendar, MidnightMayNotExistOrComeTwice) {
  Calendar beirut("Asia/Beirut");  // 2022-03-27 00:00 -> 01:00
  EXPECT_EQ(beirut.period(Period::day, utc("2022-03-27 12:00")), span("2022-03-26 22:00", "2022-03-27 21:00"));
  Calendar st_johns("America/St_Johns");  // 2010-11-07 00:01 -> 2010-11-06 23:01
  const Instant second_half_past_eleven = utc("2010-11-07 03:00");
  const Span day = st_johns.period(Period::day, second_half_past_eleven);
  EXPECT_TRUE(day.contains(second_half_past_eleven));
  EXPECT_EQ(st_johns.period(Period::day, day.begin - 1ms).end, day.begin);
}

// Walks through years of quarter hours: no gap, no overlap, each within one period of every longer kind.
class EveryZone : public ::testing::TestWithParam<const char*> {};

TEST_P(EveryZone, PeriodsTileTheTimeLineAndNest) {
  Calendar calendar(GetParam());
  Instant at = utc("2022-12-20 00:00");
  Span quarter = calendar.period(Period::quarter_hour, at);
  while (quarter.end < utc("2024-01-05 00:00")) {
    const Span next = calendar.period(Period::quarter_hour, quarter.end);
    ASSERT_EQ(next.begin, quarter.end);
    ASSERT_GT(next.end, next.begin);
    ASSERT_LE(next.end - next.begin, 15min);
    Span inner = next;
    for (const Period period : {Period::hour, Period::day, Period::month, Period::year}) {
      const Span outer = calendar.period(period, next.begin);
      ASSERT_LE(outer.begin, inner.begin) << to_string(period);
      ASSERT_GE(outer.end, inner.end) << to_string(period);
      ASSERT_EQ(calendar.period(period, inner.end - 1ms), outer);
      inner = outer;
    }
    quarter = next;
  }
}

INSTANTIATE_TEST_SUITE_P(Zones, EveryZone,
                         ::testing::Values("UTC", "Asia/Shanghai", "Europe/Berlin", "America/New_York",
                                           "Asia/Kathmandu", "Australia/Lord_Howe", "America/St_Johns",
                                           "Pacific/Chatham", "Asia/Beirut", "Africa/Casablanca"));

TEST(Calendar, BeginOfDayIsLocalMidnight) {
  EXPECT_EQ(Calendar("Asia/Shanghai").begin_of_day(2023, 1, 1), utc("2022-12-31 16:00"));
  EXPECT_EQ(Calendar("America/New_York").begin_of_day(2023, 7, 1), utc("2023-07-01 04:00"));
}

TEST(Calendar, AnUnknownZoneIsRefused) {
  EXPECT_TRUE(Calendar::knows("Asia/Shanghai"));
  EXPECT_FALSE(Calendar::knows("Asia/Guangyuan"));
  EXPECT_FALSE(Calendar::knows(""));
  EXPECT_THROW(Calendar("Mars/Olympus"), std::invalid_argument);
}

}  // namespace
}  // namespace carbongate::pipeline

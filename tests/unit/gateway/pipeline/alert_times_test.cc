#include "gateway/pipeline/alert_times.h"

#include <gtest/gtest.h>

#include "tests/unit/gateway/pipeline/pipeline_fixture.h"

namespace carbongate::pipeline {
namespace {

using model::Active;
using namespace std::chrono_literals;

TEST(AlertTimes, AreThoseOfTheSitesZone) {
  Calendar shanghai("Asia/Shanghai");
  const std::optional<Active> work = Active{.weekdays = 0x1f, .begin = 8h, .end = 18h, .dates = {}};
  EXPECT_FALSE(is_active(work, shanghai, utc("2023-05-31 23:59:59")));
  EXPECT_TRUE(is_active(work, shanghai, utc("2023-06-01 00:00"))) << "Thursday, 8 o'clock";
  EXPECT_TRUE(is_active(work, shanghai, utc("2023-06-01 09:59:59")));
  EXPECT_FALSE(is_active(work, shanghai, utc("2023-06-01 10:00")));
  EXPECT_FALSE(is_active(work, shanghai, utc("2023-06-02 16:00"))) << "Saturday";
  EXPECT_TRUE(is_active(std::nullopt, shanghai, utc("2023-06-02 16:00")));
}

TEST(AlertTimes, GoOnAfterMidnight) {
  Calendar zone("UTC");
  const std::optional<Active> night = Active{.weekdays = 0x10, .begin = 22h, .end = 6h, .dates = {}};  // of Friday
  EXPECT_FALSE(is_active(night, zone, utc("2023-06-02 05:00"))) << "that is Thursday's night";
  EXPECT_TRUE(is_active(night, zone, utc("2023-06-02 22:00")));
  EXPECT_TRUE(is_active(night, zone, utc("2023-06-03 05:59")));
  EXPECT_FALSE(is_active(night, zone, utc("2023-06-03 06:00")));
}

TEST(AlertTimes, TurnTheYear) {
  Calendar zone("UTC");
  const std::optional<Active> heating = Active{.weekdays = 0x7f, .begin = 0h, .end = 24h, .dates = {{1115, 315}}};
  EXPECT_FALSE(is_active(heating, zone, utc("2023-11-14 23:59")));
  EXPECT_TRUE(is_active(heating, zone, utc("2023-11-15 00:00")));
  EXPECT_TRUE(is_active(heating, zone, utc("2024-03-15 23:59")));
  EXPECT_FALSE(is_active(heating, zone, utc("2024-03-16 00:00")));
  const Span next{utc("2024-11-15 00:00"), utc("2025-03-16 00:00")};
  EXPECT_EQ(active_hours(heating, zone, utc("2024-03-16 00:00")), next);
  EXPECT_EQ(active_hours(heating, zone, utc("2024-11-14 23:59")), next);
  const auto present = active_hours(heating, zone, utc("2024-01-01 12:00"));
  EXPECT_TRUE(present && present->contains(utc("2024-01-01 12:00")));
  EXPECT_EQ(present->end, utc("2024-03-16 00:00")) << "days without a break are one";
}

TEST(AlertTimes, NeverComeOfNoDay) {
  Calendar zone("UTC");
  EXPECT_EQ(active_hours(Active{.weekdays = 0, .begin = 0h, .end = 24h, .dates = {}}, zone, utc("2024-01-01 00:00")),
            std::nullopt);
  const auto always =
      active_hours(Active{.weekdays = 0x7f, .begin = 0h, .end = 24h, .dates = {}}, zone, utc("2024-01-01 00:00"));
  EXPECT_EQ(always->end, Instant::max());
}

TEST(AlertTimes, AreThoseOfTheClockOnTheWallWhenItIsSet) {
  Calendar berlin("Europe/Berlin");
  const std::optional<Active> work = Active{.weekdays = 0x7f, .begin = 8h, .end = 18h, .dates = {}};
  const Span summer{utc("2023-03-26 06:00"), utc("2023-03-26 16:00")};
  EXPECT_EQ(active_hours(work, berlin, utc("2023-03-26 00:30")), summer) << "asked before it jumps";
  const Span winter{utc("2023-10-29 07:00"), utc("2023-10-29 17:00")};
  EXPECT_EQ(active_hours(work, berlin, utc("2023-10-28 23:30")), winter);
  const std::optional<Active> night = Active{.weekdays = 0x7f, .begin = 150min, .end = 165min, .dates = {}};
  EXPECT_EQ(active_hours(night, berlin, utc("2023-03-26 00:50")),
            (Span{utc("2023-03-27 00:30"), utc("2023-03-27 00:45")}))
      << "02:30 is not shown on that day";
}

TEST(AlertTimes, FindTheEndOfWorkThatFollowsOnWork) {
  model::Watch watch;
  watch.rule = "overload";
  watch.device = "press";
  const std::vector<model::Maintenance> work{
      {.from = utc("2023-06-01 13:00"), .to = utc("2023-06-01 14:00"), .rules = {}, .devices = {"press"}, .users = {}},
      {.from = utc("2023-06-01 12:00"),
       .to = utc("2023-06-01 13:00"),
       .rules = {"overload"},
       .devices = {},
       .users = {}},
      {.from = utc("2023-06-01 12:00"), .to = utc("2023-06-01 23:00"), .rules = {}, .devices = {"hall"}, .users = {}},
      {.from = utc("2023-06-01 12:00"),
       .to = utc("2023-06-01 23:00"),
       .rules = {"silent"},
       .devices = {},
       .users = {}}};
  EXPECT_EQ(after_work(work, watch, utc("2023-06-01 12:30")), utc("2023-06-01 14:00"));
  EXPECT_EQ(after_work(work, watch, utc("2023-06-01 14:00")), utc("2023-06-01 14:00"));
  EXPECT_EQ(after_work(work, watch, utc("2023-06-01 11:59")), utc("2023-06-01 11:59"));
}

}  // namespace
}  // namespace carbongate::pipeline

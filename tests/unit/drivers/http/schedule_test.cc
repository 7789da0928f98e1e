#include "drivers/http/schedule.h"

#include <gtest/gtest.h>

#include <set>

namespace carbongate::http_driver {
namespace {

using namespace std::chrono_literals;

constexpr Instant kDay{std::chrono::days(20'000)};

TEST(HttpSchedule, StandsAlittleBehindMultiplesOfTheInterval) {
  std::set<Duration> places;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Schedule schedule(5min, seed);
    EXPECT_LE(schedule.behind(), 30s);
    EXPECT_LE(schedule.at_start(), 1s);
    places.insert(schedule.behind());
    const Schedule::Next next = schedule.after_answer(kDay + 2min, 100ms);
    EXPECT_EQ(next.wait, 3min + schedule.behind());
    EXPECT_EQ(next.skipped, 0u);
  }
  EXPECT_GT(places.size(), 10u) << "gateways that ask one server do not ask in step";
}

TEST(HttpSchedule, AsksOnceAPlaceThoughTheClockIsSetBackALittle) {
  Schedule schedule(1min, 1);
  const Instant place = kDay + schedule.behind();
  EXPECT_EQ(schedule.after_answer(place - 200ms + 50ms, 50ms).wait, 1min + 150ms);
  EXPECT_EQ(schedule.after_answer(place, 0ms).wait, 1min);
}

TEST(HttpSchedule, LeavesOutWhatPassedDuringALongPoll) {
  Schedule schedule(10s, 1);
  const Schedule::Next next = schedule.after_answer(kDay + schedule.behind() + 32s, 32s);
  EXPECT_EQ(next.wait, 8s);
  EXPECT_EQ(next.skipped, 3u);
}

TEST(HttpSchedule, ComesBackSoonAfterTroubleAndSlowerAndSlower) {
  Schedule schedule(1h, 1);
  Duration before{};
  for (int i = 0; i < 20; ++i) {
    const Duration wait = schedule.after_trouble(kDay, 0ms, false, std::nullopt).wait;
    if (i == 0) EXPECT_LE(wait, 10s);
    EXPECT_GE(wait, 5s);
    EXPECT_LE(wait, 5min);
    before = wait;
  }
  EXPECT_GE(before, 150s);
  schedule.after_answer(kDay, 0ms);
  EXPECT_LE(schedule.after_trouble(kDay, 0ms, false, std::nullopt).wait, 10s) << "an answer begins anew";
}

TEST(HttpSchedule, NeverAsksFasterThanTheIntervalForTrouble) {
  Schedule schedule(1s, 1);
  for (int i = 0; i < 20; ++i) {
    const Duration wait = schedule.after_trouble(kDay, 0ms, false, std::nullopt).wait;
    EXPECT_GE(wait, 500ms);
    EXPECT_LE(wait, 1min);
  }
}

TEST(HttpSchedule, WaitsForItsPlaceWhereAskingAgainDoesNotHelp) {
  Schedule schedule(1h, 1);
  EXPECT_EQ(schedule.after_trouble(kDay + schedule.behind() + 10min, 0ms, true, std::nullopt).wait, 50min);
  Schedule daily(24h, 1);
  EXPECT_EQ(daily.after_trouble(kDay + daily.behind(), 0ms, true, std::nullopt).wait, 1h) << "a day is not lost";
}

TEST(HttpSchedule, LeavesAServerAloneForAsLongAsItSays) {
  Schedule schedule(10s, 1);
  EXPECT_EQ(schedule.after_trouble(kDay, 0ms, false, 10min).wait, 10min);
  EXPECT_GE(schedule.after_trouble(kDay, 0ms, false, 0ms).wait, 5s);
}

}  // namespace
}  // namespace carbongate::http_driver

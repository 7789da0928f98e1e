#include "gateway/explain/readings.h"

#include <gtest/gtest.h>

#include <cmath>

namespace carbongate::explain {
namespace {

using namespace std::chrono_literals;

const Instant kStart = Instant(std::chrono::sys_days(std::chrono::year(2026) / 3 / 1));

Point counter() {
  Point point{.id = {}, .device = "m", .name = "e", .kind = Kind::cumulative, .unit = *find_unit("kWh"), .limits = {}};
  point.limits.interval = 1min;
  return point;
}

StoredReading at(Duration time, double value, std::uint64_t sequence = 1) {
  return {.at = kStart + time, .sequence = sequence, .value = value, .quality = {}};
}

TEST(CountAgain, CutsWhatACounterMovedAtTheEdgesOfTheInterval) {
  const std::vector<StoredReading> readings{at(0min, 100), at(10min, 110), at(20min, 130), at(40min, 140)};
  const auto counted =
      count_again(readings, counter(), *model::find_carrier("electricity"), 5min, kStart + 15min, kStart + 30min);
  ASSERT_TRUE(counted);
  EXPECT_EQ(counted->by_reading[1].counted.quanta(), 0);
  EXPECT_EQ(counted->by_reading[2].whole.quanta(), 20'000'000);
  EXPECT_EQ(counted->by_reading[2].since, kStart + 10min);
  EXPECT_EQ(counted->by_reading[2].counted.quanta(), 10'000'000);
  EXPECT_EQ(counted->by_reading[3].counted.quanta(), 5'000'000);
  EXPECT_EQ(counted->sum.quanta(), 15'000'000);
}

TEST(CountAgain, LeavesOutWhatWasRejectedOrNotBelieved) {
  std::vector<StoredReading> readings{at(0min, 100), at(1min, std::nan("")), at(2min, 900), at(3min, 101)};
  readings[2].quality = {model::Origin::missing, model::Rule::future};
  const auto counted =
      count_again(readings, counter(), *model::find_carrier("electricity"), 5min, kStart, kStart + 15min);
  ASSERT_TRUE(counted);
  EXPECT_EQ(counted->sum.quanta(), 1'000'000);
  EXPECT_FALSE(counted->by_reading[1].since);
  EXPECT_FALSE(counted->by_reading[2].since);
  EXPECT_EQ(counted->by_reading[3].unwatched_from, kStart + 1min);
}

TEST(CountAgain, KnowsWhichTermsOfASumWereRejected) {
  Point sum = counter();
  sum.kind = Kind::interval;
  const std::vector<StoredReading> readings{at(0min, 1), at(1min, 1), at(3min, 1), at(4min, 1)};
  const auto counted = count_again(readings, sum, *model::find_carrier("electricity"), 5min, kStart, kStart + 15min,
                                   pipeline::EnergyMeter::Amounts::without_gaps, std::vector{kStart + 2min});
  ASSERT_TRUE(counted);
  EXPECT_FALSE(counted->by_reading[1].unwatched_from);
  EXPECT_EQ(counted->by_reading[2].unwatched_from, kStart + 2min);
  EXPECT_FALSE(counted->by_reading[3].unwatched_from);
}

TEST(CountAgain, SaysHowLongAValueStoodUntilTheNextWasRejected) {
  Point rate = counter();
  rate.kind = Kind::instantaneous;
  rate.unit = *find_unit("kW");
  const std::vector<StoredReading> readings{at(0min, 60), at(1min, 60), at(2min, std::nan("")), at(30min, 60),
                                            at(31min, 60)};
  const auto counted = count_again(readings, rate, *model::find_carrier("electricity"), 5min, kStart, kStart + 15min);
  ASSERT_TRUE(counted);
  EXPECT_FALSE(counted->by_reading[1].held_until);
  EXPECT_EQ(counted->by_reading[3].since, kStart + 1min);
  EXPECT_EQ(counted->by_reading[3].held_until, kStart + 2min);
  EXPECT_EQ(counted->by_reading[3].counted.quanta(), 1'000'000);
  EXPECT_FALSE(counted->by_reading[4].held_until);
  EXPECT_EQ(counted->sum.quanta(), 2'000'000);
}

TEST(CountAgain, CountsNothingInAUnitThatDoesNotFit) {
  Point point = counter();
  point.unit = *find_unit("V");
  EXPECT_FALSE(count_again({}, point, *model::find_carrier("electricity"), 5min, kStart, kStart + 15min));
}

}  // namespace
}  // namespace carbongate::explain

// Wrong values that the connection could deliver: believed, and withdrawn once the counter goes on from where it was.
#include <gtest/gtest.h>

#include <vector>

#include "gateway/pipeline/counter.h"
#include "tests/unit/gateway/pipeline/pipeline_fixture.h"
#include "tests/unit/gateway/pipeline/register_fixture.h"

namespace carbongate::pipeline {
namespace {

using model::Activity;
using model::Origin;
using model::Quality;
using model::Rule;
using namespace std::chrono_literals;

// 100 kW, read every minute for as long as a doubt lasts and longer.
Point by_minutes() {
  Point point = a_point();
  point.limits.interval = 1min;
  point.limits.count = 0.001;
  return point;
}

// Shows what `value` says of each minute after the first; what was withdrawn.
template <class Value>
std::vector<Withdrawn> show(Register& meter, int first, int last, Value value) {
  std::vector<Withdrawn> withdrawn;
  for (int minute = first; minute <= last; ++minute) {
    const Counted counted = meter.at(minute * 1min, value(minute));
    withdrawn.insert(withdrawn.end(), counted.withdrawn.begin(), counted.withdrawn.end());
  }
  return withdrawn;
}

// 1 kWh an hour; at 2 minutes 1.5 kWh more than there is.
double slowly(int minute) {
  return 1'000.0 + minute / 60.0 + (minute == 2 ? 1.5 : 0.0);
}

TEST(CounterWithdrawn, AWrongValueIsFoundOnceTheCounterWentOnFromBeforeItForAnHour) {
  Register meter(by_minutes());
  EXPECT_TRUE(show(meter, 0, 61, slowly).empty());
  EXPECT_EQ(meter.state.counter.pending->second, RegisterValue::at(Activity::of(1'001'016'667)));
  const Counted counted = meter.at(62min, slowly(62));
  EXPECT_EQ(counted.quality, (Quality{Origin::measured, Rule::glitch}));
  ASSERT_EQ(counted.withdrawn.size(), 1u);
  const Withdrawn& wrong = counted.withdrawn.front();
  EXPECT_EQ(wrong.from, kStart + 1min);
  EXPECT_EQ(wrong.first, kStart + 2min);
  EXPECT_EQ(wrong.last, kStart + 2min);
  EXPECT_NEAR(static_cast<double>(wrong.surplus.quanta()), 1.5e6, 10);
  ASSERT_EQ(counted.movements.size(), 1u);
  EXPECT_EQ(counted.movements[0].begin, kStart + 2min) << "what lies before is for restatement";
  EXPECT_NEAR(static_cast<double>((meter.total - wrong.surplus).quanta()), 62e6 / 60, 2);
  EXPECT_EQ(meter.state.counter.unbooked, Activity{});

  // As if it had never been shown.
  Register without(by_minutes());
  show(without, 0, 1, slowly);
  show(without, 3, 62, slowly);
  EXPECT_TRUE(same_course(meter.state.counter, without.state.counter));
  EXPECT_TRUE(show(meter, 63, 70, slowly).empty());
  EXPECT_NEAR(static_cast<double>((meter.total - wrong.surplus).quanta()), 70e6 / 60, 2);
}

TEST(CounterWithdrawn, AlsoWhereItStandsStillAtThatVeryValue) {
  Register meter(by_minutes());
  const auto still = [](int minute) { return minute == 3 ? 1'001.5 : 1'000.0 + 0.01 * std::min(minute, 2); };
  const auto withdrawn = show(meter, 0, 90, still);
  ASSERT_EQ(withdrawn.size(), 1u);
  EXPECT_EQ(meter.total - withdrawn[0].surplus, Activity::of(20'000));
  EXPECT_TRUE(show(meter, 91, 200, [](int minute) { return 1'000.02 + 0.02 * (minute - 90); }).empty());
  EXPECT_EQ(meter.total - withdrawn[0].surplus, Activity::of(2'220'000));
}

TEST(CounterWithdrawn, WhatTheConnectionCannotUndoSoFastIsFoundAsAnotherCourse) {
  Register meter(by_minutes());
  const auto show_from = [&](int first) {
    return show(meter, first, first + 70, [](int m) { return 1'000.0 + m / 60.0; });
  };
  meter.at(0min, 1'000.0);
  meter.at(1min, 1'000.016);
  meter.at(31min, 1'040.0);  // half an hour later: up to 55 kWh
  const auto withdrawn = show_from(32);
  ASSERT_EQ(withdrawn.size(), 1u);
  EXPECT_EQ(withdrawn[0].first, kStart + 31min);
  EXPECT_NEAR(static_cast<double>((meter.total - withdrawn[0].surplus).quanta()), 102e6 / 60, 2);
}

TEST(CounterWithdrawn, WhatPassesTheWrongValueInTimeIsRightByItself) {
  Register meter(by_minutes());
  const auto faster = [](int minute) { return 1'000.0 + 0.5 * minute + (minute == 2 ? 1.0 : 0.0); };
  EXPECT_TRUE(show(meter, 0, 90, faster).empty());
  EXPECT_EQ(meter.total, Activity::of(45'000'000));
}

TEST(CounterWithdrawn, AValueThatIsALittleTooLowIsAGlitchAsEver) {
  Register meter(by_minutes());
  const auto low = [](int minute) { return 1'000.0 + minute / 60.0 - (minute == 2 ? 1.5 : 0.0); };
  EXPECT_TRUE(show(meter, 0, 90, low).empty());
  EXPECT_EQ(meter.total, Activity::of(1'500'000));
}

TEST(CounterWithdrawn, OneThatRunsBackwardsKeepsWhatItCounted) {
  const auto up_and_down = [](int minute) {
    return 1'000.0 + 0.5 * std::min(minute, 20) - 0.4 * std::max(minute - 20, 0);
  };
  Register meter(by_minutes());
  EXPECT_TRUE(show(meter, 0, 60, up_and_down).empty());
  EXPECT_EQ(meter.total, Activity::of(10 * kKwh));
  EXPECT_EQ(meter.state.counter.unbooked, Activity::of(16 * kKwh));

  // One count of a coarse register, and it stands.
  Point coarse = by_minutes();
  coarse.limits.count = 1;
  Register counts(coarse);
  EXPECT_TRUE(show(counts, 0, 90, [](int minute) { return minute < 5 ? 56.0 : minute < 10 ? 57.0 : 56.0; }).empty());
  EXPECT_EQ(counts.total, Activity::of(kKwh));
  EXPECT_EQ(counts.state.counter.unbooked, Activity::of(kKwh));
}

TEST(CounterWithdrawn, AMeterThatBeginsBetweenTheLastTwoValuesOfTheOldOneGoesOnAsFast) {
  Register meter(by_minutes());
  const auto exchanged = [](int minute) { return 1'000.0 + 1.5 * minute - (minute > 10 ? 2.0 : 0.0); };
  EXPECT_TRUE(show(meter, 0, 90, exchanged).empty());
  EXPECT_EQ(meter.total, Activity::of(133 * kKwh)) << "what no reading can tell stays as it is";
}

TEST(CounterWithdrawn, AResetOfANewMeterIsNone) {
  Register meter(by_minutes());
  meter.at(0min, 0.0);
  meter.at(1min, 1.5);
  EXPECT_TRUE(show(meter, 2, 90, [](int minute) { return 0.001 * minute; }).empty());
  EXPECT_GE(meter.total, Activity::of(1'500'000));
}

TEST(CounterWithdrawn, AValueThatWasShownForLongWasNotWrong) {
  Register meter(by_minutes());
  const auto long_shown = [](int minute) {
    return 1'000.0 + 0.001 * minute + (minute >= 10 && minute < 100 ? 1.5 : 0.0);
  };
  const auto standing = [&](int minute) { return minute >= 10 && minute < 100 ? 1'001.51 : long_shown(minute); };
  EXPECT_TRUE(show(meter, 0, 165, standing).empty());
}

TEST(CounterWithdrawn, ALateReadingBetweenIsWhereTheCounterWas) {
  Register meter(by_minutes());
  meter.at(0min, 1'000.0);
  meter.at(2min, 1'000.0 + 2 / 60.0);
  meter.at(4min, 1'001.5);
  meter.at(3min, 1'000.0 + 3 / 60.0);
  EXPECT_EQ(meter.state.counter.before->first, kStart + 3min);
}

}  // namespace
}  // namespace carbongate::pipeline

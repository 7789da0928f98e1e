// Counters that leap by what the connection cannot deliver, and stand still there: time that goes by explains nothing.
#include <gtest/gtest.h>

#include <cmath>

#include "tests/unit/gateway/pipeline/register_fixture.h"

namespace carbongate::pipeline {
namespace {

using model::Activity;
using model::Origin;
using model::Quality;
using model::Rule;

constexpr Quality kPending{Origin::estimated, Rule::pending};

Point of_two_megawatts(Duration interval) {
  Point point = a_point();
  point.limits.interval = interval;
  point.limits.power_max_w = 2e6;
  return point;
}

// 5 kWh a minute for two hours; from there on it shows `leap` more.
Register leapt(const Point& point, double leap) {
  Register meter(point);
  for (Duration t{}; t <= 2h; t += point.limits.interval) meter.at(t, 1'000 + 5 * static_cast<double>(t / 1min));
  EXPECT_EQ(meter.at(2h + point.limits.interval, 1'600 + leap).quality, kPending) << leap;
  return meter;
}

TEST(CounterStanding, AMeterThatIsExchangedAtAStopIsNotBookedByTheTimeThatGoesBy) {
  for (const Duration interval : {1min, 5min, 15min}) {
    for (const double leap : {570.0, 1'010.0, 2'030.0, 5'030.0}) {
      for (const int standing : {1, 5, 11, 12, 30, 100, 500}) {
        Register meter = leapt(of_two_megawatts(interval), leap);
        Duration t = 2h + interval;
        for (int i = 0; i < standing; ++i) {
          meter.at(t += interval, 1'600 + leap);
          EXPECT_EQ(meter.total, Activity::of(600 * kKwh)) << leap << " standing for " << i;
        }
        const bool is_believed = (standing + 1) * interval >= std::max<Duration>(1h, 12 * interval);
        EXPECT_EQ(pending(meter.state.counter).has_value(), !is_believed) << leap << " after " << standing;
        for (int i = 1; i <= 12; ++i) meter.at(t += interval, 1'600 + leap + 7 * i);
        EXPECT_EQ(meter.total, Activity::of((600 + 84) * kKwh)) << leap << " after " << standing;
        EXPECT_FALSE(meter.state.counter.pending) << leap << " after " << standing;
      }
    }
  }
}

// 1600 and 1700 alone are of a register that counts by hundreds; it was seen to count by fives.
TEST(CounterStanding, WhatItWasSeenToCountAtOnceIsNoCoarserForTwoRoundNumbers) {
  for (const double leap : {50.0, 100.0, 400.0, 1'600.0}) {
    Register meter = leapt(of_two_megawatts(1min), leap);
    Duration t = 2h + 1min;
    for (int i = 0; i < 90; ++i) meter.at(t += 1min, 1'600 + leap);
    EXPECT_EQ(meter.total, Activity::of(600 * kKwh)) << leap;
    for (int i = 1; i <= 12; ++i) meter.at(t += 1min, 1'600 + leap + 5 * i);
    EXPECT_EQ(meter.total, Activity::of(660 * kKwh)) << leap;
  }
}

// At 93 % of 2 MW, refreshed a beat late: twice nothing and then the double.
TEST(CounterStanding, AMeterThatIsRefreshedLateTwiceRunningIsCounted) {
  for (const Duration interval : {1min, 5min, 15min}) {
    const double step = 31.0 * static_cast<double>(interval / 1min);
    for (const int times : {1, 2, 3}) {
      Register meter(of_two_megawatts(interval));
      double shown = 10'000;
      Duration t{};
      const auto show = [&](double more) { meter.at(t += interval, shown += more); };
      meter.at(t, shown);
      for (int i = 0; i < 40; ++i) show(step);
      for (int i = 0; i < times; ++i) {
        show(0);
        show(2 * step);
      }
      for (int i = 0; i < 60; ++i) show(step);
      EXPECT_EQ(meter.total, Activity::of((static_cast<std::int64_t>(shown) - 10'000) * kKwh))
          << times << " of " << interval / 1min << " min";
      EXPECT_FALSE(meter.state.counter.pending);
    }
  }
}

// 1 kWh at once, 50 kW: two of them after a minute at rest are one that was hidden and one that flowed.
TEST(CounterStanding, ACoarseRegisterHidesACount) {
  Point point = of_two_megawatts(1min);
  point.limits.power_max_w = 5e4;
  Register meter(point);
  double shown = 10'000;
  Duration t{};
  meter.at(t, shown);
  for (int i = 0; i < 40; ++i) {
    meter.at(t += 1min, shown += 1);
    meter.at(t += 1min, shown);
  }
  for (const double more : {2.0, 0.0, 0.0}) meter.at(t += 1min, shown += more);
  for (int i = 0; i < 30; ++i) {
    meter.at(t += 1min, shown += 1);
    meter.at(t += 1min, shown);
  }
  EXPECT_EQ(meter.total, Activity::of((40 + 2 + 30) * kKwh));
  EXPECT_FALSE(meter.state.counter.pending);
}

// 24 kWh a minute, of 33 that 2 MW deliver; once the meter is a minute ahead.
TEST(CounterStanding, AMeterThatIsAheadByAReadingIsCounted) {
  for (const double early : {44.0, 48.0, 60.0}) {
    for (const double then : {0.0, 4.0}) {
      Register meter(of_two_megawatts(1min));
      for (int i = 0; i <= 60; ++i) meter.at(i * 1min, 1'000 + 24 * i);
      double shown = 1'000 + 24 * 60;
      meter.at(61min, shown += early);
      meter.at(62min, shown += then);
      for (int i = 63; i <= 90; ++i) meter.at(i * 1min, shown += 24);
      EXPECT_EQ(meter.total, Activity::of((static_cast<std::int64_t>(shown) - 1'000) * kKwh)) << early << ", " << then;
      EXPECT_FALSE(meter.state.counter.pending);
    }
  }
}

TEST(CounterStanding, ARegisterThatCountsByHundredsMovesByOne) {
  Register meter(of_two_megawatts(1min));
  for (int i = 0; i < 60; ++i) meter.at(i * 1min, 1'000 + 100 * (i / 20));
  EXPECT_EQ(meter.total, Activity::of(200 * kKwh));
  EXPECT_EQ(meter.at(1h, 1'300).quality.origin, Origin::measured);
}

// From 2^24 on it shows every other kWh, more than 20 kW deliver within a minute.
TEST(CounterStanding, A32BitFloatCountsCoarserAsItGrows) {
  Point point = of_two_megawatts(1min);
  point.limits.power_max_w = 2e4;
  Register meter(point);
  const double first = (1 << 24) - 20;
  for (int i = 0; i <= 600; ++i) {
    const auto shown = static_cast<float>(first + std::floor(i / 10.0));
    EXPECT_EQ(meter.at(i * 1min, static_cast<double>(shown)).quality.origin, Origin::measured) << i;
  }
  EXPECT_EQ(meter.total, Activity::of(60 * kKwh));
}

TEST(CounterStanding, AWrongValueThatFreezesAndReturnsIsAGlitch) {
  for (const bool flows_on : {false, true}) {
    for (const double leap : {530.0, 2'030.0, 5'030.0}) {
      for (const int frozen : {2, 15, 30, 59, 60, 90, 100}) {
        Register meter = leapt(of_two_megawatts(1min), leap);
        Duration t = 2h + 1min;
        for (int i = 1; i < frozen; ++i) meter.at(t += 1min, 1'600 + leap);
        double value = flows_on ? 1'600 + 5 * frozen : 1'600;
        for (int i = 0; i < 30; ++i) meter.at(t += 1min, value += 5);
        EXPECT_EQ(meter.total, Activity::of((static_cast<std::int64_t>(value) - 1'000) * kKwh))
            << leap << " frozen for " << frozen;
        EXPECT_FALSE(meter.state.counter.pending);
      }
    }
  }
}

TEST(CounterStanding, WithoutPowerMaxItIsNotBookedByTheTimeThatGoesByEither) {
  Point point = of_two_megawatts(1min);
  point.limits.power_max_w.reset();
  Register meter = leapt(point, 2'030);
  Duration t = 2h + 1min;
  for (int i = 0; i < 40; ++i) meter.at(t += 1min, 3'630);
  EXPECT_EQ(meter.total, Activity::of(600 * kKwh));
  for (int i = 1; i <= 12; ++i) meter.at(t += 1min, 3'630 + 5 * i);
  EXPECT_EQ(meter.total, Activity::of(660 * kKwh));
}

TEST(CounterStanding, ANetRegisterThatLeapsIsNotBookedEither) {
  for (const double leap : {-1'000.0, 1'000.0}) {
    Point point = of_two_megawatts(1min);
    point.limits.runs_back = true;
    Register meter = leapt(point, leap);
    Duration t = 2h + 1min;
    for (int i = 0; i < 40; ++i) meter.at(t += 1min, 1'600 + leap);
    for (int i = 1; i <= 12; ++i) meter.at(t += 1min, 1'600 + leap - i);
    EXPECT_EQ(meter.total, Activity::of((600 - 12) * kKwh)) << leap;
    EXPECT_FALSE(meter.state.counter.pending);
  }
}

// What flowed while it stood is all explained.
TEST(CounterStanding, OneThatCatchesUpAndStandsAgainIsBooked) {
  Register meter(a_point());
  for (int i = 0; i <= 60; ++i) meter.at(i * 1min, 1'000.0);
  for (int i = 61; i <= 120; ++i) meter.at(i * 1min, 1'080.0);
  EXPECT_EQ(meter.total, Activity::of(80 * kKwh));
  EXPECT_FALSE(meter.state.counter.pending);
}

// What it stood for behind the step is none of what it catches up.
TEST(CounterStanding, OneThatStandsBehindALeapDoesNotCatchUp) {
  Register meter(a_point());
  for (int i = 0; i <= 10; ++i) meter.at(i * 1min, 1'000.0);
  for (int i = 11; i <= 30; ++i) meter.at(i * 1min, 1'050.3);
  for (int i = 31; i <= 50; ++i) meter.at(i * 1min, 1'050.3 + 0.5 * (i - 30));
  EXPECT_EQ(meter.total, Activity::of(10 * kKwh));
}

TEST(CounterStanding, WhatGoesOnAlikeWasReadUnevenly) {
  for (const double next : {0.05, 0.2}) {
    Register meter(a_point());
    meter.at(0s, 1'000.0);
    EXPECT_EQ(meter.at(10s, 1'000.65).quality, kPending);
    const Counted counted = meter.at(20s, 1'000.65 + next);
    EXPECT_EQ(counted.quality, kPending);
    EXPECT_EQ(meter.total, next > 0.1 ? Activity::of(850'000) : Activity{});
  }
}

TEST(CounterStanding, AnotherMeterInThePlaceOfOneThatStoodAt0IsNotBookedByTheTimeThatGoesBy) {
  Register meter(a_point());
  meter.at(0min, 5'000.0);
  for (int i = 1; i <= 90; ++i) meter.at(i * 1min, 0);
  int i = 91;
  for (; i <= 130; ++i) meter.at(i * 1min, 60);
  for (; i <= 150; ++i) meter.at(i * 1min, 60 + 0.5 * (i - 130));
  EXPECT_EQ(meter.total, Activity::of(10 * kKwh));
}

// Polled each minute, and refreshed each hour: behind an exchange that nobody announced each of its steps is known.
TEST(CounterStanding, ARegisterThatIsRefreshedEachHourGoesOnBehindAnExchange) {
  Point point = a_point();
  point.limits.interval = 1min;
  point.limits.power_max_w = 10e3;
  for (const double hourly : {2.0, 4.5, 8.0}) {
    Register meter(point);
    int minute = 0;
    for (; minute < 10 * 60; ++minute) meter.at(minute * 1min, 50'000 + hourly * (minute / 60));
    for (; minute < 34 * 60; ++minute) meter.at(minute * 1min, 3.017 + hourly * (minute / 60 - 10));
    // Nine steps before the exchange, and all but the first few behind it: the last one is open.
    EXPECT_GE(meter.total, Activity::of(static_cast<std::int64_t>((9 + 20) * hourly * kKwh))) << hourly;
    EXPECT_LE(meter.total, Activity::of(static_cast<std::int64_t>((9 + 23) * hourly * kKwh))) << hourly;
  }
}

}  // namespace
}  // namespace carbongate::pipeline

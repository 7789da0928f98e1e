// Counters whose register is known, exchanged, reversed or stuck. The usual faults are in energy_test.cc, 10 000 mixed
// ones in counter_truth_test.cc.
#include "gateway/pipeline/counter.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "gateway/pipeline/energy.h"
#include "gateway/pipeline/quality.h"
#include "tests/unit/gateway/pipeline/pipeline_fixture.h"
#include "tests/unit/gateway/pipeline/register_fixture.h"

namespace carbongate::pipeline {
namespace {

using model::Activity;
using model::Origin;
using model::Quality;
using model::Rule;
using namespace std::chrono_literals;

Quality measured(Rule rule) {
  return {Origin::measured, rule};
}
Quality estimated(Rule rule) {
  return {Origin::estimated, rule};
}

TEST(Counter, OfSeveralEndsThePossibleOneIsTaken) {
  for (const double end : {1e6, 42'949'672.96}) {
    Point point = a_point();
    point.limits.rollover_at = {1e6, 42'949'672.96};
    Register meter(point);
    meter.at(0s, end - 0.1);
    EXPECT_EQ(meter.at(10s, 0.05).quality, measured(Rule::rollover)) << end;
    EXPECT_EQ(meter.total, Activity::of(150'000)) << end;
  }
}

TEST(Counter, ASignedRegisterGoesOnAtItsLowestNumber) {
  Point point = a_point();
  point.limits.rollover_at = {2'147'483.648, 4'294'967.296};
  Register meter(point);
  meter.at(0s, 2'147'483.6);
  EXPECT_EQ(meter.at(10s, -2'147'483.6).quality, measured(Rule::rollover));
  EXPECT_EQ(meter.total, Activity::of(96'000));
}

TEST(Counter, AZeroAtTheEndOfTheRegisterWaitsForTheNextReading) {
  Point point = a_point();
  point.limits.rollover_at = {1e5};
  Register unreadable(point);
  unreadable.at(0s, 99'999.9);
  EXPECT_EQ(unreadable.at(10s, 0).quality, estimated(Rule::pending));
  EXPECT_EQ(unreadable.at(20s, 99'999.95).quality, measured(Rule::glitch));
  EXPECT_EQ(unreadable.total, Activity::of(50'000));
  Register rolled(point);
  rolled.at(0s, 99'999.9);
  rolled.at(10s, 0);
  EXPECT_EQ(rolled.at(20s, 0.1).quality, measured(Rule::rollover));
  EXPECT_EQ(rolled.total, Activity::of(200'000));
}

TEST(Counter, WhatStoodAtZeroBeforeItCouldPassTheEndIsNoRollover) {
  // A yield of today: 100 kW, 55.36 kWh below the end of 16 bits of 0.01 kWh in the evening.
  Point point = a_point();
  point.limits.power_max_w = 100e3;
  point.limits.rollover_at = {655.36};
  for (const auto zeros : {5min, 29min, 30min, 31min, 40min, 59min, 61min, 90min, 360min}) {
    Register meter(point);
    meter.at(0s, 600);
    for (auto at = 1min; at <= zeros; at += 1min) meter.at(at, 0);
    const bool decided = zeros > 1h;
    EXPECT_EQ(meter.at(zeros + 1min, 0.5).quality.rule, decided ? Rule::reset : Rule::pending) << zeros;
    const Rule rule = meter.follows(zeros + 2min, 1.5, 1min).quality.rule;
    if (!decided) EXPECT_EQ(rule, Rule::reset) << zeros;
    EXPECT_EQ(meter.total, Activity::of(1'500'000)) << zeros;
    EXPECT_FALSE(meter.state.counter.pending_since) << zeros;
  }
}

TEST(Counter, AValueThatSharesALargeDivisorWithTheEndOfTheRegisterIsNotOneCountBelowIt) {
  Point point = a_point();
  point.limits.power_max_w = 100e3;
  point.limits.rollover_at = {655.36};
  Register meter(point);
  meter.at(0s, 573.44);  // 0xE000 of 0x10000
  for (auto at = 1min; at <= 90min; at += 1min) meter.at(at, 0);
  EXPECT_EQ(meter.at(91min, 0.5).quality.rule, Rule::reset);
  EXPECT_EQ(meter.total, Activity::of(500'000));
}

TEST(Counter, ARegisterThatPassedItsEndWithinOnePollAndStandsAtZeroRolledOver) {
  Point point = a_point();
  point.limits.power_max_w = 10e6;
  point.limits.rollover_at = {65'536};
  for (const auto zeros : {1min, 30min, 59min, 61min, 120min, 360min}) {
    Register meter(point);
    meter.at(0s, 65'400);
    for (auto at = 1min; at <= zeros; at += 1min) meter.at(at, 0);
    EXPECT_EQ(meter.at(zeros + 1min, 100).quality.rule, Rule::rollover) << zeros;
    EXPECT_EQ(meter.total, Activity::of(236 * kKwh)) << zeros;
  }
}

TEST(Counter, AfterASilenceInWhichItMayHaveGoneRoundTheLeastIsBookedAsEstimated) {
  Point point = a_point();
  point.limits.rollover_at = {1'000};
  Register meter(point);
  meter.at(0s, 400);
  const Counted counted = meter.at(24h, 500);
  EXPECT_EQ(counted.quality, estimated(Rule::rollover));
  EXPECT_EQ(meter.total, Activity::of(100 * kKwh));
}

TEST(Counter, AnAnnouncedReplacementIsBookedExactly) {
  Point point = a_point();
  point.history.replaced = {{kStart + 5min, 12'345.6, 0.2}};
  Register meter(point);
  meter.at(0s, 12'345.0);
  const Counted counted = meter.at(10min, 1.0);
  EXPECT_EQ(counted.quality, measured(Rule::replaced));
  ASSERT_EQ(counted.movements.size(), 2u);
  EXPECT_EQ(counted.movements[0].end, kStart + 5min);
  EXPECT_EQ(counted.movements[0].amount, Activity::of(600'000));
  EXPECT_EQ(counted.movements[1].amount, Activity::of(800'000));
  meter.at(20min, 1.5);
  EXPECT_EQ(meter.total, Activity::of(1'900'000));
}

TEST(Counter, AReplacementMayHaveHappenedHoursFromTheTimeThatWasAnnounced) {
  for (const Duration told : {-2h, 2h}) {
    Point point = a_point();
    point.history.replaced = {{kStart + told, 12'345.6, 50'000.2}};
    Register meter(point);
    meter.at(-3h, 12'340.0);
    meter.at(-10s, 12'345.5);
    EXPECT_EQ(meter.at(10s, 50'000.3).quality, measured(Rule::replaced));
    EXPECT_EQ(meter.at(3h, 50'001.3).quality, Quality{}) << "once";
    EXPECT_EQ(meter.total, Activity::of(5'500'000 + 100'000 + 100'000 + 1'000'000));
  }
}

// The old meter could have run on to there, with less; but it has ended before.
TEST(Counter, MoreThanTheOldMeterEndedWithIsShownByTheNewOne) {
  Point point = a_point();
  point.history.replaced = {{kStart + 6min, 100.0, 98.0}};
  Register meter(point);
  meter.at(0s, 99.0);
  meter.at(5min, 99.5);
  EXPECT_EQ(meter.at(65min, 104.0).quality.rule, Rule::replaced);
  EXPECT_EQ(meter.total, Activity::of(500'000 + 500'000 + 6'000'000));
  EXPECT_EQ(meter.at(80min, 105.0).quality, Quality{}) << "once";
}

TEST(Counter, TwoReplacementsInOneSilenceAreBothBookedWhereTheSecondMustHaveHappened) {
  Point point = a_point();
  point.history.replaced = {{kStart + 6min, 1'240.0, 0.0}, {kStart + 30min, 2.0, 500.0}};
  Register meter(point);
  meter.at(5min, 1'239.0);
  EXPECT_EQ(meter.at(65min, 504.0).quality.rule, Rule::replaced);
  EXPECT_EQ(meter.total, Activity::of(1'000'000 + 2'000'000 + 4'000'000));
}

TEST(Counter, WhatTheOldMeterMayShowBehindTheAnnouncedTimeIsStillItsOwn) {
  Point point = a_point();
  point.history.replaced = {{kStart + 6min, 100.0, 98.0}};
  Register meter(point);
  meter.at(5min, 99.5);
  EXPECT_EQ(meter.at(7min, 99.6).quality, Quality{});
  EXPECT_EQ(meter.at(9min, 98.1).quality.rule, Rule::replaced);
  EXPECT_EQ(meter.total, Activity::of(100'000 + 400'000 + 100'000));
}

TEST(Counter, AnAnnouncementThatDoesNotFitBooksNothing) {
  Point point = a_point();
  point.history.replaced = {{kStart + 5min, 99'999.0, 0.2}};
  Register meter(point);
  meter.at(0s, 12'345.0);
  EXPECT_EQ(meter.at(10min, 1.0).quality, estimated(Rule::pending));
  EXPECT_EQ(meter.follows(20min, 1.5, 10min).quality, measured(Rule::reset));
  EXPECT_EQ(meter.total, Activity::of(500'000));
}

TEST(Counter, AnOldMeterThatPassedItsEndBeforeItWasReplacedIsBookedToItsFinalValue) {
  for (const double end : {1e5, 42'949'672.96}) {
    Point point = a_point();
    point.limits.rollover_at = {end};
    point.history.replaced = {{kStart + 5min, 6.35, 500.0}};
    Register meter(point);
    meter.at(0s, end - 5.0);
    const Counted counted = meter.at(10min, 501.0);
    EXPECT_EQ(counted.quality, measured(Rule::replaced)) << end;
    ASSERT_EQ(counted.movements.size(), 2u) << end;
    EXPECT_EQ(counted.movements[0].amount, Activity::of(11'350'000)) << end;
    EXPECT_EQ(counted.movements[1].amount, Activity::of(kKwh)) << end;
    meter.at(20min, 502.0);
    EXPECT_EQ(meter.total, Activity::of(13'350'000)) << end;
  }
}

TEST(Counter, AFinalValueThatNeitherTheOldCourseNorItsEndLeadsToStaysInDoubt) {
  for (const double end : {1e5, 42'949'672.96}) {
    Point point = a_point();
    point.limits.rollover_at = {end};
    point.history.replaced = {{kStart + 5min, 306.35, 500.0}};  // 18.6 kWh are possible
    Register meter(point);
    meter.at(0s, end - 5.0);
    EXPECT_EQ(meter.at(10min, 501.0).quality, estimated(Rule::pending)) << end;
    EXPECT_EQ(meter.total, Activity{}) << end;
  }
}

TEST(Counter, AFinalValueReadFromTheDisplayMayLackDigits) {
  Point point = a_point();
  point.history.replaced = {{kStart + 5min, 12'345.0, 0.0}};
  Register meter(point);
  meter.at(0s, 12'345.6);
  EXPECT_EQ(meter.at(10min, 1.0).quality, estimated(Rule::replaced));
  EXPECT_EQ(meter.total, Activity::of(kKwh));
}

TEST(Counter, ARatioAppliesFromItsDate) {
  Point point = a_point();
  point.history.ratios = {{Instant::min(), 40, 1}, {kStart + 20s, 60, 1}};
  Register meter(point);
  meter.at(0s, 100.0);
  meter.at(10s, 100.01);
  meter.at(20s, 100.02);
  EXPECT_EQ(meter.total, Activity::of(800'000));
  meter.at(30s, 100.03);
  EXPECT_EQ(meter.total, Activity::of(1'400'000)) << "0.01 at 60";
}

TEST(Counter, AStepAcrossANewRatioIsDividedAsAnEvenLoadWould) {
  Point point = a_point();
  point.history.ratios = {{Instant::min(), 10, 1}, {kStart + 10s, 20, 1}};
  Register meter(point);
  meter.at(0s, 100.0);
  const Counted counted = meter.at(20s, 100.003);  // 2/3 of it before: 0.02 kWh on either side
  ASSERT_EQ(counted.movements.size(), 2u);
  EXPECT_EQ(counted.movements[0].quality, estimated(Rule::ratio_change));
  EXPECT_NEAR(static_cast<double>(counted.movements[0].amount.quanta()), 20'000, 20);
  EXPECT_NEAR(static_cast<double>(meter.total.quanta()), 40'000, 20);
}

TEST(Counter, ARegisterThatIsMultipliedIsARatioThatWasEntered) {
  Register meter(a_point());
  meter.at(0s, 12'345.6);
  EXPECT_EQ(meter.at(10s, 493'824.1).quality, estimated(Rule::pending));
  EXPECT_EQ(meter.follows(20s, 493'824.2, 10s).quality, measured(Rule::ratio_change));
  EXPECT_EQ(meter.total, Activity::of(100'000));
}

TEST(Counter, OneThatRunsBackwardsIsNeitherResetNorBooked) {
  Register meter(a_point());
  meter.at(0s, 1'000.0);
  EXPECT_EQ(meter.at(10s, 999.9).quality, estimated(Rule::pending));
  EXPECT_EQ(pending(meter.state.counter)->reason, "the counter ran down a little");
  EXPECT_EQ(meter.at(20s, 999.8).quality, estimated(Rule::pending));
  const Counted decided = meter.at(30s, 999.7);
  EXPECT_EQ(decided.quality, measured(Rule::backwards));
  ASSERT_EQ(decided.movements.size(), 1u);
  EXPECT_EQ(decided.movements[0].quality, estimated(Rule::backwards));
  EXPECT_FALSE(decided.movements[0].covered);
  EXPECT_EQ(meter.at(40s, 999.6).quality, measured(Rule::backwards));
  EXPECT_EQ(meter.at(50s, 0).quality, estimated(Rule::pending));
  EXPECT_EQ(meter.at(60s, 999.5).quality, measured(Rule::backwards));
  EXPECT_EQ(meter.state.counter.unbooked, Activity::of(500'000));
  EXPECT_EQ(meter.total, Activity{});
  EXPECT_EQ(meter.at(70s, 999.7).quality, Quality{});
  EXPECT_EQ(meter.total, Activity::of(200'000));
}

TEST(Counter, ALittleDownAndBackIsAGlitch) {
  Register meter(a_point());
  meter.at(0s, 1'000.0);
  meter.at(10s, 999.9);
  EXPECT_EQ(meter.at(20s, 999.95).quality, estimated(Rule::pending));
  EXPECT_EQ(meter.at(30s, 1'000.1).quality, measured(Rule::glitch));
  EXPECT_EQ(meter.total, Activity::of(100'000));
  EXPECT_EQ(meter.state.counter.unbooked, Activity{});
}

TEST(Counter, ANetRegisterIsCountedInBothDirections) {
  Point point = a_point();
  point.limits.runs_back = true;
  point.limits.rollover_at = {1e5};
  Register meter(point);
  meter.at(0s, 0.1);
  EXPECT_EQ(meter.at(10s, 99'999.9).quality, measured(Rule::rollover)) << "down through 0";
  EXPECT_EQ(meter.total, Activity::of(-200'000));
  EXPECT_EQ(meter.at(20s, 0.2).quality, measured(Rule::rollover));
  EXPECT_EQ(meter.at(30s, 0.15).quality, Quality{});
  EXPECT_EQ(meter.total, Activity::of(50'000));
}

TEST(Counter, OneThatStoodStillAndCatchesUpIsBookedOnceItGoesOn) {
  Register meter(a_point());
  meter.at(0s, 1'000.0);
  for (int i = 1; i <= 60; ++i) meter.at(i * 1min, 1'000.0);
  EXPECT_EQ(meter.at(61min, 1'080.0).quality, estimated(Rule::pending));
  EXPECT_EQ(pending(meter.state.counter)->reason, "more than the connection delivers");
  const Counted counted = meter.follows(62min, 1'080.5, 1min);
  EXPECT_EQ(counted.movements[0].quality, estimated(Rule::stalled));
  EXPECT_EQ(meter.total, Activity::of(80'500'000));
}

TEST(Counter, AStepThatWaitsIsVisible) {
  Register meter(a_point());
  meter.at(0s, 1'000.0);
  EXPECT_FALSE(pending(meter.state.counter));
  meter.at(10s, 0.5);
  const auto waits = pending(meter.state.counter);
  ASSERT_TRUE(waits);
  EXPECT_EQ(waits->since, kStart);
  EXPECT_EQ(waits->at, kStart + 10s);
  EXPECT_EQ(waits->step, Activity::of(-999'500'000));
  EXPECT_EQ(waits->reason, "the counter fell");
  meter.at(20s, 0.6);
  ASSERT_TRUE(pending(meter.state.counter)) << "it may come back";
  EXPECT_EQ(pending(meter.state.counter)->at, kStart + 20s);
  meter.follows(30s, 0.6, 10s);
  EXPECT_FALSE(pending(meter.state.counter));
}

TEST(Counter, LateAndRepeatedReadingsMoveNothing) {
  Register meter(a_point());
  meter.at(0s, 1'000.0);
  meter.at(30s, 1'000.3);
  const auto baseline = meter.state.counter.baseline;
  EXPECT_EQ(meter.at(10s, 1'000.1).quality, (Quality{Origin::late, Rule::out_of_order}));
  EXPECT_EQ(meter.at(20s, 5.0).quality, (Quality{Origin::late, Rule::out_of_order}));
  EXPECT_EQ(meter.at(30s, 1'000.3).quality, measured(Rule::duplicate));
  EXPECT_EQ(meter.at(30s, 1'000.4).quality, (Quality{Origin::missing, Rule::duplicate}));
  EXPECT_EQ(meter.state.counter.baseline, baseline);
  EXPECT_FALSE(meter.state.counter.pending);
  meter.at(40s, 1'000.4);
  EXPECT_EQ(meter.total, Activity::of(400'000));
}

TEST(Counter, ForwardAndReverseRegistersAreTwoPointsAndNeverNetted) {
  TestSite site;
  const PointLimits limits = a_point().limits;
  const PointId import = site.add_point("active_energy_import", Kind::cumulative, "kWh", limits);
  const PointId reverse = site.add_point("active_energy_export", Kind::cumulative, "kWh", limits);
  site.add_account(import);
  site.add_account(reverse);
  Pipeline pipeline = site.pipeline();
  std::vector<Reading> readings;
  double in = 500;
  double out = 700;
  for (int i = 0; i <= 100; ++i) {
    const bool exports = i / 10 % 2 == 1;
    (exports ? out : in) += i == 0 ? 0 : 0.25;
    readings.push_back(reading(import, kStart + i * 10s, in));
    readings.push_back(reading(reverse, kStart + i * 10s, out));
  }
  feed(pipeline, readings);
  EXPECT_EQ(pipeline.state().accounts[0].amount, Activity::of(50 * kKwh / 4));
  EXPECT_EQ(pipeline.state().accounts[1].amount, Activity::of(50 * kKwh / 4));
}

// 2^48 counts of 1 Wh are 281 TWh: a double of so many kilowatt-hours is 30 mWh off.
TEST(Counter, OfManyCountsIsExactToTheLastOne) {
  Point point = a_point();
  point.limits.count = 0.001;
  point.limits.rollover_at = {0x1p48 * 0.001};
  Register counter(point);
  const std::int64_t end = std::int64_t{1} << 48;
  const auto shown = [&](std::int64_t counts) { return static_cast<double>(counts % end) / 1000.0; };
  for (int i = 0; i < 10; ++i) {
    counter.at(i * 10s, shown(end - 4 + i));
    if (i != 4) EXPECT_EQ(counter.total, Activity::of(i * kKwh / 1000)) << i;  // a 0 is believed with the next reading
  }
}

// A yield of today: 16 steps of 50 kWh a quarter hour each day, and 0 from midnight to the morning.
TEST(Counter, AYieldOfTodayIsBookedWhole) {
  for (const bool known : {true, false}) {
    for (const bool dark_at_midnight : {true, false}) {
      Point point = a_point();
      point.limits.interval = 15min;
      point.limits.power_max_w = known ? std::optional<double>{500e3} : std::nullopt;
      Register meter(point);
      for (int quarter = 0; quarter < 5 * 96; ++quarter) {
        const int of_day = quarter % 96;
        const int steps = dark_at_midnight ? std::clamp(of_day - 32, 0, 16) : std::clamp(of_day, 0, 16);
        meter.at(quarter * 15min, 50.0 * steps);
      }
      EXPECT_EQ(meter.total, Activity::of(5 * 800 * kKwh)) << known << dark_at_midnight;
      EXPECT_FALSE(meter.state.counter.pending);
    }
  }
}

TEST(Counter, WhatIsLeftOutAsAGlitchIsAsOneReadingThatWasLost) {
  Point point = a_point();
  point.limits.interval = 15min;
  Register meter(point);
  meter.at(0min, 53'700.0);
  meter.at(15min, 0);
  const Counted within = meter.at(30min, 53'720.0);
  ASSERT_EQ(within.movements.size(), 1u);
  EXPECT_EQ(within.movements[0].quality, measured(Rule::glitch)) << "no longer than gap_max: 45 minutes";
  EXPECT_TRUE(within.movements[0].covered);
  meter.at(45min, 0);
  meter.at(60min, 0);
  const Counted beyond = meter.at(76min, 53'740.0);
  ASSERT_EQ(beyond.movements.size(), 1u);
  EXPECT_EQ(beyond.movements[0].quality, estimated(Rule::gap));
  EXPECT_FALSE(beyond.movements[0].covered);
  EXPECT_EQ(meter.total, Activity::of(40 * kKwh));
}

TEST(Counter, AStepFrom0IsCountedIfTheConnectionDeliversItSinceTheLast0) {
  Register meter(a_point());
  meter.at(0min, 53'700.0);
  meter.at(1min, 0);
  const Counted counted = meter.follows(2min, 1.5, 1min);
  EXPECT_EQ(counted.quality, measured(Rule::reset));
  ASSERT_EQ(counted.movements.size(), 1 + kCourseReadings - 1);
  EXPECT_TRUE(counted.movements[0].hollow());
  EXPECT_EQ(counted.movements[0].end, kStart + 1min);
  EXPECT_EQ(counted.movements[1].begin, kStart + 1min);
  EXPECT_EQ(counted.movements[1].quality, measured(Rule::reset));
  EXPECT_EQ(meter.total, Activity::of(3 * kKwh / 2));
}

TEST(Counter, AStepFrom0IsJudgedByTheTimeSinceTheLast0) {
  Register meter(a_point());
  meter.at(0min, 53'700.0);
  for (int i = 1; i <= 600; ++i) meter.at(i * 1min, 0);
  EXPECT_EQ(meter.at(601min, 90.25).quality, estimated(Rule::pending)) << "10 hours would do, a minute does not";
  EXPECT_EQ(meter.follows(602min, 90.5, 1min).quality, measured(Rule::reset));
  EXPECT_EQ(meter.total, Activity::of(kKwh / 4)) << "another meter";
}

TEST(Counter, After0AnotherMeterCountsFromItsFirstValue) {
  Register meter(a_point());
  meter.at(0min, 53'700.0);
  meter.at(1min, 0);
  meter.at(2min, 0);
  EXPECT_EQ(meter.at(3min, 18'600.0).quality, estimated(Rule::pending));
  EXPECT_EQ(meter.follows(4min, 18'600.5, 1min).quality, measured(Rule::replaced));
  EXPECT_EQ(meter.total, Activity::of(kKwh / 2));
}

TEST(Counter, AfterARegisterStoodAt0AndReturnedItsOldCourseIsCounted) {
  for (const Duration unreadable : {1min, 30min, 600min}) {
    Register meter(a_point());
    meter.at(0min, 3.5);
    for (Duration t = 1min; t <= unreadable; t += 1min) meter.at(t, 0);
    meter.at(unreadable + 1min, 4.25);
    EXPECT_EQ(meter.total, Activity::of(3 * kKwh / 4)) << unreadable.count();
  }
}

TEST(Counter, AStandingZeroAfterAResetIsWatchedAndEstimated) {
  Register meter(a_point());
  meter.at(0min, 53'700.0);
  for (int i = 1; i <= 61; ++i) meter.at(i * 1min, 0);
  const Counted counted = meter.at(62min, 0);
  EXPECT_EQ(counted.quality, estimated(Rule::reset));
  ASSERT_EQ(counted.movements.size(), 1u);
  EXPECT_TRUE(counted.movements[0].covered);
  EXPECT_EQ(counted.movements[0].quality, estimated(Rule::reset));
}

// 1 kWh a count: more than flows in a minute, and the next count shows that it was one.
TEST(Counter, TheFirstCountOfACoarseRegisterIsBelievedOnceItsSizeIsKnown) {
  Point point = a_point();
  point.limits.power_max_w = 30e3;
  Register unknown(point);
  point.limits.count = 1;
  Register told(point);
  for (Register* meter : {&unknown, &told}) {
    meter->at(0min, 1'001.0);
    meter->at(1min, 0);
    meter->at(2min, 1);
  }
  EXPECT_EQ(unknown.total, Activity{});
  told.follows(3min, 1, 1min);
  EXPECT_EQ(told.total, Activity::of(kKwh));
  for (Register* meter : {&unknown, &told}) {
    meter->at(21min, 1);
    meter->at(22min, 2);
    for (auto at = 23min; at < 40min; at += 1min) meter->at(at, 2);
    EXPECT_EQ(meter->total, Activity::of(2 * kKwh));
  }
}

TEST(Counter, WithoutPowerMaxAStepFrom0WaitsForOneThatIsAlike) {
  Point point = a_point();
  point.limits.interval = 15min;
  point.limits.power_max_w = std::nullopt;
  Register reset(point);
  Register used(point);
  for (Register* meter : {&reset, &used}) {
    meter->at(0min, 53'700.0);
    meter->at(15min, 0);
    EXPECT_EQ(meter->at(30min, 100).quality, estimated(Rule::pending));
  }
  const Counted counted = reset.follows(45min, 180, 15min);
  EXPECT_EQ(counted.movements[1].quality, estimated(Rule::reset));
  EXPECT_EQ(reset.total, Activity::of(180 * kKwh));
  EXPECT_EQ(used.follows(45min, 101, 15min).quality, measured(Rule::reset));
  EXPECT_EQ(used.total, Activity::of(kKwh)) << "a meter that had counted 100 kWh elsewhere";
}

TEST(Counter, BetweenTwoCountsAValueIsTakenAsItIs) {
  Point point = a_point();
  point.limits.count = 1;
  Register counter(point);
  counter.at(0s, 100.25);
  counter.at(10s, 100.375);
  EXPECT_EQ(counter.total, Activity::of(kKwh / 8));
}

TEST(Counter, LateReadingsFromBeforeAStepThatWaitsAreCounted) {
  const std::vector<std::pair<Duration, double>> readings{{0min, 1000}, {1min, 1001}, {2min, 1002}, {3min, 1003},
                                                          {4min, 1004}, {5min, 0},    {6min, 0},    {7min, 0}};
  Register in_order(a_point());
  for (const auto& [time, value] : readings) in_order.at(time, value);
  Register late(a_point());
  for (const std::size_t i : {0, 1, 5, 6, 7}) late.at(readings[i].first, readings[i].second);
  EXPECT_EQ(late.total, Activity::of(1 * kKwh));
  EXPECT_EQ(late.at(2min, 1002).quality, (Quality{Origin::late, Rule::stale}));
  EXPECT_EQ(late.at(3min, 2000).quality.rule, Rule::out_of_order) << "more than the connection delivers";
  EXPECT_EQ(late.at(90s, 1001.5).quality.rule, Rule::out_of_order) << "older than what is counted";
  EXPECT_EQ(late.at(5min + 30s, 1005).quality.rule, Rule::out_of_order) << "behind the first doubtful reading";
  EXPECT_EQ(late.at(3min, 1003).quality, (Quality{Origin::late, Rule::stale}));
  EXPECT_EQ(late.at(4min, 1004).quality, (Quality{Origin::late, Rule::stale}));
  EXPECT_EQ(late.total, Activity::of(4 * kKwh));
  EXPECT_EQ(late.state.counter, in_order.state.counter);
  EXPECT_EQ(late.state.last_at, in_order.state.last_at);
}

TEST(Counter, AGapInWhichTheRegisterMayHaveGoneRoundIsNotCalledExact) {
  Point point = a_point();
  point.limits.rollover_at = {10'000};  // 100 h at full load
  Register meter(point);
  meter.at(0h, 9'000);
  const auto rule_over = [&](Duration until, double value) {
    const Counted counted = meter.at(until, value);
    return counted.movements.size() == 1 ? counted.movements[0].quality : Quality{};
  };
  EXPECT_EQ(rule_over(20h, 9'500), (Quality{Origin::estimated, Rule::gap}));
  EXPECT_EQ(rule_over(320h, 9'600), (Quality{Origin::estimated, Rule::rollover})) << "up to three times";
}

}  // namespace
}  // namespace carbongate::pipeline

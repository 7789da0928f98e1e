#include "gateway/pipeline/energy.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <vector>

#include "gateway/pipeline/quality.h"
#include "tests/unit/gateway/pipeline/pipeline_fixture.h"

namespace carbongate::pipeline {
namespace {

using model::Activity;
using model::Origin;
using model::PointState;
using model::Quality;
using model::Rule;
using namespace std::chrono_literals;

const Instant kStart = utc("2023-06-01 12:00");
constexpr std::int64_t kKwh = 1'000'000;

// A meter of one point and what it remembers.
class Meter {
 public:
  Meter(Kind kind, std::string_view unit, PointLimits limits = {}, std::string_view carrier = "electricity")
      : meter_(*EnergyMeter::make(
            {.id = {}, .device = "d", .name = "p", .kind = kind, .unit = find_unit(unit).value(), .limits = limits},
            *model::find_carrier(carrier))) {}

  Counted at(Duration since_start, double value, Quality quality = {}) {
    const Reading r = reading({}, kStart + since_start, value);
    Counted counted = meter_.count(r, quality, state);
    if (countable(counted.quality)) {
      state.last_at = r.at;
      state.last_value = value;
    }
    for (const Movement& m : counted) total += m.amount;
    return counted;
  }

  // Shows it until the counter is believed to be on another course, on which this is the second reading.
  Counted follows(Duration since_start, double value, Duration step) {
    Counted counted = at(since_start, value);
    for (std::size_t i = 2; counted.quality.rule == Rule::pending && i < kCourseReadings; ++i) {
      counted = at(since_start += step, value);
    }
    return counted;
  }

  PointState state;
  Activity total;

 private:
  EnergyMeter meter_;
};

PointLimits limits(std::optional<double> power_max_w, std::optional<double> rollover_at = {}) {
  PointLimits out;
  out.power_max_w = power_max_w;
  if (rollover_at) out.rollover_at = {*rollover_at};
  out.interval = 10s;
  return out;
}

Quality measured(Rule rule) {
  return {Origin::measured, rule};
}
Quality estimated(Rule rule) {
  return {Origin::estimated, rule};
}

TEST(Movement, PartsAddUpToTheWhole) {
  const Movement m{.begin = kStart, .end = kStart + 7s, .amount = Activity::of(100)};
  EXPECT_EQ(m.until(m.begin), Activity::of(0));
  EXPECT_EQ(m.until(kStart + 1s), Activity::of(14));
  EXPECT_EQ(m.until(kStart + 6s), Activity::of(85));
  EXPECT_EQ(m.until(m.end), Activity::of(100));
}

TEST(Movement, ARisingRateBringsLessInItsFirstHalf) {
  // From 0 to 2 quanta/ms within an hour: a quarter of the energy in the first half.
  const Movement m{.begin = kStart,
                   .end = kStart + 1h,
                   .amount = Activity::of(3'600'000),
                   .covered = true,
                   .quality = {},
                   .trapezoid = Trapezoid{.rate = 0, .rise = 7'200'000}};
  EXPECT_EQ(m.until(kStart + 30min), Activity::of(900'000));
  EXPECT_EQ(m.until(kStart), Activity::of(0));
  EXPECT_EQ(m.until(kStart + 1h), Activity::of(3'600'000));
}

// Whatever the readings' times: not what several roundings, or what the quarter hour before left over, add up to.
TEST(InstantaneousMeter, RoundsEachQuarterHourOnce) {
  constexpr Duration kQuarter = 15min;
  Meter meter(Kind::instantaneous, "kW");
  std::map<std::int64_t, long double> exact;
  std::map<std::int64_t, std::int64_t> counted;
  double last = 0;
  Duration before{};
  for (int i = 0; before < 2h + 50min; ++i) {
    const Duration at = i == 0 ? Duration{} : before + 20s + Duration(7'919L * i % 61'001);
    const double now = (i * 37 % 89) / 8.0;
    const Counted result = meter.at(at, now);
    for (Duration from = before; i != 0 && from < at;) {
      const std::int64_t quarter = from / kQuarter;
      const Duration until = std::min(at, (quarter + 1) * kQuarter);
      const auto rate_at = [&](Duration time) {
        return last + static_cast<long double>(now - last) * static_cast<long double>((time - before).count()) /
                          static_cast<long double>((at - before).count());
      };
      exact[quarter] += (rate_at(from) + rate_at(until)) / 2 * static_cast<long double>((until - from).count()) / 3.6L;
      for (const Movement& m : result) counted[quarter] += (m.until(kStart + until) - m.until(kStart + from)).quanta();
      from = until;
    }
    last = now;
    before = at;
  }
  for (std::int64_t quarter = 0; quarter < 11; ++quarter) {
    EXPECT_NEAR(static_cast<double>(static_cast<long double>(counted[quarter]) - exact[quarter]), 0, 0.51) << quarter;
  }
}

TEST(CumulativeMeter, TheFirstReadingOnlySetsTheBaseline) {
  Meter meter(Kind::cumulative, "kWh");
  EXPECT_EQ(meter.at(0s, 53'700).movements.size(), 0u);
  ASSERT_EQ(meter.at(10s, 53'700.25).movements.size(), 1u);
  EXPECT_EQ(meter.total, Activity::of(250'000));
}

TEST(CumulativeMeter, AMomentaryZeroNeverBooksASpike) {
  for (const std::optional<double> power_max_w : {std::optional<double>{}, std::optional<double>{100e3}}) {
    Meter meter(Kind::cumulative, "kWh", limits(power_max_w));
    meter.at(0s, 53'700.0);
    EXPECT_EQ(meter.at(10s, 0.0).quality, estimated(Rule::pending));
    EXPECT_TRUE(meter.state.counter.pending);
    EXPECT_EQ(meter.at(20s, 53'700.2).quality, measured(Rule::glitch));
    EXPECT_FALSE(meter.state.counter.pending);
    EXPECT_EQ(meter.total, Activity::of(kKwh / 5));
  }
}

TEST(CumulativeMeter, ARegisterThatReadsZeroForLongAndReturnsWasNotReset) {
  for (const std::optional<double> power_max_w : {std::optional<double>{}, std::optional<double>{100e3}}) {
    Meter meter(Kind::cumulative, "kWh", limits(power_max_w));
    meter.at(0s, 53'700.0);
    for (int i = 1; i <= 50; ++i) EXPECT_EQ(meter.at(i * 10s, 0.0).quality, estimated(Rule::pending));
    const Counted back = meter.at(510s, 53'701.0);
    ASSERT_EQ(back.movements.size(), 1u);
    EXPECT_EQ(back.movements[0].quality, estimated(Rule::gap));
    EXPECT_EQ(back.quality, measured(Rule::glitch));
    EXPECT_EQ(meter.total, Activity::of(kKwh));
    EXPECT_FALSE(meter.state.counter.abandoned);
  }
}

TEST(CumulativeMeter, ARegisterThatReadsZeroForHoursAndReturnsWasNotReset) {
  for (const std::optional<double> power_max_w : {std::optional<double>{}, std::optional<double>{100e3}}) {
    Meter meter(Kind::cumulative, "kWh", limits(power_max_w));
    meter.at(0s, 53'700.0);
    for (int i = 1; i <= 120; ++i) meter.at(i * 1min, 0.0);
    EXPECT_FALSE(meter.state.counter.pending) << "decided after an hour: a reset";
    const Counted back = meter.at(121min, 53'701.0);
    ASSERT_EQ(back.movements.size(), 1u);
    EXPECT_EQ(back.movements[0].quality, estimated(Rule::glitch));
    EXPECT_EQ(meter.total, Activity::of(kKwh));
    EXPECT_FALSE(meter.state.counter.abandoned);
  }
}

TEST(CumulativeMeter, AZeroAsTheVeryFirstReadingBooksNoSpike) {
  Meter meter(Kind::cumulative, "kWh");
  meter.at(0s, 0.0);
  EXPECT_EQ(meter.at(60s, 53'700.0).quality, estimated(Rule::pending));
  EXPECT_EQ(meter.follows(120s, 53'700.1, 60s).quality, measured(Rule::reset));
  EXPECT_EQ(meter.total, Activity::of(kKwh / 10));
}

TEST(CumulativeMeter, ANewMeterMayStartAtZero) {
  Meter meter(Kind::cumulative, "kWh");
  meter.at(0s, 0.0);
  meter.at(10s, 0.1);
  meter.at(20s, 0.3);
  EXPECT_EQ(meter.total, Activity::of(300'000));
}

TEST(CumulativeMeter, AResetIsANewBaselineAndTheEnergyBeforeItIsUnknown) {
  Meter meter(Kind::cumulative, "kWh");
  meter.at(0s, 53'700.0);
  EXPECT_EQ(meter.at(10s, 0.5).quality, estimated(Rule::pending));
  const Counted decided = meter.follows(20s, 0.75, 10s);
  EXPECT_EQ(decided.quality, measured(Rule::reset));
  ASSERT_EQ(decided.movements.size(), kCourseReadings);
  EXPECT_TRUE(decided.movements[0].hollow());
  EXPECT_EQ(decided.movements[0].quality, estimated(Rule::reset));
  EXPECT_EQ(decided.movements[1].begin, kStart + 10s);
  EXPECT_EQ(decided.movements[1].amount, Activity::of(kKwh / 4));
}

TEST(CumulativeMeter, AMeterThatWasResetMayGrowPastItsOldValueLater) {
  Meter meter(Kind::cumulative, "kWh");
  meter.at(0s, 100.0);
  double value = 0;
  int step = 1;
  for (; value < 250.0; value += 0.5, ++step) meter.at(step * 10s, value);
  EXPECT_EQ(meter.total, Activity::of(249'500'000)) << "from 0, as it goes on alike";
  EXPECT_FALSE(meter.state.counter.pending);
  EXPECT_FALSE(meter.state.counter.abandoned);
}

TEST(CumulativeMeter, AJumpBeyondTheConnectionIsNotCounted) {
  Meter meter(Kind::cumulative, "kWh", limits(100e3));
  meter.at(0s, 1000.0);
  EXPECT_EQ(meter.at(10s, 1063.7).quality, estimated(Rule::pending));
  EXPECT_EQ(meter.at(20s, 1000.4).quality, measured(Rule::glitch));
  EXPECT_EQ(meter.total, Activity::of(400'000));
}

TEST(CumulativeMeter, AJumpThatStaysIsAnExchangedMeter) {
  Meter meter(Kind::cumulative, "kWh", limits(100e3));
  meter.at(0s, 1000.0);
  meter.at(10s, 81'063.7);
  EXPECT_EQ(meter.follows(20s, 81'063.8, 10s).quality, measured(Rule::replaced));
  EXPECT_EQ(meter.total, Activity::of(100'000));
}

TEST(CumulativeMeter, WithoutAKnownConnectionAnUnusualStepWaitsForTheNextReading) {
  PointLimits quarter_hourly;
  quarter_hourly.interval = 15min;
  Meter spike(Kind::cumulative, "kWh", quarter_hourly);
  spike.at(0min, 53'700.0);
  EXPECT_EQ(spike.at(15min, 73'700.0).quality, estimated(Rule::pending));
  EXPECT_EQ(spike.at(30min, 53'800.0).quality, measured(Rule::glitch));
  EXPECT_EQ(spike.total, Activity::of(100 * kKwh));

  Meter large(Kind::cumulative, "kWh", quarter_hourly);
  large.at(0min, 53'700.0);
  EXPECT_EQ(large.at(15min, 73'700.0).quality, estimated(Rule::pending));
  EXPECT_EQ(large.at(30min, 93'700.0).quality, estimated(Rule::pending));
  EXPECT_EQ(large.at(45min, 113'700.0).quality, measured(Rule::pending));  // an 80 MW furnace
  EXPECT_EQ(large.total, Activity::of(60'000 * kKwh));
}

TEST(CumulativeMeter, ARegisterStuckAtGarbageAndBackWasNotExchanged) {
  Meter meter(Kind::cumulative, "kWh", limits(100e3));
  meter.at(0s, 53'700.0);
  for (int i = 1; i <= 5; ++i) meter.at(i * 10s, 4'294'967.295);
  meter.at(60s, 53'701.0);
  meter.at(70s, 53'701.25);
  EXPECT_EQ(meter.total, Activity::of(1'250'000));
}

TEST(CumulativeMeter, CoarseRegistersStepByManySecondsOfFullLoad) {
  // Counts of 0.4 kWh (a current transformer of 200:5 on a 0.01 kWh register) at 30 kW, read every second.
  Meter meter(Kind::cumulative, "kWh", limits(30e3));
  for (int s = 0; s <= 480; ++s) meter.at(s * 1s, 100.0 + 0.4 * (s / 48));
  EXPECT_EQ(meter.total, Activity::of(4 * kKwh));
  EXPECT_FALSE(meter.state.counter.pending);
}

TEST(CumulativeMeter, RoundingOf32BitFloatsIsNoStepDown) {
  Meter meter(Kind::cumulative, "kWh");
  const double value = static_cast<double>(53'700.123f);
  meter.at(0s, value);
  EXPECT_EQ(meter.at(10s, static_cast<double>(53'700.119f)).quality, Quality{});
  meter.at(20s, value + 0.5);
  EXPECT_EQ(meter.total, Activity::of(kKwh / 2));
}

TEST(CumulativeMeter, ARolloverCountsOn) {
  Meter meter(Kind::cumulative, "kWh", limits({}, 100'000.0));
  meter.at(0s, 99'999.75);
  const Counted counted = meter.at(10s, 0.5);
  EXPECT_EQ(counted.quality, measured(Rule::rollover));
  EXPECT_EQ(meter.total, Activity::of(3 * kKwh / 4));
}

TEST(CumulativeMeter, AFallFromTheMiddleOfTheRangeIsNoRollover) {
  Meter meter(Kind::cumulative, "kWh", limits({}, 100'000.0));
  meter.at(0s, 40'000.0);
  EXPECT_EQ(meter.at(10s, 0.5).quality, estimated(Rule::pending));
  Meter strong(Kind::cumulative, "kWh", limits(100e3, 100'000.0));
  strong.at(0s, 99'000.0);  // 1000 kWh to the end: not within ten seconds
  EXPECT_EQ(strong.at(10s, 0.5).quality, estimated(Rule::pending));
}

TEST(CumulativeMeter, AfterALongSilencePowerAloneProvesNoRollover) {
  Meter meter(Kind::cumulative, "kWh", limits(100e3, 10'000.0));
  meter.at(0s, 4'000.0);
  EXPECT_EQ(meter.at(240h, 10.0).quality, estimated(Rule::pending));
}

TEST(CumulativeMeter, AfterReadingsThatFitNoOthersACourseMayBegin) {
  Meter meter(Kind::cumulative, "kWh", limits(100e3));
  meter.at(0s, 1'000.0);
  EXPECT_EQ(meter.at(10s, 900.3).quality, estimated(Rule::pending));
  EXPECT_EQ(meter.at(20s, 800.1).quality, estimated(Rule::pending));
  EXPECT_EQ(meter.at(30s, 700.7).quality, estimated(Rule::pending));
  EXPECT_EQ(meter.follows(40s, 700.8, 10s).quality, measured(Rule::replaced));
  EXPECT_FALSE(meter.state.counter.pending);
  EXPECT_EQ(meter.state.counter.doubts, 0);
  EXPECT_EQ(meter.total, Activity::of(kKwh / 10));
}

TEST(CumulativeMeter, AGapIsExactInSumAndEstimatedInDistribution) {
  Meter meter(Kind::cumulative, "kWh", limits({}));
  meter.at(0s, 100.0);
  const Counted counted = meter.at(2h, 150.0);
  ASSERT_EQ(counted.movements.size(), 1u);
  EXPECT_EQ(counted.movements[0].amount, Activity::of(50 * kKwh));
  EXPECT_FALSE(counted.movements[0].covered);
  EXPECT_EQ(counted.movements[0].quality, estimated(Rule::gap));
  EXPECT_EQ(counted.quality, Quality{});
}

TEST(CumulativeMeter, ASilenceOfYearsIsSpreadOverItsLastPart) {
  Meter meter(Kind::cumulative, "kWh", limits({}));
  meter.at(0s, 100.0);
  const Counted counted = meter.at(24h * 4000, 900.0);
  ASSERT_EQ(counted.movements.size(), 1u);
  EXPECT_EQ(counted.movements[0].end - counted.movements[0].begin, kSpreadMax);
  EXPECT_EQ(meter.total, Activity::of(800 * kKwh));
}

TEST(CumulativeMeter, AValueBeyond64BitsIsOutOfRange) {
  Meter meter(Kind::cumulative, "kWh");
  EXPECT_EQ(meter.at(0s, 1e15).quality, (Quality{Origin::missing, Rule::range}));
  EXPECT_FALSE(meter.state.counter.baseline);
}

TEST(IntervalMeter, TakesTheAmountForTheTimeSinceTheReadingBefore) {
  Meter meter(Kind::interval, "kWh");
  const Counted first = meter.at(15min, 3.5);
  ASSERT_EQ(first.movements.size(), 1u);
  EXPECT_EQ(first.movements[0].begin, kStart);
  const Counted second = meter.at(45min, 7.0);
  ASSERT_EQ(second.movements.size(), 1u);
  EXPECT_EQ(second.movements[0].begin, kStart + 15min);
  EXPECT_EQ(meter.total, Activity::of(10'500'000));
}

TEST(IntervalMeter, AMissingRecordDoesNotStretchTheNext) {
  PointLimits known;
  known.interval = 15min;
  Meter meter(Kind::interval, "kWh", known);
  meter.at(15min, 3.5);
  const Counted counted = meter.at(45min, 4.0);
  ASSERT_EQ(counted.movements.size(), 2u);
  EXPECT_TRUE(counted.movements[0].hollow());
  EXPECT_EQ(counted.movements[0].quality, (Quality{Origin::missing, Rule::gap}));
  EXPECT_EQ(counted.movements[1].begin, kStart + 30min);
}

TEST(IntervalMeter, AfterMoreThanADayTheAmountBelongsToTheLastQuarterHour) {
  Meter meter(Kind::interval, "kWh");
  meter.at(0min, 1.0);
  const Counted counted = meter.at(25h, 1.0);
  ASSERT_EQ(counted.movements.size(), 2u);
  EXPECT_EQ(counted.movements[1].begin, kStart + 25h - 15min);
}

TEST(IntervalMeter, ANegativeAmountNeedsPermission) {
  Meter strict(Kind::interval, "kWh");
  EXPECT_EQ(strict.at(15min, -1.0).quality, (Quality{Origin::missing, Rule::range}));
  PointLimits signed_limits;
  signed_limits.min = -100.0;
  Meter permitted(Kind::interval, "kWh", signed_limits);
  permitted.at(15min, -1.0);
  EXPECT_EQ(permitted.total, Activity::of(-kKwh));
}

TEST(IntervalMeter, AnOldAmountIsNotCountedForItMayBeASecondDelivery) {
  Meter meter(Kind::interval, "kWh");
  meter.at(15min, 1.0);
  const Counted counted = meter.at(10min, 1.0, {Origin::late, Rule::out_of_order});
  EXPECT_EQ(counted.quality, (Quality{Origin::missing, Rule::out_of_order}));
  EXPECT_EQ(counted.movements.size(), 0u);
}

TEST(IntervalMeter, AnImpossibleAmountIsOutOfRange) {
  Meter meter(Kind::interval, "kWh", limits(100e3));
  EXPECT_EQ(meter.at(15min, 500.0).quality, (Quality{Origin::missing, Rule::range}));
}

TEST(PowerMeter, IntegratesByTrapezoids) {
  Meter meter(Kind::instantaneous, "kW");
  meter.at(0s, 10.0);
  meter.at(60s, 20.0);
  EXPECT_EQ(meter.total, Activity::of(250'000));  // 15 kW for a minute
}

TEST(PowerMeter, CarriesWhatIsBelowAQuantumWithinAQuarterHour) {
  Meter meter(Kind::instantaneous, "mW");
  // 4 mW: one quantum a quarter hour, in steps of 7 s that each bring less than one.
  for (int i = 0; i <= 900; i += 7) meter.at(i * 1s, 4.0);
  meter.at(900s, 4.0);
  EXPECT_EQ(meter.total, Activity::of(1));
  EXPECT_EQ(meter.state.integration_remainder, 0);
}

TEST(PowerMeter, AQuarterHourDoesNotDependOnTheRoundingOfThoseBefore) {
  const auto second_quarter = [](double before) {
    Meter meter(Kind::instantaneous, "mW");
    for (int i = 0; i <= 900; i += 7) meter.at(i * 1s, before);
    meter.at(900s, 1234.0);
    const Activity first = meter.total;
    for (int i = 905; i <= 1800; i += 5) meter.at(i * 1s, 1234.0);
    return meter.total - first;
  };
  EXPECT_EQ(second_quarter(3.0), second_quarter(1777.0));
}

TEST(PowerMeter, WhatFlowsBackIsNotConsumedUnlessMinAllowsIt) {
  Meter meter(Kind::instantaneous, "kW");
  meter.at(0s, 60.0);
  EXPECT_EQ(meter.at(60s, -60.0).quality, (Quality{Origin::missing, Rule::range}));
  meter.at(120s, 60.0);
  EXPECT_EQ(meter.total, Activity::of(2 * kKwh)) << "between the two that are believed";
}

TEST(PowerMeter, ExportIsNegative) {
  PointLimits net;
  net.min = -100.0;
  Meter meter(Kind::instantaneous, "kW", net);
  meter.at(0s, -60.0);
  meter.at(60s, -60.0);
  EXPECT_EQ(meter.total, Activity::of(-kKwh));
  EXPECT_GE(meter.state.integration_remainder, 0);
}

TEST(PowerMeter, AssumesNothingOverAGap) {
  Meter meter(Kind::instantaneous, "kW");
  meter.at(0s, 10.0);
  const Counted counted = meter.at(5min + 1s, 10.0);
  ASSERT_EQ(counted.movements.size(), 1u);
  EXPECT_TRUE(counted.movements[0].hollow());
  EXPECT_EQ(counted.movements[0].quality, (Quality{Origin::missing, Rule::gap}));
  EXPECT_EQ(meter.total, Activity{});
  meter.at(6min + 1s, 10.0);
  EXPECT_EQ(meter.total, Activity::of(166'667));
}

TEST(PowerMeter, BeyondTwiceTheConnectionIsOutOfRange) {
  Meter meter(Kind::instantaneous, "kW", limits(100e3));
  EXPECT_EQ(meter.at(0s, 230.0).quality, (Quality{Origin::missing, Rule::range}));
  EXPECT_EQ(meter.at(0s, 120.0).quality, Quality{});
}

TEST(EnergyMeter, KindAndUnitMustAgree) {
  const model::Carrier& electricity = *model::find_carrier("electricity");
  const auto make = [&](Kind kind, std::string_view unit) {
    return EnergyMeter::make(
        {.id = {}, .device = "d", .name = "p", .kind = kind, .unit = find_unit(unit).value(), .limits = {}},
        electricity);
  };
  EXPECT_TRUE(make(Kind::cumulative, "kWh"));
  EXPECT_TRUE(make(Kind::instantaneous, "kW"));
  EXPECT_FALSE(make(Kind::cumulative, "kW"));
  EXPECT_FALSE(make(Kind::instantaneous, "kWh"));
  EXPECT_FALSE(make(Kind::instantaneous, "V"));
}

}  // namespace
}  // namespace carbongate::pipeline

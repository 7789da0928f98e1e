#include "gateway/pipeline/pipeline.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "tests/unit/gateway/pipeline/pipeline_fixture.h"

namespace carbongate::pipeline {
namespace {

using model::Activity;
using model::Basis;
using model::Co2e;
using model::EmissionEntry;
using model::EnergyInterval;
using model::JudgedReading;
using model::Origin;
using model::Period;
using model::Quality;
using model::RollupRow;
using model::Rule;
using model::RunningTotal;
using namespace std::chrono_literals;

constexpr std::int64_t kKwh = 1'000'000;

TEST_F(OneMeter, AQuarterHourBecomesAnIntervalAnEntryAndASum) {
  Pipeline pipeline = site.pipeline();
  std::vector<Reading> readings;
  for (int minute = 0; minute <= 15; ++minute)
    readings.push_back(reading(meter, utc("2023-06-01 12:00") + minute * 1min, 100.0 + minute));
  const auto rows = feed(pipeline, readings);

  EXPECT_EQ(only<JudgedReading>(rows).size(), 16u);
  const auto intervals = only<EnergyInterval>(rows);
  ASSERT_EQ(intervals.size(), 1u);
  EXPECT_EQ(intervals[0].begin, utc("2023-06-01 12:00"));
  EXPECT_EQ(intervals[0].end, utc("2023-06-01 12:15"));
  EXPECT_EQ(intervals[0].amount, Activity::of(15 * kKwh));
  EXPECT_EQ(intervals[0].covered, 15min);
  EXPECT_EQ(intervals[0].quality, Quality{});

  const auto entries = only<EmissionEntry>(rows);
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].amount, intervals[0].amount);
  EXPECT_EQ(entries[0].primary.emitted.co2e, Co2e::of(2'346'000));  // 15 kWh * 0.1564 kg/kWh
  EXPECT_EQ(entries[0].primary.factor_id, "cn-grid/CN-SC/average/2023");
  EXPECT_EQ(entries[0].primary.factor_version, "2025-12-31");

  const auto quarters = rollups(rows, Period::quarter_hour);
  ASSERT_EQ(quarters.size(), 1u);
  EXPECT_EQ(quarters[0].emitted[model::Basis::primary].co2e, entries[0].primary.emitted.co2e);
  EXPECT_TRUE(rollups(rows, Period::hour).empty());
  EXPECT_FALSE(pipeline.state().points[0].open);  // a reading at the boundary closes the quarter
}

TEST_F(OneMeter, AnEntryHasBothResultsOfScopeTwoAndTheirUncertainties) {
  model::Account& account = site.site.accounts[0];
  account.scope = model::Scope::energy;
  account.market = model::FactorChoice{.set = "cn-grid", .region = "CN", .method = "residual"};
  account.activity_u95_ppm = 6'633;  // class 0.5S behind transformers of class 0.2
  Pipeline pipeline = site.pipeline();
  std::vector<Reading> readings;
  for (int minute = 0; minute <= 60; ++minute)
    readings.push_back(reading(meter, utc("2023-06-01 12:00") + minute * 1min, 100.0 + minute));
  const auto rows = feed(pipeline, readings);

  const auto entries = only<EmissionEntry>(rows);
  ASSERT_EQ(entries.size(), 4u);
  const model::Emitted& location = entries[0].primary.emitted;
  EXPECT_EQ(location.gases[model::Gas::co2].quanta(), 2'346'000);
  EXPECT_EQ(location.u95_activity.quanta(), 15'561);  // 0.6633 % of 2.346 kg
  ASSERT_TRUE(entries[0].market);
  EXPECT_EQ(entries[0].market->emitted.co2e.quanta(), 9'144'000);  // 15 kWh * 0.6096 kg/kWh
  EXPECT_EQ(entries[0].market->factor_id, "cn-grid/CN/residual/2023");

  const auto hours = rollups(rows, Period::hour);
  ASSERT_EQ(hours.size(), 1u);
  EXPECT_EQ(hours[0].emitted[model::Basis::primary].u95_activity.quanta(), 4 * 15'561) << "one meter errs the same way";
  EXPECT_EQ(hours[0].emitted[model::Basis::market].co2e.quanta(), 4 * 9'144'000);
  const auto& day = pipeline.state().accounts[0].open[2];
  ASSERT_TRUE(day);
  EXPECT_EQ(day->emitted[model::Basis::primary].u95_activity.quanta(), 4 * 15'561);
  EXPECT_EQ(pipeline.state().accounts[0].emissions[model::Basis::market].total.co2e.quanta(), 4 * 9'144'000);
}

TEST_F(OneMeter, AReadingThatCrossesABoundaryIsSplitInTime) {
  Pipeline pipeline = site.pipeline();
  const auto rows = feed(pipeline, {reading(meter, utc("2023-06-01 12:14:20"), 100.0),
                                    reading(meter, utc("2023-06-01 12:15:20"), 100.000'001)});
  const auto intervals = only<EnergyInterval>(rows);
  ASSERT_EQ(intervals.size(), 1u);
  EXPECT_EQ(intervals[0].amount, Activity::of(0));
  EXPECT_EQ(intervals[0].covered, 40s);
  ASSERT_TRUE(pipeline.state().points[0].open);
  EXPECT_EQ(pipeline.state().points[0].open->amount, Activity::of(1));
}

TEST_F(OneMeter, TotalsMoveLiveAndNeverJumpBack) {
  Pipeline pipeline = site.pipeline();
  std::vector<Reading> readings;
  for (int s = 0; s <= 3600; s += 5)
    readings.push_back(reading(meter, utc("2023-06-01 12:00") + s * 1s, 100.0 + s * 0.01));
  const auto totals = only<RunningTotal>(feed(pipeline, readings));
  ASSERT_EQ(totals.size(), 361u);  // every 10 s of data time
  for (std::size_t i = 1; i < totals.size(); ++i) {
    EXPECT_EQ(totals[i].at - totals[i - 1].at, 10s);
    EXPECT_GE(totals[i].emitted[Basis::primary].co2e, totals[i - 1].emitted[Basis::primary].co2e);
    EXPECT_NEAR(totals[i].amount_per_hour, 36.0, 1e-3);  // kW
    EXPECT_NEAR(totals[i].co2e_kg_per_hour, 36.0 * 0.1564, 1e-2);
  }
  EXPECT_EQ(totals.back().amount, Activity::of(36 * kKwh));
  EXPECT_EQ(totals.back().emitted[Basis::primary].co2e, Co2e::of(5'630'400));
}

TEST_F(OneMeter, ADayInShanghaiIsWrittenAtItsLocalMidnight) {
  Pipeline pipeline = site.pipeline();
  std::vector<Reading> readings;
  const Instant midnight = utc("2023-06-01 16:00");
  for (int minute = 0; minute <= 24 * 60 + 1; ++minute)
    readings.push_back(reading(meter, midnight + minute * 1min, 0.5 * minute + 10));
  const auto rows = feed(pipeline, readings);
  const auto days = rollups(rows, Period::day);
  ASSERT_EQ(days.size(), 1u);
  EXPECT_EQ(days[0].begin, midnight);
  EXPECT_EQ(days[0].end, midnight + 24h);
  EXPECT_EQ(days[0].amount, Activity::of(720 * kKwh));
  EXPECT_EQ(days[0].covered, 24h);
  EXPECT_EQ(rollups(rows, Period::hour).size(), 24u);
  EXPECT_EQ(rollups(rows, Period::quarter_hour).size(), 96u);
}

TEST_F(OneMeter, DaysOfTheClockChangeHave23And25Hours) {
  site.site.time_zone = "Europe/Berlin";
  Pipeline pipeline = site.pipeline();
  std::vector<Reading> readings;
  double value = 0;
  for (Instant at = utc("2023-03-24 23:00"); at <= utc("2023-03-28 00:00"); at += 60s)
    readings.push_back(reading(meter, at, 1000 + value++ / 60));
  for (Instant at = utc("2023-10-27 22:00"); at <= utc("2023-10-31 00:00"); at += 60s)
    readings.push_back(reading(meter, at, 1000 + value++ / 60));
  const auto days = rollups(feed(pipeline, readings), Period::day);
  const auto covered = [&](std::string_view begin) {
    for (const RollupRow& day : days) {
      if (day.begin == utc(begin)) return day.covered;
    }
    return Duration(-1);
  };
  EXPECT_EQ(covered("2023-03-25 23:00"), 23h);
  EXPECT_EQ(covered("2023-10-28 22:00"), 25h);
  EXPECT_EQ(covered("2023-10-29 23:00"), 24h);
}

TEST_F(OneMeter, AGapOfACounterIsSpreadOverItsQuarterHours) {
  Pipeline pipeline = site.pipeline();
  const auto rows =
      feed(pipeline, {reading(meter, utc("2023-06-01 12:00"), 100.0), reading(meter, utc("2023-06-01 14:00"), 180.0)});
  const auto intervals = only<EnergyInterval>(rows);
  ASSERT_EQ(intervals.size(), 8u);
  for (const EnergyInterval& interval : intervals) {
    EXPECT_EQ(interval.amount, Activity::of(10 * kKwh));
    EXPECT_EQ(interval.covered, 0s);
    EXPECT_EQ(interval.quality, (Quality{Origin::estimated, Rule::gap}));
  }
  ASSERT_EQ(rollups(rows, Period::hour).size(), 2u);
  EXPECT_EQ(rollups(rows, Period::hour)[0].amount, Activity::of(40 * kKwh));
}

TEST_F(OneMeter, ANewYearSplitsAMovementBetweenTwoFactors) {
  Pipeline pipeline = site.pipeline();
  const Instant new_year = utc("2022-12-31 16:00");
  const auto rows = feed(pipeline, {reading(meter, new_year - 15min, 100.0), reading(meter, new_year + 15min, 120.0)});
  const auto entries = only<EmissionEntry>(rows);
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].primary.factor_id, "cn-grid/CN-SC/average/2022");
  EXPECT_EQ(entries[0].primary.emitted.co2e, Co2e::of(1'404'000));
  EXPECT_EQ(entries[1].primary.factor_id, "cn-grid/CN-SC/average/2023");
  EXPECT_EQ(entries[1].primary.emitted.co2e, Co2e::of(1'564'000));
  EXPECT_EQ(rollups(rows, Period::year).size(), 1u);
}

TEST_F(OneMeter, WithoutAFactorTheEntrySaysSo) {
  Pipeline pipeline = site.pipeline();
  const auto rows =
      feed(pipeline, {reading(meter, utc("2018-06-01 12:00"), 100.0), reading(meter, utc("2018-06-01 12:15"), 110.0)});
  const auto entries = only<EmissionEntry>(rows);
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].amount, Activity::of(10 * kKwh));
  EXPECT_EQ(entries[0].primary.emitted.co2e, Co2e{});
  EXPECT_EQ(entries[0].primary.factor_id, "");
  EXPECT_EQ(entries[0].quality, (Quality{Origin::missing, Rule::no_factor}));
  EXPECT_EQ(pipeline.statistics().entries_without_factor, 1u);
  EXPECT_NE(only<EnergyInterval>(rows)[0].quality.origin, Origin::missing);
}

TEST_F(OneMeter, RejectedReadingsAreRowsAndCountNothing) {
  site.site.points[0].limits.max = 1e6;
  Pipeline pipeline = site.pipeline();
  const Instant noon = utc("2023-06-01 12:00");
  Reading none = reading(meter, noon + 1min, std::nan(""));
  none.availability = Availability::not_available;
  const auto rows = feed(pipeline, {reading(meter, noon, 100.0), none, reading(meter, noon + 2min, std::nan("")),
                                    reading(meter, noon + 3min, 4e9), reading(meter, noon + 4min, 101.0)});
  const auto judged = only<JudgedReading>(rows);
  ASSERT_EQ(judged.size(), 5u);
  EXPECT_EQ(judged[1].quality.rule, Rule::not_available);
  EXPECT_EQ(judged[2].quality.rule, Rule::not_a_number);
  EXPECT_EQ(judged[3].quality.rule, Rule::range);
  EXPECT_EQ(judged[3].value, 4e9);  // nothing is clipped
  EXPECT_EQ(pipeline.state().accounts[0].amount, Activity::of(kKwh));
  EXPECT_EQ(pipeline.statistics().rejected, 3u);
  EXPECT_EQ(pipeline.statistics().by_rule[static_cast<std::size_t>(Rule::range)], 1u);
}

TEST_F(OneMeter, AStampOfAClockThatIsAheadMakesNothingLate) {
  Pipeline pipeline = site.pipeline();
  const Instant noon = utc("2023-06-01 12:00");
  feed(pipeline, {reading(meter, noon, 100.0)});
  const std::vector<Batch> ahead{
      {.source = "far", .received = noon + 1min, .readings = {reading(meter, noon + 26h, 101.0)}, .settled = {}}};
  EXPECT_EQ(only<JudgedReading>(pipeline.ingest(ahead, noon + 1min).rows).at(0).quality,
            (Quality{Origin::missing, Rule::future}));
  EXPECT_EQ(pipeline.state().points[0].last_at, noon);
  const auto right = only<JudgedReading>(feed(pipeline, {reading(meter, noon + 2min, 102.0)}));
  EXPECT_EQ(right.at(0).quality, Quality{});
  EXPECT_EQ(pipeline.state().accounts[0].amount, Activity::of(2 * kKwh));
}

TEST_F(OneMeter, DuplicatesAndOldReadingsAreNotCountedTwice) {
  Pipeline pipeline = site.pipeline();
  const Instant noon = utc("2023-06-01 12:00");
  const auto rows = feed(
      pipeline, {reading(meter, noon, 100.0), reading(meter, noon + 1min, 101.0), reading(meter, noon + 1min, 101.0),
                 reading(meter, noon, 100.0), reading(meter, noon + 2min, 102.0)});
  const auto judged = only<JudgedReading>(rows);
  EXPECT_EQ(judged[2].quality, (Quality{Origin::measured, Rule::duplicate}));
  EXPECT_EQ(judged[3].quality, (Quality{Origin::late, Rule::out_of_order}));
  EXPECT_EQ(pipeline.state().accounts[0].amount, Activity::of(2 * kKwh));
}

TEST_F(OneMeter, AQuarterHourWaitsForADoubtfulReading) {
  Pipeline pipeline = site.pipeline();
  const Instant noon = utc("2023-06-01 12:00");
  auto rows = feed(pipeline, {reading(meter, noon + 14min, 53'700.0), reading(meter, noon + 15min, 0.0)});
  EXPECT_TRUE(only<EnergyInterval>(rows).empty());
  rows = feed(pipeline, {reading(meter, noon + 16min, 53'700.5)});
  const auto intervals = only<EnergyInterval>(rows);
  ASSERT_EQ(intervals.size(), 1u);
  EXPECT_EQ(intervals[0].amount, Activity::of(kKwh / 4));
  EXPECT_EQ(intervals[0].quality, (Quality{Origin::measured, Rule::glitch}));
}

TEST_F(OneMeter, AResetLeavesItsMarkOnTheQuarterHour) {
  Pipeline pipeline = site.pipeline();
  const Instant noon = utc("2023-06-01 12:00");
  std::vector<Reading> readings{reading(meter, noon, 53'700.0), reading(meter, noon + 1min, 53'700.5)};
  for (int i = 1; i <= 12; ++i) readings.push_back(reading(meter, noon + 1min + i * 5s, 0.25 * i));
  readings.push_back(reading(meter, noon + 15min, 5.5));
  const auto rows = feed(pipeline, readings);
  const auto intervals = only<EnergyInterval>(rows);
  ASSERT_EQ(intervals.size(), 1u);
  EXPECT_EQ(intervals[0].amount, Activity::of(5'750'000));
  EXPECT_EQ(intervals[0].covered, 1min + 55s);  // 13 minutes without a reading are a gap for a meter read every minute
  EXPECT_EQ(intervals[0].quality.origin, Origin::estimated);
}

TEST_F(OneMeter, OnePointMayFeedSeveralAccounts) {
  site.add_account(meter, "electricity", "cn-grid", "CN", "average");
  Pipeline pipeline = site.pipeline();
  const auto rows =
      feed(pipeline, {reading(meter, utc("2023-06-01 12:00"), 100.0), reading(meter, utc("2023-06-01 12:15"), 110.0)});
  EXPECT_EQ(only<EnergyInterval>(rows).size(), 1u);
  const auto entries = only<EmissionEntry>(rows);
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].primary.emitted.co2e, Co2e::of(1'564'000));
  EXPECT_EQ(entries[1].primary.emitted.co2e, Co2e::of(5'306'000));
}

TEST_F(OneMeter, EveryChangedSubjectIsInTheEffectsOnceAsItStands) {
  const PointId voltage = site.add_point("voltage", Kind::instantaneous, "V");
  const PointId silent = site.add_point("current", Kind::instantaneous, "A");
  Pipeline pipeline = site.pipeline();
  const Instant noon = utc("2023-06-01 12:00");
  Batch batch{.source = "test",
              .received = noon + 2min,
              .readings = {reading(meter, noon, 100.0), reading(voltage, noon, 230.0),
                           reading(meter, noon + 1min, 101.0), reading(voltage, noon + 1min, 231.0)},
              .settled = {}};
  const model::Effects effects = pipeline.ingest({&batch, 1}, noon + 2min);
  ASSERT_EQ(effects.points.size(), 2u);
  ASSERT_EQ(effects.accounts.size(), 1u);
  EXPECT_EQ(effects.points[0].second.last_value, 101.0);
  EXPECT_EQ(effects.points[1].second.last_value, 231.0);
  EXPECT_EQ(effects.accounts[0].second.amount, Activity::of(kKwh));
  EXPECT_FALSE(pipeline.state().points[index(silent)].last_at);
  EXPECT_TRUE(pipeline.ingest({}, noon).empty());
}

TEST_F(OneMeter, APointThatNoAccountUsesIsOnlyRecorded) {
  const PointId spare = site.add_point("spare", Kind::cumulative, "kWh");
  Pipeline pipeline = site.pipeline();
  const auto rows =
      feed(pipeline, {reading(spare, utc("2023-06-01 12:00"), 1.0), reading(spare, utc("2023-06-01 13:00"), 2.0)});
  EXPECT_EQ(rows.size(), 2u);
}

TEST(Pipeline, AGapOverMidnightEndsTheDayWhenTheMeterIsHeardAgain) {
  TestSite site;
  site.site.time_zone = "UTC";
  const PointId power = site.add_point("power", Kind::instantaneous, "kW", every(60s));
  site.add_account(power);
  Pipeline pipeline = site.pipeline();
  const auto rows =
      feed(pipeline, {reading(power, utc("2023-06-01 22:00"), 60.0), reading(power, utc("2023-06-01 22:01"), 60.0),
                      reading(power, utc("2023-06-04 03:00"), 60.0)});
  const auto days = rollups(rows, Period::day);
  ASSERT_EQ(days.size(), 1u);  // of the days in between nothing is known
  EXPECT_EQ(days[0].begin, utc("2023-06-01 00:00"));
  EXPECT_EQ(days[0].amount, Activity::of(kKwh));
  EXPECT_EQ(days[0].quality, (Quality{Origin::missing, Rule::gap}));
}

TEST(Pipeline, IntervalAmountsOfAQuarterHourAreItsEntry) {
  TestSite site;
  const PointId amount = site.add_point("usage", Kind::interval, "kWh", every(15min));
  site.add_account(amount);
  Pipeline pipeline = site.pipeline();
  const auto rows =
      feed(pipeline, {reading(amount, utc("2023-06-01 12:15"), 3.17), reading(amount, utc("2023-06-01 12:30"), 4.0)});
  const auto entries = only<EmissionEntry>(rows);
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].begin, utc("2023-06-01 12:00"));
  EXPECT_EQ(entries[0].amount, Activity::of(3'170'000));
  EXPECT_EQ(entries[0].primary.emitted.co2e, Co2e::of(495'788));
  EXPECT_EQ(entries[0].covered, 15min);
}

TEST(Pipeline, FuelsAndHeatAreAccountedInTheirOwnUnits) {
  TestSite site;
  const PointId gas = site.add_point("gas", Kind::cumulative, "Nm3", every(15min));
  const PointId heat = site.add_point("heat", Kind::cumulative, "GJ", every(15min));
  const PointId diesel = site.add_point("diesel", Kind::interval, "kg", every(15min));
  site.add_account(gas, "natural-gas", "cn-fuels", "CN-SC", "default");
  site.add_account(heat, "heat", "cn-heat", "CN-SC", "default");
  site.add_account(diesel, "diesel", "cn-fuels", "CN-SC", "default");
  Pipeline pipeline = site.pipeline();
  const Instant noon = utc("2023-06-01 12:00");
  const auto rows =
      feed(pipeline, {reading(gas, noon, 1000.0), reading(heat, noon, 500.0), reading(gas, noon + 15min, 1100.0),
                      reading(heat, noon + 15min, 502.5), reading(diesel, noon + 15min, 10.0)});
  const auto entries = only<EmissionEntry>(rows);
  ASSERT_EQ(entries.size(), 3u);
  EXPECT_EQ(entries[0].amount, Activity::of(100'000'000));
  EXPECT_EQ(entries[0].primary.emitted.co2e, Co2e::of(216'501'519));  // 100 Nm3 * 389.31 * 0.01532 * 0.99 * 44/12 / 10
  EXPECT_EQ(entries[1].primary.emitted.co2e, Co2e::of(275'000'000));  // 2.5 GJ * 110 kg/GJ
  EXPECT_EQ(entries[2].primary.emitted.co2e, Co2e::of(30'959'096));   // 10 kg * 42.652 * 0.0202 * 0.98 * 44/12
}

TEST(Pipeline, RefusesASiteThatACheckedConfigurationCannotDescribe) {
  TestSite voltage;
  voltage.add_account(voltage.add_point("voltage", Kind::instantaneous, "V"));
  EXPECT_THROW(voltage.pipeline(), std::invalid_argument);

  TestSite mixed;
  const PointId energy = mixed.add_point("energy", Kind::cumulative, "kWh");
  mixed.add_account(energy, "electricity");
  mixed.add_account(energy, "heat", "cn-heat", "", "default");
  EXPECT_THROW(mixed.pipeline(), std::invalid_argument);

  TestSite elsewhere;
  const FactorRegistry& factors = elsewhere.factors();
  elsewhere.site.time_zone = "UTC";
  EXPECT_THROW(Pipeline(elsewhere.site, factors, {}), std::invalid_argument);
}

}  // namespace
}  // namespace carbongate::pipeline

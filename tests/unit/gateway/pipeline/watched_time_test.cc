// What of the time was watched: valid minutes, hours and days, and how much of it totals cover.
#include <gtest/gtest.h>

#include <limits>
#include <map>

#include "gateway/pipeline/pipeline.h"
#include "tests/unit/gateway/pipeline/pipeline_fixture.h"

namespace carbongate::pipeline {
namespace {

using model::Activity;
using model::Basis;
using model::Co2e;
using model::EmissionEntry;
using model::EnergyInterval;
using model::Origin;
using model::Period;
using model::Quality;
using model::RollupRow;
using model::Rule;
using model::RunningTotal;
using namespace std::chrono_literals;

constexpr std::int64_t kKwh = 1'000'000;

TEST_F(OneMeter, AnHourIsValidByItsMinutesAndADayByItsHours) {
  Pipeline pipeline = site.pipeline();
  std::vector<Reading> readings;
  double total = 100;
  const auto watch = [&](Instant from, Duration length) {
    for (Duration t{}; t <= length; t += 1min) readings.push_back(reading(meter, from + t, total += 0.01));
  };
  // In UTC, the day of the site begins at 16:00 of the day before. Nineteen full hours, one of 45 minutes, one of 44.
  watch(utc("2023-05-31 16:00"), 19h);
  watch(utc("2023-06-01 11:15"), 45min);
  watch(utc("2023-06-01 12:16"), 44min);
  watch(utc("2023-06-01 16:00"), 1min);
  const auto rows = feed(pipeline, readings);
  const auto hours = rollups(rows, Period::hour);
  std::map<model::Validity, int> verdicts;
  for (const model::RollupRow& hour : hours) ++verdicts[hour.validity];
  EXPECT_EQ(verdicts[model::Validity::valid], 20);
  const auto days = rollups(rows, Period::day);
  ASSERT_EQ(days.size(), 1u);
  EXPECT_EQ(days[0].valid_hours, 20u);
  EXPECT_EQ(days[0].validity, model::Validity::valid);
}

// Of 60 minutes every fifth is valid: a fifth of the hour is watched, and the counter tells its sum all the same.
TEST_F(OneMeter, AnHourOfWhichAFifthIsValidIsWatchedForAFifth) {
  for (const char flag : {'D', 'M', 'C', 'T', 'B', '?'}) {
    Pipeline pipeline = site.pipeline();
    std::vector<Reading> readings;
    for (int minute = 0; minute <= 60; ++minute) {
      readings.push_back(reading(meter, utc("2023-06-01 12:00") + minute * 1min, 100 + minute));
      if (minute % 5 != 0) readings.back().hj212_flag = flag;
    }
    const auto rows = feed(pipeline, readings);
    const auto hours = rollups(rows, Period::hour);
    ASSERT_EQ(hours.size(), 1u);
    EXPECT_EQ(hours[0].covered, 12min) << flag;
    EXPECT_EQ(hours[0].validity, model::Validity::invalid);
    EXPECT_EQ(hours[0].amount, Activity::of(60 * kKwh));
    EXPECT_EQ(hours[0].quality, (Quality{Origin::estimated, Rule::rejected}));
    EXPECT_EQ(pipeline.state().accounts[0].covered, 12min);
    for (const EnergyInterval& interval : only<EnergyInterval>(rows)) {
      EXPECT_EQ(interval.covered, 3min);
      EXPECT_EQ(interval.quality, (Quality{Origin::estimated, Rule::rejected}));
    }
  }
}

// 45 valid minutes make an hour, wherever they lie in it.
TEST_F(OneMeter, EachRejectedMinuteIsOneThatWasNotWatched) {
  for (const int valid : {45, 44}) {
    Pipeline pipeline = site.pipeline();
    std::vector<Reading> readings;
    int rejected = 60 - valid;
    for (int minute = 0; minute <= 60; ++minute) {
      readings.push_back(reading(meter, utc("2023-06-01 12:00") + minute * 1min, 100 + minute));
      if (minute % 3 != 1 || rejected == 0) continue;
      readings.back().value = std::numeric_limits<double>::quiet_NaN();
      --rejected;
    }
    const auto hours = rollups(feed(pipeline, readings), Period::hour);
    ASSERT_EQ(hours.size(), 1u);
    EXPECT_EQ(hours[0].covered, valid * 1min);
    EXPECT_EQ(hours[0].validity, valid == 45 ? model::Validity::valid : model::Validity::invalid);
  }
}

TEST_F(OneMeter, ARejectedReadingSurvivesARestartUntilTheNextIsAccepted) {
  const Instant noon = utc("2023-06-01 12:00");
  Pipeline before = site.pipeline();
  Reading no_value = reading(meter, noon + 2min, 0);
  no_value.availability = Availability::not_available;
  feed(before, {reading(meter, noon, 100), reading(meter, noon + 1min, 101), no_value});
  Pipeline pipeline = site.pipeline(before.state());
  feed(pipeline, {reading(meter, noon + 3min, 103), reading(meter, noon + 4min, 104)});
  EXPECT_EQ(pipeline.state().accounts[0].covered, 3min);
  EXPECT_EQ(pipeline.state().accounts[0].amount, Activity::of(4 * kKwh));
  EXPECT_TRUE(pipeline.state().points[index(meter)].rejected.empty());
}

// The register was read, and what it moved is known: nothing of that time went unwatched.
TEST_F(OneMeter, AMomentaryZeroIsNoRejectedReading) {
  const Instant noon = utc("2023-06-01 12:00");
  Pipeline pipeline = site.pipeline();
  feed(pipeline, {reading(meter, noon, 100), reading(meter, noon + 1min, 0), reading(meter, noon + 2min, 102),
                  reading(meter, noon + 3min, 103)});
  EXPECT_EQ(pipeline.state().accounts[0].covered, 3min);
}

TEST_F(OneMeter, WhatIsRejectedWhileAStepWaitsCountsWhereItLies) {
  const Instant noon = utc("2023-06-01 12:00");
  Pipeline pipeline = site.pipeline();
  Reading faulty = reading(meter, noon + 90s, 100);
  faulty.hj212_flag = 'D';
  feed(pipeline, {reading(meter, noon, 100), reading(meter, noon + 1min, 0), faulty, reading(meter, noon + 2min, 102),
                  reading(meter, noon + 3min, 103)});
  EXPECT_EQ(pipeline.state().accounts[0].covered, 90s + 1min);
  EXPECT_EQ(pipeline.state().accounts[0].amount, Activity::of(3 * kKwh));
}

TEST_F(OneMeter, ARejectedReadingOfAnAcceptedInstantSaysNothing) {
  const Instant noon = utc("2023-06-01 12:00");
  for (const bool is_first : {false, true}) {
    Pipeline pipeline = site.pipeline();
    Reading faulty = reading(meter, noon + 1min, 100);
    faulty.hj212_flag = 'D';
    const Reading good = reading(meter, noon + 1min, 101);
    feed(pipeline, {reading(meter, noon, 100), is_first ? faulty : good, is_first ? good : faulty,
                    reading(meter, noon + 2min, 102)});
    EXPECT_EQ(pipeline.state().accounts[0].covered, 2min) << is_first;
  }
}

// An hour watched, half an hour of silence, and half an hour more.
TEST_F(OneMeter, TotalsSayHowMuchOfTheirTimeWasWatchedAndHowFarTheTruthMayLie) {
  site.site.accounts[0].activity_u95_ppm = 6'633;
  Pipeline pipeline = site.pipeline();
  std::vector<Reading> readings;
  for (int minute = 0; minute <= 120; ++minute) {
    if (minute > 60 && minute < 90) continue;
    readings.push_back(reading(meter, utc("2023-06-01 12:02") + minute * 1min, 100.0 + minute));
  }
  const auto rows = feed(pipeline, readings);
  const auto totals = only<RunningTotal>(rows);
  ASSERT_FALSE(totals.empty());
  EXPECT_EQ(totals.front().since, utc("2023-06-01 12:02"));
  EXPECT_EQ(totals.front().at, utc("2023-06-01 12:02"));
  const RunningTotal& last = totals.back();
  EXPECT_EQ(last.since, totals.front().since);
  EXPECT_EQ(last.at - *last.since, 2h);
  EXPECT_EQ(last.covered, 90min);
  EXPECT_EQ(last.quality, (Quality{Origin::estimated, Rule::gap}));
  EXPECT_EQ(last.amount, Activity::of(120 * kKwh));

  // Of the quarter hour in progress too: nothing is left out between one entry and the next.
  const model::Co2eWithin& primary = last.emitted[Basis::primary];
  EXPECT_NEAR(static_cast<double>(primary.u95_activity.quanta()),
              static_cast<double>(primary.co2e.quanta()) * 0.006'633, 10);
  for (const model::Period period : {Period::hour, Period::day, Period::month, Period::year}) {
    const auto& open = pipeline.state().accounts[0].open[static_cast<std::size_t>(period)];
    ASSERT_TRUE(open);
    const model::Emitted& emitted = open->emitted[Basis::primary];
    EXPECT_NEAR(static_cast<double>(emitted.u95_activity.quanta()),
                static_cast<double>(emitted.co2e.quanta()) * 0.006'633, 10);
  }
  Co2e of_entries;
  for (const EmissionEntry& entry : only<EmissionEntry>(rows)) of_entries += entry.primary.emitted.u95_activity;
  const auto& quarter = pipeline.state().accounts[0].open[0];
  ASSERT_TRUE(quarter);
  EXPECT_EQ(primary.u95_activity, of_entries + quarter->emitted[Basis::primary].u95_activity);
}

TEST_F(OneMeter, TotalsOfAStoreFromBeforeDoNotSayWhatNobodyNoted) {
  model::Checkpoint before;
  {
    Pipeline pipeline = site.pipeline();
    feed(pipeline, {reading(meter, utc("2023-06-01 12:00"), 100.0), reading(meter, utc("2023-06-01 12:01"), 101.0)});
    before = pipeline.state();
  }
  before.accounts[0].since.reset();
  before.accounts[0].covered = {};
  Pipeline pipeline = site.pipeline(before);
  const auto totals = only<RunningTotal>(feed(pipeline, {reading(meter, utc("2023-06-01 12:02"), 102.0)}));
  ASSERT_EQ(totals.size(), 1u);
  EXPECT_FALSE(totals[0].since);
}

TEST(Pipeline, AQuarterHourOfWhichOnlyTheResetIsKnownIsMissing) {
  TestSite site;
  const PointId meter = site.add_point("energy", Kind::cumulative, "kWh", every(15min));
  site.add_account(meter);
  site.add_account(meter, "electricity", "cn-grid", "CN-XX", "average");  // there is no such factor
  Pipeline pipeline = site.pipeline();
  const Instant noon = utc("2023-06-01 12:00");
  std::vector<Reading> readings;
  for (int i = 0; i < 20; ++i) readings.push_back(reading(meter, noon + i * 15min, (i < 3 ? 53'700.0 : 0.0) + 2.5 * i));
  const auto rows = feed(pipeline, readings);

  const auto intervals = only<EnergyInterval>(rows);
  ASSERT_EQ(intervals.size(), 19u) << "none vanishes";
  const EnergyInterval& lost = intervals[2];
  EXPECT_EQ(lost.begin, noon + 30min);
  EXPECT_EQ(lost.amount, Activity{});
  EXPECT_EQ(lost.covered, 0min);
  EXPECT_EQ(lost.quality, (Quality{Origin::missing, Rule::reset}));
  EXPECT_EQ(intervals[1].quality, Quality{});
  EXPECT_EQ(intervals[3].quality, Quality{});
  const auto entries = only<EmissionEntry>(rows);
  ASSERT_EQ(entries.size(), 38u);
  EXPECT_EQ(entries[4].quality, lost.quality);
  EXPECT_EQ(entries[5].begin, noon + 30min);
  EXPECT_EQ(entries[5].quality, (Quality{Origin::missing, Rule::no_factor}));
  EXPECT_EQ(rollups(rows, Period::hour).at(0).quality, lost.quality) << "as good as its worst part";
  EXPECT_EQ(rollups(rows, Period::hour).at(0).covered, 45min);
  EXPECT_EQ(pipeline.state().accounts[0].quality, lost.quality);
}

TEST(Pipeline, AnHourOfWhichOnlyTheResetIsKnownIsMissing) {
  TestSite site;
  const PointId meter = site.add_point("energy", Kind::cumulative, "kWh", every(60min));
  site.add_account(meter);
  Pipeline pipeline = site.pipeline();
  const Instant noon = utc("2023-06-01 12:00");
  std::vector<Reading> readings;
  for (int i = 0; i < 20; ++i) readings.push_back(reading(meter, noon + i * 60min, (i < 3 ? 53'700.0 : 0.0) + 2.5 * i));
  const auto rows = feed(pipeline, readings);
  const auto hours = rollups(rows, Period::hour);
  ASSERT_EQ(hours.size(), 19u);
  EXPECT_EQ(hours[2].quality, (Quality{Origin::missing, Rule::reset}));
  EXPECT_EQ(hours[2].covered, 0min);
  EXPECT_EQ(only<EnergyInterval>(rows).size(), 18u * 4 + 2) << "the quarter hours at both ends say so";
}

TEST(Pipeline, PowerIsIntegratedAndAGapIsNotBridged) {
  TestSite site;
  const PointId power = site.add_point("power", Kind::instantaneous, "kW", every(60s));
  site.add_account(power);
  Pipeline pipeline = site.pipeline();
  const Instant noon = utc("2023-06-01 12:00");
  std::vector<Reading> readings;
  for (int minute = 0; minute <= 5; ++minute) readings.push_back(reading(power, noon + minute * 1min, 60.0));
  for (int minute = 40; minute <= 60; ++minute) readings.push_back(reading(power, noon + minute * 1min, 60.0));
  const auto rows = feed(pipeline, readings);
  const auto intervals = only<EnergyInterval>(rows);
  ASSERT_EQ(intervals.size(), 3u);  // nothing at all is known of 12:15 to 12:30
  EXPECT_EQ(intervals[0].begin, noon);
  EXPECT_EQ(intervals[0].amount, Activity::of(5 * kKwh));
  EXPECT_EQ(intervals[0].covered, 5min);
  EXPECT_EQ(intervals[0].quality, (Quality{Origin::missing, Rule::gap}));
  EXPECT_EQ(intervals[1].begin, noon + 30min);
  EXPECT_EQ(intervals[1].covered, 5min);
  EXPECT_EQ(intervals[1].quality, (Quality{Origin::missing, Rule::gap}));
  EXPECT_EQ(intervals[2].quality, Quality{});
  const auto hours = rollups(rows, Period::hour);
  ASSERT_EQ(hours.size(), 1u);
  EXPECT_EQ(hours[0].amount, Activity::of(25 * kKwh));
  EXPECT_EQ(hours[0].covered, 25min);
}

// Integrated as over readings that were lost, and not watched.
TEST(Pipeline, PowerIsIntegratedOverRejectedReadingsAndNotWatched) {
  TestSite site;
  const PointId power = site.add_point("power", Kind::instantaneous, "kW", every(60s));
  site.add_account(power);
  Pipeline pipeline = site.pipeline();
  std::vector<Reading> readings;
  for (int minute = 0; minute <= 60; ++minute) {
    readings.push_back(reading(power, utc("2023-06-01 12:00") + minute * 1min, 60));
    if (minute % 5 == 0) continue;
    readings.back().hj212_flag = 'C';
    readings.back().value = 500;
  }
  const auto rows = feed(pipeline, readings);
  const auto hours = rollups(rows, Period::hour);
  ASSERT_EQ(hours.size(), 1u);
  EXPECT_EQ(hours[0].covered, 12min);
  EXPECT_EQ(hours[0].validity, model::Validity::invalid);
  EXPECT_EQ(hours[0].amount, Activity::of(60 * kKwh));
  EXPECT_EQ(hours[0].quality, (Quality{Origin::estimated, Rule::rejected}));
}

// Each amount belongs to the time since the record before it, of which some were rejected.
TEST(Pipeline, ARejectedAmountTakesItsTimeWithIt) {
  for (const Duration interval : {0s, 60s}) {
    TestSite site;
    const PointId usage = site.add_point("usage", Kind::interval, "kWh", every(interval));
    site.add_account(usage);
    Pipeline pipeline = site.pipeline();
    std::vector<Reading> readings;
    for (int minute = 0; minute <= 60; ++minute) {
      readings.push_back(reading(usage, utc("2023-06-01 12:00") + minute * 1min, 1));
      if (minute % 5 != 0) readings.back().hj212_flag = 'D';
    }
    const auto hours = rollups(feed(pipeline, readings), Period::hour);
    ASSERT_FALSE(hours.empty());
    EXPECT_EQ(hours.back().covered, 12min);
    EXPECT_EQ(hours.back().amount, Activity::of(12 * kKwh));
    EXPECT_EQ(hours.back().validity, model::Validity::invalid);
  }
}

}  // namespace
}  // namespace carbongate::pipeline

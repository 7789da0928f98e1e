// What must hold of alerts for any rules and readings: made by a seeded generator.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "tests/support/rounds.h"
#include "tests/unit/gateway/pipeline/alert_fixture.h"

namespace carbongate::pipeline {
namespace {

using model::AlertRule;
using model::Measure;
using model::Period;
using namespace std::chrono_literals;

class AnyAlerts : public AlertsTest, public ::testing::WithParamInterface<unsigned> {
 protected:
  AnyAlerts() : random_(GetParam()) {
    site_.site.time_zone = "Asia/Shanghai";
    PointLimits limits;
    limits.interval = 1min;
    for (int i = 0; i < 3; ++i)
      powers_.push_back(site_.add_point("power-" + std::to_string(i), Kind::instantaneous, "kW", limits));
    for (int i = 0; i < 2; ++i)
      meters_.push_back(site_.add_point("energy-" + std::to_string(i), Kind::cumulative, "kWh", limits));
    for (const PointId meter : meters_) site_.add_account(meter);
    add_rules();
    make_readings();
  }

  std::int64_t below(std::int64_t n) { return static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(n)); }
  bool one_in(std::int64_t n) { return below(n) == 0; }

  void add_rules() {
    for (const PointId point : powers_) {
      AlertRule& silent = rule("silent-" + std::to_string(index(point)), Measure::silence);
      silent.length = 5min * (below(4) + 1);
      if (index(point) != 0) silent.depends_on = {0};
      if (index(point) == 2) silent.active = model::Active{.weekdays = 0x3e, .begin = 6h, .end = 15h, .dates = {}};
      watch_point(point);
    }
    AlertRule& over = rule("over", Measure::value);
    over.above = 70;
    over.clear_above = 60;
    over.hold_for = 1min * below(6);
    over.depends_on = {1};
    for (const PointId point : powers_) watch_point(point);
    AlertRule& between = rule("range", Measure::value);
    between.above = 90;
    between.below = 10;
    between.one_alert = true;
    between.active = model::Active{.weekdays = 0x7f, .begin = 8h, .end = 20h, .dates = {}};
    for (const PointId point : powers_) watch_point(point);
    AlertRule& change = rule("change", Measure::change);
    change.above = 40;
    change.length = 1min;
    change.hold_for = 30s;
    change.active = model::Active{.weekdays = 0x7f, .begin = 20h, .end = 4h, .dates = {}};
    watch_point(powers_[1]);
    const std::vector<model::AccountId> both{model::AccountId{0}, model::AccountId{1}};
    AlertRule& rate = rule("rate", Measure::rate);
    rate.above = 100;
    rate.hold_for = 2min;
    watch_user("park", both).unit = "kW";
    AlertRule& quota = rule("quota", Measure::quota_share);
    quota.period = Period::hour;
    quota.quota = 100'000'000;
    quota.above = 80;
    watch_user("park", both).unit = "%";
    AlertRule& pace = rule("pace", Measure::quota_pace);
    pace.period = Period::day;
    pace.quota = 2'000'000'000;
    pace.above = 110;
    pace.at_least = 5;
    watch_user("park", both).unit = "%";
    AlertRule& window = rule("window", Measure::window);
    window.length = 1h;
    window.above = 80;
    window.active = model::Active{.weekdays = 0x1f, .begin = 9h + 15min, .end = 12h, .dates = {}};
    watch_user("park", both).unit = "kWh";
    AlertRule& coverage = rule("coverage", Measure::coverage);
    coverage.period = Period::hour;
    coverage.below = 90;
    watch_user("park", both).unit = "%";
    AlertRule& deviation = rule("deviation", Measure::deviation);
    deviation.above = 20;
    deviation.below = -20;
    watch_user("park", both).unit = "%";
    AlertRule& many = rule("many", Measure::members);
    many.above = static_cast<double>(below(4));
    many.hold_for = 1min * below(4);
    if (one_in(2)) many.active = model::Active{.weekdays = 0x7f, .begin = 1h, .end = 9h, .dates = {}};
    watch_group();
    site_.site.maintenance = {{.from = utc("2023-06-01 03:00"),
                               .to = utc("2023-06-01 05:00"),
                               .rules = {},
                               .devices = {"device"},
                               .users = {}}};
  }

  // Some minutes apart, now and then hours or days; of one point always ascending.
  void make_readings() {
    Instant at = utc("2023-06-01 00:00");
    std::vector<double> counters(meters_.size(), 1000);
    while (readings_.size() < 1'500) {
      at += one_in(100) ? 1s * below(20'000) : one_in(700) ? 24h * below(8) : 1s * (below(60) + 1);
      if (one_in(2)) {
        const PointId point = powers_[static_cast<std::size_t>(below(static_cast<std::int64_t>(powers_.size())))];
        readings_.push_back(reading(point, at, static_cast<double>(below(100))));
      } else {
        const auto i = static_cast<std::size_t>(below(static_cast<std::int64_t>(meters_.size())));
        readings_.push_back(reading(meters_[i], at, counters[i] += static_cast<double>(below(20)) / 8));
      }
    }
  }

  static std::vector<std::string> alerts_of(const std::vector<model::JournalRow>& rows) {
    std::vector<std::string> texts;
    for (const model::JournalRow& row : rows) {
      if (row.body.get_if<model::Alert>()) texts.push_back(to_text({row}));
    }
    return texts;
  }

  std::mt19937_64 random_;
  std::vector<PointId> powers_;
  std::vector<PointId> meters_;
  std::vector<Reading> readings_;
};
INSTANTIATE_TEST_SUITE_P(Seeds, AnyAlerts, ::testing::Range(1u, kSanitized ? 4u : 9u));

TEST_P(AnyAlerts, AreOfManyRulesAndEachIsToldInOrder) {
  Pipeline pipeline = site_.pipeline();
  const auto rows = feed(pipeline, readings_);
  std::map<std::string, std::uint32_t> rules;
  std::map<std::string, std::vector<model::Alert>> by_id;
  for (const model::JournalRow& row : rows) {
    const auto* alert = row.body.get_if<model::Alert>();
    if (!alert) continue;
    ++rules[site_.site.watches[model::index(std::get<model::WatchId>(row.subject))].rule];
    by_id[alert->id].push_back(*alert);
  }
  EXPECT_GE(rules.size(), 6U) << "rules of many kinds";
  for (const auto& [id, changes] : by_id) {
    for (std::size_t i = 0; i < changes.size(); ++i) {
      EXPECT_EQ(changes[i].revision, i) << id;
      EXPECT_EQ(changes[i].since, changes[0].since) << id;
      EXPECT_GE(changes[i].at, changes[i].since) << id;
      EXPECT_EQ(model::is_active(changes[i].stage), i % 2 == 0) << id;
      EXPECT_FALSE(changes[i].cause) << "nothing here came late";
    }
  }
}

TEST_P(AnyAlerts, AreTheSameHoweverReadingsAreGrouped) {
  Pipeline one_by_one = site_.pipeline();
  const auto expected = to_text(feed(one_by_one, readings_));
  Pipeline grouped = site_.pipeline();
  std::vector<model::JournalRow> rows;
  for (std::size_t done = 0; done < readings_.size();) {
    std::vector<Batch> batches;
    for (std::int64_t n = below(30) + 1; n > 0 && done < readings_.size(); --n, ++done) {
      batches.push_back(
          {.source = "test", .received = readings_[done].at, .readings = {readings_[done]}, .settled = {}});
    }
    auto effects = grouped.ingest(batches, batches.back().received);
    std::move(effects.rows.begin(), effects.rows.end(), std::back_inserter(rows));
  }
  EXPECT_EQ(to_text(rows), expected);
  EXPECT_EQ(to_text(grouped.state()), to_text(one_by_one.state()));
}

TEST_P(AnyAlerts, AreTheSameAfterARestartAnywhere) {
  Pipeline undisturbed = site_.pipeline();
  const auto expected = alerts_of(feed(undisturbed, readings_));
  std::optional<Pipeline> restarted(site_.pipeline());
  std::vector<model::JournalRow> rows;
  for (std::size_t i = 0; i < readings_.size(); ++i) {
    if (one_in(20)) {
      model::Checkpoint state = restarted->state();
      restarted.emplace(site_.pipeline(std::move(state)));
    }
    const auto more = feed(*restarted, {readings_[i]});
    rows.insert(rows.end(), more.begin(), more.end());
  }
  EXPECT_EQ(alerts_of(rows), expected);
}

// The states that a commit is given are all that changed.
TEST_P(AnyAlerts, LeaveInTheEffectsWhatARestartNeeds) {
  Pipeline pipeline = site_.pipeline();
  model::Checkpoint kept;
  kept.alerts.resize(site_.site.watches.size());
  for (const Reading& one : readings_) {
    const Batch batch{.source = "test", .received = one.at, .readings = {one}, .settled = {}};
    for (const auto& [watch, state] : pipeline.ingest({&batch, 1}, one.at).alerts)
      kept.alerts[model::index(watch)] = state;
    ASSERT_EQ(kept.alerts, pipeline.state().alerts);
  }
}

TEST_P(AnyAlerts, DoNotDependOnWhenTheClockIsLookedAt) {
  Pipeline alone = site_.pipeline();
  auto expected = alerts_of(feed(alone, readings_));
  Pipeline watched = site_.pipeline();
  std::vector<model::JournalRow> rows;
  const auto take = [&](const model::Effects& effects) {
    rows.insert(rows.end(), effects.rows.begin(), effects.rows.end());
  };
  for (const Reading& one : readings_) {
    const bool is_first = &one == &readings_.front();  // from then on those are expected that were never heard
    for (std::int64_t n = is_first ? 0 : below(4); n > 0; --n) take(watched.pass(one.at - 1s * below(300)));
    const Batch batch{.source = "test", .received = one.at, .readings = {one}, .settled = {}};
    take(watched.ingest({&batch, 1}, one.at));
  }
  auto told = alerts_of(rows);
  std::ranges::sort(expected);
  std::ranges::sort(told);
  EXPECT_EQ(told, expected);
}

class AnyPower : public UserAlerts, public ::testing::WithParamInterface<unsigned> {};
INSTANTIATE_TEST_SUITE_P(Seeds, AnyPower, ::testing::Range(1u, kSanitized ? 20u : 100u));

// A meter of short gaps is dead for hours at a time, and heard again while a value of the other one holds. That comes
// late, and says nothing new: live the clock has decided by then what a replay decides with it.
TEST_P(AnyPower, OfADeadMeterThatIsHeardAgainIsTheSameLiveAndReplayed) {
  std::mt19937_64 random(GetParam());
  const auto below = [&](std::int64_t n) {
    return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(n));
  };
  PointLimits limits;
  limits.gap_max = 5min;
  const PointId dead = site_.add_point("dead", Kind::cumulative, "kWh", limits);
  const model::AccountId third = site_.add_account(dead);
  for (const auto hold_for : {10min, 30min, 90min}) {
    AlertRule& power = rule("power-" + std::to_string(hold_for / 1min), Measure::rate);
    power.above = 40;
    power.hold_for = hold_for;
    watch_user("press", {account_, third}).unit = "kW";
  }
  std::vector<Reading> readings;
  Instant at = utc("2023-06-01 00:00");
  double count = 1000;
  for (int i = 0; i < 300; ++i) {
    at += 1min * (below(25) + 1);
    readings.push_back(reading(meter_, at, count += static_cast<double>(below(30))));
    if (below(4) != 0) continue;
    at += 1min * below(20);
    for (std::int64_t n = below(8); n > 0; --n) readings.push_back(reading(dead, at += 1s * (below(240) + 1), 7));
  }
  const auto alerts_of = [](const std::vector<model::JournalRow>& rows) {
    std::vector<std::string> alerts;
    for (const model::JournalRow& row : rows) {
      if (row.body.get_if<model::Alert>()) alerts.push_back(to_text({row}));
    }
    std::ranges::sort(alerts);
    return alerts;
  };
  const Instant end = at + 24h;

  Pipeline live = site_.pipeline();
  std::vector<model::JournalRow> rows;
  const auto take = [&](const model::Effects& effects) {
    rows.insert(rows.end(), effects.rows.begin(), effects.rows.end());
  };
  for (std::size_t i = 0; i < readings.size(); ++i) {
    const Reading& one = readings[i];
    // The clock is looked at until it is heard, which is late of the dead one.
    const Instant latest = i + 1 < readings.size() ? readings[i + 1].at - 1s : end;
    const Instant heard = one.point == dead ? std::min(one.at + 1s * below(240), latest) : one.at;
    if (i != 0) {
      for (Instant now = readings[i - 1].at; now <= heard; now += 15s) take(live.pass(now));
    }
    const Batch batch{.source = "test", .received = heard, .readings = {one}, .settled = {}};
    take(live.ingest({&batch, 1}, heard));
  }
  take(live.pass(end));
  const auto told = alerts_of(rows);
  EXPECT_FALSE(told.empty());

  rows.clear();
  Pipeline replayed = site_.pipeline();
  const Batch all{.source = "test", .received = at, .readings = readings, .settled = {}};
  take(replayed.ingest({&all, 1}, at));
  take(replayed.pass(end));
  EXPECT_EQ(alerts_of(rows), told);
}

}  // namespace
}  // namespace carbongate::pipeline

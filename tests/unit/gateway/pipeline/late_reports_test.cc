#include "gateway/pipeline/late_reports.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "tests/unit/gateway/pipeline/pipeline_fixture.h"

using namespace carbongate;
using namespace carbongate::pipeline;
using namespace std::chrono_literals;
using model::Report;
using model::ReportKind;

namespace {

const Instant kMidnight = std::chrono::sys_days(std::chrono::year(2026) / 7 / 31) + 16h;  // of 1 August in Shanghai

// A station with a value every ten seconds and a counter, and a store of what was heard and told.
class LateReports : public testing::Test {
 protected:
  LateReports() {
    PointLimits limits;
    limits.interval = 10s;
    limits.power_max_w = 2e6;
    co2_ = site_.add_point("co2", Kind::instantaneous, "mg/m3", limits);
    counter_ = site_.add_point("counter", Kind::cumulative, "kWh", limits);
    model::Station station;
    station.name = "stack";
    station.minute = 1min;
    station.minute_instants = 4;
    station.factors = {
        {.code = "a05001", .point = co2_, .reduced = {}, .amount = {}, .fresh = 30s},
        {.code = "i33201", .point = {}, .reduced = {}, .amount = counter_, .amount_interval = 10s},
    };
    site_.site.stations = {station};
    restart({});
  }

  void restart(model::Checkpoint state) { pipeline_.emplace(site_.pipeline(std::move(state))); }

  Reading co2(Instant at, double value) const { return reading(co2_, at, value); }
  // 36 kW
  Reading counter(Instant at) const {
    return reading(counter_, at, 1000 + std::chrono::duration<double>(at - kMidnight).count() / 100);
  }

  void hear(const std::vector<Reading>& readings) {
    stored_.insert(stored_.end(), readings.begin(), readings.end());
    tell(feed(*pipeline_, readings));
  }
  void tell(const std::vector<model::JournalRow>& rows) {
    for (Report& report : only<Report>(rows)) {
      if (report.kind != ReportKind::real_time) told_.push_back(std::move(report));
    }
  }
  // Nothing comes, and the clock goes on.
  void pass(Instant from, Instant until) {
    for (Instant at = from; at <= until; at += 1min) tell(pipeline_->pass(at).rows);
  }
  // From `from` to `until`, every ten seconds.
  void hear(Instant from, Instant until, double value, bool counts = true) {
    std::vector<Reading> readings;
    for (Instant at = from; at < until; at += 10s) {
      readings.push_back(co2(at, value));
      if (counts) readings.push_back(counter(at));
    }
    hear(readings);
  }

  // What the gateway does in time: the reports that are told again.
  std::vector<Report> judge() {
    std::vector<Report> changes;
    Calendar calendar(site_.site.time_zone);
    std::vector<Reading> ordered = stored_;
    std::ranges::sort(ordered, {}, [](const Reading& one) { return std::pair(one.at, one.point); });
    for (const LateStation& late : pipeline_->late_stations()) {
      LateReportJudgement judgement{.of = late, .changes = {}, .last_day = {}, .hour = {}, .day = {}};
      for (const Span& day : days_of(site_.site, late, calendar)) {
        ReportPlay play(site_.site, site_.factors(), late, day);
        for (const Reading& reading : ordered) {
          if (play.wanted().contains(reading.at)) play.take(reading);
        }
        const PlayedReports played = play.finish();
        std::vector<Report> told;
        std::ranges::copy_if(told_, std::back_inserter(told),
                             [&](const Report& one) { return day.contains(one.begin); });
        for (Report& change : differences(told, played.reports, affected_from(site_.site, late))) {
          judgement.changes.push_back(std::move(change));
        }
        judgement.last_day = day;
        judgement.hour = played.hour;
        judgement.day = played.day;
      }
      const model::Effects effects = pipeline_->told_late(std::span(&judgement, 1));
      changes.insert(changes.end(), judgement.changes.begin(), judgement.changes.end());
      EXPECT_EQ(only<Report>(effects.rows), judgement.changes);
      tell(effects.rows);
    }
    return changes;
  }

  // As they stand now.
  std::map<std::pair<ReportKind, Instant>, std::vector<model::ReportValue>> known() const {
    std::map<std::pair<ReportKind, Instant>, std::vector<model::ReportValue>> newest;
    for (const Report& report : told_) newest[{report.kind, report.begin}] = report.values;
    return newest;
  }

  TestSite site_;
  PointId co2_{};
  PointId counter_{};
  std::optional<Pipeline> pipeline_;
  std::vector<Reading> stored_;  // as they were heard
  std::vector<Report> told_;
};

TEST_F(LateReports, AMinuteWithoutValuesIsToldAgainWithThoseThatComeBehindNewerOnes) {
  hear(kMidnight, kMidnight + 10min, 100);
  hear(kMidnight + 12min, kMidnight + 20min, 100);  // 10 and 11 were told to be silent
  const auto silent = known();
  EXPECT_EQ((silent.at({ReportKind::minute, kMidnight + 10min})[0].flag), 'B');
  for (const Report& change : judge()) {  // what the counter moved meanwhile
    EXPECT_EQ(change.values[0].flag, change.begin < kMidnight + 10min ? 'N' : 'B');
    EXPECT_NEAR(*change.values[1].amount, 0.6, 1e-9);
  }
  EXPECT_TRUE(judge().empty());

  hear(kMidnight + 10min, kMidnight + 12min, 103);
  const auto changes = judge();
  ASSERT_EQ(changes.size(), 2u);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(changes[i].kind, ReportKind::minute);
    EXPECT_EQ(changes[i].begin, kMidnight + 10min + i * 1min);
    EXPECT_EQ(changes[i].revision, i == 0 ? 2u : 1u) << "what the counter moved in the first was told again before";
    EXPECT_EQ(changes[i].values[0].flag, 'N');
    EXPECT_EQ(changes[i].values[0].figures, (model::ReportFigures{103, 103, 103}));
  }
  EXPECT_TRUE(pipeline_->late_stations().empty());
  EXPECT_TRUE(judge().empty()) << "once";

  // The hour that goes on has them.
  hear(kMidnight + 20min, kMidnight + 62min, 100);
  const auto hour = known().at({ReportKind::hour, kMidnight});
  EXPECT_EQ(hour[0].total, 60u);
  EXPECT_DOUBLE_EQ(*hour[0].figures.value, 100.1);
  EXPECT_EQ(hour[0].figures.max, 103);
  EXPECT_DOUBLE_EQ(*hour[1].amount, 36);
}

TEST_F(LateReports, HoursAndDaysAreToldAgainWithIt) {
  hear(kMidnight, kMidnight + 3h + 30min, 100);
  hear(kMidnight + 4h, kMidnight + 25h, 100);
  ASSERT_EQ((known().at({ReportKind::day, kMidnight})[0].total), 24u);
  EXPECT_EQ((known().at({ReportKind::hour, kMidnight + 3h})[0].flag), 'D');
  restart(pipeline_->state());
  hear(kMidnight + 3h + 30min, kMidnight + 4h, 160, false);
  restart(pipeline_->state());
  const auto changes = judge();
  const auto count = [&](ReportKind kind) { return std::ranges::count(changes, kind, &Report::kind); };
  EXPECT_EQ(count(ReportKind::minute), 30);
  EXPECT_EQ(count(ReportKind::hour), 1);
  EXPECT_EQ(count(ReportKind::day), 1);
  const auto now = known();
  EXPECT_EQ((now.at({ReportKind::hour, kMidnight + 3h})[0].flag), 'N');
  EXPECT_DOUBLE_EQ(*now.at({ReportKind::hour, kMidnight + 3h})[0].figures.value, 130);
  EXPECT_DOUBLE_EQ(*now.at({ReportKind::day, kMidnight})[0].figures.value, 101.25);
  EXPECT_TRUE(judge().empty());
}

TEST_F(LateReports, InWhateverOrderReadingsComeReportsAreInTheEndTheSame) {
  const auto end = kMidnight + 26h;
  hear(kMidnight, end, 100);
  const auto expected = known();
  told_.clear();
  stored_.clear();
  restart({});
  std::vector<std::pair<Instant, Instant>> parts;
  for (Instant at = kMidnight; at < end; at += 13min) parts.emplace_back(at, std::min(at + 13min, end));
  for (std::size_t i = 3; i + 2 < parts.size(); i += 5) std::swap(parts[i], parts[i + 1 + i % 2]);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    hear(parts[i].first, parts[i].second, 100);
    if (i % 17 == 0) judge();
    if (i % 31 == 0) restart(pipeline_->state());
  }
  judge();
  const auto found = known();
  ASSERT_EQ(found.size(), expected.size());
  for (const auto& [period, values] : expected) {
    ASSERT_TRUE(found.contains(period));
    const auto& got = found.at(period);
    ASSERT_EQ(got.size(), values.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
      EXPECT_EQ(got[i].flag, values[i].flag) << to_string(period.first) << " " << (period.second - kMidnight) / 1min;
      EXPECT_EQ(got[i].figures, values[i].figures);
      EXPECT_NEAR(got[i].amount.value_or(-1), values[i].amount.value_or(-1), 0.011);
    }
  }
}

// The counter is heard seldom, and nobody has said how seldom: minutes and an hour are told before.
TEST_F(LateReports, AnAmountThatIsKnownLaterIsAddedToWhatWasTold) {
  site_.site.points[1].limits.interval = {};
  site_.site.stations[0].factors[1].amount_interval = {};
  restart({});
  std::vector<Reading> readings;
  for (Instant at = kMidnight; at <= kMidnight + 2h + 5min; at += 10s) {
    readings.push_back(co2(at, 100));
    if ((at - kMidnight) % 4min == 2min) readings.push_back(counter(at));
  }
  hear(readings);
  EXPECT_TRUE(pipeline_->state().stations[0].late);
  judge();
  const auto now = known();
  EXPECT_NEAR(*now.at({ReportKind::minute, kMidnight + 58min})[1].amount, 0.6, 1e-9);
  EXPECT_NEAR(*now.at({ReportKind::minute, kMidnight + 60min})[1].amount, 0.6, 1e-9);
  EXPECT_NEAR(*now.at({ReportKind::hour, kMidnight})[1].amount, 34.8, 1e-9) << "from the first reading on";
  EXPECT_NEAR(*now.at({ReportKind::hour, kMidnight + 1h})[1].amount, 36, 1e-9);
}

TEST_F(LateReports, ADeviceThatSendsTwiceWhatItSentChangesNothing) {
  hear(kMidnight, kMidnight + 30min, 100);
  hear(kMidnight + 5min, kMidnight + 10min, 100);
  EXPECT_FALSE(pipeline_->late_stations().empty());
  EXPECT_TRUE(judge().empty());
  EXPECT_TRUE(pipeline_->late_stations().empty());
}

TEST_F(LateReports, WhatIsNoLongerStoredTakesNothingAway) {
  hear(kMidnight, kMidnight + 30min, 100);
  stored_.clear();
  hear(kMidnight + 5min + 1s, kMidnight + 6min, 200, false);
  EXPECT_TRUE(judge().empty());
}

TEST_F(LateReports, TheHourAndTheDayOfAStationThatFallsSilentAreToldWhileItIs) {
  const Instant silent = kMidnight + 18h + 20min;
  hear(kMidnight, silent, 100);
  hear(kMidnight + 50h, kMidnight + 51h + 1min, 100);
  const auto without_a_clock = known();

  told_.clear();
  restart({});
  hear(kMidnight, silent, 100);
  const auto count = [this](ReportKind kind, Instant begin) {
    return std::ranges::count_if(told_, [&](const Report& one) { return one.kind == kind && one.begin == begin; });
  };
  pass(silent, kMidnight + 20h);
  EXPECT_EQ(count(ReportKind::hour, kMidnight + 18h), 0) << "something may come of it";
  restart(pipeline_->state());
  pass(kMidnight + 20h, kMidnight + 20h + 5min);
  EXPECT_EQ(count(ReportKind::hour, kMidnight + 18h), 1);
  restart(pipeline_->state());
  pass(kMidnight + 20h + 6min, kMidnight + 25h);
  EXPECT_EQ(count(ReportKind::day, kMidnight), 0);
  pass(kMidnight + 25h, kMidnight + 25h + 5min);
  EXPECT_EQ(count(ReportKind::day, kMidnight), 1);
  restart(pipeline_->state());
  pass(kMidnight + 25h + 6min, kMidnight + 50h);
  hear(kMidnight + 50h, kMidnight + 51h + 1min, 100);
  for (const auto& [period, values] : without_a_clock) {
    if (period.first == ReportKind::minute) continue;
    EXPECT_EQ(count(period.first, period.second), 1) << to_string(period.first);
    EXPECT_EQ(known().at(period), values);
  }
  EXPECT_EQ((known().at({ReportKind::hour, kMidnight + 18h})[0].total), 20u);
  EXPECT_EQ((known().at({ReportKind::day, kMidnight})[0].total), 19u);
}

// From a device that has lost ten minutes of them, longer than its counter may be silent.
TEST_F(LateReports, WhatASilentStationHasKeptOfWhatIsToldHasItToldAgain) {
  const Instant silent = kMidnight + 18h + 20min;
  const auto hear_kept = [&] {
    hear(silent + 10min, silent + 30min, 130);
    hear(kMidnight + 19h + 10min, kMidnight + 19h + 10min + 40s, 140);  // of a minute that goes on
  };
  const auto hear_again = [&] { hear(kMidnight + 26h, kMidnight + 27h + 1min, 100); };
  hear(kMidnight, silent, 100);
  hear_kept();
  hear_again();
  judge();
  const auto expected = known();

  for (const auto& [heard, has_day] : {std::pair(21h, false), std::pair(26h, true)}) {
    told_.clear();
    stored_.clear();
    restart({});
    hear(kMidnight, silent, 100);
    pass(silent, kMidnight + heard);
    EXPECT_TRUE(known().contains({ReportKind::hour, kMidnight + 18h}));
    EXPECT_EQ(known().contains({ReportKind::day, kMidnight}), has_day);
    hear_kept();
    restart(pipeline_->state());
    judge();
    pass(kMidnight + heard, kMidnight + 26h);
    hear_again();
    judge();
    EXPECT_TRUE(judge().empty());
    std::map<std::tuple<ReportKind, Instant, std::uint32_t>, int> names;
    for (const Report& report : told_) {
      if (report.kind != ReportKind::minute) ++names[{report.kind, report.begin, report.revision}];
    }
    for (const auto& [name, times] : names) {
      EXPECT_EQ(times, 1) << to_string(std::get<0>(name)) << " " << (std::get<1>(name) - kMidnight) / 1min;
    }
    const auto found = known();
    double amounts = 0;
    for (const auto& [period, values] : found) {
      if (period.first == ReportKind::minute && values.size() > 1) amounts += values[1].amount.value_or(0);
      if (!expected.contains(period)) continue;
      const auto& wanted = expected.at(period);
      ASSERT_EQ(values.size(), wanted.size());
      for (std::size_t i = 0; i < wanted.size(); ++i) {
        EXPECT_EQ(values[i].flag, wanted[i].flag)
            << heard << " " << to_string(period.first) << " " << (period.second - kMidnight) / 1min;
        EXPECT_EQ(values[i].figures, wanted[i].figures);
        EXPECT_NEAR(values[i].amount.value_or(-1), wanted[i].amount.value_or(-1), 0.011);
      }
    }
    for (const auto& [period, values] : expected) EXPECT_TRUE(found.contains(period));
    EXPECT_NEAR(amounts, 36 * 27, 0.7) << "each once";
  }
}

TEST_F(LateReports, AMinuteThatIsStillOpenIsNotToldBeforeItIsClosed) {
  hear(kMidnight, kMidnight + 10min, 100);
  hear(kMidnight + 12min, kMidnight + 20min + 30s, 100);
  hear(kMidnight + 10min, kMidnight + 12min, 103);
  pass(kMidnight + 21min, kMidnight + 40min);
  EXPECT_FALSE(judge().empty());
  EXPECT_FALSE(known().contains({ReportKind::minute, kMidnight + 20min})) << "it waits an hour";
  pass(kMidnight + 41min, kMidnight + 2h);
  hear(kMidnight + 2h, kMidnight + 2h + 2min, 100);
  const auto is_of_it = [](const Report& one) {
    return one.kind == ReportKind::minute && one.begin == kMidnight + 20min;
  };
  EXPECT_EQ(std::ranges::count_if(told_, is_of_it), 1);
  EXPECT_EQ((known().at({ReportKind::hour, kMidnight})[0].total), 21u);
}

TEST_F(LateReports, WhatComesMeanwhileIsLookedAtNextTime) {
  hear(kMidnight, kMidnight + 10min, 100);
  hear(kMidnight + 12min, kMidnight + 20min, 100);
  judge();
  hear(kMidnight + 10min, kMidnight + 11min, 103);
  const auto late = pipeline_->late_stations();
  ASSERT_EQ(late.size(), 1u);
  hear(kMidnight + 11min, kMidnight + 12min, 104);
  const LateReportJudgement before{.of = late[0], .changes = {}, .last_day = {}, .hour = {}, .day = {}};
  pipeline_->told_late(std::span(&before, 1));
  EXPECT_EQ(judge().size(), 2u);
}

}  // namespace

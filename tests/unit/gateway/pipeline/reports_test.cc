#include "gateway/pipeline/reports.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "tests/unit/gateway/pipeline/pipeline_fixture.h"

using namespace carbongate;
using namespace carbongate::pipeline;
using namespace std::chrono_literals;
using model::Origin;
using model::Quality;
using model::Report;
using model::ReportKind;
using model::Rule;

namespace {

constexpr PointId kCo2{0}, kFlow{1}, kCounter{2};
const Instant kNine = std::chrono::sys_days(std::chrono::year(2026) / 8 / 1) + 1h;  // 09:00 in Shanghai

class ReportsTest : public testing::Test {
 protected:
  ReportsTest() {
    station_.name = "stack";
    station_.minute = 1min;
    station_.factors = {
        {.code = "a05001", .point = kCo2, .reduced = {}, .amount = {}, .fresh = 90s},
        {.code = "a00000",
         .point = kFlow,
         .reduced = {},
         .amount = kFlow,
         .amount_scale = 0.001,
         .amounts = model::StationFactor::Amounts::integrals,
         .gap_max = 5min},
        {.code = "i33201", .point = kCounter, .reduced = {}, .amount = kCounter, .scale = 2, .amount_scale = 2},
    };
    begin();
  }
  void begin() {
    stations_ = {station_};
    reports_.emplace(stations_, points_, states_);
  }
  void take(PointId point, Instant at, double value, Quality quality = {}) {
    std::vector<Movement> moved;
    if (point == kCounter) {
      if (counter_) {
        moved.push_back({.begin = counter_->first,
                         .end = at,
                         .amount = model::Activity::of(std::llround((value - counter_->second) * 1e6)),
                         .covered = at - counter_->first <= 5min});
      }
      counter_.emplace(at, value);
    }
    reports_->take(
        0, {.point = point, .at = at, .value = value, .quality = quality, .moved = moved, .quanta_per_unit = 1e6},
        calendar_, states_[0],
        [this](model::StationId, Report report) { made_[report.kind].push_back(std::move(report)); });
  }
  void take_all(Instant at, double co2, Quality quality = {}) {
    take(kCo2, at, co2, quality);
    take(kFlow, at, 10);
    take(kCounter, at, static_cast<double>((at - kNine) / 1s));
  }
  const std::vector<Report>& made(ReportKind kind) { return made_[kind]; }

  model::Station station_;
  std::vector<model::Station> stations_;
  std::vector<Point> points_{3};
  std::optional<std::pair<Instant, double>> counter_;
  std::vector<model::StationState> states_;
  Calendar calendar_{"Asia/Shanghai"};
  std::optional<Reports> reports_;
  std::map<ReportKind, std::vector<Report>> made_;
};

TEST_F(ReportsTest, AnInstantHasTheNewestValueOfEachFactor) {
  take(kCo2, kNine + 1s, 100);
  take(kFlow, kNine + 12s, 5);
  take(kCo2, kNine + 29s, 101);
  take(kCo2, kNine + 31s, 102);
  take(kFlow, kNine + 42s, 6);
  EXPECT_TRUE(made(ReportKind::real_time).empty()) << "the counter may come";
  take(kCounter, kNine + 30s, 7);
  ASSERT_EQ(made(ReportKind::real_time).size(), 1u);
  const Report& report = made(ReportKind::real_time)[0];
  EXPECT_EQ(report.begin, kNine + 30s);
  ASSERT_EQ(report.values.size(), 3u);
  EXPECT_EQ(report.values[0].figures.value, 101);
  EXPECT_EQ(report.values[1].figures.value, 5);
  EXPECT_EQ(report.values[2].figures.value, 14) << "in the factor's unit";
}

TEST_F(ReportsTest, WhatIsSilentHoldsUpNothing) {
  take(kCo2, kNine + 10s, 100);
  take(kCo2, kNine + 59s, 101);
  EXPECT_TRUE(made(ReportKind::real_time).empty());
  take(kCo2, kNine + 60s, 102);
  ASSERT_EQ(made(ReportKind::real_time).size(), 1u);
  EXPECT_EQ(made(ReportKind::real_time)[0].values.size(), 1u);
  take(kFlow, kNine + 20s, 5);  // too late
  take(kCo2, kNine + 100s, 103);
  ASSERT_EQ(made(ReportKind::real_time).size(), 2u);
  EXPECT_EQ(made(ReportKind::real_time)[1].values.size(), 1u) << "and no longer fresh";
}

TEST_F(ReportsTest, AValueKeepsItsFlag) {
  take_all(kNine, 100, {Origin::missing, Rule::calibration});
  ASSERT_EQ(made(ReportKind::real_time).size(), 1u);
  EXPECT_EQ(made(ReportKind::real_time)[0].values[0].flag, 'C');
  EXPECT_EQ(made(ReportKind::real_time)[0].values[1].flag, 'N');
}

TEST_F(ReportsTest, MinutesHoursAndDaysFollowTheRules) {
  const Instant midnight = kNine - 9h;
  for (int second = 0; second <= 24 * 3600; second += 5) {
    const Instant at = midnight + std::chrono::seconds(second);
    const int minute = second / 60;
    // From 10:00 on, 16 minutes with too few values; one value in four is not valid anywhere else in that hour.
    const bool is_bad = minute >= 600 && minute < 616 && second % 60 != 0;
    take_all(at, minute % 60, is_bad ? Quality{Origin::missing, Rule::maintenance} : Quality{});
  }
  ASSERT_EQ(made(ReportKind::minute).size(), 1440u);
  ASSERT_EQ(made(ReportKind::hour).size(), 24u);
  ASSERT_EQ(made(ReportKind::day).size(), 1u);
  const Report& minute = made(ReportKind::minute)[61];
  EXPECT_EQ(minute.begin, midnight + 61min);
  EXPECT_EQ(minute.end, midnight + 62min);
  EXPECT_EQ(minute.values[0].figures, (model::ReportFigures{1, 1, 1}));
  EXPECT_EQ(minute.values[0].valid, 12u);
  EXPECT_EQ(minute.values[0].flag, 'N');
  EXPECT_FALSE(minute.values[0].amount);
  EXPECT_DOUBLE_EQ(*minute.values[1].amount, 600) << "10 in a second";
  EXPECT_DOUBLE_EQ(*minute.values[2].amount, 120);
  EXPECT_EQ(made(ReportKind::minute)[605].values[0].flag, 'D');

  const Report& hour = made(ReportKind::hour)[9];
  EXPECT_EQ(hour.begin, kNine);
  EXPECT_EQ(hour.values[0].figures, (model::ReportFigures{29.5, 0, 59}));
  EXPECT_EQ(hour.values[0].flag, 'N');
  EXPECT_DOUBLE_EQ(*hour.values[2].amount, 7200);
  EXPECT_EQ(made(ReportKind::hour)[10].values[0].flag, 'D') << "44 valid minutes";
  EXPECT_EQ(made(ReportKind::hour)[10].values[0].valid, 44u);
  EXPECT_EQ(made(ReportKind::hour)[10].values[1].flag, 'N');

  const Report& day = made(ReportKind::day)[0];
  EXPECT_EQ(day.begin, midnight);
  EXPECT_EQ(day.end, midnight + 24h);
  EXPECT_EQ(day.values[0].valid, 23u);
  EXPECT_EQ(day.values[0].flag, 'N');
  EXPECT_DOUBLE_EQ(*day.values[1].amount, 864'000);
  EXPECT_DOUBLE_EQ(*day.values[2].amount, 2.0 * 86'400);
}

TEST_F(ReportsTest, OfWasteWaterOneValueMakesAPeriodAbnormal) {
  station_.any_abnormal = true;
  begin();
  for (int second = 0; second <= 120; second += 1) {
    take_all(kNine + std::chrono::seconds(second), 1,
             second == 61 ? Quality{Origin::missing, Rule::maintenance} : Quality{});
  }
  ASSERT_EQ(made(ReportKind::minute).size(), 2u);
  EXPECT_EQ(made(ReportKind::minute)[0].values[0].flag, 'N');
  EXPECT_EQ(made(ReportKind::minute)[1].values[0].flag, 'D');
}

TEST_F(ReportsTest, AStoppedPlantIsSaidToBe) {
  for (int second = 0; second <= 60; second += 5) {
    take_all(kNine + std::chrono::seconds(second), 0, {Origin::measured, Rule::stopped});
  }
  EXPECT_EQ(made(ReportKind::minute)[0].values[0].flag, 'F');
}

TEST_F(ReportsTest, ARestartGoesOnWhereItWas) {
  const auto run = [this](bool with_restarts) {
    made_.clear();
    states_.clear();
    counter_.reset();
    begin();
    for (int second = 0; second <= 7300; second += 7) {
      take_all(kNine + std::chrono::seconds(second), second % 13);
      if (with_restarts) begin();
    }
    return made_;
  };
  const auto whole = run(false);
  EXPECT_EQ(run(true), whole);
  EXPECT_EQ(whole.at(ReportKind::hour).size(), 2u);
}

// Silent minutes have the flag B and nothing else.
void expect_silent(const Report& report, Instant begin, std::vector<std::string> codes) {
  EXPECT_EQ(report.begin, begin);
  std::vector<std::string> found;
  for (const model::ReportValue& value : report.values) {
    found.push_back(value.code);
    EXPECT_EQ(value.flag, 'B') << value.code;
    EXPECT_EQ(value.figures, model::ReportFigures());
    EXPECT_FALSE(value.amount);
    EXPECT_EQ(value.total, 0u);
  }
  EXPECT_EQ(found, codes);
}
const std::vector<std::string> kAll{"a05001", "a00000", "i33201"};

TEST_F(ReportsTest, AfterAnOutageItsMinutesAreFlaggedAndItsHoursAreNone) {
  for (int second = 0; second <= 60; second += 5) take_all(kNine + std::chrono::seconds(second), 1);
  for (int second = 0; second <= 60; second += 5) take_all(kNine + 5h + 2s + std::chrono::seconds(second), 1);
  const auto& minutes = made(ReportKind::minute);
  ASSERT_EQ(minutes.size(), 301u) << "the open one of before is closed";
  for (std::size_t i = 0; i < minutes.size(); ++i) {
    EXPECT_EQ(minutes[i].begin, kNine + i * 1min);
    const bool is_heard = i < 2 || i == 300;
    if (!is_heard) expect_silent(minutes[i], kNine + i * 1min, kAll);
    if (is_heard) EXPECT_NE(minutes[i].values[0].flag, 'B');
  }
  ASSERT_EQ(made(ReportKind::hour).size(), 1u);
  EXPECT_EQ(made(ReportKind::hour)[0].values[0].total, 2u) << "of minutes with values";
  double counted = 0;
  for (const Report& report : minutes) counted += report.values[2].amount.value_or(0);
  EXPECT_DOUBLE_EQ(counted, 2.0 * (5 * 3600 + 60)) << "what the counter moved meanwhile is in the first minute after";
}

TEST_F(ReportsTest, OfALongSilenceItsLastDayIsTold) {
  for (int second = 0; second <= 60; second += 5) take_all(kNine + std::chrono::seconds(second), 1);
  take_all(kNine + 72h + 45s, 1);
  const auto& minutes = made(ReportKind::minute);
  ASSERT_EQ(minutes.size(), 2u + 24 * 60);
  expect_silent(minutes[2], kNine + 48h, kAll);
  expect_silent(minutes.back(), kNine + 72h - 1min, kAll);
}

TEST_F(ReportsTest, AFactorThatIsSilentBesideOthersIsFlagged) {
  for (int second = 0; second <= 200; second += 5) {
    const Instant at = kNine + std::chrono::seconds(second);
    take(kCo2, at, 100);
    if (second < 60 || second >= 120) take(kFlow, at, 10);
    take(kCounter, at, second);
  }
  const auto& minutes = made(ReportKind::minute);
  ASSERT_EQ(minutes.size(), 3u);
  EXPECT_EQ(minutes[0].values[1].flag, 'N');
  ASSERT_EQ(minutes[1].values.size(), 3u);
  EXPECT_EQ(minutes[1].values[0].flag, 'N');
  EXPECT_EQ(minutes[1].values[1].flag, 'B');
  EXPECT_FALSE(minutes[1].values[1].figures.value);
  EXPECT_EQ(minutes[1].values[2].flag, 'N');
  EXPECT_EQ(minutes[2].values[1].flag, 'N');
}

TEST_F(ReportsTest, AValueThatComesMoreSeldomThanMinutesDoIsNotSilentBetweenThem) {
  station_.factors[1].fresh = 15min;  // every five minutes
  begin();
  for (int second = 0; second <= 1200; second += 5) {
    const Instant at = kNine + std::chrono::seconds(second);
    take(kCo2, at, 100);
    if (second % 300 == 0) take(kFlow, at, 10);
    take(kCounter, at, second);
  }
  const auto flow = [&](std::size_t minute) {
    const auto& values = made(ReportKind::minute).at(minute).values;
    const auto found = std::ranges::find(values, "a00000", &model::ReportValue::code);
    return found == values.end() ? '-' : found->flag;
  };
  EXPECT_EQ(flow(0), 'D') << "one of twelve";
  for (const std::size_t minute : {1u, 2u, 3u, 6u}) EXPECT_EQ(flow(minute), '-');
  // Heard at 9:20 for the last time.
  for (int second = 1205; second <= 3600; second += 5) {
    const Instant at = kNine + std::chrono::seconds(second);
    take(kCo2, at, 100);
    take(kCounter, at, second);
  }
  EXPECT_EQ(flow(33), '-');
  EXPECT_EQ(flow(34), 'B') << "not fresh any more at its end";
  EXPECT_EQ(flow(50), 'B');
}

TEST_F(ReportsTest, WhileNothingComesTheClockTellsSilentMinutes) {
  const auto pass = [this](Instant now) {
    return reports_->pass(0, now, calendar_, states_[0],
                          [this](model::StationId, Report report) { made_[report.kind].push_back(std::move(report)); });
  };
  EXPECT_FALSE(pass(kNine)) << "nothing was ever heard";
  for (int second = 0; second <= 80; second += 5) take_all(kNine + std::chrono::seconds(second), 1);
  ASSERT_EQ(made(ReportKind::minute).size(), 1u);
  EXPECT_FALSE(pass(kNine + 3min + 29s));
  EXPECT_TRUE(pass(kNine + 3min + 30s));
  EXPECT_TRUE(pass(kNine + 5min + 30s));
  EXPECT_FALSE(pass(kNine + 5min + 31s));
  ASSERT_EQ(made(ReportKind::minute).size(), 4u);
  for (std::size_t i = 1; i < 4; ++i) expect_silent(made(ReportKind::minute)[i], kNine + (i + 1) * 1min, kAll);

  // It goes on in the minute that was open, and has kept the one after it: both are told with their values.
  for (int second = 85; second < 180; second += 5) take_all(kNine + std::chrono::seconds(second), 1);
  take_all(kNine + 7min, 1);
  take_all(kNine + 8min + 45s, 1);
  const auto& minutes = made(ReportKind::minute);
  std::vector<std::pair<int, char>> told;
  for (const Report& report : minutes) told.emplace_back((report.begin - kNine) / 1min, report.values[0].flag);
  EXPECT_EQ(told, (std::vector<std::pair<int, char>>{{0, 'N'},
                                                     {2, 'B'},
                                                     {3, 'B'},
                                                     {4, 'B'},
                                                     {1, 'N'},
                                                     {2, 'N'},
                                                     {3, 'B'},
                                                     {4, 'B'},
                                                     {5, 'B'},
                                                     {6, 'B'},
                                                     {7, 'D'}}));
}

TEST_F(ReportsTest, OfWhatWasNeverHeardMinutesAreToldFromTheFirstOnThatBegins) {
  station_.factors[1].fresh = 10min;  // comes every few minutes
  begin();
  const auto pass = [this](Instant now) {
    return reports_->pass(0, now, calendar_, states_[0],
                          [this](model::StationId, Report report) { made_[report.kind].push_back(std::move(report)); });
  };
  EXPECT_TRUE(reports_->watch(0, kNine + 20s, calendar_, states_[0]));
  EXPECT_FALSE(reports_->watch(0, kNine + 30s, calendar_, states_[0])) << "once";
  pass(kNine + 2min + 29s);
  EXPECT_TRUE(made(ReportKind::minute).empty()) << "it may be under way";
  pass(kNine + 2min + 30s);
  begin();  // a restart
  pass(kNine + 12min + 30s);
  const auto& minutes = made(ReportKind::minute);
  ASSERT_EQ(minutes.size(), 11u);
  for (std::size_t i = 0; i < minutes.size(); ++i) {
    const bool is_due = i >= 9;  // what is to come every few minutes
    expect_silent(minutes[i], kNine + (i + 1) * 1min, is_due ? kAll : std::vector<std::string>{"a05001", "i33201"});
  }
  // What it has kept all the time comes after all.
  for (int second = 0; second <= 150; second += 5) take_all(kNine + std::chrono::seconds(second), 1);
  ASSERT_EQ(minutes.size(), 13u);
  EXPECT_EQ(minutes[11].begin, kNine);
  EXPECT_EQ(minutes[11].values[0].flag, 'N');
  EXPECT_EQ(minutes[12].begin, kNine + 1min);
  EXPECT_EQ(minutes[12].values[0].flag, 'N');
}

TEST_F(ReportsTest, AStationOfWhichOneFactorWasHeardOnceTellsTheOthersToo) {
  EXPECT_TRUE(reports_->watch(0, kNine, calendar_, states_[0]));
  take(kCo2, kNine + 5s, 100);
  reports_->pass(0, kNine + 65min, calendar_, states_[0],
                 [this](model::StationId, Report report) { made_[report.kind].push_back(std::move(report)); });
  const auto& minutes = made(ReportKind::minute);
  ASSERT_GE(minutes.size(), 60u);
  EXPECT_EQ(std::ranges::count(minutes, kNine + 30min, &Report::begin), 1);
  const auto first = std::ranges::find(minutes, kNine, &Report::begin);
  ASSERT_NE(first, minutes.end());
  ASSERT_EQ(first->values.size(), 3u);
  EXPECT_EQ(first->values[0].figures.value, 100);
  EXPECT_EQ(first->values[1].flag, 'B');
}

TEST_F(ReportsTest, TheMinuteInWhichASilenceBeganWaitsAnHour) {
  const auto pass = [this](Instant now) {
    return reports_->pass(0, now, calendar_, states_[0],
                          [this](model::StationId, Report report) { made_[report.kind].push_back(std::move(report)); });
  };
  for (int second = 0; second <= 80; second += 5) take_all(kNine + std::chrono::seconds(second), 1);
  pass(kNine + 62min + 29s);
  const auto& minutes = made(ReportKind::minute);
  EXPECT_EQ(std::ranges::count(minutes, kNine + 1min, &Report::begin), 0);
  EXPECT_TRUE(pass(kNine + 62min + 30s));
  EXPECT_EQ(std::ranges::count(minutes, kNine + 1min, &Report::begin), 1);
  EXPECT_EQ(minutes.size(), 62u);
  take_all(kNine + 85s, 1);
  take_all(kNine + 2h + 1s, 1);
  take_all(kNine + 2h + 91s, 1);
  EXPECT_EQ(std::ranges::count(minutes, kNine + 1min, &Report::begin), 1) << "too late";
  ASSERT_EQ(minutes.size(), 121u);
  ASSERT_EQ(made(ReportKind::hour).size(), 1u);
  EXPECT_EQ(made(ReportKind::hour)[0].values[0].total, 2u);
  EXPECT_EQ(made(ReportKind::hour)[0].values[2].amount, 2 * 85.0)
      << "its hour goes on, and has what was counted by then";
  ASSERT_TRUE(states_[0].late);
  EXPECT_EQ(states_[0].late->from, kNine + 80s);
}

}  // namespace

#include "gateway/pipeline/reports.h"

#include <gtest/gtest.h>

#include <map>

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
    reports_.emplace(stations_, 3, states_);
  }
  void take(PointId point, Instant at, double value, Quality quality = {}) {
    reports_->take(0, point, at, value, quality, calendar_, states_[0],
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

TEST_F(ReportsTest, AfterAnOutageNothingIsReportedOfIt) {
  for (int second = 0; second <= 60; second += 5) take_all(kNine + std::chrono::seconds(second), 1);
  for (int second = 0; second <= 60; second += 5) take_all(kNine + 5h + 2s + std::chrono::seconds(second), 1);
  EXPECT_EQ(made(ReportKind::minute).size(), 3u) << "the open one of before is closed";
  EXPECT_EQ(made(ReportKind::hour).size(), 1u);
  double counted = 0;
  for (const Report& report : made(ReportKind::minute)) counted += report.values[2].amount.value_or(0);
  EXPECT_DOUBLE_EQ(counted, 2.0 * (5 * 3600 + 57)) << "what the counter moved meanwhile is in the first minute after";
}

}  // namespace

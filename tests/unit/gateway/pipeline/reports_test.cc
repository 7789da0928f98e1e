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

// A counter of 36 kW read each 10 s for two hours from nine, through a step at 13 minutes past each, as a station is
// told of it.
class CounterOfAStation : public testing::Test {
 protected:
  CounterOfAStation() {
    PointLimits limits;
    limits.interval = 10s;
    limits.power_max_w = 2e6;
    counter_ = site_.add_point("counter", Kind::cumulative, "kWh", limits);
    site_.site.stations = {
        {.name = "plant", .factors = {{.code = "i33201", .point = counter_, .reduced = {}, .amount = counter_}}}};
  }

  // `shown`: what the register shows of what flowed.
  template <class Shown>
  std::vector<Report> hours(const Shown& shown) {
    Pipeline pipeline = site_.pipeline();
    std::vector<Reading> readings;
    for (int i = 0; i <= 3 * 360; ++i) readings.push_back(reading(counter_, kNine + i * 10s, shown(i, 1000 + i * 0.1)));
    std::vector<Report> found;
    for (Report& report : only<Report>(feed(pipeline, readings))) {
      if (report.kind == ReportKind::hour) found.push_back(std::move(report));
    }
    return found;
  }

  TestSite site_;
  PointId counter_{};
};

constexpr int kStep = 78;  // the reading at 09:13

// What a factor's amounts add up to, in hundredths, by the period that they are told in.
std::map<std::pair<ReportKind, Instant>, long> hundredths(const std::vector<Report>& reports, std::string_view code) {
  std::map<std::pair<ReportKind, Instant>, long> found;
  for (const Report& report : reports) {
    const auto value = std::ranges::find(report.values, code, &model::ReportValue::code);
    if (value != report.values.end() && value->amount) {
      found[{report.kind, report.begin}] = std::lround(*value->amount * 100);
      EXPECT_NEAR(*value->amount * 100, std::round(*value->amount * 100), 1e-6) << "as it is told";
    }
  }
  return found;
}

// Read at 58, 2, 6 minutes and so on, beside a value that comes every ten seconds and closes minutes.
TEST_F(CounterOfAStation, IsPartedAtTheEndsOfMinutesHoursAndDays) {
  site_.site.points[0].limits.interval = 4min;
  const PointId co2 = site_.add_point("co2", Kind::instantaneous, "mg/m3");
  const PointId flow = site_.add_point("flow", Kind::instantaneous, "kg/h");
  const PointId pulses = site_.add_point("pulses", Kind::interval, "kWh");
  model::Station& station = site_.site.stations[0];
  station.minute = 1min;
  station.factors[0].amount_interval = 4min;
  station.factors[0].fresh = 12min;
  station.factors.push_back({.code = "a05001", .point = co2, .reduced = {}, .amount = {}});
  station.factors.push_back({.code = "a00000",
                             .point = {},
                             .reduced = {},
                             .amount = flow,
                             .amount_scale = 1 / 3.6e6,
                             .amounts = model::StationFactor::Amounts::integrals,
                             .gap_max = 5min,
                             .amount_interval = 4min});
  station.factors.push_back({.code = "x00001",
                             .point = {},
                             .reduced = {},
                             .amount = pulses,
                             .amounts = model::StationFactor::Amounts::sums,
                             .amount_interval = 4min});
  const Instant midnight = kNine - 9h;
  Pipeline pipeline = site_.pipeline();
  std::vector<Reading> readings;
  for (int i = 0; i <= 24 * 360 + 60; ++i) {
    const Instant at = midnight - 2min + i * 10s;
    readings.push_back(reading(co2, at, 100));
    if (i % 24 != 0) continue;
    readings.push_back(reading(counter_, at, 1000 + i / 24 * 0.37));
    readings.push_back(reading(flow, at, 60 + 7 * (i / 24 % 3)));
    readings.push_back(reading(pulses, at, 0.37));
  }
  const std::vector<Report> reports = only<Report>(feed(pipeline, readings));
  EXPECT_FALSE(pipeline.state().stations[0].late) << "nothing was told before its amount was known";
  for (const std::string_view code : {"i33201", "a00000", "x00001"}) {
    const auto told = hundredths(reports, code);
    long of_hours = 0;
    for (int hour = 0; hour < 24; ++hour) {
      long of_minutes = 0;
      for (int minute = 0; minute < 60; ++minute) {
        ASSERT_TRUE(told.contains({ReportKind::minute, midnight + hour * 1h + minute * 1min})) << code;
        of_minutes += told.at({ReportKind::minute, midnight + hour * 1h + minute * 1min});
      }
      const long of_hour = told.at({ReportKind::hour, midnight + hour * 1h});
      EXPECT_EQ(of_minutes, of_hour) << code << " " << hour;
      if (code != "a00000") EXPECT_NEAR(of_hour, 555, 1) << "15 times 0.37";
      of_hours += of_hour;
    }
    EXPECT_EQ(of_hours, told.at({ReportKind::day, midnight})) << code;
  }
}

TEST_F(CounterOfAStation, IsToldToBeSilentFromTheStartOnThoughItWasNeverHeard) {
  site_.site.stations[0].minute = 1min;
  site_.site.stations[0].factors[0].point = counter_;
  std::optional<Pipeline> pipeline(site_.pipeline());
  std::vector<Instant> told;
  for (int second = 20; second <= 300; ++second) {
    for (const Report& report : only<Report>(pipeline->pass(kNine + 1s * second).rows)) {
      EXPECT_EQ(report.kind, ReportKind::minute);
      EXPECT_EQ(report.values[0].flag, 'B');
      told.push_back(report.begin);
    }
    if (second == 130) pipeline.emplace(site_.pipeline(pipeline->state()));
  }
  EXPECT_EQ(told, (std::vector<Instant>{kNine + 1min, kNine + 2min, kNine + 3min}));
}

TEST_F(CounterOfAStation, IsToldNoGlitch) {
  for (const double shown : {0.0, 1e6}) {
    for (const bool is_accounted : {false, true}) {
      if (is_accounted) site_.site.accounts.clear(), site_.add_account(counter_);
      const auto told = hours([&](int i, double flowed) { return i == kStep ? shown : flowed; });
      ASSERT_GE(told.size(), 2u);
      for (const Report& hour : told) {
        ASSERT_TRUE(hour.values[0].amount);
        EXPECT_NEAR(*hour.values[0].amount, 36, 1e-6) << shown;
      }
    }
    site_.site.accounts.clear();
  }
}

TEST_F(CounterOfAStation, IsNoValueWhereItIsInDoubt) {
  site_.site.stations[0].factors[0].amount.reset();
  const auto told = hours([](int i, double flowed) { return i == kStep ? 1e6 : flowed; });
  ASSERT_GE(told.size(), 2u);
  EXPECT_LT(told[0].values[0].figures.max.value(), 1'100);
}

TEST_F(CounterOfAStation, IsCountedThroughItsEndAndAcrossAnAnnouncedExchange) {
  Point& point = site_.site.points[0];
  point.limits.rollover_at = {1010};
  auto told = hours([](int, double flowed) { return flowed >= 1010 ? flowed - 1010 : flowed; });
  ASSERT_GE(told.size(), 2u);
  EXPECT_NEAR(*told[0].values[0].amount, 36, 1e-6);
  EXPECT_NEAR(*told[1].values[0].amount, 36, 1e-6);
  point.limits.rollover_at = {};
  point.history.replaced = {{.at = kNine + kStep * 10s - 5s, .final = 1007.75, .initial = 5}};
  told = hours([](int i, double flowed) { return i >= kStep ? flowed - 1007.75 + 5 : flowed; });
  ASSERT_GE(told.size(), 2u);
  EXPECT_NEAR(*told[0].values[0].amount, 36, 1e-6);
}

TEST_F(CounterOfAStation, IsWorthItsTransformersRatio) {
  site_.site.points[0].history.ratios = {{.from = Instant{}, .numerator = 40, .denominator = 1}};
  const auto told = hours([](int, double flowed) { return flowed / 40; });
  ASSERT_GE(told.size(), 2u);
  EXPECT_NEAR(*told[0].values[0].amount, 36, 1e-3);
  ASSERT_TRUE(told[0].values[0].figures.min);
  EXPECT_NEAR(*told[0].values[0].figures.min, 1000, 1e-3);
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

TEST_F(CounterOfAStation, IsNotNormalWhereItCameTogetherOverASilence) {
  site_.site.points[0].limits.gap_max = 5min;
  Pipeline pipeline = site_.pipeline();
  // From 10:20 to 13:00 sharp nothing is heard: the hour before 13:00 has an amount and no value.
  std::vector<Reading> readings;
  for (int i = 0; i <= 6 * 360; ++i) {
    const Instant at = kNine + i * 10s;
    if (at <= kNine + 80min || at >= kNine + 4h) readings.push_back(reading(counter_, at, 1000 + i * 0.1));
  }
  std::map<Instant, model::ReportValue> hours;
  std::map<Instant, model::ReportValue> minutes;
  for (const Report& report : only<Report>(feed(pipeline, readings))) {
    if (report.kind == ReportKind::hour) hours[report.begin] = report.values[0];
    if (report.kind == ReportKind::minute) minutes[report.begin] = report.values[0];
  }
  EXPECT_EQ(hours.at(kNine).flag, 'N');
  const model::ReportValue& woken = hours.at(kNine + 3h);
  EXPECT_NEAR(woken.amount.value(), 96, 1e-6) << "160 minutes at once";
  EXPECT_EQ(woken.total, 0u);
  EXPECT_EQ(woken.flag, 'D');
  EXPECT_EQ(minutes.at(kNine + 3h + 50min).flag, 'B') << "nothing was heard in it";
  EXPECT_EQ(hours.at(kNine + 4h).flag, 'N');
  EXPECT_NEAR(hours.at(kNine + 4h).amount.value(), 36, 1e-6);
}

TEST_F(CounterOfAStation, IsNormalWithoutAValueOfItsOwnIfItsReadingsAreNoFurtherApartThanMayBe) {
  site_.site.points[0].limits.interval = 2h;  // so gap_max is 6 h
  Pipeline pipeline = site_.pipeline();
  std::vector<Reading> readings;
  for (int i = 0; i <= 4; ++i) readings.push_back(reading(counter_, kNine + i * 2h, 1000 + i * 72));
  std::size_t alone = 0;
  for (const Report& report : only<Report>(feed(pipeline, readings))) {
    if (report.kind != ReportKind::hour || report.values[0].total != 0) continue;
    ++alone;
    EXPECT_EQ(report.values[0].flag, 'N');
  }
  EXPECT_GT(alone, 0u);
}

}  // namespace

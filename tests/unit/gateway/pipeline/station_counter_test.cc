#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "gateway/pipeline/reports.h"
#include "tests/unit/gateway/pipeline/pipeline_fixture.h"

using namespace carbongate;
using namespace carbongate::pipeline;
using namespace std::chrono_literals;
using model::Report;
using model::ReportKind;

namespace {

const Instant kNine = std::chrono::sys_days(std::chrono::year(2026) / 8 / 1) + 1h;  // 09:00 in Shanghai

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

// Alerts of users' sums say which time the value is of, and how much of that was watched.
#include <gtest/gtest.h>

#include <algorithm>

#include "gateway/pipeline/watched_so_far.h"
#include "tests/unit/gateway/pipeline/alert_fixture.h"

namespace carbongate::pipeline {
namespace {

using model::AlertSum;
using model::Measure;
using model::Period;
using namespace std::chrono_literals;

class SummedAlerts : public UserAlerts {
 protected:
  model::AlertRule& of_day(Measure measure, double above) {
    auto& day = rule("day", measure);
    day.period = Period::day;
    day.above = above;
    return day;
  }
  // Readings are an hour apart, and from 01:00 to 05:00 there are none, which is longer than what is bridged.
  void read_with_a_gap(PointId point) {
    for (const auto& [at, kwh] :
         {std::pair("00:00:00", 0), std::pair("01:00:00", 10), std::pair("05:00:00", 50), std::pair("06:00:00", 95)}) {
      read(point, at, kwh);
    }
  }
  PointId point_bridged_for(Duration gap_max) {
    PointLimits limits;
    limits.gap_max = gap_max;
    return site_.add_point("short", Kind::cumulative, "kWh", limits);
  }
};

TEST_F(SummedAlerts, SayHowMuchOfThePeriodSoFarWasWatched) {
  of_day(Measure::period, 90);
  watch_user("press", {account_}).unit = "kWh";
  start();
  read_with_a_gap(meter_);
  EXPECT_EQ(told(), "06-01 06:00:00 day press firing since 06-01 06:00:00 95/90\n");
  EXPECT_EQ(times(), "06-01 00:00:00 to 06-02 00:00:00, 33.33%\n");
  day_ = "2023-06-02 ";
  read(meter_, "01:00:00", 95);
  EXPECT_EQ(told(), "06-02 00:00:00 day press resolved since 06-01 06:00:00 #1\n");
  EXPECT_EQ(times(), "none\n") << "no value, no time that it is of";
}

// The same figure as the API has of the quota at that time.
TEST_F(SummedAlerts, OfAQuotaCountAsTheApiDoes) {
  auto& quota = of_day(Measure::quota_share, 90);
  quota.quota = 200'000'000;
  watch_user("press", {account_, other_}).unit = "%";
  start();
  for (int hour = 0; hour < 6; ++hour) {
    const std::string at = "0" + std::to_string(hour) + ":00:00";
    read(second_, at, hour * 18);
    if (hour < 2 || hour == 5) read(meter_, at, hour * 10);
  }
  EXPECT_EQ(told(), "");
  read(meter_, "06:00:00", 95);
  EXPECT_EQ(told(), "06-01 06:00:00 day press firing since 06-01 06:00:00 92.5/90\n");
  const model::Checkpoint& state = pipeline_->state();
  Calendar calendar("UTC");
  const Instant now = utc("2023-06-01 06:00:00");
  WatchedSoFar shown(calendar.period(Period::day, now), now);
  for (const model::AccountId account : {account_, other_}) {
    const PointId source = site_.site.accounts[model::index(account)].source;
    const auto& open = state.accounts[model::index(account)].open[static_cast<std::size_t>(Period::day)];
    ASSERT_TRUE(open);
    shown.add(source, state.points[index(source)].last_at, open->covered);
  }
  EXPECT_EQ(shown.coverage(), 5833) << "2 and 5 of 6 hours each";
  EXPECT_EQ(times(), "06-01 00:00:00 to 06-02 00:00:00, 58.33%\n");
}

TEST_F(SummedAlerts, OfOneMeterCountItOnce) {
  of_day(Measure::period, 150);
  watch_user("press", {account_, site_.add_account(meter_), other_}).unit = "kWh";
  start();
  for (int hour = 0; hour < 7; ++hour) {
    const std::string at = "0" + std::to_string(hour) + ":00:00";
    read(second_, at, hour * 5);
    if (hour < 2 || hour == 5) read(meter_, at, hour * 10);
  }
  EXPECT_EQ(told(), "");
  read(meter_, "06:00:00", 95);
  EXPECT_EQ(told(), "06-01 06:00:00 day press firing since 06-01 06:00:00 220/150\n");
  EXPECT_EQ(times(), "06-01 00:00:00 to 06-02 00:00:00, 66.67%\n") << "6 and 2 of 6 hours";
}

TEST_F(SummedAlerts, OfAPaceToo) {
  auto& pace = of_day(Measure::quota_pace, 110);
  pace.quota = 240'000'000;
  watch_user("press", {account_}).unit = "%";
  start();
  read_with_a_gap(meter_);
  EXPECT_EQ(told(), "06-01 06:00:00 day press firing since 06-01 06:00:00 158.333333/110\n");
  EXPECT_EQ(times(), "06-01 00:00:00 to 06-02 00:00:00, 33.33%\n");
}

// What is due after a value is told with what was known when the value was seen, whenever time is said to have passed.
TEST_F(SummedAlerts, ThatWaitSayWhatWasWatchedWhenTheirValueWasSeen) {
  for (const bool passes : {false, true}) {
    site_.site.alert_rules.clear();
    site_.site.watches.clear();
    of_day(Measure::period, 90).hold_for = 30min;
    watch_user("press", {account_}).unit = "kWh";
    start();
    read_with_a_gap(meter_);
    restart();
    EXPECT_EQ(told(), "");
    if (passes) pass("06:31:00");
    read(meter_, "07:00:00", 96);
    EXPECT_EQ(told(), "06-01 06:30:00 day press firing since 06-01 06:00:00 95/90\n");
    EXPECT_EQ(times(), "06-01 00:00:00 to 06-02 00:00:00, 33.33%\n") << passes;
  }
}

TEST_F(SummedAlerts, OfAPeriodThatIsOverSayHowMuchOfItWasWatched) {
  const PointId point = point_bridged_for(20min);
  auto& low = rule("low", Measure::period);
  low.period = Period::hour;
  low.below = 50;
  watch_user("press", {site_.add_account(point)}).unit = "kWh";
  start();
  for (const auto& [at, kwh] : {std::pair("00:00:00", 0), std::pair("00:20:00", 4), std::pair("00:40:00", 8),
                                std::pair("00:54:00", 9), std::pair("01:15:00", 10)}) {
    read(point, at, kwh);
  }
  EXPECT_TRUE(told().starts_with("06-01 01:00:00 low press firing since 06-01 01:00:00 9."));
  EXPECT_EQ(times(), "06-01 00:00:00 to 06-01 01:00:00, 90%\n");
}

TEST_F(SummedAlerts, OfAWindowSayHowMuchOfItWasWatched) {
  const PointId point = point_bridged_for(20min);
  auto& window = rule("window", Measure::window);
  window.length = 1h;
  window.above = 40;
  watch_user("press", {site_.add_account(point)}).unit = "kWh";
  start();
  for (const auto& [at, kwh] : {std::pair("00:00:00", 0), std::pair("00:15:00", 1), std::pair("00:45:00", 30),
                                std::pair("01:00:00", 45), std::pair("01:15:00", 45)}) {
    read(point, at, kwh);
  }
  EXPECT_EQ(told(), "06-01 01:00:00 window press firing since 06-01 01:00:00 45/40\n");
  EXPECT_EQ(times(), "06-01 00:00:00 to 06-01 01:00:00, 50%\n");
}

TEST_F(SummedAlerts, OfAnIntensitySayWhatWasWatchedOfBothItsSums) {
  PointLimits limits;
  limits.gap_max = 30min;
  const PointId line = site_.add_point("steel", Kind::cumulative, "t", limits);
  const model::AccountId product = site_.add_account(line, "product");
  site_.site.accounts.back().factor.reset();
  site_.site.accounts.back().flow = model::Flow::produced;
  auto& intensity = rule("intensity", Measure::intensity);
  intensity.period = Period::hour;
  intensity.above = 0.5;
  watch_user("press", {account_}).per = {product};
  start();
  const auto hour = [&](std::string_view at, double kwh, double tonnes) {
    read(meter_, at, kwh);
    read(line, at, tonnes);
  };
  hour("00:00:00", 0, 0);
  hour("01:00:01", 1000, 1);
  EXPECT_EQ(times(), "06-01 00:00:00 to 06-01 01:00:00, 50%\n") << "nothing of what was made";
  hour("02:00:01", 1100, 2);
  EXPECT_EQ(times(), "06-01 01:00:00 to 06-01 02:00:00, 50%\n") << "resolved";
  hour("02:30:01", 1600, 3);
  model::Checkpoint state = pipeline_->state();
  for (model::AlertPeriod& period : state.alerts[0].periods) period.unwatched.reset();
  state.alerts[0].periods.push_back({.begin = utc("2023-06-01 02:00:00"), .since = {}});
  pipeline_.emplace(site_.pipeline(std::move(state)));
  hour("03:00:01", 3100, 3.1);
  EXPECT_EQ(times(), "06-01 02:00:00 to 06-01 03:00:00, ?%\n") << "begun by a gateway that did not note it";
}

TEST_F(SummedAlerts, OfADeviationAreOfTheHour) {
  auto& deviation = rule("deviation", Measure::deviation);
  deviation.above = 30;
  watch_user("press", {account_}).unit = "%";
  start();
  double value = 0;
  for (const auto& [day, kwh] : {std::pair("01", 100), std::pair("08", 100), std::pair("15", 160)}) {
    day_ = "2023-06-" + std::string(day) + " ";
    read(meter_, "10:00:00", value);
    read(meter_, "11:00:01", value += kwh);
  }
  EXPECT_TRUE(told().starts_with("06-15 11:00:00 deviation press firing "));
  EXPECT_EQ(times(), "06-15 10:00:00 to 06-15 11:00:00, 100%\n");
}

TEST_F(SummedAlerts, OfATotalAreOfAllSinceTheFirstReading) {
  rule("total", Measure::total).above = 90;
  watch_user("press", {account_}).unit = "kWh";
  start();
  read_with_a_gap(meter_);
  EXPECT_EQ(told(), "06-01 06:00:00 total press firing since 06-01 06:00:00 95/90\n");
  EXPECT_EQ(times(), "06-01 00:00:00 to 06-01 06:00:00, 33.33%\n");
}

TEST_F(SummedAlerts, OfATotalWhoseBeginIsNotKnownAreOfNone) {
  rule("total", Measure::total).above = 90;
  watch_user("press", {account_}).unit = "kWh";
  start();
  read(meter_, "00:00:00", 0);
  read(meter_, "01:00:00", 10);
  model::Checkpoint state = pipeline_->state();
  state.accounts[model::index(account_)].since.reset();
  state.accounts[model::index(account_)].covered = {};
  pipeline_.emplace(site_.pipeline(std::move(state)));
  read(meter_, "02:00:00", 95);
  EXPECT_EQ(told(), "06-01 02:00:00 total press firing since 06-01 02:00:00 95/90\n");
  EXPECT_EQ(times(), "none\n");
}

TEST_F(SummedAlerts, OfCorrectionsSayItToo) {
  auto& energy = rule("energy", Measure::period);
  energy.period = Period::hour;
  energy.above = 90;
  watch_user("press", {account_}).unit = "kWh";
  auto& window = rule("window", Measure::window);
  window.length = 1h;
  window.above = 45;
  watch_user("press", {account_}).unit = "kWh";
  start();
  double value = 0;
  for (int quarter = 0; quarter < 9; ++quarter) {
    const Instant at = utc("2023-06-01 00:00:00") + quarter * 15min;
    const Batch batch{.source = "test", .received = at, .readings = {reading(meter_, at, value)}, .settled = {}};
    note(pipeline_->ingest({&batch, 1}, at));
    value += 10;
  }
  EXPECT_EQ(told(), "");
  restart();
  correct("00:30:00", 60);
  EXPECT_EQ(told(),
            "06-01 01:00:00 energy press firing since 06-01 01:00:00 100/90 late-data\n"
            "06-01 01:00:00 energy press resolved since 06-01 01:00:00 100/90 #1 late-data\n"
            "06-01 00:45:00 window press firing since 06-01 00:45:00 90/45 late-data\n"
            "06-01 01:45:00 window press resolved since 06-01 00:45:00 40/45 #1 late-data\n");
  EXPECT_EQ(times(),
            "06-01 00:00:00 to 06-01 01:00:00, 100%\n06-01 00:00:00 to 06-01 01:00:00, 100%\n"
            "05-31 23:45:00 to 06-01 00:45:00, 75%\n06-01 00:45:00 to 06-01 01:45:00, 100%\n");
  correct("00:30:00", -60);
  EXPECT_EQ(times(), "06-01 00:00:00 to 06-01 01:00:00, 100%\n05-31 23:45:00 to 06-01 00:45:00, 75%\n")
      << "withdrawn, by what it comes to now";
}

TEST_F(SummedAlerts, OfWhatIsNoSumHaveNoTime) {
  const PointId power = site_.add_point("power", Kind::instantaneous, "kW");
  rule("high", Measure::value).above = 800;
  watch_point(power);
  rule("rate", Measure::rate).above = 5;
  watch_user("press", {account_}).unit = "kW";
  auto& coverage = rule("coverage", Measure::coverage);
  coverage.period = Period::hour;
  coverage.below = 90;
  watch_user("press", {account_}).unit = "%";
  start();
  read(power, "00:00:00", 900);
  read_with_a_gap(meter_);
  EXPECT_NE(told(), "");
  const std::string all = times();
  EXPECT_GE(std::ranges::count(all, '\n'), 3) << all;
  EXPECT_EQ(all.find("to"), std::string::npos) << all;
}

}  // namespace
}  // namespace carbongate::pipeline

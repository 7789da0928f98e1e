// Rules over users: what their accounts do now, and in calendar periods.
#include <gtest/gtest.h>

#include "tests/unit/gateway/pipeline/alert_fixture.h"

namespace carbongate::pipeline {
namespace {

using model::AlertSum;
using model::Measure;
using model::Period;
using namespace std::chrono_literals;

TEST_F(UserAlerts, HoldAgainstThePowerOfAllTheirMeters) {
  rule("power", Measure::rate).above = 100;
  watch_user("press", {account_, other_}).unit = "kW";
  start();
  read(meter_, "12:00:00", 1000);
  read(second_, "12:00:00", 1000);
  read(meter_, "12:30:00", 1030);   // 60 kW
  read(second_, "12:30:00", 1015);  // 30 kW
  EXPECT_EQ(told(), "");
  read(second_, "13:00:00", 1040);  // 50 kW
  EXPECT_EQ(told(), "06-01 13:00:00 power press firing since 06-01 13:00:00 110/100\n");
  read(meter_, "13:30:00", 1040);
  EXPECT_EQ(told(), "06-01 13:30:00 power press resolved since 06-01 13:00:00 60/100 #1\n") << "20 and 50 kW are less";
}

TEST_F(UserAlerts, DoNotKnowWhatTheirPowerWasDuringASilence) {
  auto& power = rule("power", Measure::rate);
  power.above = 40;
  power.hold_for = 3h;
  watch_user("press", {account_}).unit = "kW";
  start();
  pass("11:59:00");
  read(meter_, "12:00:00", 1000);
  read(meter_, "13:00:00", 1050);  // 50 kW, and gap_max is two hours
  pass("17:00:00");
  read(meter_, "18:00:00", 1300);
  EXPECT_EQ(told(), "");
  for (const auto& [at, value] : {std::pair("19:30:00", 1375), std::pair("21:00:00", 1450)}) read(meter_, at, value);
  pass("21:00:20");
  EXPECT_TRUE(told().starts_with("06-01 21:00:00 power press firing since 06-01 18:00:00 ")) << "watched all the time";
}

TEST_F(UserAlerts, LeaveOutOfTheirPowerWhatIsSilent) {
  rule("high", Measure::rate).above = 200;
  watch_user("press", {account_, other_}).unit = "kW";
  rule("low", Measure::rate).below = 50;
  watch_user("press", {account_, other_}).unit = "kW";
  start();
  read(meter_, "12:00:00", 1000);
  read(second_, "12:00:00", 1000);
  read(meter_, "12:30:00", 1150);  // 300 kW, and it dies
  EXPECT_EQ(told(), "06-01 12:30:00 high press firing since 06-01 12:30:00 300/200\n");
  read(second_, "13:00:00", 1010);  // 10 kW
  read(second_, "14:00:00", 1020);
  EXPECT_EQ(told(), "") << "it may go on for two hours";
  restart();
  read(second_, "15:00:00", 1030);
  EXPECT_EQ(told(), "06-01 15:00:00 high press resolved since 06-01 12:30:00 10/200 #1\n")
      << "and nobody knows whether it is low";
  read(meter_, "15:30:00", 1160);
  EXPECT_EQ(told(), "06-01 15:30:00 low press firing since 06-01 15:30:00 13.333333/50\n") << "10 kWh in three hours";
}

// A meter that died has no say in how long a value of the others holds.
TEST_F(UserAlerts, AreBridgedByTheMetersThatAreHeard) {
  PointLimits limits;
  limits.gap_max = 5min;
  const PointId dead = site_.add_point("dead", Kind::cumulative, "kWh", limits);
  const model::AccountId third = site_.add_account(dead);
  auto& power = rule("power", Measure::rate);
  power.above = 40;
  power.hold_for = 90min;
  watch_user("press", {account_, third}).unit = "kW";
  start();
  read(dead, "11:00:00", 7);
  read(meter_, "12:00:00", 1000);
  read(meter_, "13:00:00", 1050);
  read(meter_, "14:00:00", 1100);
  EXPECT_EQ(told(), "");
  restart();
  pass("14:30:20");
  EXPECT_EQ(told(), "06-01 14:30:00 power press firing since 06-01 13:00:00 50/40\n");
}

// How long a value holds was decided when it was seen.
TEST_F(UserAlerts, AreNotBegunAnewByADeadMeterThatIsHeardAgain) {
  PointLimits limits;
  limits.gap_max = 5min;
  const PointId dead = site_.add_point("dead", Kind::cumulative, "kWh", limits);
  const model::AccountId third = site_.add_account(dead);
  auto& power = rule("power", Measure::rate);
  power.above = 40;
  power.hold_for = 90min;
  watch_user("press", {account_, third}).unit = "kW";
  start();
  read(dead, "11:00:00", 7);
  read(meter_, "12:00:00", 1000);
  read(meter_, "13:00:00", 1050);
  read(meter_, "14:00:00", 1100);
  restart();
  for (const char* at : {"14:10:00", "14:14:00", "14:18:00", "14:22:00", "14:26:00", "14:29:00"}) read(dead, at, 7);
  EXPECT_EQ(told(), "");
  pass("14:30:20");
  EXPECT_EQ(told(), "06-01 14:30:00 power press firing since 06-01 13:00:00 50/40\n");
}

// A state of before says nothing of it: then the shortest gap of all holds.
TEST_F(UserAlerts, GoOnFromAStateThatDoesNotSayHowLongItsValueHolds) {
  auto& power = rule("power", Measure::rate);
  power.above = 40;
  power.hold_for = 90min;
  watch_user("press", {account_}).unit = "kW";
  start();
  read(meter_, "12:00:00", 1000);
  read(meter_, "13:00:00", 1050);
  model::Checkpoint state = pipeline_->state();
  ASSERT_EQ(state.alerts[0].bridged, 2h);
  state.alerts[0].bridged.reset();
  pipeline_.emplace(site_.pipeline(std::move(state)));
  read(meter_, "14:00:00", 1100);
  pass("14:30:20");
  EXPECT_EQ(told(), "06-01 14:30:00 power press firing since 06-01 13:00:00 50/40\n");
}

TEST_F(UserAlerts, LookWhenAllReadingsOfAnInstantAreCounted) {
  rule("power", Measure::rate).above = 100;
  watch_user("press", {account_, other_}).unit = "kW";
  start();
  const auto both = [&](std::string_view at, double first, double second) {
    const Instant time = utc(day_ + std::string(at));
    const Batch batch{.source = "test",
                      .received = time,
                      .readings = {reading(meter_, time, first), reading(second_, time, second)},
                      .settled = {}};
    note(pipeline_->ingest({&batch, 1}, time));
  };
  both("12:00:00", 0, 0);
  both("13:00:00", 10, 80);
  both("14:00:00", 90, 90);  // 80 and 10 kW: on the way from 10 and 80 it would be 160
  EXPECT_EQ(told(), "");
}

TEST_F(UserAlerts, TellHowMuchOfAQuotaIsUsed) {
  auto& quota = rule("quota", Measure::quota_share);
  quota.period = Period::day;
  quota.quota = 100'000'000;  // 100 kWh
  quota.above = 90;
  watch_user("press", {account_, other_}).unit = "%";
  start();
  read(meter_, "00:00:00", 1000);
  read(second_, "00:00:00", 1000);
  read(meter_, "01:00:00", 1050);
  read(second_, "01:00:00", 1040);
  EXPECT_EQ(told(), "");
  read(second_, "02:00:00", 1041);
  EXPECT_EQ(told(), "06-01 02:00:00 quota press firing since 06-01 02:00:00 91/90\n");
  restart();
  day_ = "2023-06-02 ";
  read(meter_, "00:00:00", 1050);
  EXPECT_EQ(told(), "") << "counted until the end of the day, and not beyond";
  read(meter_, "00:30:00", 1051);
  EXPECT_EQ(told(), "06-02 00:00:00 quota press resolved since 06-01 02:00:00 #1\n") << "a new day, a new quota";
}

TEST_F(UserAlerts, TellHowAQuotaGoesAheadOfTime) {
  auto& pace = rule("pace", Measure::quota_pace);
  pace.period = Period::day;
  pace.quota = 240'000'000;  // 240 kWh: 10 kW
  pace.above = 110;
  pace.at_least = 10;
  watch_user("press", {account_}).unit = "%";
  start();
  read(meter_, "00:00:00", 0);
  read(meter_, "01:00:00", 20);
  EXPECT_EQ(told(), "") << "too early to tell";
  read(meter_, "03:00:00", 34);
  EXPECT_EQ(told(), "06-01 03:00:00 pace press firing since 06-01 03:00:00 113.333333/110\n");
  read(meter_, "04:00:00", 43);
  EXPECT_EQ(told(), "06-01 04:00:00 pace press resolved since 06-01 03:00:00 107.5/110 #1\n");
}

TEST_F(UserAlerts, CountCo2eLikeAmounts) {
  auto& co2e = rule("co2e", Measure::period);
  co2e.sum = AlertSum::co2e;
  co2e.period = Period::day;
  co2e.above = 50;
  watch_user("press", {account_}).unit = "kg";
  auto& total = rule("total", Measure::total);
  total.above = 200;
  watch_user("press", {account_}).unit = "kWh";
  start();
  read(meter_, "00:00:00", 0);
  read(meter_, "01:00:00", 100);
  EXPECT_EQ(told(), "");
  read(meter_, "02:00:00", 500);
  const std::string lines = told();
  EXPECT_NE(lines.find("co2e press firing since 06-01 02:00:00 "), std::string::npos) << lines;
  EXPECT_NE(lines.find("total press firing since 06-01 02:00:00 500/200"), std::string::npos) << lines;
}

TEST_F(UserAlerts, AreWithdrawnByACorrectionOfThePeriodInProgress) {
  auto& energy = rule("energy", Measure::period);
  energy.period = Period::day;
  energy.above = 90;
  watch_user("press", {account_}).unit = "kWh";
  start();
  read(meter_, "00:00:00", 0);
  read(meter_, "01:00:00", 95);
  told();
  correct("00:15:00", -10);
  EXPECT_EQ(told(), "06-01 01:00:00 energy press withdrawn since 06-01 01:00:00 85/90 #1 late-data\n");
  correct("00:30:00", 10);
  EXPECT_EQ(told(), "06-01 01:00:00 energy press firing since 06-01 01:00:00 95/90 #2 late-data\n")
      << "raised again by another";
}

TEST_F(UserAlerts, OfAClosedPeriodAreRaisedAndWithdrawnByCorrections) {
  auto& energy = rule("energy", Measure::period);
  energy.period = Period::hour;
  energy.above = 90;
  watch_user("press", {account_}).unit = "kWh";
  start();
  read(meter_, "00:00:00", 0);
  read(meter_, "01:00:00", 95);
  read(meter_, "02:00:00", 180);
  read(meter_, "03:00:00", 190);
  EXPECT_EQ(told(),
            "06-01 01:00:00 energy press firing since 06-01 01:00:00 95/90\n"
            "06-01 01:00:00 energy press resolved since 06-01 01:00:00 #1\n");
  restart();
  correct("00:15:00", -10);
  EXPECT_EQ(told(), "06-01 01:00:00 energy press withdrawn since 06-01 01:00:00 85/90 #2 late-data\n");
  correct("00:15:00", 6);
  EXPECT_EQ(told(),
            "06-01 01:00:00 energy press firing since 06-01 01:00:00 91/90 #3 late-data\n"
            "06-01 01:00:00 energy press resolved since 06-01 01:00:00 91/90 #4 late-data\n");
  correct("01:30:00", 6);
  EXPECT_EQ(told(),
            "06-01 02:00:00 energy press firing since 06-01 02:00:00 91/90 late-data\n"
            "06-01 02:00:00 energy press resolved since 06-01 02:00:00 91/90 #1 late-data\n")
      << "at 01:45 it was 69.75";
  correct("01:30:00", 1);
  EXPECT_EQ(told(), "") << "it stands";
}

TEST_F(UserAlerts, AddUpASlidingWindow) {
  auto& window = rule("window", Measure::window);
  window.length = 1h;
  window.above = 40;
  watch_user("press", {account_}).unit = "kWh";
  start();
  double value = 0;
  for (const auto& [at, kwh] : std::vector<std::pair<std::string, double>>{
           {"00:00:00", 0}, {"00:15:00", 10}, {"00:30:00", 10}, {"00:45:00", 10}, {"01:00:00", 10}, {"01:15:00", 11}}) {
    read(meter_, at, value += kwh);
  }
  EXPECT_EQ(told(), "06-01 01:15:00 window press firing since 06-01 01:15:00 41/40\n");
  read(meter_, "01:30:00", value);
  EXPECT_EQ(told(), "06-01 01:30:00 window press resolved since 06-01 01:15:00 31/40 #1\n");
}

TEST_F(UserAlerts, TellWhatWasNotWatched) {
  auto& coverage = rule("coverage", Measure::coverage);
  coverage.period = Period::day;
  coverage.below = 90;
  watch_user("press", {account_}).unit = "%";
  start();
  read(meter_, "00:00:00", 0);
  read(meter_, "02:00:00", 1);
  read(meter_, "05:00:00", 2);  // longer than what is bridged
  for (int hour = 6; hour < 24; ++hour) read(meter_, (hour < 10 ? "0" : "") + std::to_string(hour) + ":00:00", hour);
  day_ = "2023-06-02 ";
  read(meter_, "00:00:01", 30);
  EXPECT_EQ(told(), "06-02 00:00:00 coverage press firing since 06-02 00:00:00 87.5/90\n");
}

TEST_F(UserAlerts, DoNotMissWhatWasBeforeAnybodyWatched) {
  auto& coverage = rule("coverage", Measure::coverage);
  coverage.period = Period::day;
  coverage.below = 90;
  watch_user("press", {account_}).unit = "%";
  start();
  pass("18:00:00");
  read(meter_, "18:30:00", 0);
  for (int hour = 19; hour < 24; ++hour) read(meter_, std::to_string(hour) + ":00:00", hour);
  restart();
  day_ = "2023-06-02 ";
  read(meter_, "00:00:00", 30);
  read(meter_, "00:00:01", 30);
  EXPECT_EQ(told(), "") << "5.5 of 6 hours";
  for (int hour = 1; hour < 20; ++hour)
    read(meter_, (hour < 10 ? "0" : "") + std::to_string(hour) + ":00:00", 30 + hour);
  day_ = "2023-06-03 ";
  read(meter_, "00:00:00", 60);
  read(meter_, "00:00:01", 60);
  EXPECT_EQ(told(), "06-03 00:00:00 coverage press firing since 06-03 00:00:00 79.166667/90\n");
}

class Silent : public UserAlerts {
 protected:
  Silent() {
    auto& coverage = rule("coverage", Measure::coverage);
    coverage.period = Period::hour;
    coverage.below = 90;
    watch_user("press", {account_}).unit = "%";
    start();
  }
};

TEST_F(Silent, UsersAreNotCovered) {
  read(meter_, "00:00:00", 0);
  read(meter_, "00:30:00", 1);
  pass("03:00:05");
  EXPECT_EQ(told(), "") << "a reading may still bridge the time until 03:00";
  pass("03:00:15");
  EXPECT_EQ(told(), "06-01 01:00:00 coverage press firing since 06-01 01:00:00 50/90\n");
  restart();
  pass("09:30:00");
  read(meter_, "09:40:00", 2);  // nothing in between is watched
  EXPECT_EQ(told(), "");
  for (const char* at : {"10:00:00", "10:30:00", "11:00:01"}) read(meter_, at, 3);
  EXPECT_EQ(told(), "06-01 11:00:00 coverage press resolved since 06-01 01:00:00 100/90 #1\n");
}

TEST_F(Silent, UsersWhoNeverSpokeAreNotCovered) {
  pass("00:20:00");
  pass("03:00:15");
  EXPECT_EQ(told(), "06-01 01:00:00 coverage press firing since 06-01 01:00:00 0/90\n");
  pass("04:00:15");
  EXPECT_EQ(told(), "");
}

TEST_F(Silent, UsersWhoseDataComeLateWereCovered) {
  read(meter_, "00:00:00", 0);
  pass("03:30:00");
  EXPECT_EQ(told(), "06-01 01:00:00 coverage press firing since 06-01 01:00:00 0/90\n");
  const auto read_late = [&](std::string_view at, double value) {
    read(meter_, at, value, utc(day_ + "03:40:00") - utc(day_ + std::string(at)));
  };
  for (const char* at : {"00:30:00", "01:00:00", "01:30:00", "02:00:00"}) read_late(at, 1);
  EXPECT_EQ(told(), "06-01 01:00:00 coverage press withdrawn since 06-01 01:00:00 100/90 #1 late-data\n");
}

TEST_F(UserAlerts, HoldEnergyAgainstWhatWasMade) {
  const PointId line = site_.add_point("steel", Kind::cumulative, "t", [] {
    PointLimits limits;
    limits.gap_max = 2h;
    return limits;
  }());
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
  hour("01:00:01", 400, 1);  // 0.4 kWh a kilogram
  EXPECT_EQ(told(), "");
  hour("02:00:01", 1000, 2);  // 0.6
  const std::string lines = told();
  EXPECT_TRUE(lines.starts_with("06-01 02:00:00 intensity press firing since 06-01 02:00:00 0.59")) << lines;
  hour("03:00:01", 1000, 2);
  EXPECT_EQ(told(), "") << "where nothing is made there is no intensity";
}

TEST_F(UserAlerts, TellWhatIsOffTheSameHourOfTheWeekday) {
  auto& deviation = rule("deviation", Measure::deviation);
  deviation.weeks = 4;
  deviation.above = 30;
  deviation.below = -30;
  watch_user("press", {account_}).unit = "%";
  start();
  double value = 0;
  const auto hour = [&](const char* day, double kwh) {
    day_ = std::string(day) + " ";
    read(meter_, "10:00:00", value);
    read(meter_, "11:00:01", value += kwh);
  };
  hour("2023-06-01", 100);
  hour("2023-06-02", 400);
  hour("2023-06-08", 100);
  told();
  hour("2023-06-15", 120);
  EXPECT_EQ(told(), "") << "within a third of the Thursdays before";
  hour("2023-06-22", 160);
  const std::string lines = told();
  EXPECT_TRUE(lines.starts_with("06-22 11:00:00 deviation press firing since 06-22 11:00:00 5")) << lines;
}

class AlertsAtWork : public UserAlerts {
 protected:
  // 150 kWh an hour, and 20 kWh before 09:30.
  void work() {
    double value = 0;
    for (int minute = 0; minute <= 12 * 60; minute += 5) {
      const Instant at = utc(day_ + "00:00:00") + 1min * minute;
      const Batch batch{.source = "test", .received = at, .readings = {reading(meter_, at, value)}, .settled = {}};
      note(pipeline_->ingest({&batch, 1}, at));
      note(pipeline_->pass(at + 1min));
      value += minute >= 9 * 60 + 30 && minute < 10 * 60 ? 12.5 : 1;
    }
  }
  void announce(std::string_view from, std::string_view to) {
    site_.site.maintenance.push_back({.from = utc(day_ + std::string(from)),
                                      .to = utc(day_ + std::string(to)),
                                      .rules = {},
                                      .devices = {},
                                      .users = {}});
  }
  model::AlertRule& energy(Period period, double above) {
    auto& sum = rule("energy", Measure::period);
    sum.period = period;
    sum.above = above;
    watch_user("press", {account_}).unit = "kWh";
    return sum;
  }
};

TEST_F(AlertsAtWork, AreNotToldOfAPeriodThatEndsWithIt) {
  energy(Period::quarter_hour, 20);
  energy(Period::hour, 60);
  auto& low = rule("low", Measure::period);
  low.period = Period::hour;
  low.below = 100;
  watch_user("press", {account_}).unit = "kWh";
  low.active = model::Active{.weekdays = 0x7f, .begin = 9h, .end = 10h, .dates = {}};
  announce("09:00", "10:00");
  start();
  work();
  EXPECT_EQ(told(), "");
}

TEST_F(AlertsAtWork, AreToldOfAPeriodThatEndsWhenItBegins) {
  energy(Period::quarter_hour, 30).active = model::Active{.weekdays = 0x7f, .begin = 9h, .end = 10h, .dates = {}};
  announce("10:00", "11:00");
  announce("09:30", "09:45");
  start();
  work();
  const std::string lines = told();
  EXPECT_TRUE(lines.starts_with("06-01 10:00:00 energy press firing since 06-01 10:00:00 37.5/30\n")) << lines;
}

TEST_F(AlertsAtWork, AreNotToldOfAPeriodBeforeTheHoursOfTheRule) {
  energy(Period::quarter_hour, 20).active = model::Active{.weekdays = 0x7f, .begin = 10h, .end = 11h, .dates = {}};
  start();
  work();
  EXPECT_EQ(told(), "");
}

TEST_F(AlertsAtWork, AreToldOfAPeriodThatGoesOnAfterIt) {
  energy(Period::day, 170);
  announce("09:00", "10:00");
  start();
  work();
  const std::string lines = told();
  EXPECT_TRUE(lines.starts_with("06-01 10:00:00 energy press firing since 06-01 09:")) << lines;
}

}  // namespace
}  // namespace carbongate::pipeline

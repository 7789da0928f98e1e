// Alerts of rules that are looked at in some hours only: over as of their end, whether anything is heard or not.
#include <gtest/gtest.h>

#include <sstream>

#include "tests/unit/gateway/pipeline/alert_fixture.h"

namespace carbongate::pipeline {
namespace {

using model::Measure;
using namespace std::chrono_literals;

const model::Active kWork{.weekdays = 0x7f, .begin = 8h, .end = 18h, .dates = {}};

class AlertHours : public AlertsTest {
 protected:
  AlertHours() {
    PointLimits limits;
    limits.interval = 1min;
    limits.gap_max = 24h;
    power_ = site_.add_point("power", Kind::instantaneous, "kW", limits);
  }
  model::AlertRule& overload() {
    auto& overload = rule("overload", Measure::value);
    overload.above = 800;
    overload.active = kWork;
    watch_point(power_);
    return overload;
  }
  model::AlertRule& silent(Duration length) {
    auto& silent = rule("silent", Measure::silence);
    silent.length = length;
    silent.active = kWork;
    watch_point(power_);
    return silent;
  }
  void next_day() { day_ = day_ == "2023-06-01 " ? "2023-06-02 " : "2023-06-03 "; }

  PointId power_;
};

TEST_F(AlertHours, EndAnAlertWhoseMeterIsDead) {
  overload();
  start();
  read(power_, "17:30:00", 900);
  told();
  pass("18:00:09");
  EXPECT_EQ(told(), "") << "readings of before may be under way";
  pass("18:00:10");
  EXPECT_EQ(told(), "06-01 18:00:00 overload device.power resolved since 06-01 17:30:00 #1\n");
  next_day();
  pass("12:00:00");
  EXPECT_EQ(told(), "") << "that was seen yesterday";
}

TEST_F(AlertHours, EndAnAlertWhileNobodyIsThere) {
  overload();
  start();
  read(power_, "17:30:00", 900);
  told();
  restart();
  next_day();
  pass("07:00:00");
  EXPECT_EQ(told(), "06-01 18:00:00 overload device.power resolved since 06-01 17:30:00 #1\n");
}

TEST_F(AlertHours, EndAnAlertBeforeTheReadingThatComesNext) {
  overload();
  start();
  read(power_, "17:30:00", 900);
  told();
  next_day();
  read(power_, "08:00:00", 900);
  EXPECT_EQ(told(),
            "06-01 18:00:00 overload device.power resolved since 06-01 17:30:00 #1\n"
            "06-02 08:00:00 overload device.power firing since 06-02 08:00:00 900/800\n");
}

TEST_F(AlertHours, OfADayOnWhichClocksAreSetEndByTheClockOnTheWall) {
  site_.site.time_zone = "Europe/Berlin";
  overload().active->begin = 1h;
  day_ = "2023-03-26 ";
  start();
  read(power_, "00:30:00", 900);  // half an hour before it jumps
  EXPECT_EQ(told(), "03-26 00:30:00 overload device.power firing since 03-26 00:30:00 900/800\n");
  pass("16:00:09");
  EXPECT_EQ(told(), "");
  pass("16:00:10");
  EXPECT_EQ(told(), "03-26 16:00:00 overload device.power resolved since 03-26 00:30:00 #1\n");
}

TEST_F(AlertHours, AreOneWhereTheyGoOnOvernight) {
  overload().active = model::Active{.weekdays = 0x1f, .begin = 6h, .end = 6h, .dates = {}};
  start();
  read(power_, "12:00:00", 900);  // a Thursday
  told();
  day_ = "2023-06-02 ";
  pass("12:00:00");
  EXPECT_EQ(told(), "");
  day_ = "2023-06-03 ";
  pass("12:00:00");
  EXPECT_EQ(told(), "06-03 06:00:00 overload device.power resolved since 06-01 12:00:00 #1\n");
}

TEST_F(AlertHours, DropWhatHasNotFiredByTheirEnd) {
  overload().hold_for = 20min;
  start();
  read(power_, "17:50:00", 900);
  next_day();
  read(power_, "08:05:00", 900);
  read(power_, "08:20:00", 900);
  EXPECT_EQ(told(), "") << "a quarter of an hour";
  pass("08:26:00");
  EXPECT_EQ(told(), "06-02 08:25:00 overload device.power firing since 06-02 08:05:00 900/800\n");
}

TEST_F(AlertHours, DoNotBridgeWhatIsBetweenThem) {
  overload().hold_for = 15h;
  start();
  read(power_, "17:50:00", 900);
  next_day();
  pass("17:00:00");
  EXPECT_EQ(told(), "");
}

TEST_F(AlertHours, LetGoWhatTheAlertHeldBack) {
  overload();
  rule("high", Measure::value).above = 700;
  site_.site.alert_rules.back().depends_on = {0};
  watch_point(power_);
  start();
  read(power_, "17:30:00", 900);
  EXPECT_EQ(told(), "06-01 17:30:00 overload device.power firing since 06-01 17:30:00 900/800\n");
  read(power_, "17:40:00", 900);
  read(power_, "18:10:00", 900);
  EXPECT_EQ(told(),
            "06-01 18:00:00 overload device.power resolved since 06-01 17:30:00 #1 suppressed 1\n"
            "06-01 18:10:00 high device.power firing since 06-01 17:30:00 900/700\n");
}

TEST_F(AlertHours, BeginASilenceAnewEachDay) {
  silent(10min);
  start();
  read(power_, "17:55:00", 1);
  pass("19:00:00");
  EXPECT_EQ(told(), "") << "ten minutes are not over with the hours";
  next_day();
  pass("08:10:09");
  EXPECT_EQ(told(), "");
  pass("08:10:10");
  EXPECT_EQ(told(), "06-02 08:10:00 silent device.power firing since 06-02 08:10:00\n");
  restart();
  pass("18:00:10");
  EXPECT_EQ(told(), "06-02 18:00:00 silent device.power resolved since 06-02 08:10:00 #1\n");
  restart();
  next_day();
  pass("08:10:10");
  EXPECT_EQ(told(), "06-03 08:10:00 silent device.power firing since 06-03 08:10:00\n");
  read(power_, "09:00:00", 1);
  EXPECT_EQ(told(), "06-03 09:00:00 silent device.power resolved since 06-03 08:10:00 #1\n");
}

// As of a recording that is played.
TEST_F(AlertHours, BeginASilenceAnewEachDayWhereItIsOnlySeenWhenItIsOver) {
  silent(10min);
  start();
  read(power_, "17:40:00", 1);
  day_ = "2023-06-03 ";
  read(power_, "08:00:00", 1);
  EXPECT_EQ(told(),
            "06-01 17:50:00 silent device.power firing since 06-01 17:50:00\n"
            "06-01 18:00:00 silent device.power resolved since 06-01 17:50:00 #1\n"
            "06-02 08:10:00 silent device.power firing since 06-02 08:10:00\n"
            "06-02 18:00:00 silent device.power resolved since 06-02 08:10:00 #1\n");
}

TEST_F(AlertHours, ThatAreTooShortForASilenceDoNotDelayIt) {
  silent(12h);
  start();
  read(power_, "09:00:00", 1);
  next_day();
  pass("07:59:00");
  EXPECT_EQ(told(), "");
  pass("20:00:00");
  EXPECT_EQ(told(),
            "06-02 08:00:00 silent device.power firing since 06-02 08:00:00\n"
            "06-02 18:00:00 silent device.power resolved since 06-02 08:00:00 #1\n");
}

TEST_F(AlertHours, BeginASilenceOnceNoWorkGoesOn) {
  silent(10min);
  site_.site.maintenance = {{.from = utc("2023-06-01 17:30"),
                             .to = utc("2023-06-02 09:00"),
                             .rules = {},
                             .devices = {"device"},
                             .users = {}}};
  start();
  read(power_, "17:25:00", 1);
  next_day();
  pass("10:00:00");
  EXPECT_EQ(told(), "06-02 09:00:00 silent device.power firing since 06-02 08:10:00\n");
}

TEST_F(AlertHours, ThatArePastWhenARuleIsNewAreNotTold) {
  start();
  read(power_, "12:00:00", 1);
  silent(10min);
  restart();
  day_ = "2023-07-03 ";
  pass("07:00:00");
  pass("08:10:10");
  EXPECT_EQ(told(), "07-03 08:10:00 silent device.power firing since 07-03 08:10:00\n");
}

TEST_F(AlertHours, HoldASilenceBackUntilTheyEnd) {
  const PointId gateway = site_.add_point("gateway", Kind::instantaneous, "kW", {});
  auto& behind = rule("gateway-silent", Measure::silence);
  behind.length = 5min;
  watch_point(gateway);
  silent(10min).depends_on = {0};
  start();
  read(gateway, "17:00:00", 1);
  read(power_, "17:00:00", 1);
  pass("19:00:00");
  EXPECT_EQ(told(), "06-01 17:05:00 gateway-silent device.gateway firing since 06-01 17:05:00\n");
  next_day();
  read(gateway, "08:05:00", 1);
  EXPECT_EQ(told(), "06-02 08:05:00 gateway-silent device.gateway resolved since 06-01 17:05:00 #1 suppressed 1\n");
  for (const char* at : {"08:09:00", "08:10:05", "08:10:20"}) read(gateway, at, 1);
  EXPECT_EQ(told(), "06-02 08:10:00 silent device.power firing since 06-02 08:10:00\n");
}

class GroupHours : public AlertHours {
 protected:
  GroupHours() {
    rule("over", Measure::value).above = 800;
    watch_point(power_);
    auto& many = rule("many", Measure::members);
    many.above = 0;
    many.hold_for = 5min;
    many.active = kWork;
    watch_group();
  }
  // Those of the group, without who is in it.
  std::string notices() {
    std::string kept;
    std::istringstream lines(told());
    for (std::string line; std::getline(lines, line);) {
      if (line.find(" many ") != std::string::npos) kept += line.substr(0, line.find(" by ")) + "\n";
    }
    return kept;
  }
};

TEST_F(GroupHours, BeginAndEndWithWhatGoesOnAllNight) {
  start();
  read(power_, "06:00:00", 900);
  pass("08:05:09");
  EXPECT_EQ(notices(), "");
  pass("08:05:10");
  EXPECT_EQ(notices(), "06-01 08:05:00 many  firing since 06-01 08:00:00 1/0\n");
  pass("20:00:00");
  EXPECT_EQ(notices(), "06-01 18:00:00 many  resolved since 06-01 08:00:00 #1\n");
  restart();
  next_day();
  pass("08:06:00");
  EXPECT_EQ(notices(), "06-02 08:05:00 many  firing since 06-02 08:00:00 1/0\n");
  read(power_, "20:00:00", 700);
  EXPECT_EQ(notices(), "06-02 18:00:00 many  resolved since 06-02 08:00:00 #1\n");
  next_day();
  pass("09:00:00");
  EXPECT_EQ(notices(), "");
}

TEST_F(GroupHours, DoNotBeginWithWhatIsOverByThen) {
  start();
  read(power_, "06:00:00", 900);
  read(power_, "07:59:00", 700);
  read(power_, "07:59:30", 900);
  read(power_, "08:04:00", 700);
  pass("09:00:00");
  EXPECT_EQ(notices(), "");
}

class SumHours : public UserAlerts {
 protected:
  // So many kWh in each of the quarter hours that end from `first` on, of which the last is heard with the reading
  // after it.
  void quarters(std::string_view first, const std::vector<double>& amounts) {
    Instant at = utc(day_ + std::string(first)) - 15min;
    double value = 0;
    read_at(at, value);
    for (const double amount : amounts) read_at(at += 15min, value += amount);
  }
  void read_at(Instant at, double value) {
    const Batch batch{.source = "test", .received = at, .readings = {reading(meter_, at, value)}, .settled = {}};
    note(pipeline_->ingest({&batch, 1}, at));
  }
  model::AlertRule& window() {
    auto& window = rule("window", Measure::window);
    window.length = 15min;
    window.above = 20;
    window.active = kWork;
    watch_user("press", {account_}).unit = "kWh";
    return window;
  }
};

TEST_F(SumHours, EndWhatAWindowCameToThatNothingFollows) {
  window();
  start();
  quarters("17:15:00", {10, 30});
  EXPECT_EQ(told(), "06-01 17:30:00 window press firing since 06-01 17:30:00 30/20\n");
  restart();
  pass("18:00:10");
  EXPECT_EQ(told(), "06-01 18:00:00 window press resolved since 06-01 17:30:00 #1\n");
}

TEST_F(SumHours, TellOfTheLastPeriodOfThemWhatHasNotBeenToldBefore) {
  window();
  start();
  quarters("17:30:00", {10, 30, 30, 30});
  EXPECT_EQ(told(),
            "06-01 17:45:00 window press firing since 06-01 17:45:00 30/20\n"
            "06-01 18:00:00 window press resolved since 06-01 17:45:00 #1\n")
      << "it goes on to their end, and not beyond";
  day_ = "2023-06-02 ";
  start();
  quarters("17:45:00", {10, 30});
  pass("18:00:10");
  EXPECT_EQ(told(),
            "06-02 18:00:00 window press firing since 06-02 18:00:00 30/20\n"
            "06-02 18:00:00 window press resolved since 06-02 18:00:00 #1\n");
}

TEST_F(SumHours, EndWithTheClockAsWithReadings) {
  window();
  start();
  quarters("17:30:00", {10, 30});
  pass("18:00:10");
  const std::string by_clock = told();
  read_at(utc(day_ + "18:00:00"), 70);
  read_at(utc(day_ + "18:15:00"), 100);
  EXPECT_EQ(told(), "") << "the last one is of the alert that has ended";
  EXPECT_EQ(by_clock,
            "06-01 17:45:00 window press firing since 06-01 17:45:00 30/20\n"
            "06-01 18:00:00 window press resolved since 06-01 17:45:00 #1\n");
}

TEST_F(SumHours, EndAnAlertOfAPeriodThatGoesOn) {
  auto& energy = rule("energy", Measure::period);
  energy.period = model::Period::day;
  energy.above = 50;
  energy.active = kWork;
  watch_user("press", {account_}).unit = "kWh";
  start();
  quarters("17:15:00", {10, 50});
  EXPECT_EQ(told(), "06-01 17:30:00 energy press firing since 06-01 17:30:00 60/50\n");
  day_ = "2023-06-02 ";
  read_at(utc(day_ + "09:00:00"), 70);
  EXPECT_EQ(told(), "06-01 18:00:00 energy press resolved since 06-01 17:30:00 #1\n");
}

TEST_F(SumHours, EndAnAlertOfPowerWhoseMeterIsDead) {
  auto& power = rule("power", Measure::rate);
  power.above = 100;
  power.active = kWork;
  watch_user("press", {account_}).unit = "kW";
  start();
  quarters("17:15:00", {10, 50});
  EXPECT_EQ(told(), "06-01 17:30:00 power press firing since 06-01 17:30:00 200/100\n");
  pass("18:00:10");
  EXPECT_EQ(told(), "06-01 18:00:00 power press resolved since 06-01 17:30:00 #1\n");
}

TEST_F(SumHours, EndWhatACorrectionRaises) {
  window();
  start();
  quarters("17:15:00", {10, 10, 10, 10, 10, 10});
  restart();
  pass("18:30:10");
  correct("17:15:00", 20);
  EXPECT_EQ(told(),
            "06-01 17:30:00 window press firing since 06-01 17:30:00 30/20 late-data\n"
            "06-01 17:45:00 window press resolved since 06-01 17:30:00 10/20 #1 late-data\n");
  correct("17:45:00", 20);
  EXPECT_EQ(told(),
            "06-01 18:00:00 window press firing since 06-01 18:00:00 30/20 late-data\n"
            "06-01 18:00:00 window press resolved since 06-01 18:00:00 #1 late-data\n");
  correct("17:45:00", -20);
  EXPECT_EQ(told(), "06-01 18:00:00 window press withdrawn since 06-01 18:00:00 10/20 #2 late-data\n");
}

}  // namespace
}  // namespace carbongate::pipeline

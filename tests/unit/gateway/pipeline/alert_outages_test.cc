// What is not known is held against no rule: times that were not watched, and sums that are not whole yet.
#include <gtest/gtest.h>

#include "tests/unit/gateway/pipeline/alert_fixture.h"

namespace carbongate::pipeline {
namespace {

using model::Measure;
using model::Period;
using namespace std::chrono_literals;

class Outages : public UserAlerts {
 protected:
  Outages() {
    PointLimits limits;
    limits.gap_max = 15min;
    power_ = site_.add_point("power", Kind::instantaneous, "kW", limits);
    of_power_ = site_.add_account(power_);
  }

  // The same power every five minutes from `from` through `to`, in minutes of the day.
  void draw(double kw, int from, int to) {
    for (int minute = from; minute <= to; minute += 5) read_at(power_, minute, kw);
  }
  void read_at(PointId point, int minute, double value) {
    const auto two = [](int n) { return (n < 10 ? "0" : "") + std::to_string(n); };
    read(point, two(minute / 60) + ":" + two(minute % 60) + ":00", value);
  }

  PointId power_;
  model::AccountId of_power_;
};

TEST_F(Outages, AreNoPowerOfZero) {
  rule("low", Measure::rate).below = 20;
  watch_user("press", {of_power_}).unit = "kW";
  rule("high", Measure::rate).above = 20;
  watch_user("press", {of_power_}).unit = "kW";
  start();
  draw(30, 0, 60);
  EXPECT_EQ(told(), "06-01 00:05:00 high press firing since 06-01 00:05:00 30/20\n");
  read_at(power_, 160, 30);
  EXPECT_EQ(told(), "") << "what it was meanwhile, nobody knows";
  restart();
  draw(30, 165, 200);
  EXPECT_EQ(told(), "") << "it goes on";
  read_at(power_, 300, 12);
  EXPECT_EQ(told(), "");
  read_at(power_, 305, 12);
  EXPECT_EQ(told(),
            "06-01 05:05:00 low press firing since 06-01 05:05:00 12/20\n"
            "06-01 05:05:00 high press resolved since 06-01 00:05:00 12/20 #1\n");
}

TEST_F(Outages, OfOneMeterLeaveTheOthersInTheSum) {
  rule("high", Measure::rate).above = 40;
  watch_user("press", {of_power_, account_}).unit = "kW";
  start();
  draw(30, 0, 10);
  read_at(meter_, 12, 1000);
  read_at(meter_, 14, 1001);  // 30 kW
  EXPECT_EQ(told(), "06-01 00:14:00 high press firing since 06-01 00:14:00 60/40\n");
  read_at(power_, 60, 30);
  read_at(meter_, 62, 1025);
  EXPECT_EQ(told(), "") << "30 kW, and what else there is";
  read_at(power_, 65, 6);
  EXPECT_EQ(told(), "") << "48 kW";
  read_at(power_, 70, 6);
  EXPECT_EQ(told(), "06-01 01:10:00 high press resolved since 06-01 00:14:00 36/40 #1\n");
}

TEST_F(Outages, OfACounterAreKnownByWhatItMoved) {
  rule("low", Measure::rate).below = 20;
  watch_user("press", {account_}).unit = "kW";
  start();
  read(meter_, "00:00:00", 1000);
  read(meter_, "01:00:00", 1030);
  read(meter_, "05:00:00", 1030);
  EXPECT_EQ(told(), "06-01 05:00:00 low press firing since 06-01 05:00:00 0/20\n") << "it stood still";
}

TEST_F(Outages, AreNoHoursToCompare) {
  auto& deviation = rule("deviation", Measure::deviation);
  deviation.weeks = 3;
  deviation.above = 30;
  deviation.below = -30;
  watch_user("press", {of_power_}).unit = "%";
  start();
  const auto day = [&](const char* date, double kw, int until = 120) {
    day_ = std::string(date) + " ";
    draw(kw, 0, until);
    read_at(power_, 130, kw);
  };
  day("2023-06-01", 30);
  day("2023-06-08", 30);
  day("2023-06-15", 30, 90);  // half of the second hour
  EXPECT_EQ(told(), "");
  day("2023-06-22", 36);
  EXPECT_EQ(told(), "") << "20 % more than in the two whole hours";
  day("2023-06-29", 50);
  EXPECT_EQ(told(), "06-29 01:00:00 deviation press firing since 06-29 01:00:00 56.25/30\n");
}

TEST_F(Outages, OfACounterAreNoHoursToCompare) {
  auto& deviation = rule("deviation", Measure::deviation);
  deviation.weeks = 2;
  deviation.above = 30;
  deviation.below = -30;
  watch_user("press", {account_}).unit = "%";
  start();
  double value = 0;
  for (const char* date : {"2023-06-01 ", "2023-06-08 "}) {
    day_ = date;
    for (int minute = 600; minute <= 1020; minute += 60) read_at(meter_, minute, value += 30);
  }
  day_ = "2023-06-15 ";
  read_at(meter_, 600, value += 30);
  read_at(meter_, 1020, value += 420);  // all of it in an hour, perhaps
  EXPECT_EQ(told(), "");
}

TEST_F(Outages, AreNotTooLittleInAWindow) {
  auto& window = rule("window", Measure::window);
  window.length = 2h;
  window.below = 50;
  watch_user("press", {of_power_}).unit = "kWh";
  start();
  draw(30, 0, 120);
  draw(30, 145, 300);  // 47.5 kWh of 95 minutes would be 60 of two hours
  draw(30, 400, 500);
  EXPECT_EQ(told(), "");
  draw(10, 505, 570);
  EXPECT_TRUE(told().starts_with("06-01 09:00:00 window press firing since 06-01 09:00:00 47.5/50\n"));
}

TEST_F(Outages, AreNotWhatAPeriodThatHasJustBegunHoldsSoFar) {
  auto& energy = rule("energy", Measure::period);
  energy.period = Period::hour;
  energy.below = 20;
  watch_user("press", {of_power_}).unit = "kWh";
  auto& quota = rule("quota", Measure::quota_share);
  quota.period = Period::hour;
  quota.quota = 100'000'000;
  quota.below = 20;
  watch_user("press", {of_power_}).unit = "%";
  start();
  draw(30, 30, 240);
  EXPECT_EQ(told(), "") << "also not of the half hour that was seen of the first";
  draw(10, 241, 301);
  restart();
  draw(10, 306, 360);
  EXPECT_EQ(told(),
            "06-01 05:00:00 energy press firing since 06-01 05:00:00 10.166667/20\n"
            "06-01 05:00:00 quota press firing since 06-01 05:00:00 10.166667/20\n");
  draw(60, 361, 421);
  EXPECT_EQ(told(),
            "06-01 07:00:00 energy press resolved since 06-01 05:00:00 59.916667/20 #1\n"
            "06-01 07:00:00 quota press resolved since 06-01 05:00:00 59.916667/20 #1\n");
}

TEST_F(Outages, LeaveAPeriodThatWasNotWatchedAsItWas) {
  auto& energy = rule("energy", Measure::period);
  energy.period = Period::hour;
  energy.below = 20;
  watch_user("press", {of_power_}).unit = "kWh";
  start();
  draw(30, 0, 75);
  draw(30, 110, 300);
  EXPECT_EQ(told(), "") << "12.5 kWh of 25 minutes";
}

// Of two meters, once both have closed it.
TEST_F(Outages, OfOneMeterLeaveAPeriodUnknown) {
  auto& energy = rule("energy", Measure::period);
  energy.period = Period::hour;
  energy.below = 40;
  watch_user("press", {of_power_, account_}).unit = "kWh";
  start();
  read(meter_, "00:00:00", 1000);
  draw(30, 0, 60);
  read(meter_, "01:00:30", 1030);
  EXPECT_EQ(told(), "");
  draw(30, 65, 185);
  EXPECT_EQ(told(), "") << "of one of them nothing is known";
  read(meter_, "03:00:30", 1090);
  draw(30, 190, 250);
  EXPECT_EQ(told(), "");
}

TEST_F(Outages, ThatAreFilledInMayShowAPeriodThatWasLow) {
  auto& energy = rule("energy", Measure::period);
  energy.period = Period::hour;
  energy.below = 20;
  watch_user("press", {of_power_}).unit = "kWh";
  start();
  draw(30, 0, 75);
  draw(30, 120, 300);
  EXPECT_EQ(told(), "");
  for (const char* quarter : {"01:15:00", "01:30:00", "01:45:00"}) {
    correct(of_power_, utc(day_ + std::string(quarter)), 1, 0, 15min);
  }
  EXPECT_EQ(told(),
            "06-01 02:00:00 energy press firing since 06-01 02:00:00 9.5/20 late-data\n"
            "06-01 03:00:00 energy press resolved since 06-01 02:00:00 30/20 #1 late-data\n");
}

TEST_F(Outages, AreNotTooLittleInAWindowThatIsNotFullYet) {
  auto& low = rule("low", Measure::window);
  low.length = 4h;
  low.below = 125;
  watch_user("press", {of_power_}).unit = "kWh";
  auto& high = rule("high", Measure::window);
  high.length = 4h;
  high.above = 80;
  watch_user("press", {of_power_}).unit = "kWh";
  start();
  draw(30, 0, 235);
  EXPECT_EQ(told(), "06-01 02:45:00 high press firing since 06-01 02:45:00 82.5/80\n");
  draw(30, 240, 250);
  EXPECT_EQ(told(), "06-01 04:00:00 low press firing since 06-01 04:00:00 120/125\n");
}

}  // namespace
}  // namespace carbongate::pipeline

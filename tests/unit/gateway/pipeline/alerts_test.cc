#include "gateway/pipeline/alerts.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/unit/gateway/pipeline/alert_fixture.h"

namespace carbongate::pipeline {
namespace {

using model::Measure;
using namespace std::chrono_literals;

// "10:07:00": so many minutes after ten.
std::string after_ten(int minutes) {
  const auto digits = [](int number) { return std::string(number < 10 ? "0" : "") + std::to_string(number); };
  return digits(10 + minutes / 60) + ":" + digits(minutes % 60) + ":00";
}

class ValueAlerts : public AlertsTest {
 protected:
  ValueAlerts() { power_ = site_.add_point("power", Kind::instantaneous, "kW"); }
  PointId power_;
};

TEST_F(ValueAlerts, FireAboveTheLimitAndResolveAtTheClearLimit) {
  auto& overload = rule("overload", Measure::value);
  overload.above = 800;
  overload.clear_above = 780;
  watch_point(power_);
  start();
  read(power_, "12:00:00", 800);
  EXPECT_EQ(told(), "") << "at the limit is not above it";
  read(power_, "12:00:10", 800.5);
  EXPECT_EQ(told(), "06-01 12:00:10 overload device.power firing since 06-01 12:00:10 800.5/800\n");
  read(power_, "12:00:20", 900);
  read(power_, "12:00:30", 781);
  EXPECT_EQ(told(), "") << "between the limits nothing changes";
  read(power_, "12:00:40", 780);
  EXPECT_EQ(told(), "06-01 12:00:40 overload device.power resolved since 06-01 12:00:10 780/800 #1\n");
  read(power_, "12:00:50", 790);
  EXPECT_EQ(told(), "");
}

TEST_F(ValueAlerts, FireOutsideOfARange) {
  auto& range = rule("range", Measure::value);
  range.above = 253;
  range.below = 207;
  range.clear_above = 250;
  range.clear_below = 210;
  watch_point(power_);
  start();
  read(power_, "12:00:00", 206);
  EXPECT_EQ(told(), "06-01 12:00:00 range device.power firing since 06-01 12:00:00 206/207\n");
  read(power_, "12:00:10", 209);
  read(power_, "12:00:20", 254);
  EXPECT_EQ(told(), "") << "it never was within";
  read(power_, "12:00:30", 230);
  EXPECT_EQ(told(), "06-01 12:00:30 range device.power resolved since 06-01 12:00:00 230/253 #1\n")
      << "the nearer limit";
}

TEST_F(ValueAlerts, WaitUntilTheConditionHasHeldForItsTime) {
  auto& overload = rule("overload", Measure::value);
  overload.above = 800;
  overload.hold_for = 1min;
  watch_point(power_);
  start();
  read(power_, "12:00:00", 900);
  read(power_, "12:00:50", 700);
  read(power_, "12:01:00", 900);
  read(power_, "12:01:59", 810);
  EXPECT_EQ(told(), "") << "it began anew";
  read(power_, "12:02:00", 820);
  EXPECT_EQ(told(), "06-01 12:02:00 overload device.power firing since 06-01 12:01:00 820/800\n");
}

TEST_F(ValueAlerts, CountAValueUntilTheNextOne) {
  auto& overload = rule("overload", Measure::value);
  overload.above = 800;
  overload.hold_for = 1min;
  watch_point(power_);
  start();
  read(power_, "12:00:00", 900);
  read(power_, "12:02:00", 700);
  EXPECT_EQ(told(),
            "06-01 12:01:00 overload device.power firing since 06-01 12:00:00 900/800\n"
            "06-01 12:02:00 overload device.power resolved since 06-01 12:00:00 700/800 #1\n");
}

TEST_F(ValueAlerts, DoNotKnowWhatWasDuringASilence) {
  auto& overload = rule("overload", Measure::value);
  overload.above = 800;
  overload.hold_for = 10min;
  watch_point(power_);
  start();
  read(power_, "12:00:00", 900);
  pass("12:20:00");
  read(power_, "12:30:00", 900);
  EXPECT_EQ(told(), "") << "longer than what is bridged";
  for (const char* at : {"12:34:00", "12:38:00", "12:42:00"}) read(power_, at, 900);
  EXPECT_EQ(told(), "06-01 12:40:00 overload device.power firing since 06-01 12:30:00 900/800\n");
}

TEST_F(ValueAlerts, FireByTheClockAsOfTheTimeItWasDue) {
  auto& overload = rule("overload", Measure::value);
  overload.above = 800;
  overload.hold_for = 1min;
  watch_point(power_);
  start();
  read(power_, "12:00:00", 900);
  pass("12:01:09");
  EXPECT_EQ(told(), "") << "a reading may be on its way";
  pass("12:01:10");
  EXPECT_EQ(told(), "06-01 12:01:00 overload device.power firing since 06-01 12:00:00 900/800\n");
  pass("12:02:00");
  EXPECT_EQ(told(), "");
}

TEST_F(ValueAlerts, AreWithdrawnByAReadingThatCameTooLateForTheClock) {
  auto& overload = rule("overload", Measure::value);
  overload.above = 800;
  overload.hold_for = 1min;
  watch_point(power_);
  start();
  read(power_, "12:00:00", 900);
  pass("12:02:00");
  told();
  read(power_, "12:00:30", 700, 2min);
  EXPECT_EQ(told(), "06-01 12:01:00 overload device.power withdrawn since 06-01 12:00:00 700/800 #1 late-data\n");
}

TEST_F(ValueAlerts, TellWhatIsFastFromWhatIsSlow) {
  auto& fast = rule("fast", Measure::change);
  fast.above = 50;
  fast.below = -50;
  fast.length = 1min;
  watch_point(power_);
  start();
  read(power_, "12:00:00", 100);
  read(power_, "12:00:01", 140);
  read(power_, "12:00:30", 145);
  EXPECT_EQ(told(), "") << "40 in a second are not 2400 in a minute";
  read(power_, "12:01:00", 160);
  EXPECT_EQ(told(), "06-01 12:01:00 fast device.power firing since 06-01 12:01:00 60/50\n");
  read(power_, "12:01:30", 150);
  EXPECT_EQ(told(), "06-01 12:01:30 fast device.power resolved since 06-01 12:01:00 5/50 #1\n");
  read(power_, "12:02:15", 90);
  EXPECT_EQ(told(), "06-01 12:02:15 fast device.power firing since 06-01 12:02:15 -56/-50\n");
}

TEST_F(ValueAlerts, MeasureAChangeFromTheReadingOneLengthAgo) {
  auto& rise = rule("rise", Measure::change);
  rise.above = 50;
  rise.length = 1h;
  watch_point(power_);
  start();
  for (int minute = 0; minute < 120; ++minute) read(power_, after_ten(minute), minute < 30 ? 100 : 130);
  EXPECT_EQ(told(), "") << "a step of 30 kW is 30 kW in the hour";
  read(power_, "12:00:00", 181);
  EXPECT_EQ(told(), "06-01 12:00:00 rise device.power firing since 06-01 12:00:00 51/50\n");
  // A silence is not bridged: it begins anew.
  read(power_, "20:00:00", 500);
  read(power_, "20:01:00", 900);
  EXPECT_EQ(told(), "");
}

TEST_F(ValueAlerts, LeaveOutOfAChangeWhatIsInDoubt) {
  PointLimits limits;
  limits.interval = 1min;
  limits.power_max_w = 2e6;
  const PointId counter = site_.add_point("counter", Kind::cumulative, "kWh", limits);
  site_.add_account(counter);
  auto& fast = rule("fast", Measure::change);
  fast.above = 90;
  fast.length = 1h;
  watch_point(counter);
  start();
  for (int minute = 0; minute < 180; ++minute) {
    const double shown = minute == 70 ? 1e6 : minute == 100 ? 0 : 1000 + minute;
    read(counter, after_ten(minute), shown);
  }
  EXPECT_EQ(told(), "");
  read(counter, "13:00:00", 1215);
  EXPECT_EQ(told(), "06-01 13:00:00 fast device.counter firing since 06-01 13:00:00 95/90\n");
}

TEST_F(ValueAlerts, DoNotCountWhatIsRejected) {
  site_.site.points[0].limits.max = 1000;
  rule("overload", Measure::value).above = 800;
  watch_point(power_);
  start();
  read(power_, "12:00:00", 1e6);
  EXPECT_EQ(told(), "");
}

TEST_F(ValueAlerts, AreLookedAtInWorkingHoursOnly) {
  auto& overload = rule("overload", Measure::value);
  overload.above = 800;
  overload.active = model::Active{.weekdays = 0x1f, .begin = 8h, .end = 18h, .dates = {}};
  watch_point(power_);
  start();
  read(power_, "07:59:59", 900);  // a Thursday
  EXPECT_EQ(told(), "");
  read(power_, "08:00:00", 900);
  EXPECT_EQ(told(), "06-01 08:00:00 overload device.power firing since 06-01 08:00:00 900/800\n");
  read(power_, "18:00:00", 900);
  EXPECT_EQ(told(), "06-01 18:00:00 overload device.power resolved since 06-01 08:00:00 #1\n");
  day_ = "2023-06-03 ";
  read(power_, "12:00:00", 900);
  EXPECT_EQ(told(), "") << "a Saturday";
}

TEST_F(ValueAlerts, WaitForTheEndOfAnnouncedWork) {
  rule("overload", Measure::value).above = 800;
  watch_point(power_);
  site_.site.maintenance = {{.from = utc("2023-06-01 12:00"),
                             .to = utc("2023-06-01 13:00"),
                             .rules = {},
                             .devices = {"device"},
                             .users = {}}};
  start();
  read(power_, "12:00:00", 900);
  read(power_, "12:59:59", 900);
  EXPECT_EQ(told(), "");
  read(power_, "13:00:00", 900);
  EXPECT_EQ(told(), "06-01 13:00:00 overload device.power firing since 06-01 12:59:59 900/800\n");
}

TEST_F(ValueAlerts, FireAtTheEndOfAnnouncedWorkBeforeTheyAreSeenAgain) {
  site_.site.points[index(power_)].limits.interval = 1h;
  rule("overload", Measure::value).above = 800;
  watch_point(power_);
  site_.site.maintenance = {{.from = utc("2023-06-01 12:00"),
                             .to = utc("2023-06-01 13:00"),
                             .rules = {},
                             .devices = {"device"},
                             .users = {}}};
  start();
  pass("12:00:00");
  read(power_, "12:30:00", 900);
  pass("12:59:59");
  EXPECT_EQ(told(), "");
  pass("13:00:20");
  EXPECT_EQ(told(), "06-01 13:00:00 overload device.power firing since 06-01 12:30:00 900/800\n");
}

TEST_F(ValueAlerts, OfOneRuleComeOneAtATimeIfItSaysSo) {
  const PointId other = site_.add_point("power-2", Kind::instantaneous, "kW");
  auto& overload = rule("overload", Measure::value);
  overload.above = 800;
  overload.one_alert = true;
  watch_point(power_);
  watch_point(other);
  start();
  read(power_, "12:00:00", 900);
  told();
  read(other, "12:00:01", 900);
  read(other, "12:00:02", 900);
  EXPECT_EQ(told(), "");
  read(power_, "12:00:03", 700);
  EXPECT_EQ(told(), "06-01 12:00:03 overload device.power resolved since 06-01 12:00:00 700/800 #1 suppressed 1\n");
  read(other, "12:00:04", 900);
  EXPECT_EQ(told(), "06-01 12:00:04 overload device.power-2 firing since 06-01 12:00:01 900/800\n");
}

TEST_F(ValueAlerts, AreAcknowledgedOnce) {
  rule("overload", Measure::value).above = 800;
  watch_point(power_);
  start();
  read(power_, "12:00:00", 900);
  told();
  const std::string id = model::alert_id("test", "overload", "device.power", utc("2023-06-01 12:00"));
  EXPECT_TRUE(pipeline_->acknowledge("0000000000000000", "Li", "?", utc("2023-06-01 12:05")).empty());
  note(pipeline_->acknowledge(id, "Li Wei", "seen", utc("2023-06-01 12:05")));
  EXPECT_EQ(told(), "06-01 12:05:00 overload device.power acknowledged since 06-01 12:00:00 #1 by Li Wei: seen\n");
  EXPECT_TRUE(pipeline_->acknowledge(id, "Wang", "too", utc("2023-06-01 12:06")).empty());
  restart();
  read(power_, "12:10:00", 100);
  EXPECT_EQ(told(), "06-01 12:10:00 overload device.power resolved since 06-01 12:00:00 100/800 #2\n");
  EXPECT_TRUE(pipeline_->acknowledge(id, "Wang", "too", utc("2023-06-01 12:11")).empty()) << "it is over";
}

class SilenceAlerts : public AlertsTest {
 protected:
  SilenceAlerts() {
    gateway_ = site_.add_point("gateway", Kind::instantaneous, "kW");
    meter_ = site_.add_point("meter", Kind::instantaneous, "kW");
  }
  model::AlertRule& silent(std::string id, PointId point, Duration length) {
    auto& silence = rule(std::move(id), Measure::silence);
    silence.length = length;
    watch_point(point);
    return silence;
  }
  PointId gateway_;
  PointId meter_;
};

TEST_F(SilenceAlerts, FireOnceNothingIsHeardAndEndWithTheNextReading) {
  silent("silent", meter_, 10min);
  start();
  read(meter_, "12:00:00", 1);
  pass("12:10:09");
  EXPECT_EQ(told(), "");
  pass("12:10:10");
  EXPECT_EQ(told(), "06-01 12:10:00 silent device.meter firing since 06-01 12:10:00\n");
  pass("13:00:00");
  EXPECT_EQ(told(), "");
  restart();
  read(meter_, "13:00:01", 1);
  EXPECT_EQ(told(), "06-01 13:00:01 silent device.meter resolved since 06-01 12:10:00 #1\n");
}

TEST_F(SilenceAlerts, AreTheSameWithoutAClock) {
  silent("silent", meter_, 10min);
  start();
  read(meter_, "12:00:00", 1);
  read(meter_, "13:00:01", 1);
  EXPECT_EQ(told(),
            "06-01 12:10:00 silent device.meter firing since 06-01 12:10:00\n"
            "06-01 13:00:01 silent device.meter resolved since 06-01 12:10:00 #1\n");
  read(meter_, "13:10:01", 1);
  EXPECT_EQ(told(), "") << "just in time";
}

TEST_F(SilenceAlerts, ExpectWhoWasNeverHeard) {
  silent("silent", meter_, 10min);
  start();
  pass("12:00:00");
  restart();
  pass("12:10:10");
  EXPECT_EQ(told(), "06-01 12:10:00 silent device.meter firing since 06-01 12:10:00\n");
}

TEST_F(SilenceAlerts, AreWithdrawnWhenWhatWasBufferedArrives) {
  silent("silent", meter_, 10min);
  start();
  read(meter_, "12:00:00", 1);
  pass("12:30:00");
  told();
  read(meter_, "12:05:00", 1, 25min);
  EXPECT_EQ(told(), "06-01 12:10:00 silent device.meter withdrawn since 06-01 12:10:00 #1 late-data\n");
  read(meter_, "12:08:00", 1, 24min);
  pass("12:33:00");
  EXPECT_EQ(told(), "") << "it sends what it has: it is heard";
}

TEST_F(SilenceAlerts, DoNotTakeWhoIsAlwaysLateForSilentAfterARestart) {
  silent("silent", meter_, 10min);
  start();
  for (const char* at : {"12:00:00", "12:01:00", "12:02:00"}) read(meter_, at, 1, 30min);
  pass("12:32:10");
  restart();
  pass("12:32:20");
  read(meter_, "12:03:00", 1, 30min);
  restart();
  pass("12:42:50");
  EXPECT_EQ(told(), "");
  pass("12:44:10");
  EXPECT_EQ(told(), "06-01 12:13:00 silent device.meter firing since 06-01 12:13:00\n") << "until nothing is heard";
}

TEST_F(SilenceAlerts, OfWhatIsBehindASilentGatewayAreHeldBack) {
  silent("gateway-silent", gateway_, 5min);
  silent("meter-silent", meter_, 10min).depends_on = {0};
  start();
  read(gateway_, "12:00:00", 1);
  read(meter_, "12:00:00", 1);
  pass("13:00:00");
  EXPECT_EQ(told(), "06-01 12:05:00 gateway-silent device.gateway firing since 06-01 12:05:00\n");
  restart();
  read(gateway_, "13:00:00", 1);
  EXPECT_EQ(told(), "06-01 13:00:00 gateway-silent device.gateway resolved since 06-01 12:05:00 #1 suppressed 1\n");
  pass("13:10:00");
  EXPECT_EQ(told(), "06-01 13:05:00 gateway-silent device.gateway firing since 06-01 13:05:00\n")
      << "the meter has its full time again, and is behind the gateway still";
  read(gateway_, "13:20:00", 1);
  read(meter_, "13:20:01", 1);
  told();
  for (const char* at : {"13:24:00", "13:28:00", "13:32:00"}) read(gateway_, at, 1);
  EXPECT_EQ(told(), "06-01 13:30:01 meter-silent device.meter firing since 06-01 13:30:01\n") << "this one is its own";
}

TEST_F(SilenceAlerts, AreHeldBackByNothingThatHasLeftTheConfiguration) {
  silent("gateway-silent", gateway_, 5min);
  silent("meter-silent", meter_, 10min).depends_on = {0};
  start();
  read(gateway_, "12:00:00", 1);
  read(meter_, "12:00:00", 1);
  pass("13:00:00");
  EXPECT_EQ(told(), "06-01 12:05:00 gateway-silent device.gateway firing since 06-01 12:05:00\n");
  restart();
  pass("14:00:00");
  EXPECT_EQ(told(), "") << "the gateway is silent still";
  site_.site.alert_rules.back().depends_on.clear();
  restart();
  pass("15:00:00");
  pass("15:09:00");
  EXPECT_EQ(told(), "");
  pass("15:11:00");
  EXPECT_EQ(told(), "06-01 15:10:00 meter-silent device.meter firing since 06-01 15:10:00\n");
}

TEST_F(SilenceAlerts, DoNotComeBeforeThatOfTheGatewayThatWasHeardALittleLater) {
  silent("gateway-silent", gateway_, 10min);
  silent("meter-silent", meter_, 10min).depends_on = {0};
  start();
  read(meter_, "12:00:00", 1);
  read(gateway_, "12:00:05", 1);
  pass("12:10:12");
  EXPECT_EQ(told(), "");
  pass("12:10:15");
  EXPECT_EQ(told(), "06-01 12:10:05 gateway-silent device.gateway firing since 06-01 12:10:05\n");
}

}  // namespace
}  // namespace carbongate::pipeline

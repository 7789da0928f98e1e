// Groups: one notice of the alerts of other rules, each of which is told as well.
#include <gtest/gtest.h>

#include "tests/unit/gateway/pipeline/alert_fixture.h"

namespace carbongate::pipeline {
namespace {

using model::Measure;
using namespace std::chrono_literals;

class AlertGroups : public AlertsTest {
 protected:
  AlertGroups() {
    PointLimits limits;
    limits.interval = 1min;
    for (const char* name : {"l1", "l2", "l3"})
      points_.push_back(site_.add_point(name, Kind::instantaneous, "V", limits));
    auto& voltage = rule("voltage", Measure::value);
    voltage.above = 250;
    for (const PointId point : points_) watch_point(point);
    auto& group = rule("many", Measure::members);
    group.above = 0;
    group.hold_for = 30s;
    watch_group();
  }
  // The alerts of the group alone, with what they say of members.
  std::string notices() {
    std::string text = told();
    std::string kept;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = text.find('\n', at);
      if (text.substr(at, end - at).find(" many ") != std::string::npos) kept += text.substr(at, end - at + 1);
      at = end + 1;
    }
    return kept;
  }

  std::vector<PointId> points_;
};

TEST_F(AlertGroups, NameNobodyWhoBeganAfterThem) {
  start();
  read(points_[0], "12:00:00", 260);
  read(points_[1], "12:00:35", 260);
  const std::string first = model::alert_id("test", "voltage", "device.l1", utc("2023-06-01 12:00:00"));
  EXPECT_EQ(notices(), "06-01 12:00:30 many  firing since 06-01 12:00:00 1/0 by : device.l1 " + first + "\n");
}

TEST_F(AlertGroups, TellOnceOfWhatBeginsTogether) {
  start();
  read(points_[0], "12:00:00", 260);
  read(points_[1], "12:00:10", 260);
  EXPECT_EQ(told(),
            "06-01 12:00:00 voltage device.l1 firing since 06-01 12:00:00 260/250\n"
            "06-01 12:00:10 voltage device.l2 firing since 06-01 12:00:10 260/250\n")
      << "each is told";
  restart();
  read(points_[2], "12:00:35", 240);
  const std::string first = model::alert_id("test", "voltage", "device.l1", utc("2023-06-01 12:00:00"));
  const std::string second = model::alert_id("test", "voltage", "device.l2", utc("2023-06-01 12:00:10"));
  EXPECT_EQ(notices(), "") << "what was under way is waited for";
  pass("12:00:40");
  EXPECT_EQ(notices(), "06-01 12:00:30 many  firing since 06-01 12:00:00 2/0 by : device.l1 " + first + ", device.l2 " +
                           second + "\n");
  read(points_[2], "12:01:00", 260);
  EXPECT_EQ(notices(), "") << "it fires already";
  read(points_[0], "12:02:00", 240);
  read(points_[1], "12:02:00", 240);
  EXPECT_EQ(notices(), "");
  read(points_[2], "12:02:30", 240);
  EXPECT_EQ(notices(), "06-01 12:02:30 many  resolved since 06-01 12:00:00 0/0 #1\n");
}

TEST_F(AlertGroups, DoNotTellOfWhatIsOverBeforeTheirTime) {
  start();
  read(points_[0], "12:00:00", 260);
  read(points_[0], "12:00:20", 240);
  pass("12:02:00");
  EXPECT_EQ(notices(), "");
}

// A group behind a rule over another point: each is a watch of its own.
TEST_F(AlertGroups, ThatAreHeldBackAreToldWhenThatIsOver) {
  for (const bool is_in_work : {false, true}) {
    site_.site.alert_rules.clear();
    site_.site.watches.clear();
    const PointId line = site_.add_point("line", Kind::instantaneous, "V");
    rule("line", Measure::value).above = 250;
    watch_point(line);
    rule("voltage", Measure::value).above = 250;
    watch_point(points_[0]);
    auto& group = rule("many", Measure::members);
    group.above = 0;
    group.hold_for = 30s;
    group.depends_on = {0};
    watch_group().members = {model::WatchId{1}};
    site_.site.maintenance.clear();
    if (is_in_work) {
      site_.site.maintenance.push_back({.from = utc("2023-06-01 13:00"),
                                        .to = utc("2023-06-01 14:00"),
                                        .rules = {"many"},
                                        .devices = {},
                                        .users = {}});
    }
    start();
    read(line, "12:00:00", 260);
    read(points_[0], "12:00:10", 260);
    pass("12:02:00");
    EXPECT_EQ(notices(), "");
    restart();
    pass("12:30:00");
    EXPECT_EQ(notices(), "") << "it is held back still";
    read(line, "13:00:00", 240);
    pass("13:00:20");
    EXPECT_EQ(notices(), "") << "its members may be over, too";
    restart();
    pass("13:00:50");
    const std::string member = model::alert_id("test", "voltage", "device.l1", utc("2023-06-01 12:00:10"));
    const std::string what = " many  firing since 06-01 13:00:00 1/0 by : device.l1 " + member + "\n";
    EXPECT_EQ(notices(), is_in_work ? "" : "06-01 13:00:30" + what);
    pass("14:00:20");
    EXPECT_EQ(notices(), is_in_work ? "06-01 14:00:00" + what : "");
  }
}

// What held it back was due, and is held back itself by what ends before its turn comes.
TEST_F(AlertGroups, ThatAreHeldBackByWhatIsHeldBackItselfAreTold) {
  site_.site.alert_rules.clear();
  site_.site.watches.clear();
  PointLimits limits;
  limits.interval = 1min;
  const PointId line = site_.add_point("line", Kind::instantaneous, "V", limits);
  rule("line", Measure::value).above = 250;
  watch_point(line);
  auto& voltage = rule("voltage", Measure::value);
  voltage.above = 250;
  voltage.hold_for = 1min;
  voltage.depends_on = {0};
  watch_point(points_[0]);
  rule("current", Measure::value).above = 250;
  watch_point(points_[1]);
  auto& group = rule("many", Measure::members);
  group.above = 0;
  group.depends_on = {1};
  watch_group().members = {model::WatchId{2}};
  start();
  read(points_[0], "12:00:00", 260);  // due a minute later
  read(line, "12:00:50", 260);
  read(points_[1], "12:01:05", 260);
  EXPECT_EQ(notices(), "") << "it is held back by what is due";
  read(line, "12:01:08", 240);  // and that by the line
  pass("12:01:20");
  const std::string member = model::alert_id("test", "current", "device.l2", utc("2023-06-01 12:01:05"));
  EXPECT_EQ(notices(), "06-01 12:01:08 many  firing since 06-01 12:01:08 1/0 by : device.l2 " + member + "\n");
}

// What held it back was due, and a reading that was still under way says that it never came to that.
TEST_F(AlertGroups, ThatAreHeldBackByWhatIsMerelyDueAreToldWhenThatDoesNotFire) {
  site_.site.alert_rules.clear();
  site_.site.watches.clear();
  PointLimits limits;
  limits.interval = 1min;
  const PointId line = site_.add_point("line", Kind::instantaneous, "V", limits);
  auto& of_line = rule("line", Measure::value);
  of_line.above = 250;
  of_line.hold_for = 1min;
  watch_point(line);
  rule("voltage", Measure::value).above = 250;
  watch_point(points_[0]);
  watch_point(points_[1]);
  auto& group = rule("many", Measure::members);
  group.above = 0;
  group.hold_for = 30s;
  group.depends_on = {0};
  watch_group().members = {model::WatchId{1}, model::WatchId{2}};
  start();
  read(line, "12:00:00", 260);
  read(points_[0], "12:00:35", 260);
  read(points_[1], "12:01:08", 260);
  read(line, "12:00:59", 240, 10s);
  pass("12:10:00");
  const std::string text = notices();
  EXPECT_TRUE(text.starts_with("06-01 12:01:29 many  firing since 06-01 12:00:59 2/0 by : device.l1 ")) << text;
  read(line, "12:20:00", 260);
  read(line, "12:21:00", 260);
  read(line, "12:22:00", 240);
  EXPECT_EQ(told(),
            "06-01 12:21:00 line device.line firing since 06-01 12:20:00 260/250\n"
            "06-01 12:22:00 line device.line resolved since 06-01 12:20:00 240/250 #1\n")
      << "nothing is suppressed";
}

TEST_F(AlertGroups, MayWaitForSeveral) {
  site_.site.alert_rules.back().above = 1;
  start();
  read(points_[0], "12:00:00", 260);
  pass("12:02:00");
  EXPECT_EQ(notices(), "");
  read(points_[1], "12:03:00", 260);
  pass("12:04:00");
  EXPECT_TRUE(notices().starts_with("06-01 12:03:30 many  firing since 06-01 12:03:00 2/1"));
  read(points_[1], "12:05:00", 250);
  EXPECT_TRUE(notices().starts_with("06-01 12:05:00 many  resolved since 06-01 12:03:00 1/1 #1"));
}

TEST_F(AlertGroups, NameTwentyAtMost) {
  site_.site.alert_rules.erase(site_.site.alert_rules.begin(), site_.site.alert_rules.end());
  site_.site.watches.clear();
  rule("voltage", Measure::value).above = 250;
  std::vector<PointId> more;
  for (int i = 0; i < 23; ++i) more.push_back(site_.add_point("p" + std::to_string(i), Kind::instantaneous, "V"));
  for (const PointId point : more) watch_point(point);
  rule("many", Measure::members).above = 22;
  watch_group();
  start();
  for (const PointId point : more) read(point, "12:00:00", 260);
  const std::string text = notices();
  EXPECT_NE(text.find("device.p19 "), std::string::npos) << text;
  EXPECT_TRUE(text.ends_with(" and 3 more\n")) << text;
}

}  // namespace
}  // namespace carbongate::pipeline

#include "gateway/pipeline/late_alerts.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "tests/support/rounds.h"
#include "tests/unit/gateway/pipeline/late_fixture.h"

namespace carbongate::pipeline {
namespace {

using namespace std::chrono_literals;
using model::Measure;

class LateValues : public LateTest {
 protected:
  LateValues() {
    PointLimits limits;
    limits.interval = 1min;
    power_ = site_.add_point("power", Kind::instantaneous, "kW", limits);
    over_ = &rule("over", Measure::value);
    over_->above = 800;
    watch_point(power_);
  }

  void read(std::string_view at, double value) { hear(power_, time(at), value, time(at)); }
  void read_late(std::string_view at, double value, std::string_view heard) {
    hear(power_, time(at), value, time(heard));
  }

  PointId power_;
  PointId gate_{};
  model::WatchId child_{};
  model::AlertRule* over_;
};

TEST_F(LateValues, RaiseWhatNobodyHeardOfForAsLongAsItHeld) {
  start();
  read("12:00:00", 700);
  read("12:06:00", 700);
  read("12:10:00", 700);
  read_late("12:05:00", 900, "12:11:00");
  EXPECT_EQ(told(), "");
  judge();
  EXPECT_EQ(told(),
            "06-01 12:05:00 over device.power firing since 06-01 12:05:00 900/800 late-data\n"
            "06-01 12:06:00 over device.power resolved since 06-01 12:05:00 700/800 #1 late-data\n");
  restart();
  judge();
  EXPECT_EQ(told(), "") << "it has been told";
  read("12:20:00", 900);
  EXPECT_EQ(told(), "06-01 12:20:00 over device.power firing since 06-01 12:20:00 900/800\n");
}

TEST_F(LateValues, RaiseWhatHeldLongEnough) {
  over_->hold_for = 5min;
  start();
  read("12:00:00", 700);
  read("12:20:00", 700);
  for (const char* at : {"12:01:00", "12:03:00", "12:05:00", "12:07:00"}) read_late(at, 900, "12:20:30");
  judge();
  EXPECT_EQ(told(),
            "06-01 12:06:00 over device.power firing since 06-01 12:01:00 900/800 late-data\n"
            "06-01 12:20:00 over device.power resolved since 06-01 12:01:00 700/800 #1 late-data\n");
  read_late("12:06:00", 700, "12:21:00");
  judge();
  EXPECT_EQ(told(), "") << "since 12:07 it has held until 12:20 all the same";
  read_late("12:08:00", 700, "12:21:00");
  judge();
  EXPECT_EQ(told(), "06-01 12:20:00 over device.power withdrawn since 06-01 12:01:00 #2 late-data\n");
}

// First it only makes the alert begin earlier; then it turns out to have been two.
TEST_F(LateValues, RaiseThePartThatALaterParcelCutsOff) {
  start();
  read("12:00:00", 700);
  read("12:04:00", 900);
  read("12:10:00", 700);
  told();
  read_late("12:02:00", 900, "12:10:10");
  judge();
  EXPECT_EQ(told(), "") << "it began at another time";
  read_late("12:03:00", 700, "12:20:00");
  judge();
  EXPECT_EQ(told(),
            "06-01 12:02:00 over device.power firing since 06-01 12:02:00 900/800 late-data\n"
            "06-01 12:03:00 over device.power resolved since 06-01 12:02:00 700/800 #1 late-data\n");
}

TEST_F(LateValues, LetFireFromTheTrueBegin) {
  over_->hold_for = 10min;
  start();
  read("12:00:00", 700);
  read("12:08:00", 900);
  read_late("12:02:00", 900, "12:08:30");
  read_late("12:05:00", 900, "12:08:30");
  judge();
  EXPECT_EQ(told(), "");
  read("12:11:00", 900);
  pass("12:12:30");
  EXPECT_EQ(told(), "06-01 12:12:00 over device.power firing since 06-01 12:02:00 900/800\n");
  read("12:13:00", 700);
  told();
  read("12:20:00", 900);
  for (const char* at : {"12:14:00", "12:17:00"}) read_late(at, 900, "12:20:10");
  read("12:25:00", 900);
  judge();
  EXPECT_EQ(told(), "06-01 12:24:00 over device.power firing since 06-01 12:14:00 900/800 late-data\n") << "goes on";
  restart();
  read("12:30:00", 700);
  EXPECT_EQ(told(), "06-01 12:30:00 over device.power resolved since 06-01 12:14:00 700/800 #1\n");
}

TEST_F(LateValues, WithdrawWhatDidNotHoldAllTheTime) {
  over_->hold_for = 5min;
  start();
  read("12:00:00", 900);
  read("12:04:00", 900);
  read("12:08:00", 900);
  EXPECT_EQ(told(), "06-01 12:05:00 over device.power firing since 06-01 12:00:00 900/800\n");
  read_late("12:02:00", 700, "12:08:30");
  EXPECT_EQ(told(), "06-01 12:05:00 over device.power withdrawn since 06-01 12:00:00 700/800 #1 late-data\n");
  judge();
  EXPECT_EQ(told(), "") << "it holds since 12:04 only";
  pass("12:09:30");
  EXPECT_EQ(told(), "06-01 12:09:00 over device.power firing since 06-01 12:04:00 900/800\n");
}

TEST_F(LateValues, WithdrawWhatEndedWhileItWasJudgedByAChangeOfItsOwn) {
  over_->hold_for = 5min;
  over_->clear_above = 750;
  start();
  read("12:00:00", 900);
  read("12:04:00", 900);
  read("12:08:00", 900);
  EXPECT_EQ(told(), "06-01 12:05:00 over device.power firing since 06-01 12:00:00 900/800\n");
  read_late("12:02:00", 780, "12:08:30");
  EXPECT_EQ(told(), "") << "what clears nothing is left to the judgement";
  const std::vector<LateJudgement> found = judgements();
  read("12:09:00", 700);
  read("12:10:00", 900);
  read("12:11:00", 900);
  pass("12:15:30");
  read("12:16:00", 700);
  EXPECT_EQ(told(),
            "06-01 12:09:00 over device.power resolved since 06-01 12:00:00 700/800 #1\n"
            "06-01 12:15:00 over device.power firing since 06-01 12:10:00 900/800\n"
            "06-01 12:16:00 over device.power resolved since 06-01 12:10:00 700/800 #1\n");
  tell(found);
  EXPECT_EQ(told(), "06-01 12:09:00 over device.power withdrawn since 06-01 12:00:00 #2 late-data\n");
}

// Time had passed before it was heard: it is neither broken nor cleared any more.
TEST_F(LateValues, WithdrawWhatTimeAloneHadLetFire) {
  over_->clear_above = 750;
  over_->hold_for = 2min;
  start();
  read("12:00:00", 900);
  pass("12:03:00");
  EXPECT_EQ(told(), "06-01 12:02:00 over device.power firing since 06-01 12:00:00 900/800\n");
  read_late("12:01:00", 780, "12:03:10");
  EXPECT_EQ(told(), "06-01 12:02:00 over device.power withdrawn since 06-01 12:00:00 780/800 #1 late-data\n");
}

TEST_F(LateValues, HaveAConditionBeginLater) {
  over_->hold_for = 5min;
  start();
  read("12:00:00", 900);
  read("12:03:00", 900);
  read_late("12:01:00", 700, "12:03:10");
  pass("12:05:30");
  EXPECT_EQ(told(), "");
  read("12:06:00", 900);
  pass("12:08:30");
  EXPECT_EQ(told(), "06-01 12:08:00 over device.power firing since 06-01 12:03:00 900/800\n");
}

TEST_F(LateValues, ChangeNothingWhereTheyOnlyMoveABegin) {
  start();
  read("12:00:00", 700);
  read("12:05:00", 900);
  read("12:10:00", 700);
  told();
  read_late("12:04:00", 900, "12:10:10");
  read_late("12:07:00", 900, "12:10:10");
  judge();
  EXPECT_EQ(told(), "");
}

TEST_F(LateValues, RaiseNothingThatWorkOrAnotherAlertHeldBack) {
  model::AlertRule& child = rule("child", Measure::value);
  child.above = 850;
  child.depends_on = {0};
  over_ = &site_.site.alert_rules.front();
  watch_point(power_);
  site_.site.maintenance.push_back(
      {.from = time("13:00:00"), .to = time("14:00:00"), .rules = {}, .devices = {}, .users = {}});
  start();
  read("12:00:00", 820);
  read("12:10:00", 700);
  told();
  read_late("12:05:00", 900, "12:10:10");
  judge();
  EXPECT_EQ(told(), "") << "held back by what fired";
  read("13:30:00", 700);
  read_late("13:10:00", 900, "13:30:10");
  judge();
  EXPECT_EQ(told(), "") << "work went on";
}

TEST_F(LateValues, RaiseAndWithdrawTheGroupOfWhatTheyRaiseAndWithdraw) {
  over_->hold_for = 30s;
  auto& group = rule("many", Measure::members);
  group.above = 0;
  group.hold_for = 10s;
  watch_group();
  over_ = &site_.site.alert_rules.front();
  start();
  read("12:00:00", 700);
  read("12:06:00", 700);
  read("12:10:00", 700);
  for (const char* at : {"12:05:00", "12:05:20", "12:05:40"}) read_late(at, 900, "12:11:00");
  judge();
  EXPECT_EQ(told(),
            "06-01 12:05:30 over device.power firing since 06-01 12:05:00 900/800 late-data\n"
            "06-01 12:06:00 over device.power resolved since 06-01 12:05:00 700/800 #1 late-data\n");
  restart();
  judge();
  const std::string member = model::alert_id("test", "over", "device.power", time("12:05:00"));
  EXPECT_EQ(told(), "06-01 12:05:40 many  firing since 06-01 12:05:30 1/0 late-data by : device.power " + member +
                        "\n06-01 12:06:00 many  resolved since 06-01 12:05:30 0/0 #1 late-data\n");
  EXPECT_TRUE(pipeline_->late_watches().empty());
  judge();
  EXPECT_EQ(told(), "") << "once";

  restart();
  read_late("12:05:10", 700, "12:12:00");
  read_late("12:05:30", 700, "12:12:00");
  judge();
  EXPECT_EQ(told(), "06-01 12:06:00 over device.power withdrawn since 06-01 12:05:00 #2 late-data\n");
  restart();
  judge();
  EXPECT_EQ(told(), "06-01 12:06:00 many  withdrawn since 06-01 12:05:30 #2 late-data\n");

  read("12:20:00", 900);
  read("12:20:30", 900);
  read("12:21:00", 900);
  pass("12:22:00");
  const std::string again = told();
  EXPECT_NE(again.find("12:20:40 many  firing since 06-01 12:20:30"), std::string::npos) << again;
  judge();
  EXPECT_EQ(told(), "") << "what goes on is not told late";
}

TEST_F(LateValues, RaiseAGroupThatIsLookedAtWhenItsHoursBegin) {
  auto& group = rule("many", Measure::members);
  group.above = 0;
  group.active = model::Active{.weekdays = 0x7f, .begin = 12h, .end = 13h, .dates = {}};
  watch_group();
  start();
  for (const char* at : {"11:00:00", "11:50:00", "12:30:00", "13:30:00"}) read(at, 700);
  read_late("11:55:00", 900, "13:31:00");
  judge();
  EXPECT_EQ(told(),
            "06-01 11:55:00 over device.power firing since 06-01 11:55:00 900/800 late-data\n"
            "06-01 12:30:00 over device.power resolved since 06-01 11:55:00 700/800 #1 late-data\n");
  judge();
  const std::string member = model::alert_id("test", "over", "device.power", time("11:55:00"));
  EXPECT_EQ(told(), "06-01 12:00:00 many  firing since 06-01 12:00:00 1/0 late-data by : device.power " + member +
                        "\n06-01 12:30:00 many  resolved since 06-01 12:00:00 0/0 #1 late-data\n");
}

TEST_F(LateValues, EndWithTheHoursOfTheirRule) {
  over_->active = model::Active{.weekdays = 0x7f, .begin = 12h, .end = 13h, .dates = {}};
  start();
  for (const char* at : {"12:00:00", "12:40:00", "13:30:00"}) read(at, 700);
  told();
  read_late("12:50:00", 900, "13:31:00");
  judge();
  EXPECT_EQ(told(),
            "06-01 12:50:00 over device.power firing since 06-01 12:50:00 900/800 late-data\n"
            "06-01 13:00:00 over device.power resolved since 06-01 12:50:00 #1 late-data\n");
}

// Whatever order they are heard in: the alerts that stand are those of the readings in their own order.
class AnyOrder : public LateValues, public ::testing::WithParamInterface<unsigned> {
 protected:
  // Hears them as they come, and answers what stands; then late ones behind others, and holds what stands against that.
  struct Heard {
    Instant at{};
    double value = 0;
    bool is_gate = false;  // of another point, which is never late
  };
  void expect_the_same(const std::vector<Heard>& readings, std::mt19937& random) {
    const auto below = [&](unsigned n) {
      return static_cast<int>(std::uniform_int_distribution<unsigned>(0, n - 1)(random));
    };
    const auto take = [this](const Heard& one, Instant received) {
      hear(one.is_gate ? gate_ : power_, one.at, one.value, received);
    };
    begin_anew();
    for (const Heard& one : readings) take(one, one.at);
    const std::vector<Stretch> right = standing(child_);

    begin_anew();
    std::vector<Heard> late;
    for (const Heard& one : readings) {
      const bool is_last = one.at == readings.back().at;
      if (!is_last && !one.is_gate && below(4) == 0) {
        late.push_back(one);
      } else {
        take(one, one.at);
      }
      if (below(8) != 0) continue;
      std::ranges::shuffle(late, random);
      for (const Heard& then : late) take(then, one.at);
      late.clear();
      keep(pipeline_->pass(one.at));  // the gateway does, all the time
      if (below(2) == 0) judge();
      if (below(4) == 0) restart();
    }
    for (const Heard& then : late) take(then, readings.back().at);
    keep(pipeline_->pass(readings.back().at));
    judge();
    EXPECT_TRUE(pipeline_->late_watches().empty());
    expect_each_among(right, standing(child_));
    expect_each_among(standing(child_), right);
  }
};
INSTANTIATE_TEST_SUITE_P(Seeds, AnyOrder, ::testing::Range(1u, 1u + static_cast<unsigned>(rounds(60))));

TEST_P(AnyOrder, OverlapsWhatFollowsFromTheRightOne) {
  std::mt19937 random(GetParam());
  const auto below = [&](unsigned n) {
    return static_cast<int>(std::uniform_int_distribution<unsigned>(0, n - 1)(random));
  };
  over_->hold_for = below(3) * 3min;
  over_->clear_above = 750;
  std::vector<Heard> readings;
  Instant at = time("00:00:00");
  double value = 700;
  for (int i = 0; i < 120; ++i) {
    at += 10s * (1 + below(12));
    if (below(6) == 0) value = below(2) == 0 ? 700 : (below(3) == 0 ? 780 : 900);
    readings.push_back({.at = at, .value = value});
  }
  expect_the_same(readings, random);
}

// Behind another alert, with work going on, by hours, and over silences that are bridged or not.
class AnyOrderHeldBack : public AnyOrder {
 protected:
  AnyOrderHeldBack() {
    site_.site.alert_rules.clear();
    site_.site.watches.clear();
    gate_ = site_.add_point("gate", Kind::instantaneous, "kW", site_.site.points[index(power_)].limits);
    rule("gate", Measure::value).above = 1;
    watch_point(gate_);
    over_ = &rule("over", Measure::value);
    over_->above = 800;
    over_->depends_on = {0};
    child_ = watch_point(power_).id;
  }
};
INSTANTIATE_TEST_SUITE_P(Seeds, AnyOrderHeldBack, ::testing::Range(1u, 1u + static_cast<unsigned>(rounds(400))));

TEST_P(AnyOrderHeldBack, OverlapsWhatFollowsFromTheRightOne) {
  std::mt19937 random(GetParam());
  const auto below = [&](unsigned n) {
    return static_cast<int>(std::uniform_int_distribution<unsigned>(0, n - 1)(random));
  };
  over_->hold_for = below(3) * 3min;
  over_->clear_above = 750;
  if (below(2) == 0) {
    over_->active =
        model::Active{.weekdays = 0x7f, .begin = below(60) * 1min, .end = 1h + below(60) * 1min, .dates = {}};
  }
  for (int i = below(4); i > 0; --i) {
    const Instant from = time("00:00:00") + below(120) * 1min;
    site_.site.maintenance.push_back(
        {.from = from, .to = from + (1 + below(15)) * 1min, .rules = {}, .devices = {}, .users = {}});
  }
  std::vector<Heard> readings;
  Instant at = time("00:00:00");
  double value = 700;
  const bool has_gate = below(2) == 0;
  for (int i = 0; i < 120; ++i) {
    at += 10s * (1 + below(12)) + (below(15) == 0 ? 5min : 0min);
    if (below(6) == 0) value = below(2) == 0 ? 700 : (below(3) == 0 ? 780 : 900);
    if (has_gate && below(5) == 0) readings.push_back({.at = at - 1s, .value = 2.0 * below(2), .is_gate = true});
    readings.push_back({.at = at, .value = value});
  }
  expect_the_same(readings, random);
}

}  // namespace
}  // namespace carbongate::pipeline

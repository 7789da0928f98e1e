// Late data, and alerts that others hold back: by when those should have fired, not by when they were told to.
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

class ThatHoldBack : public LateTest {
 protected:
  ThatHoldBack() {
    PointLimits limits;
    limits.interval = 1min;
    for (const char* name : {"press", "oven"}) {
      const PointId point = site_.add_point(name, Kind::instantaneous, "kW", limits);
      site_.site.points[index(point)].device = name;
      points_.push_back(point);
    }
  }

  // Of each point, whose watches are named by `ids`.
  model::AlertRule& rule_of_each(const std::string& id, double above) {
    model::AlertRule& added = rule(id, Measure::value);
    added.above = above;
    for (const PointId point : points_) watches_[id].push_back(watch_point(point).id);
    return site_.site.alert_rules.back();
  }
  void read(int point, std::string_view at, double value) { read_late(point, at, value, at); }
  void read_late(int point, std::string_view at, double value, std::string_view heard) {
    hear(points_[static_cast<std::size_t>(point)], time(at), value, time(heard));
  }

  std::vector<PointId> points_;
  std::map<std::string, std::vector<model::WatchId>> watches_;
};

TEST_F(ThatHoldBack, HoldBackFromTheirTrueBegin) {
  rule_of_each("over", 100);
  rule_of_each("worse", 140).depends_on = {0};
  start();
  read(0, "12:00:00", 50);
  read(0, "12:05:00", 120);
  read(0, "12:06:00", 120);
  read(0, "12:10:00", 50);
  EXPECT_EQ(told(),
            "06-01 12:05:00 over press.press firing since 06-01 12:05:00 120/100\n"
            "06-01 12:10:00 over press.press resolved since 06-01 12:05:00 50/100 #1\n");
  read_late(0, "12:03:00", 150, "12:10:10");
  judge_all();
  EXPECT_EQ(told(), "") << "the rise began at 12:03, with both: only the begin of what was told is another";
}

TEST_F(ThatHoldBack, OfAnotherDeviceWithdrawWhatTheyShouldHaveHeldBack) {
  rule_of_each("over", 100);
  site_.site.watches.pop_back();  // of the press alone
  rule("worse", Measure::value).above = 140;
  site_.site.alert_rules.back().depends_on = {0};
  watch_point(points_[1]);
  start();
  read(0, "12:00:00", 50);
  read(1, "12:03:30", 150);
  read(1, "12:04:30", 50);
  read(0, "12:05:00", 120);
  read(0, "12:06:00", 50);
  told();
  read_late(0, "12:03:00", 120, "12:06:10");
  judge_all();
  EXPECT_EQ(told(), "06-01 12:04:30 worse oven.oven withdrawn since 06-01 12:03:30 #2 late-data\n");
}

TEST_F(ThatHoldBack, OfOneRuleLetOneFireAtATime) {
  rule_of_each("one", 100).one_alert = true;
  start();
  read(0, "12:00:00", 50);
  read(1, "12:00:00", 50);
  read(0, "12:10:00", 120);
  read(1, "12:10:00", 50);
  read(0, "12:20:00", 50);
  told();
  read_late(1, "12:06:00", 120, "12:20:10");
  read_late(0, "12:05:00", 120, "12:20:20");
  judge_all();
  EXPECT_EQ(told(), "") << "the press began before the oven";
}

TEST_F(ThatHoldBack, OrAreCountedEndAGroupThatBeganBeforeThem) {
  rule_of_each("over", 100).hold_for = 2min;
  auto& group = rule("any", Measure::members);
  group.above = 0;
  watch_group();
  start();
  for (const int point : {0, 1}) read(point, "12:00:00", 50);
  for (const char* at : {"12:05:00", "12:07:00"}) read(0, at, 120);
  for (const char* at : {"12:08:00", "12:10:00"}) read(1, at, 120);
  read(0, "12:11:00", 50);
  told();
  read_late(1, "12:09:00", 50, "12:11:10");
  judge_all();
  EXPECT_EQ(told(),
            "06-01 12:10:00 over oven.oven withdrawn since 06-01 12:08:00 50/100 #1 late-data\n"
            "06-01 12:10:00 any  resolved since 06-01 12:07:00 0/0 #1\n")
      << "the press alone had brought it about";
}

// Nothing is late here, but one device is behind the other.
TEST_F(ThatHoldBack, AreJudgedByTheirTimesWhereOneIsBehind) {
  rule_of_each("one", 100).one_alert = true;
  start();
  for (const int point : {0, 1}) read(point, "12:00:00", 50);
  read(0, "12:06:00", 120);
  read_late(1, "12:05:00", 120, "12:06:30");
  read(0, "12:08:00", 50);
  read_late(1, "12:07:00", 50, "12:08:10");
  told();
  judge_all();
  EXPECT_EQ(told(), "06-01 12:08:00 one press.press withdrawn since 06-01 12:06:00 #2 late-data\n");
}

class ParentsInAnyOrder : public ThatHoldBack, public ::testing::WithParamInterface<unsigned> {};
INSTANTIATE_TEST_SUITE_P(Seeds, ParentsInAnyOrder, ::testing::Range(1u, 1u + static_cast<unsigned>(rounds(200))));

TEST_P(ParentsInAnyOrder, LetTheSameFireAsInTheRightOne) {
  std::mt19937 random(GetParam());
  const auto below = [&](unsigned n) {
    return static_cast<int>(std::uniform_int_distribution<unsigned>(0, n - 1)(random));
  };
  model::AlertRule& over = rule_of_each("over", 100);
  over.clear_above = 80;
  over.hold_for = below(3) * 2min;
  model::AlertRule& worse = rule_of_each("worse", 140);
  worse.depends_on = {0};
  worse.hold_for = below(2) * 2min;
  model::AlertRule& one = rule_of_each("one", 100);
  one.one_alert = true;
  one.hold_for = below(2) * 3min;
  model::AlertRule& both = rule("both", Measure::members);
  both.above = 1;
  both.hold_for = below(2) * 4min;
  watches_["both"].push_back(watch_group().id);
  site_.site.watches.back().members = watches_["over"];

  struct Heard {
    PointId point{};
    Instant at{};
    double value = 0;
  };
  std::vector<Heard> readings;
  std::vector<double> values(points_.size(), 50);
  Instant at = time("00:00:00");
  for (int i = 0; i < 200; ++i) {
    at += 10s * (1 + below(6));
    const auto place = static_cast<std::size_t>(below(2));
    if (below(5) == 0) values[place] = std::vector<double>{20, 50, 90, 101, 120, 150, 220}[below(7)];
    readings.push_back({points_[place], at, values[place]});
  }
  const auto standing_of_each = [this] {
    std::vector<std::pair<std::string, std::vector<Stretch>>> all;
    for (const auto& [id, watches] : watches_) {
      for (const model::WatchId watch : watches) {
        all.emplace_back(id + " " + site_.site.watches[model::index(watch)].device, standing(watch));
      }
    }
    return all;
  };
  begin_anew();
  for (const Heard& reading : readings) hear(reading.point, reading.at, reading.value, reading.at);
  keep(pipeline_->pass(at));
  const auto right = standing_of_each();

  begin_anew();
  std::vector<Heard> late;
  std::map<PointId, Instant> newest;
  // Once it is older than another of its point: those of two points come in any order all the time.
  const auto hear_late = [&](Instant now) {
    std::ranges::shuffle(late, random);
    std::erase_if(late, [&](const Heard& reading) {
      if (reading.at > newest[reading.point]) return false;
      hear(reading.point, reading.at, reading.value, now);
      return true;
    });
    keep(pipeline_->pass(now));
  };
  for (const Heard& reading : readings) {
    if (at - reading.at > 5min && below(5) == 0) {
      late.push_back(reading);
    } else {
      hear(reading.point, reading.at, reading.value, reading.at);
      newest[reading.point] = reading.at;
    }
    if (below(25) != 0) continue;
    hear_late(reading.at);
    if (below(2) == 0) judge_all();
    if (below(4) == 0) restart();
  }
  hear_late(at);
  judge_all();
  keep(pipeline_->pass(at));
  const auto stand = standing_of_each();
  for (std::size_t i = 0; i < right.size(); ++i) {
    SCOPED_TRACE(right[i].first + " right " + to_text(right[i].second) + "stands " + to_text(stand[i].second));
    // One that goes on when it is judged is held back by what was told of another one that does.
    std::vector<Stretch> expected = right[i].second;
    std::erase_if(expected, [&](const Stretch& alert) {
      return std::ranges::any_of(stand, [&](const auto& other) {
        const bool holds_back =
            &other != &stand[i] && other.first.substr(0, 3) == (right[i].first.starts_with("one") ? "one" : "ove");
        return holds_back && std::ranges::any_of(other.second, [&](const Stretch& one) {
                 return one.since <= alert.since && alert.since < one.over;
               });
      });
    });
    expect_each_among(expected, stand[i].second);
    expect_each_among(stand[i].second, right[i].second);
  }
}

}  // namespace
}  // namespace carbongate::pipeline

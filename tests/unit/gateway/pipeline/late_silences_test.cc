// Silences that late readings fill.
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

// A device of two points.
class LateSilences : public LateTest {
 protected:
  LateSilences() {
    power_ = site_.add_point("power", Kind::instantaneous, "kW");
    other_ = site_.add_point("current", Kind::instantaneous, "A");
    rule("silent", Measure::silence).length = 10min;
    device_ = watch_device({power_, other_}).id;
  }
  model::Watch& watch_device(std::vector<PointId> points) {
    model::Watch& watch = watch_point(points.front());
    watch.point.clear();
    watch.unit = "s";
    watch.points = std::move(points);
    return watch;
  }
  void read(PointId point, std::string_view at, std::string_view heard = "") {
    hear(point, time(at), 1, time(heard.empty() ? at : heard));
  }
  // One reading a minute, heard then.
  void read_all(PointId point, Instant from, Instant until, Instant heard) {
    for (Instant at = from; at < until; at += 1min) hear(point, at, 1, std::max(at, heard));
  }

  PointId power_;
  PointId other_;
  model::WatchId device_{};
};

TEST_F(LateSilences, AreWithdrawnOnceTheyAreFilled) {
  start();
  read(power_, "12:00:00");
  pass("12:10:30");
  read(power_, "13:00:00");
  EXPECT_EQ(told(),
            "06-01 12:10:00 silent device firing since 06-01 12:10:00\n"
            "06-01 13:00:00 silent device resolved since 06-01 12:10:00 #1\n");
  restart();
  read_all(power_, time("12:01:00"), time("12:52:00"), time("13:01:00"));
  EXPECT_EQ(told(), "");
  judge_all();
  EXPECT_EQ(told(), "06-01 13:00:00 silent device withdrawn since 06-01 12:10:00 #2 late-data\n");
  restart();
  read(power_, "12:55:30", "13:02:00");
  EXPECT_TRUE(pipeline_->late_watches().empty()) << "nothing is left to withdraw";
  pass("13:10:30");
  EXPECT_EQ(told(), "06-01 13:10:00 silent device firing since 06-01 13:10:00\n") << "as ever";
}

// A broker hands out what it kept of a gateway that was silent with all that is behind it.
TEST_F(LateSilences, WaitForThoseTheyDependOnWhereABacklogEndsThem) {
  std::vector<PointId> meters;
  for (const char* name : {"m1", "m2", "m3"}) {
    meters.push_back(site_.add_point(name, Kind::instantaneous, "kW"));
    site_.site.points.back().device = name;
  }
  rule("meter", Measure::silence).length = 15min;
  site_.site.alert_rules.back().depends_on = {0};
  for (const PointId meter : meters) watch_device({meter});
  start();
  const Instant received = time("14:00:00");
  const auto read_round = [&](std::string_view at) {
    for (const PointId meter : meters) hear(meter, time(at), 1, received);
    hear(power_, time(at) + 5s, 1, received);
  };
  read_round("12:00:00");
  read_round("12:40:00");
  EXPECT_EQ(told(),
            "06-01 12:10:05 silent device firing since 06-01 12:10:05\n"
            "06-01 12:40:05 silent device resolved since 06-01 12:10:05 #1\n");
  judge_all();
  EXPECT_EQ(told(), "") << "they are behind it";
  hear(power_, time("12:50:00"), 1, received);
  read_round("12:58:00");
  const std::string alone = told();
  for (const char* name : {"m1", "m2", "m3"}) {
    EXPECT_NE(alone.find("06-01 12:55:00 meter " + std::string(name) + " firing since 06-01 12:55:00\n"),
              std::string::npos)
        << alone;
  }
}

// The gateway comes back a little earlier than what is behind it.
TEST_F(LateSilences, WaitForThoseThatABacklogHasEndedAMomentBefore) {
  const PointId meter = site_.add_point("meter", Kind::instantaneous, "kW");
  site_.site.points.back().device = "meter";
  rule("meter", Measure::silence).length = 15min;
  site_.site.alert_rules.back().depends_on = {0};
  watch_device({meter});
  start();
  for (const char* minutes : {"12:00", "12:40"}) {
    read(power_, std::string(minutes) + ":00", "14:00:00");
    read(meter, std::string(minutes) + ":20", "14:00:00");
  }
  judge_all();
  EXPECT_EQ(told(),
            "06-01 12:10:00 silent device firing since 06-01 12:10:00\n"
            "06-01 12:40:00 silent device resolved since 06-01 12:10:00 #1\n");
}

TEST_F(LateSilences, OfSomeHoursStandWhereTheyOnlyEndEarlier) {
  site_.site.alert_rules[0].active =
      model::Active{.weekdays = 0x7f, .begin = 13h + 30min, .end = 13h + 50min, .dates = {}};
  start();
  read(power_, "12:18:00");
  pass("13:52:00");
  read(power_, "14:06:00");
  EXPECT_EQ(told(),
            "06-01 13:40:00 silent device firing since 06-01 13:40:00\n"
            "06-01 13:50:00 silent device resolved since 06-01 13:40:00 #1\n");
  read(power_, "13:45:00", "14:06:10");
  judge_all();
  EXPECT_EQ(told(), "") << "it was silent until 13:45";
}

TEST_F(LateSilences, StandWhereSoLongAGapIsLeft) {
  start();
  read(power_, "12:00:00");
  pass("12:10:30");
  read(power_, "13:00:00");
  told();
  read_all(power_, time("12:01:00"), time("12:30:00"), time("13:00:30"));
  judge_all();
  EXPECT_EQ(told(), "") << "from 12:39 on it was silent, and that is the same alert";
  read_all(power_, time("12:40:00"), time("13:00:00"), time("13:01:00"));
  judge_all();
  EXPECT_EQ(told(), "") << "11 minutes";
  read(power_, "12:29:01", "13:02:00");
  read(power_, "12:30:01", "13:02:00");
  judge_all();
  EXPECT_EQ(told(), "06-01 13:00:00 silent device withdrawn since 06-01 12:10:00 #2 late-data\n");
}

// Of one point what comes is newer than the newest, and still older than what was heard of the device.
TEST_F(LateSilences, OfADeviceAreFilledByAnyPoint) {
  start();
  read(power_, "12:00:00");
  read(other_, "12:00:00");
  pass("12:10:30");
  read(power_, "13:00:00");
  told();
  for (int minute = 5; minute < 60; minute += 5) hear(other_, time("12:00:00") + minute * 1min, 1, time("13:00:30"));
  EXPECT_EQ(pipeline_->statistics().late_for_alerts, 11u);
  judge_all();
  EXPECT_EQ(told(), "06-01 13:00:00 silent device withdrawn since 06-01 12:10:00 #2 late-data\n");
}

TEST_F(LateSilences, AreNoneWhereReadingsOfADeviceOnlyAlternate) {
  start();
  for (int minute = 0; minute < 120; minute += 2) {
    hear(power_, time("12:00:01") + minute * 1min, 1, time("12:00:02") + minute * 1min);
    hear(other_, time("12:00:00") + minute * 1min, 1, time("12:00:02") + minute * 1min);
  }
  EXPECT_TRUE(pipeline_->late_watches().empty());
}

// What was never heard before is expected since the gateway listens.
TEST_F(LateSilences, FromTheFirstMinuteOnAreWithdrawnToo) {
  start();
  pass("12:00:00");
  pass("12:10:30");
  read(power_, "13:00:00");
  EXPECT_EQ(told(),
            "06-01 12:10:00 silent device firing since 06-01 12:10:00\n"
            "06-01 13:00:00 silent device resolved since 06-01 12:10:00 #1\n");
  read_all(power_, time("12:09:00"), time("12:40:00"), time("13:00:30"));
  judge_all();
  EXPECT_EQ(told(), "");
  read_all(power_, time("12:40:00"), time("13:00:00"), time("13:00:30"));
  judge_all();
  EXPECT_EQ(told(), "06-01 13:00:00 silent device withdrawn since 06-01 12:10:00 #2 late-data\n");
}

// The gateway was silent only because the network was away; the meter behind it says nothing for itself.
TEST_F(LateSilences, OfWhatHeldOthersBackLetThemBeTold) {
  model::AlertRule& behind = rule("meter", Measure::silence);
  behind.length = 5min;
  behind.depends_on = {0};
  const PointId meter = site_.add_point("meter", Kind::instantaneous, "kW");
  model::Watch& watch = watch_device({meter});
  watch.device = "meter";
  start();
  read(power_, "12:00:00");
  read(meter, "12:03:00");
  read(meter, "12:06:00");
  pass("12:10:30");
  pass("12:20:30");
  EXPECT_EQ(told(), "06-01 12:10:00 silent device firing since 06-01 12:10:00\n") << "the meter's is held back";
  read(power_, "13:00:00");
  read(meter, "13:00:10");
  told();
  read_all(power_, time("12:01:00"), time("13:00:00"), time("13:00:30"));
  judge_all();
  EXPECT_EQ(told(),
            "06-01 13:00:00 silent device withdrawn since 06-01 12:10:00 #2 late-data suppressed 1\n"
            "06-01 12:11:00 meter meter firing since 06-01 12:11:00 late-data\n"
            "06-01 13:00:10 meter meter resolved since 06-01 12:11:00 #1 late-data\n");
}

// Whatever order they are heard in: the silences that stand are those of the readings in their own order.
class SilencesInAnyOrder : public LateSilences, public ::testing::WithParamInterface<unsigned> {};
INSTANTIATE_TEST_SUITE_P(Seeds, SilencesInAnyOrder, ::testing::Range(1u, 1u + static_cast<unsigned>(rounds(100))));

TEST_P(SilencesInAnyOrder, OverlapWhatFollowsFromTheRightOne) {
  std::mt19937 random(GetParam());
  const auto below = [&](unsigned n) {
    return static_cast<int>(std::uniform_int_distribution<unsigned>(0, n - 1)(random));
  };
  model::AlertRule& behind = rule("behind", Measure::silence);
  behind.length = 10min + below(4) * 1min;
  behind.depends_on = {0};
  const model::WatchId child = watch_device({power_, other_}).id;
  for (int i = below(3); i > 0; --i) {
    const Instant from = time("00:00:00") + below(300) * 1min;
    site_.site.maintenance.push_back(
        {.from = from, .to = from + (1 + below(20)) * 1min, .rules = {}, .devices = {}, .users = {}});
  }
  struct Heard {
    PointId point{};
    Instant at{};
  };
  std::vector<Heard> readings;
  Instant at = time("00:00:00");
  for (int i = 0; i < 120; ++i) {
    at += 10s * (1 + below(20)) + (below(8) == 0 ? below(30) * 1min : 0min);
    readings.push_back({below(2) == 0 ? power_ : other_, at});
  }

  begin_anew();
  for (const Heard& one : readings) hear(one.point, one.at, 1, one.at);
  const std::vector<Stretch> right = standing(device_);
  const std::vector<Stretch> right_of_child = standing(child);

  begin_anew();
  std::vector<Heard> late;
  const auto hear_what_waits = [&](Instant now) {
    std::ranges::shuffle(late, random);
    for (const Heard& one : late) hear(one.point, one.at, 1, now);
    late.clear();
  };
  const Instant last = readings.back().at;
  bool is_away = false;
  for (const Heard& one : readings) {
    if (below(6) == 0) is_away = !is_away;
    if (is_away && one.at != last) {
      late.push_back(one);
      keep(pipeline_->pass(one.at));  // the clock goes on
      continue;
    }
    hear(one.point, one.at, 1, one.at);
    if (below(3) != 0) continue;
    hear_what_waits(one.at);
    if (below(2) == 0) judge();
    if (below(4) == 0) restart();
  }
  hear_what_waits(last);
  judge_all();
  expect_each_among(right, standing(device_));
  expect_each_among(standing(device_), right);
  SCOPED_TRACE("behind: " + to_text(right_of_child) + "stands " + to_text(standing(child)));
  expect_each_among(right_of_child, standing(child));
  expect_each_among(standing(child), right_of_child);
  if (HasFailure()) ADD_FAILURE() << "right " << to_text(right) << "\nstands " << to_text(standing(device_));
}

}  // namespace
}  // namespace carbongate::pipeline

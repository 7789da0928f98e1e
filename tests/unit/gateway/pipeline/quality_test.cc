#include "gateway/pipeline/quality.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "gateway/model/hj212_flag.h"
#include "tests/unit/gateway/pipeline/pipeline_fixture.h"

namespace carbongate::pipeline {
namespace {

using model::Origin;
using model::PointState;
using model::Quality;
using model::Rule;
using namespace std::chrono_literals;

const Instant kNow = utc("2023-06-01 12:00");

Point point(PointLimits limits = {}) {
  return {
      .id = {}, .device = "d", .name = "p", .kind = Kind::instantaneous, .unit = *find_unit("kW"), .limits = limits};
}

Quality judge(const Point& p, Reading r, const PointState& state = {}) {
  return QualityRules(p, 5min).judge(r, state, kNow, kNow);
}

Reading at_now(double value) {
  return reading({}, kNow, value);
}

TEST(Quality, AGoodReadingIsMeasured) {
  EXPECT_EQ(judge(point(), at_now(1.0)), Quality{});
}

TEST(Quality, TheDevicesOwnWordComesFirst) {
  Reading r = at_now(std::nan(""));
  r.availability = Availability::not_available;
  EXPECT_EQ(judge(point(), r), (Quality{Origin::missing, Rule::not_available}));
}

TEST(Quality, NanAndInfinityAreNoNumbers) {
  EXPECT_EQ(judge(point(), at_now(std::nan(""))), (Quality{Origin::missing, Rule::not_a_number}));
  EXPECT_EQ(judge(point(), at_now(-std::numeric_limits<double>::infinity())),
            (Quality{Origin::missing, Rule::not_a_number}));
}

TEST(Quality, LimitsThemselvesAreInRange) {
  const Point p = point({.min = 0.0, .max = 100.0, .rollover_at = {}, .power_max_w = {}});
  EXPECT_EQ(judge(p, at_now(0.0)), Quality{});
  EXPECT_EQ(judge(p, at_now(100.0)), Quality{});
  EXPECT_EQ(judge(p, at_now(100.1)), (Quality{Origin::missing, Rule::range}));
  EXPECT_EQ(judge(p, at_now(-0.1)), (Quality{Origin::missing, Rule::range}));
}

TEST(Quality, AStampMayRunAheadWithinTheTolerance) {
  EXPECT_EQ(judge(point(), reading({}, kNow + 5min, 1.0)), Quality{});
  EXPECT_EQ(judge(point(), reading({}, kNow + 5min + 1ms, 1.0)), (Quality{Origin::missing, Rule::future}));
}

TEST(Quality, HeardLateIsLateAfterThreeIntervalsButAtLeastAMinute) {
  EXPECT_EQ(judge(point(), reading({}, kNow - 60s, 1.0)), Quality{});
  EXPECT_EQ(judge(point(), reading({}, kNow - 61s, 1.0)), (Quality{Origin::late, Rule::stale}));
  PointLimits limits;
  limits.interval = 10min;
  EXPECT_EQ(judge(point(limits), reading({}, kNow - 30min, 1.0)), Quality{});
  EXPECT_EQ(judge(point(limits), reading({}, kNow - 31min, 1.0)), (Quality{Origin::late, Rule::stale}));
  limits.stale_after = 1h;
  EXPECT_EQ(judge(point(limits), reading({}, kNow - 59min, 1.0)), Quality{});
}

TEST(Quality, AClockThatWasNeverSetIsNotALateReading) {
  EXPECT_EQ(judge(point(), reading({}, utc("1970-01-01 00:10"), 1.0)), (Quality{Origin::missing, Rule::stale}));
}

TEST(Quality, TheSameInstantTwiceIsADuplicate) {
  PointState state;
  state.last_at = kNow;
  state.last_value = 7.0;
  EXPECT_EQ(judge(point(), at_now(7.0), state), (Quality{Origin::measured, Rule::duplicate}));
  EXPECT_EQ(judge(point(), at_now(8.0), state), (Quality{Origin::missing, Rule::duplicate}));
}

TEST(Quality, OlderThanTheNewestIsOutOfOrder) {
  PointState state;
  state.last_at = kNow;
  EXPECT_EQ(judge(point(), reading({}, kNow - 1ms, 7.0), state), (Quality{Origin::late, Rule::out_of_order}));
}

TEST(Quality, DefaultGapIsThreeIntervalsButAtLeastFiveMinutes) {
  PointLimits limits;
  EXPECT_EQ(gap_max(limits), 5min);
  limits.interval = 15min;
  EXPECT_EQ(gap_max(limits), 45min);
  limits.gap_max = 20min;
  EXPECT_EQ(gap_max(limits), 20min);
}

Reading marked(char flag, Instant at = kNow, double value = 1.0) {
  Reading r = reading({}, at, value);
  r.hj212_flag = flag;
  return r;
}

TEST(Quality, AMarkedValueIsWhatItsFlagSays) {
  EXPECT_EQ(judge(point(), marked('N')), Quality{});
  EXPECT_EQ(judge(point(), marked('F')), (Quality{Origin::measured, Rule::stopped}));
  EXPECT_EQ(judge(point(), marked('S')), (Quality{Origin::manual, Rule::none}));
  EXPECT_EQ(judge(point(), marked('M')), (Quality{Origin::missing, Rule::maintenance}));
  EXPECT_EQ(judge(point(), marked('D')), (Quality{Origin::missing, Rule::fault}));
  EXPECT_EQ(judge(point(), marked('C')), (Quality{Origin::missing, Rule::calibration}));
  EXPECT_EQ(judge(point(), marked('T')), (Quality{Origin::missing, Rule::over_range}));
  EXPECT_EQ(judge(point(), marked('B')), (Quality{Origin::missing, Rule::gap}));
  for (const char unknown : {'?', 'n', 'X'}) {
    EXPECT_EQ(judge(point(), marked(unknown)), (Quality{Origin::missing, Rule::unknown_flag})) << unknown;
  }
}

TEST(Quality, AFlagTakesNothingOfWhatTheReadingIs) {
  const Point p = point({.min = 0.0, .max = 100.0, .rollover_at = {}, .power_max_w = {}});
  EXPECT_EQ(judge(p, marked('N', kNow, 101)), (Quality{Origin::missing, Rule::range}));
  EXPECT_EQ(judge(p, marked('S', kNow, std::nan(""))), (Quality{Origin::missing, Rule::not_a_number}));
  EXPECT_EQ(judge(p, marked('M', kNow, std::nan(""))), (Quality{Origin::missing, Rule::maintenance}));
  EXPECT_EQ(judge(p, marked('M', kNow + 1h)), (Quality{Origin::missing, Rule::future})) << "its time is not believed";
  EXPECT_EQ(judge(p, marked('F', kNow - 2min)), (Quality{Origin::late, Rule::stopped}));
  EXPECT_EQ(judge(p, marked('S', kNow - 2min)), (Quality{Origin::manual, Rule::stale}));
  EXPECT_EQ(judge(p, marked('N', kNow - 2min)), (Quality{Origin::late, Rule::stale}));
  PointState state;
  state.last_at = kNow;
  state.last_value = 1.0;
  for (const Reading& r : {marked('S', kNow - 1s), marked('S')}) {
    const Quality judged = judge(p, r, state);
    EXPECT_EQ(judged.origin, Origin::manual);
    EXPECT_FALSE(countable(judged)) << to_string(judged.rule);
  }
}

TEST(Quality, WhatALateReadingWasMarkedWithCanBeToldFromIt) {
  PointState state;
  state.last_at = kNow;
  for (const char flag : {'F', 'S', model::kNoFlag}) {
    Reading r = reading({}, kNow - 1min, 0.0);
    r.hj212_flag = flag;
    const Quality judged = judge(point(), r, state);
    EXPECT_EQ(judged.rule, Rule::out_of_order);
    EXPECT_EQ(model::flag_said(judged), flag);
  }
}

}  // namespace
}  // namespace carbongate::pipeline

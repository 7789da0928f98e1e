// Counters that leave their course: for some readings, or for good.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <vector>

#include "tests/unit/gateway/pipeline/register_fixture.h"

namespace carbongate::pipeline {
namespace {

using model::Activity;
using model::Origin;
using model::Quality;
using model::Rule;

constexpr int kBefore = 20;

// Read every 15 minutes, 7.5 kWh each time; from the 21st reading on `away` of them on another course.
struct Excursion {
  std::optional<double> power_max_w = 500e3;
  double first = 700;
  std::function<double(double true_value, int i)> other;
};

double true_value(const Excursion& excursion, int i) {
  return excursion.first + 7.5 * i;
}

Register read(const Excursion& excursion, int away, int after) {
  Point point = a_point();
  point.limits.interval = 15min;
  point.limits.power_max_w = excursion.power_max_w;
  Register meter(point);
  for (int i = 0; i < kBefore + away + after; ++i) {
    const double value = true_value(excursion, i);
    const bool is_away = i >= kBefore && i < kBefore + away;
    meter.at(i * 15min, is_away ? excursion.other(value, i - kBefore) : value);
  }
  return meter;
}

const std::vector<Excursion>& excursions() {
  static const std::vector<Excursion> kAll{
      {.other = [](double value, int) { return value * 10; }},
      {.other = [](double value, int) { return value - 500; }},
      {.other = [](double value, int) { return value + 3'000; }},
      {.other = [](double, int i) { return 53'700 + i; }},
      {.other = [](double, int i) { return 0.1 * i; }},
      {.other = [](double, int i) { return 4'294'967.0 + 0.25 * i; }},
      {.power_max_w = {}, .other = [](double value, int) { return value + 90'000; }},
      {.power_max_w = {}, .other = [](double, int i) { return 0.1 + 0.1 * i; }},
      {.power_max_w = {}, .first = 53'700, .other = [](double, int i) { return 7 + i; }},
  };
  return kAll;
}

TEST(CounterCourse, OneThatComesBackWasAGlitchWhateverItsValuesDid) {
  for (std::size_t e = 0; e < excursions().size(); ++e) {
    for (int away = 1; away < static_cast<int>(kCourseReadings); ++away) {
      const Register meter = read(excursions()[e], away, 3);
      EXPECT_EQ(meter.total, Activity::of((kBefore + away + 2) * 7'500'000)) << e << " away for " << away;
      EXPECT_FALSE(meter.state.counter.pending) << e << " away for " << away;
      EXPECT_TRUE(meter.state.counter.course.empty());
    }
  }
}

TEST(CounterCourse, NothingIsBookedWhileItMayComeBackAndThatIsVisible) {
  for (const Excursion& excursion : excursions()) {
    const Register meter = read(excursion, kCourseReadings - 1, 0);
    EXPECT_EQ(meter.total, Activity::of((kBefore - 1) * 7'500'000));
    const auto waits = pending(meter.state.counter);
    ASSERT_TRUE(waits);
    EXPECT_EQ(waits->since, kStart + (kBefore - 1) * 15min);
    EXPECT_EQ(waits->at, kStart + (kBefore + static_cast<int>(kCourseReadings) - 2) * 15min);
  }
}

TEST(CounterCourse, OneThatStaysIsBookedFromItsFirstReadingOnEachWhereItBelongs) {
  Register meter = read(excursions()[0], kCourseReadings - 1, 0);
  const int last = kBefore + static_cast<int>(kCourseReadings) - 1;
  const Counted counted = meter.at(last * 15min, true_value(excursions()[0], last) * 10);
  EXPECT_EQ(counted.quality, (Quality{Origin::measured, Rule::replaced}));
  ASSERT_EQ(counted.movements.size(), kCourseReadings);
  EXPECT_TRUE(counted.movements[0].hollow());
  EXPECT_EQ(counted.movements[0].quality, (Quality{Origin::estimated, Rule::replaced}));
  for (std::size_t i = 1; i < kCourseReadings; ++i) {
    EXPECT_EQ(counted.movements[i].end - counted.movements[i].begin, 15min);
    EXPECT_EQ(counted.movements[i].amount, Activity::of(75 * kKwh));
    EXPECT_EQ(counted.movements[i].quality, Quality{});
  }
}

// Away from the first course it is not on the second before it has followed that.
TEST(CounterCourse, AnExcursionThatEndsOnAnotherMeterIsNoCourseOfItsOwn) {
  Register meter(a_point());
  for (int i = 0; i <= 10; ++i) meter.at(i * 10s, 1'000 + 0.1 * i);
  for (int i = 11; i < 18; ++i) meter.at(i * 10s, 50'000 + 0.1 * i);
  for (int i = 18; i < 18 + static_cast<int>(kCourseReadings); ++i) meter.at(i * 10s, 300 + 0.1 * i);
  EXPECT_FALSE(meter.state.counter.pending);
  EXPECT_NEAR(static_cast<double>(meter.total.quanta()), (1.0 + 0.1 * (kCourseReadings - 1)) * kKwh, 10);
}

TEST(CounterCourse, AFaultOnTheNewCourseDoesNotEndIt) {
  Register meter(a_point());
  for (int i = 0; i <= 10; ++i) meter.at(i * 10s, 1'000 + 0.1 * i);
  for (int i = 11; i < 30; ++i) meter.at(i * 10s, i == 15 || i == 16 ? 0 : 50'000 + 0.1 * i);
  EXPECT_FALSE(meter.state.counter.pending);
  EXPECT_NEAR(static_cast<double>(meter.total.quanta()), (1.0 + 1.8) * kKwh, 10);
}

// No two of them fit each other.
TEST(CounterCourse, GarbageThatGoesOnBooksNothing) {
  Register meter(a_point());
  meter.at(0s, 1'000);
  for (int i = 1; i <= 100; ++i) meter.at(i * 10s, 5'000 + 3'000 * (i * 7 % 11));
  EXPECT_EQ(meter.total, Activity{});
  EXPECT_LE(meter.state.counter.course.size(), kCourseReadingsMax);
  EXPECT_LE(meter.state.counter.doubts, 2);
}

TEST(CounterCourse, ALateReadingFromBeforeItLeftTheCourseIsCounted) {
  Register meter(a_point());
  meter.at(0s, 1'000);
  meter.at(30s, 50'000);
  meter.at(40s, 50'000.1);
  EXPECT_EQ(meter.at(20s, 1'000.2).quality, (Quality{Origin::late, Rule::stale}));
  EXPECT_EQ(meter.at(25s, 1'000.3, 'F').quality, (Quality{Origin::late, Rule::stopped})) << "the flag stays";
  EXPECT_EQ(meter.state.counter.course.size(), 2u);
  EXPECT_EQ(meter.at(50s, 1'000.4).quality.rule, Rule::pending) << "one alone may be garbage";
  EXPECT_EQ(meter.at(60s, 1'000.5).quality, (Quality{Origin::measured, Rule::glitch}));
  EXPECT_EQ(meter.total, Activity::of(500'000));
}

// As if it had come in its order: whichever of them comes last.
TEST(CounterCourse, ALateReadingOfTheNewCourseGetsItsPlaceThere) {
  constexpr int kLast = 6 + static_cast<int>(kCourseReadings);
  const auto value = [](int i) { return i < 6 ? 1'000 + 0.1 * i : 50'000 + 0.1 * i; };
  Register in_order(a_point());
  for (int i = 0; i < kLast; ++i) in_order.at(i * 10s, value(i));
  for (int late = 6; late < kLast - 1; ++late) {
    Register meter(a_point());
    for (int i = 0; i < kLast; ++i) {
      if (i != late) meter.at(i * 10s, value(i));
    }
    EXPECT_TRUE(meter.state.counter.pending);
    meter.at(late * 10s, value(late));
    EXPECT_EQ(meter.state.counter, in_order.state.counter) << late;
    EXPECT_EQ(meter.total, in_order.total) << late;
  }
}

TEST(CounterCourse, LateReadingsMayBeginTheNewCourse) {
  constexpr int kLast = 6 + static_cast<int>(kCourseReadings);
  const auto value = [](int i) { return i < 6 ? 1'000 + 0.1 * i : 50'000 + 0.1 * i; };
  Register in_order(a_point());
  for (int i = 0; i < kLast; ++i) in_order.at(i * 10s, value(i));
  Register backwards(a_point());
  for (int i = 0; i < 6; ++i) backwards.at(i * 10s, value(i));
  for (int i = kLast - 1; i >= 6; --i) backwards.at(i * 10s, value(i));
  EXPECT_FALSE(backwards.state.counter.pending);
  EXPECT_EQ(backwards.total, in_order.total);
}

TEST(CounterCourse, ALateReadingOfTheOldCourseEndsAnExcursionWhereItBelongs) {
  Register meter(a_point());
  meter.at(0s, 1'000);
  for (int i = 1; i < 6; ++i) meter.at(i * 10s, 50'000 + 0.1 * i);
  meter.at(55s, 1'000.4);
  EXPECT_EQ(meter.total, Activity{});
  meter.at(57s, 1'000.5);
  EXPECT_EQ(meter.total, Activity::of(500'000));
  for (int i = 6; i < 9; ++i) meter.at(i * 10s, 50'000 + 0.1 * i);
  EXPECT_EQ(meter.at(75s, 1'000.6).quality.rule, Rule::pending);
  EXPECT_EQ(meter.total, Activity::of(500'000));
  EXPECT_EQ(meter.at(76s, 1'000.7).quality.rule, Rule::pending) << "but 50 000 is seen again behind it";
  EXPECT_EQ(meter.total, Activity::of(700'000));
}

// It stood, caught up, and was exchanged before that was believed: what it caught up is not lost.
TEST(CounterCourse, WhatWasCaughtUpIsBookedThoughAnotherCourseBegins) {
  Register meter(a_point());
  for (int i = 0; i <= 60; ++i) meter.at(i * 1min, 1'000);
  for (int i = 61; i < 66; ++i) meter.at(i * 1min, 1'080 + 0.5 * (i - 61));
  for (int i = 66; i < 66 + static_cast<int>(kCourseReadings); ++i) meter.at(i * 1min, 7 + 0.5 * (i - 66));
  EXPECT_FALSE(meter.state.counter.pending);
  EXPECT_NEAR(static_cast<double>(meter.total.quanta()), (82 + 0.5 * (kCourseReadings - 1)) * kKwh, 10);
}

// By what the pipe delivers.
TEST(CounterCourse, AGasMeterHasAFlowToBeJudgedBy) {
  for (const bool is_known : {false, true}) {
    Point point = a_point();
    point.unit = *find_unit("Nm3");
    if (is_known) point.limits.flow_max = 100e6;  // mL/h: 100 Nm3/h
    Register meter(point, *model::find_carrier("natural-gas"));
    for (int i = 0; i <= 10; ++i) meter.at(i * 1min, 5'000 + i);
    for (int i = 11; i <= 40; ++i) meter.at(i * 1min, 5'050 + i);
    const std::int64_t moved = is_known ? 10 + 29 : 40 + 50;
    EXPECT_EQ(meter.total, Activity::of(moved * 1'000'000)) << is_known;
  }
}

}  // namespace
}  // namespace carbongate::pipeline

// Inputs of derived points that come later than a result waits for them: what is noted of them, and what is not.
#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "tests/unit/gateway/pipeline/deriver_fixture.h"

namespace carbongate::pipeline {
namespace {

using namespace std::chrono_literals;
using model::Formula;
using model::LateData;
using model::Role;

const double kNan = std::numeric_limits<double>::quiet_NaN();

class LateInputs : public DeriverTest {
 protected:
  struct Gas {
    PointId volume{}, celsius{}, kpa{}, result{};
  };
  Gas add_gas(const std::string& name, Kind kind = Kind::cumulative) {
    const bool is_rate = kind == Kind::instantaneous;
    Gas gas{.volume = site_.add_point(name + "-volume", kind, is_rate ? "m3/h" : "m3"),
            .celsius = site_.add_point(name + "-celsius", Kind::instantaneous, "°C"),
            .kpa = site_.add_point(name + "-kpa", Kind::instantaneous, "kPa"),
            .result = {}};
    gas.result =
        derive(Formula::gas_at_reference, is_rate ? "Nm3/h" : "Nm3", kind,
               {from(Role::volume, gas.volume), from(Role::temperature, gas.celsius), from(Role::pressure, gas.kpa)});
    site_.site.derived.back().wait = 5s;
    return gas;
  }
  void account(PointId point) { site_.add_account(point, "natural-gas", "cn-fuels", "", "default"); }
  void start(model::Checkpoint restored = {}) { pipeline_.emplace(site_.pipeline(std::move(restored))); }

  // Each in a message of its own, so long after its time.
  void hear(PointId point, Duration after, double value, Duration later = 1s) {
    const Reading heard = reading(point, kNoon + after, value);
    const Batch batch{.source = "test", .received = heard.at + later, .readings = {heard}, .settled = {}};
    pipeline_->ingest({&batch, 1}, batch.received);
  }
  void hear_gas(const Gas& gas, Duration after) {
    hear(gas.celsius, after, 20);
    hear(gas.kpa, after, 200);
    hear(gas.volume, after, 1'000 + static_cast<double>(after / 1s));
  }
  // The temperature is on its way still.
  void hear_in_vain(const Gas& gas, Duration after, double kpa = 200) {
    hear(gas.kpa, after, kpa);
    hear(gas.volume, after, 1'000 + static_cast<double>(after / 1s));
    pipeline_->pass(kNoon + after + 7s);
  }
  const std::optional<LateData>& late(PointId point) const { return pipeline_->state().points[index(point)].late; }
  std::uint64_t late_inputs() const { return pipeline_->statistics().late_inputs; }

  std::optional<Pipeline> pipeline_;
};

TEST_F(LateInputs, AreNotedFromTheirTimeOn) {
  const Gas gas = add_gas("a");
  account(gas.result);
  start();
  hear_gas(gas, 0min);
  hear_gas(gas, 1min);
  hear_in_vain(gas, 2min);
  EXPECT_FALSE(late(gas.result));
  EXPECT_EQ(pipeline_->state().points[index(gas.result)].derived.made_until, kNoon + 2min);
  hear(gas.celsius, 2min, 30, 8s);
  EXPECT_EQ(late(gas.result), (LateData{.earliest = kNoon + 2min, .affects_until = kNoon + 15min, .readings = 1}));
  EXPECT_EQ(late_inputs(), 1u);
  hear(gas.celsius, 2min, 30, 9s);
  EXPECT_EQ(late(gas.result)->readings, 1u) << "the same once more";
  EXPECT_EQ(late_inputs(), 1u);
}

TEST_F(LateInputs, AreKnownAfterARestart) {
  const Gas gas = add_gas("a");
  account(gas.result);
  start();
  hear_gas(gas, 0min);
  hear_in_vain(gas, 1min);
  start(pipeline_->state());
  hear(gas.celsius, 1min, 30, 20s);
  ASSERT_TRUE(late(gas.result));
  EXPECT_EQ(late(gas.result)->earliest, kNoon + 1min);
}

// The step to the next result begins with one that is off, and may end in another quarter hour.
TEST_F(LateInputs, TouchWhatIsCountedUpToTheNextResult) {
  const Gas gas = add_gas("a", Kind::instantaneous);
  account(gas.result);
  start();
  hear_gas(gas, 13min);
  hear_in_vain(gas, 14min);
  hear(gas.celsius, 14min, 30, 8s);
  EXPECT_EQ(late(gas.result)->affects_until, kNoon + 15min);
  start(pipeline_->state());
  hear_gas(gas, 16min);
  EXPECT_EQ(late(gas.result)->affects_until, kNoon + 30min);
  hear_gas(gas, 31min);
  EXPECT_EQ(late(gas.result)->affects_until, kNoon + 30min) << "the one of 12:16 is right";
}

// None is made of it any more, though none was made without it either: the step to the next result begins with it.
TEST_F(LateInputs, WhatTheNextReadingOvertookTouchesTheStepToTheNextResult) {
  const Gas gas = add_gas("a", Kind::instantaneous);
  account(gas.result);
  start();
  hear_gas(gas, 13min);
  hear(gas.volume, 15min, 1'000, 1s);
  hear(gas.volume, 14min, 1'000, 62s);
  EXPECT_EQ(pipeline_->state().points[index(gas.result)].derived.made_until, kNoon + 13min);
  EXPECT_EQ(late(gas.result)->affects_until, kNoon + 15min);
  hear(gas.celsius, 15min, kNan, 3s);
  hear_gas(gas, 29min);
  EXPECT_EQ(late(gas.result)->affects_until, kNoon + 30min);
  hear_gas(gas, 44min);
  EXPECT_EQ(late(gas.result)->affects_until, kNoon + 30min);
}

// What was missing at first would have been the first of all.
TEST_F(LateInputs, OfTheFirstResultAreNotedWithTheNext) {
  const Gas gas = add_gas("a");
  account(gas.result);
  start();
  hear_in_vain(gas, 0min);
  hear(gas.celsius, 0min, 20, 8s);
  EXPECT_FALSE(late(gas.result)) << "nothing is counted";
  hear_gas(gas, 1min);
  ASSERT_TRUE(late(gas.result));
  EXPECT_EQ(late(gas.result)->affects_until, kNoon + 15min);
}

// Meters of which a sum has each result behind a silence: what is late reaches beyond one of them.
TEST_F(LateInputs, OfASumThatIsAlwaysSilentDoNotTouchEachResultInTurn) {
  const Gas gas = add_gas("a");
  const Gas other = add_gas("b");
  const PointId both =
      derive(Formula::sum, "Nm3", Kind::interval, {from(Role::term, gas.result), from(Role::term, other.result)});
  account(both);
  start();
  for (Duration at{}; at < 6h; at += 30min) {
    if (at == 1h) hear_in_vain(gas, at);
    if (at != 1h) hear_gas(gas, at);
    hear_gas(other, at);
    if (at == 1h) hear(gas.celsius, at, 30, 8s);
    if (at < 1h) {
      EXPECT_FALSE(late(both));
    } else {
      ASSERT_TRUE(late(both));
      EXPECT_LE(late(both)->affects_until, kNoon + 2h + 30min) << at / 1min;
    }
  }
}

TEST_F(LateInputs, InOrderNothingIsNotedOfWhatIsRejected) {
  const Gas gas = add_gas("a");
  const Gas other = add_gas("b");
  const PointId both =
      derive(Formula::sum, "Nm3", Kind::interval, {from(Role::term, gas.result), from(Role::term, other.result)});
  account(gas.result);
  account(both);
  start();
  hear_gas(gas, 0min);
  hear_gas(other, 0min);
  hear_gas(gas, 1min);
  hear_gas(other, 1min);
  for (Duration at = 2min; at < 5h; at += 1min) {
    hear(gas.celsius, at, 20);
    hear(gas.kpa, at, 200);
    hear(gas.volume, at, kNan);
    hear_gas(other, at);
  }
  EXPECT_FALSE(late(gas.result));
  EXPECT_FALSE(late(both));
  EXPECT_EQ(late_inputs(), 0u);
}

TEST_F(LateInputs, OneTermRejectedInABatchWithTheOtherIsNotLate) {
  const PointId a = site_.add_point("a", Kind::instantaneous, "Nm3/h");
  const PointId b = site_.add_point("b", Kind::instantaneous, "Nm3/h");
  const PointId sum = derive(Formula::sum, "Nm3/h", Kind::instantaneous, {from(Role::term, a), from(Role::term, b)});
  account(sum);
  start();
  for (int minute = 0; minute < 60; ++minute) {
    const Instant at = kNoon + minute * 1min;
    const Batch batch{.source = "test",
                      .received = at + 1s,
                      .readings = {reading(b, at, minute > 2 ? kNan : 1), reading(a, at, 2)},
                      .settled = {}};
    pipeline_->ingest({&batch, 1}, batch.received);
  }
  EXPECT_FALSE(late(sum));
  EXPECT_EQ(late_inputs(), 0u);
}

// It would be missing either way.
TEST_F(LateInputs, NothingMoreIsNotedBehindAMissingResult) {
  const Gas gas = add_gas("a");
  account(gas.result);
  start();
  hear_gas(gas, 0min);
  for (Duration at = 1min; at < 3h; at += 1min) {
    hear_in_vain(gas, at);
    hear(gas.celsius, at, kNan, 8s);
    EXPECT_EQ(late_inputs(), 1u) << at / 1min;
  }
  EXPECT_EQ(late(gas.result)->readings, 1u);
  EXPECT_EQ(late(gas.result)->earliest, kNoon + 1min);
  hear_in_vain(gas, 3h);
  hear(gas.celsius, 3h, 20, 8s);
  EXPECT_EQ(late_inputs(), 2u) << "with this one it would not";
}

TEST_F(LateInputs, NothingMoreIsNotedWhereAnotherInputIsMissing) {
  const Gas gas = add_gas("a");
  account(gas.result);
  start();
  hear_gas(gas, 0min);
  for (Duration at = 1min; at <= 6min; at += 1min) {
    hear_in_vain(gas, at, kNan);
    hear(gas.celsius, at, 20, 8s);
  }
  const std::uint64_t known = late_inputs();
  EXPECT_LE(known, 6u) << "as long as the pressure may have been there";
  for (Duration at = 7min; at < 3h; at += 1min) {
    hear_in_vain(gas, at, kNan);
    hear(gas.celsius, at, 20, 8s);
  }
  EXPECT_EQ(late_inputs(), known);
}

TEST_F(LateInputs, AreNotedOfWhatIsMadeOfTheResult) {
  const Gas gas = add_gas("a");
  const Gas other = add_gas("b");
  const PointId both =
      derive(Formula::sum, "Nm3", Kind::interval, {from(Role::term, gas.result), from(Role::term, other.result)});
  account(both);
  for (const bool before_the_sum : {true, false}) {
    start();
    for (Duration at = 0min; at < 3min; at += 1min) {
      hear_gas(gas, at);
      hear_gas(other, at);
    }
    hear_in_vain(gas, 3min);
    if (!before_the_sum) hear_gas(other, 3min + 100ms);
    hear(gas.celsius, 3min, 30, 9s);
    ASSERT_TRUE(late(both)) << before_the_sum;
    EXPECT_EQ(late(both)->earliest, kNoon + 3min);
    EXPECT_EQ(late_inputs(), 1u);
    if (before_the_sum) hear_gas(other, 3min + 100ms);
    const auto known = late(both)->readings;
    hear_gas(gas, 16min);
    hear_gas(other, 16min);
    EXPECT_GT(late(both)->readings, known);
    EXPECT_EQ(late(both)->affects_until, kNoon + 30min) << "up to its next result";
  }
}

// A fast meter beside a slow one: which of them is heard first changes from round to round.
TEST_F(LateInputs, TermsThatAreReadSideBySideAreNotLate) {
  const PointId fast = site_.add_point("fast", Kind::cumulative, "Nm3");
  const PointId slow = site_.add_point("slow", Kind::cumulative, "Nm3");
  const PointId sum = derive(Formula::sum, "Nm3", Kind::interval, {from(Role::term, fast), from(Role::term, slow)});
  account(sum);
  start();
  for (int second = 0; second < 600; ++second) {
    if (second % 10 == 0) hear(slow, second * 1s + 20ms, second, 5ms);
    hear(fast, second * 1s, second, 100ms);
  }
  EXPECT_FALSE(late(sum));
  hear(slow, 620s, 620, 5ms);
  hear(fast, 610s, 610, 15s);
  ASSERT_TRUE(late(sum)) << "the sum of 620 s was made without it";
  EXPECT_EQ(late(sum)->earliest, kNoon + 610s);
  EXPECT_EQ(late_inputs(), 1u);
}

TEST_F(LateInputs, NotesThatComeWhileTheOnesBeforeAreRestatedStay) {
  const Gas gas = add_gas("a");
  account(gas.result);
  start();
  hear_gas(gas, 0min);
  for (Duration at = 1min; at < 40min; at += 1min) {
    hear_in_vain(gas, at);
    hear(gas.celsius, at, 30, 8s);
  }
  pipeline_->begin_restating(gas.result);
  const LateData known = *late(gas.result);
  const LateData open{.earliest = kNoon + 30min, .affects_until = kNoon + 45min, .readings = known.readings};
  hear_in_vain(gas, 40min);
  hear(gas.celsius, 40min, 30, 8s);
  const model::LateDataSettled settled{.point = gas.result, .known = known, .left = open};
  pipeline_->correct({}, {}, {&settled, 1});
  EXPECT_EQ(late(gas.result)->earliest, kNoon + 30min) << "what was restated does not come back";
  EXPECT_EQ(late(gas.result)->affects_until, kNoon + 45min);

  pipeline_->begin_restating(gas.result);
  const model::LateDataSettled all{.point = gas.result, .known = *late(gas.result), .left = {}};
  hear_in_vain(gas, 41min);
  hear(gas.celsius, 41min, 30, 8s);
  pipeline_->correct({}, {}, {&all, 1});
  ASSERT_TRUE(late(gas.result));
  EXPECT_EQ(late(gas.result)->earliest, kNoon + 41min);

  pipeline_->begin_restating(gas.result);
  const model::LateDataSettled rest{.point = gas.result, .known = *late(gas.result), .left = {}};
  pipeline_->correct({}, {}, {&rest, 1});
  EXPECT_FALSE(late(gas.result));
}

}  // namespace
}  // namespace carbongate::pipeline

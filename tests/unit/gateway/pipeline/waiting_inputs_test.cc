// Derived points whose inputs come in messages of their own: in whatever order, the results are those of all at once.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "tests/support/rounds.h"
#include "tests/unit/gateway/pipeline/deriver_fixture.h"

namespace carbongate::pipeline {
namespace {

using namespace std::chrono_literals;
using model::Formula;
using model::JudgedReading;
using model::Origin;
using model::Quality;
using model::Role;
using model::Rule;

constexpr unsigned kSeeds = rounds(40);
constexpr Duration kWait = 5s;
const double kNan = std::numeric_limits<double>::quiet_NaN();

// What a message brought, and when.
struct Message {
  Instant received{};
  std::vector<Reading> readings;
};

class WaitingInputs : public DeriverTest {
 protected:
  struct Gas {
    PointId volume{}, celsius{}, kpa{}, result{};
  };
  Gas add_gas(const std::string& name) {
    Gas gas{.volume = site_.add_point(name + "-volume", Kind::cumulative, "m3"),
            .celsius = site_.add_point(name + "-celsius", Kind::instantaneous, "°C"),
            .kpa = site_.add_point(name + "-kpa", Kind::instantaneous, "kPa"),
            .result = {}};
    gas.result =
        derive(Formula::gas_at_reference, "Nm3", Kind::cumulative,
               {from(Role::volume, gas.volume), from(Role::temperature, gas.celsius), from(Role::pressure, gas.kpa)});
    site_.site.derived.back().wait = kWait;
    return gas;
  }
  // 10 m3 a minute, the first of them at noon; it gets warmer, and the pressure rises.
  static std::vector<Reading> at_minute(const Gas& gas, int minute) {
    const Instant at = kNoon + minute * 1min;
    return {reading(gas.volume, at, 1'000 + 10 * minute), reading(gas.celsius, at, 10 + 5 * minute),
            reading(gas.kpa, at, 200 + 3 * minute)};
  }

  std::vector<JudgedReading> hear(Pipeline& pipeline, PointId of_point, const std::vector<Reading>& readings,
                                  Instant received) const {
    const Batch batch{.source = "test", .received = received, .readings = readings, .settled = {}};
    return of(pipeline.ingest({&batch, 1}, received).rows, of_point);
  }
  std::vector<JudgedReading> hear_one(Pipeline& pipeline, PointId of_point, const Reading& reading) const {
    return hear(pipeline, of_point, {reading}, reading.at + 100ms);
  }

  // As if each instant had come at once.
  std::vector<model::JournalRow> in_order(const std::vector<Reading>& readings, model::Checkpoint* end = nullptr) {
    std::map<Instant, std::vector<Reading>> instants;
    for (const Reading& reading : readings) instants[reading.at].push_back(reading);
    Pipeline pipeline(site_.site, site_.factors(), {}, Pipeline::Order::of_time);
    std::vector<Batch> batches;
    for (auto& [at, all] : instants) {
      batches.push_back({.source = "test", .received = at, .readings = std::move(all), .settled = {}});
    }
    auto rows = pipeline.ingest(batches, batches.back().received).rows;
    if (end) *end = pipeline.state();
    return rows;
  }
  std::vector<JudgedReading> expected(PointId result, const std::vector<Reading>& readings) {
    return of(in_order(readings), result);
  }
};

TEST_F(WaitingInputs, WhatFollowsWaitsForTheOthersOfItsTime) {
  const Gas gas = add_gas("a");
  Pipeline pipeline = site_.pipeline();
  const auto first = at_minute(gas, 0);
  const auto next = at_minute(gas, 1);
  EXPECT_EQ(hear(pipeline, gas.result, first, kNoon).size(), 1u) << "all in one message: at once";
  EXPECT_TRUE(hear_one(pipeline, gas.result, next[0]).empty());
  EXPECT_TRUE(hear_one(pipeline, gas.result, next[1]).empty()) << "the pressure is on its way still";
  const auto made = hear_one(pipeline, gas.result, next[2]);
  std::vector<Reading> all = first;
  all.insert(all.end(), next.begin(), next.end());
  ASSERT_EQ(made.size(), 1u);
  EXPECT_EQ(made[0], expected(gas.result, all).back());
  EXPECT_NEAR(made[0].value, 10 * 273.15 / 288.15 * 203 / 101.325, 1e-6) << "15 °C, 203 kPa";
}

TEST_F(WaitingInputs, ThreeInputsInAnyOrder) {
  const Gas gas = add_gas("a");
  std::vector<Reading> all = at_minute(gas, 0);
  std::vector<Reading> next = at_minute(gas, 1);
  all.insert(all.end(), next.begin(), next.end());
  const JudgedReading right = expected(gas.result, all).back();
  const auto by_point = [](const Reading& a, const Reading& b) { return a.point < b.point; };
  do {
    Pipeline pipeline = site_.pipeline();
    hear(pipeline, gas.result, at_minute(gas, 0), kNoon);
    std::vector<JudgedReading> made;
    for (const Reading& reading : next) {
      EXPECT_TRUE(made.empty());
      made = hear_one(pipeline, gas.result, reading);
    }
    ASSERT_EQ(made.size(), 1u);
    EXPECT_EQ(made[0], right);
  } while (std::ranges::next_permutation(next, by_point).found);
}

TEST_F(WaitingInputs, ALaterReadingOfTheOtherOnesSaysThatThereIsNone) {
  const Gas gas = add_gas("a");
  Pipeline pipeline = site_.pipeline();
  hear(pipeline, gas.result, at_minute(gas, 0), kNoon);
  hear_one(pipeline, gas.result, at_minute(gas, 1)[0]);
  EXPECT_TRUE(hear_one(pipeline, gas.result, reading(gas.celsius, kNoon + 62s, 40)).empty());
  const auto made = hear_one(pipeline, gas.result, reading(gas.kpa, kNoon + 61s, 300));
  ASSERT_EQ(made.size(), 1u);
  EXPECT_EQ(made[0].at, kNoon + 1min);
  EXPECT_NEAR(made[0].value, 10 * 273.15 / 283.15 * 200 / 101.325, 1e-6) << "as they stood at its time";
}

// A second one of a later time would push out what stood then.
TEST_F(WaitingInputs, WhatStoodThenIsNotForgotten) {
  const Gas gas = add_gas("a");
  Pipeline pipeline = site_.pipeline();
  hear(pipeline, gas.result, at_minute(gas, 0), kNoon);
  hear_one(pipeline, gas.result, at_minute(gas, 1)[0]);
  EXPECT_TRUE(hear_one(pipeline, gas.result, reading(gas.celsius, kNoon + 61s, 40)).empty());
  const auto made = hear_one(pipeline, gas.result, reading(gas.celsius, kNoon + 62s, 50));
  ASSERT_EQ(made.size(), 1u);
  EXPECT_NEAR(made[0].value, 10 * 273.15 / 283.15 * 200 / 101.325, 1e-6);
}

TEST_F(WaitingInputs, TheOthersMayBeAReadingAhead) {
  const Gas gas = add_gas("a");
  Pipeline pipeline = site_.pipeline();
  hear(pipeline, gas.result, at_minute(gas, 0), kNoon);
  hear_one(pipeline, gas.result, reading(gas.celsius, kNoon + 60s, 15));
  hear_one(pipeline, gas.result, reading(gas.celsius, kNoon + 61s, 40));
  hear_one(pipeline, gas.result, reading(gas.kpa, kNoon + 60s, 203));
  hear_one(pipeline, gas.result, reading(gas.kpa, kNoon + 62s, kNan));
  const auto made = hear_one(pipeline, gas.result, at_minute(gas, 1)[0]);
  ASSERT_EQ(made.size(), 1u);
  EXPECT_NEAR(made[0].value, 10 * 273.15 / 288.15 * 203 / 101.325, 1e-6);
}

TEST_F(WaitingInputs, NoLongerThanItWaits) {
  const Gas gas = add_gas("a");
  for (const bool by_reading : {false, true}) {
    Pipeline pipeline = site_.pipeline();
    hear(pipeline, gas.result, at_minute(gas, 0), kNoon);
    const Instant heard = kNoon + 1min + 100ms;
    hear_one(pipeline, gas.result, at_minute(gas, 1)[0]);
    EXPECT_TRUE(pipeline.pass(heard + kWait - 1ms).rows.empty());
    EXPECT_TRUE(pipeline.pass(heard + kWait, false).rows.empty()) << "what it waits for may be received already";
    const PointId other = site_.site.points.front().id;
    const auto made = by_reading ? hear(pipeline, gas.result, {reading(other, kNoon - 1h, 1)}, heard + kWait)
                                 : of(pipeline.pass(heard + kWait).rows, gas.result);
    ASSERT_EQ(made.size(), 1u) << by_reading;
    EXPECT_EQ(made[0].at, kNoon + 1min);
    EXPECT_NEAR(made[0].value, 10 * 273.15 / 283.15 * 200 / 101.325, 1e-6);
    EXPECT_FALSE(pipeline.state().points[index(gas.result)].derived.waiting);
  }
}

TEST_F(WaitingInputs, AClockThatIsSetBackMakesNothingWaitLonger) {
  const Gas gas = add_gas("a");
  Pipeline pipeline = site_.pipeline();
  hear(pipeline, gas.result, at_minute(gas, 0), kNoon);
  hear_one(pipeline, gas.result, at_minute(gas, 1)[0]);
  EXPECT_TRUE(pipeline.pass(kNoon - 1h).rows.empty());
  EXPECT_EQ(of(pipeline.pass(kNoon - 1h + kWait).rows, gas.result).size(), 1u);
}

TEST_F(WaitingInputs, NotBeyondTheNextReadingOfItsOwn) {
  const Gas gas = add_gas("a");
  Pipeline pipeline = site_.pipeline();
  hear(pipeline, gas.result, at_minute(gas, 0), kNoon);
  hear_one(pipeline, gas.result, reading(gas.volume, kNoon + 1s, 1'010));
  auto made = hear_one(pipeline, gas.result, reading(gas.volume, kNoon + 2s, 1'030));
  ASSERT_EQ(made.size(), 1u);
  EXPECT_EQ(made[0].at, kNoon + 1s);
  EXPECT_NEAR(made[0].value, 10 * 273.15 / 283.15 * 200 / 101.325, 1e-6);
  made = hear_one(pipeline, gas.result, reading(gas.volume, kNoon + 3s, kNan));
  ASSERT_EQ(made.size(), 2u) << "that there is no value is known at once";
  EXPECT_EQ(made[0].at, kNoon + 2s);
  EXPECT_NEAR(made[0].value, 30 * 273.15 / 283.15 * 200 / 101.325, 1e-6);
  EXPECT_EQ(made[1].quality, (Quality{Origin::missing, Rule::input_missing}));
}

TEST_F(WaitingInputs, AnInputThatSaysThatItHasNoValueMakesItMissing) {
  const Gas gas = add_gas("a");
  Pipeline pipeline = site_.pipeline();
  hear(pipeline, gas.result, at_minute(gas, 0), kNoon);
  auto next = at_minute(gas, 1);
  next[1].value = kNan;
  hear_one(pipeline, gas.result, next[0]);
  hear_one(pipeline, gas.result, next[2]);
  const auto made = hear_one(pipeline, gas.result, next[1]);
  ASSERT_EQ(made.size(), 1u);
  EXPECT_EQ(made[0].quality, (Quality{Origin::missing, Rule::input_missing}));
}

TEST_F(WaitingInputs, AfterARestartItWaitsOn) {
  const Gas gas = add_gas("a");
  std::vector<Reading> all = at_minute(gas, 0);
  const auto next = at_minute(gas, 1);
  all.insert(all.end(), next.begin(), next.end());
  Pipeline before = site_.pipeline();
  hear(before, gas.result, at_minute(gas, 0), kNoon);
  hear_one(before, gas.result, next[0]);
  {
    Pipeline pipeline = site_.pipeline(before.state());
    pipeline.resume(kNoon + 1h, {});
    EXPECT_TRUE(of(pipeline.pass(kNoon + 1h + 1s).rows, gas.result).empty()) << "a broker may have kept the others";
    EXPECT_TRUE(hear(pipeline, gas.result, {next[1]}, kNoon + 1h + 2s).empty());
    const auto made = hear(pipeline, gas.result, {next[2]}, kNoon + 1h + 3s);
    ASSERT_EQ(made.size(), 1u);
    EXPECT_EQ(made[0].value, expected(gas.result, all).back().value);
  }
  Pipeline alone = site_.pipeline(before.state());
  alone.resume(kNoon + 1h, {});
  const auto made = of(alone.pass(kNoon + 1h + kWait).rows, gas.result);
  ASSERT_EQ(made.size(), 1u);
  EXPECT_EQ(made[0].quality, Quality{}) << "what it follows was not late";
}

// It was of another unit, or of another point.
TEST_F(WaitingInputs, WhatIsFollowedMayBeAnotherPointAfterARestart) {
  const Gas gas = add_gas("a");
  Pipeline before = site_.pipeline();
  hear(before, gas.result, at_minute(gas, 0), kNoon);
  hear_one(before, gas.result, at_minute(gas, 1)[0]);
  model::Checkpoint restored = before.state();
  ASSERT_TRUE(restored.points[index(gas.result)].derived.waiting);
  restored.points[index(gas.volume)] = {};
  Pipeline pipeline = site_.pipeline(restored);
  EXPECT_FALSE(pipeline.state().points[index(gas.result)].derived.waiting);
  EXPECT_TRUE(of(pipeline.pass(kNoon + 1h).rows, gas.result).empty());
}

TEST_F(WaitingInputs, AHistoryPointByPointIsTakenByItsTimes) {
  const Gas gas = add_gas("a");
  std::vector<Reading> all;
  for (int minute = 0; minute < 30; ++minute) {
    for (const Reading& reading : at_minute(gas, minute)) all.push_back(reading);
  }
  const auto right = expected(gas.result, all);
  ASSERT_EQ(right.size(), 30u);
  std::ranges::sort(all, {}, [](const Reading& r) { return std::pair(r.point, r.at); });
  Pipeline pipeline = site_.pipeline();
  const auto made = hear(pipeline, gas.result, all, kNoon + 1h);
  ASSERT_EQ(made.size(), right.size());
  for (std::size_t i = 0; i < made.size(); ++i) {
    EXPECT_EQ(std::pair(made[i].at, made[i].value), std::pair(right[i].at, right[i].value)) << "but for its being late";
  }
  EXPECT_EQ(pipeline.statistics().by_rule[static_cast<std::size_t>(Rule::out_of_order)], 0u);
}

// Wherever it is cut.
TEST_F(WaitingInputs, AHistoryInTwoMessagesIsTheSame) {
  const Gas gas = add_gas("a");
  std::vector<Reading> all;
  for (int second = 0; second < 8; ++second) {
    for (Reading reading : at_minute(gas, second)) {
      reading.at = kNoon + second * 1s;
      all.push_back(reading);
    }
  }
  const auto right = expected(gas.result, all);
  for (std::size_t cut = 1; cut < all.size(); ++cut) {
    Pipeline pipeline = site_.pipeline();
    const auto middle = all.begin() + static_cast<std::ptrdiff_t>(cut);
    auto made = hear(pipeline, gas.result, {all.begin(), middle}, kNoon + 10s);
    for (const JudgedReading& reading : hear(pipeline, gas.result, {middle, all.end()}, kNoon + 11s)) {
      made.push_back(reading);
    }
    EXPECT_EQ(made, right) << cut;
  }
}

// A poll reads one register after the other: each has a time of its own.
TEST_F(WaitingInputs, WhatOnePollReadsIsThere) {
  const Gas gas = add_gas("a");
  for (const Duration apart : {-50ms, 50ms}) {
    Pipeline pipeline = site_.pipeline();
    std::vector<Reading> all;
    for (int minute = 0; minute < 3; ++minute) {
      std::vector<Reading> poll = at_minute(gas, minute);
      poll[1].at += apart;
      poll[2].at += 2 * apart;
      all.insert(all.end(), poll.begin(), poll.end());
      std::ranges::sort(poll, {}, &Reading::at);
      const auto made = hear(pipeline, gas.result, poll, kNoon + minute * 1min + 200ms);
      if (minute == 0) continue;  // how often they are read shows by then
      ASSERT_FALSE(made.empty());
      EXPECT_TRUE(minute == 1 || made.size() == 1) << apart.count();
      EXPECT_FALSE(pipeline.state().points[index(gas.result)].derived.waiting) << apart.count();
      EXPECT_EQ(to_text({{gas.result, made.back()}}), to_text({{gas.result, expected(gas.result, all).back()}}));
    }
  }
}

// Of results: gas of two meters, its sum, and its mass by a density that a device tells.
class WaitingResults : public WaitingInputs {
 protected:
  WaitingResults() {
    one_ = add_gas("a");
    other_ = add_gas("b");
    both_ =
        derive(Formula::sum, "Nm3", Kind::interval, {from(Role::term, one_.result), from(Role::term, other_.result)});
    density_ = site_.add_point("density", Kind::instantaneous, "kg/Nm3");
    mass_ = derive(Formula::mass_from_volume, "kg", Kind::interval,
                   {from(Role::volume, both_), from(Role::density, density_)});
    site_.site.derived.back().wait = kWait;
    site_.add_account(both_, "natural-gas", "cn-fuels", "", "default");
  }
  std::vector<Reading> all_of(int minute) const {
    std::vector<Reading> all = at_minute(one_, minute);
    for (const Reading& reading : at_minute(other_, minute)) all.push_back(reading);
    all.push_back(reading(density_, kNoon + minute * 1min, 0.7 + 0.01 * minute));
    return all;
  }
  Gas one_, other_;
  PointId both_{}, density_{}, mass_{};
};

TEST_F(WaitingResults, AreMadeOfResultsThatWaitedInAnyOrder) {
  for (unsigned seed = 1; seed <= kSeeds; ++seed) {
    std::mt19937 random(seed);
    std::vector<Reading> all;
    std::vector<model::JournalRow> rows;
    Pipeline pipeline = site_.pipeline();
    for (int minute = 0; minute < 20; ++minute) {
      std::vector<Reading> readings = all_of(minute);
      std::ranges::shuffle(readings, random);
      for (const Reading& reading : readings) {
        const Batch batch{.source = "test", .received = reading.at + 1s, .readings = {reading}, .settled = {}};
        for (model::JournalRow& row : pipeline.ingest({&batch, 1}, batch.received).rows) rows.push_back(std::move(row));
        all.push_back(reading);
      }
    }
    const auto right = in_order(all);
    for (const PointId result : {one_.result, other_.result, both_, mass_}) {
      EXPECT_EQ(of(rows, result), of(right, result)) << seed << " " << index(result);
    }
    EXPECT_EQ(of(rows, mass_).size(), 19u);
  }
}

// What waits by time waits for what it takes, too.
TEST_F(WaitingResults, WaitForEachOther) {
  std::vector<Reading> all = all_of(0);
  Pipeline pipeline = site_.pipeline();
  hear(pipeline, mass_, all, kNoon);
  const auto next = all_of(1);
  for (const std::size_t i : {0u, 2u, 3u, 4u, 5u, 6u}) hear(pipeline, mass_, {next[i]}, kNoon + 1min + 1s);
  EXPECT_TRUE(of(pipeline.pass(kNoon + 1min + 5s).rows, both_).empty());
  const auto rows = pipeline.pass(kNoon + 1min + 6s).rows;
  for (const PointId result : {one_.result, both_, mass_}) {
    ASSERT_EQ(of(rows, result).size(), 1u) << index(result);
    EXPECT_EQ(of(rows, result)[0].at, kNoon + 1min);
  }
}

// However the same readings are split into messages and shuffled within the wait: the same results and totals.
class InAnyOrder : public WaitingResults, public testing::WithParamInterface<bool> {
 protected:
  InAnyOrder() {
    add_stack();
    site_.site.derived.back().wait = kWait;
    site_.add_account(stack_, "co2", "direct", "", "default");
    site_.add_account(one_.result, "natural-gas", "cn-fuels", "", "default");
  }

  // Every ten seconds; some out of step, some left out, some no number.
  std::vector<Reading> make(std::mt19937& random, bool is_troubled) const {
    const auto one_in = [&](unsigned n) { return random() % n == 0; };
    const auto value = [&](double low, double high) {
      return low + (high - low) * static_cast<double>(random() % 1'000) / 1e3;
    };
    std::vector<Reading> all;
    double a = 1'000, b = 5'000;
    for (int i = 0; i < 400; ++i) {
      const Instant at = kNoon + i * 10s;
      a += value(0, 3);
      b += value(0, 3);
      all.push_back(reading(one_.volume, at, a));
      all.push_back(reading(other_.volume, at, b));
      all.push_back(reading(one_.celsius, at, value(10, 40)));
      const bool is_first = i == 0;
      if (is_first || !one_in(4)) {
        const Instant out_of_step = at + (is_first ? -1s : 3s);
        all.push_back(reading(other_.celsius, out_of_step, is_troubled && one_in(9) ? kNan : value(10, 40)));
      }
      if (is_first || !one_in(4)) {
        all.push_back(reading(one_.kpa, at, is_troubled && one_in(9) ? kNan : value(150, 300)));
      }
      if (i % 3 == 0) all.push_back(reading(other_.kpa, at - 1s, value(150, 300)));
      if (is_first || !one_in(3)) all.push_back(reading(density_, at, value(0.6, 0.8)));
      for (const Reading& of_stack : stack_readings(at)) {
        Reading told = of_stack;
        told.value *= value(0.9, 1.1);
        if (one_in(20)) told.value = kNan;
        if (!one_in(10)) all.push_back(told);
      }
    }
    return all;
  }

  // Each of a point behind the one before it, and within four seconds.
  static std::vector<Message> messages(std::vector<Reading> all, std::mt19937& random) {
    std::map<Instant, std::vector<Reading>> by_receipt;
    std::ranges::shuffle(all, random);
    for (const Reading& reading : all) by_receipt[reading.at + (random() % 5) * 1s].push_back(reading);
    std::vector<Message> messages;
    for (auto& [received, readings] : by_receipt) {
      for (const Reading& reading : readings) {
        if (messages.empty() || messages.back().received != received || random() % 2 == 0) {
          messages.push_back({received, {}});
        }
        messages.back().readings.push_back(reading);
      }
    }
    return messages;
  }
};

TEST_P(InAnyOrder, TheSameResultsAndTotals) {
  std::vector<std::string> sets{"cn-fuels", "direct"};
  config::Problems problems;
  const auto factors = FactorRegistry::load(config::DataFiles("."), sets, site_.site.time_zone, problems);
  ASSERT_FALSE(problems.has_errors()) << problems.to_text();
  for (unsigned seed = 1; seed <= kSeeds; ++seed) {
    std::mt19937 random(seed);
    const std::vector<Reading> all = make(random, GetParam());

    std::map<Instant, std::vector<Reading>> instants;
    for (const Reading& reading : all) instants[reading.at].push_back(reading);
    Pipeline right(site_.site, factors, {}, Pipeline::Order::of_time);
    std::vector<model::JournalRow> expected;
    for (const auto& [at, readings] : instants) {
      const Batch batch{.source = "test", .received = at, .readings = readings, .settled = {}};
      for (model::JournalRow& row : right.ingest({&batch, 1}, at).rows) expected.push_back(std::move(row));
    }

    Pipeline pipeline(site_.site, factors, {});
    std::vector<model::JournalRow> found;
    const auto keep = [&](model::Effects effects) {
      for (model::JournalRow& row : effects.rows) found.push_back(std::move(row));
    };
    std::size_t at_once = 0;
    for (const Message& message : messages(all, random)) {
      const Batch batch{.source = "test", .received = message.received, .readings = message.readings, .settled = {}};
      keep(pipeline.ingest({&batch, 1}, message.received));
      if (random() % 4 == 0) keep(pipeline.pass(message.received));
      if (random() % 20 == 0) pipeline = Pipeline(site_.site, factors, pipeline.state());
      at_once += message.readings.size() > 1 ? 1 : 0;
    }
    EXPECT_GT(at_once, 10u);
    for (int i = 1; i <= 3; ++i) keep(pipeline.pass(kNoon + 400 * 10s + i * kWait));  // one waits behind the other

    std::vector<PointId> results{one_.result, other_.result, stack_};
    if (!GetParam()) results.insert(results.end(), {both_, mass_});  // after a gap a sum pairs its terms as they come
    for (const PointId result : results) {
      const auto a = of(found, result);
      const auto b = of(expected, result);
      ASSERT_EQ(a.size(), b.size()) << seed << " " << index(result);
      for (std::size_t i = 0; i < a.size(); ++i) {
        const bool same = a[i].at == b[i].at && a[i].quality == b[i].quality &&
                          (a[i].value == b[i].value || (std::isnan(a[i].value) && std::isnan(b[i].value)));
        ASSERT_TRUE(same) << seed << " " << index(result) << " at " << (b[i].at - kNoon) / 1s << " s: " << a[i].value
                          << " for " << b[i].value;
      }
      EXPECT_GT(std::ranges::count_if(b, [](const JudgedReading& r) { return usable(r.quality); }), 100);
    }
    for (std::size_t i = GetParam() ? 1 : 0; i < site_.site.accounts.size(); ++i) {
      EXPECT_EQ(pipeline.state().accounts[i].amount, right.state().accounts[i].amount) << seed;
      EXPECT_NE(right.state().accounts[i].amount, model::Activity{});
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Troubled, InAnyOrder, testing::Bool());

// The readings of two meters in one message, of one of them the temperature in another: the sum is of both.
TEST_F(WaitingResults, ASumIsNotMadeWithoutATermThatWaits) {
  Pipeline pipeline = site_.pipeline();
  std::vector<Reading> all = all_of(0);
  std::vector<Reading> next = all_of(1);
  next.erase(next.begin(), next.begin() + 3);  // of the first meter nothing comes, for once
  hear(pipeline, both_, all, kNoon);
  hear(pipeline, both_, next, kNoon + 1min);
  all.insert(all.end(), next.begin(), next.end());
  next = all_of(2);
  all.insert(all.end(), next.begin(), next.end());
  const Reading late = next[4];
  next.erase(next.begin() + 4);
  EXPECT_TRUE(hear(pipeline, both_, next, kNoon + 2min).empty());
  const auto made = hear(pipeline, both_, {late}, kNoon + 2min + 1s);
  ASSERT_EQ(made.size(), 1u);
  EXPECT_EQ(made[0], expected(both_, all).back());
}

}  // namespace
}  // namespace carbongate::pipeline

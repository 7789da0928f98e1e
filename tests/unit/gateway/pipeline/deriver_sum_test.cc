// Sums: what the users of an incomer do not account for, to the last quantum.
#include <gtest/gtest.h>

#include <utility>

#include "gateway/pipeline/deriver.h"
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

class NetTest : public DeriverTest {
 protected:
  NetTest() {
    incomer_ = site_.add_point("incomer", Kind::cumulative, "kWh");
    press_ = site_.add_point("press", Kind::cumulative, "kWh");
    lathe_ = site_.add_point("lathe", Kind::cumulative, "MWh");
    for (Point& point : site_.site.points) point.limits.power_max_w = 1e6;
    spare_ = site_.add_point("spare", Kind::interval, "kWh");
    net_ = derive(Formula::sum, "kWh", Kind::interval,
                  {from(Role::term, incomer_), from(Role::term, press_, -1), from(Role::term, lathe_, -1)});
    site_.site.points[index(net_)].limits.min = -1e9;
    site_.add_account(net_);
  }
  std::vector<JudgedReading> tell(Pipeline& pipeline, Instant at, std::vector<Reading> readings);
  PointId incomer_{}, press_{}, lathe_{}, spare_{}, net_{};
};

TEST_F(NetTest, IsWhatNoUserWasBilledForToTheLastQuantum) {
  Pipeline pipeline = site_.pipeline();
  double unallocated = 0;
  for (int minute = 0; minute <= 120; ++minute) {
    // Not read at the same moments, and one that is silent for a time.
    feed(pipeline, {reading(incomer_, kNoon + minute * 1min, 70'000 + 10.0 * minute)});
    feed(pipeline, {reading(press_, kNoon + minute * 1min + 7s, 500 + 4.0 * minute)});
    if (minute < 30 || minute > 60) {
      const auto rows = feed(pipeline, {reading(lathe_, kNoon + minute * 1min + 20s, 3 + 0.005 * minute)});
      for (const JudgedReading& r : of(rows, net_)) unallocated += r.value;
    }
  }
  EXPECT_NEAR(unallocated, 120 * (10 - 4 - 5), 1e-6);
  EXPECT_EQ(pipeline.state().accounts[0].amount.quanta(), 120'000'000);
}

TEST_F(NetTest, BeginsWhenTheLastOfItsCountersIsKnown) {
  Pipeline pipeline = site_.pipeline();
  feed(pipeline, {reading(incomer_, kNoon, 70'000), reading(press_, kNoon, 500)});
  feed(pipeline, {reading(incomer_, kNoon + 4min, 70'040), reading(press_, kNoon + 4min, 516)});
  feed(pipeline, {reading(lathe_, kNoon + 4min, 3)});  // it may have run since noon, nobody knows
  const auto rows = feed(pipeline, {reading(incomer_, kNoon + 5min, 70'050), reading(press_, kNoon + 5min, 520),
                                    reading(lathe_, kNoon + 5min, 3.005)});
  const auto derived = of(rows, net_);
  ASSERT_EQ(derived.size(), 1u);
  EXPECT_NEAR(derived[0].value, 10 - 4 - 5, 1e-9);
  EXPECT_EQ(derived[0].quality, Quality{});
}

TEST_F(NetTest, IsEstimatedWhereAnotherCounterJoins) {
  Pipeline before = site_.pipeline();
  for (int minute = 0; minute <= 2; ++minute) {
    feed(before, {reading(incomer_, kNoon + minute * 1min, 70'000 + 10.0 * minute),
                  reading(press_, kNoon + minute * 1min, 500 + 4.0 * minute),
                  reading(lathe_, kNoon + minute * 1min, 3 + 0.005 * minute)});
  }
  site_.site.points[index(lathe_)].name = "new_lathe";
  model::Checkpoint state = before.state();
  state.points[index(lathe_)] = {};
  Pipeline after = site_.pipeline(state);
  std::vector<JudgedReading> derived;
  for (int minute = 3; minute <= 5; ++minute) {
    const auto rows = feed(after, {reading(incomer_, kNoon + minute * 1min, 70'000 + 10.0 * minute),
                                   reading(press_, kNoon + minute * 1min, 500 + 4.0 * minute),
                                   reading(lathe_, kNoon + minute * 1min, 0.005 * minute)});
    for (const JudgedReading& r : of(rows, net_)) derived.push_back(r);
  }
  ASSERT_EQ(derived.size(), 3u);
  EXPECT_EQ(derived[0].quality, (Quality{Origin::missing, Rule::input_missing}));
  EXPECT_NEAR(derived[1].value, 2 * (10 - 4) - 5, 1e-9) << "of two minutes; the new one was heard in the second";
  EXPECT_EQ(derived[1].quality, (Quality{Origin::estimated, Rule::input_missing}));
  EXPECT_NEAR(derived[2].value, 10 - 4 - 5, 1e-9);
  EXPECT_EQ(derived[2].quality, Quality{});
}

TEST_F(NetTest, SaysSoOnceARoundWhileAMeterIsSilent) {
  Pipeline pipeline = site_.pipeline();
  for (int minute = 0; minute < 3; ++minute) {
    for (const PointId point : {incomer_, press_, lathe_}) {
      feed(pipeline, {reading(point, kNoon + minute * 1min, 1.0)});
    }
  }
  std::vector<model::JournalRow> rows;
  for (int minute = 10; minute < 13; ++minute) {
    for (const PointId point : {incomer_, press_}) {
      for (const auto& row : feed(pipeline, {reading(point, kNoon + minute * 1min, 1.0)})) rows.push_back(row);
    }
  }
  const auto derived = of(rows, net_);
  ASSERT_EQ(derived.size(), 3u);
  for (const JudgedReading& r : derived) EXPECT_EQ(r.quality, (Quality{Origin::missing, Rule::input_stale}));
}

// The meters of one message: one instant, one batch.
std::vector<JudgedReading> NetTest::tell(Pipeline& pipeline, Instant at, std::vector<Reading> readings) {
  const Batch batch{.source = "test", .received = at, .readings = std::move(readings), .settled = {}};
  return of(pipeline.ingest({&batch, 1}, at).rows, net_);
}

TEST_F(NetTest, AReadingThatWasLeftOutPutsNoInputARoundBehind) {
  Pipeline pipeline = site_.pipeline();
  std::vector<JudgedReading> results;
  for (int minute = 0; minute <= 10; ++minute) {
    const Instant at = kNoon + minute * 1min;
    std::vector<Reading> message{reading(incomer_, at, 70'000 + 1.0 * minute * minute),
                                 reading(press_, at, 500 + 0.5 * minute * minute),
                                 reading(lathe_, at, 3 + 0.0005 * minute * minute)};
    if (minute == 4) message.erase(message.begin() + 1);
    for (const JudgedReading& result : tell(pipeline, at, message)) results.push_back(result);
  }
  ASSERT_EQ(results.size(), 9u) << "the first minute is the baseline, and two have one result";
  for (const JudgedReading& result : results) {
    EXPECT_EQ(result.value, 0) << (result.at - kNoon) / 1min;
    EXPECT_EQ(result.quality, Quality{});
  }
}

TEST_F(NetTest, BeginsWithTheLastOfItsCountersWhereverItStandsInTheMessage) {
  for (const std::size_t place : {0u, 1u, 2u}) {
    Pipeline pipeline = site_.pipeline();
    std::vector<JudgedReading> results;
    for (int minute = 0; minute <= 4; ++minute) {
      const Instant at = kNoon + minute * 1min;
      std::vector<Reading> message{reading(incomer_, at, 70'000 + 10.0 * minute),
                                   reading(press_, at, 500 + 4.0 * minute)};
      if (minute >= 2) message.insert(message.begin() + static_cast<int>(place), reading(lathe_, at, 0.005 * minute));
      for (const JudgedReading& result : tell(pipeline, at, message)) {
        if (usable(result.quality)) results.push_back(result);
      }
    }
    ASSERT_EQ(results.size(), 2u) << place;
    for (const JudgedReading& result : results) EXPECT_NEAR(result.value, 10 - 4 - 5, 1e-9) << place;
  }
}

// A result may be an input of another sum: that one waits for it.
TEST_F(NetTest, ASumOfSumsIsOfTheSameInstant) {
  const PointId rest = derive(Formula::sum, "kWh", Kind::interval, {from(Role::term, net_), from(Role::term, spare_)});
  Pipeline pipeline = site_.pipeline();
  std::vector<JudgedReading> results;
  for (int minute = 0; minute <= 5; ++minute) {
    const Instant at = kNoon + minute * 1min;
    const Batch batch{.source = "test",
                      .received = at,
                      .readings = {reading(spare_, at, 0.25 * minute), reading(incomer_, at, 70'000 + 10.0 * minute),
                                   reading(press_, at, 500 + 4.0 * minute), reading(lathe_, at, 3 + 0.005 * minute)},
                      .settled = {}};
    for (const JudgedReading& result : of(pipeline.ingest({&batch, 1}, at).rows, rest)) {
      if (usable(result.quality)) results.push_back(result);
    }
  }
  ASSERT_EQ(results.size(), 5u);
  for (int minute = 1; minute <= 5; ++minute) {
    const JudgedReading& result = results[static_cast<std::size_t>(minute - 1)];
    EXPECT_EQ(result.at, kNoon + minute * 1min);
    EXPECT_NEAR(result.value, 10 - 4 - 5 + 0.25 * minute, 1e-9);
  }
}

// The sum of counters over a round that was left out is known, and so is the time it belongs to.
TEST_F(NetTest, CoversAllTheTimeSinceTheResultBefore) {
  for (Point& point : site_.site.points) point.limits.interval = 5min;
  Pipeline pipeline = site_.pipeline();
  std::vector<model::JournalRow> rows;
  for (int minute = 0; minute <= 120; minute += 5) {
    const Instant at = kNoon + minute * 1min;
    std::vector<Reading> message{reading(incomer_, at, 70'000 + 10.0 * minute), reading(press_, at, 500 + 4.0 * minute),
                                 reading(lathe_, at, 3 + 0.005 * minute)};
    if (minute == 30 || (minute > 60 && minute < 90)) message.pop_back();
    const Batch batch{.source = "test", .received = at, .readings = message, .settled = {}};
    for (auto& row : pipeline.ingest({&batch, 1}, at).rows) rows.push_back(std::move(row));
  }
  const auto entries = only<model::EmissionEntry>(rows);
  ASSERT_EQ(entries.size(), 8u);
  for (const model::EmissionEntry& entry : entries) {
    const bool silent = entry.begin >= kNoon + 60min && entry.begin < kNoon + 90min;
    EXPECT_EQ(entry.amount.quanta(), 15'000'000) << (entry.begin - kNoon) / 1min;
    EXPECT_EQ(entry.covered, silent ? 0min : 15min) << (entry.begin - kNoon) / 1min;
    if (!silent) EXPECT_EQ(entry.quality, Quality{}) << (entry.begin - kNoon) / 1min;
    if (silent) EXPECT_EQ(entry.quality.origin, Origin::estimated);
  }
}

TEST_F(DeriverTest, AddsRatesOfTheSameMoment) {
  const PointId a = site_.add_point("a", Kind::instantaneous, "kW");
  const PointId b = site_.add_point("b", Kind::instantaneous, "MW");
  const PointId sum = derive(Formula::sum, "kW", Kind::instantaneous, {from(Role::term, a), from(Role::term, b, 0.5)});
  Pipeline pipeline = site_.pipeline();
  feed(pipeline, {reading(a, kNoon, 10), reading(b, kNoon, 1)});
  const auto derived = of(feed(pipeline, {reading(a, kNoon + 1s, 20), reading(b, kNoon + 1s, 2)}), sum);
  ASSERT_EQ(derived.size(), 1u) << "not once with yesterday's other half";
  EXPECT_EQ(derived[0].value, 1020);
  EXPECT_EQ(derived[0].at, kNoon + 1s);
}

// Two sums, each of the two below them, and so on: 2^40 ways lead from the meter to the last one.
TEST_F(DeriverTest, NotesALateReadingOnceHoweverManyWaysLeadToAResult) {
  PointId a = site_.add_point("a", Kind::instantaneous, "kW");
  const PointId meter = a;
  PointId b = site_.add_point("b", Kind::instantaneous, "kW");
  for (int level = 0; level < 40; ++level) {
    const std::vector terms{from(Role::term, a, 0.5), from(Role::term, b, 0.5)};
    a = derive(Formula::sum, "kW", Kind::instantaneous, terms);
    b = derive(Formula::sum, "kW", Kind::instantaneous, terms);
  }
  site_.add_account(a);
  Pipeline pipeline = site_.pipeline();
  for (const Duration at : {0min, 1min, 2min}) {
    feed(pipeline, {reading(meter, kNoon + at, 10), reading(PointId{1}, kNoon + at, 20)});
  }
  feed(pipeline, {reading(meter, kNoon + 30s, 12)});
  const auto& late = pipeline.state().points[index(a)].late;
  ASSERT_TRUE(late);
  EXPECT_EQ(late->earliest, kNoon + 30s);
  EXPECT_EQ(late->readings, 1u);
}

TEST_F(DeriverTest, AddsThePiecesOfTwoLines) {
  const PointId a = site_.add_point("a", Kind::cumulative, "pcs");
  const PointId b = site_.add_point("b", Kind::cumulative, "pcs");
  const PointId both = derive(Formula::sum, "pcs", Kind::interval, {from(Role::term, a), from(Role::term, b)});
  Pipeline pipeline = site_.pipeline();
  feed(pipeline, {reading(a, kNoon, 10'000), reading(b, kNoon, 5)});
  const auto derived = of(feed(pipeline, {reading(a, kNoon + 1min, 10'040), reading(b, kNoon + 1min, 12)}), both);
  ASSERT_EQ(derived.size(), 1u);
  EXPECT_EQ(derived[0].value, 47);
}

}  // namespace
}  // namespace carbongate::pipeline

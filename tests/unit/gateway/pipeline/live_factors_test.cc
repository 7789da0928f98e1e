#include "gateway/pipeline/live_factors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/model/carrier.h"
#include "tests/unit/gateway/pipeline/pipeline_fixture.h"

namespace carbongate::pipeline {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

constexpr PointId kSource{7};

model::LiveFactor plan(PointId source = kSource) {
  model::LiveFactor live;
  live.source = source;
  live.like.set = "grid-live";
  live.like.carrier = "electricity";
  live.like.region = "CN-SC";
  live.like.method = "live";
  live.like.unit_text = "gCO2/kWh";
  live.like.source = "grid operator";
  live.like.version = "live";
  live.hold = 2h;
  return live;
}

class LiveFactorsTest : public ::testing::Test {
 protected:
  explicit LiveFactorsTest(std::optional<model::FactorChoice> fallback = {}) : plans_{plan()} {
    plans_[0].fallback = std::move(fallback);
  }
  LiveFactors make() { return LiveFactors(plans_, site_.factors()); }
  LiveFactors::Series& series(LiveFactors& live) {
    return *live.find({"grid-live", "CN-SC", "live"}, *model::find_carrier("electricity"));
  }
  std::string at(LiveFactors& live, std::string_view when) {
    const model::Factor* factor = live.at(series(live), utc(when));
    return factor ? factor->value_text + " " + factor->id : "none";
  }

  TestSite site_;
  std::vector<model::LiveFactor> plans_;
};

TEST_F(LiveFactorsTest, TheValueInForceAtTheBeginOfTheQuarterHourCounts) {
  LiveFactors live = make();
  live.learn(kSource, utc("2026-11-28 05:00"), 156.4);
  live.learn(kSource, utc("2026-11-28 05:20"), 170);
  live.learn(kSource, utc("2026-11-28 05:28:07"), 180);
  EXPECT_EQ(at(live, "2026-11-28 05:00"), "156.4 grid-live/CN-SC/live/2026-11-28T05:00Z");
  EXPECT_EQ(at(live, "2026-11-28 05:29:59"), "156.4 grid-live/CN-SC/live/2026-11-28T05:00Z");
  EXPECT_EQ(at(live, "2026-11-28 05:30"), "180 grid-live/CN-SC/live/2026-11-28T05:28:07Z");
  EXPECT_EQ(at(live, "2026-11-28 04:59"), "none");
}

TEST_F(LiveFactorsTest, EveryReadingIsAFactorUntilTheNextOne) {
  LiveFactors live = make();
  for (const char* when : {"2026-11-28 05:00", "2026-11-28 06:00", "2026-11-28 07:00"})
    live.learn(kSource, utc(when), 100);
  EXPECT_EQ(at(live, "2026-11-28 08:45"), "100 grid-live/CN-SC/live/2026-11-28T07:00Z");
  const model::Factor* factor = live.at(series(live), utc("2026-11-28 08:45"));
  EXPECT_EQ(factor->valid_from, utc("2026-11-28 07:00"));
  EXPECT_EQ(factor->valid_until, utc("2026-11-28 09:00"));
  EXPECT_EQ(factor->scaled_co2e, 100'000'000'000);
  EXPECT_EQ(factor->scaled_gas[model::Gas::co2], 100'000'000'000);
  EXPECT_EQ(factor->source, "grid operator");
  EXPECT_EQ(factor->version, "live");
  factor = live.named(series(live), "grid-live/CN-SC/live/2026-11-28T05:00Z");
  ASSERT_NE(factor, nullptr);
  EXPECT_EQ(factor->valid_until, utc("2026-11-28 06:00"));
  for (const char* id : {"grid-live/CN-SC/live/2026-11-28T05:01Z", "other/CN-SC/live/2026-11-28T05:00Z",
                         "cn-grid/CN-SC/average/2023", "grid-live/CN-SC/live/2026-13-28T05:00Z", ""}) {
    EXPECT_EQ(live.named(series(live), id), nullptr) << id;
  }
}

TEST_F(LiveFactorsTest, AnIdNamesTheMomentOfItsReading) {
  LiveFactors live = make();
  live.learn(kSource, utc("2026-11-28 05:00") + 7'250ms, 100);
  EXPECT_EQ(at(live, "2026-11-28 05:15"), "100 grid-live/CN-SC/live/2026-11-28T05:00:07.250Z");
  EXPECT_NE(live.named(series(live), "grid-live/CN-SC/live/2026-11-28T05:00:07.250Z"), nullptr);
}

TEST_F(LiveFactorsTest, NothingAppliesWhenTheLastReadingIsTooOld) {
  LiveFactors live = make();
  live.learn(kSource, utc("2026-11-28 05:00"), 100);
  EXPECT_NE(at(live, "2026-11-28 07:00"), "none") << "just as old as it may be";
  EXPECT_EQ(at(live, "2026-11-28 07:15"), "none");
  live.learn(kSource, utc("2026-11-28 07:20"), 110);
  EXPECT_EQ(at(live, "2026-11-28 07:15"), "none");
  EXPECT_EQ(at(live, "2026-11-28 07:30"), "110 grid-live/CN-SC/live/2026-11-28T07:20Z");
}

TEST_F(LiveFactorsTest, WhatWasAnsweredOnceIsNotTakenBackAndIsSaidToBeLate) {
  LiveFactors live = make();
  EXPECT_FALSE(live.learn(kSource, utc("2026-11-28 05:00"), 100));
  EXPECT_EQ(at(live, "2026-11-28 06:00"), "100 grid-live/CN-SC/live/2026-11-28T05:00Z");
  const auto late = live.learn(kSource, utc("2026-11-28 06:00"), 120);  // the quarter from 06:00 is booked
  ASSERT_TRUE(late);
  EXPECT_EQ(late->series, &series(live));
  EXPECT_EQ(late->from, utc("2026-11-28 06:00"));
  EXPECT_EQ(late->until, utc("2026-11-28 06:15"));
  EXPECT_EQ(at(live, "2026-11-28 06:00"), "100 grid-live/CN-SC/live/2026-11-28T05:00Z");
  EXPECT_EQ(at(live, "2026-11-28 06:15"), "120 grid-live/CN-SC/live/2026-11-28T06:00Z");
  EXPECT_EQ(at(live, "2026-11-28 09:00"), "none");
  const auto again = live.learn(kSource, utc("2026-11-28 07:10"), 130);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->from, utc("2026-11-28 07:15"));
  EXPECT_EQ(again->until, utc("2026-11-28 09:15")) << "as far as it was counted, and the value holds";
  EXPECT_EQ(at(live, "2026-11-28 07:30"), "120 grid-live/CN-SC/live/2026-11-28T06:00Z") << "as it would have been told";
  EXPECT_EQ(at(live, "2026-11-28 09:15"), "none");
}

TEST_F(LiveFactorsTest, AnOlderOneThatComesInTimeHasItsPlace) {
  LiveFactors live = make();
  live.learn(kSource, utc("2026-11-28 05:00"), 100);
  live.learn(kSource, utc("2026-11-28 07:00"), 300);
  EXPECT_FALSE(live.learn(kSource, utc("2026-11-28 06:00"), 200)) << "nothing was counted";
  EXPECT_EQ(at(live, "2026-11-28 05:45"), "100 grid-live/CN-SC/live/2026-11-28T05:00Z");
  EXPECT_EQ(at(live, "2026-11-28 06:45"), "200 grid-live/CN-SC/live/2026-11-28T06:00Z");
  EXPECT_EQ(at(live, "2026-11-28 07:00"), "300 grid-live/CN-SC/live/2026-11-28T07:00Z");
  const auto late = live.learn(kSource, utc("2026-11-28 05:30"), 150);
  ASSERT_TRUE(late);
  EXPECT_EQ(late->from, utc("2026-11-28 05:30"));
  EXPECT_EQ(late->until, utc("2026-11-28 06:00")) << "until the next value";
  EXPECT_FALSE(live.learn(kSource, utc("2026-11-28 05:59"), 170)) << "a newer one is there when a quarter hour begins";
  EXPECT_EQ(live.named(series(live), "grid-live/CN-SC/live/2026-11-28T05:59Z"), nullptr);
}

TEST_F(LiveFactorsTest, OfOneInstantTheValueLastHeardStands) {
  LiveFactors live = make();
  live.learn(kSource, utc("2026-11-28 05:00"), 400);
  EXPECT_FALSE(live.learn(kSource, utc("2026-11-28 05:00"), 410)) << "nothing was counted";
  EXPECT_EQ(at(live, "2026-11-28 05:00"), "410 grid-live/CN-SC/live/2026-11-28T05:00Z");
  EXPECT_EQ(at(live, "2026-11-28 05:30"), "410 grid-live/CN-SC/live/2026-11-28T05:00Z");
  EXPECT_FALSE(live.learn(kSource, utc("2026-11-28 05:00"), 410)) << "the same again";
  const auto late = live.learn(kSource, utc("2026-11-28 05:00"), 420);
  ASSERT_TRUE(late);
  EXPECT_EQ(late->from, utc("2026-11-28 05:00"));
  EXPECT_EQ(late->until, utc("2026-11-28 05:45"));
  EXPECT_EQ(at(live, "2026-11-28 05:30"), "410 grid-live/CN-SC/live/2026-11-28T05:00Z") << "as it was answered";
  EXPECT_EQ(at(live, "2026-11-28 05:45"), "420 grid-live/CN-SC/live/2026-11-28T05:00Z");
  EXPECT_EQ(live.named(series(live), "grid-live/CN-SC/live/2026-11-28T05:00Z")->value_text, "420");
  EXPECT_EQ(live.named(series(live), "grid-live/CN-SC/live/2026-11-28T05:00Z", 410)->value_text, "410");
  live.learn(kSource, utc("2026-11-28 06:00"), 300);
  EXPECT_TRUE(live.learn(kSource, utc("2026-11-28 05:00"), 400)) << "also when there is a newer one";
  EXPECT_EQ(at(live, "2026-11-28 05:45"), "420 grid-live/CN-SC/live/2026-11-28T05:00Z");
  EXPECT_EQ(at(live, "2026-11-28 06:00"), "300 grid-live/CN-SC/live/2026-11-28T06:00Z");
}

TEST_F(LiveFactorsTest, RememberNoMoreOfAQuarterHourThanWhatCounts) {
  LiveFactors live = make();
  const Instant begin = utc("2026-11-28 05:00");
  for (int second = 0; second < 7'200; ++second) live.learn(kSource, begin + second * 1s, 100.0 + second);
  EXPECT_LE(series(live).state.values.size(), 9u);
  at(live, "2026-11-28 07:00");
  for (int second = 0; second < 900; ++second) live.learn(kSource, begin + second * 1s + 500ms, 50.0);
  EXPECT_LE(series(live).state.values.size(), 10u) << "and of what came late";
}

TEST_F(LiveFactorsTest, GoOnWhereTheyStoodAfterARestart) {
  LiveFactors first = make();
  first.learn(kSource, utc("2026-11-28 05:00"), 100);
  at(first, "2026-11-28 05:30");
  std::vector<model::LiveFactorState> states;
  first.take_changed([&](PointId source, const model::LiveFactorState& state) {
    EXPECT_EQ(source, kSource);
    states.push_back(state);
  });
  ASSERT_EQ(states.size(), 1u);
  first.take_changed([&](PointId, const model::LiveFactorState&) { FAIL() << "nothing changed since"; });

  LiveFactors second = make();
  second.restore(kSource, states[0]);
  for (LiveFactors* live : {&first, &second}) {
    live->learn(kSource, utc("2026-11-28 05:10"), 200);
    EXPECT_EQ(at(*live, "2026-11-28 05:30"), "100 grid-live/CN-SC/live/2026-11-28T05:00Z");
    EXPECT_EQ(at(*live, "2026-11-28 05:45"), "200 grid-live/CN-SC/live/2026-11-28T05:10Z");
  }
}

TEST_F(LiveFactorsTest, ForgetWhatIsOlderThanCorrectionsReach) {
  LiveFactors live = make();
  const Instant begin = utc("2026-01-01 00:00");
  for (int hour = 0; hour < 24 * 100; ++hour) live.learn(kSource, begin + hour * 1h, 100.0 + hour % 7);
  EXPECT_LE(series(live).state.values.size(), 24u * 40 + 3);
  EXPECT_EQ(at(live, "2026-01-02 00:00"), "none");
  EXPECT_NE(at(live, "2026-03-05 00:00"), "none");
}

TEST_F(LiveFactorsTest, TakeNoNonsense) {
  LiveFactors live = make();
  live.learn(kSource, utc("2026-11-28 05:00"), -1);
  live.learn(kSource, utc("2026-11-28 05:01"), std::numeric_limits<double>::quiet_NaN());
  live.learn(kSource, utc("2026-11-28 05:02"), 1e300);
  live.learn(PointId{8}, utc("2026-11-28 05:03"), 100);
  EXPECT_EQ(at(live, "2026-11-28 05:15"), "none");
  EXPECT_EQ(live.find({"grid-live", "CN-SC", "average"}, *model::find_carrier("electricity")), nullptr);
  EXPECT_EQ(live.find({"grid-live", "CN-SC", "live"}, *model::find_carrier("heat")), nullptr);
}

class LiveFactorsWithFallback : public LiveFactorsTest {
 protected:
  LiveFactorsWithFallback() : LiveFactorsTest(model::FactorChoice{"cn-grid", "CN-SC", "average"}) {}
};

TEST_F(LiveFactorsWithFallback, TheFallbackAppliesWhereNoReadingIs) {
  LiveFactors live = make();
  EXPECT_EQ(at(live, "2026-11-28 05:00"), "0.1564 cn-grid/CN-SC/average/2023");
  live.learn(kSource, utc("2026-11-28 05:00"), 100);  // heard after it was asked for
  EXPECT_EQ(at(live, "2026-11-28 05:15"), "100 grid-live/CN-SC/live/2026-11-28T05:00Z");
  EXPECT_EQ(at(live, "2026-11-28 07:15"), "0.1564 cn-grid/CN-SC/average/2023");
}

TEST(PlainDecimal, IsTheShortestThatReadsBack) {
  EXPECT_EQ(plain_decimal(156.4), "156.4");
  EXPECT_EQ(plain_decimal(0.1), "0.1");
  EXPECT_EQ(plain_decimal(1e-7), "0.0000001");
  EXPECT_EQ(plain_decimal(1.0 / 3), "0.3333333333333333");
  EXPECT_EQ(plain_decimal(1e-20), "0.000000000");
  EXPECT_EQ(plain_decimal(-0.5), std::nullopt);
  EXPECT_EQ(plain_decimal(1e19), std::nullopt);
}

// Through the whole pipeline: one meter, one feed.
class LivePipeline : public ::testing::Test {
 protected:
  LivePipeline() {
    meter_ = site_.add_point("energy", Kind::cumulative, "kWh");
    feed_ = site_.add_point("intensity", Kind::instantaneous, "1");
    site_.add_account(meter_, "electricity", "grid-live", "CN-SC", "live");
    site_.site.live_factors = {plan(feed_)};
  }
  std::vector<Reading> day() const {
    std::vector<Reading> readings;
    for (int quarter = 0; quarter < 24; ++quarter) {
      const Instant at = utc("2026-11-28 00:00") + quarter * 15min;
      if (quarter % 4 == 0 && quarter != 12) readings.push_back(reading(feed_, at, 100.0 + quarter));
      readings.push_back(reading(meter_, at, quarter));
    }
    return readings;
  }
  TestSite site_;
  PointId meter_{};
  PointId feed_{};
};

TEST_F(LivePipeline, EachQuarterHourNamesTheFactorThatItWasBookedBy) {
  Pipeline pipeline = site_.pipeline();
  const auto entries = only<model::EmissionEntry>(feed(pipeline, day()));
  ASSERT_EQ(entries.size(), 23u);
  EXPECT_EQ(entries[0].primary.factor_id, "grid-live/CN-SC/live/2026-11-28T00:00Z");
  EXPECT_EQ(entries[0].primary.factor_version, "live");
  EXPECT_EQ(entries[0].primary.emitted.co2e.quanta(), 100'000);  // 1 kWh * 100 g
  EXPECT_EQ(entries[4].primary.emitted.co2e.quanta(), 104'000);
  EXPECT_EQ(entries[15].primary.emitted.co2e.quanta(), 108'000) << "the reading at 02:00 holds for two hours";
  EXPECT_EQ(entries[16].primary.emitted.co2e.quanta(), 116'000);
}

TEST_F(LivePipeline, WithoutAReadingTheEntrySaysNoFactor) {
  site_.site.live_factors[0].hold = 59min;
  Pipeline pipeline = site_.pipeline();
  const auto entries = only<model::EmissionEntry>(feed(pipeline, day()));
  EXPECT_EQ(entries[12].quality.rule, model::Rule::no_factor);
  EXPECT_EQ(entries[12].primary.emitted.co2e.quanta(), 0);
  EXPECT_EQ(entries[12].primary.factor_id, "");
  EXPECT_NE(entries[16].quality.rule, model::Rule::no_factor);
}

TEST_F(LivePipeline, ARestartAtAnyReadingChangesNothing) {
  const auto readings = day();
  Pipeline whole = site_.pipeline();
  const std::string expected = to_text(feed(whole, readings));
  for (std::size_t cut = 0; cut <= readings.size(); cut += 5) {
    Pipeline first = site_.pipeline();
    auto rows = feed(first, {readings.begin(), readings.begin() + static_cast<std::ptrdiff_t>(cut)});
    Pipeline second = site_.pipeline(first.state());
    for (auto& row : feed(second, {readings.begin() + static_cast<std::ptrdiff_t>(cut), readings.end()}))
      rows.push_back(std::move(row));
    EXPECT_EQ(to_text(rows), expected) << cut;
  }
}

TEST_F(LivePipeline, TheStateOfTheFeedIsAmongTheEffectsOfWhatItDecided) {
  Pipeline pipeline = site_.pipeline();
  feed(pipeline, {reading(feed_, utc("2026-11-28 00:00"), 100), reading(meter_, utc("2026-11-28 00:00"), 0)});
  Batch batch{.source = "test",
              .received = utc("2026-11-28 00:10"),
              .readings = {reading(meter_, utc("2026-11-28 00:10"), 1)},
              .settled = {}};
  const model::Effects effects = pipeline.ingest({&batch, 1}, batch.received);
  const auto found = std::ranges::find_if(effects.points, [&](const auto& p) { return p.first == feed_; });
  ASSERT_NE(found, effects.points.end());
  EXPECT_EQ(found->second.live->decided_until, utc("2026-11-28 00:15"));
}

TEST_F(LivePipeline, ARevisedValueIsNoDuplicate) {
  Pipeline pipeline = site_.pipeline();
  const Instant begin = utc("2026-11-28 00:00");
  const auto rows = feed(pipeline, {reading(feed_, begin, 400), reading(feed_, begin, 410), reading(feed_, begin, 410),
                                    reading(feed_, begin, 400), reading(meter_, begin, 0)});
  std::vector<model::Quality> qualities;
  for (const auto& judged : only<model::JudgedReading>(rows)) qualities.push_back(judged.quality);
  const model::Quality revised{model::Origin::late, model::Rule::out_of_order};
  const model::Quality repeated{model::Origin::measured, model::Rule::duplicate};
  EXPECT_THAT(qualities, ::testing::ElementsAre(model::Quality{}, revised, repeated, revised, model::Quality{}));
  const auto entries = only<model::EmissionEntry>(feed(pipeline, {reading(meter_, begin + 15min, 1)}));
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].primary.emitted.co2e.quanta(), 400'000) << "the last word";
  feed(pipeline, {reading(feed_, begin, 410)});
  const auto& late = pipeline.state().points[static_cast<std::size_t>(meter_)].late;
  ASSERT_TRUE(late);
  EXPECT_EQ(late->earliest, begin);
}

TEST_F(LivePipeline, ALateValueMarksWhatItsAccountsCounted) {
  Pipeline pipeline = site_.pipeline();
  feed(pipeline, {reading(meter_, utc("2026-11-28 00:00"), 0), reading(meter_, utc("2026-11-28 03:00"), 12)});
  feed(pipeline, {reading(feed_, utc("2026-11-28 02:00"), 200), reading(feed_, utc("2026-11-28 00:50"), 100)});
  const auto& late = pipeline.state().points[static_cast<std::size_t>(meter_)].late;
  ASSERT_TRUE(late);
  EXPECT_EQ(late->earliest, utc("2026-11-28 01:00"));
  EXPECT_EQ(late->affects_until, utc("2026-11-28 03:00"));
  EXPECT_EQ(pipeline.statistics().late_factor_values, 2u);
}

}  // namespace
}  // namespace carbongate::pipeline

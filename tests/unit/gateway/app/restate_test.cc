// Corrections against a real store: what is computed again, from which readings, and why.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>

#include "drivers/api/kept_bits.h"
#include "tests/unit/gateway/app/restate_fixture.h"

namespace carbongate::app::restating {
namespace {

using model::Cause;
using model::EmissionEntry;
using model::Period;

TEST(Restate, ASliceThatEndsWithinAQuarterHourCorrectsItOnce) {
  TestSite site;
  const PointId counter = site.add("counter", Kind::cumulative, "kWh");
  Books books(site);
  std::vector<Reading> readings;
  for (int i = 0; i <= 4 * 24 * 60; i += 5) readings.push_back(at(counter, i * 1min + 1s, i * 0.1));
  books.hear(readings);
  const std::vector late{at(counter, 7min, 0.6), at(counter, 94h + 7min, 94 * 6 + 0.6)};
  books.hear(late);
  books.restate_late_data();
  for (const EmissionEntry& entry : books.entries()) {
    if (!entry.correction) continue;
    EXPECT_THAT((entry.begin - kStart) / 15min, ::testing::AnyOf(0, 94 * 4)) << "where a late reading lies";
    EXPECT_EQ(entry.correction->cause, Cause::late_data);
  }
}

TEST(Restate, LeavesAloneWhatItsReadingsNoLongerTellOf) {
  TestSite site;
  const PointId counter = site.add("counter", Kind::cumulative, "kWh");
  Books books(site);
  books.open(24h);
  std::vector<Reading> readings;
  for (int i = 0; i <= 4 * 24 * 60; ++i) readings.push_back(at(counter, i * 1min, i * 0.1));
  for (std::size_t i = 0; i < readings.size(); i += 500) {
    books.hear(std::span(readings).subspan(i, std::min<std::size_t>(500, readings.size() - i)));
  }
  const Recomputation found = books.look(books.everything(kStart - 1h));
  EXPECT_EQ(found.differences.size(), 0u);
  EXPECT_GT(found.out_of_reach, 200u);
  EXPECT_GT(found.entries, 90u);
  EXPECT_GT(found.reach.value_or(Instant{}), kStart + 48h);
}

// A logger that brings a morning of long ago: what else was heard then is gone all the same.
TEST(Restate, OfWhatIsLateNothingFollowsWhereTheReadingsAroundItAreGone) {
  for (const int late_ones : {1, 300}) {
    TestSite site;
    const std::vector<PointId> points = {site.add("counter", Kind::cumulative, "kWh"),
                                         site.add("power", Kind::instantaneous, "kW")};
    Books books(site);
    books.open(24h);
    for (int minute = 0; minute <= 4 * 24 * 60; minute += 250) {
      std::vector<Reading> readings;
      for (int i = minute; i < std::min(minute + 250, 4 * 24 * 60 + 1); ++i) {
        readings.push_back(at(points[0], i * 1min, i * 0.1));
        readings.push_back(at(points[1], i * 1min, 6));
      }
      books.hear(readings);
    }
    const auto before = books.known();
    std::vector<std::pair<Reading, Duration>> late;
    for (int i = 0; i < late_ones; ++i) {
      const Duration time = 5h + i * 1min + 1s;
      late.emplace_back(at(points[0], time, 30 + i * 0.1), 96h - time);
      late.emplace_back(at(points[1], time, 6), 96h - time);
    }
    books.hear_later(late);
    for (const Duration from : {-1h, 8h, 24h}) {
      const Recomputation found = books.look(books.everything(kStart + from));
      EXPECT_EQ(found.differences.size(), 0u) << late_ones << " late ones, from " << from / 1h << " h";
      EXPECT_GT(found.out_of_reach, 200u);
      EXPECT_GT(found.reach.value_or(Instant{}), kStart + 48h);
    }
    books.restate_late_data();
    EXPECT_EQ(books.known(), before);
  }
}

// A float whose words were taken the other way round was no number for an hour: its register was kept.
TEST(Restate, ByteOrderIsRepairedWhereTheWrongOneGaveNoNumber) {
  TestSite site;
  const PointId counter = site.add("counter", Kind::cumulative, "kWh");
  std::vector<Reading> right;
  std::vector<Reading> heard;
  for (unsigned i = 0; i < 100; ++i) {
    const std::uint32_t bits = 0x4788'7F90 + i;  // 69 887 kWh and on, by 0.0078
    right.push_back(at(counter, i * 1min, std::bit_cast<float>(bits)));
    heard.push_back(right.back());
    if (i < 20 || i >= 80) continue;
    heard.back().value = nan_that_keeps(bits << 16 | bits >> 16);
    heard.back().availability = Availability::not_available;
  }
  heard[50].value = std::nan("");  // of one nothing was kept
  right[50].value = std::nan("");
  Books expected(site);
  expected.hear(right);
  Books books(site);
  books.hear(heard);
  EXPECT_NE(books.known(), expected.known());
  Repair repair;
  repair.point = counter;
  repair.from = kStart + 20min;
  repair.until = kStart + 80min;
  repair.bytes = ByteRepair{.type = ByteRepair::Type::float32, .was = "cdab", .is = "abcd"};
  repair.reason = "word order";
  const std::vector repairs{repair};
  EXPECT_GT(books.book(books.everything(kStart - 1h), repairs), 0u);
  const KnownBooks known = books.known();
  const KnownBooks wanted = expected.known();
  ASSERT_EQ(known.size(), wanted.size());
  for (const auto& [key, of_quarter] : known) {
    EXPECT_EQ(of_quarter.amount, wanted.at(key).amount);
    EXPECT_EQ(of_quarter.covered, wanted.at(key).covered);
    EXPECT_NEAR(of_quarter.co2e_mg, wanted.at(key).co2e_mg, 1) << "a remainder is carried";
  }
  EXPECT_EQ(books.look(books.everything(kStart - 1h), repairs).not_repaired, 0u);
}

// What the instrument marked stays out, whatever it shows, and what was set by hand stays manual.
TEST(Restate, KeepsToTheFlagsOfTheReadings) {
  TestSite site;
  const PointId counter = site.add("counter", Kind::cumulative, "kWh");
  std::vector<Reading> heard;
  for (unsigned i = 0; i < 200; ++i) {
    heard.push_back(at(counter, i * 1min, 100 + i));
    if (i % 10 != 5) continue;
    heard.back().hj212_flag = "MDCTB?FS"[i / 10 % 8];
    if (heard.back().hj212_flag != 'F' && heard.back().hj212_flag != 'S') heard.back().value += 0.5;
  }
  Books books(site);
  books.hear(heard);
  EXPECT_EQ(books.book(books.everything(kStart - 1h), {}), 0u);
  std::erase_if(heard, [](const Reading& r) { return std::floor(r.value) != r.value; });
  Books expected(site);
  expected.hear(heard);
  // One in ten minutes, but for those with F and S.
  Duration unwatched{};
  for (const auto& [key, known] : expected.known()) {
    const Known found = books.known().at(key);
    EXPECT_EQ(found.amount, known.amount);
    unwatched += known.covered - found.covered;
  }
  EXPECT_EQ(unwatched, 15 * 1min);
}

TEST(Restate, ReadsBackToTheLastReadingHoweverFar) {
  TestSite site;
  const PointId counter = site.add("counter", Kind::cumulative, "kWh");
  const PointId busy = site.add("busy", Kind::cumulative, "kWh");
  Books books(site);
  std::vector<Reading> readings;
  for (int i = 0; i < 5; ++i) readings.push_back(at(counter, i * 7min, 10 + i));
  for (int i = 0; i < 3'000; ++i) readings.push_back(at(busy, 1h + i * 1min, i));
  readings.push_back(at(counter, 52h, 500));
  readings.push_back(at(counter, 53h, 501));
  books.hear(readings);
  EXPECT_EQ(books.look(books.everything(kStart + 30h)).differences.size(), 0u);
}

TEST(Restate, ADayIsMeasuredAgainWhenItsGapIsFilled) {
  TestSite site;
  const PointId counter = site.add("counter", Kind::cumulative, "kWh");
  Books books(site);
  std::vector<Reading> readings;
  std::vector<Reading> late;
  for (int i = 0; i <= 3 * 24 * 60; i += 5) {
    const bool in_gap = i > 26 * 60 && i < 29 * 60;
    (in_gap ? late : readings).push_back(at(counter, i * 1min, i * 0.1));
  }
  readings.insert(readings.end(), late.begin(), late.end());
  books.hear(readings);
  EXPECT_GT(books.restate_late_data(), 0u);
  auto history = store::History::open(books.path());
  std::vector<model::RollupRow> days;
  std::vector<model::RollupRow> open;
  const auto result = (*history)->each(store::History::What::rollups, {}, [&](const model::StoredRow& row) {
    const auto& rollup = row.body.get<model::RollupRow>();
    if (rollup.period == Period::day && rollup.revision != 0) days.push_back(rollup);
    if (rollup.period >= Period::month && row.sequence == 0) open.push_back(rollup);
    return true;
  });
  EXPECT_TRUE(result.has_value());
  ASSERT_EQ(days.size(), 1u);
  constexpr model::Quality kLate{model::Origin::late, model::Rule::out_of_order};
  EXPECT_EQ(days[0].quality, kLate) << "no longer estimated";
  EXPECT_EQ(days[0].valid_hours, 24u);
  EXPECT_EQ(days[0].validity, model::Validity::valid);
  ASSERT_EQ(open.size(), 2u);
  for (const model::RollupRow& period : open) {
    EXPECT_EQ(period.quality, kLate) << to_string(period.period);
    EXPECT_EQ(period.valid_hours, 72u) << to_string(period.period);
  }
}

// An intensity heard each hour prices the quarter hours; what is restated is priced by what was in force then.
TEST(Restate, PricesLateDataByTheLiveFactorsOfTheirTime) {
  TestSite site;
  const PointId counter = site.add("counter", Kind::cumulative, "kWh");
  const PointId intensity = site.add("intensity", Kind::instantaneous, "1");
  site.site.accounts.pop_back();
  model::LiveFactor live;
  live.source = intensity;
  live.like.set = "grid-live";
  live.like.carrier = "electricity";
  live.like.region = "CN-SC";
  live.like.method = "live";
  live.like.version = "live";
  live.like.unit_text = "gCO2/kWh";
  live.fallback = model::FactorChoice{"cn-grid", "CN-SC", "average"};
  site.site.live_factors.push_back(live);
  site.site.accounts[0].factor = model::FactorChoice{"grid-live", "CN-SC", "live"};
  Books books(site);
  std::vector<Reading> readings;
  std::vector<Reading> late;
  for (int i = 0; i <= 10 * 60; i += 5) {
    if (i % 60 == 0) readings.push_back(at(intensity, i * 1min, 100 + i));
    (i > 125 && i < 200 ? late : readings).push_back(at(counter, i * 1min, i * 0.1 + (i > 150 ? 40 : 0)));
  }
  books.hear(readings);
  EXPECT_EQ(books.look(books.everything(kStart - 1h)).differences.size(), 0u);
  books.hear(late);
  EXPECT_GT(books.restate_late_data(), 0u);
  EXPECT_EQ(books.look(books.everything(kStart - 1h)).differences.size(), 0u);
  for (const EmissionEntry& entry : books.entries()) {
    if (!entry.correction || entry.amount == model::Activity{}) continue;
    EXPECT_TRUE(entry.primary.factor_id.starts_with("grid-live/")) << entry.primary.factor_id;
    EXPECT_EQ(entry.amount.quanta() > 0, entry.primary.emitted.co2e.quanta() > 0);
  }
}

TEST(Restate, CallsLateOnlyWhatLateReadingsReach) {
  TestSite site;
  const PointId counter = site.add("counter", Kind::cumulative, "kWh");
  Books books(site);
  std::vector<Reading> readings;
  std::vector<Reading> late;
  for (int i = 0; i <= 24 * 60; i += 5) {
    (i > 600 && i < 640 ? late : readings).push_back(at(counter, i * 1min, i * 0.1 + (i > 620 ? 9 : 0)));
  }
  readings.insert(readings.end(), late.begin(), late.end());
  books.hear(readings);
  EXPECT_GT(books.restate_late_data(), 0u);
  site.site.points[0].limits.max = 100;  // the meter is believed less from now on
  const Recomputation found = books.look(books.everything(kStart - 1h));
  EXPECT_GT(found.differences.size(), 10u);
  for (const auto& difference : found.differences) {
    EXPECT_EQ(difference.amendment.correction.correction->cause, Cause::configuration);
  }
}

TEST(Restate, CutsLateDataIntoSlices) {
  const model::LateData late{.earliest = kStart, .affects_until = kStart + kLateSlice + 15min, .readings = 3};
  model::PointState state;
  state.late = late;
  const LateSlice first = late_slice(PointId{0}, state, kStart + kLateSlice);
  EXPECT_TRUE(first.closed);
  EXPECT_EQ(first.window.to, kStart + kLateSlice);
  ASSERT_TRUE(first.settled.left);
  EXPECT_EQ(first.settled.left->earliest, kStart + kLateSlice);
  state.late = first.settled.left;
  const LateSlice last = late_slice(PointId{0}, state, kStart + kLateSlice);
  EXPECT_FALSE(last.closed);
  EXPECT_FALSE(last.settled.left);
  EXPECT_EQ(last.window.to, late.affects_until);
}

TEST(Restate, LeavesTheQuarterHourThatGoesOn) {
  model::PointState state;
  state.late = {.earliest = kStart + 5min, .affects_until = kStart + 75min, .readings = 3};
  const LateSlice closed = late_slice(PointId{0}, state, kStart + 67min);
  EXPECT_TRUE(closed.closed);
  EXPECT_EQ(closed.window.to, kStart + 1h);
  const model::LateData left{.earliest = kStart + 1h, .affects_until = kStart + 75min, .readings = 3};
  EXPECT_EQ(closed.settled.left, left);
  state.late = left;
  const LateSlice open = late_slice(PointId{0}, state, kStart + 74min);
  EXPECT_FALSE(open.closed) << "nothing of it is";
  EXPECT_EQ(open.window.to, kStart + 75min);
  const LateSlice rest = late_slice(PointId{0}, state, kStart + 75min);
  EXPECT_TRUE(rest.closed);
  EXPECT_FALSE(rest.settled.left);
}

// The reading that they came behind lies many slices on.
TEST(Restate, ABacklogOfManyDaysIsLateDataFromItsBegin) {
  TestSite site;
  const PointId counter = site.add("counter", Kind::cumulative, "kWh");
  const PointId rate = site.add("rate", Kind::instantaneous, "kW");
  std::vector<Reading> readings;
  for (int i = 0; i <= 9 * 24 * 60; i += 5) {
    readings.push_back(at(counter, i * 1min, i * 0.1 + i % 7 * 0.05));
    readings.push_back(at(rate, i * 1min, i % 11));
  }
  Books in_order(site);
  in_order.hear(readings);
  Books books(site);
  std::ranges::rotate(readings.begin() + 100, readings.end() - 20, readings.end());
  books.hear(readings);
  EXPECT_GT(books.restate_late_data(), 1'000u);
  EXPECT_EQ(books.waiting(), 0u);
  const KnownBooks found = books.known();
  const KnownBooks expected = in_order.known();
  ASSERT_EQ(found.size(), expected.size());
  for (const auto& [key, known] : expected) {
    ASSERT_TRUE(found.contains(key));
    EXPECT_EQ(found.at(key).amount, known.amount);
    EXPECT_EQ(found.at(key).covered, known.covered);
  }
}

// Each is read for itself.
TEST(Restate, WindowsThatLieFarApartAreRestatedTogether) {
  TestSite site;
  const PointId counter = site.add("counter", Kind::cumulative, "kWh");
  const PointId rate = site.add("rate", Kind::instantaneous, "kW");
  std::vector<Reading> readings;
  for (int i = 0; i <= 20 * 24 * 60; i += 5) {
    readings.push_back(at(counter, i * 1min, i * 0.1 + i % 7 * 0.05));
    readings.push_back(at(rate, i * 1min, i % 11));
  }
  Books in_order(site);
  in_order.hear(readings);
  const auto lies_late = [&](const Reading& reading) {
    const Duration since = reading.at - kStart;
    return reading.point == counter ? since > 24h && since < 27h : since > 24h * 19 && since < 24h * 19 + 3h;
  };
  std::ranges::sort(readings, {}, [&](const Reading& r) { return std::tuple(lies_late(r), r.at, r.point); });
  Books books(site);
  for (std::size_t i = 0; i < readings.size(); i += 500) {
    books.hear(std::span(readings).subspan(i, std::min<std::size_t>(500, readings.size() - i)));
  }
  EXPECT_GT(books.restate_late_data(), 10u);
  const KnownBooks found = books.known();
  for (const auto& [key, known] : in_order.known()) {
    ASSERT_TRUE(found.contains(key));
    EXPECT_EQ(found.at(key).amount, known.amount);
    EXPECT_EQ(found.at(key).covered, known.covered);
  }
  EXPECT_EQ(books.look(books.everything()).differences.size(), 0u);
}

TEST(Restate, LateDataInTheMiddleOfAGapMovesEveryQuarterHourOfIt) {
  TestSite site;
  const PointId counter = site.add("counter", Kind::cumulative, "kWh");
  Books books(site);
  std::vector<Reading> readings;
  for (int i = 0; i < 60; ++i) readings.push_back(at(counter, i * 1min, i));
  readings.push_back(at(counter, 25h, 1'000));
  readings.push_back(at(counter, 26h, 1'010));
  readings.push_back(at(counter, 2h, 990));
  books.hear(readings);
  const std::size_t corrections = books.restate_late_data();
  EXPECT_GE(corrections, 90u);
  std::int64_t before = 0;
  for (const auto& [key, known] : books.known()) {
    if (key.second < kStart + 2h) before += known.amount;
  }
  EXPECT_EQ(before, 990'000'000);
  for (const EmissionEntry& entry : books.entries()) {
    if (entry.correction) EXPECT_EQ(entry.correction->cause, Cause::late_data);
  }
}

}  // namespace
}  // namespace carbongate::app::restating

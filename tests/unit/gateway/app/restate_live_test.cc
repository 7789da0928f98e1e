// Live factors that come late: whatever order their values are heard in, the accounts end where they would have been.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/rounds.h"
#include "tests/unit/gateway/app/restate_fixture.h"

namespace carbongate::app::restating {
namespace {

using model::Basis;
using model::Cause;
using model::EmissionEntry;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// One meter counted by a series with a fallback, one by a series of another point without, and by both market-based.
class LiveSite : public ::testing::Test {
 protected:
  LiveSite() {
    hourly_ = add_feed("hourly", "CN-SC", 2h);
    other_ = add_feed("other", "CN-BJ", 1h);
    site_.site.live_factors[0].fallback = model::FactorChoice{"cn-grid", "CN-SC", "average"};
    counter_ = add_meter("counter", "CN-SC", "CN-BJ");
    power_ = add_meter("power", "CN-BJ", "CN-SC");
  }
  PointId add_feed(const std::string& name, const std::string& region, Duration hold) {
    const PointId point = site_.add(name, Kind::instantaneous, "1");
    site_.site.accounts.pop_back();
    model::LiveFactor live;
    live.source = point;
    live.like.set = "grid-live";
    live.like.carrier = "electricity";
    live.like.region = region;
    live.like.method = "live";
    live.like.version = model::kLiveVersion;
    live.like.unit_text = "gCO2/kWh";
    live.hold = hold;
    site_.site.live_factors.push_back(live);
    return point;
  }
  PointId add_meter(const std::string& name, const std::string& region, const std::string& market) {
    const bool counts = name == "counter";
    const PointId point = site_.add(name, counts ? Kind::cumulative : Kind::instantaneous, counts ? "mWh" : "kW");
    site_.site.accounts.back().factor = model::FactorChoice{"grid-live", region, "live"};
    site_.site.accounts.back().market = model::FactorChoice{"grid-live", market, "live"};
    return point;
  }

  // Ten hours, a step each five minutes.
  std::vector<Reading> metered() const {
    std::vector<Reading> readings;
    for (int i = 0; i <= 600; i += 5) readings.push_back(at(counter_, i * 1min, i * 1'000.0));
    return readings;
  }
  static std::vector<const EmissionEntry*> corrections(const std::vector<EmissionEntry>& entries) {
    std::vector<const EmissionEntry*> found;
    for (const EmissionEntry& entry : entries) {
      if (entry.correction) found.push_back(&entry);
    }
    return found;
  }

  TestSite site_;
  PointId hourly_{};
  PointId other_{};
  PointId counter_{};
  PointId power_{};
};

TEST_F(LiveSite, AValueThatComesAfterItsTimeCorrectsWhatWasCountedByTheFallback) {
  site_.site.accounts[0].market.reset();
  Books books(site_);
  books.hear(metered());
  books.hear(std::vector{at(hourly_, 2h, 400)});
  EXPECT_EQ(books.restate_late_data(), 9u) << "two hours of it, and the one that begins then";
  const auto entries = books.entries();
  for (const EmissionEntry* entry : corrections(entries)) {
    EXPECT_GE(entry->begin, kStart + 2h);
    EXPECT_LE(entry->begin, kStart + 4h);
    EXPECT_EQ(entry->amount, model::Activity{});
    EXPECT_EQ(entry->correction->cause, Cause::late_data);
    EXPECT_EQ(entry->correction->note,
              "late values of meter.hourly: cn-grid/CN-SC/average/2023 2025-12-31 -> "
              "grid-live/CN-SC/live/2026-03-01T02:00Z live");
    EXPECT_EQ(entry->primary.factor_id, "grid-live/CN-SC/live/2026-03-01T02:00Z");
  }
  const auto known = books.known();
  EXPECT_EQ(known.at({"counter-user", kStart + 2h}).co2e_mg, 15 * 400);
  EXPECT_EQ(books.look(books.everything(kStart - 1h)).differences.size(), 0u) << "nothing is left to correct";
  EXPECT_EQ(books.restate_late_data(), 0u);
}

TEST_F(LiveSite, ALateValueBetweenTwoTakesItsPlace) {
  Books books(site_);
  books.hear(std::vector{at(hourly_, 0h, 300), at(hourly_, 2h, 500)});
  books.hear(metered());
  books.hear(std::vector{at(hourly_, 1h, 400)});
  EXPECT_EQ(books.restate_late_data(), 4u);
  const auto known = books.known();
  for (int quarter = 0; quarter < 16; ++quarter) {
    const int hour = quarter / 4;
    EXPECT_EQ(known.at({"counter-user", kStart + quarter * 15min}).co2e_mg, 15 * (hour == 0   ? 300
                                                                                  : hour == 1 ? 400
                                                                                              : 500))
        << quarter;
  }
}

TEST_F(LiveSite, ARevisedValueCorrectsWhatWasCountedByTheFirst) {
  site_.site.accounts[0].market.reset();
  for (const bool by_hand : {false, true}) {
    Books books(site_);
    books.hear(std::vector{at(hourly_, 0h, 400.3), at(hourly_, 2h, 500)});
    books.hear(metered());
    books.hear(std::vector{at(hourly_, 0h, 410.7)});
    EXPECT_EQ(by_hand ? books.book(books.everything(kStart - 1h)) : books.restate_late_data(), 8u);
    auto entries = books.entries();
    for (const EmissionEntry* entry : corrections(entries)) {
      EXPECT_LT(entry->begin, kStart + 2h);
      EXPECT_EQ(entry->amount, model::Activity{});
      EXPECT_EQ(entry->correction->cause, Cause::late_data);
      EXPECT_EQ(entry->correction->note,
                "revised value of meter.hourly: grid-live/CN-SC/live/2026-03-01T00:00Z is 410.7 gCO2/kWh");
    }
    books.hear(std::vector{at(hourly_, 0h, 420.9)});
    EXPECT_EQ(by_hand ? books.book(books.everything(kStart - 1h)) : books.restate_late_data(), 8u) << "and again";
    EXPECT_EQ(books.look(books.everything(kStart - 1h)).differences.size(), 0u);
    const auto known = books.known();
    for (int quarter = 0; quarter < 16; ++quarter) {
      EXPECT_NEAR(static_cast<double>(known.at({"counter-user", kStart + quarter * 15min}).co2e_mg),
                  15 * (quarter < 8 ? 420.9 : 500), 3)
          << quarter;
    }
    Books expected(site_);
    expected.hear(std::vector{at(hourly_, 0h, 420.9), at(hourly_, 2h, 500)});
    expected.hear(metered());
    const auto& a = expected.state().accounts[0].emissions[Basis::primary];
    const auto& b = books.state().accounts[0].emissions[Basis::primary];
    EXPECT_EQ(a.total.co2e, b.total.co2e) << "to the last unit";
    EXPECT_EQ(a.co2e_remainder, b.co2e_remainder);
  }
}

TEST_F(LiveSite, WithoutFallbackALateValueGivesTheEntryItsFactor) {
  Books books(site_);
  std::vector<Reading> readings;
  for (int i = 0; i <= 120; i += 5) readings.push_back(at(power_, i * 1min, 1));
  books.hear(readings);
  EXPECT_EQ(books.entries().front().quality.rule, model::Rule::no_factor);
  books.hear(std::vector{at(other_, 0h, 400)});
  EXPECT_GT(books.restate_late_data(), 0u);
  const auto entries = books.entries();
  ASSERT_EQ(corrections(entries).size(), 5u);
  EXPECT_EQ(corrections(entries).front()->correction->cause, Cause::late_data);
  EXPECT_THAT(corrections(entries).front()->correction->note, HasSubstr("none -> grid-live/CN-BJ/live/"));
  EXPECT_EQ(corrections(entries).front()->quality, model::Quality{});
  EXPECT_EQ(corrections(entries).front()->primary.emitted.co2e.quanta(), 100'000) << "0.25 kWh";
}

TEST_F(LiveSite, LimitsOfNowTakeBackWhatNoLongerPasses) {
  Books books(site_);
  books.hear(std::vector{at(hourly_, 0h, 300), at(hourly_, 1h, 1e9)});
  books.hear(metered());
  site_.site.points[index(hourly_)].limits.max = 5'000;
  EXPECT_EQ(books.restate_late_data(), 0u);
  EXPECT_GT(books.book(books.everything(kStart - 1h)), 0u);
  const auto entries = books.entries();
  for (const EmissionEntry* entry : corrections(entries)) {
    EXPECT_EQ(entry->correction->cause, Cause::factor);
    EXPECT_THAT(entry->correction->note, HasSubstr("grid-live/CN-SC/live/2026-03-01T01:00Z live -> "));
  }
  EXPECT_EQ(books.known().at({"counter-user", kStart + 1h}).co2e_mg, 15 * 300);
  EXPECT_EQ(books.known().at({"counter-user", kStart + 2h}).co2e_mg, 15 * 300) << "just as old as it may be";
  EXPECT_EQ(books.known().at({"counter-user", kStart + 2h + 15min}).co2e_mg, 2'346) << "the fallback";
}

TEST_F(LiveSite, AValueThatIsRepairedSaysSo) {
  Books books(site_);
  books.hear(std::vector{at(hourly_, 0h, 0.3)});
  books.hear(metered());
  Repair repair;
  repair.point = hourly_;
  repair.from = kStart - 1h;
  repair.until = kStart + 1h;
  repair.scale = 1'000;
  repair.reason = "kg, not g";
  const std::vector repairs{repair};
  EXPECT_GT(books.book(books.everything(kStart - 1h), repairs), 0u);
  const auto entries = books.entries();
  ASSERT_FALSE(corrections(entries).empty());
  for (const EmissionEntry* entry : corrections(entries)) {
    EXPECT_EQ(entry->correction->cause, Cause::configuration);
    EXPECT_EQ(entry->correction->note, "kg, not g");
  }
  EXPECT_EQ(books.known().at({"counter-user", kStart}).co2e_mg, 15 * 300);
}

TEST_F(LiveSite, WhatTheJournalNoLongerHasIsTakenFromWhatIsRemembered) {
  Books books(site_);
  books.open(24h);
  std::vector<Reading> readings;
  for (int i = 0; i <= 4 * 24 * 60; ++i) {
    if (i % 60 == 0) readings.push_back(at(hourly_, i * 1min, 100 + i / 60));
    readings.push_back(at(counter_, i * 1min, i * 100.0));
  }
  for (std::size_t i = 0; i < readings.size(); i += 500) {
    books.hear(std::span(readings).subspan(i, std::min<std::size_t>(500, readings.size() - i)));
  }
  const Recomputation found = books.look(books.everything(kStart - 1h));
  EXPECT_EQ(found.differences.size(), 0u);
  EXPECT_GT(found.out_of_reach, 200u);
  EXPECT_GT(found.entries, 90u);
}

// The register passes what the late reading shows an hour behind what the gateway had counted: until there it is in
// doubt, and what it counts there is of hours whose values lie behind the window, in the journal too.
TEST_F(LiveSite, WhatIsDecidedBehindTheWindowIsCountedByTheValuesOfItsOwnHours) {
  const auto value = [](std::int64_t hour) { return 100.0 * static_cast<double>(hour + 1); };
  std::vector<Reading> readings = metered();
  for (std::int64_t hour = 0; hour < 10; ++hour) {
    readings.push_back(at(hourly_, hour * 1h, value(hour)));
    readings.push_back(at(other_, hour * 1h, 2 * value(hour)));
  }
  std::ranges::sort(readings, {}, [](const Reading& r) { return std::pair(r.at, r.point); });
  const auto hear = [&](Books& books, Instant late_at) {
    const Reading late = at(counter_, 158min, 205'500);
    for (const Reading& reading : readings) {
      books.hear({&reading, 1});
      if (reading.at == late_at) books.hear({&late, 1});
    }
  };
  Books books(site_);
  hear(books, kStart + 160min);
  EXPECT_GT(books.restate_late_data(), 0u);
  EXPECT_EQ(books.waiting(), 0u);
  Books in_order(site_);
  hear(in_order, kStart + 155min);
  const auto expected = in_order.known();
  std::size_t behind = 0;
  for (const auto& [key, known] : books.known()) {
    const auto quarter = expected.find(key);
    ASSERT_NE(quarter, expected.end());
    const auto minutes = (key.second - kStart) / 1min;
    EXPECT_EQ(known.amount, quarter->second.amount) << minutes;
    const double co2e = static_cast<double>(known.amount) * value(minutes / 60) / 1'000;
    EXPECT_NEAR(static_cast<double>(known.co2e_mg), co2e, 3) << minutes;
    EXPECT_NEAR(static_cast<double>(known.market_mg), 2 * co2e, 3) << minutes;
    behind += minutes >= 180 && known.amount != 15'000;
  }
  EXPECT_GT(behind, 0u) << "quarter hours of another hour, which were corrected";
  EXPECT_EQ(books.look(books.everything(kStart - 1h)).differences.size(), 0u);
}

class AnyOrderOfValues : public LiveSite, public ::testing::WithParamInterface<unsigned> {
 protected:
  struct Heard {
    Reading reading;
    Instant arrives;
    std::size_t order = 0;
  };
  // Two days of both meters, values at any time and of any digits, now and then the same again, or revised; and of some
  // nothing for longer than they hold.
  std::vector<Reading> make(Random& random, bool revised = false) const {
    std::vector<Reading> readings = make_readings(random, std::vector{counter_}, 48h);
    for (Duration time{}; time < 48h;) {
      readings.push_back(at(power_, time, static_cast<double>(random.below(40'000)) / 7));
      time += Duration(20'000 + random.below(600'000));
    }
    for (const PointId feed : {hourly_, other_}) {
      double value = 400;
      for (Duration time{}; time < 46h;) {  // none holds for the quarter hour that stays open
        if (!random.one_in(4)) value = static_cast<double>(random.below(1'000'000)) / 997;
        readings.push_back(at(feed, time, value));
        time += random.one_in(8) ? Duration(random.below(4 * 3'600'000)) : Duration(1 + random.below(3'600'000));
        if (random.one_in(2)) time = time / 15min * 15min + 15min;
      }
    }
    for (int i = 0; i < 24; ++i) {
      readings.push_back(at(counter_, 48h + i * 5min, 4e9));
      readings.push_back(at(power_, 48h + i * 5min, 5));
    }
    std::ranges::sort(readings, {}, [](const Reading& r) { return std::pair(r.at, r.point); });
    if (!revised) return readings;
    std::vector<Reading> all;
    for (const Reading& reading : readings) {
      all.push_back(reading);
      if (reading.point >= counter_ || !random.one_in(6)) continue;
      all.push_back(reading);
      all.back().value = static_cast<double>(random.below(1'000'000)) / 997;
    }
    return all;
  }
  // What was said of one instant stays in its order: the last word counts.
  static std::vector<Reading> shuffled(Random& random, const std::vector<Reading>& readings, bool meters_too,
                                       PointId first_meter) {
    std::vector<Heard> heard;
    std::map<std::pair<PointId, Instant>, Instant> said;
    for (const Reading& reading : readings) {
      const bool delays = reading.point < first_meter || (meters_too && reading.at < kStart + 44h);
      const Duration delay = !delays || random.one_in(3) ? Duration(0) : Duration(random.below(6 * 3'600'000));
      Instant& arrives = said.try_emplace({reading.point, reading.at}, Instant::min()).first->second;
      arrives = std::max(arrives, reading.at + delay);
      heard.push_back({reading, arrives, heard.size()});
    }
    std::ranges::sort(heard, {},
                      [](const Heard& h) { return std::tuple(h.arrives, h.reading.at, h.reading.point, h.order); });
    std::vector<Reading> order;
    for (const Heard& h : heard) order.push_back(h.reading);
    return order;
  }
  static void expect_equal(Books& expected, Books& found) {
    for (std::size_t i = 0; i < expected.state().accounts.size(); ++i) {
      const model::AccountState& a = expected.state().accounts[i];
      const model::AccountState& b = found.state().accounts[i];
      EXPECT_EQ(a.amount, b.amount) << i;
      for (const Basis basis : model::kBases) {
        EXPECT_EQ(a.emissions[basis].total.co2e, b.emissions[basis].total.co2e) << i;
        EXPECT_EQ(a.emissions[basis].total.gases, b.emissions[basis].total.gases) << i;
        EXPECT_EQ(a.emissions[basis].co2e_remainder, b.emissions[basis].co2e_remainder) << i;
      }
    }
    const KnownBooks known = found.known();
    for (const auto& [key, quarter] : expected.known()) {
      ASSERT_TRUE(known.contains(key));
      EXPECT_NEAR(static_cast<double>(quarter.co2e_mg), static_cast<double>(known.at(key).co2e_mg), 4) << key.first;
      EXPECT_NEAR(static_cast<double>(quarter.market_mg), static_cast<double>(known.at(key).market_mg), 4);
    }
  }
};
INSTANTIATE_TEST_SUITE_P(Seeds, AnyOrderOfValues, ::testing::Range(1u, 1u + static_cast<unsigned>(rounds(20))));

TEST_P(AnyOrderOfValues, GivesTheSameTotalsToTheLastUnit) {
  Random random(GetParam());
  const std::vector<Reading> readings = make(random);
  Books expected(site_);
  expected.hear(readings);
  EXPECT_EQ(expected.restate_late_data(), 0u);
  EXPECT_EQ(expected.look(expected.everything(kStart - 1h)).differences.size(), 0u) << "in order: nothing to correct";

  for (const bool meters_too : {false, true}) {
    Books found(site_);
    found.hear(shuffled(random, readings, meters_too, counter_));
    const std::size_t corrections = found.restate_late_data();
    EXPECT_GT(corrections, 0u);
    const Recomputation again = found.look(found.everything(kStart - 1h));
    EXPECT_EQ(again.differences.size(), 0u) << "late data correct themselves";
    for (const auto& difference : again.differences) {
      ADD_FAILURE() << difference.amendment.correction.correction->note << " " << (difference.begin - kStart) / 1min;
    }
    expect_equal(expected, found);
    for (const EmissionEntry& entry : found.entries()) {
      if (entry.correction) EXPECT_EQ(entry.correction->cause, Cause::late_data) << entry.correction->note;
    }
  }
}

// What is below the milligram stays where one of two values of the same name would have left it.
TEST_P(AnyOrderOfValues, TheLastWordOfEachInstantCounts) {
  Random random(GetParam() + 200);
  const std::vector<Reading> readings = make(random, true);
  Books expected(site_);
  expected.hear(readings);
  EXPECT_EQ(expected.restate_late_data(), 0u);
  EXPECT_EQ(expected.look(expected.everything(kStart - 1h)).differences.size(), 0u) << "in order: nothing to correct";
  for (const bool by_hand : {false, true}) {
    Books found(site_);
    found.hear(shuffled(random, readings, false, counter_));
    EXPECT_GT(by_hand ? found.book(found.everything(kStart - 1h)) : found.restate_late_data(), 0u);
    EXPECT_EQ(found.look(found.everything(kStart - 1h)).differences.size(), 0u);
    for (std::size_t i = 0; i < expected.state().accounts.size(); ++i) {
      for (const Basis basis : model::kBases) {
        const auto total = [&](Books& books) { return books.state().accounts[i].emissions[basis].total.co2e.quanta(); };
        EXPECT_NEAR(static_cast<double>(total(expected)), static_cast<double>(total(found)), 4) << i;
      }
    }
    const KnownBooks known = found.known();
    for (const auto& [key, quarter] : expected.known()) {
      ASSERT_TRUE(known.contains(key));
      EXPECT_NEAR(static_cast<double>(quarter.co2e_mg), static_cast<double>(known.at(key).co2e_mg), 4) << key.first;
    }
    for (const EmissionEntry& entry : found.entries()) {
      if (entry.correction) EXPECT_EQ(entry.correction->cause, Cause::late_data) << entry.correction->note;
    }
  }
}

// The same by hand: nothing was corrected while the gateway ran.
TEST_P(AnyOrderOfValues, RestateFindsAllOfIt) {
  Random random(GetParam() + 100);
  const std::vector<Reading> readings = make(random);
  Books expected(site_);
  expected.hear(readings);
  Books found(site_);
  found.hear(shuffled(random, readings, false, counter_));
  EXPECT_GT(found.book(found.everything(kStart - 1h)), 0u);
  expect_equal(expected, found);
}

}  // namespace
}  // namespace carbongate::app::restating

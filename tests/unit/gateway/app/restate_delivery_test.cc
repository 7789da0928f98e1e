// Whatever order readings come in, the accounts end where they would have been.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/rounds.h"
#include "tests/unit/gateway/app/restate_fixture.h"

namespace carbongate::app::restating {
namespace {

using model::Basis;
using model::EmissionEntry;

class AnyDelivery : public ::testing::TestWithParam<unsigned> {
 protected:
  AnyDelivery() {
    points_ = {site_.add("counter", Kind::cumulative, "mWh"), site_.add("amounts", Kind::interval, "mWh"),
               site_.add("power", Kind::instantaneous, "kW")};
  }

  // What both runs hear at the end, in order: closes every quarter hour that was open.
  std::vector<Reading> ending(std::span<const Reading> readings) const {
    std::vector<Reading> last;
    for (int i = 1; i <= 12; ++i) {
      for (const PointId point : points_) {
        const auto newest = std::ranges::find(readings.rbegin(), readings.rend(), point, &Reading::point);
        Reading next = *newest;
        next.at = readings.back().at + i * 5min;
        last.push_back(next);
      }
    }
    return last;
  }

  // Same amounts and coverage in every quarter hour; CO2e of each to the carried remainder, and exactly in sum.
  static void expect_equal(Books& expected, Books& found) {
    const KnownBooks a = expected.known();
    const KnownBooks b = found.known();
    std::map<std::string, std::int64_t> sum_a;
    std::map<std::string, std::int64_t> sum_b;
    for (const auto& [key, known] : a) {
      const auto other = b.find(key);
      ASSERT_NE(other, b.end()) << key.first << " " << key.second.time_since_epoch().count() << " " << known.amount;
      EXPECT_EQ(known.amount, other->second.amount) << key.first << " " << (key.second - kStart) / 1min;
      EXPECT_EQ(known.covered, other->second.covered) << key.first << " " << (key.second - kStart) / 1min;
      EXPECT_NEAR(static_cast<double>(known.co2e_mg), static_cast<double>(other->second.co2e_mg), 4);
      EXPECT_NEAR(static_cast<double>(known.coal_mg), static_cast<double>(other->second.coal_mg), 4);
      EXPECT_NEAR(static_cast<double>(known.market_mg), static_cast<double>(other->second.market_mg), 4);
      sum_a[key.first] += known.co2e_mg;
    }
    EXPECT_EQ(a.size(), b.size());
    for (const auto& [key, known] : b) sum_b[key.first] += known.co2e_mg;
    for (std::size_t i = 0; i < expected.state().accounts.size(); ++i) {
      EXPECT_EQ(expected.state().accounts[i].amount, found.state().accounts[i].amount);
      EXPECT_EQ(expected.state().accounts[i].emissions[Basis::primary].total.co2e,
                found.state().accounts[i].emissions[Basis::primary].total.co2e);
      EXPECT_EQ(expected.state().accounts[i].emissions[Basis::market].total.co2e,
                found.state().accounts[i].emissions[Basis::market].total.co2e);
      EXPECT_EQ(expected.state().accounts[i].coal, found.state().accounts[i].coal);
    }
    found.expect_sums_of_entries();
    const auto rollups_a = expected.rollups();
    const auto rollups_b = found.rollups();
    EXPECT_EQ(rollups_a.size(), rollups_b.size());
    for (const auto& [key, known] : rollups_a) {
      const auto other = rollups_b.find(key);
      ASSERT_NE(other, rollups_b.end()) << std::get<0>(key) << " " << to_string(std::get<1>(key));
      EXPECT_EQ(known.amount, other->second.amount) << std::get<0>(key) << " " << to_string(std::get<1>(key));
      EXPECT_EQ(known.covered, other->second.covered) << std::get<0>(key) << " " << to_string(std::get<1>(key));
      EXPECT_EQ(known.valid_hours, other->second.valid_hours) << std::get<0>(key) << " " << to_string(std::get<1>(key));
      EXPECT_EQ(known.validity, other->second.validity) << std::get<0>(key) << " " << to_string(std::get<1>(key));
    }
    // Entries of the open quarter hour are not there yet: the sums are those of the accounts less what is open.
    for (const auto& [user, co2e_mg] : sum_a)
      EXPECT_NEAR(static_cast<double>(co2e_mg), static_cast<double>(sum_b[user]), 1);
  }

  TestSite site_;
  std::vector<PointId> points_;
};
INSTANTIATE_TEST_SUITE_P(Seeds, AnyDelivery, ::testing::Range(1u, 1u + static_cast<unsigned>(rounds(30))));

TEST_P(AnyDelivery, GivesTheSameAccounts) {
  Random random(GetParam());
  const auto readings = make_readings(random, points_, 30h);
  const auto last = ending(readings);
  Books in_order(site_);
  in_order.hear(readings);
  in_order.hear(last);

  // Late by up to a day, some twice, in batches of any size, restated now and then.
  std::vector<std::pair<Instant, Reading>> heard;
  const Duration lateness = GetParam() % 3 == 0 ? 48h : GetParam() % 3 == 1 ? 20min : 6h;
  for (const Reading& reading : readings) {
    const bool late = random.one_in(4);
    heard.emplace_back(reading.at + (late ? Duration(random.below(lateness.count())) : 0ms), reading);
    if (random.one_in(10)) heard.emplace_back(reading.at + Duration(random.below(lateness.count())), reading);
  }
  std::ranges::sort(heard, {},
                    [](const auto& item) { return std::tuple(item.first, item.second.at, item.second.point); });
  Books shuffled(site_);
  std::vector<Reading> batch;
  for (const auto& [when, reading] : heard) {
    batch.push_back(reading);
    if (!random.one_in(40)) continue;
    shuffled.hear(batch);
    batch.clear();
    if (random.one_in(3)) shuffled.restate_late_data();
    if (random.one_in(10)) shuffled.open();  // a restart
  }
  shuffled.hear(batch);
  shuffled.hear(last);
  shuffled.restate_late_data();
  expect_equal(in_order, shuffled);
  // Intervals stay as first counted; entries, as known now, are what the counter moved.
  const auto first = std::ranges::find(readings, points_[0], &Reading::point);
  std::int64_t counted =
      shuffled.state().accounts[0].open[0] ? shuffled.state().accounts[0].open[0]->amount.quanta() : 0;
  for (const auto& [key, known] : shuffled.known()) counted += key.first == "counter-user" ? known.amount : 0;
  EXPECT_EQ(counted, static_cast<std::int64_t>(last[last.size() - points_.size()].value - first->value));
  EXPECT_EQ(shuffled.restate_late_data(), 0u);
  const Recomputation again = shuffled.look(shuffled.everything(kStart - 24h));
  EXPECT_EQ(again.differences.size(), 0u);
  for (const auto& point : shuffled.state().points) EXPECT_FALSE(point.late.has_value());
}

TEST_P(AnyDelivery, WhatWasInOrderIsNothingToCorrect) {
  Random random(GetParam() + 1000);
  const auto readings = make_readings(random, points_, 40h);
  Books books(site_);
  books.hear(readings);
  for (int i = 0; i < 5; ++i) {
    const Instant from = kStart + Duration(random.below(40 * 3'600'000));
    const Recomputation found = books.look(books.everything(from));
    EXPECT_EQ(found.differences.size(), 0u) << "from " << (from - kStart) / 1min;
  }
}

// A counter that goes wrong now and then: unreadable, unplausible, exchanged.
TEST_P(AnyDelivery, ATroubledCounterEndsTheSame) {
  Random random(GetParam() + 2000);
  std::vector<Reading> readings;
  std::int64_t total = 5'000'000'000;
  for (Duration time{}; time < 20h; time += Duration(60'000 + random.below(240'000))) {
    total += random.below(3'000'000);
    if (random.one_in(150)) total = 0;
    double value = static_cast<double>(total);
    if (random.one_in(60)) value = 0;
    if (random.one_in(60)) value *= 1'000;
    readings.push_back(at(points_[0], time, value));
  }
  for (int i = 0; i < 30; ++i) {
    total += 1'000'000;
    readings.push_back(at(points_[0], 20h + i * 2min, static_cast<double>(total)));
  }
  Books in_order(site_);
  in_order.hear(readings);
  std::vector<std::pair<Instant, Reading>> heard;
  for (std::size_t i = 0; i < readings.size(); ++i) {
    const bool late = i + 30 < readings.size() && random.one_in(8);
    heard.emplace_back(readings[i].at + (late ? Duration(random.below(3 * 3'600'000)) : 0ms), readings[i]);
  }
  std::ranges::sort(heard, {}, [](const auto& item) { return std::pair(item.first, item.second.at); });
  Books shuffled(site_);
  for (const auto& [when, reading] : heard) {
    shuffled.hear({&reading, 1});
    if (random.one_in(50)) shuffled.restate_late_data();
  }
  shuffled.restate_late_data();
  const KnownBooks expected = in_order.known();
  const KnownBooks found = shuffled.known();
  for (const auto& [key, known] : expected) {
    const auto other = found.find(key);
    ASSERT_NE(other, found.end());
    EXPECT_EQ(known.amount, other->second.amount) << (key.second - kStart) / 1min;
  }
  EXPECT_EQ(expected.size(), found.size());
  EXPECT_EQ(shuffled.look(shuffled.everything(kStart - 1h)).differences.size(), 0u);
}

// The register cannot be read at the end: its last step waits, and readings from before it come late.
TEST_P(AnyDelivery, AStepThatWaitsHidesNothing) {
  Random random(GetParam() + 3000);
  site_.site.points[0].limits.power_max_w = 100e3;
  std::vector<Reading> readings;
  std::int64_t total = 5'000'000'000;
  for (int minute = 0; minute < 150; ++minute) {
    readings.push_back(at(points_[0], minute * 1min, minute < 140 ? static_cast<double>(total) : 0.0));
    total += random.below(1'500'000);
  }
  Books in_order(site_);
  in_order.hear(readings);
  std::vector<std::pair<Instant, Reading>> heard;
  for (std::size_t i = 0; i < readings.size(); ++i) {
    const bool late = i != 0 && random.one_in(1 + GetParam() % 4);
    heard.emplace_back(readings[i].at + (late ? Duration(random.below(3 * 3'600'000)) : 0ms), readings[i]);
  }
  std::ranges::sort(heard, {}, [](const auto& item) { return std::pair(item.first, item.second.at); });
  Books shuffled(site_);
  for (const auto& [when, reading] : heard) shuffled.hear({&reading, 1});
  shuffled.restate_late_data();
  EXPECT_TRUE(shuffled.state().points[0].counter.pending);
  EXPECT_EQ(in_order.state().points[0].counter.baseline, shuffled.state().points[0].counter.baseline);
  const KnownBooks expected = in_order.known();
  const KnownBooks found = shuffled.known();
  EXPECT_EQ(expected.size(), 9u);
  EXPECT_EQ(found.size(), 9u);
  for (const auto& [key, known] : expected) {
    const auto other = found.find(key);
    ASSERT_NE(other, found.end());
    EXPECT_EQ(known.amount, other->second.amount) << (key.second - kStart) / 1min;
  }
}

// A gas meter whose volume is converted by a temperature, and a sum of two counters; nothing else is accounted.
class AnyDeliveryOfInputs : public ::testing::TestWithParam<unsigned> {
 protected:
  AnyDeliveryOfInputs() {
    for (const auto& [name, kind, unit] :
         {std::tuple{"incomer", Kind::cumulative, "mWh"}, std::tuple{"press", Kind::cumulative, "mWh"},
          std::tuple{"gas", Kind::cumulative, "L"}, std::tuple{"celsius", Kind::instantaneous, "°C"}}) {
      inputs_.push_back(site_.add(name, kind, unit));
    }
    site_.site.accounts.clear();
    derive("rest", Kind::interval, "mWh", "electricity", model::Formula::sum,
           {{.role = model::Role::term, .point = inputs_[0]},
            {.role = model::Role::term, .point = inputs_[1], .weight = -1}});
    derive("normal", Kind::cumulative, "Nm3", "natural-gas", model::Formula::gas_at_reference,
           {{.role = model::Role::volume, .point = inputs_[2]},
            {.role = model::Role::temperature, .point = inputs_[3]},
            {.role = model::Role::gauge_pressure, .point = {}, .constant = 3'000},
            {.role = model::Role::barometric, .point = {}, .constant = 95'800}});
  }

  void derive(std::string name, Kind kind, std::string_view unit, std::string_view carrier, model::Formula formula,
              std::vector<model::DerivedInput> from) {
    const PointId result = site_.add(std::move(name), kind, unit, carrier);
    site_.site.points.back().computed = true;
    site_.site.points.back().limits.min = -1e15;
    site_.site.derived.push_back({.result = result, .formula = formula, .inputs = std::move(from), .max_age = 1h});
  }

  std::vector<Reading> readings(Random& random, Duration length) const {
    std::vector<Reading> all;
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      std::int64_t counter = 1'000'000'000;
      for (Duration time = Duration(i); time < length; time += Duration(30'000 + 4 * random.below(60'000))) {
        counter += random.below(300'000);
        all.push_back(at(inputs_[i], time,
                         i == 3 ? 5 + static_cast<double>(random.below(300)) / 10 : static_cast<double>(counter)));
      }
    }
    std::ranges::sort(all, {}, &Reading::at);
    return all;
  }

  TestSite site_;
  std::vector<PointId> inputs_;
};
INSTANTIATE_TEST_SUITE_P(Seeds, AnyDeliveryOfInputs, ::testing::Range(1u, 1u + static_cast<unsigned>(rounds(10))));

TEST_P(AnyDeliveryOfInputs, GivesTheSameAccountsOfWhatIsDerived) {
  Random random(GetParam());
  const auto all = readings(random, 12h);
  Books in_order(site_);
  in_order.hear(all);
  EXPECT_EQ(in_order.look(in_order.everything(kStart - 24h)).differences.size(), 0u);

  std::vector<std::pair<Instant, Reading>> heard;
  for (const Reading& reading : all) {
    const bool late = reading.at < kStart + 10h && random.one_in(5);
    heard.emplace_back(reading.at + (late ? Duration(random.below(3'600'000)) : 0ms), reading);
  }
  std::ranges::sort(heard, {}, [](const auto& item) { return std::tuple(item.first, item.second.at); });
  Books shuffled(site_);
  std::size_t corrections = 0;
  for (const auto& [when, reading] : heard) {
    shuffled.hear({&reading, 1});
    if (random.one_in(200)) corrections += shuffled.restate_late_data();
  }
  corrections += shuffled.restate_late_data();
  EXPECT_GT(corrections, 20u);
  const KnownBooks expected = in_order.known();
  const KnownBooks found = shuffled.known();
  EXPECT_GT(expected.size(), 80u);
  std::map<std::string, std::int64_t> off;
  for (const auto& [key, known] : expected) {
    const auto other = found.find(key);
    ASSERT_NE(other, found.end()) << key.first << " " << (key.second - kStart) / 1min;
    EXPECT_EQ(known.amount, other->second.amount) << key.first << " " << (key.second - kStart) / 1min;
    EXPECT_EQ(known.covered, other->second.covered) << key.first << " " << (key.second - kStart) / 1min;
    off[key.first] += known.amount - other->second.amount;
  }
  EXPECT_EQ(off["rest-user"], 0);
  EXPECT_EQ(expected.size(), found.size());
  EXPECT_EQ(shuffled.look(shuffled.everything(kStart - 24h)).differences.size(), 0u);
}

TEST_P(AnyDeliveryOfInputs, ARepairOfAnInputReachesWhatIsDerivedFromIt) {
  Random random(GetParam() + 100);
  const auto all = readings(random, 6h);
  Books right(site_);
  right.hear(all);
  std::vector<Reading> wrong = all;
  for (Reading& reading : wrong) {
    if (reading.point == inputs_[1] && reading.at >= kStart + 2h) reading.value *= 10;
  }
  Books books(site_);
  books.hear(wrong);
  EXPECT_NE(books.known(), right.known());
  Repair repair;
  repair.point = inputs_[1];
  repair.from = kStart + 2h;
  repair.reason = "scale 10 times too large";
  repair.scale = 0.1;
  const std::vector repairs{repair};
  EXPECT_GT(books.book(books.everything(kStart - 1h), repairs), 0u);
  for (const EmissionEntry& entry : books.entries()) {
    if (entry.correction) EXPECT_EQ(entry.correction->note, repair.reason);
  }
  EXPECT_EQ(books.look(books.everything(kStart - 1h), repairs).differences.size(), 0u);
}

}  // namespace
}  // namespace carbongate::app::restating

// Readings that were rejected: what of the time was watched, whatever order they come in.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "gateway/app/window_readings.h"
#include "tests/support/rounds.h"
#include "tests/unit/gateway/app/restate_fixture.h"

namespace carbongate::app::restating {
namespace {

constexpr Duration kGapMax = 5min;  // of meters read by the minute

class AnyRejected : public ::testing::TestWithParam<unsigned> {
 protected:
  AnyRejected() {
    points_ = {site_.add("counter", Kind::cumulative, "mWh"), site_.add("power", Kind::instantaneous, "kW"),
               site_.add("amounts", Kind::interval, "mWh"), site_.add("parts", Kind::interval, "mWh")};
    for (const PointId point : points_) site_.site.points[index(point)].limits.max = 1e12;
    site_.site.points[index(points_[3])].limits.interval = 0ms;
    site_.site.points[index(points_[3])].limits.gap_max = kGapMax;
  }

  // By all the ways there are.
  static Reading rejected(Random& random, Reading reading) {
    switch (random.below(4)) {
      case 0: reading.value = std::numeric_limits<double>::quiet_NaN(); break;
      case 1: reading.value = 1e15; break;
      case 2:
        reading.value = std::numeric_limits<double>::quiet_NaN();
        reading.availability = Availability::not_available;
        break;
      default: reading.hj212_flag = "DMCTB?"[random.below(6)];
    }
    return reading;
  }

  // Every minute or so; alone and in rows, and now and then nothing at all. In the order of time.
  std::vector<Reading> make(Random& random, Duration length) {
    std::vector<Reading> readings;
    for (std::size_t i = 0; i < points_.size(); ++i) {
      std::int64_t total = 1'000'000'000;
      std::int64_t rejecting = 0;
      for (Duration time{}; time < length; time += Duration(20'000 + random.below(80'000))) {
        if (random.one_in(60)) time += Duration(random.below(1'200'000));
        total += random.below(300'000);
        const double value = i == 0   ? static_cast<double>(total)
                             : i == 1 ? static_cast<double>(random.below(40'000)) / 7
                                      : static_cast<double>(random.below(300'000));
        if (rejecting == 0 && random.one_in(6)) rejecting = 1 + random.below(random.one_in(4) ? 8 : 2);
        const bool is_rejected = rejecting > 0 && time > 0ms;
        if (rejecting > 0) --rejecting;
        const Reading reading = at(points_[i], time, value);
        readings.push_back(is_rejected ? rejected(random, reading) : reading);
      }
      for (int n = 1; n <= 12; ++n)
        readings.push_back(at(points_[i], length + n * 5min, i == 0 ? static_cast<double>(total) : 0));
    }
    std::ranges::sort(readings, {}, [](const Reading& r) { return std::pair(r.at, r.point); });
    ending_ = static_cast<std::size_t>(
        std::ranges::count_if(readings, [&](const Reading& r) { return r.at > kStart + length; }));
    return readings;
  }

  static bool is_accepted(const Reading& reading) {
    const bool is_marked = reading.hj212_flag != '\0' && reading.hj212_flag != 'N';
    return !is_marked && std::isfinite(reading.value) && reading.value < 1e12;
  }

  // By the rule alone, of a counter or a rate: each accepted reading stands until the next one, if that comes soon, and
  // that of a rate until one that is rejected.
  std::map<Instant, Duration> watched(std::span<const Reading> readings, PointId point) const {
    std::set<Instant> accepted;
    std::set<Instant> rejected;
    for (const Reading& reading : readings) {
      if (reading.point == point) (is_accepted(reading) ? accepted : rejected).insert(reading.at);
    }
    std::map<Instant, Duration> quarters;
    for (auto next = accepted.begin(); next != accepted.end(); ++next) {
      if (next == accepted.begin()) continue;
      const Instant begin = *std::prev(next);
      const auto first = rejected.upper_bound(begin);
      const bool is_rejected = first != rejected.end() && *first < *next;
      const Instant end = is_rejected ? *first : *next;
      const bool is_rate = point == points_[1];
      if ((is_rejected && is_rate ? end : *next) - begin > kGapMax) continue;
      for (Instant from = begin; from < end;) {
        const Instant quarter = std::chrono::floor<std::chrono::duration<std::int64_t, std::ratio<900>>>(from);
        const Instant until = std::min(end, quarter + 15min);
        quarters[quarter] += until - from;
        from = until;
      }
    }
    return quarters;
  }

  void expect_watched(Books& books, std::span<const Reading> readings) {
    for (const auto& [point, user] : {std::pair(points_[0], "counter-user"), std::pair(points_[1], "power-user")}) {
      const auto by_rule = watched(readings, point);
      std::size_t quarters = 0;
      for (const auto& [key, known] : books.known()) {
        if (key.first != user) continue;
        const auto expected = by_rule.find(key.second);
        EXPECT_EQ(known.covered, expected == by_rule.end() ? 0ms : expected->second)
            << user << " " << (key.second - kStart) / 1min;
        ++quarters;
      }
      EXPECT_GT(quarters, 30u);
    }
  }

  // Without those of which everything was taken back, but for remainders of CO2e.
  template <class Map>
  static Map counted(Map known) {
    std::erase_if(known, [](const auto& item) { return item.second.amount == 0 && item.second.covered == 0ms; });
    return known;
  }

  TestSite site_;
  std::vector<PointId> points_;
  std::size_t ending_ = 0;  // readings at the end, which close what is open
};
INSTANTIATE_TEST_SUITE_P(Seeds, AnyRejected, ::testing::Range(1u, 1u + static_cast<unsigned>(rounds(30))));

TEST_P(AnyRejected, InOrderIsWatchedByTheRuleAndNothingToCorrect) {
  Random random(GetParam());
  const auto readings = make(random, 12h);
  Books books(site_);
  books.hear(readings);
  expect_watched(books, readings);
  for (const Duration from : {-24h, 1h, 5h, 11h}) {
    EXPECT_EQ(books.look(books.everything(kStart + from)).differences.size(), 0u) << from / 1h;
  }
}

// Late by minutes or hours, some of them twice, restated now and then, with restarts between any two.
TEST_P(AnyRejected, InAnyOrderGivesTheSameAmountsAndWatchedTime) {
  Random random(GetParam() + 100);
  const auto readings = make(random, 12h);
  Books in_order(site_);
  in_order.hear(readings);
  const std::span<const Reading> ending(readings.end() - static_cast<std::ptrdiff_t>(ending_), readings.end());
  std::vector<std::pair<Instant, Reading>> heard;
  const Duration lateness = GetParam() % 3 == 0 ? 14h : GetParam() % 3 == 1 ? 5min : 2h;
  for (const Reading& reading : std::span(readings).first(readings.size() - ending_)) {
    const bool is_late = reading.at > kStart + 100s && random.one_in(is_accepted(reading) ? 6 : 3);
    heard.emplace_back(reading.at + (is_late ? Duration(random.below(lateness.count())) : 0ms), reading);
    if (random.one_in(10)) heard.emplace_back(reading.at + Duration(random.below(lateness.count())), reading);
  }
  std::ranges::sort(heard, {},
                    [](const auto& item) { return std::tuple(item.first, item.second.at, item.second.point); });
  Books shuffled(site_);
  std::vector<Reading> batch;
  for (const auto& [when, reading] : heard) {
    batch.push_back(reading);
    if (!random.one_in(20)) continue;
    shuffled.hear(batch);
    batch.clear();
    if (random.one_in(8)) shuffled.restate_late_data();
    if (random.one_in(5)) shuffled.open();
  }
  shuffled.hear(batch);
  shuffled.hear(ending);
  shuffled.restate_late_data();
  const KnownBooks expected = counted(in_order.known());
  const KnownBooks found = counted(shuffled.known());
  for (const auto& [key, known] : expected) {
    const auto other = found.find(key);
    ASSERT_NE(other, found.end()) << key.first << " " << (key.second - kStart) / 1min;
    EXPECT_EQ(known.amount, other->second.amount) << key.first << " " << (key.second - kStart) / 1min;
    EXPECT_EQ(known.covered, other->second.covered) << key.first << " " << (key.second - kStart) / 1min;
  }
  const auto periods = counted(in_order.rollups());
  const auto periods_found = counted(shuffled.rollups());
  EXPECT_EQ(periods.size(), periods_found.size());
  for (const auto& [key, known] : periods) {
    const auto other = periods_found.find(key);
    ASSERT_NE(other, periods_found.end());
    EXPECT_EQ(known.covered, other->second.covered) << std::get<0>(key) << " " << to_string(std::get<1>(key));
    EXPECT_EQ(known.validity, other->second.validity) << std::get<0>(key) << " " << to_string(std::get<1>(key));
  }
  for (std::size_t i = 0; i < points_.size(); ++i) {
    EXPECT_EQ(in_order.state().accounts[i].amount, shuffled.state().accounts[i].amount);
    EXPECT_EQ(in_order.state().accounts[i].covered, shuffled.state().accounts[i].covered);
    EXPECT_FALSE(shuffled.state().points[i].late);
  }
  expect_watched(shuffled, readings);
  EXPECT_EQ(shuffled.look(shuffled.everything(kStart - 24h)).differences.size(), 0u);
  for (const model::EmissionEntry& entry : shuffled.entries()) {
    if (!entry.correction) continue;
    EXPECT_EQ(entry.correction->cause, model::Cause::late_data)
        << entry.correction->note << " " << (entry.begin - kStart) / 1min << " " << entry.amount.quanta();
  }
}

// A step that waits for a decision while readings are rejected: the register shows 0 for a moment, or starts again.
TEST_P(AnyRejected, ATroubledCounterEndsTheSame) {
  Random random(GetParam() + 200);
  std::vector<Reading> readings;
  std::int64_t total = 5'000'000'000;
  for (Duration time{}; time < 10h; time += Duration(30'000 + random.below(60'000))) {
    total += random.below(1'000'000);
    if (random.one_in(200)) total = 0;
    const Reading reading = at(points_[0], time, random.one_in(25) ? 0 : static_cast<double>(total));
    readings.push_back(time > 0ms && random.one_in(8) ? rejected(random, reading) : reading);
  }
  for (int i = 0; i < 40; ++i)
    readings.push_back(at(points_[0], 10h + i * 1min, static_cast<double>(total += 100'000)));
  Books in_order(site_);
  in_order.hear(readings);
  EXPECT_EQ(in_order.look(in_order.everything(kStart - 1h)).differences.size(), 0u);
  std::vector<std::pair<Instant, Reading>> heard;
  for (std::size_t i = 0; i < readings.size(); ++i) {
    const bool is_late = i != 0 && i + 40 < readings.size() && random.one_in(8);
    heard.emplace_back(readings[i].at + (is_late ? Duration(random.below(2 * 3'600'000)) : 0ms), readings[i]);
  }
  std::ranges::sort(heard, {}, [](const auto& item) { return std::pair(item.first, item.second.at); });
  Books shuffled(site_);
  for (const auto& [when, reading] : heard) {
    shuffled.hear({&reading, 1});
    if (random.one_in(50)) shuffled.restate_late_data();
    if (random.one_in(50)) shuffled.open();
  }
  shuffled.restate_late_data();
  const KnownBooks expected = counted(in_order.known());
  const KnownBooks found = counted(shuffled.known());
  EXPECT_EQ(expected.size(), found.size());
  for (const auto& [key, known] : expected) {
    const auto other = found.find(key);
    ASSERT_NE(other, found.end());
    EXPECT_EQ(known.amount, other->second.amount) << (key.second - kStart) / 1min;
    EXPECT_EQ(known.covered, other->second.covered) << (key.second - kStart) / 1min;
  }
  EXPECT_EQ(shuffled.look(shuffled.everything(kStart - 1h)).differences.size(), 0u);
}

// What is known in front of a window has them, too: the second time nothing in front of it is read.
TEST(Rejected, InFrontOfAWindowAreKnownTheNextTime) {
  TestSite site;
  const PointId power = site.add("power", Kind::instantaneous, "kW");
  const PointId other = site.add("other", Kind::instantaneous, "kW");
  site.site.points.front().limits.gap_max = 3h;
  Books books(site);
  std::vector<Reading> readings;
  for (Duration time{}; time <= 12h; time += 10min) {
    const bool is_rejected = time > 4h && time < 6h + 30min;
    readings.push_back(at(power, time, is_rejected ? std::nan("") : 40));
    readings.push_back(at(other, time, 10));
  }
  for (const Reading& reading : readings) books.hear({&reading, 1});
  auto history = store::History::open(books.path());
  KnownLeads leads;
  for (int i = 0; i < 2; ++i) {
    const auto found = recompute(**history, site.site, site.factors, {}, books.everything(kStart + 6h),
                                 kStart + 24h * 365, kNeverStop, &leads);
    ASSERT_TRUE(found.has_value());
    EXPECT_GT(found->entries, 15u);
    EXPECT_TRUE(found->differences.empty());
    EXPECT_EQ(leads.at(power).rejected.size(), 2u) << "of a row the ends";
  }
}

}  // namespace
}  // namespace carbongate::app::restating

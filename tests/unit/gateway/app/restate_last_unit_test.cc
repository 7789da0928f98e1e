// Whatever order readings come in, the books say the same to the last unit: each quarter hour, and the sum of their
// CO2e.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "tests/support/rounds.h"
#include "tests/unit/gateway/app/restate_fixture.h"

namespace carbongate::app::restating {
namespace {

constexpr auto kSeeds = static_cast<unsigned>(rounds(30));
constexpr Duration kLength = 6h;

struct Sums {
  std::int64_t amount = 0;
  std::int64_t co2e_mg = 0;
  std::int64_t coal_mg = 0;
  std::int64_t market_mg = 0;
  friend bool operator==(const Sums&, const Sums&) = default;
};

std::map<std::string, Sums> sums_of(Books& books) {
  std::map<std::string, Sums> sums;
  for (const auto& [key, known] : books.known()) {
    Sums& sum = sums[key.first];
    sum.amount += known.amount;
    sum.co2e_mg += known.co2e_mg;
    sum.coal_mg += known.coal_mg;
    sum.market_mg += known.market_mg;
  }
  return sums;
}

std::map<std::pair<std::string, Instant>, std::pair<std::int64_t, Duration>> amounts_of(Books& books) {
  std::map<std::pair<std::string, Instant>, std::pair<std::int64_t, Duration>> amounts;
  for (const auto& [key, known] : books.known()) amounts[key] = {known.amount, known.covered};
  return amounts;
}

// At times that meet no quarter hour but by chance.
std::vector<Reading> readings_of(Random& random, std::span<const PointId> points) {
  std::vector<Reading> readings;
  double total = 1'000;
  for (Duration at{}; at < kLength; at += 20s + random.below(90'000) * 1ms) {
    total += static_cast<double>(random.below(1'000'000)) / 1e6;
    readings.push_back(
        {.point = points[0], .at = kStart + at, .value = static_cast<double>(random.below(90'000)) / 997});
    readings.push_back({.point = points[1], .at = kStart + at, .value = total});
    readings.push_back(
        {.point = points[2], .at = kStart + at, .value = static_cast<double>(random.below(7'000)) / 1e4});
  }
  return readings;
}

TEST(LastUnit, IsTheSameInWhateverOrderReadingsCome) {
  for (unsigned seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE(seed);
    TestSite site;
    const std::vector<PointId> points{site.add("rate", Kind::instantaneous, "kW"),
                                      site.add("counter", Kind::cumulative, "kWh"),
                                      site.add("amount", Kind::interval, "kWh")};
    Random random(seed);
    const std::vector<Reading> readings = readings_of(random, points);
    Books right(site);
    right.hear(readings);

    std::vector<std::pair<Reading, Duration>> heard;
    for (const Reading& reading : readings) {
      const bool is_late = reading.at < kStart + kLength - 1h && random.one_in(8);
      heard.emplace_back(reading, is_late ? random.below(45) * 1min : 0s);
    }
    std::ranges::sort(heard, {},
                      [](const auto& h) { return std::tuple(h.first.at + h.second, h.first.at, h.first.point); });
    Books books(site);
    for (std::span<const std::pair<Reading, Duration>> left = heard; !left.empty();) {
      const auto count = std::min<std::size_t>(left.size(), 1 + static_cast<std::size_t>(random.below(60)));
      books.hear_later(left.first(count));
      left = left.subspan(count);
      if (random.one_in(2)) books.restate_late_data();
    }
    books.restate_late_data();
    EXPECT_EQ(amounts_of(books), amounts_of(right));
    EXPECT_EQ(sums_of(books), sums_of(right));
    EXPECT_EQ(books.look(books.everything(kStart - 1h)).differences.size(), 0U);
    EXPECT_EQ(books.waiting(), 0U);
    books.expect_sums_of_entries();
  }
}

// It belongs to the time before it, which nothing else is of.
TEST(LastUnit, TheFirstAmountOfAllMayComeLastToo) {
  TestSite site;
  const PointId point = site.add("amount", Kind::interval, "kWh");
  site.site.points[0].limits.interval = 15min;
  std::vector<std::pair<Reading, Duration>> heard;
  for (int quarter = 1; quarter <= 8; ++quarter) {
    const Reading reading{.point = point, .at = kStart + quarter * 15min, .value = 10.0 * quarter};
    heard.emplace_back(reading, quarter <= 2 ? 3h + (2 - quarter) * 1min : 0min);
  }
  Books books(site);
  books.hear_later(heard);
  books.restate_late_data();
  EXPECT_EQ(sums_of(books).at("amount-user").amount, 360 * 1'000'000);
  EXPECT_EQ(books.look(books.everything(kStart - 1h)).differences.size(), 0U);
  EXPECT_EQ(books.waiting(), 0U);
}

}  // namespace
}  // namespace carbongate::app::restating

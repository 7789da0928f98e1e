// Windows that begin or end while a counter stands, is given up or is in doubt: what is counted again is what was
// counted, wherever they are cut.
#include <gtest/gtest.h>

#include <algorithm>

#include "gateway/app/window_readings.h"
#include "tests/unit/gateway/app/restate_fixture.h"

namespace carbongate::app::restating {
namespace {

class CutAnywhere : public ::testing::Test {
 protected:
  CutAnywhere() : counter_(site_.add("counter", Kind::cumulative, "kWh")) {
    site_.site.points.front().limits.power_max_w = 100'000;
  }

  // Ever `step`, what `show` says.
  static std::vector<Reading> register_of(PointId point, Duration step, Duration length,
                                          const std::function<double(Duration)>& show) {
    std::vector<Reading> readings;
    for (Duration time{}; time <= length; time += step) readings.push_back(at(point, time, show(time)));
    return readings;
  }
  static double hours(Duration time) { return static_cast<double>(time.count()) / 3'600'000; }

  // By commits, as a gateway does: places in the journal are found by them.
  static void hear(Books& books, std::span<const Reading> readings) {
    for (; !readings.empty(); readings = readings.subspan(std::min<std::size_t>(readings.size(), 50))) {
      books.hear(readings.first(std::min<std::size_t>(readings.size(), 50)));
    }
  }
  static std::int64_t total(Books& books) {
    std::int64_t sum = 0;
    for (const auto& [key, known] : books.known()) sum += known.amount;
    return sum;
  }

  // Restated one window after the other, and what is known in front of each serves the next.
  void expect_nothing_to_correct(Books& books, std::span<const Instant> cuts) {
    KnownLeads leads;
    auto history = store::History::open(books.path());
    for (std::size_t i = 0; i < cuts.size(); ++i) {
      std::vector<Window> windows = books.everything(cuts[i]);
      if (i + 1 < cuts.size()) windows.front().to = cuts[i + 1];
      const auto found = recompute(**history, site_.site, site_.factors, {}, windows, kStart + 24h * 365, kNeverStop,
                                   i % 4 == 0 ? nullptr : &leads);
      ASSERT_TRUE(found.has_value()) << found.error().text;
      for (const books::Difference& difference : found->differences) {
        ADD_FAILURE() << "cut at " << hours(cuts[i] - kStart) << " h: at " << hours(difference.begin - kStart)
                      << " h booked " << (difference.known.amount.quanta()) << ", again "
                      << (difference.restated ? difference.restated->amount.quanta() : -1);
      }
      EXPECT_EQ(found->out_of_reach, 0u);
    }
    for (const auto& [point, known] : leads) EXPECT_LT(known.readings.size(), 4'000u);
  }

  TestSite site_;
  PointId counter_{};
};

// 40 h, 2400 readings: longer than anything before the window tells of the course that was given up.
TEST_F(CutAnywhere, ARegisterThatComesBackAfterDaysIsCountedWhereverTheWindowBegins) {
  const auto readings = register_of(
      counter_, 1min, 48h, [](Duration time) { return time >= 2h && time < 42h ? 0 : 100'000 + 50 * hours(time); });
  Books books(site_);
  hear(books, readings);
  EXPECT_EQ(total(books), 2'400'000'000) << "40 h of it when it came back";
  expect_nothing_to_correct(books, std::vector{kStart + 30h, kStart + 41h, kStart + 42h, kStart + 43h});
}

TEST_F(CutAnywhere, ALateReadingTakesNothingBackFromARegisterThatCameBack) {
  auto readings = register_of(counter_, 1min, 48h,
                              [](Duration time) { return time >= 2h && time < 42h ? 0 : 100'000 + 50 * hours(time); });
  const auto late = std::ranges::find(readings, kStart + 41h, &Reading::at);
  std::rotate(late, late + 1, readings.end());
  Books books(site_);
  hear(books, readings);
  const std::int64_t before = total(books);
  books.restate_late_data();
  EXPECT_EQ(total(books), before);
  expect_nothing_to_correct(books, std::vector{kStart});
}

// Frozen for less than a day of full load explains.
TEST_F(CutAnywhere, AMeterThatWasFrozenCatchesUpWhereverTheWindowBegins) {
  const auto readings = register_of(
      counter_, 30s, 36h, [](Duration time) { return 1'000 + 50 * hours(time >= 2h && time < 29h ? 2h : time); });
  Books books(site_);
  hear(books, readings);
  EXPECT_EQ(total(books), 1'800'000'000);
  expect_nothing_to_correct(books, std::vector{kStart + 12h, kStart + 26h, kStart + 28h});
}

// For each of its windows no more is read than the journal since the one before, and no more kept.
TEST_F(CutAnywhere, OfAMeterThatStandsForMonthsLittleIsKept) {
  const auto readings = register_of(counter_, 5min, 24h * 40,
                                    [](Duration time) { return 1'000 + 50 * hours(std::min<Duration>(time, 24h)); });
  Books books(site_);
  hear(books, readings);
  KnownLeads leads;
  auto history = store::History::open(books.path());
  for (int day = 2; day < 40; day += 2) {
    std::vector<Window> windows = books.everything(kStart + 24h * day);
    windows.front().to = windows.front().from + 48h;
    const auto found =
        recompute(**history, site_.site, site_.factors, {}, windows, kStart + 24h * 365, kNeverStop, &leads);
    ASSERT_TRUE(found.has_value());
    EXPECT_TRUE(found->differences.empty());
    EXPECT_LT(leads.at(counter_).readings.size(), 250u);
    EXPECT_TRUE(leads.at(counter_).found.is_enough());
  }
}

}  // namespace
}  // namespace carbongate::app::restating

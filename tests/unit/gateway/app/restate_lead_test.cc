// Windows that begin or end while a counter stands, is given up or is in doubt: what is counted again is what was
// counted, wherever they are cut.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "gateway/app/window_readings.h"
#include "tests/support/rounds.h"
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
  // At midnight, when nothing runs.
  static double set_to_zero(Duration time) {
    return time < 4h ? 500 + 40 * hours(time) : std::max(0.0, 40 * hours(time - 6h));
  }

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

// By 10 s 64 readings are not eleven minutes.
TEST_F(CutAnywhere, AWindowMayEndWhereARegisterIsSetToZero) {
  const auto readings = register_of(counter_, 10s, 8h, set_to_zero);
  Books books(site_);
  hear(books, readings);
  expect_nothing_to_correct(books, std::vector{kStart, kStart + 4h, kStart + 4h + 15min, kStart + 6h});
}

TEST_F(CutAnywhere, ALateReadingTakesNothingAwayBeforeARegisterIsSetToZero) {
  auto readings = register_of(counter_, 10s, 8h, set_to_zero);
  const auto late = std::ranges::find(readings, kStart + 3h + 40min, &Reading::at);
  std::rotate(late, late + 1, std::ranges::find(readings, kStart + 3h + 50min, &Reading::at));
  Books books(site_);
  hear(books, readings);
  const std::int64_t before = total(books);
  books.restate_late_data();
  EXPECT_EQ(total(books), before);
  expect_nothing_to_correct(books, std::vector{kStart});
}

// In the order of time what came after the late reading is a fall, which the next readings decide. Until then the books
// stay as they are, and it is late data.
TEST_F(CutAnywhere, WhatIsInDoubtAtTheJournalsEndStaysInTheBooksAndIsLookedAtAgain) {
  site_.site.points.front().limits.power_max_w = 1'000'000;
  site_.site.points.front().limits.interval = 15min;
  const auto quarter = [&](int i) { return at(counter_, 10h + i * 15min, 1'000 + 10 * i); };
  Books books(site_);
  books.hear(std::vector{quarter(0), quarter(1), quarter(2)});
  books.hear(std::vector{at(counter_, 10h + 10min, 1'050)});
  EXPECT_EQ(books.restate_late_data(), 0u);
  EXPECT_EQ(total(books), 20'000'000);
  books.hear(std::vector{quarter(3)});
  EXPECT_EQ(books.restate_late_data(), 0u) << "what it touches is closed, and not decided";
  EXPECT_EQ(total(books), 30'000'000);
  EXPECT_TRUE(books.state().points.front().late);
  EXPECT_TRUE(books.look(books.everything()).differences.empty());
  for (int i = 4; i < 30; ++i) books.hear(std::vector{quarter(i)});
  books.restate_late_data();
  EXPECT_FALSE(books.state().points.front().late);
  Books in_order(site_);
  in_order.hear(std::vector{quarter(0), at(counter_, 10h + 10min, 1'050)});
  for (int i = 1; i < 30; ++i) in_order.hear(std::vector{quarter(i)});
  EXPECT_EQ(total(books), total(in_order));
  expect_nothing_to_correct(books, std::vector{kStart});
}

// The longer it lasts, the more seldom.
TEST(LookAgain, IsNeverGivenUpAndNeverDoneAtEachPass) {
  const model::LateData late{.earliest = kStart, .affects_until = kStart + 1h, .readings = 1};
  Instant again = look_again_at(late, kStart + 1h);
  int looks = 0;
  for (Instant now = kStart + 1h; now < kStart + 24h * 62; now += 5min) {
    if (now < again) continue;
    again = look_again_at(late, now);
    ++looks;
  }
  EXPECT_GT(looks, 20);
  EXPECT_LT(looks, 60);
}

// Near its end a register at 0 is in doubt for as long as it stands there.
TEST_F(CutAnywhere, ADoubtThatLastsForDaysIsFollowedBehindTheWindow) {
  site_.site.points.front().limits.rollover_at = {100'000};
  const auto readings = register_of(counter_, 1min, 40h, [](Duration time) {
    if (time < 4h) return 99'990 + 2 * hours(time);
    return time < 30h ? 0 : 2 * hours(time - 30h);
  });
  Books books(site_);
  hear(books, readings);
  expect_nothing_to_correct(books, std::vector{kStart, kStart + 4h, kStart + 12h, kStart + 30h});
}

// A power that is not countable all night closes nothing. It is looked for in steps, not at once for two months.
TEST_F(CutAnywhere, BehindAWindowNoMoreIsReadThanItTakes) {
  const PointId power = site_.add("power", Kind::instantaneous, "kW");
  std::vector<Reading> readings;
  for (Duration time{}; time < 24h * 40; time += 5min) {
    const Duration of_day = time % Duration(24h);
    readings.push_back(at(power, time, of_day > 8h && of_day < 18h ? 50 : -0.003));
  }
  Books books(site_);
  hear(books, readings);
  pipeline::Calendar calendar(site_.site.time_zone);
  const Window night{.point = power, .from = kStart + 24h, .to = kStart + 24h + 20h, .closed_until = kStart + 24h * 39};
  WindowReadings window(night, site_.site, {}, calendar);
  auto history = store::History::open(books.path());
  KnownLeads leads;
  WindowReadings* const windows[] = {&window};
  std::vector<Duration> behind;
  bool is_counted = false;
  while (!is_counted) {
    ASSERT_TRUE(collect(**history, windows, leads, kNeverStop).has_value());
    const Instant newest = window.tracks().front().readings().back().at;
    behind.push_back(newest - night.to);
    is_counted = window.counted({.until = newest >= night.to + 12h + 15min ? night.to : night.to - 2h}, calendar);
  }
  ASSERT_EQ(behind.size(), 3u);
  EXPECT_LT(behind[0], 6h);
  EXPECT_LT(behind[1], 12h);
  EXPECT_LT(behind[2], 48h) << "for the first of the morning";
}

// What closes the window lies behind readings that close nothing: some more, some fewer than are looked for at once.
// The other meter goes on, for the end of the journal is always read.
TEST_F(CutAnywhere, AWindowIsClosedHoweverManyReadingsBehindItCountForNothing) {
  const PointId power = site_.add("power", Kind::instantaneous, "kW");
  for (const int nothing : {63, 64, 65, 70}) {
    const Duration closed = 4h + 15min + nothing * 15min;
    const auto value = [&](Duration time) { return time > 4h && time < closed ? -0.003 : 40; };
    const auto late = std::vector{at(power, 4h + 5min, 100)};
    const auto hear_all = [&](Books& books, Duration late_at) {
      for (Duration time{}; time < closed + 4h; time += time == 4h ? 10min : time == 4h + 10min ? 5min : 15min) {
        const bool is_whole = time != 4h + 10min;
        if (time == late_at) books.hear(late);
        if (time < closed + 3h) books.hear(std::vector{at(power, time, is_whole ? value(time) : 40)});
        books.hear(std::vector{at(counter_, time, 1'000 + hours(time))});
      }
    };
    Books books(site_);
    hear_all(books, 4h + 15min);
    EXPECT_GT(books.restate_late_data(), 0u) << nothing;
    EXPECT_FALSE(books.state().points[index(power)].late) << nothing;
    Books in_order(site_);
    hear_all(in_order, 4h + 10min);
    EXPECT_EQ(total(books), total(in_order)) << nothing;
    expect_nothing_to_correct(books, std::vector{kStart});
  }
}

// A night of such readings is no lead: what was before it tells that nobody watched.
TEST_F(CutAnywhere, ALateReadingBehindReadingsThatCountForNothingLeavesTheGapBeforeIt) {
  const PointId power = site_.add("power", Kind::instantaneous, "kW");
  const auto hear_all = [&](Books& books, Duration late_at) {
    std::vector<Reading> readings;
    for (Duration time = 1min; time < 26h; time += 5min) {
      const bool is_late = time == 20h + 6min;
      readings.push_back(at(counter_, time, 1'000 + hours(time)));
      if (!is_late) readings.push_back(at(power, time, time > 6h && time < 20h ? -0.003 : 40));
      if (time == late_at) readings.push_back(at(power, 20h + 6min, 50));
    }
    hear(books, readings);
  };
  Books books(site_);
  hear_all(books, 20h + 16min);
  EXPECT_GT(books.restate_late_data(), 0u);
  Books in_order(site_);
  hear_all(in_order, 20h + 6min);
  EXPECT_EQ(books.known(), in_order.known());
  expect_nothing_to_correct(books, std::vector{kStart});
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

// A meter as they are: loads that come and go, nights, resets, other meters in its place; displays that freeze, cannot
// be read, or show garbage; silences.
class AnyHistory : public CutAnywhere, public ::testing::WithParamInterface<unsigned> {
 protected:
  std::vector<Reading> make(Random& random) const {
    const Duration step = std::vector<Duration>{10s, 30s, 1min, 5min, 15min}[static_cast<std::size_t>(random.below(5))];
    const double count = std::vector<double>{0.001, 0.1, 1, 10}[static_cast<std::size_t>(random.below(4))];
    const Duration length = std::min<Duration>(24h * 12, 9'000 * step);
    const bool daily = random.one_in(4);
    const auto for_a_while = [&](std::int64_t hours) { return Duration(random.below(hours * 3'600'000)); };
    enum class Shows { all, frozen, nothing, zero } shows = Shows::all;
    double energy = 20'000 + static_cast<double>(random.below(80'000'000)) / 1'000;
    double shown = 0;
    double load = 40;
    Duration load_until{};
    Duration shows_until{};
    int garbage = 0;
    std::vector<Reading> readings;
    for (Duration time{}; time <= length; time += step) {
      energy += load * hours(step);
      if (time >= load_until) {
        load = std::vector<double>{0, 0, 0.3, 8, 40, 70}[static_cast<std::size_t>(random.below(6))];
        load_until = time + for_a_while(12);
      }
      if (time >= shows_until) {
        shows = shows != Shows::all || random.one_in(2) ? Shows::all : static_cast<Shows>(1 + random.below(3));
        shows_until = time + (shows == Shows::nothing ? for_a_while(5) : for_a_while(20));
      }
      if (daily && time % Duration(24h) == Duration{}) energy = 0;
      if (random.one_in(4'000)) energy = random.one_in(2) ? 0 : static_cast<double>(random.below(50'000));
      if (garbage == 0 && random.one_in(500)) garbage = 1 + static_cast<int>(random.below(3));
      if (shows != Shows::frozen) shown = std::floor(energy / count) * count;
      double value = shows == Shows::zero ? 0 : shown;
      if (garbage > 0 && garbage-- > 0) value = random.one_in(3) ? 0 : static_cast<double>(random.below(4'000'000'000));
      if (shows != Shows::nothing) readings.push_back(at(counter_, time + Duration(random.below(3)), value));
    }
    return readings;
  }
  std::vector<Instant> cuts(Random& random, std::span<const Reading> readings) const {
    std::set<Instant> cuts;
    const std::int64_t quarters = (readings.back().at - kStart) / 15min;
    for (int i = 0; i < 12; ++i) cuts.insert(kStart + random.below(quarters) * 15min);
    return {cuts.begin(), cuts.end()};
  }
};
INSTANTIATE_TEST_SUITE_P(Seeds, AnyHistory, ::testing::Range(1u, 1u + static_cast<unsigned>(rounds(30))));

TEST_P(AnyHistory, IsCountedAgainAsItWas) {
  Random random(GetParam());
  const std::vector<Reading> readings = make(random);
  Books books(site_);
  hear(books, readings);
  books.restate_late_data();  // what was found wrong
  expect_nothing_to_correct(books, cuts(random, readings));
}

TEST_P(AnyHistory, GivesTheSameAmountsWhenSomeOfItComesLate) {
  Random random(GetParam() + 1'000);
  const std::vector<Reading> readings = make(random);
  Books expected(site_);
  hear(expected, readings);
  expected.restate_late_data();
  std::vector<std::pair<std::size_t, std::size_t>> places;
  for (std::size_t i = 0; i < readings.size(); ++i) {
    const bool late = i != 0 && i + 400 < readings.size() && random.one_in(400);
    places.emplace_back(i + (late ? static_cast<std::size_t>(random.below(300)) : 0), i);
  }
  std::ranges::sort(places);
  std::vector<Reading> order;
  for (const auto& [place, i] : places) order.push_back(readings[i]);
  Books books(site_);
  hear(books, order);
  books.restate_late_data();
  EXPECT_EQ(total(books), total(expected));
  expect_nothing_to_correct(books, cuts(random, readings));
}

// As a gateway restates it whenever it has been quiet: late readings lie at the end of what is known then.
class RestatedOnTheWay : public AnyHistory {
 protected:
  void expect_the_same(Random& random, std::vector<Reading> readings, std::int64_t one_late_in, bool shows_more) {
    std::vector<std::pair<std::size_t, std::size_t>> places;
    for (std::size_t i = 0; i < readings.size(); ++i) {
      const bool late = i != 0 && i + 400 < readings.size() && random.one_in(one_late_in);
      places.emplace_back(2 * i + (late ? 3 + 2 * static_cast<std::size_t>(random.below(4)) : 0), i);
      if (late && shows_more && random.one_in(2)) readings[i].value += static_cast<double>(random.below(25));
    }
    std::ranges::sort(places);
    Books expected(site_);
    hear(expected, readings);
    expected.restate_late_data();
    Books books(site_);
    std::vector<Reading> waiting;
    std::size_t newest = 0;
    for (const auto& [place, i] : places) {
      waiting.push_back(readings[i]);
      const bool is_late = i < newest;
      newest = std::max(newest, i);
      if (!is_late || !random.one_in(4)) continue;
      hear(books, std::exchange(waiting, {}));
      books.restate_late_data();
    }
    hear(books, waiting);
    books.restate_late_data();
    EXPECT_EQ(total(books), total(expected));
    EXPECT_FALSE(books.state().points.front().late);
    expect_nothing_to_correct(books, cuts(random, readings));
  }
};
INSTANTIATE_TEST_SUITE_P(Seeds, RestatedOnTheWay, ::testing::Range(1u, 1u + static_cast<unsigned>(rounds(30))));

TEST_P(RestatedOnTheWay, GivesTheSameAmounts) {
  Random random(GetParam() + 2'000);
  const std::vector<Reading> readings = make(random);
  expect_the_same(random, readings, 100, false);
}

// Some of them show a little more than there is, which a register that runs well passes by itself.
TEST_P(RestatedOnTheWay, GivesTheSameAmountsWhereLateReadingsAreDoubted) {
  Random random(GetParam() + 3'000);
  const Duration step = std::vector<Duration>{1min, 5min, 15min}[static_cast<std::size_t>(random.below(3))];
  double energy = 20'000;
  double load = 40;
  const auto show = [&](Duration) {
    if (random.one_in(40)) load = std::vector<double>{2, 8, 40, 70}[static_cast<std::size_t>(random.below(4))];
    return energy += load * hours(step);
  };
  expect_the_same(random, register_of(counter_, step, 1'500 * step, show), 50, true);
}

}  // namespace
}  // namespace carbongate::app::restating

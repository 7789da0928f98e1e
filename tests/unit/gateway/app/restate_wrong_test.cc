// Values that a counter believed, and that those after them show to be wrong: once that is decided, the books become
// those of the other readings, and say why.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <vector>

#include "tests/support/rounds.h"
#include "tests/unit/gateway/app/restate_fixture.h"

namespace carbongate::app::restating {
namespace {

using model::Cause;
using model::EmissionEntry;

struct How {
  Duration every;
  bool settled;  // after each few readings, or only at the end
};

class FoundWrong : public ::testing::TestWithParam<How> {
 protected:
  FoundWrong() { hall_ = add("hall"); }

  PointId add(const std::string& name) {
    const PointId id = site_.add(name, Kind::cumulative, "kWh");
    PointLimits& limits = site_.site.points.back().limits;
    limits.interval = GetParam().every;
    limits.power_max_w = 1e6;
    limits.count = 0.001;
    return id;
  }

  // 1.2 kWh an hour.
  static double shown(Instant at) { return 50'000.0 + static_cast<double>((at - kStart) / 1s) / 3'000.0; }
  std::vector<Reading> readings(PointId point, Duration length) const {
    std::vector<Reading> all;
    for (Duration time{}; time <= length; time += GetParam().every)
      all.push_back(at(point, time, shown(kStart + time)));
    return all;
  }

  void hear(Books& books, std::span<const Reading> heard) const {
    const std::size_t at_once = GetParam().settled ? 15 : heard.size();
    for (; !heard.empty(); heard = heard.subspan(std::min(at_once, heard.size()))) {
      books.hear(heard.first(std::min(at_once, heard.size())));
      books.restate_late_data();
    }
  }

  // In the order of their times.
  void expect_books_of(std::vector<Reading> readings, Books& books) {
    std::ranges::sort(readings, {}, [](const Reading& r) { return std::pair(r.at, r.point); });
    Books right(site_);
    right.hear(readings);
    right.book(right.everything());
    const KnownBooks expected = right.known();
    KnownBooks found = books.known();
    EXPECT_EQ(found.size(), expected.size());
    for (const auto& [key, known] : expected) {
      EXPECT_EQ(found[key].amount, known.amount) << key.first << " " << (key.second - kStart) / 1min;
      EXPECT_EQ(found[key].covered, known.covered) << key.first << " " << (key.second - kStart) / 1min;
    }
    for (std::size_t i = 0; i < site_.site.accounts.size(); ++i) {
      EXPECT_EQ(books.state().accounts[i].amount, right.state().accounts[i].amount) << i;
    }
    EXPECT_EQ(books.waiting(), 0u);
    EXPECT_EQ(books.look(books.everything()).differences.size(), 0u);
    books.expect_sums_of_entries();
  }

  TestSite site_;
  PointId hall_{};
};
INSTANTIATE_TEST_SUITE_P(Read, FoundWrong,
                         ::testing::Values(How{1min, false}, How{1min, true}, How{15min, false}, How{15min, true}));

TEST_P(FoundWrong, WhatWasBookedByItIsTakenBackAndTheNoteSaysWhy) {
  const auto right = readings(hall_, 8h);
  for (const Duration when : {Duration(75min), Duration(90min), 105min + 2 * GetParam().every}) {
    std::vector<Reading> heard = right;
    const auto wrong = std::ranges::find(heard, kStart + when, &Reading::at);
    wrong->value += 10;
    Books books(site_);
    hear(books, heard);
    std::vector<Reading> others = right;
    std::erase_if(others, [&](const Reading& r) { return r.at == kStart + when; });
    expect_books_of(others, books);
    std::size_t corrections = 0;
    for (const EmissionEntry& entry : books.entries()) {
      if (!entry.correction) continue;
      ++corrections;
      EXPECT_EQ(entry.correction->cause, Cause::late_data);
      EXPECT_NE(entry.correction->note.find("glitch: what meter.hall showed at 2026-03-01T0"), std::string::npos)
          << entry.correction->note;
    }
    EXPECT_GT(corrections, 0u);
    // A window that ends with the wrong value needs those behind it.
    const Window window{.point = hall_,
                        .from = kStart,
                        .to = kStart + when,
                        .closed_until = books.state().points[0].counter.baseline->first};
    EXPECT_EQ(books.look({&window, 1}).differences.size(), 0u);
  }
}

TEST_P(FoundWrong, InASumOfCountersToo) {
  const PointId yard = add("yard");
  const PointId sum = site_.add("sum", Kind::interval, "kWh");
  site_.site.points.back().computed = true;
  site_.site.derived.push_back(
      {.result = sum,
       .formula = model::Formula::sum,
       .inputs = {{.role = model::Role::term, .point = hall_}, {.role = model::Role::term, .point = yard}},
       .max_age = 1h});
  // Only the sum is counted.
  site_.site.accounts = {site_.site.accounts.back()};
  site_.site.accounts[0].id = {};
  std::vector<Reading> heard = readings(hall_, 8h);
  const auto more = readings(yard, 8h);
  heard.insert(heard.end(), more.begin(), more.end());
  std::ranges::sort(heard, {}, [](const Reading& r) { return std::pair(r.at, r.point); });
  std::vector<Reading> others = heard;
  const auto is_wrong = [&](const Reading& r) { return r.at == kStart + 90min && r.point == hall_; };
  std::ranges::find_if(heard, is_wrong)->value += 10;
  std::erase_if(others, is_wrong);
  Books books(site_);
  hear(books, heard);
  expect_books_of(others, books);
}

// Of many, in whatever order some of them come; and a restatement of all that changes nothing.
TEST_P(FoundWrong, WhateverComesLate) {
  for (int seed = 1; seed <= rounds(3); ++seed) {
    SCOPED_TRACE(seed);
    Random random(static_cast<unsigned>(seed));
    std::vector<Reading> heard = readings(hall_, 36h);
    std::set<Instant> wrong;
    for (std::size_t i = 20; i < heard.size() && wrong.size() < 3;
         i += static_cast<std::size_t>(GetParam().every == 1min ? 400 + random.below(300) : 40 + random.below(10))) {
      heard[i].value += 10;
      wrong.insert(heard[i].at);
    }
    std::vector<Reading> others = heard;
    std::erase_if(others, [&](const Reading& r) { return wrong.contains(r.at); });
    for (int i = 0; i < 8; ++i) {
      const auto from = static_cast<std::size_t>(random.below(static_cast<std::int64_t>(heard.size()) - 40));
      if (wrong.contains(heard[from].at)) continue;
      const auto first = heard.begin() + static_cast<std::ptrdiff_t>(from);
      std::rotate(first, first + 1, first + 2 + random.below(20));
    }
    Books books(site_);
    hear(books, heard);
    expect_books_of(others, books);
  }
}

}  // namespace
}  // namespace carbongate::app::restating

// How good sums are after corrections: periods that go on say what they lack until it is known.
#include <gtest/gtest.h>

#include "tests/unit/gateway/app/books_fixture.h"

namespace carbongate::app {
namespace {

using model::Origin;
using model::Period;

// A rate, read every so many minutes.
class OpenPeriods : public ::testing::TestWithParam<std::chrono::minutes> {
 protected:
  OpenPeriods() {
    site_.add("oven", Kind::instantaneous, "kW");
    site_.site.points[0].limits.interval = GetParam();
    site_.site.points[0].limits.gap_max = 40min;
    books_.emplace(site_);
  }

  void hear(Duration from, Duration until, double kw = 100) {
    std::vector<Reading> readings;
    for (Duration at = from; at <= until; at += GetParam()) {
      readings.push_back({.point = PointId{0}, .at = kMarch + at, .value = kw});
    }
    books_->hear(readings);
  }
  Origin origin(Period period) const {
    return books_->pipeline().state().accounts[0].open[static_cast<std::size_t>(period)].value().quality.origin;
  }

  BooksSite site_;
  std::optional<StoredBooks> books_;
};

// From quarter hour to quarter hour, so that there is no row at either end of it.
TEST_P(OpenPeriods, KeepInMindThatATimeWasNotWatched) {
  hear(0h, 2h);
  hear(3h, 4h);
  hear(4h + 30min, 6h);
  for (const Period period : {Period::day, Period::month, Period::year}) {
    ASSERT_EQ(origin(period), Origin::missing);
  }
  hear(4h + 15min, 4h + 15min, 200);  // late, and no part of what is missing
  EXPECT_GT(books_->recompute_all(), 0u);
  for (const Period period : {Period::day, Period::month, Period::year}) EXPECT_EQ(origin(period), Origin::missing);
  hear(2h + GetParam(), 3h - GetParam());
  EXPECT_GT(books_->recompute_all(), 0u);
  for (const Period period : {Period::day, Period::month, Period::year}) EXPECT_EQ(origin(period), Origin::late);
  hear(6h + GetParam(), 25h);
  EXPECT_EQ(books_->rollup("oven", Period::day, kMarch).quality.origin, Origin::late);
  EXPECT_EQ(origin(Period::day), Origin::measured);
  EXPECT_EQ(origin(Period::month), Origin::late);
}

TEST_P(OpenPeriods, OfADayThatAnAccountBeganInAreJudgedFromThereOn) {
  hear(10h, 12h);
  hear(13h, 15h);
  ASSERT_EQ(origin(Period::day), Origin::missing);
  hear(12h + GetParam(), 13h - GetParam());
  EXPECT_GT(books_->recompute_all(), 0u);
  EXPECT_EQ(origin(Period::day), Origin::late);
}

INSTANTIATE_TEST_SUITE_P(Steps, OpenPeriods, ::testing::Values(5min, 15min));

}  // namespace
}  // namespace carbongate::app

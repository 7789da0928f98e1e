#include "gateway/model/lineage.h"

#include <gtest/gtest.h>

namespace carbongate::model {
namespace {

Site site_of(int points) {
  Site site;
  site.points.resize(static_cast<std::size_t>(points));
  for (int i = 0; i < points; ++i) site.points[static_cast<std::size_t>(i)].id = static_cast<PointId>(i);
  return site;
}

void add_sum(Site& site, int result, std::initializer_list<int> terms) {
  Derived derived;
  derived.result = static_cast<PointId>(result);
  for (const int term : terms) derived.inputs.emplace_back().point = static_cast<PointId>(term);
  derived.inputs.emplace_back();  // a constant
  site.derived.push_back(std::move(derived));
}

TEST(ComputedFrom, NamesEverythingOnceInTheOrderOfTheInputs) {
  Site site = site_of(7);
  add_sum(site, 4, {3, 1});
  add_sum(site, 5, {4, 0});
  add_sum(site, 6, {5, 4});
  EXPECT_EQ(computed_from(site, PointId{6}),
            (std::vector{PointId{6}, PointId{5}, PointId{4}, PointId{3}, PointId{1}, PointId{0}}));
  EXPECT_EQ(computed_from(site, PointId{2}), std::vector{PointId{2}});
}

// Two sums, each of the two below them, and so on: 2^40 ways lead down.
TEST(ComputedFrom, TakesNoLongerWhenManyWaysLeadToAPoint) {
  constexpr int kLevels = 40;
  Site site = site_of(2 * (kLevels + 1));
  for (int level = 1; level <= kLevels; ++level) {
    for (const int side : {0, 1}) add_sum(site, 2 * level + side, {2 * level - 2, 2 * level - 1});
  }
  EXPECT_EQ(computed_from(site, PointId{2 * kLevels}).size(), 2u * kLevels + 1);
}

}  // namespace
}  // namespace carbongate::model

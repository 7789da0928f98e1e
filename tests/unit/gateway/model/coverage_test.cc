#include "gateway/model/coverage.h"

#include <gtest/gtest.h>

namespace carbongate::model {
namespace {

using namespace std::chrono_literals;

TEST(Coverage, IsRoundedToTheNearestHundredthOfAPercent) {
  EXPECT_EQ(coverage_percent(68'400s, 86'400s), "79.17");
  EXPECT_EQ(coverage_percent(899'500ms, 900s), "99.94");
  EXPECT_EQ(coverage_percent(1s, 3s), "33.33");
  EXPECT_EQ(coverage_percent(5ms, 100s), "0.01") << "half is rounded up";
  EXPECT_EQ(coverage_percent(4ms, 100s), "0");
  EXPECT_EQ(coverage_percent(24h, 24h), "100");
}

TEST(Coverage, OfNoTimeIsNoFigure) {
  EXPECT_EQ(coverage_percent(0s, 0s), "");
  EXPECT_EQ(coverage(0s, 0s), 0);
}

TEST(Coverage, HasRoomForAHundredAccountsOverAYear) {
  EXPECT_EQ(coverage_percent(100 * 8'784h, 100 * 8'784h), "100");
}

}  // namespace
}  // namespace carbongate::model

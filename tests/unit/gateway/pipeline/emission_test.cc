#include "gateway/pipeline/emission.h"

#include <gtest/gtest.h>

#include <random>

namespace carbongate::pipeline {
namespace {

using model::Activity;
using model::Co2e;

TEST(Multiply, CarriesWhatIsBelowAMilligram) {
  std::int64_t remainder = 0;
  const std::int64_t half_mg = model::kFactorScale / 2;
  EXPECT_EQ(multiply(Activity::of(1), half_mg, remainder), Co2e::of(0));
  EXPECT_EQ(remainder, half_mg);
  EXPECT_EQ(multiply(Activity::of(1), half_mg, remainder), Co2e::of(1));
  EXPECT_EQ(remainder, 0);
}

TEST(Multiply, RoundsDownAlsoBelowZeroSoThatTheRemainderIsNeverNegative) {
  std::int64_t remainder = 0;
  const std::int64_t third_mg = model::kFactorScale / 3;
  EXPECT_EQ(multiply(Activity::of(-1), third_mg, remainder), Co2e::of(-1));
  EXPECT_EQ(remainder, model::kFactorScale - third_mg);
  EXPECT_EQ(multiply(Activity::of(1), third_mg, remainder), Co2e::of(1));
  EXPECT_EQ(remainder, 0);
}

TEST(Multiply, HoldsProductsBeyond64Bits) {
  std::int64_t remainder = 0;
  EXPECT_EQ(multiply(Activity::of(9'000'000'000'000'000'000), 530'600'000'000, remainder),
            Co2e::of(4'775'400'000'000'000'000));
}

TEST(Multiply, SplittingAnAmountNeverChangesTheTotal) {
  std::mt19937_64 random(128);
  for (int round = 0; round < 2'000; ++round) {
    const auto factor = static_cast<std::int64_t>(random() % (5 * static_cast<std::uint64_t>(model::kFactorScale)));
    const std::int64_t start = static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(model::kFactorScale));
    const auto whole = static_cast<std::int64_t>(random() % 1'000'000'000'000) - 200'000'000'000;
    std::int64_t remainder_of_whole = start;
    const Co2e at_once = multiply(Activity::of(whole), factor, remainder_of_whole);

    std::int64_t remainder = start;
    std::int64_t left = whole;
    Co2e sum;
    for (int part = 0; part < 20; ++part) {
      const auto piece = static_cast<std::int64_t>(random() % 100'000'000'000) - 30'000'000'000;
      sum += multiply(Activity::of(piece), factor, remainder);
      left -= piece;
      ASSERT_GE(remainder, 0);
      ASSERT_LT(remainder, model::kFactorScale);
    }
    sum += multiply(Activity::of(left), factor, remainder);
    ASSERT_EQ(sum, at_once);
    ASSERT_EQ(remainder, remainder_of_whole);
  }
}

}  // namespace
}  // namespace carbongate::pipeline

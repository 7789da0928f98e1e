#include "gateway/pipeline/emission.h"

#include <gtest/gtest.h>

#include <random>

namespace carbongate::pipeline {
namespace {

using model::Activity;

TEST(Multiply, CarriesWhatIsBelowAMilligram) {
  std::int64_t remainder = 0;
  const std::int64_t half_mg = model::kFactorScale / 2;
  EXPECT_EQ(multiply(Activity::of(1), half_mg, remainder), 0);
  EXPECT_EQ(remainder, half_mg);
  EXPECT_EQ(multiply(Activity::of(1), half_mg, remainder), 1);
  EXPECT_EQ(remainder, 0);
}

TEST(Multiply, RoundsDownAlsoBelowZeroSoThatTheRemainderIsNeverNegative) {
  std::int64_t remainder = 0;
  const std::int64_t third_mg = model::kFactorScale / 3;
  EXPECT_EQ(multiply(Activity::of(-1), third_mg, remainder), -1);
  EXPECT_EQ(remainder, model::kFactorScale - third_mg);
  EXPECT_EQ(multiply(Activity::of(1), third_mg, remainder), 1);
  EXPECT_EQ(remainder, 0);
}

TEST(Multiply, HoldsProductsBeyond64Bits) {
  std::int64_t remainder = 0;
  EXPECT_EQ(multiply(Activity::of(9'000'000'000'000'000'000), 530'600'000'000, remainder), 4'775'400'000'000'000'000);
}

TEST(Multiply, SplittingAnAmountNeverChangesTheTotal) {
  std::mt19937_64 random(128);
  for (int round = 0; round < 2'000; ++round) {
    const auto factor = static_cast<std::int64_t>(random() % (5 * static_cast<std::uint64_t>(model::kFactorScale)));
    const std::int64_t start = static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(model::kFactorScale));
    const auto whole = static_cast<std::int64_t>(random() % 1'000'000'000'000) - 200'000'000'000;
    std::int64_t remainder_of_whole = start;
    const std::int64_t at_once = multiply(Activity::of(whole), factor, remainder_of_whole);

    std::int64_t remainder = start;
    std::int64_t left = whole;
    std::int64_t sum = 0;
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

model::Factor boiler_factor() {
  model::Factor factor;
  factor.id = "set/boiler";
  factor.version = "1";
  factor.scaled_gas[model::Gas::co2] = 2 * model::kFactorScale;
  factor.scaled_gas[model::Gas::ch4] = model::kFactorScale / 4;
  factor.scaled_gas[model::Gas::co2_biogenic] = model::kFactorScale;
  factor.scaled_co2e = 9 * model::kFactorScale;  // CO2 + 28 CH4
  factor.u95_ppm = 50'000;
  return factor;
}

TEST(Emit, KeepsEachGasApartAndCarriesWhatIsBelowAMilligramOfEach) {
  const model::Factor factor = boiler_factor();
  model::EmissionState state;
  model::Emitted sum;
  for (int i = 0; i < 6; ++i) sum += emit(Activity::of(1), factor, state);
  EXPECT_EQ(sum.gases[model::Gas::co2].quanta(), 12);
  EXPECT_EQ(sum.gases[model::Gas::ch4].quanta(), 1) << "one and a half, of which a half is carried";
  EXPECT_EQ(sum.gases[model::Gas::co2_biogenic].quanta(), 6);
  EXPECT_EQ(sum.co2e.quanta(), 54) << "biogenic CO2 is no part of it";
  EXPECT_EQ(state.total, sum);
  EXPECT_EQ(state.gas_remainders[model::Gas::ch4], model::kFactorScale / 2);
}

}  // namespace
}  // namespace carbongate::pipeline

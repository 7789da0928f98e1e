#include "gateway/tables/number_text.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <limits>
#include <random>

namespace carbongate::tables {
namespace {

TEST(NumberText, HasTheFewestDecimalsAndNoExponent) {
  EXPECT_EQ(number_text(200000), "200000");
  EXPECT_EQ(number_text(-3e9), "-3000000000");
  EXPECT_EQ(number_text(0.1), "0.1");
  EXPECT_EQ(number_text(0.000001), "0.000001");
  EXPECT_EQ(number_text(-0.00012), "-0.00012");
  EXPECT_EQ(number_text(999'999'999'999'999.9), "999999999999999.9");
  EXPECT_EQ(number_text(0), "0");
  EXPECT_EQ(number_text(-0.0), "-0");
  EXPECT_EQ(number_text(123456.789), "123456.789");
}

TEST(NumberText, HasAnExponentWhereItWouldBeLong) {
  EXPECT_EQ(number_text(9e-7), "9e-07");
  EXPECT_EQ(number_text(1e15), "1e+15");
  EXPECT_EQ(number_text(std::numeric_limits<double>::max()), "1.7976931348623157e+308");
}

TEST(NumberText, IsEmptyWhereThereIsNoNumber) {
  EXPECT_EQ(number_text(std::nan("")), "");
}

TEST(NumberText, IsReadAsTheSameDoubleAgain) {
  std::mt19937_64 chance(4711);
  std::uniform_real_distribution<double> exponent(-9, 18);
  for (int i = 0; i < 100'000; ++i) {
    const double value = std::pow(10, exponent(chance));
    const std::string text = number_text(value);
    ASSERT_EQ(std::strtod(text.c_str(), nullptr), value) << text;
    if (value >= 1e-6 && value < 1e15) ASSERT_EQ(text.find('e'), std::string::npos) << text;
  }
}

}  // namespace
}  // namespace carbongate::tables

#include "drivers/api/unit.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

namespace carbongate {
namespace {

TEST(Unit, IsFoundByItsSymbol) {
  const auto kwh = find_unit("kWh");
  ASSERT_TRUE(kwh);
  EXPECT_EQ(kwh->dimension, Dimension::energy);
  EXPECT_EQ(kwh->numerator, 3'600'000);
  EXPECT_EQ(kwh->denominator, 1);
}

TEST(Unit, CaseMatters) {
  EXPECT_EQ(find_unit("mW")->denominator, 1'000);
  EXPECT_EQ(find_unit("MW")->numerator, 1'000'000);
  EXPECT_FALSE(find_unit("KWH"));
  EXPECT_FALSE(find_unit("kwh"));
}

TEST(Unit, CommonSpellingsMeanTheSame) {
  EXPECT_EQ(find_unit("m³"), find_unit("m3"));
  EXPECT_EQ(find_unit("Nm³"), find_unit("Nm3"));
  EXPECT_EQ(find_unit("Nm³/h"), find_unit("Nm3/h"));
  EXPECT_EQ(find_unit("degC"), find_unit("°C"));
  EXPECT_EQ(find_unit("l"), find_unit("L"));
  EXPECT_EQ(find_unit(""), find_unit("1"));
}

TEST(Unit, WhatADerivedPointNeedsIsKnown) {
  EXPECT_EQ(find_unit("m/s")->dimension, Dimension::speed);
  EXPECT_EQ(find_unit("m²")->dimension, Dimension::area);
  EXPECT_EQ(find_unit("vol%"), find_unit("%vol"));
  EXPECT_EQ(find_unit("%vol")->denominator, 100);
  EXPECT_EQ(find_unit("ppm")->denominator, 1'000'000);
  EXPECT_EQ(find_unit("件"), find_unit("pcs"));
  EXPECT_NE(find_unit("kg/m³")->dimension, find_unit("kg/Nm3")->dimension) << "at the meter, and at 0 °C";
  EXPECT_EQ(find_unit("kg/L")->numerator, 1'000);
}

TEST(Unit, GasAt20DegreesIsExactlyTheRatioOfTheTemperatures) {
  const Unit standard = *find_unit("Sm3");
  const Unit normal = *find_unit("Nm3");
  EXPECT_EQ(standard.dimension, normal.dimension);
  EXPECT_EQ(standard.numerator * 29'315, normal.numerator * 27'315 * standard.denominator);
  EXPECT_NE(standard, normal) << "a point in one is never shown as the other";
}

TEST(Unit, UnknownSymbolsAreRefused) {
  for (const std::string_view symbol : {"kWh ", " kWh", "furlong", "kW/h", "Nm", "³"}) {
    EXPECT_FALSE(find_unit(symbol)) << symbol;
  }
}

TEST(Unit, GasAtNormalConditionsIsNotGasAtTheMeter) {
  EXPECT_NE(find_unit("Nm3")->dimension, find_unit("m3")->dimension);
  EXPECT_NE(find_unit("Nm3/h")->dimension, find_unit("m3/h")->dimension);
}

TEST(Unit, AllSymbolsAreUniqueAndFindThemselves) {
  std::set<std::string_view> seen;
  for (const Unit& unit : all_units()) {
    EXPECT_TRUE(seen.insert(unit.symbol).second) << unit.symbol;
    EXPECT_EQ(find_unit(unit.symbol), unit) << unit.symbol;
    EXPECT_GT(unit.numerator, 0) << unit.symbol;
    EXPECT_GT(unit.denominator, 0) << unit.symbol;
    EXPECT_NE(to_string(unit.dimension), "unknown") << unit.symbol;
  }
}

TEST(Unit, ScalesAgreeWithEachOther) {
  const auto ratio = [](std::string_view big, std::string_view small) {
    const Unit a = *find_unit(big);
    const Unit b = *find_unit(small);
    EXPECT_EQ(a.dimension, b.dimension);
    return static_cast<double>(a.numerator) * static_cast<double>(b.denominator) /
           (static_cast<double>(a.denominator) * static_cast<double>(b.numerator));
  };
  EXPECT_EQ(ratio("kWh", "mWh"), 1e6);
  EXPECT_EQ(ratio("MWh", "kWh"), 1e3);
  EXPECT_EQ(ratio("kgce", "kJ"), 29'307.6);
  EXPECT_EQ(ratio("tce", "GJ"), 29.3076);
  EXPECT_EQ(ratio("GJ", "kJ"), 1e6);
  EXPECT_EQ(ratio("MW", "mW"), 1e9);
  EXPECT_EQ(ratio("m3", "L"), 1e3);
  EXPECT_EQ(ratio("t", "kg"), 1e3);
  EXPECT_EQ(ratio("bar", "kPa"), 100);
  EXPECT_EQ(ratio("h", "min"), 60);
}

}  // namespace
}  // namespace carbongate

#include "gateway/pipeline/factor_value.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/model/factor.h"

namespace carbongate::pipeline {
namespace {

using ::testing::HasSubstr;

std::optional<std::int64_t> scaled(std::string_view value, std::string_view unit, std::string_view carrier) {
  std::string why;
  const auto parsed = parse_factor_unit(unit, *model::find_carrier(carrier), why);
  if (!parsed) return std::nullopt;
  return Fraction::decimal(value)->times(parsed->mg_per_quantum)->scaled(model::kFactorScale);
}

std::string why_not(std::string_view unit, std::string_view carrier) {
  std::string why;
  EXPECT_FALSE(parse_factor_unit(unit, *model::find_carrier(carrier), why)) << unit;
  return why;
}

TEST(Fraction, ReadsDecimalsExactly) {
  EXPECT_EQ(Fraction::decimal("0.1564")->scaled(10'000), 1564);
  EXPECT_EQ(Fraction::decimal("99")->scaled(1), 99);
  EXPECT_EQ(Fraction::decimal("0.5")->scaled(1), 1);
  EXPECT_EQ(Fraction::decimal(".25")->scaled(4), 1);
  EXPECT_TRUE(Fraction::decimal("0.000")->zero());
}

TEST(Fraction, RefusesWhatIsNoPlainDecimal) {
  for (const std::string_view text :
       {"", ".", "-1", "+1", "1e3", "1,5", "0x10", "1.2.3", "nan", "1234567890123456789"}) {
    EXPECT_FALSE(Fraction::decimal(text)) << text;
  }
}

TEST(Fraction, RefusesProductsThatDoNotFit) {
  auto product = Fraction::of(999'999'999'999'999'989);
  product = *product.times(product);
  EXPECT_FALSE(product.times(product));
  EXPECT_FALSE(Fraction::of(9'000'000'000'000'000'000).scaled(10));
}

TEST(FactorUnit, BecomesMilligramsPerQuantum) {
  EXPECT_EQ(scaled("0.5306", "kgCO2/kWh", "electricity"), 530'600'000'000);
  EXPECT_EQ(scaled("0.5306", "tCO2/MWh", "electricity"), 530'600'000'000);
  EXPECT_EQ(scaled("530.6", "gCO2e/kWh", "electricity"), 530'600'000'000);
  EXPECT_EQ(scaled("0.11", "tCO2/GJ", "heat"), 110'000'000'000);
  EXPECT_EQ(scaled("21.65", "tCO2/10^4Nm3", "natural-gas"), 2'165'000'000'000);
  EXPECT_EQ(scaled("2.165", "kgCO2/Nm3", "natural-gas"), 2'165'000'000'000);
  EXPECT_EQ(scaled("3.0959", "tCO2/t", "diesel"), 3'095'900'000'000);
}

TEST(FactorUnit, RefusesWhatDoesNotFitTheCarrierAndSaysWhy) {
  EXPECT_THAT(why_not("kgCO2/GJ", "natural-gas"), HasSubstr("natural-gas is accounted in Nm3"));
  EXPECT_THAT(why_not("kgCO2/m3", "natural-gas"), HasSubstr("0 °C"));
  EXPECT_THAT(why_not("kgCO2/kW", "electricity"), HasSubstr("per rate"));
  EXPECT_THAT(why_not("kgCO2/kwh", "electricity"), HasSubstr("'kwh' is not a known unit"));
  EXPECT_THAT(why_not("kWhCO2/kWh", "electricity"), HasSubstr("mass of CO2"));
  EXPECT_THAT(why_not("0.53", "electricity"), HasSubstr("not a unit of an emission factor"));
  EXPECT_THAT(why_not("kgCO2/", "electricity"), HasSubstr("not a known unit"));
  EXPECT_THAT(why_not("kgCO2/10^", "electricity"), HasSubstr("not a known unit"));
}

}  // namespace
}  // namespace carbongate::pipeline

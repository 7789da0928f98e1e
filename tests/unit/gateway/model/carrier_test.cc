#include "gateway/model/carrier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <set>

namespace carbongate::model {
namespace {

using ::testing::HasSubstr;

const Carrier& carrier(std::string_view id) {
  return *find_carrier(id);
}

std::optional<std::int64_t> quanta(double value, std::string_view unit, std::string_view id) {
  const auto activity = to_activity(value, find_unit(unit).value(), carrier(id));
  return activity ? std::optional(activity->quanta()) : std::nullopt;
}

TEST(Carrier, IdsAreUniqueAndFound) {
  std::set<std::string_view> seen;
  for (const Carrier& c : all_carriers()) {
    EXPECT_TRUE(seen.insert(c.id).second) << c.id;
    EXPECT_EQ(find_carrier(c.id), &c);
    EXPECT_FALSE(c.name_zh.empty()) << c.id;
  }
  EXPECT_EQ(find_carrier("Electricity"), nullptr);
}

TEST(Carrier, DisplayUnitIsAWholeNumberOfQuanta) {
  for (const Carrier& c : all_carriers()) {
    EXPECT_EQ(c.quantum.dimension, c.dimension) << c.id;
    EXPECT_EQ(c.display.dimension, c.dimension) << c.id;
    EXPECT_EQ(to_activity(1.0, c.display, c), Activity::of(c.quanta_per_display)) << c.id;
    EXPECT_EQ(to_activity(1.0, c.quantum, c), Activity::of(1)) << c.id;
  }
}

TEST(Carrier, IsOfTheDimensionItsMetersMeasure) {
  for (const std::string_view id : {"biogas", "hydrogen", "coal-mine-gas", "compressed-air", "blast-air", "oxygen",
                                    "nitrogen", "carbon-dioxide-medium", "acetylene", "methane"}) {
    ASSERT_NE(find_carrier(id), nullptr) << id;
    EXPECT_EQ(carrier(id).dimension, Dimension::normal_volume) << id;
  }
  for (const std::string_view id : {"methanol",
                                    "ethanol",
                                    "biomass",
                                    "fresh-water",
                                    "softened-water",
                                    "deaerated-water",
                                    "calcium-carbide",
                                    "product",
                                    "clinker",
                                    "limestone",
                                    "dolomite",
                                    "carbon-anode",
                                    "electrode",
                                    "carburiser",
                                    "pig-iron",
                                    "raw-meal",
                                    "sodium-carbonate",
                                    "co2",
                                    "ch4",
                                    "n2o",
                                    "sf6",
                                    "r134a",
                                    "r410a"}) {
    ASSERT_NE(find_carrier(id), nullptr) << id;
    EXPECT_EQ(carrier(id).dimension, Dimension::mass) << id;
  }
  EXPECT_EQ(carrier("cooling").category, Category::heat);
  EXPECT_EQ(carrier("biomass").category, Category::fuel);
  EXPECT_EQ(carrier("acetylene").category, Category::working_medium);
  EXPECT_EQ(carrier("co2").category, Category::gas);
}

TEST(ToActivity, CountsProductsByPiecesOrByMassButNeverOneAsTheOther) {
  EXPECT_EQ(quanta(1'234.5, "pcs", "product-pieces"), 1'234'500'000) << "a shared machine may count half a piece";
  EXPECT_EQ(quanta(7, "件", "product-pieces"), 7'000'000);
  EXPECT_EQ(carrier("product-pieces").category, Category::product);
  EXPECT_FALSE(to_activity(1, *find_unit("pcs"), carrier("product")));
  EXPECT_FALSE(to_activity(1, *find_unit("t"), carrier("product-pieces")));
  EXPECT_FALSE(to_activity(1, *find_unit("1"), carrier("product-pieces"))) << "a ratio is no number of pieces";
  EXPECT_FALSE(to_activity(1, *find_unit("h"), carrier("product-pieces")));
}

TEST(ToActivity, TakesHeatInStandardCoal) {
  EXPECT_EQ(quanta(1.0, "tce", "heat"), quanta(29.3076, "GJ", "heat"));
  EXPECT_EQ(quanta(1'000.0, "kgce", "heat"), quanta(1.0, "tce", "heat"));
}

TEST(ToActivity, TakesVolumesAt20DegreesByTheRatioOfTheTemperatures) {
  EXPECT_EQ(quanta(29'315.0, "Sm3", "natural-gas"), 27'315'000'000) << "exact: 273.15 K to 293.15 K";
  EXPECT_EQ(quanta(1.0, "Sm³", "natural-gas"), 931'776);
  EXPECT_EQ(quanta(29'315.0, "Sm3/h", "natural-gas"), 27'315'000'000) << "during one hour";
}

TEST(ToActivity, ConvertsExactly) {
  EXPECT_EQ(quanta(12345.67, "kWh", "electricity"), 12'345'670'000);
  EXPECT_EQ(quanta(1.0, "J", "electricity"), 0);  // 0.2778 mWh
  EXPECT_EQ(quanta(18.0, "J", "electricity"), 5);
  EXPECT_EQ(quanta(1.0, "GJ", "heat"), 1'000'000'000);
  EXPECT_EQ(quanta(1.0, "kWh", "heat"), 3'600'000);
  EXPECT_EQ(quanta(0.5, "Nm3", "natural-gas"), 500'000);
  EXPECT_EQ(quanta(2.5, "t", "diesel"), 2'500'000'000);
  EXPECT_EQ(quanta(-12.5, "kWh", "electricity"), -12'500'000);
  EXPECT_EQ(quanta(0.0, "kWh", "electricity"), 0);
  EXPECT_EQ(quanta(-0.0, "kWh", "electricity"), 0);
}

TEST(ToActivity, RoundsToNearestAndTiesAwayFromZero) {
  EXPECT_EQ(quanta(0.5, "mWh", "electricity"), 1);
  EXPECT_EQ(quanta(-0.5, "mWh", "electricity"), -1);
  EXPECT_EQ(quanta(1.5, "mWh", "electricity"), 2);
  EXPECT_EQ(quanta(2.5, "mWh", "electricity"), 3);
  EXPECT_EQ(quanta(std::nextafter(0.5, 0.0), "mWh", "electricity"), 0);
  EXPECT_EQ(quanta(std::nextafter(0.5, 1.0), "mWh", "electricity"), 1);
}

TEST(ToActivity, RefusesWhatDoesNotFit64Bits) {
  EXPECT_EQ(quanta(9.2e12, "kWh", "electricity"), 9'200'000'000'000'000'000);
  EXPECT_FALSE(quanta(9.3e12, "kWh", "electricity"));
  EXPECT_FALSE(quanta(-9.3e12, "kWh", "electricity"));
  EXPECT_FALSE(quanta(std::numeric_limits<double>::max(), "mWh", "electricity"));
  EXPECT_FALSE(quanta(std::numeric_limits<double>::infinity(), "kWh", "electricity"));
  EXPECT_FALSE(quanta(std::numeric_limits<double>::quiet_NaN(), "kWh", "electricity"));
  EXPECT_FALSE(quanta(0x1p63, "mWh", "electricity"));
  EXPECT_EQ(quanta(std::nextafter(0x1p63, 0.0), "mWh", "electricity"),
            (std::int64_t{1} << 62) - 512 + (std::int64_t{1} << 62) - 512);
}

TEST(ToActivity, TinyValuesAreZero) {
  EXPECT_EQ(quanta(std::numeric_limits<double>::denorm_min(), "GWh", "electricity"), 0);
  EXPECT_EQ(quanta(std::numeric_limits<double>::min(), "GWh", "electricity"), 0);
  EXPECT_EQ(quanta(1e-30, "TJ", "heat"), 0);
}

TEST(ToActivity, AgreesWithLongDoubleWhereThatIsExactEnough) {
  std::mt19937_64 random(20231231);
  std::uniform_real_distribution<double> exponent(-8, 11);
  for (int i = 0; i < 20'000; ++i) {
    const double value = std::pow(10.0, exponent(random));
    const long double exact =
        static_cast<long double>(value) * 1'000'000.0L;  // 53 + 20 bits: may round in the last place
    const auto got = quanta(value, "kWh", "electricity");
    ASSERT_TRUE(got);
    EXPECT_LE(std::fabs(static_cast<double>(exact - static_cast<long double>(*got))), 0.500001) << value;
  }
}

TEST(ToActivity, TakesARateAsThatRateDuringOneHour) {
  EXPECT_EQ(quanta(1.0, "kW", "electricity"), 1'000'000);
  EXPECT_EQ(quanta(1.0, "kW", "heat"), 3'600'000);
  EXPECT_EQ(quanta(2.0, "Nm3/h", "natural-gas"), 2'000'000);
  EXPECT_EQ(quanta(3.0, "kg/h", "diesel"), 3'000'000);
}

TEST(ToActivity, RefusesAnotherDimensionAndSaysWhy) {
  EXPECT_FALSE(quanta(1.0, "V", "electricity"));
  EXPECT_FALSE(quanta(1.0, "kvarh", "electricity"));
  EXPECT_FALSE(quanta(1.0, "m3", "natural-gas"));
  EXPECT_FALSE(quanta(1.0, "L", "diesel"));
  EXPECT_THAT(explain_mismatch(*find_unit("m3"), carrier("natural-gas")), HasSubstr("0 °C, 101.325 kPa"));
  EXPECT_THAT(explain_mismatch(*find_unit("m3/h"), carrier("natural-gas")), HasSubstr("Nm3"));
  EXPECT_THAT(explain_mismatch(*find_unit("L"), carrier("diesel")), HasSubstr("density"));
  EXPECT_THAT(explain_mismatch(*find_unit("kvarh"), carrier("electricity")), HasSubstr("reactive energy"));
  EXPECT_EQ(explain_mismatch(*find_unit("MWh"), carrier("electricity")), "");
}

TEST(FormatFixed, IsExactAndHasNoTrailingZeros) {
  EXPECT_EQ(format_fixed(1'250'000, 1'000'000), "1.25");
  EXPECT_EQ(format_fixed(1'000'000, 1'000'000), "1");
  EXPECT_EQ(format_fixed(1, 1'000'000), "0.000001");
  EXPECT_EQ(format_fixed(-1, 1'000'000), "-0.000001");
  EXPECT_EQ(format_fixed(0, 1'000'000), "0");
  EXPECT_EQ(format_fixed(-1'500'000'000, 1'000'000'000), "-1.5");
  EXPECT_EQ(format_fixed(42, 1), "42");
  EXPECT_EQ(format_fixed(std::numeric_limits<std::int64_t>::max(), 1'000'000), "9223372036854.775807");
  EXPECT_EQ(format_fixed(std::numeric_limits<std::int64_t>::min(), 1'000'000), "-9223372036854.775808");
}

}  // namespace
}  // namespace carbongate::model

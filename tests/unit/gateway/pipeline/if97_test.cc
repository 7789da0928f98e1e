#include "gateway/pipeline/if97.h"

#include <gtest/gtest.h>

namespace carbongate::pipeline::if97 {
namespace {

// The tables are those of IAPWS R7-97(2012), which gives nine digits.
TEST(If97, AgreesWithTheReleasesTable15InRegion2) {
  EXPECT_NEAR(*steam_enthalpy(0.0035, 300), 2549.91145, 5e-6);
  EXPECT_NEAR(*steam_enthalpy(0.0035, 700), 3335.68375, 5e-6);
  EXPECT_NEAR(*steam_enthalpy(30, 700), 2631.49474, 5e-6);
}

TEST(If97, AgreesWithTheReleasesTable5InRegion1) {
  EXPECT_NEAR(*water_enthalpy(3, 300), 115.331273, 5e-7);
  EXPECT_NEAR(*water_enthalpy(80, 300), 184.142828, 5e-7);
  EXPECT_NEAR(*water_enthalpy(3, 500), 975.542239, 5e-7);
}

TEST(If97, AgreesWithTheReleasesTables35And36OnTheSaturationLine) {
  EXPECT_NEAR(*saturation_mpa(300), 0.00353658941, 5e-12);
  EXPECT_NEAR(*saturation_mpa(500), 2.63889776, 5e-9);
  EXPECT_NEAR(*saturation_mpa(600), 12.3443146, 5e-8);
  EXPECT_NEAR(*saturation_kelvin(0.1), 372.755919, 5e-7);
  EXPECT_NEAR(*saturation_kelvin(1), 453.035632, 5e-7);
  EXPECT_NEAR(*saturation_kelvin(10), 584.149488, 5e-7);
}

TEST(If97, KnowsBothSidesOfTheSaturationLine) {
  const auto one = saturation(1);
  ASSERT_TRUE(one);
  EXPECT_NEAR(one->water, 762.7, 0.1);
  EXPECT_NEAR(one->steam, 2777.1, 0.1);
  // The two equations of the line agree to some 1e-9 only: neither side may fall off it.
  for (double mpa = 0.000612; mpa < 16.52; mpa *= 1.01) EXPECT_TRUE(saturation(mpa)) << mpa;
}

TEST(If97, ExtrapolatesNothing) {
  EXPECT_FALSE(steam_enthalpy(1, 450)) << "water at 1 MPa boils at 453 K";
  EXPECT_TRUE(steam_enthalpy(1, 454));
  EXPECT_FALSE(steam_enthalpy(0.1, 1073.2));
  EXPECT_FALSE(steam_enthalpy(100.1, 1073));
  EXPECT_FALSE(steam_enthalpy(25, 640)) << "region 3";
  EXPECT_FALSE(steam_enthalpy(0, 400));
  EXPECT_FALSE(steam_enthalpy(0.1, std::numeric_limits<double>::quiet_NaN()));
  EXPECT_FALSE(saturation(17)) << "region 3 on both sides";
  EXPECT_FALSE(saturation(0.0006));
  EXPECT_FALSE(saturation_kelvin(22.1));
  EXPECT_FALSE(saturation_mpa(273));
  EXPECT_FALSE(water_enthalpy(0.1, 400)) << "steam";
}

}  // namespace
}  // namespace carbongate::pipeline::if97

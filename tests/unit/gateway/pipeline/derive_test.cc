#include "gateway/pipeline/derive.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace carbongate::pipeline {
namespace {

double figure(const Derivation& derivation, std::string_view name) {
  for (const Figure& f : derivation.figures) {
    if (f.name == name) return f.value;
  }
  return std::numeric_limits<double>::quiet_NaN();
}

StackGas stack() {
  return {.concentration = 0.12,
          .basis = model::GasBasis::dry,
          .molar_mass = model::kMolarMassHj212,
          .flow_m3h = 3600 * 12 * 12.40,
          .celsius = 118.5,
          .static_pa = -150,
          .barometric_pa = 101'325,
          .moisture = 0.082};
}

TEST(StackCo2, FollowsHj212) {
  const Derivation dry = stack_co2(stack());
  ASSERT_TRUE(dry.value);
  EXPECT_DOUBLE_EQ(figure(dry, "Qs"), 535'680);
  EXPECT_NEAR(figure(dry, "Qsn dry"), 342'401.45, 0.005);
  EXPECT_NEAR(*dry.value, 80'708.9, 0.05);
  StackGas exact = stack();
  exact.molar_mass = model::kMolarMassExact;
  EXPECT_NEAR(*stack_co2(exact).value, 80'727.26, 0.01);
}

TEST(StackCo2, TakesAWetConcentrationWithTheWetFlow) {
  StackGas wet = stack();
  wet.basis = model::GasBasis::wet;
  wet.moisture = std::numeric_limits<double>::quiet_NaN();  // of no account, and need not be known
  const Derivation out = stack_co2(wet);
  ASSERT_TRUE(out.value);
  EXPECT_NEAR(figure(out, "Qsn wet"), 342'401.45 / 0.918, 0.01);
  EXPECT_NEAR(*out.value, 80'708.9 / 0.918, 0.1);
  // The same gas has a smaller concentration when its water is counted: the mass is the same.
  wet.concentration = 0.12 * 0.918;
  EXPECT_NEAR(*stack_co2(wet).value, *stack_co2(stack()).value, 1e-6);
}

// HJ 212-2017 appendix D: Gh = C * Qsn * 1e-6, C in mg/m3 at the standard state.
TEST(StackCo2, TakesAMassInTheVolume) {
  StackGas gas = stack();
  gas.concentration = 0.235;
  gas.by_mass = true;
  gas.flow_m3h = 357'120;
  gas.celsius = 0;
  gas.static_pa = 0;
  gas.moisture = 0;
  gas.molar_mass = std::numeric_limits<double>::quiet_NaN();  // of no account
  EXPECT_NEAR(*stack_co2(gas).value, 83'923.2, 1e-6);
  EXPECT_TRUE(std::isnan(figure(stack_co2(gas), "CO2 density")));

  // A share of the volume is that mass times its density, whichever of the two is measured.
  for (const model::GasBasis basis : {model::GasBasis::dry, model::GasBasis::wet}) {
    StackGas share = stack();
    share.basis = basis;
    StackGas mass = share;
    mass.concentration = 0.12 * 44 / 22.4;
    mass.by_mass = true;
    EXPECT_NEAR(*stack_co2(mass).value, *stack_co2(share).value, 1e-6);
  }
  for (const double concentration : {-0.001, 2.001, std::numeric_limits<double>::quiet_NaN()}) {
    gas.concentration = concentration;
    EXPECT_FALSE(stack_co2(gas).value) << concentration;
  }
}

TEST(StackCo2, RefusesWhatIsNoGas) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  for (const double concentration : {-0.01, 1.01, kNan}) {
    StackGas gas = stack();
    gas.concentration = concentration;
    EXPECT_FALSE(stack_co2(gas).value) << concentration;
  }
  for (const double moisture : {-0.01, 1.0, kNan}) {
    StackGas gas = stack();
    gas.moisture = moisture;
    EXPECT_FALSE(stack_co2(gas).value) << moisture;
  }
  StackGas gas = stack();
  gas.static_pa = -101'325;
  EXPECT_FALSE(stack_co2(gas).value);
  gas = stack();
  gas.flow_m3h = -1;
  EXPECT_FALSE(stack_co2(gas).value);
  gas = stack();
  gas.flow_m3h = 0;
  EXPECT_EQ(stack_co2(gas).value, 0) << "a stack that stands still emits nothing";
}

TEST(NormalPerMetered, IsTheGasLawWithCompressibility) {
  EXPECT_DOUBLE_EQ(*normal_per_metered(0, 101'325, 1).value, 1);
  EXPECT_DOUBLE_EQ(*normal_per_metered(20, 101'325, 1).value, 273.15 / 293.15);
  EXPECT_NEAR(*normal_per_metered(15, 501'325, 0.99).value, 273.15 / 288.15 * 501'325 / 101'325 / 0.99, 1e-12);
  EXPECT_FALSE(normal_per_metered(20, 0, 1).value);
  EXPECT_FALSE(normal_per_metered(-61, 101'325, 1).value);
}

TEST(SteamHeat, IsTheEnthalpyAboveTheReturnedWater) {
  const Derivation superheated = steam_heat(30e6, 426.85, 1);
  ASSERT_TRUE(superheated.value);
  EXPECT_NEAR(*superheated.value, 2.54775474, 1e-8);
  EXPECT_NEAR(figure(superheated, "h"), 2631.49474, 1e-5);
  const Derivation dry = steam_heat(1e6, std::nullopt, 1);
  const Derivation wet = steam_heat(1e6, std::nullopt, 0.9);
  EXPECT_NEAR(figure(dry, "T sat"), 453.035632 - 273.15, 1e-6);
  EXPECT_NEAR(*dry.value, 2.6934, 1e-4);
  EXPECT_NEAR(*wet.value, *dry.value - 0.1 * 2.0144, 1e-4);
  EXPECT_FALSE(steam_heat(1e6, 170, 1).value) << "water, not steam";
  EXPECT_FALSE(steam_heat(17e6, std::nullopt, 1).value);
  EXPECT_FALSE(steam_heat(1e6, std::nullopt, 1.1).value);
}

TEST(HotWaterHeat, IsMeasuredAgainst20Degrees) {
  EXPECT_NEAR(*hot_water_heat(90).value, 70 * 4.1868e-3, 1e-15);
  EXPECT_EQ(hot_water_heat(15).value, 0);
  EXPECT_FALSE(hot_water_heat(-1).value);
  EXPECT_FALSE(hot_water_heat(201).value);
}

}  // namespace
}  // namespace carbongate::pipeline

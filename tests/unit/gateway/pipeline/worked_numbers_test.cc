// The worked numbers of the guidelines that no other test has, through the product: stack gas, gas laws, formulas of
// factors, standard coal, and the uncertainty of a result. (The stack's mass: derive_test, deriver_test and the golden
// stack_hour; the meter chain: uncertainty_test; the products of fuel factors: factor_registry_test; every row of a
// table: factor_csv_test.)
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "gateway/model/carrier.h"
#include "gateway/model/emitted.h"
#include "gateway/pipeline/derive.h"
#include "gateway/pipeline/factor_registry.h"
#include "tests/unit/gateway/pipeline/pipeline_fixture.h"

namespace carbongate::pipeline {
namespace {

double figure(const Derivation& derivation, std::string_view name) {
  for (const Figure& f : derivation.figures) {
    if (f.name == name) return f.value;
  }
  return std::nan("");
}

class WorkedNumbers : public ::testing::Test {
 protected:
  // The factor of today, in kg of CO2e, or of coal equivalent, per unit that exports have.
  const model::Factor* find(const std::string& set, std::string_view carrier, std::string_view method = "default") {
    config::Problems problems;
    registry_ = FactorRegistry::load(config::DataFiles("."), std::vector<std::string>{set}, "Asia/Shanghai", problems);
    return registry_.find(set, carrier, "CN", method, utc("2026-01-01 00:00"));
  }
  double per_unit(const std::string& set, std::string_view carrier, std::string_view method = "default") {
    const model::Factor* factor = find(set, carrier, method);
    if (!factor) return std::nan("");
    const double mg = static_cast<double>(factor->scaled_co2e + factor->scaled_coal) / model::kFactorScale;
    return mg * static_cast<double>(model::find_carrier(carrier)->quanta_per_display) / model::kMilligramsPerKilogram;
  }

  FactorRegistry registry_;
};

// 44/22.4 = 1.9643 kg/m3; with M = 44.01: 1.9647.
TEST_F(WorkedNumbers, TheDensityOfCo2IsTheOneThatIsSaid) {
  StackGas gas{.concentration = 0.12,
               .basis = model::GasBasis::dry,
               .molar_mass = model::kMolarMassHj212,
               .flow_m3h = 535'680,
               .celsius = 118.5,
               .static_pa = -150,
               .barometric_pa = 101'325,
               .moisture = 0.082};
  EXPECT_NEAR(figure(stack_co2(gas), "CO2 density"), 1.9643, 0.00005);
  gas.molar_mass = model::kMolarMassExact;
  EXPECT_NEAR(figure(stack_co2(gas), "CO2 density"), 1.9647, 0.00005);
}

// V0 = V20 * 273.15/293.15 = 0.9318 * V20, and a kilogram of methane at either condition.
TEST_F(WorkedNumbers, AGasAt20DegreesIsLessAtZero) {
  const double ratio = *normal_per_metered(20, 101'325, 1).value;
  EXPECT_NEAR(ratio, 0.9318, 0.00005);
  const double methane = static_cast<double>(find("direct", "methane")->scaled_gas[model::Gas::ch4_fossil]) / 1e12;
  EXPECT_NEAR(methane, 16.043 / 22.414, 0.00005) << "kg/Nm3";
  EXPECT_NEAR(methane * ratio, 0.6669, 0.0001) << "kg/m3 at 20 degrees";
  EXPECT_NEAR(per_unit("cn-fuels", "natural-gas"), 2.165, 0.0005) << "kg/Nm3";
}

TEST_F(WorkedNumbers, ProcessFactorsAreWhatTheirFormulasSay) {
  constexpr double kCo2 = 44.009;
  const struct {
    const char* carrier;
    const char* method;
    double exact;
  } cases[] = {
      {"limestone", "stoichiometric", kCo2 / 100.087},
      {"dolomite", "stoichiometric", 2 * kCo2 / 184.40},
      {"magnesium-carbonate", "stoichiometric", kCo2 / 84.314},
      {"sodium-carbonate", "stoichiometric", kCo2 / 105.988},
      {"potassium-carbonate", "stoichiometric", kCo2 / 138.205},
      {"iron-carbonate", "stoichiometric", kCo2 / 115.854},
      {"manganese-carbonate", "stoichiometric", kCo2 / 114.947},
      {"barium-carbonate", "stoichiometric", kCo2 / 197.336},
      {"sodium-bicarbonate", "stoichiometric", kCo2 / 84.007},
      {"clinker", "ipcc", 0.52 * 1.02},
      {"limestone", "flue-gas-desulphurisation", 0.90 * 0.44},
      {"carbon-anode", "default", (1 - 0.02 - 0.004) * 44 / 12},
  };
  for (const auto& [carrier, method, exact] : cases) {
    EXPECT_NEAR(per_unit("cn-process", carrier, method), exact, 0.00005 + 1e-12) << carrier;
  }
  EXPECT_NEAR(0.42 * per_unit("cn-process", "carbon-anode"), 1.503, 0.0005) << "per t of aluminium";
}

// 1 kgce = 29 307.6 kJ. Electricity and steam are printed a little above their heat.
TEST_F(WorkedNumbers, StandardCoalIsItsHeat) {
  EXPECT_NEAR(per_unit("cn-standard-coal", "heat"), 1'000 * 0.03412, 1e-9) << "kgce/GJ";
  EXPECT_NEAR(per_unit("cn-standard-coal", "heat"), 1e6 / 29'307.6, 0.002);
  EXPECT_NEAR(per_unit("cn-standard-coal", "electricity", "calorific"), 0.1229, 1e-12) << "kgce/kWh";
  EXPECT_NEAR(per_unit("cn-standard-coal", "electricity", "calorific"), 3'600 / 29'307.6, 0.0001);
  EXPECT_NEAR(per_unit("cn-standard-coal", "raw-coal"), 20'934 / 29'307.6, 0.00005);
  EXPECT_NEAR(per_unit("cn-standard-coal", "diesel"), 42'705 / 29'307.6, 0.00005);
  EXPECT_NEAR(per_unit("cn-standard-coal", "natural-gas", "oil-field"), 38'979 / 29'307.6, 0.00005);
}

// Hot water: M * (T - 20) * 4.1868e-3 GJ. Steam: M * (h - 83.74) * 1e-3 GJ.
TEST_F(WorkedNumbers, HeatIsMeasuredAboveTheWaterThatComesBack) {
  EXPECT_NEAR(1'000 * *hot_water_heat(95).value, 1'000 * 75 * 4.1868e-3, 1e-9);
  const Derivation steam = steam_heat(1.6e6, 250, 1);
  EXPECT_NEAR(*steam.value, (figure(steam, "h") - 83.74) * 1e-3, 1e-15);
}

// Meter 0.5S, CT 0.2, PT 0.2: U = 0.663 %. With a factor of u = 2.5 %: u = 2.522 %, so the factor dominates.
TEST_F(WorkedNumbers, TheUncertaintyOfAResultIsThatOfItsMeterAndItsFactor) {
  model::Emitted emitted;
  emitted.co2e = model::Co2e::of(1'000'000'000);
  emitted.u95_activity = model::Co2e::of(6'633'000);
  EXPECT_EQ(emitted.u95(), emitted.u95_activity) << "nothing is stated of the factor";
  emitted.u95_factor = model::Co2e::of(50'000'000);
  EXPECT_NEAR(static_cast<double>(emitted.u95().quanta()) / 2 / 1e9, 0.02522, 0.000005);
}

}  // namespace
}  // namespace carbongate::pipeline

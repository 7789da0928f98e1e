#include <gtest/gtest.h>

#include "gateway/pipeline/factor_registry.h"
#include "tests/unit/gateway/pipeline/own_factor_set.h"
#include "tests/unit/gateway/pipeline/pipeline_fixture.h"

namespace carbongate::pipeline {
namespace {

class FactorGases : public OwnSet {};

double co2e(const model::Factor* factor) {
  return factor ? static_cast<double>(factor->scaled_co2e) / 1e12 : -1.0;
}

TEST_F(FactorGases, SeveralGasesAddUpByTheNamedSet) {
  const std::string rows = line(
      "carrier: diesel, gases: {CO2: 74100, CH4: 3, N2O: 0.6}, unit: kg/TJ, ncv: 43.0, "
      "ncv_unit: GJ/t, lower95: 72600, upper95: 74800, year: 2006");
  const auto find = [](const FactorRegistry& r) {
    return r.find("own", "diesel", "", "default", utc("2023-01-01 00:00"));
  };
  const auto ar5 = load(rows);
  ASSERT_EQ(problems_.to_text(), "");
  const model::Factor* f = find(ar5);
  EXPECT_EQ(f->scaled_gas[model::Gas::co2], 3'186'300'000'000);  // 74 100 kg/TJ * 43 TJ/Gg = 3.1863 kg/kg
  EXPECT_EQ(f->scaled_gas[model::Gas::ch4], 129'000'000);
  EXPECT_EQ(f->scaled_gas[model::Gas::n2o], 25'800'000);
  EXPECT_EQ(f->scaled_co2e, 3'186'300'000'000 + 28LL * 129'000'000 + 265 * 25'800'000LL);
  EXPECT_EQ(f->gwp_set, "AR5");
  EXPECT_EQ(f->formula, "(CO2 74100, CH4 3, N2O 0.6) kg/TJ x 43.0 GJ/t");
  EXPECT_EQ(f->ncv_text, "43.0");
  EXPECT_EQ(f->ncv_unit_text, "GJ/t");
  EXPECT_EQ(f->u95_ppm, 20'243);  // the wider side: 1500 of 74100

  const auto ar6 = load(rows, "UTC", "own", "", "AR6");
  EXPECT_EQ(find(ar6)->scaled_co2e, 3'186'300'000'000 + 27 * 129'000'000LL + 273 * 25'800'000LL);
  EXPECT_EQ(find(ar6)->gwp_set, "AR6");
  const auto sar = load(rows, "UTC", "own", "", "SAR");
  EXPECT_EQ(find(sar)->scaled_co2e, 3'186'300'000'000 + 21 * 129'000'000LL + 310 * 25'800'000LL);
}

TEST_F(FactorGases, BiogenicCo2IsKeptApart) {
  const auto registry =
      load(line("carrier: wood, gases: {CO2-biogenic: 112000, CH4: 30, N2O: 4}, unit: kg/TJ, ncv: "
                "15.6, ncv_unit: GJ/t, lower95: 95000, upper95: 132000, year: 2006"));
  const model::Factor* f = registry.find("own", "wood", "", "default", utc("2023-01-01 00:00"));
  ASSERT_NE(f, nullptr) << problems_.to_text();
  EXPECT_EQ(f->scaled_gas[model::Gas::co2_biogenic], 1'747'200'000'000);
  EXPECT_EQ(f->scaled_gas[model::Gas::co2], 0);
  EXPECT_NEAR(co2e(f), 15.6e-6 * (30 * 28 + 4 * 265), 1e-12);
  EXPECT_EQ(f->u95_ppm, 0) << "bounds of what is not in CO2e";
}

TEST_F(FactorGases, AUnitSaysWhichGas) {
  const auto registry = load(line("carrier: heat, value: 1, unit: kgCO2e/GJ, year: 2020, method: a") +
                             line("carrier: heat, value: 1, unit: kgCH4-fossil/GJ, year: 2020, method: b") +
                             line("carrier: heat, value: 1, unit: kgSF6/GJ, year: 2020, method: c"));
  ASSERT_FALSE(problems_.has_errors()) << problems_.to_text();
  const auto find = [&](std::string_view method) {
    return registry.find("own", "heat", "", method, utc("2023-01-01 00:00"));
  };
  EXPECT_EQ(find("a")->scaled_gas[model::Gas::unsplit], 1'000'000'000);
  EXPECT_EQ(find("a")->scaled_co2e, 1'000'000'000);
  EXPECT_EQ(find("a")->gwp_set, "") << "whoever published it chose";
  EXPECT_EQ(find("b")->scaled_gas[model::Gas::ch4_fossil], 1'000'000'000);
  EXPECT_EQ(find("b")->scaled_co2e, 30'000'000'000);
  EXPECT_EQ(find("c")->scaled_co2e, 23'500'000'000'000);
}

TEST(ShippedFactors, RefrigerantsAreTheirParts) {
  config::Problems problems;
  const std::vector<std::string> sets{"direct"};
  const auto registry = FactorRegistry::load(config::DataFiles("."), sets, "UTC", problems);
  const auto find = [&](std::string_view carrier) {
    return registry.find("direct", carrier, "CN-SC", "default", utc("2023-01-01 00:00"));
  };
  EXPECT_DOUBLE_EQ(co2e(find("r410a")), (677 + 3170) / 2.0);
  EXPECT_DOUBLE_EQ(co2e(find("r134a")), 1300);
  EXPECT_DOUBLE_EQ(co2e(find("sf6")), 23500);
  EXPECT_DOUBLE_EQ(co2e(find("methane")), 0.7158 * 30);
  EXPECT_EQ(find("methane")->formula, "16.043 / 22.414 kg/Nm3");
}

}  // namespace
}  // namespace carbongate::pipeline

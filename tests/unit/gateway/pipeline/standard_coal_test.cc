#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/pipeline/factor_registry.h"
#include "gateway/pipeline/factor_set.h"
#include "tests/unit/gateway/pipeline/own_factor_set.h"
#include "tests/unit/gateway/pipeline/pipeline_fixture.h"

namespace carbongate::pipeline {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class StandardCoal : public OwnSet {};

TEST_F(StandardCoal, OfStandardCoalIsNoSetOfEmissions) {
  const auto registry =
      load(line("carrier: raw-coal, value: 0.7143, unit: kgce/kg, year: 2020") +
               line("carrier: anthracite, ncv: 22.867, ncv_unit: GJ/t, year: 2011") +
               line("carrier: steam, value: 0.1286, unit: kgce/kg, ncv: 3763, ncv_unit: kJ/kg, year: 2020"),
           "UTC", "own", "kind: standard-coal\n");
  ASSERT_EQ(problems_.to_text(), "");
  EXPECT_TRUE(registry.sets().empty());
  EXPECT_THAT(registry.sets(model::FactorKind::standard_coal), ElementsAre("own"));
  const auto find = [&](std::string_view carrier) {
    return registry.find("own", carrier, "CN-SC", "default", utc("2023-01-01 00:00"));
  };
  EXPECT_EQ(find("raw-coal")->scaled_coal, 714'300'000'000);
  EXPECT_EQ(find("raw-coal")->scaled_co2e, 0);
  EXPECT_NEAR(static_cast<double>(find("anthracite")->scaled_coal), 22867 / 29307.6 * 1e12, 1);
  EXPECT_EQ(find("anthracite")->unit_text, "kgce/t");
  EXPECT_EQ(find("anthracite")->value_text, "780.241303");
  EXPECT_EQ(find("anthracite")->formula, "22.867 GJ/t / 29307.6 kJ/kgce");
  EXPECT_NEAR(static_cast<double>(find("steam")->scaled_coal), 0.1286 / 3.763 * 1e12 * 1e-0, 1);
}

TEST_F(StandardCoal, AMeasuredHeatingValueGivesTheStandardCoalToo) {
  write("base", "factors:\n" + line("carrier: natural-gas, year: 2020, ncv: 389.31, ncv_unit: GJ/10^4Nm3, "
                                    "carbon_t_per_gj: 0.01532, oxidation_percent: 99"));
  const std::string rows = R"(
  - {carrier: natural-gas, valid_from: 2026-01-01, ncv: 360, ncv_unit: GJ/10^4Nm3, carbon_t_per_gj: 0.0153, oxidation_percent: 99,
     source: lab, publication: 2026-02-01, confidence: own_measurement}
  - {carrier: natural-gas, valid_from: 2026-02-01, ncv: 350, ncv_unit: GJ/10^4Nm3, carbon_t_per_gj: 0.0153, oxidation_percent: 99,
     source: lab, publication: 2026-03-01, confidence: supplier}
  - {carrier: natural-gas, valid_from: 2026-03-01, value: 1.9, unit: kgCO2/Nm3,
     source: lab, publication: 2026-03-01, confidence: own_measurement}
  - {carrier: diesel, year: 2026, gases: {CO2: 74100}, unit: kg/TJ, ncv: 43.0, ncv_unit: GJ/t,
     source: refinery, publication: 2026-03-01, confidence: supplier}
)";
  const auto registry = load(rows, "UTC", "own", "extends: base\n");
  ASSERT_EQ(problems_.to_text(), "");
  EXPECT_THAT(registry.sets(), ElementsAre("own"));
  EXPECT_THAT(registry.sets(model::FactorKind::standard_coal), ElementsAre("own/ncv"));
  const auto find = [&](std::string_view carrier, std::string_view at) {
    return registry.find(coal_set_of("own"), carrier, "CN-SC", "default", utc(at));
  };
  EXPECT_EQ(find("natural-gas", "2025-12-31 23:59"), nullptr) << "a default, which is inherited";
  const model::Factor* own = find("natural-gas", "2026-01-31 23:59");
  ASSERT_NE(own, nullptr);
  EXPECT_EQ(own->id, "own/ncv/natural-gas/default/2026-01-01");
  EXPECT_NEAR(static_cast<double>(own->scaled_coal), 36'000 / 29'307.6 * 1e12, 1);
  EXPECT_EQ(own->scaled_co2e, 0);
  EXPECT_EQ(own->formula, "360 GJ/10^4Nm3 / 29307.6 kJ/kgce");
  EXPECT_EQ(own->unit_text, "kgce/10^4Nm3");
  EXPECT_EQ(own->source, "lab");
  EXPECT_NEAR(static_cast<double>(find("natural-gas", "2026-02-01 00:00")->scaled_coal), 35'000 / 29'307.6 * 1e12, 1);
  EXPECT_EQ(find("natural-gas", "2026-03-01 00:00"), nullptr) << "the next row has no heating value";
  EXPECT_NEAR(static_cast<double>(find("diesel", "2026-03-01 00:00")->scaled_coal), 43'000 / 29'307.6 * 1e12, 1);
}

TEST_F(StandardCoal, TheStandardCoalIsThatOfTheSameSeriesAsTheEmissions) {
  const std::string measured =
      ", ncv_unit: GJ/10^4Nm3, source: lab, publication: 2026-02-01, confidence: own_measurement";
  const std::string burnt = ", carbon_t_per_gj: 0.0153, oxidation_percent: 99}\n";
  write("base", "factors:\n  - {carrier: natural-gas, year: 2026, ncv: 360" + measured + burnt);
  const auto registry = load("  - {carrier: natural-gas, region: CN-SC, year: 2026, ncv: 350" + measured + burnt +
                                 line("carrier: natural-gas, region: CN-BJ, year: 2026, value: 1.9, unit: kgCO2/Nm3"),
                             "UTC", "own", "extends: base\n");
  ASSERT_EQ(problems_.to_text(), "");
  const auto find = [&](std::string_view region) {
    return registry.find("own/ncv", "natural-gas", region, "default", utc("2026-06-01 00:00"));
  };
  ASSERT_NE(find("CN-SC"), nullptr);
  EXPECT_EQ(find("CN-SC")->formula, "350 GJ/10^4Nm3 / 29307.6 kJ/kgce");
  ASSERT_NE(find("CN-GD"), nullptr);
  EXPECT_EQ(find("CN-GD")->id, "own/ncv/natural-gas/default/2026");
  EXPECT_EQ(find("CN-GD")->inherited_from, "base");
  EXPECT_EQ(find("CN-BJ"), nullptr) << "its emissions go by a row without a heating value";
}

TEST_F(StandardCoal, AMeasuredHeatingValueThatDoesNotLeadToTheAmountIsNamed) {
  const std::string row =
      "  - {carrier: natural-gas, year: 2026, value: 1.9, unit: kgCO2/Nm3, ncv: 48, ncv_unit: GJ/t, "
      "source: lab, publication: 2026-03-01, confidence: own_measurement";
  const auto without = load(row + "}\n");
  EXPECT_FALSE(problems_.has_errors());
  EXPECT_THAT(problems_.to_text(), HasSubstr("factors[0].ncv: 48 GJ/t does not lead to Nm3"));
  EXPECT_THAT(without.sets(model::FactorKind::standard_coal), ElementsAre());
  EXPECT_THAT(without.sets(), ElementsAre("own"));
  problems_ = {};
  const auto registry = load(row + ", density: 0.72, density_unit: kg/Nm3}\n");
  EXPECT_EQ(problems_.to_text(), "");
  const model::Factor* coal = registry.find("own/ncv", "natural-gas", "", "default", utc("2026-03-01 00:00"));
  ASSERT_NE(coal, nullptr);
  EXPECT_NEAR(static_cast<double>(coal->scaled_coal), 48 * 720 / 29'307.6 * 1e12, 1);
}

}  // namespace
}  // namespace carbongate::pipeline

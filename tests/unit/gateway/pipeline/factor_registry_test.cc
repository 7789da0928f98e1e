#include "gateway/pipeline/factor_registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "gateway/model/carrier.h"
#include "gateway/pipeline/factor_set.h"
#include "tests/unit/gateway/pipeline/own_factor_set.h"
#include "tests/unit/gateway/pipeline/pipeline_fixture.h"

namespace carbongate::pipeline {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const FactorRegistry& shipped() {
  static TestSite site;
  return site.factors();
}

TEST_F(OwnSet, WithoutFactorsIsNoSet) {
  for (const char* rows : {"  []\n", "  # none yet\n"}) {
    problems_ = {};
    load(rows);
    EXPECT_THAT(problems_.to_text(), HasSubstr("own.yaml:")) << rows;
    EXPECT_THAT(problems_.to_text(), HasSubstr("factors: is empty")) << rows;
  }
  std::ofstream(directory_ / "factors" / "own.yaml") << "";
  problems_ = {};
  FactorRegistry::load(config::DataFiles(directory_), {.sets = {"own"}, .own = {}}, "Asia/Shanghai", problems_);
  EXPECT_THAT(problems_.to_text(), HasSubstr("own.yaml:1:1: error: expected a map ('key: value'), found nothing"))
      << "an empty file";
  write("base", "factors:\n" + line("carrier: heat, year: 2023, value: 0.11, unit: tCO2/GJ"));
  problems_ = {};
  load("  []\n", "UTC", "own", "extends: base\n");
  EXPECT_EQ(problems_.to_text(), "");
}

TEST_F(OwnSet, WhatNoFactorIsMakesAWarning) {
  load(line("carrier: natural-gas, year: 2023, value: 21650, unit: kgCO2/Nm3") +
       line("carrier: bituminous-coal, year: 2023, ncv: 20.9, ncv_unit: GJ/t, carbon_t_per_gj: 15.32, "
            "oxidation_percent: 98") +
       line("carrier: heat, year: 2023, value: 0.11, unit: tCO2/GJ, uncertainty_percent: 500"));
  EXPECT_FALSE(problems_.has_errors()) << problems_.to_text();
  EXPECT_THAT(problems_.to_text(),
              HasSubstr("factors[0].value: 21650 kgCO2/Nm3 is more than any factor of natural-gas"));
  EXPECT_THAT(problems_.to_text(), HasSubstr("factors[1].carbon_t_per_gj: "));
  EXPECT_THAT(problems_.to_text(), HasSubstr("factors[2].uncertainty_percent: is above 100"));
}

// Understating is what a factor must not do without a word.
TEST_F(OwnSet, WhatIsTooLittleForAFossilFuelMakesAWarning) {
  const struct {
    const char* factor;
    const char* warning;  // "": none
  } cases[] = {
      {"carrier: natural-gas, value: 0.0216, unit: kgCO2/Nm3",
       "own.yaml:5:91: warning: factors[0].value: 0.0216 kgCO2/Nm3 is less than any factor of natural-gas should be"},
      {"carrier: natural-gas, value: 0, unit: kgCO2/Nm3", "value: 0 kgCO2/Nm3 is less than any factor of natural-gas"},
      {"carrier: diesel, gases: {CO2: 741, CH4: 3}, unit: kg/TJ, ncv: 43, ncv_unit: GJ/t",
       "gases: CO2 741, CH4 3 kg/TJ is less than any factor of diesel"},
      {"carrier: industrial-waste, value: 1.43, unit: kgCO2/GJ", "is less than any factor of industrial-waste"},
      {"carrier: natural-gas, ncv: 389.31, ncv_unit: GJ/10^4Nm3, carbon_t_per_gj: 0.0153, oxidation_percent: 0.99",
       "oxidation_percent: 0.99 is 0.99 %: is it a fraction?"},
      {"carrier: diesel, ncv: 42.652, ncv_unit: GJ/t, carbon_t_per_gj: 0.0202, oxidation_percent: 1",
       "oxidation_percent: 1 is 1 %"},
      {"carrier: natural-gas, ncv: 389.31, ncv_unit: GJ/10^4Nm3, carbon_t_per_gj: 0.000153, oxidation_percent: 99",
       "carbon_t_per_gj: 0.216218881 tCO2/10^4Nm3 is less than any factor of natural-gas"},
      {"carrier: diesel, value: 3.1, unit: kgCO2/kg, uncertainty_percent: 0.05",
       "uncertainty_percent: is below 0.1: is it a fraction?"},
      {"carrier: other-gas, value: 0.23, unit: kgCO2/Nm3", ""},
      {"carrier: coal-gangue, value: 0.66, unit: kgCO2/kg, uncertainty_percent: 0.5", ""},
      {"carrier: electricity, value: 0, unit: kgCO2/kWh", ""},
      {"carrier: steam, value: 0, unit: tCO2/GJ", ""},
      {"carrier: hydrogen, value: 0, unit: kgCO2/Nm3", ""},
      {"carrier: biomass, gases: {CO2-biogenic: 1.8, CH4: 0.0005}, unit: kg/kg", ""},
      {"carrier: diesel, value: 3.1, unit: kgCO2-biogenic/kg", ""},
      {"carrier: fresh-water, value: 0.0003, unit: kgCO2e/kg", ""},
  };
  for (const auto& c : cases) {
    problems_ = {};
    load(line(c.factor + std::string(", year: 2023")));
    const std::string text = problems_.to_text();
    EXPECT_FALSE(problems_.has_errors()) << text;
    EXPECT_THAT(text, HasSubstr(c.warning)) << c.factor;
    EXPECT_EQ(std::ranges::count(text, '\n'), *c.warning ? 1 : 0) << text;
  }
}

TEST_F(OwnSet, ATotalBesideItsPartsIsRefused) {
  for (const char* gases : {"CO2: 2.1, CO2e: 2.2", "CO2e: 2.2, CH4: 0.1", "CO2: 2.1, CO2-biogenic: 0.1, CO2e: 2.2"}) {
    problems_ = {};
    load(line("carrier: natural-gas, gases: {" + std::string(gases) + "}, unit: kg/Nm3, year: 2023"));
    const auto column = 98 + std::string(gases).find("CO2e");  // of its value
    EXPECT_THAT(problems_.to_text(), HasSubstr("own.yaml:5:" + std::to_string(column) +
                                               ": error: factors[0].gases.CO2e: is the sum of the other gases"))
        << gases;
  }
  problems_ = {};
  load(line("carrier: diesel, gases: {CO2-biogenic: 0.2, CO2e: 2.9}, unit: kg/kg, year: 2023"));
  EXPECT_EQ(problems_.to_text(), "") << "biogenic CO2 is no part of it";
}

TEST(ShippedFactors, AreReadWithoutAProblem) {
  EXPECT_THAT(shipped().sets(), ElementsAre("cn-fuels", "cn-fuels-b", "cn-grid", "cn-heat"));
  std::set<std::string> ids;
  for (const model::Factor& factor : shipped().all()) {
    EXPECT_TRUE(ids.insert(factor.id).second) << factor.id;
    EXPECT_GT(factor.scaled_co2e, 0) << factor.id;
    EXPECT_FALSE(factor.source.empty()) << factor.id;
    EXPECT_FALSE(factor.publication.empty()) << factor.id;
    EXPECT_FALSE(factor.version.empty()) << factor.id;
  }
  EXPECT_EQ(shipped().regions("cn-grid", "electricity").size(), 38u);  // nation, 7 grids, 30 provinces
}

// MEE and NBS: announcements 2024 No. 12, 2024 No. 33 and 2025 No. 47, average factors in kgCO2/kWh.
TEST(ShippedFactors, GridAveragesAreAsPublished) {
  struct Row {
    const char* region;
    const char* value[3];
  };
  const Row rows[] = {
      {"CN", {"0.5568", "0.5366", "0.5306"}},         {"CN-GRID-N", {"0.7120", "0.6776", "0.6361"}},
      {"CN-GRID-NE", {"0.6012", "0.5564", "0.5122"}}, {"CN-GRID-E", {"0.5992", "0.5617", "0.5500"}},
      {"CN-GRID-C", {"0.5354", "0.5395", "0.5271"}},  {"CN-GRID-NW", {"0.5951", "0.5857", "0.5543"}},
      {"CN-GRID-S", {"0.4326", "0.3869", "0.4042"}},  {"CN-GRID-SW", {"0.2113", "0.2268", "0.2472"}},
      {"CN-BJ", {"0.5688", "0.5580", "0.5554"}},      {"CN-TJ", {"0.7355", "0.7041", "0.6796"}},
      {"CN-HE", {"0.7901", "0.7252", "0.6516"}},      {"CN-SX", {"0.7222", "0.7096", "0.6634"}},
      {"CN-NM", {"0.7025", "0.6849", "0.6479"}},      {"CN-LN", {"0.5876", "0.5626", "0.4878"}},
      {"CN-JL", {"0.5629", "0.4932", "0.4671"}},      {"CN-HL", {"0.6342", "0.5368", "0.5229"}},
      {"CN-SH", {"0.5834", "0.5849", "0.5737"}},      {"CN-JS", {"0.6451", "0.5978", "0.5827"}},
      {"CN-ZJ", {"0.5422", "0.5153", "0.4974"}},      {"CN-AH", {"0.7075", "0.6782", "0.6553"}},
      {"CN-FJ", {"0.4711", "0.4092", "0.4211"}},      {"CN-JX", {"0.5835", "0.5752", "0.5836"}},
      {"CN-SD", {"0.6838", "0.6410", "0.6191"}},      {"CN-HA", {"0.6369", "0.6058", "0.5897"}},
      {"CN-HB", {"0.3672", "0.4364", "0.4044"}},      {"CN-HN", {"0.5138", "0.4900", "0.4976"}},
      {"CN-GD", {"0.4715", "0.4403", "0.4419"}},      {"CN-GX", {"0.5154", "0.4044", "0.4476"}},
      {"CN-HI", {"0.4524", "0.4184", "0.3648"}},      {"CN-CQ", {"0.4743", "0.5227", "0.5581"}},
      {"CN-SC", {"0.1255", "0.1404", "0.1564"}},      {"CN-GZ", {"0.5182", "0.4989", "0.5683"}},
      {"CN-YN", {"0.1235", "0.1073", "0.1333"}},      {"CN-SN", {"0.6336", "0.6558", "0.6335"}},
      {"CN-GS", {"0.4955", "0.4772", "0.4471"}},      {"CN-QH", {"0.1326", "0.1567", "0.1796"}},
      {"CN-NX", {"0.6546", "0.6423", "0.6187"}},      {"CN-XJ", {"0.6577", "0.6231", "0.6021"}},
  };
  for (const Row& row : rows) {
    for (int i = 0; i < 3; ++i) {
      const std::string year = std::to_string(2021 + i);
      const model::Factor* f =
          shipped().find("cn-grid", "electricity", row.region, "average", utc(year + "-07-01 00:00"));
      ASSERT_NE(f, nullptr) << row.region << year;
      EXPECT_EQ(f->value_text, row.value[i]) << f->id;
      EXPECT_EQ(f->scaled_co2e, std::llround(std::stod(row.value[i]) * 1e4) * 100'000'000) << f->id;
      EXPECT_EQ(f->id, "cn-grid/" + std::string(row.region) + "/average/" + year);
    }
  }
}

// tCO2 per t or 10^4 Nm3 as computed by the publishers of the tables, to four decimals.
TEST(ShippedFactors, FuelsAgreeWithThePublishedProducts) {
  struct Row {
    const char* set;
    const char* carrier;
    double tonnes;
  };
  const Row rows[] = {
      {"cn-fuels", "crude-oil", 3.0172},
      {"cn-fuels", "fuel-oil", 3.1705},
      {"cn-fuels", "gasoline", 2.9251},
      {"cn-fuels", "diesel", 3.0959},
      {"cn-fuels", "kerosene", 3.0334},
      {"cn-fuels", "lng", 3.1829},
      {"cn-fuels", "lpg", 3.1013},
      {"cn-fuels", "coal-tar", 2.6446},
      {"cn-fuels", "refinery-gas", 3.0082},
      {"cn-fuels", "natural-gas", 21.6502},
      {"cn-fuels", "blast-furnace-gas", 8.4811},
      {"cn-fuels", "converter-gas", 15.1240},
      {"cn-fuels", "coke-oven-gas", 7.6224},
      {"cn-fuels-b", "anthracite", 2.3228},
      {"cn-fuels-b", "bituminous-coal", 2.0715},
      {"cn-fuels-b", "lignite", 1.4241},
      {"cn-fuels-b", "washed-coal", 2.2818},
      {"cn-fuels-b", "other-washed-coal", 1.2886},
      {"cn-fuels-b", "briquettes", 1.9360},
      {"cn-fuels-b", "coke", 2.8518},
      {"cn-fuels-b", "crude-oil", 3.0783},
      {"cn-fuels-b", "fuel-oil", 3.0472},
      {"cn-fuels-b", "gasoline", 3.0425},
      {"cn-fuels-b", "diesel", 3.1451},
      {"cn-fuels-b", "kerosene", 3.1517},
      {"cn-fuels-b", "jet-kerosene", 3.1517},
      {"cn-fuels-b", "naphtha", 2.9488},
      {"cn-fuels-b", "petroleum-coke", 3.0633},
      {"cn-fuels-b", "other-oil-products", 2.8883},
      {"cn-fuels-b", "coal-tar", 2.6446},
      {"cn-fuels-b", "crude-benzol", 3.4109},
      {"cn-fuels-b", "refinery-gas", 3.0423},
      {"cn-fuels-b", "lpg", 2.9538},
      {"cn-fuels-b", "lng", 2.3253},
      {"cn-fuels-b", "natural-gas", 21.6219},
      {"cn-fuels-b", "coke-oven-gas", 8.5828},
      {"cn-fuels-b", "blast-furnace-gas", 9.6865},
      {"cn-fuels-b", "converter-gas", 14.3210},
      {"cn-fuels-b", "calcium-carbide-furnace-gas", 15.9470},
      {"cn-fuels-b", "other-gas", 2.3179},
  };
  for (const Row& row : rows) {
    const model::Factor* f = shipped().find(row.set, row.carrier, "", "default", utc("2023-07-01 00:00"));
    ASSERT_NE(f, nullptr) << row.set << " " << row.carrier;
    const bool by_volume = model::find_carrier(row.carrier)->dimension == Dimension::normal_volume;
    const double tonnes = static_cast<double>(f->scaled_co2e) / 1e12 * (by_volume ? 10.0 : 1.0);
    EXPECT_NEAR(tonnes, row.tonnes, 0.000051) << f->id;
    EXPECT_EQ(f->unit_text, by_volume ? "tCO2/10^4Nm3" : "tCO2/t") << f->id;
  }
}

TEST(ShippedFactors, NaturalGasIsExactToTheLastKeptDigit) {
  // 389.31 GJ/10^4Nm3 * 0.01532 tC/GJ * 0.99 * 44/12 = 21.650151996 tCO2/10^4Nm3, without rest
  const model::Factor* f = shipped().find("cn-fuels", "natural-gas", "CN-SC", "default", utc("2023-07-01 00:00"));
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->scaled_co2e, 2'165'015'199'600);
  EXPECT_EQ(f->value_text, "21.650151996");
}

TEST(ShippedFactors, SolidFuelsTakeTheOxidationOfTheirEquipment) {
  EXPECT_THAT(shipped().methods("cn-fuels", "anthracite", ""),
              ElementsAre("cement-kiln", "industrial-boiler", "power-boiler", "power-sector"));
  EXPECT_THAT(shipped().explain_missing("cn-fuels", "anthracite", "", "default", utc("2023-01-01 00:00")),
              HasSubstr("industrial-boiler"));
}

TEST(ShippedFactors, PurchasedHeatAndSteam) {
  for (const std::string_view carrier : {"heat", "steam"}) {
    EXPECT_EQ(shipped().find("cn-heat", carrier, "CN-SC", "default", utc("2023-01-01 00:00"))->scaled_co2e,
              110'000'000'000);
  }
}

TEST(FactorRegistry, AFactorIsValidFromTheFirstDayOfItsYearInTheZone) {
  const auto id = [](std::string_view at) {
    return shipped().find("cn-grid", "electricity", "CN-SC", "average", utc(at))->id;
  };
  EXPECT_EQ(id("2022-12-31 15:59:59"), "cn-grid/CN-SC/average/2022");
  EXPECT_EQ(id("2022-12-31 16:00:00"), "cn-grid/CN-SC/average/2023");
  EXPECT_EQ(id("2026-11-21 00:00:00"), "cn-grid/CN-SC/average/2023");  // the newest stays
}

TEST(FactorRegistry, BeforeTheFirstItNamesTheEarliest) {
  const Instant early = utc("2018-01-01 00:00");
  EXPECT_EQ(shipped().find("cn-grid", "electricity", "CN-SC", "average", early), nullptr);
  EXPECT_EQ(shipped().explain_missing("cn-grid", "electricity", "CN-SC", "average", early),
            "cn-grid has no factor for electricity, CN-SC, average so early: the first is cn-grid/CN-SC/average/2021");
}

TEST(FactorRegistry, SaysWhichPartOfTheQuestionHasNoAnswer) {
  const Instant now = utc("2023-07-01 00:00");
  const auto explain = [&](std::string_view set, std::string_view carrier, std::string_view region,
                           std::string_view method) {
    return shipped().explain_missing(set, carrier, region, method, now);
  };
  EXPECT_EQ(explain("cn-grid", "electricity", "CN-SC", "average"), "");
  EXPECT_THAT(explain("cn-gird", "electricity", "CN-SC", "average"), HasSubstr("did you mean 'cn-grid'"));
  EXPECT_THAT(explain("cn-grid", "heat", "CN-SC", "average"), HasSubstr("no factor for heat"));
  EXPECT_THAT(explain("cn-grid", "electricity", "CN-SX1", "average"), HasSubstr("in 'CN-SX1'"));
  EXPECT_THAT(explain("cn-grid", "electricity", "CN-SC", "residual"), HasSubstr("'residual'"));
}

TEST(FactorRegistry, AProvinceNeverFallsBackToTheNation) {
  EXPECT_EQ(shipped().find("cn-grid", "electricity", "CN-XZ", "average", utc("2023-07-01 00:00")), nullptr);
}

TEST(FactorRegistry, PointersOutliveAMove) {
  TestSite site;
  site.site.time_zone = "Europe/Berlin";
  config::Problems problems;
  const std::vector<std::string> sets{"cn-heat"};
  FactorRegistry first = FactorRegistry::load(config::DataFiles("."), sets, "UTC", problems);
  const model::Factor* factor = first.find("cn-heat", "heat", "", "default", utc("2023-01-01 00:00"));
  const FactorRegistry second = std::move(first);
  EXPECT_EQ(second.find("cn-heat", "heat", "", "default", utc("2023-01-01 00:00")), factor);
}

TEST_F(OwnSet, AnswersHoldUntilSomethingChanges) {
  const auto registry =
      load(line("carrier: heat, value: 1, unit: tCO2/GJ, valid_from: 2023-01-01, valid_until: 2023-03-01") +
               line("carrier: heat, value: 2, unit: tCO2/GJ, valid_from: 2023-06-01"),
           "UTC", "own", "continuous: false\n");
  EXPECT_FALSE(problems_.has_errors());
  EXPECT_THAT(problems_.to_text(), HasSubstr("warning: factors[0].valid_until: a gap: nothing applies between"));
  const auto holding = [&](std::string_view at) { return registry.look_up("own", "heat", "", "default", utc(at)); };
  EXPECT_EQ(holding("2022-12-31 23:59").factor, nullptr);
  EXPECT_EQ(holding("2022-12-31 23:59").until, utc("2023-01-01 00:00"));
  EXPECT_EQ(holding("2023-02-01 00:00").factor->value_text, "1");
  EXPECT_EQ(holding("2023-02-01 00:00").until, utc("2023-03-01 00:00"));
  EXPECT_EQ(holding("2023-03-01 00:00").factor, nullptr);
  EXPECT_EQ(holding("2023-03-01 00:00").from, utc("2023-03-01 00:00"));
  EXPECT_EQ(holding("2023-03-01 00:00").until, utc("2023-06-01 00:00"));
  EXPECT_EQ(holding("2024-03-01 00:00").factor->value_text, "2");
  EXPECT_EQ(holding("2024-03-01 00:00").factor->id, "own/heat/default/2023-06-01");
}

TEST_F(OwnSet, ANewerFactorThatOverlapsAnOlderOneIsRefused) {
  const auto registry =
      load(line("carrier: heat, value: 1, unit: tCO2/GJ, valid_from: 2023-01-01, valid_until: 2030-01-01") +
           line("carrier: heat, value: 2, unit: tCO2/GJ, year: 2024"));
  EXPECT_THAT(problems_.to_text(), HasSubstr("own.yaml:5:"));
  EXPECT_THAT(problems_.to_text(), HasSubstr("factors[0].valid_until: own/heat/default/2023-01-01 overlaps "
                                             "own/heat/default/2024 (line 6), which begins before it ends"));
  EXPECT_EQ(registry.find("own", "heat", "", "default", utc("2024-06-01 00:00"))->value_text, "2");
}

TEST_F(OwnSet, EveryProblemHasItsPlace) {
  const struct {
    const char* factor;
    const char* problem;
  } cases[] = {
      {"carrier: heat, value: 1, unit: kgCO2/kg, year: 2023", "own.yaml:5:"},
      {"carrier: heat, value: 1, unit: kgCO2/kg, year: 2023", "'kg' measures mass"},
      {"carrier: het, value: 1, unit: tCO2/GJ, year: 2023", "unknown carrier 'het'; did you mean 'heat'"},
      {"carrier: heat, value: 1e-1, unit: tCO2/GJ, year: 2023", "'1e-1' is not a plain decimal"},
      {"carrier: heat, value: -1, unit: tCO2/GJ, year: 2023", "'-1' is not a plain decimal"},
      {"carrier: heat, value: .nan, unit: tCO2/GJ, year: 2023", "'.nan' is not a plain decimal"},
      {"carrier: heat, value: 1, unit: tCO2/GJ", "either the year of the data or valid_from"},
      {"carrier: heat, value: 1, unit: tCO2/GJ, year: 2023, valid_from: 2023-01-01", "either the year"},
      {"carrier: heat, value: 1, unit: tCO2/GJ, year: 23", "year"},
      {"carrier: heat, value: 1, unit: tCO2/GJ, valid_from: 2023-02-30", "not a date like 2023-01-01"},
      {"carrier: heat, value: 1, unit: tCO2/GJ, year: 2023, valid_until: 2022-01-01", "not after the beginning"},
      {"carrier: heat, valu: 1, unit: tCO2/GJ, year: 2023", "valu"},
      {"carrier: heat, value: 9200000, unit: tCO2/GJ, year: 2023, region: X, method: 1, name: n, note: n",
       "is more than any factor of heat"},
      {"carrier: heat, value: 93000000000, unit: tCO2/GJ, year: 2023", "too large"},
      {"carrier: diesel, ncv: 42, ncv_unit: MJ/t, carbon_t_per_gj: 0.02, oxidation_percent: 98, year: 2011",
       "GJ per an amount"},
      {"carrier: diesel, ncv: 42, ncv_unit: GJ/t, carbon_t_per_gj: 0.02, oxidation_percent: 101, year: 2011",
       "above 100"},
      {"carrier: diesel, ncv: 42, ncv_unit: GJ/L, carbon_t_per_gj: 0.02, oxidation_percent: 98, year: 2011", "density"},
  };
  for (const auto& c : cases) {
    problems_ = {};
    load(line(c.factor));
    EXPECT_THAT(problems_.to_text(), HasSubstr(c.problem)) << c.factor;
  }
}

TEST_F(OwnSet, TwoFactorsForOneSeriesAndDateAreRefused) {
  load(line("carrier: heat, value: 1, unit: tCO2/GJ, year: 2023") +
       line("carrier: heat, value: 2, unit: tCO2/GJ, valid_from: 2023-01-01"));
  EXPECT_THAT(problems_.to_text(), HasSubstr("own.yaml:6:"));
  EXPECT_THAT(problems_.to_text(), HasSubstr("a second factor own/heat/default/2023-01-01; the first is in line 5"));
}

TEST_F(OwnSet, ExtendsAnotherAndReplacesSingleRows) {
  const auto registry = load(line("carrier: electricity, region: CN-SC, method: average, year: 2023, value: 0.2, unit: "
                                  "kgCO2/kWh"),
                             "Asia/Shanghai", "own", "extends: cn-grid\n");
  ASSERT_EQ(problems_.to_text(), "");
  const auto find = [&](std::string_view region, std::string_view at) {
    return registry.find("own", "electricity", region, "average", utc(at));
  };
  const model::Factor* own = find("CN-SC", "2024-01-01 00:00");
  EXPECT_EQ(own->value_text, "0.2");
  EXPECT_EQ(own->version, "1");
  EXPECT_EQ(own->inherited_from, "");
  const model::Factor* before = find("CN-SC", "2022-06-01 00:00");
  EXPECT_EQ(before->id, "own/CN-SC/average/2022");
  EXPECT_EQ(before->version, "2025-12-31") << "each row keeps the version that it has where it stems from";
  EXPECT_EQ(before->inherited_from, "cn-grid");
  EXPECT_EQ(find("CN-BJ", "2024-01-01 00:00")->value_text, "0.5554");
  EXPECT_EQ(registry.sets(), std::vector<std::string>{"own"});
}

TEST_F(OwnSet, LeavesNoTimeUnsaidBehindARowThatItInherits) {
  write("base", "factors:\n" + line("carrier: heat, year: 2023, valid_until: 2024-01-01, value: 0.11, unit: tCO2/GJ"));
  const std::string of_2025 = line("carrier: heat, year: 2025, value: 0.12, unit: tCO2/GJ");
  load(of_2025, "UTC", "own", "extends: base\n");
  EXPECT_TRUE(problems_.has_errors());
  EXPECT_THAT(problems_.to_text(), HasSubstr("own.yaml:6:")) << "where it can be mended";
  EXPECT_THAT(problems_.to_text(),
              HasSubstr("factors[0]: a gap: nothing applies between the end of own/heat/default/2023"));
  problems_ = {};
  load(of_2025, "UTC", "own", "extends: base\ncontinuous: false\n");
  EXPECT_FALSE(problems_.has_errors()) << problems_.to_text();
  EXPECT_THAT(problems_.to_text(), HasSubstr("a gap: "));
  problems_ = {};
  load(line("carrier: heat, valid_from: 2023-07-01, value: 0.12, unit: tCO2/GJ"), "UTC", "own", "extends: base\n");
  EXPECT_EQ(problems_.to_text(), "") << "it takes over before the inherited one ends";
}

TEST_F(OwnSet, AHeatingValueAndADensityLeadFromHeatToVolume) {
  const auto registry =
      load(line("carrier: natural-gas, gases: {CO2: 56100}, unit: kg/TJ, density: 0.72, density_unit: "
                "kg/Nm3, ncv: 48.0, ncv_unit: GJ/t, uncertainty_percent: 3.9, year: 2006"));
  const model::Factor* f = registry.find("own", "natural-gas", "", "default", utc("2023-01-01 00:00"));
  ASSERT_NE(f, nullptr) << problems_.to_text();
  EXPECT_EQ(f->scaled_co2e, 1'938'816'000'000);  // 56.1 kg/GJ * 0.048 GJ/kg * 0.72 kg/Nm3
  EXPECT_EQ(f->u95_ppm, 39'000);
}

TEST_F(OwnSet, ProvenanceIsRequired) {
  load("  - {carrier: heat, value: 1, unit: tCO2/GJ, year: 2023}\n");
  EXPECT_THAT(problems_.to_text(), HasSubstr("source"));
  EXPECT_THAT(problems_.to_text(), HasSubstr("publication"));
  EXPECT_THAT(problems_.to_text(), HasSubstr("confidence"));
}

TEST_F(OwnSet, AnUnknownSetOrZoneIsAProblem) {
  load(line("carrier: heat, value: 1, unit: tCO2/GJ, year: 2023"), "UTC", "onw");
  EXPECT_THAT(problems_.to_text(), HasSubstr("there is no factor set 'onw'; did you mean 'own'"));
  problems_ = {};
  load("", "Asia/Guangyuan");
  EXPECT_THAT(problems_.to_text(), HasSubstr("unknown time zone 'Asia/Guangyuan'"));
}

}  // namespace
}  // namespace carbongate::pipeline

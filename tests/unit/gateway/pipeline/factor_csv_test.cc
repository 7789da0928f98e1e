// Every row of every set that ships, held against the tables of published values; and every row of the tables against
// the sets. What is deliberately in one only is named here, with the reason.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <map>
#include <set>

#include "gateway/model/carrier.h"
#include "gateway/pipeline/factor_registry.h"
#include "gateway/pipeline/factor_set.h"
#include "gateway/pipeline/gwp.h"
#include "tests/unit/gateway/pipeline/csv_table.h"

namespace carbongate::pipeline {
namespace {

using model::Factor;
using model::Gas;

// The tables name fuels, the sets carriers.
const std::map<std::string, std::string> kChineseFuels{
    {"无烟煤", "anthracite"},
    {"烟煤", "bituminous-coal"},
    {"褐煤", "lignite"},
    {"煤矸石", "coal-gangue"},
    {"煤泥", "coal-slurry"},
    {"焦炭", "coke"},
    {"石油焦", "petroleum-coke"},
    {"原油", "crude-oil"},
    {"燃料油", "fuel-oil"},
    {"汽油", "gasoline"},
    {"柴油", "diesel"},
    {"煤油", "kerosene"},
    {"一般煤油", "kerosene"},
    {"喷气煤油", "jet-kerosene"},
    {"液化天然气", "lng"},
    {"液化石油气", "lpg"},
    {"煤焦油", "coal-tar"},
    {"焦油", "coal-tar"},
    {"炼厂干气", "refinery-gas"},
    {"天然气", "natural-gas"},
    {"高炉煤气", "blast-furnace-gas"},
    {"转炉煤气", "converter-gas"},
    {"焦炉煤气", "coke-oven-gas"},
    {"洗精煤", "washed-coal"},
    {"其它洗煤", "other-washed-coal"},
    {"型煤", "briquettes"},
    {"石脑油", "naphtha"},
    {"其它石油制品", "other-oil-products"},
    {"粗苯", "crude-benzol"},
    {"密闭电石炉炉气", "calcium-carbide-furnace-gas"},
    {"其它煤气", "other-gas"},
};
const std::map<std::string, std::string> kIpccFuels{
    {"Crude oil", "crude-oil"},
    {"Orimulsion", "orimulsion"},
    {"Natural gas liquids", "natural-gas-liquids"},
    {"Motor gasoline", "gasoline"},
    {"Aviation gasoline", "aviation-gasoline"},
    {"Jet kerosene", "jet-kerosene"},
    {"Other kerosene", "kerosene"},
    {"Shale oil", "shale-oil"},
    {"Gas/diesel oil", "diesel"},
    {"Residual fuel oil", "fuel-oil"},
    {"LPG", "lpg"},
    {"Ethane", "ethane"},
    {"Naphtha", "naphtha"},
    {"Bitumen", "bitumen"},
    {"Lubricants", "lubricants"},
    {"Petroleum coke", "petroleum-coke"},
    {"Refinery feedstocks", "refinery-feedstocks"},
    {"Refinery gas", "refinery-gas"},
    {"Other petroleum products", "other-oil-products"},
    {"Anthracite", "anthracite"},
    {"Coking coal", "coking-coal"},
    {"Other bituminous coal", "bituminous-coal"},
    {"Sub-bituminous coal", "sub-bituminous-coal"},
    {"Lignite", "lignite"},
    {"Oil shale and tar sands", "oil-shale"},
    {"Brown coal briquettes", "brown-coal-briquettes"},
    {"Patent fuel", "briquettes"},
    {"Coke oven coke", "coke"},
    {"Gas coke", "gas-coke"},
    {"Coal tar", "coal-tar"},
    {"Gas works gas", "gas-works-gas"},
    {"Coke oven gas", "coke-oven-gas"},
    {"Blast furnace gas", "blast-furnace-gas"},
    {"Oxygen steel furnace gas", "converter-gas"},
    {"Natural gas", "natural-gas"},
    {"Municipal waste, non-biomass", "municipal-waste"},
    {"Industrial waste", "industrial-waste"},
    {"Waste oil", "waste-oil"},
    {"Peat", "peat"},
    {"Wood/wood waste (biogenic)", "wood"},
    {"Sulphite lyes (biogenic)", "sulphite-lyes"},
    {"Other primary solid biomass (biogenic)", "biomass"},
    {"Charcoal (biogenic)", "charcoal"},
    {"Biogasoline (biogenic)", "biogasoline"},
    {"Biodiesels (biogenic)", "biodiesel"},
    {"Landfill/sludge/other biogas (biogenic)", "biogas"},
};
const std::map<std::string, std::pair<std::string, std::string>> kStandardCoal{
    {"原煤", {"raw-coal", "default"}},
    {"洗精煤", {"washed-coal", "default"}},
    {"洗中煤", {"middlings", "default"}},
    {"煤泥(下限)", {"coal-slurry", "low"}},
    {"煤泥(上限)", {"coal-slurry", "high"}},
    {"焦炭", {"coke", "default"}},
    {"原油", {"crude-oil", "default"}},
    {"燃料油", {"fuel-oil", "default"}},
    {"汽油", {"gasoline", "default"}},
    {"煤油", {"kerosene", "default"}},
    {"柴油", {"diesel", "default"}},
    {"煤焦油", {"coal-tar", "default"}},
    {"渣油", {"residual-oil", "default"}},
    {"液化石油气", {"lpg", "default"}},
    {"炼厂干气", {"refinery-gas", "default"}},
    {"油田天然气", {"natural-gas", "oil-field"}},
    {"气田天然气", {"natural-gas", "gas-field"}},
    {"煤矿瓦斯气(下限)", {"coal-mine-gas", "low"}},
    {"煤矿瓦斯气(上限)", {"coal-mine-gas", "high"}},
    {"焦炉煤气(下限)", {"coke-oven-gas", "low"}},
    {"焦炉煤气(上限)", {"coke-oven-gas", "high"}},
    {"高炉煤气", {"blast-furnace-gas", "default"}},
    {"发生炉煤气", {"producer-gas", "default"}},
    {"重油催化裂解煤气", {"catalytic-cracked-gas", "default"}},
    {"重油热裂解煤气", {"thermal-cracked-gas", "default"}},
    {"焦炭制气", {"coke-gas", "default"}},
    {"压力气化煤气", {"pressure-gasified-gas", "default"}},
    {"水煤气", {"water-gas", "default"}},
    {"粗苯", {"crude-benzol", "default"}},
    {"甲醇", {"methanol", "default"}},
    {"乙醇", {"ethanol", "default"}},
    {"氢气", {"hydrogen", "default"}},
    {"沼气", {"biogas", "default"}},
    {"热力(当量值)", {"heat", "default"}},
    {"电力(当量值)", {"electricity", "calorific"}},
    {"蒸汽(低压)", {"steam", "low-pressure"}},
    {"新水", {"fresh-water", "default"}},
    {"软化水", {"softened-water", "default"}},
    {"除氧水", {"deaerated-water", "default"}},
    {"压缩空气", {"compressed-air", "default"}},
    {"鼓风", {"blast-air", "default"}},
    {"氧气", {"oxygen", "default"}},
    {"氮气(副产品)", {"nitrogen", "by-product"}},
    {"氮气(主产品)", {"nitrogen", "main-product"}},
    {"二氧化碳", {"carbon-dioxide-medium", "default"}},
    {"乙炔", {"acetylene", "default"}},
    {"电石", {"calcium-carbide", "default"}},
};
const std::map<std::string, std::string> kProvinces{
    {"110000", "BJ"}, {"120000", "TJ"}, {"130000", "HE"}, {"140000", "SX"}, {"150000", "NM"}, {"210000", "LN"},
    {"220000", "JL"}, {"230000", "HL"}, {"310000", "SH"}, {"320000", "JS"}, {"330000", "ZJ"}, {"340000", "AH"},
    {"350000", "FJ"}, {"360000", "JX"}, {"370000", "SD"}, {"410000", "HA"}, {"420000", "HB"}, {"430000", "HN"},
    {"440000", "GD"}, {"450000", "GX"}, {"460000", "HI"}, {"500000", "CQ"}, {"510000", "SC"}, {"520000", "GZ"},
    {"530000", "YN"}, {"610000", "SN"}, {"620000", "GS"}, {"630000", "QH"}, {"640000", "NX"}, {"650000", "XJ"},
};

// "kgCO2/10^4Nm3" as mg per quantum for a value of 1: only to compare, so a double is enough.
double mg_per_quantum(const Factor& factor, Gas gas) {
  return static_cast<double>(factor.scaled_gas[gas]) / static_cast<double>(model::kFactorScale);
}
double coal_mg_per_quantum(const Factor& factor) {
  return static_cast<double>(factor.scaled_coal) / static_cast<double>(model::kFactorScale);
}
bool holds_text(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

class SetAgainstTable : public ::testing::Test {
 protected:
  void open(const std::string& set) {
    config::Problems problems;
    const std::vector<std::string> sets{set};
    registry_ = FactorRegistry::load(config::DataFiles("."), sets, "UTC", problems);
    ASSERT_EQ(problems.to_text(), "");
    ASSERT_FALSE(registry_.all().empty());
  }
  // The factor of that id, ticked off.
  const Factor* take(const std::string& id) {
    const Factor* factor = registry_.find_id(id);
    EXPECT_NE(factor, nullptr) << "a row of the table is missing in the set: " << id;
    if (factor) EXPECT_TRUE(taken_.insert(id).second) << "two rows of the table for " << id;
    return factor;
  }
  static void expect_origin(const Factor& factor, const CsvRow& row) {
    EXPECT_EQ(factor.confidence, row.at("confidence")) << factor.id;
    EXPECT_TRUE(row.at("source").starts_with(factor.source.substr(0, 20))) << factor.id << ": " << factor.source;
    if (!row.at("note").empty() && !factor.note.empty()) {
      EXPECT_TRUE(holds_text(factor.note, row.at("note"))) << factor.id << ": " << factor.note;
    }
  }
  void expect_nothing_more() {
    for (const Factor& factor : registry_.all())
      EXPECT_TRUE(taken_.contains(factor.id)) << "a row of the set is not in the table: " << factor.id;
  }

  FactorRegistry registry_;
  std::set<std::string> taken_;
};

TEST_F(SetAgainstTable, Grid) {
  ASSERT_NO_FATAL_FAILURE(open("cn-grid"));
  const std::map<std::string, std::string> methods{
      {"average", "average"}, {"average_excl_market_traded_nonfossil", "residual"}, {"fossil_power", "fossil"}};
  for (const CsvRow& row : read_csv("grid_cn.csv")) {
    if (row.at("factor_type") == "enterprise_reporting") continue;  // a set of its own
    const std::string code = row.at("code");
    const std::string region = row.at("level") == "provincial" ? "CN-" + kProvinces.at(code) : code;
    const Factor* factor = take("cn-grid/" + region + "/" + methods.at(row.at("factor_type")) + "/" + row.at("year"));
    if (!factor) continue;
    EXPECT_EQ(factor->value_text, row.at("value")) << factor->id;
    EXPECT_EQ(factor->unit_text, row.at("unit")) << factor->id;
    EXPECT_EQ(factor->publication, row.at("published")) << factor->id;
    EXPECT_NEAR(mg_per_quantum(*factor, Gas::co2), std::stod(row.at("value")), 1e-12) << factor->id;
    EXPECT_EQ(factor->scaled_co2e, factor->scaled_gas[Gas::co2]) << factor->id;
    expect_origin(*factor, row);
  }
  expect_nothing_more();
}

TEST_F(SetAgainstTable, EnterpriseReporting) {
  ASSERT_NO_FATAL_FAILURE(open("cn-enterprise"));
  for (const CsvRow& row : read_csv("grid_cn.csv")) {
    if (row.at("factor_type") != "enterprise_reporting") continue;
    const Factor* factor = take("cn-enterprise/CN/enterprise-reporting/" + row.at("year"));
    if (!factor) continue;
    EXPECT_EQ(factor->value_text, row.at("value"));
    EXPECT_EQ(factor->unit_text, row.at("unit"));
    EXPECT_EQ(factor->source, row.at("source"));
    expect_origin(*factor, row);
  }
  expect_nothing_more();
}

// NCV * carbon * oxidation * 44/12, worked out here in floating point from the table.
TEST_F(SetAgainstTable, ChineseFuels) {
  const auto table = read_csv("fuels_cn.csv");
  std::map<std::string, std::string> oxidation;  // of set A's solid fuels, by method
  for (const CsvRow& row : table) {
    if (row.at("set") != "A-oxidation") continue;
    const std::string& where = row.at("fuel_en");
    oxidation[holds_text(where, "guideline") ? "power-sector"
              : holds_text(where, "power")   ? "power-boiler"
              : holds_text(where, "kiln")    ? "cement-kiln"
                                             : "industrial-boiler"] = row.at("oxidation_pct");
  }
  ASSERT_EQ(oxidation.size(), 4u);
  for (const auto& [letter, set] : {std::pair<std::string, std::string>{"A", "cn-fuels"}, {"B", "cn-fuels-b"}}) {
    taken_.clear();
    ASSERT_NO_FATAL_FAILURE(open(set));
    for (const CsvRow& row : table) {
      // power-coal-default has no heating value: whoever measures one writes a set of their own. heat: cn-heat.
      if (row.at("set") != letter) continue;
      const bool by_equipment = row.at("oxidation_pct").empty();
      const auto methods =
          by_equipment ? oxidation : std::map<std::string, std::string>{{"default", row.at("oxidation_pct")}};
      for (const auto& [method, percent] : methods) {
        const Factor* factor = take(set + "/" + kChineseFuels.at(row.at("fuel_zh")) + "/" + method +
                                    (method == "power-sector" ? "/2022" : "/2011"));
        if (!factor) continue;
        const double tonnes =
            std::stod(row.at("ncv")) * std::stod(row.at("carbon_tC_per_GJ")) * std::stod(percent) / 100 * 44 / 12;
        EXPECT_NEAR(std::stod(factor->value_text), tonnes, 1e-6) << factor->id;
        if (!by_equipment) EXPECT_NEAR(tonnes, std::stod(row.at("derived_ef")), 0.000051) << factor->id;
        const double per = row.at("ef_unit") == "tCO2/t" ? 1.0 : 10.0;
        EXPECT_NEAR(mg_per_quantum(*factor, Gas::co2), tonnes / per, 1e-9) << factor->id;
        EXPECT_EQ(factor->unit_text, row.at("ef_unit")) << factor->id;
        EXPECT_EQ(factor->formula, row.at("ncv") + " " + row.at("ncv_unit") + " x " + row.at("carbon_tC_per_GJ") +
                                       " tC/GJ x " + percent + " % x 44/12");
        expect_origin(*factor, row);
      }
    }
    expect_nothing_more();
  }
}

TEST_F(SetAgainstTable, PurchasedHeat) {
  ASSERT_NO_FATAL_FAILURE(open("cn-heat"));
  for (const CsvRow& row : read_csv("fuels_cn.csv")) {
    if (row.at("set") != "heat") continue;
    for (const std::string carrier : {"heat", "steam"}) {  // "default for purchased heat and steam"
      const Factor* factor = take("cn-heat/" + carrier + "/default/" + row.at("year").substr(0, 4));
      if (!factor) continue;
      EXPECT_EQ(factor->value_text, row.at("derived_ef"));
      EXPECT_EQ(factor->unit_text, row.at("ef_unit"));
      EXPECT_EQ(factor->confidence, row.at("confidence"));
    }
  }
  expect_nothing_more();
}

TEST_F(SetAgainstTable, IpccFuels) {
  ASSERT_NO_FATAL_FAILURE(open("ipcc-2006"));
  for (const CsvRow& row : read_csv("ipcc_fuels.csv")) {
    const std::string carrier = kIpccFuels.at(row.at("fuel_en"));
    const Factor* factor = take("ipcc-2006/" + carrier + "/default/" + row.at("year"));
    if (!factor) continue;
    const bool biogenic = holds_text(row.at("fuel_en"), "biogenic");
    const Gas co2 = biogenic ? Gas::co2_biogenic : Gas::co2;
    const double kg_co2 = std::stod(row.at("co2_kg_per_TJ"));
    EXPECT_EQ(factor->unit_text, "kg/TJ");
    EXPECT_EQ(factor->value_text, std::string(model::to_string(co2)) + " " + row.at("co2_kg_per_TJ") + ", CH4 " +
                                      row.at("ch4_kg_per_TJ_energy_industries") + ", N2O " +
                                      row.at("n2o_kg_per_TJ_energy_industries"));
    // The carbon content explains the CO2 factor, which is rounded to three digits.
    EXPECT_NEAR(kg_co2, std::stod(row.at("co2_exact_kg_per_TJ")), kg_co2 * 0.003) << factor->id;
    const double ratio = std::stod(row.at("ch4_kg_per_TJ_energy_industries")) / kg_co2;
    EXPECT_NEAR(mg_per_quantum(*factor, Gas::ch4), mg_per_quantum(*factor, co2) * ratio, 1e-9) << factor->id;
    const model::Carrier& c = *model::find_carrier(carrier);
    if (c.dimension == Dimension::mass) {  // TJ/Gg * kg/TJ = mg/kg
      EXPECT_NEAR(mg_per_quantum(*factor, co2), std::stod(row.at("ncv_TJ_per_Gg")) * kg_co2 / 1e6, 1e-9) << factor->id;
    } else if (c.dimension == Dimension::normal_volume) {
      EXPECT_TRUE(holds_text(factor->note, "the guidelines give " + row.at("ncv_TJ_per_Gg") + " GJ/t")) << factor->id;
      EXPECT_TRUE(holds_text(factor->formula, "(heating value: ")) << factor->id << factor->formula;
    } else {
      EXPECT_EQ(row.at("ncv_TJ_per_Gg"), "") << factor->id;
    }
    const double half = std::max(std::stod(row.at("co2_upper95")) - kg_co2, kg_co2 - std::stod(row.at("co2_lower95")));
    EXPECT_NEAR(factor->u95_ppm, biogenic ? 0.0 : half / kg_co2 * 1e6, 0.51) << factor->id;
    EXPECT_EQ(factor->scaled_gas[Gas::co2] == 0, biogenic) << factor->id;
    if (biogenic) {
      const double co2e = mg_per_quantum(*factor, Gas::ch4) * 28 + mg_per_quantum(*factor, Gas::n2o) * 265;
      EXPECT_NEAR(static_cast<double>(factor->scaled_co2e) / 1e12, co2e, 1e-6) << "biogenic CO2 is not in CO2e";
    }
    EXPECT_EQ(factor->gwp_set, "AR5");
    expect_origin(*factor, row);
  }
  expect_nothing_more();
}

TEST_F(SetAgainstTable, StandardCoal) {
  ASSERT_NO_FATAL_FAILURE(open("cn-standard-coal"));
  for (const CsvRow& row : read_csv("standard_coal.csv")) {
    const auto found = kStandardCoal.find(row.at("name_zh"));
    if (found == kStandardCoal.end()) {
      EXPECT_EQ(row.at("coefficient"), "")
          << "only the equivalent value of electricity has no constant: " << row.at("name_zh");
      continue;
    }
    const auto& [carrier, method] = found->second;
    std::vector<std::string> carriers{carrier};
    if (carrier == "heat") carriers.emplace_back("steam");  // by its heat
    for (const std::string& each : carriers) {
      const Factor* factor = take("cn-standard-coal/" + each + "/" + method + "/" + row.at("year"));
      if (!factor) continue;
      EXPECT_EQ(factor->kind, model::FactorKind::standard_coal);
      EXPECT_EQ(factor->value_text, row.at("coefficient")) << factor->id;
      std::string unit = row.at("coefficient_unit");
      if (unit == "kgce/m3") unit = "kgce/Nm3";  // gases are taken at 0 °C, 101.325 kPa
      EXPECT_EQ(factor->unit_text, unit) << factor->id;
      if (!row.at("ncv").empty() && !row.at("ncv_div_29307_6").empty()) {
        EXPECT_NEAR(std::stod(row.at("ncv")) / 29307.6, std::stod(row.at("coefficient")), 0.0003) << factor->id;
      }
      const double value = std::stod(row.at("coefficient"));
      const double mg = coal_mg_per_quantum(*factor);
      const double expected = unit == "kgce/t"    ? value / 1000
                              : unit == "kgce/MJ" ? value
                              : each == "steam"   ? value / std::stod(row.at("ncv")) * 1000
                                                  : value;
      EXPECT_NEAR(mg, expected, 1e-9) << factor->id;
      EXPECT_EQ(factor->scaled_co2e, 0) << factor->id;
      if (each == carrier) expect_origin(*factor, row);
    }
  }
  expect_nothing_more();
}

// The heating values of fuels that the standard does not list: each from the table that its source names.
TEST_F(SetAgainstTable, StandardCoalByHeatingValue) {
  ASSERT_NO_FATAL_FAILURE(open("cn-standard-coal-by-ncv"));
  std::map<std::string, std::pair<double, std::string>> a, b, ipcc;  // kJ per kg or Nm3, confidence
  for (const CsvRow& row : read_csv("fuels_cn.csv")) {
    if (row.at("set") != "A" && row.at("set") != "B") continue;
    const double per = row.at("ncv_unit") == "GJ/t" ? 1000 : 100;
    (row.at("set") == "A" ? a : b)[kChineseFuels.at(row.at("fuel_zh"))] = {std::stod(row.at("ncv")) * per,
                                                                           row.at("confidence")};
  }
  for (const CsvRow& row : read_csv("ipcc_fuels.csv")) {
    if (!row.at("ncv_TJ_per_Gg").empty())
      ipcc[kIpccFuels.at(row.at("fuel_en"))] = {std::stod(row.at("ncv_TJ_per_Gg")) * 1000, row.at("confidence")};
  }
  for (const Factor& factor : registry_.all()) {
    const auto& table = factor.source.starts_with("MEE/NDRC") ? a : factor.source.starts_with("24") ? b : ipcc;
    const auto& [kilojoules, confidence] = table.at(factor.carrier);
    EXPECT_NEAR(coal_mg_per_quantum(factor), kilojoules / 29307.6, 1e-9) << factor.id;
    const double shown = kilojoules / 29307.6 * (factor.unit_text == "kgce/t" ? 1000 : 10000);
    EXPECT_NEAR(std::stod(factor.value_text), shown, 1e-5) << factor.id;
    EXPECT_EQ(factor.confidence, confidence) << factor.id;
  }
}

// Whatever burns has a standard coal.
TEST_F(SetAgainstTable, EveryFuelHasAStandardCoal) {
  config::Problems problems;
  const std::vector<std::string> sets{"cn-fuels", "cn-fuels-b", "ipcc-2006", "cn-standard-coal",
                                      "cn-standard-coal-by-ncv"};
  const auto all = FactorRegistry::load(config::DataFiles("."), sets, "UTC", problems);
  std::set<std::string> with_coal;
  for (const std::string& set : all.sets(model::FactorKind::standard_coal)) {
    for (const std::string& carrier : all.carriers(set)) with_coal.insert(carrier);
  }
  // No heating value: accounted by heat; and a gas whose value the guidelines give per mass only.
  const std::set<std::string> without{"industrial-waste", "gas-works-gas"};
  for (const std::string& set : all.sets()) {
    for (const std::string& carrier : all.carriers(set))
      EXPECT_NE(with_coal.contains(carrier), without.contains(carrier)) << carrier;
  }
}

TEST_F(SetAgainstTable, ProcessAndDirect) {
  const auto nf3 = [](const CsvRow& row) { return row.at("carrier") == "nf3"; };
  const struct {
    std::string set;
    std::string table;
    std::function<bool(const CsvRow&)> holds;
  } cases[] = {{"cn-process", "process.csv", [](const CsvRow&) { return true; }},
               {"direct", "direct.csv", std::not_fn(nf3)},
               {"direct-nf3", "direct.csv", nf3}};
  for (const auto& [set, table, holds] : cases) {
    taken_.clear();
    ASSERT_NO_FATAL_FAILURE(open(set));
    for (const CsvRow& row : read_csv(table)) {
      if (!holds(row)) continue;
      const Factor* factor = take(set + "/" + row.at("carrier") + "/" + row.at("method") + "/" + row.at("year"));
      if (!factor) continue;
      EXPECT_EQ(factor->value_text, row.at("value")) << factor->id;
      EXPECT_EQ(factor->unit_text, row.at("unit")) << factor->id;
      EXPECT_EQ(factor->formula, row.at("formula")) << factor->id;
      EXPECT_EQ(factor->source, row.at("source")) << factor->id;
      EXPECT_EQ(factor->note, row.at("note")) << factor->id;
      expect_origin(*factor, row);
    }
    expect_nothing_more();
  }
}

TEST(GwpAgainstTable, EveryValueOfOurGases) {
  const std::map<std::string, Gas> gases{{"CO2", Gas::co2},           {"CH4_fossil", Gas::ch4_fossil},
                                         {"CH4_nonfossil", Gas::ch4}, {"N2O", Gas::n2o},
                                         {"SF6", Gas::sf6},           {"NF3", Gas::nf3},
                                         {"CF4", Gas::cf4},           {"C2F6", Gas::c2f6},
                                         {"HFC23", Gas::hfc23},       {"HFC32", Gas::hfc32},
                                         {"HFC125", Gas::hfc125},     {"HFC134a", Gas::hfc134a},
                                         {"HFC143a", Gas::hfc143a},   {"HFC152a", Gas::hfc152a},
                                         {"HFC227ea", Gas::hfc227ea}, {"HCFC22", Gas::hcfc22}};
  const auto table = read_csv("gwp.csv");
  EXPECT_THAT(gwp_names(config::DataFiles(".")), ::testing::ElementsAre("AR4", "AR5", "AR6", "SAR"));
  for (const std::string name : {"SAR", "AR4", "AR5", "AR6"}) {
    config::Problems problems;
    const auto set = GwpSet::load(config::DataFiles("."), name, problems);
    ASSERT_TRUE(set) << problems.to_text();
    EXPECT_EQ(set->of(Gas::co2_biogenic)->scaled(1), 0);
    EXPECT_EQ(set->of(Gas::unsplit)->scaled(1), 1);
    std::map<Gas, CsvRow> expected;
    for (const CsvRow& row : table) {
      if (row.at("assessment") != name) continue;
      EXPECT_EQ(set->version(), row.at("year"));
      if (const auto gas = gases.find(row.at("gas")); gas != gases.end()) expected[gas->second] = row;
      // One value for all methane, unless the assessment tells fossil from other: the row then replaces this one.
      if (row.at("gas") == "CH4") {
        expected.try_emplace(Gas::ch4_fossil, row);
        expected.try_emplace(Gas::ch4, row);
      }
    }
    for (std::size_t i = 0; i < model::kGasCount; ++i) {
      const Gas gas = static_cast<Gas>(i);
      const GwpSet::Value* value = set->value(gas);
      ASSERT_EQ(value != nullptr, expected.contains(gas)) << name << " " << model::to_string(gas);
      if (!value) continue;
      const CsvRow& row = expected.at(gas);
      EXPECT_EQ(value->text, row.at("gwp100")) << name << " " << model::to_string(gas);
      EXPECT_EQ(value->confidence, row.at("confidence"));
      EXPECT_EQ(value->source, row.at("source"));
      EXPECT_EQ(value->note, row.at("note"));
    }
  }
}

}  // namespace
}  // namespace carbongate::pipeline

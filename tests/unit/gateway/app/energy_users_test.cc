#include "gateway/app/energy_users.h"

#include <gtest/gtest.h>

#include <array>
#include <optional>
#include <string>

namespace carbongate::app {
namespace {

using std::string_view;

// A site with one point of every sort that matters here, and the factor sets that ship.
class EnergyUsersTest : public testing::Test {
 protected:
  EnergyUsersTest() {
    section_.site.grid_region = "CN-SC";
    add("hall.energy", "kWh", Kind::cumulative, 250e3);
    add("hall.slice", "kWh", Kind::interval);
    add("hall.power", "kW", Kind::instantaneous);
    add("hall.heat", "GJ", Kind::cumulative, 5e6);
    add("hall.gas", "Nm3", Kind::cumulative);
    add("hall.gas_flow", "Nm3/h", Kind::instantaneous);
    add("hall.coal", "t", Kind::cumulative);
    add("hall.feed", "kg/h", Kind::instantaneous);
    add("hall.voltage", "V", Kind::instantaneous);
    factors_ = pipeline::FactorRegistry::load(config::DataFiles("."), section_.factor_sets, "Asia/Shanghai", problems_);
  }

  void add(const std::string& name, string_view unit, Kind kind, std::optional<double> power_max_w = {}) {
    Point point;
    point.id = static_cast<PointId>(section_.site.points.size());
    point.device = name.substr(0, name.find('.'));
    point.name = name.substr(name.find('.') + 1);
    point.kind = kind;
    point.unit = find_unit(unit).value();
    point.limits.power_max_w = power_max_w;
    if (point.unit.dimension != Dimension::energy) point.limits.flow_max = 1e6;
    section_.site.points.push_back(point);
  }

  std::vector<model::Account> read(const std::string& text,
                                   Instant now = std::chrono::sys_days(std::chrono::year(2026) / 11 / 21)) {
    problems_ = {};
    const config::Node root = config::parse_text(text, "a.yaml", problems_);
    config::Reader in(root, problems_);
    EnergyUsers users = read_energy_users(in, {section_, factors_, doubtful_, now});
    said_ = problems_.to_text();
    comparisons_ = std::move(users.comparisons);
    containments_ = std::move(users.containments);
    return std::move(users.accounts);
  }
  std::vector<model::Account> consume(const std::string& what) {
    return read("site: {grid_region: CN-SC}\nenergy_users: [{id: u, consumes: [{" + what + "}]}]");
  }
  bool said(string_view text) const { return said_.find(text) != std::string::npos; }

  SiteSection section_;
  config::Problems problems_;
  pipeline::FactorRegistry factors_;
  std::set<std::string> doubtful_;
  std::vector<model::Comparison> comparisons_;
  std::vector<model::Containment> containments_;
  std::string said_;
};

TEST_F(EnergyUsersTest, ConsumeTotalsAmountsAndRates) {
  for (const char* fits : {"carrier: electricity, from: hall.energy", "carrier: electricity, from: hall.slice",
                           "carrier: electricity, from: hall.power", "carrier: heat, from: hall.heat",
                           "carrier: heat, from: hall.energy", "carrier: heat, from: hall.power",
                           "carrier: natural-gas, from: hall.gas", "carrier: natural-gas, from: hall.gas_flow",
                           "carrier: bituminous-coal, from: hall.coal, method: industrial-boiler",
                           "carrier: bituminous-coal, from: hall.feed, method: power-boiler"}) {
    EXPECT_EQ(consume(fits).size(), 1u) << fits;
    EXPECT_EQ(said_, "") << fits;
  }
}

TEST_F(EnergyUsersTest, MeasureInAStackWhatOthersAreCalculatedToEmit) {
  const std::string boilers = "{id: boilers, consumes: [{carrier: natural-gas, from: hall.gas}]}";
  const auto with = [&](const std::string& stack) {
    return read("site: {grid_region: CN-SC}\nenergy_users: [" + boilers + ", " + stack + "]");
  };
  const auto accounts = with("{id: stack, measures: [boilers], emits: [{carrier: co2, from: hall.coal}]}");
  EXPECT_EQ(said_, "");
  ASSERT_EQ(accounts.size(), 2u);
  EXPECT_EQ(accounts[1].flow, model::Flow::measured);
  ASSERT_EQ(comparisons_.size(), 1u);
  EXPECT_EQ(comparisons_[0].measured_by, "stack");
  EXPECT_EQ(comparisons_[0].calculated_of, std::vector<std::string>{"boilers"});
  with("{id: stack, measures: [boiler], emits: [{carrier: co2, from: hall.coal}]}");
  EXPECT_TRUE(said("measures: unknown energy user 'boiler'; did you mean 'boilers'?")) << said_;
  with("{id: stack, measures: [boilers], consumes: [{carrier: heat, from: hall.heat}]}");
  EXPECT_TRUE(said("measures: is for a user with `emits`")) << said_;
  with("{id: stack, measures: [stack], emits: [{carrier: co2, from: hall.coal}]}");
  EXPECT_TRUE(said("measures: unknown energy user 'stack'")) << said_;
}

TEST_F(EnergyUsersTest, ArePartOfTheNearestThatConsumesTheSame) {
  add("machine.energy", "kWh", Kind::cumulative, 80e3);
  add("machine.heat", "GJ", Kind::cumulative, 5e6);
  add("incomer.energy", "kWh", Kind::cumulative, 1e6);
  add("roof.energy", "kWh", Kind::cumulative, 1e6);
  read(
      "site: {grid_region: CN-SC}\n"
      "energy_users:\n"
      "  - {id: machine, part_of: hall, consumes: [{carrier: electricity, from: machine.energy}, {carrier: heat, from: "
      "machine.heat}, {carrier: electricity, from: roof.energy, supply: own-renewable}]}\n"
      "  - {id: hall, part_of: park, consumes: [{carrier: electricity, from: hall.energy}]}\n"
      "  - {id: park, consumes: [{carrier: electricity, from: incomer.energy}, {carrier: heat, from: hall.heat}, "
      "{carrier: natural-gas, from: hall.gas}]}\n");
  EXPECT_EQ(said_, "");
  // Gas too, which neither consumes now: the books may hold some of it.
  EXPECT_EQ(containments_, (std::vector<model::Containment>{{"machine", "electricity", false, "hall"},
                                                            {"machine", "heat", false, "park"},
                                                            {"machine", "natural-gas", false, "park"},
                                                            {"hall", "electricity", false, "park"},
                                                            {"hall", "heat", false, "park"},
                                                            {"hall", "natural-gas", false, "park"}}));
}

TEST_F(EnergyUsersTest, AreApartByWhereTheEnergyComesFrom) {
  add("incomer.energy", "kWh", Kind::cumulative, 1e6);
  add("roof.energy", "kWh", Kind::cumulative, 1e6);
  const std::string part = "{id: hall, part_of: park, consumes: [{carrier: electricity, from: hall.energy}]}";
  const auto park = [&](const std::string& consumes) {
    read("site: {grid_region: CN-SC}\nenergy_users: [" + part + ", {id: park, consumes: [" + consumes + "]}]");
  };
  park(
      "{carrier: electricity, from: incomer.energy}, {carrier: electricity, from: roof.energy, supply: own-renewable}");
  EXPECT_EQ(said_, "");
  EXPECT_EQ(containments_.size(), 2u);
  park("{carrier: electricity, from: roof.energy, supply: own-renewable}");
  EXPECT_TRUE(said("'park' consumes nothing that 'hall' consumes: electricity")) << said_;
}

TEST_F(EnergyUsersTest, WarnsOfAPartThatIsCountedByOtherFactors) {
  add("incomer.energy", "kWh", Kind::cumulative, 1e6);
  const auto with = [&](const std::string& more) {
    read(
        "site: {grid_region: CN-SC}\nenergy_users: [{id: hall, part_of: park, consumes: [{carrier: electricity, from: "
        "hall.energy}]}, {id: park, consumes: [{carrier: electricity, from: incomer.energy" +
        more + "}]}]");
  };
  with("");
  EXPECT_EQ(said_, "");
  with(", region: CN");
  EXPECT_TRUE(
      said("part_of: its electricity is counted by cn-grid/CN-SC/average, that of 'park' by "
           "cn-grid/CN/average: the CO2e that is unallocated has the difference in it"))
      << said_;
  with(", market: {region: CN, method: average}");
  EXPECT_TRUE(said("that of 'park' by cn-grid/CN/average")) << said_;
}

TEST_F(EnergyUsersTest, RefuseWhatDoesNotMeasureTheCarrier) {
  for (const char* misfit : {"carrier: electricity, from: hall.gas", "carrier: electricity, from: hall.voltage",
                             "carrier: natural-gas, from: hall.energy", "carrier: natural-gas, from: hall.power",
                             "carrier: bituminous-coal, from: hall.gas", "carrier: heat, from: hall.coal"}) {
    consume(misfit);
    EXPECT_TRUE(said("units that fit: ")) << misfit << "\n" << said_;
  }
  consume("carrier: electricity, from: hall.voltage");
  EXPECT_TRUE(said("units that fit: mW, W, kW, MW")) << "for a rate, rates are offered: " << said_;
}

TEST_F(EnergyUsersTest, GetTheFactorsOfTheirRegion) {
  const auto electricity = consume("carrier: electricity, from: hall.energy");
  EXPECT_EQ(electricity.at(0).factor->set, "cn-grid");
  EXPECT_EQ(electricity.at(0).factor->region, "CN-SC");
  const auto national = consume("carrier: electricity, from: hall.energy, region: CN, method: residual");
  EXPECT_EQ(said_, "");
  EXPECT_EQ(national.at(0).factor->region, "CN");
  EXPECT_EQ(national.at(0).factor->method, "residual");
  const auto gas = consume("carrier: natural-gas, from: hall.gas");
  EXPECT_EQ(gas.at(0).factor->set, "cn-fuels");
  EXPECT_NE(
      factors_.find(*gas.at(0).factor, *gas.at(0).carrier, std::chrono::sys_days(std::chrono::year(2026) / 11 / 21)),
      nullptr);
}

TEST_F(EnergyUsersTest, AreToldWhichFactorsThereAre) {
  consume("carrier: electricity, from: hall.energy, region: CN-SX, method: residual");
  EXPECT_TRUE(said("no factor for electricity by method 'residual'")) << said_;
  consume("carrier: bituminous-coal, from: hall.coal");
  EXPECT_TRUE(said("counts bituminous-coal in several ways; set 'method' to one of: cement-kiln,")) << said_;
  consume("carrier: electricity, from: hall.energy, region: CN-GRID-X");
  EXPECT_TRUE(said("did you mean 'CN-GRID-")) << said_;
  consume("carrier: electricity, from: hall.energy, factor_set: cn-gird");
  EXPECT_TRUE(said("did you mean 'cn-grid'?")) << said_;
  section_.site.grid_region = "CN-XZ";
  consume("carrier: electricity, from: hall.energy");
  EXPECT_EQ(
      said_,
      "a.yaml:1:21: error: site.grid_region: there is no emission factor for 'CN-XZ'; take the grid it belongs to "
      "(CN-GRID-...) or the nation (CN)\n");
}

TEST_F(EnergyUsersTest, AreWarnedWhenNoFactorAppliesYet) {
  read("energy_users: [{id: u, consumes: [{carrier: electricity, from: hall.energy}]}]",
       std::chrono::sys_days(std::chrono::year(1999) / 1 / 1));
  EXPECT_TRUE(said("warning: energy_users[0].consumes[0].carrier: no emission factor applies at present")) << said_;
  EXPECT_FALSE(problems_.has_errors());
}

TEST_F(EnergyUsersTest, HaveTwoResultsForWhatTheyPurchase) {
  const auto electricity = consume("carrier: electricity, from: hall.energy").at(0);
  EXPECT_EQ(electricity.scope, model::Scope::energy);
  ASSERT_TRUE(electricity.market);
  EXPECT_EQ(electricity.market->region, "CN") << "the residual mix is published for the nation alone";
  EXPECT_EQ(electricity.market->method, "residual");
  const auto heat = consume("carrier: heat, from: hall.heat").at(0);
  EXPECT_EQ(heat.scope, model::Scope::energy);
  EXPECT_EQ(heat.market, heat.factor) << "no residual mix of heat is published";
  const auto gas = consume("carrier: natural-gas, from: hall.gas").at(0);
  EXPECT_EQ(gas.scope, model::Scope::direct);
  EXPECT_FALSE(gas.market);
  const auto contract = consume("carrier: electricity, from: hall.energy, market: {region: CN, method: fossil}").at(0);
  EXPECT_EQ(said_, "");
  EXPECT_EQ(contract.market->method, "fossil");
  EXPECT_EQ(contract.factor->method, "average");
  consume("carrier: electricity, from: hall.energy, market: {region: CN, method: fosil, sett: x}");
  EXPECT_TRUE(
      said("energy_users[0].consumes[0].market.method: cn-grid has no factor for electricity by method 'fosil'"))
      << said_;
  EXPECT_TRUE(said("unknown key 'sett'")) << said_;
}

TEST_F(EnergyUsersTest, HaveTheRestOfTheHierarchyBehindTheirMarketFactor) {
  const auto methods = [](const model::Account& account) {
    std::vector<std::string> all{account.market->method};
    for (const model::FactorChoice& choice : account.market_else) all.push_back(choice.method);
    return all;
  };
  const std::string meter = "carrier: electricity, from: hall.energy";
  EXPECT_EQ(methods(consume(meter).at(0)), (std::vector<std::string>{"residual", "average"}));
  EXPECT_EQ(methods(consume(meter + ", market: {region: CN, method: fossil}").at(0)),
            (std::vector<std::string>{"fossil", "residual", "average"}));
  EXPECT_TRUE(consume("carrier: heat, from: hall.heat").at(0).market_else.empty());
  const auto own = consume(meter + ", supply: own-renewable").at(0);
  EXPECT_TRUE(own.market_else.empty());
  const auto sold = consume(meter + ", supply: own-renewable, certificates_sold: true").at(0);
  EXPECT_EQ(methods(sold), (std::vector<std::string>{"residual", "average"})) << "and never what claims the sun";
}

TEST_F(EnergyUsersTest, AreWarnedOfFactorsThatEnded) {
  model::Factor ended;
  ended.id = "supplier/CN-SC/contract/2024";
  ended.set = "supplier";
  ended.version = "1";
  ended.carrier = "electricity";
  ended.region = "CN-SC";
  ended.method = "contract";
  ended.valid_until = std::chrono::sys_days(std::chrono::year(2025) / 1 / 1);
  model::Factor coal = ended;
  coal.id = "site-standard-coal/electricity/equivalent/2024";
  coal.set = "site-standard-coal";
  coal.region = "";
  coal.method = "equivalent";
  coal.kind = model::FactorKind::standard_coal;
  section_.factor_sets.emplace_back("supplier");
  section_.coal_sets = {"site-standard-coal"};
  section_.electricity_coal_method = "equivalent";
  factors_ = pipeline::FactorRegistry::load(config::DataFiles("."), {.sets = {"cn-grid"}, .own = {ended, coal}},
                                            "Asia/Shanghai", problems_);
  consume("carrier: electricity, from: hall.energy, market: {factor_set: supplier, method: contract}");
  EXPECT_TRUE(said("consumes[0].market.carrier: no emission factor applies at present")) << said_;
  EXPECT_TRUE(said("will stand in for it, marked as no-market-factor")) << said_;
  EXPECT_TRUE(said("consumes[0].carrier: no standard-coal coefficient applies at present")) << said_;
  EXPECT_TRUE(said("marked as missing (no-coal-factor)")) << said_;
  EXPECT_FALSE(problems_.has_errors());
}

TEST_F(EnergyUsersTest, AreToldWhichStandardCoalIsTaken) {
  section_.coal_sets = {"cn-standard-coal"};
  factors_ = pipeline::FactorRegistry::load(
      config::DataFiles("."), {.sets = {"cn-grid", "cn-fuels", "cn-heat", "direct", "cn-standard-coal"}, .own = {}},
      "Asia/Shanghai", problems_);
  const auto gas = consume("carrier: natural-gas, from: hall.gas");
  EXPECT_EQ(gas.at(0).coal->method, "gas-field");
  EXPECT_TRUE(
      said("consumes[0].carrier: cn-standard-coal has several standard-coal coefficients for natural-gas and "
           "'gas-field' is taken; set 'coal_method' to one of: gas-field, oil-field"))
      << said_;
  consume("carrier: natural-gas, from: hall.gas, coal_method: oil-field");
  EXPECT_EQ(said_, "") << "chosen";

  const auto lignite = consume("carrier: lignite, from: hall.coal, method: power-boiler");
  EXPECT_TRUE(
      said("no set in use has a standard-coal coefficient for lignite (in use: cn-standard-coal); its standard "
           "coal will be marked as missing (no-coal-factor)"))
      << said_;
  ASSERT_TRUE(lignite.at(0).coal) << "none is found for it: the entries say so";
  EXPECT_EQ(factors_.find(*lignite.at(0).coal, *lignite.at(0).carrier,
                          std::chrono::sys_days(std::chrono::year(2026) / 11 / 21)),
            nullptr);
  section_.coal_sets = {};
  EXPECT_FALSE(consume("carrier: lignite, from: hall.coal, method: power-boiler").at(0).coal);
  EXPECT_EQ(said_, "") << "none is asked for";
}

TEST_F(EnergyUsersTest, CountTheStandardCoalOfAFuelByItsMeasuredHeatingValue) {
  model::Factor lab;
  lab.id = "lab/natural-gas/default/2026";
  lab.set = "lab";
  lab.carrier = "natural-gas";
  lab.method = "default";
  model::Factor coal = lab;
  coal.id = "lab/ncv/natural-gas/default/2026";
  coal.set = "lab/ncv";
  coal.kind = model::FactorKind::standard_coal;
  coal.value_text = "1.228";
  coal.unit_text = "kgce/Nm3";
  model::Factor own = coal;
  own.id = "own-coal/natural-gas/default/2026";
  own.set = "own-coal";
  section_.factor_sets.insert(section_.factor_sets.begin(), "lab");
  factors_ = pipeline::FactorRegistry::load(config::DataFiles("."),
                                            {.sets = {"cn-fuels", "cn-standard-coal"}, .own = {lab, coal, own}},
                                            "Asia/Shanghai", problems_);
  const auto now = std::chrono::sys_days(std::chrono::year(2026) / 11 / 21);
  const auto used = [&](const std::string& what) {
    const model::Account account = consume("carrier: natural-gas, from: hall.gas" + what).at(0);
    return factors_.find(*factors_.coal_choice(account, now), *account.carrier, now)->id;
  };
  EXPECT_EQ(used(""), coal.id);
  EXPECT_EQ(said_, "") << "which of the published ones stands in does not matter";
  EXPECT_EQ(used(", factor_set: cn-fuels"), "cn-standard-coal/natural-gas/gas-field/2020") << "no measured one";
  EXPECT_EQ(used(", coal_method: oil-field"), "cn-standard-coal/natural-gas/oil-field/2020");
  EXPECT_TRUE(said("consumes[0].coal_method: asks for a published coefficient, though a heating value was measured"))
      << said_;
  section_.coal_sets.insert(section_.coal_sets.begin(), "own-coal");
  EXPECT_EQ(used(""), own.id) << "what the site states itself";
  EXPECT_EQ(said_, "");
  own.inherited_from = "cn-standard-coal";
  factors_ = pipeline::FactorRegistry::load(config::DataFiles("."), {.sets = {"cn-fuels"}, .own = {lab, coal, own}},
                                            "Asia/Shanghai", problems_);
  EXPECT_EQ(used(""), coal.id) << "published, in a set of its own";
  section_.coal_sets = {};
  EXPECT_EQ(factors_.coal_choice(consume("carrier: natural-gas, from: hall.gas").at(0), now), nullptr);
}

TEST_F(EnergyUsersTest, ClaimTheirOwnSunOnlyWhileTheyKeepItsCertificates) {
  const auto kept = consume("carrier: electricity, from: hall.energy, supply: own-renewable").at(0);
  EXPECT_EQ(said_, "");
  EXPECT_EQ(kept.factor->set, "own-generation");
  EXPECT_EQ(kept.market, kept.factor);
  const auto sold =
      consume("carrier: electricity, from: hall.energy, supply: own-renewable, certificates_sold: true").at(0);
  EXPECT_EQ(said_, "");
  EXPECT_EQ(sold.factor->set, "own-generation");
  EXPECT_EQ(sold.market->method, "residual");
}

TEST_F(EnergyUsersTest, HaveSubstitutesWhereTheStandardAsksForThemOrTheySaySo) {
  using model::SubstitutionMethod;
  const auto method = [&](const std::string& list, const std::string& what) {
    return read("site: {grid_region: CN-SC}\nenergy_users: [{id: u, " + list + ": [{" + what + "}]}]")
        .at(0)
        .substitution;
  };
  EXPECT_EQ(method("emits", "carrier: co2, from: hall.feed"), SubstitutionMethod::hj75);
  EXPECT_EQ(method("emits", "carrier: co2, from: hall.feed, substitution: none"), SubstitutionMethod::none);
  EXPECT_EQ(method("emits", "carrier: co2, from: hall.coal"), SubstitutionMethod::none) << "counts on";
  EXPECT_EQ(method("emits", "carrier: ch4, from: hall.feed"), SubstitutionMethod::none);
  EXPECT_EQ(method("consumes", "carrier: electricity, from: hall.power"), SubstitutionMethod::none);
  EXPECT_EQ(said_, "");
  EXPECT_EQ(method("consumes", "carrier: electricity, from: hall.power, substitution: same-weekday"),
            SubstitutionMethod::same_weekday);
  EXPECT_EQ(said_, "");
}

TEST_F(EnergyUsersTest, EmitNothingByUsingAWorkingMedium) {
  for (const char* medium : {"carrier: compressed-air, from: hall.gas", "carrier: fresh-water, from: hall.coal",
                             "carrier: product, from: hall.coal"}) {
    const auto accounts = consume(medium);
    ASSERT_EQ(accounts.size(), 1u) << medium;
    EXPECT_EQ(said_, "") << medium;
    EXPECT_EQ(accounts[0].scope, model::Scope::none) << medium;
    EXPECT_FALSE(accounts[0].factor) << medium;
  }
}

TEST_F(EnergyUsersTest, EmitWhatTheyMeasureAsAGas) {
  const std::vector<std::string> sets{"direct"};
  factors_ = pipeline::FactorRegistry::load(config::DataFiles("."), sets, "Asia/Shanghai", problems_);
  section_.factor_sets = sets;
  const auto accounts =
      read("site: {grid_region: CN-SC}\nenergy_users: [{id: u, emits: [{carrier: co2, from: hall.feed}]}]");
  EXPECT_EQ(said_, "");
  ASSERT_EQ(accounts.size(), 1u);
  EXPECT_EQ(accounts[0].scope, model::Scope::direct);
  EXPECT_EQ(accounts[0].flow, model::Flow::emitted);
  ASSERT_TRUE(accounts[0].factor);
  EXPECT_EQ(accounts[0].factor->set, "direct");
}

TEST_F(EnergyUsersTest, KeepWhatTheyExportAndProduceApart) {
  const auto accounts = read(
      "site: {grid_region: CN-SC}\nenergy_users: [{id: u, consumes: [{carrier: electricity, from: hall.energy}], "
      "exports: [{carrier: electricity, from: hall.slice}], produces: [{carrier: heat, from: hall.heat}]}]");
  EXPECT_EQ(said_, "");
  ASSERT_EQ(accounts.size(), 3u);
  EXPECT_EQ(accounts[1].flow, model::Flow::exported);
  EXPECT_TRUE(accounts[1].factor) << "an export is subtracted by the same factor";
  EXPECT_EQ(accounts[2].flow, model::Flow::produced);
  EXPECT_EQ(accounts[2].scope, model::Scope::none);
  EXPECT_FALSE(accounts[2].factor) << "what it is made from is counted already";
  read(
      "site: {grid_region: CN-SC}\nenergy_users: [{id: u, consumes: [{carrier: electricity, from: hall.energy}], "
      "produces: [{carrier: electricity, from: hall.energy}]}]");
  EXPECT_TRUE(said("'hall.energy' is used twice by 'u'")) << said_;
}

TEST_F(EnergyUsersTest, CountNothingTwice) {
  read(
      "energy_users: [{id: u, consumes: [{carrier: electricity, from: hall.energy}, {carrier: heat, from: "
      "hall.energy}]}]");
  EXPECT_TRUE(said("error: energy_users[0].consumes[1].from: 'hall.energy' is used twice by 'u'")) << said_;
}

TEST_F(EnergyUsersTest, AreWarnedOfAPointThatTwoOfThemName) {
  const std::string uses = "consumes: [{carrier: electricity, from: hall.energy}]}";
  const std::string other = ", consumes: [{carrier: electricity, from: hall.power}]}";
  read("energy_users: [{id: a, " + uses + ", {id: b, " + uses + "]");
  EXPECT_TRUE(
      said("warning: energy_users[1].consumes[0].from: 'hall.energy' is consumed by 'a' too: sums over users "
           "count it twice"))
      << said_;
  // One part of the other, also through a third: the site counts what contains it alone.
  for (const std::string& users :
       {"{id: a, " + uses + ", {id: b, part_of: a, " + uses, "{id: b, part_of: a, " + uses + ", {id: a, " + uses,
        "{id: a, " + uses + ", {id: c, part_of: a" + other + ", {id: b, part_of: c, " + uses}) {
    read("energy_users: [" + users + "]");
    EXPECT_TRUE(
        said(" too, and 'b' is part of 'a': the site counts it once, and nothing that it counts is unallocated"))
        << users << "\n"
        << said_;
    EXPECT_FALSE(said("twice")) << said_;
  }
}

TEST_F(EnergyUsersTest, AreWarnedOfACounterThatNothingLimits) {
  add("hall.total", "kWh", Kind::cumulative);
  consume("carrier: electricity, from: hall.total");
  EXPECT_TRUE(said("warning: energy_users[0].consumes[0].from: 'hall.total' has no power_max: ")) << said_;
  EXPECT_TRUE(said("such as {name: total, power_max: 250 kW}")) << said_;
  EXPECT_FALSE(problems_.has_errors());
  read(
      "energy_users: [{id: u, consumes: [{carrier: electricity, from: hall.total}]},"
      " {id: v, consumes: [{carrier: heat, from: hall.total}]}]");
  EXPECT_EQ(said_.find("no power_max"), said_.rfind("no power_max")) << "once for a point: " << said_;
  consume("carrier: electricity, from: hall.slice");
  EXPECT_EQ(said_, "") << "an amount can have none";
  for (const auto& [name, unit, carrier, example] : {std::array{"pipe", "Nm3", "natural-gas", "up to 10000 Nm3/h"},
                                                     std::array{"tank", "t", "diesel", "up to 100 t/h"}}) {
    add(std::string("hall.") + name, unit, Kind::cumulative);
    section_.site.points.back().limits.flow_max.reset();
    consume(std::string("carrier: ") + carrier + ", from: hall." + name);
    EXPECT_TRUE(said(std::string("'hall.") + name + "' has no flow_max: " + example)) << said_;
  }
  doubtful_ = {"hall"};
  consume("carrier: electricity, from: hall.total");
  EXPECT_EQ(said_, "") << "it may have one that could not be read";
}

TEST_F(EnergyUsersTest, AreWarnedOfARegisterThatShowsMoreThanCanBeCounted) {
  const auto warned_of = [&](const std::string& name, double end, double count) {
    add(name, "kWh", Kind::cumulative, 1e6);
    section_.site.points.back().limits.rollover_at = {end};
    section_.site.points.back().limits.count = count;
    consume("carrier: electricity, from: " + name);
    return said("warning: energy_users[0].consumes[0].from: '" + name + "' may show more than an account can count");
  };
  EXPECT_TRUE(warned_of("hall.bits_48", 0x1p48 * 0.1, 0.1)) << said_;
  EXPECT_TRUE(said("its register ends at 28147497671065.6 kWh, and readings above 4611686018427 kWh are rejected"));
  EXPECT_FALSE(warned_of("hall.fine", 0x1p48 * 0.001, 0.001)) << said_;
  EXPECT_TRUE(warned_of("hall.bits_64", 0x1p64 * 0.001, 0.001)) << said_;
  add("hall.held", "kWh", Kind::cumulative, 1e6);
  section_.site.points.back().limits.rollover_at = {0x1p64 * 0.001};
  section_.site.points.back().limits.max = 1e12;
  consume("carrier: electricity, from: hall.held");
  EXPECT_EQ(said_, "") << "it never gets there";
}

TEST_F(EnergyUsersTest, AreWarnedOfManySuchCountersInFewLines) {
  std::string users = "energy_users:\n";
  for (int i = 0; i < 25; ++i) {
    const std::string number = std::to_string(i);
    add("hall.total_" + number, "kWh", Kind::cumulative);
    users += "  - {id: u" + number + ", consumes: [{carrier: electricity, from: hall.total_" + number + "}]}\n";
  }
  read(users);
  EXPECT_EQ(problems_.all().size(), 21u) << said_;
  EXPECT_TRUE(said("warning: energy_users: 5 more consumed points have no power_max")) << said_;
}

TEST_F(EnergyUsersTest, SayHowGoodTheirMetersAre) {
  const auto accounts =
      consume("carrier: electricity, from: hall.slice, metering: {class: 0.5S, ct: 0.2, pt: 0.2, device: M1}");
  ASSERT_EQ(accounts.size(), 1u) << said_;
  EXPECT_EQ(accounts[0].activity_u95_ppm, 6'633);
  EXPECT_EQ(accounts[0].meter, (model::MeterDescription{"0.5S, CT 0.2 %, PT 0.2 %", "M1", ""}));
  EXPECT_EQ(consume("carrier: electricity, from: hall.slice").at(0).activity_u95_ppm, 0);
}

TEST_F(EnergyUsersTest, NeedAnIdAndSomethingToConsume) {
  read("energy_users: [{id: u}, {id: v, consumes: []}, {id: \"\", consumes: 5}, {consumes: [{}]}]");
  EXPECT_TRUE(said("energy_users[0].consumes: missing; a user has at least one list of")) << said_;
  EXPECT_TRUE(said("energy_users[1].consumes: an empty list")) << said_;
  EXPECT_TRUE(said("energy_users[2].id: '' is not an id")) << said_;
  EXPECT_TRUE(said("energy_users[2].consumes: expected a list, found '5'")) << said_;
  EXPECT_TRUE(said("energy_users[3].id: missing")) << said_;
  EXPECT_TRUE(said("energy_users[3].consumes[0].carrier: missing")) << said_;
  EXPECT_TRUE(said("energy_users[3].consumes[0].from: missing")) << said_;
}

TEST_F(EnergyUsersTest, DoNotBlameThePointsOfADoubtfulDevice) {
  doubtful_ = {"kiln", "hall"};
  add("hall.unread", "1", Kind::cumulative);
  EXPECT_TRUE(consume("carrier: electricity, from: kiln.energy").empty());
  EXPECT_EQ(said_, "");
  consume("carrier: electricity, from: hall.unread");
  EXPECT_EQ(said_, "");
  consume("carrier: electricity, from: hall.gas");
  EXPECT_TRUE(said("units that fit")) << "what was read is judged all the same";
}

}  // namespace
}  // namespace carbongate::app

#include "gateway/app/gateway_config.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "gateway/app/live_factors_section.h"
#include "gateway/app/store_section.h"
#include "tests/support/temporary_directory.h"

namespace carbongate::app {
namespace {

using namespace std::chrono_literals;

const Instant kNow = std::chrono::sys_days(std::chrono::year(2026) / 11 / 21);

class GatewayConfigTest : public testing::Test {
 protected:
  GatewayConfig load(std::string_view text) {
    std::ofstream(directory_.path() / "site.yaml") << text;
    return load_config(directory_.path() / "site.yaml", problems_, kNow);
  }
  TemporaryDirectory directory_;
  config::Problems problems_;
};

constexpr std::string_view kSite = R"(
site: {id: edz-1, name: 广元经开区一号园区, timezone: Asia/Shanghai, grid_region: CN-SC}
brokers:
  plant: {url: "mqtt://127.0.0.1:1883"}
devices:
  - {id: incomer, driver: modbus-tcp, address: "127.0.0.1:502", unit: 1, profile: eastron-sdm630, interval: 1s}
  - id: shops
    driver: mqtt
    broker: plant
    topic: tele/{device}/SENSOR
    devices: [press-shop, paint-shop]
    points:
      - {name: energy, json: /ENERGY/Total, unit: kWh, kind: cumulative, power_max: 250 kW}
      - {name: power, json: /ENERGY/Power, unit: W}
      - {name: gas, json: /gas, unit: Nm3, kind: cumulative, flow_max: 400 Nm3/h}
energy_users:
  - id: press-shop
    name: 冲压车间
    consumes:
      - {carrier: electricity, from: press-shop.energy}
      - {carrier: natural-gas, from: press-shop.gas, coal_method: gas-field}
  - {id: paint-shop, consumes: [{carrier: electricity, from: paint-shop.power, region: CN}]}
store: {path: data}
sinks: [{type: line-protocol, url: "http://127.0.0.1:8428/write", name: vm}]
)";

TEST_F(GatewayConfigTest, BecomesOneSite) {
  const GatewayConfig config = load(kSite);
  EXPECT_EQ(problems_.to_text(), "");
  const model::Site& site = config.site;
  EXPECT_EQ(site.id, "edz-1");
  EXPECT_EQ(site.name, "广元经开区一号园区");

  ASSERT_EQ(config.devices.size(), 2u);
  EXPECT_EQ(config.devices[0].type->name, "modbus-tcp");
  EXPECT_EQ(config.devices[1].type->name, "mqtt");
  std::size_t next = 0;
  for (const ConfiguredDevice& device : config.devices) {
    for (const Point& point : device.plan->points()) {
      ASSERT_EQ(index(point.id), next);
      EXPECT_EQ(site.points[next].full_name(), point.full_name());
      ++next;
    }
  }
  EXPECT_EQ(next, site.points.size());
  EXPECT_EQ(site.points.back().full_name(), "paint-shop.gas");

  ASSERT_EQ(site.accounts.size(), 3u);
  const model::Account& electricity = site.accounts[0];
  EXPECT_EQ(index(electricity.id), 0u);
  EXPECT_EQ(electricity.user, "press-shop");
  EXPECT_EQ(electricity.user_name, "冲压车间");
  EXPECT_EQ(electricity.carrier->id, "electricity");
  EXPECT_EQ(site.points[index(electricity.source)].full_name(), "press-shop.energy");
  EXPECT_EQ(electricity.factor->set, "cn-grid");
  EXPECT_EQ(electricity.factor->region, "CN-SC");
  EXPECT_EQ(electricity.factor->method, "average");
  EXPECT_EQ(site.accounts[2].factor->region, "CN");
  for (const model::Account& account : site.accounts) {
    EXPECT_NE(config.factors.find(*account.factor, *account.carrier, kNow), nullptr) << account.user;
  }

  EXPECT_EQ(config.store.path, directory_.path() / "data");
  EXPECT_EQ(config.store.size_max, 8ull << 30);
  EXPECT_EQ(config.store.keep_readings, 190 * 24h);
  ASSERT_EQ(config.sinks.size(), 1u);
  EXPECT_EQ(config.sinks[0]->name(), "vm");
  EXPECT_FALSE(std::filesystem::exists(directory_.path() / "data")) << "nothing is written";
}

std::string with_live(std::string_view live, std::string_view account = "factor_set: grid-live, method: live") {
  std::string text(kSite);
  text.replace(text.find("grid_region: CN-SC"), 18,
               "grid_region: CN-SC, factors: {live: [{" + std::string(live) + "}]}");
  text.replace(text.find("carrier: electricity, from: press-shop.energy"), 45,
               "carrier: electricity, from: press-shop.energy, " + std::string(account));
  const std::string_view energy = "{name: energy, json";
  text.insert(text.find(energy), "{name: intensity, json: /i, unit: \"1\"}\n      - ");
  return text;
}

constexpr std::string_view kLive =
    "set: grid-live, carrier: electricity, region: CN-SC, from: press-shop.intensity, unit: gCO2/kWh, hold: 3h, "
    "source: grid operator, uncertainty_percent: 10, fallback: {set: cn-grid, method: average}";

TEST_F(GatewayConfigTest, ALiveFactorSetIsAPointOfTheSite) {
  const GatewayConfig config = load(with_live(kLive));
  EXPECT_EQ(problems_.to_text(), "") << "no warning that nothing applies at present: it is learnt";
  ASSERT_EQ(config.site.live_factors.size(), 1u);
  const model::LiveFactor& live = config.site.live_factors[0];
  EXPECT_EQ(config.site.points[index(live.source)].full_name(), "press-shop.intensity");
  EXPECT_EQ(live.hold, 3h);
  EXPECT_EQ(live.like.u95_ppm, 100'000);
  EXPECT_EQ(live.fallback->region, "CN-SC");
  EXPECT_EQ(config.site.accounts.at(0).factor->set, "grid-live");
  EXPECT_EQ(config.factors.explain_missing("grid-live", "electricity", "CN-SC", "live", kNow),
            "grid-live learns its values from press-shop.intensity while the gateway runs");
}

// What no grid has is rejected like any value out of range, whatever the point says of it or not.
TEST_F(GatewayConfigTest, ThePointOfALiveFactorSetHasTheLimitsOfAFactor) {
  const auto limits = [&](std::string_view of_point, std::string_view unit) {
    problems_ = {};
    std::string live(kLive);
    live.replace(live.find("gCO2/kWh"), 8, unit);
    std::string text = with_live(live);
    const std::string_view name = "{name: intensity";
    text.insert(text.find(name) + name.size(), of_point);
    const GatewayConfig config = load(text);
    if (problems_.has_errors()) return std::pair(-1.0, -1.0);
    const PointLimits& limits = config.site.points[index(config.site.live_factors.at(0).source)].limits;
    return std::pair(limits.min.value_or(-1), limits.max.value_or(-1));
  };
  EXPECT_EQ(limits("", "gCO2/kWh"), std::pair(0.0, 5'000.0));
  EXPECT_EQ(limits("", "kgCO2e/kWh"), std::pair(0.0, 5.0));
  EXPECT_EQ(limits("", "tCO2/MWh"), std::pair(0.0, 5.0));
  EXPECT_EQ(limits(", max: 900", "gCO2/kWh"), std::pair(0.0, 900.0));
  EXPECT_EQ(limits(", min: 1, max: 6000", "gCO2/kWh"), std::pair(1.0, 6'000.0));
  EXPECT_EQ(limits(", min: -1", "gCO2/kWh"), std::pair(-1.0, -1.0));
  EXPECT_NE(problems_.to_text().find("min of 'press-shop.intensity' is below 0"), std::string::npos)
      << problems_.to_text();
  EXPECT_EQ(limits(", max: 1e12", "gCO2/kWh"), std::pair(-1.0, -1.0));
  EXPECT_NE(problems_.to_text().find("is more than any factor can be"), std::string::npos) << problems_.to_text();
}

TEST_F(GatewayConfigTest, WhatAFactorIsAtMostGoesByItsCarrier) {
  const struct {
    std::string_view carrier;
    std::string_view unit;
    double most;
  } cases[] = {{"heat", "kgCO2/GJ", 1'388.888889},      {"heat", "tCO2/GJ", 1.388889},
               {"natural-gas", "kgCO2/Nm3", 10},        {"diesel", "tCO2/t", 10},
               {"diesel", "gCO2e/kg", 10'000},          {"sf6", "kgCO2e/kg", 100'000},
               {"product-pieces", "kgCO2/pcs", 100'000}};
  for (const auto& c : cases) {
    const model::Carrier& carrier = *model::find_carrier(c.carrier);
    std::string why;
    const auto unit = pipeline::parse_factor_unit(c.unit, carrier, why);
    ASSERT_TRUE(unit) << c.unit << ": " << why;
    EXPECT_DOUBLE_EQ(live_factor_max(*unit, carrier), c.most) << c.carrier << " " << c.unit;
  }
}

TEST_F(GatewayConfigTest, ALiveFactorSetIsCheckedLikeAnyOther) {
  const struct {
    std::string_view from;
    std::string_view to;
    std::string_view said;
  } cases[] = {
      {"set: grid-live", "set: cn-grid", "there is a factor set 'cn-grid' already"},
      {"carrier: electricity", "carrier: electricty", "unknown carrier 'electricty'; did you mean 'electricity'?"},
      {"press-shop.intensity", "press-shop.intensty", "did you mean 'press-shop.intensity'?"},
      {"press-shop.intensity", "press-shop.power", "'press-shop.power' measures power; a factor comes from"},
      {"gCO2/kWh", "gCO2/kg", "'kg' measures mass"},
      {"gCO2/kWh", "gCH4/kWh", "a live factor is of CO2 or CO2e"},
      {"hold: 3h", "hold: 1min", "hold"},
      {"source: grid operator, ", "", "source: missing"},
      {"set: cn-grid", "set: cn-gird", "did you mean 'cn-grid'?"},
      {"set: cn-grid", "set: grid-live", "fallback.set: 'grid-live' is live as well"},
      {"method: average", "method: averge", "did you mean 'average'?"},
  };
  for (const auto& c : cases) {
    problems_ = {};
    std::string live(kLive);
    live.replace(live.find(c.from), c.from.size(), c.to);
    load(with_live(live, "region: CN-SC"));
    EXPECT_TRUE(problems_.has_errors()) << c.to;
    EXPECT_NE(problems_.to_text().find("site.factors.live[0]"), std::string::npos) << problems_.to_text();
    EXPECT_NE(problems_.to_text().find(c.said), std::string::npos) << problems_.to_text();
  }
}

TEST_F(GatewayConfigTest, ElectricityCountsAsStandardCoalByItsCalorificValueUntilTheSiteStatesAnother) {
  EXPECT_EQ(load(kSite).electricity_coal_method, "calorific");
  std::string text(kSite);
  text.replace(text.find("grid_region: CN-SC"), 18,
               "grid_region: CN-SC, gwp: ar6, standard_coal: {electricity_equivalent: [{from: 2024-01-01, "
               "kgce_per_kwh: 0.302, source: notice}]}");
  const GatewayConfig config = load(text);
  EXPECT_EQ(problems_.to_text(), "");
  EXPECT_EQ(config.electricity_coal_method, "equivalent");
  EXPECT_EQ(config.factors.gwp(), "AR6");
  const model::Factor* factor = config.factors.find("site-standard-coal", "electricity", "CN-SC", "equivalent", kNow);
  ASSERT_NE(factor, nullptr);
  EXPECT_EQ(factor->scaled_coal, 302'000'000'000);
  EXPECT_EQ(factor->source, "notice");
}

TEST_F(GatewayConfigTest, WarnsWhenTwoUsersShareAPoint) {
  std::string text(kSite);
  text.replace(text.find("paint-shop.power"), 16, "press-shop.energy");
  load(text);
  EXPECT_FALSE(problems_.has_errors()) << problems_.to_text();
  EXPECT_NE(problems_.to_text().find("is consumed by 'press-shop' too"), std::string::npos) << problems_.to_text();
}

TEST_F(GatewayConfigTest, SaysNothingAboutPointsOfADeviceThatCouldNotBeRead) {
  std::string text(kSite);
  text.replace(text.find("unit: kWh"), 9, "unit: KWh");
  load(text);
  EXPECT_EQ(problems_.all().size(), 1u) << problems_.to_text();
  problems_ = {};
  text.replace(text.find("name: energy"), 12, "name: total");
  load(text);
  EXPECT_EQ(problems_.all().size(), 1u) << problems_.to_text();
}

TEST_F(GatewayConfigTest, ReportsAMisspeltPointBesideAMisspeltAddressOfItsDevice) {
  std::string text(kSite);
  text.replace(text.find("address:"), 8, "adress:");
  text.replace(text.find("press-shop.energy"), 17, "incomer.active_energy_imprt");
  load(text);
  const std::string said = problems_.to_text();
  EXPECT_NE(said.find("devices[0].address: missing"), std::string::npos) << said;
  EXPECT_NE(said.find("unknown key 'adress'; did you mean 'address'?"), std::string::npos) << said;
  EXPECT_NE(said.find("unknown point 'incomer.active_energy_imprt'; did you mean 'incomer.active_energy_import'?"),
            std::string::npos)
      << said;
}

TEST_F(GatewayConfigTest, TakesABrokerThatOnlyASinkRefersTo) {
  std::string text(kSite);
  text.replace(text.find("brokers:"), 8, "brokers:\n  out: {url: \"mqtt://10.0.0.3\"}");
  text.replace(text.find("sinks: ["), 8, "sinks: [{type: mqtt, broker: out}, ");
  const GatewayConfig config = load(text);
  EXPECT_EQ(problems_.to_text(), "");
  EXPECT_EQ(config.sinks.at(0)->name(), "mqtt out");
}

TEST_F(GatewayConfigTest, LetsASinkWaitForTheReceiptsOfAnother) {
  const auto problems = [this](const std::string& sinks) {
    std::string text(kSite);
    const std::string hook = "{type: webhook, url: \"http://10.0.0.3/\", name: desk}, ";
    text.replace(text.find("sinks: ["), 8, "sinks: [" + hook + sinks + ", ");
    problems_ = {};
    load(text);
    return problems_.to_text();
  };
  const auto other = [](const std::string& of) {
    return "{type: webhook, url: \"http://10.0.0.4/\", name: boss, escalates: {of: " + of + ", after: 10min}}";
  };
  EXPECT_EQ(problems(other("desk")), "");
  EXPECT_NE(problems(other("dsek")).find("there is no sink 'dsek'; did you mean 'desk'?"), std::string::npos)
      << problems_.to_text();
  EXPECT_NE(problems(other("vm")).find("has no receipts to wait for"), std::string::npos) << problems_.to_text();
  EXPECT_NE(problems("{type: mqtt, broker: plant, rows: [readings]}, " + other("mqtt plant"))
                .find("is offered nothing of what this one is"),
            std::string::npos)
      << problems_.to_text();
  EXPECT_NE(problems(other("boss")).find("waits for another one's receipts itself"), std::string::npos);
  EXPECT_NE(problems("{type: mqtt, broker: plant, escalates: {of: desk}}").find("choose them with `rows: [alerts]`"),
            std::string::npos)
      << problems_.to_text();
  EXPECT_NE(problems("{type: webhook, url: \"http://10.0.0.4/\", escalates: {after: 0s, of: desk}}").find("after"),
            std::string::npos);
}

TEST_F(GatewayConfigTest, TakesProfilesAndFactorsOfTheSitesOwn) {
  std::filesystem::create_directory(directory_.path() / "factors");
  std::ofstream(directory_.path() / "factors/own.yaml") << "set: [";
  std::string text(kSite);
  text.replace(text.find("grid_region: CN-SC"), 18, "grid_region: CN-SC, factors: {sets: [cn-grid, cn-fuels, own]}");
  load(text);
  EXPECT_NE(problems_.to_text().find("factors/own.yaml:1:"), std::string::npos) << problems_.to_text();
}

// What ships as an example must be right; what is beside a driver or sink as its sample is held by that folder's tests.
TEST(Examples, AreRight) {
  ASSERT_EQ(::setenv("CARBONGATE_MQTT_PASSWORD", "not-a-real-secret", 1), 0);
  std::size_t examples = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::filesystem::path(CARBONGATE_SOURCE_DIR) / "config/examples")) {
    if (entry.path().extension() != ".yaml") continue;
    config::Problems problems;
    const GatewayConfig config = load_config(entry.path(), problems, kNow);
    EXPECT_EQ(problems.to_text(), "") << entry.path();
    EXPECT_FALSE(config.site.accounts.empty()) << entry.path();
    ++examples;
  }
  EXPECT_GE(examples, 3u);
}

}  // namespace
}  // namespace carbongate::app

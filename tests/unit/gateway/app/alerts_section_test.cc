#include <gtest/gtest.h>

#include <fstream>

#include "gateway/app/conservation_rule.h"
#include "gateway/app/gateway_config.h"
#include "tests/support/temporary_directory.h"

namespace carbongate::app {
namespace {

using model::AlertSum;
using model::Measure;
using namespace std::chrono_literals;

class AlertsSectionTest : public ::testing::Test {
 protected:
  // The rules, each a line; two meters, and a user of electricity and gas.
  const model::Site& read(const std::string& rules, const std::string& more = "") {
    std::ofstream(directory_.path() / "site.yaml") << R"(
site: {id: works, timezone: Asia/Shanghai, grid_region: CN-SC}
devices:
  - {id: incomer, driver: modbus-tcp, address: "10.0.0.5:502", unit: 1, registers: [
      {name: energy, address: 0, type: uint32, unit: kWh, power_max: 2 MW}, {name: power, address: 2, type: uint32, unit: kW}]}
  - {id: gas, driver: modbus-tcp, address: "10.0.0.6:502", unit: 1, registers: [
      {name: volume, address: 0, type: uint32, unit: Nm3, flow_max: 400 Nm3/h}, {name: steel, address: 2, type: uint32, unit: t, flow_max: 20 t/h}]}
energy_users:
  - {id: hall, name: 一号车间, consumes: [{carrier: electricity, from: incomer.energy}, {carrier: natural-gas, coal_method: gas-field, from: gas.volume}],
     produces: [{carrier: product, from: gas.steel}]}
store: {path: store}
alerts:
  rules:
)" << rules << more;
    problems_ = {};
    config_ = load_config(directory_.path() / "site.yaml", problems_);
    EXPECT_EQ(problems_.to_text(), "");
    // The gateway's own rule is behind those that were asked for.
    EXPECT_EQ(config_.site.watches.back().id, conservation_watch(config_.site));
    EXPECT_EQ(config_.site.watches.back().rule_place, config_.site.alert_rules.size() - 1);
    config_.site.watches.pop_back();
    config_.site.alert_rules.pop_back();
    return config_.site;
  }

  TemporaryDirectory directory_;
  config::Problems problems_;
  GatewayConfig config_;
};

TEST_F(AlertsSectionTest, ARuleHasAWatchForEachPointThatFits) {
  const model::Site& site = read(R"(
    - {id: over, name: Overload, name_zh: 过载, severity: critical, points: ["*.power", incomer.power, "gas.*"], above: 800, clear_above: 780, for: 5min}
)");
  ASSERT_EQ(site.alert_rules.size(), 1U);
  const model::AlertRule& rule = site.alert_rules[0];
  EXPECT_EQ(rule.name_zh, "过载");
  EXPECT_EQ(rule.severity, model::Severity::critical);
  EXPECT_EQ(rule.measure, Measure::value);
  EXPECT_EQ(rule.clear_above, 780);
  EXPECT_EQ(rule.hold_for, 5min);
  ASSERT_EQ(site.watches.size(), 3U) << "each once";
  EXPECT_EQ(site.watches[0].point, "power");
  EXPECT_EQ(site.watches[0].unit, "kW");
  EXPECT_EQ(site.watches[2].device, "gas");
  EXPECT_EQ(model::index(site.watches[2].id), 2U);
}

// What is entered by hand has no rate, and must not keep the rule from its meters.
TEST_F(AlertsSectionTest, APowerIsOfWhatIsMeasured) {
  const auto with_manual = [&](const std::string& user) {
    std::ofstream(directory_.path() / "site.yaml") << R"(
site: {id: works, timezone: Asia/Shanghai, grid_region: CN-SC}
devices:
  - {id: incomer, driver: modbus-tcp, address: "10.0.0.5:502", unit: 1, registers: [
      {name: energy, address: 0, type: uint32, unit: kWh, power_max: 2 MW}]}
  - {id: bills, driver: manual, points: [{name: annex, unit: kWh}]}
energy_users:
  - {id: hall, consumes: [)" << user << R"({carrier: electricity, from: bills.annex}]}
store: {path: store}
alerts:
  rules:
    - {id: low, users: hall, of: power, below: 10}
    - {id: much, users: hall, of: energy, period: day, above: 10}
)";
    problems_ = {};
    config_ = load_config(directory_.path() / "site.yaml", problems_);
    EXPECT_EQ(problems_.to_text(), "");
    return std::pair(config_.site.watches[0].accounts.size(), config_.site.watches[1].accounts.size());
  };
  EXPECT_EQ(with_manual("{carrier: electricity, from: incomer.energy}, "), std::pair(std::size_t{1}, std::size_t{2}));
  EXPECT_EQ(config_.site.watches[0].accounts.front(), config_.site.watches[1].accounts.front());
  EXPECT_EQ(with_manual("").second, 1u);
}

TEST_F(AlertsSectionTest, ADeviceIsHeardByAnyOfItsPoints) {
  const model::Site& site = read(R"(
    - {id: dead, devices: incomer, silent_for: 5min}
    - {id: silent, points: ["*"], silent_for: 10min, depends_on: [dead], one_alert: true}
)");
  EXPECT_EQ(site.watches[0].points.size(), 2U);
  EXPECT_EQ(site.watches[0].point, "");
  EXPECT_EQ(site.watches.size(), 5U);
  EXPECT_EQ(site.alert_rules[1].depends_on, std::vector<std::size_t>{0});
  EXPECT_TRUE(site.alert_rules[1].one_alert);
  EXPECT_EQ(site.alert_rules[1].length, 10min);
}

TEST_F(AlertsSectionTest, WhatDriversSayOfADeviceIsAPointOfIts) {
  const model::Site& site = read(R"(
    - {id: lost, devices: ["*"], of: answering, for: 2min}
    - {id: lost-critical, devices: incomer, of: answering, for: 30min, severity: critical}
    - {id: errors, devices: incomer, of: failed-requests, above: 20, clear_above: 5}
    - {id: silent, devices: incomer, silent_for: 5min}
    - {id: power, points: ["incomer.*"], above: 1}
)",
                                 R"(
sinks: [{type: file, path: out, select: {points: [incomer.health_answering]}}]
)");
  ASSERT_EQ(site.health.size(), 3U) << "each once";
  ASSERT_EQ(site.watches.size(), 7U);
  const model::Watch& lost = site.watches[0];
  EXPECT_EQ(lost.device, "incomer");
  EXPECT_EQ(lost.point, "");
  ASSERT_EQ(lost.points.size(), 1U);
  EXPECT_EQ(site.points[index(lost.points[0])].full_name(), "incomer.health_answering");
  EXPECT_EQ(index(site.points[index(lost.points[0])].id), index(lost.points[0]));
  EXPECT_EQ(site.alert_rules[0].below, 1);
  EXPECT_EQ(site.watches[2].points, lost.points);
  EXPECT_EQ(site.watches[3].unit, "%");
  EXPECT_EQ(site.watches[4].points.size(), 2U) << "that it does not answer is no reading of the device";
  EXPECT_EQ(site.watches[5].point, "energy");
}

TEST_F(AlertsSectionTest, AGroupCountsAlertsOfOtherRules) {
  const model::Site& site = read(R"(
    - {id: silent, points: ["*"], silent_for: 5min}
    - {id: peak, users: hall, carrier: electricity, of: power, above: 500}
    - {id: many, group: [silent], by: device, above: 1, for: 30s}
    - {id: any, group: [silent, peak]}
    - {id: of-users, group: [silent, peak], by: user}
)");
  ASSERT_EQ(site.watches.size(), 9U);
  const model::Watch& incomer = site.watches[5];
  EXPECT_EQ(incomer.rule, "many");
  EXPECT_EQ(incomer.device, "incomer");
  EXPECT_EQ(incomer.members, (std::vector<model::WatchId>{model::WatchId{0}, model::WatchId{1}}));
  EXPECT_EQ(site.watches[7].members.size(), 5U);
  EXPECT_EQ(site.watches[8].user, "hall");
  EXPECT_EQ(site.alert_rules[2].above, 1);
  EXPECT_EQ(site.alert_rules[3].above, 0);
}

TEST_F(AlertsSectionTest, AUserIsLookedAtByItsAccounts) {
  const model::Site& site = read(R"(
    - {id: peak, users: hall, carrier: electricity, of: power, above: 500}
    - {id: quota, users: hall, carrier: natural-gas, of: energy, period: month, quota: 1200.5, above: 90}
    - {id: ahead, users: hall, of: co2e, period: year, quota: 500, pace: true, above: 110, at_least: 10}
    - {id: day, users: hall, carrier: electricity, of: energy, window: 24h, above: 4000}
    - {id: gaps, users: ["h*"], of: coverage, period: day, below: 90}
    - {id: intensity, users: hall, carrier: electricity, of: energy, period: day, per: {user: hall, carrier: product}, above: 0.55}
    - {id: unusual, users: hall, carrier: electricity, of: energy, deviates: 30}
    - {id: made, users: hall, carrier: product, of: energy, period: day, below: 10}
)");
  const auto& rules = site.alert_rules;
  const auto& watches = site.watches;
  ASSERT_EQ(watches.size(), 8U);
  EXPECT_EQ(rules[0].measure, Measure::rate);
  EXPECT_EQ(watches[0].unit, "kW");
  EXPECT_EQ(watches[0].user_name, "一号车间");
  EXPECT_EQ(watches[0].accounts.size(), 1U);
  EXPECT_EQ(rules[1].measure, Measure::quota_share);
  EXPECT_EQ(rules[1].quota, 1'200'500'000) << "millilitres";
  EXPECT_EQ(watches[1].unit, "%");
  EXPECT_EQ(rules[2].measure, Measure::quota_pace);
  EXPECT_EQ(rules[2].sum, AlertSum::co2e);
  EXPECT_EQ(rules[2].quota, 500'000'000) << "milligrams";
  EXPECT_EQ(rules[2].at_least, 10);
  EXPECT_EQ(watches[2].accounts.size(), 2U) << "steel is no part of what is emitted";
  EXPECT_EQ(watches[2].carrier, nullptr);
  EXPECT_EQ(rules[3].measure, Measure::window);
  EXPECT_EQ(rules[3].length, 24h);
  EXPECT_EQ(rules[4].measure, Measure::coverage);
  EXPECT_EQ(watches[4].accounts.size(), 2U);
  EXPECT_EQ(rules[5].measure, Measure::intensity);
  EXPECT_EQ(watches[5].per.size(), 1U);
  EXPECT_EQ(watches[5].unit, "kWh/kg");
  EXPECT_EQ(rules[6].measure, Measure::deviation);
  EXPECT_EQ(rules[6].below, -30);
  EXPECT_EQ(rules[6].weeks, 4U);
  EXPECT_EQ(watches[7].accounts.size(), 1U);
}

TEST_F(AlertsSectionTest, TimesAreThoseOfTheSite) {
  const model::Site& site = read(R"(
    - {id: over, points: incomer.power, above: 800, active: {days: [mon, fri], hours: "22:00-06:00", dates: 11-15..03-15}}
)",
                                 R"(
  grace: 30s
  maintenance:
    - {from: 2026-12-01T08:00, to: 2026-12-01T12:00, reason: 年检, devices: incomer, rules: "o*"}
    - {from: 2026-12-02T08:00, to: 2026-12-02T12:00, reason: 年检, rules: conservation}
)");
  ASSERT_TRUE(site.alert_rules[0].active);
  EXPECT_EQ(*site.alert_rules[0].active,
            (model::Active{.weekdays = 0x11, .begin = 22h, .end = 6h, .dates = {{1115, 315}}}));
  EXPECT_EQ(site.alert_grace, 30s);
  ASSERT_EQ(site.maintenance.size(), 2U);
  EXPECT_EQ(site.maintenance[0].from, std::chrono::sys_days(std::chrono::year(2026) / 12 / 1));
  EXPECT_EQ(site.maintenance[0].to - site.maintenance[0].from, 4h);
  EXPECT_EQ(site.maintenance[0].rules, std::vector<std::string>{"over"});
}

}  // namespace
}  // namespace carbongate::app

#include "gateway/app/live_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace carbongate::app {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

model::Site site_with_two_meters_of_one_user() {
  model::Site site;
  site.id = "edz-1";
  site.name = "一号园区";
  const model::Carrier* electricity = model::find_carrier("electricity");
  for (std::uint32_t i = 0; i < 2; ++i) {
    model::Account account;
    account.id = model::AccountId{i};
    account.user = "press-shop";
    account.user_name = "冲压车间";
    account.carrier = electricity;
    site.accounts.push_back(account);
  }
  return site;
}

DeviceStatus device(std::string id, DeviceStatus::State state, std::string detail) {
  DeviceStatus status;
  status.device = std::move(id);
  status.state = state;
  status.detail = std::move(detail);
  return status;
}

model::Checkpoint totals(std::int64_t mwh, std::int64_t mg, double kw) {
  model::AccountState account;
  account.amount = model::Activity::of(mwh);
  account.emissions[model::Basis::primary].total.co2e = model::Co2e::of(mg);
  account.amount_per_hour = kw;
  account.co2e_kg_per_hour = kw * 0.1564;
  return {.points = {}, .accounts = {account, account}};
}

TEST(LiveTable, AddsUpTheMetersOfOneUserAndCarrier) {
  const std::string table =
      live_table(site_with_two_meters_of_one_user(), totals(1'250'000, 195'500, 10.25), GatewayStatus{}, Instant{});
  EXPECT_THAT(table, ContainsRegex("press-shop 冲压车间 +electricity 电力 +20.50 kW +2.500 kWh +3.206 +0.3910\n"));
  EXPECT_THAT(table, ContainsRegex("total 合计 +0.3910\n"));
}

TEST(LiveTable, ShowsTheTimeOfTheSite) {
  const std::string table = live_table(site_with_two_meters_of_one_user(), totals(0, 0, 0), GatewayStatus{}, Instant{});
  EXPECT_THAT(table, HasSubstr("1970-01-01 08:00:00 (Asia/Shanghai)"));
}

TEST(LiveTable, SaysWhichDevicesAreOfflineAndWhy) {
  GatewayStatus status;
  DriverStatus driver;
  driver.name = "modbus-tcp 10.0.0.5:502";
  driver.devices = {device("incomer", DeviceStatus::State::online, ""),
                    device("paint-shop", DeviceStatus::State::offline, "no answer within 1000 ms")};
  status.drivers.push_back(driver);
  const std::string table = live_table(site_with_two_meters_of_one_user(), totals(0, 0, 0), status, Instant{});
  EXPECT_THAT(table, HasSubstr("devices 1/2 online"));
  EXPECT_THAT(table, HasSubstr("offline: paint-shop (modbus-tcp 10.0.0.5:502): no answer within 1000 ms"));
  EXPECT_THAT(table, Not(HasSubstr("offline: incomer")));
}

TEST(LiveTable, ShowsWhatWaitsForASinkOutOfReach) {
  GatewayStatus status;
  status.store.last_sequence = 500;
  status.store.cursors.push_back({.sink = "tsdb", .settled = 120, .rejected = 0});
  ports::SinkStatus sink;
  sink.name = "tsdb";
  sink.detail = "connection refused";
  sink.rows_accepted = 120;
  status.sinks.push_back(sink);
  const std::string table = live_table(site_with_two_meters_of_one_user(), totals(0, 0, 0), status, Instant{});
  EXPECT_THAT(table,
              HasSubstr("sink tsdb: out of reach, 120 rows delivered, 0 rejected, 380 waiting: connection refused"));
}

TEST(LiveTable, IsCutToTheTerminalWithoutCuttingACharacter) {
  EXPECT_EQ(cut_lines("abcdef\n冲压车间\n", 5), "abcde\n冲压\n");
  EXPECT_EQ(cut_lines("short\n", 80), "short\n");
}

TEST(DisplayWidth, CountsChineseCharactersAsTwoColumns) {
  EXPECT_EQ(display_width("kWh"), 3U);
  EXPECT_EQ(display_width("冲压车间"), 8U);
  EXPECT_EQ(display_width("±°"), 2U);
  EXPECT_EQ(display_width(""), 0U);
}

}  // namespace
}  // namespace carbongate::app

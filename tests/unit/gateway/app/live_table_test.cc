#include "gateway/app/live_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace carbongate::app {
namespace {

using namespace std::chrono_literals;
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
  EXPECT_THAT(table, ContainsRegex("press-shop 冲压车间 +electricity 电力 +20.50 kW +2.500 kWh +3.206 +0.3910 *\n"));
  EXPECT_THAT(table, ContainsRegex("total 合计 +0.3910 *\n"));
}

TEST(LiveTable, SaysHowManyAlertsFire) {
  model::Site site = site_with_two_meters_of_one_user();
  model::Checkpoint state = totals(1, 1, 1);
  EXPECT_THAT(live_table(site, state, GatewayStatus{}, Instant{}), Not(HasSubstr("alerts")));
  for (std::size_t i = 0; i < 4; ++i) {
    site.alert_rules.emplace_back().severity = i == 1 ? model::Severity::critical : model::Severity::warning;
    model::Watch& watch = site.watches.emplace_back();
    watch.id = static_cast<model::WatchId>(i);
    watch.rule_place = i;
  }
  EXPECT_THAT(live_table(site, state, GatewayStatus{}, Instant{}), HasSubstr("alerts 告警 0 firing\n"));
  state.alerts.resize(4);
  state.alerts[0].since = state.alerts[1].since = state.alerts[2].since = Instant{};
  state.alerts[3].held_back = true;
  EXPECT_THAT(live_table(site, state, GatewayStatus{}, Instant{}),
              HasSubstr("alerts 告警 3 firing, 1 critical 严重, 2 warning 警告, 1 held back 被抑制\n"));
}

// Three meters: a press shop of two, behind the third, of which it is a part.
TEST(LiveTable, CountsAPartOnceAndSaysWhatIsUnallocated) {
  model::Site site = site_with_two_meters_of_one_user();
  model::Account incomer = site.accounts.front();
  incomer.id = model::AccountId{2};
  incomer.user = incomer.user_name = "park";
  site.accounts.push_back(incomer);
  site.containments.push_back({.user = "press-shop", .carrier = "electricity", .own_supply = false, .of = "park"});
  model::Checkpoint accounts = totals(1'250'000, 195'500, 10.25);
  accounts.accounts.push_back(totals(4'000'000, 625'600, 30).accounts.front());
  const std::string table = live_table(site, accounts, GatewayStatus{}, Instant{});
  EXPECT_THAT(table, ContainsRegex("press-shop 冲压车间 +electricity 电力 +20.50 kW +2.500 kWh"));
  EXPECT_THAT(table, ContainsRegex("unallocated 未分配 park +electricity 电力 +9.50 kW +1.500 kWh +1.486 +0.2346 *\n"));
  EXPECT_THAT(table, ContainsRegex("total 合计 +0.6256 *\n"));
  EXPECT_THAT(table, HasSubstr("without what is part of another 已含于上级, 不重复计入: press-shop\n"));
}

TEST(LiveTable, SaysHowMuchOfTheTimeSinceTheFirstReadingWasWatched) {
  model::Site site = site_with_two_meters_of_one_user();
  site.accounts[1].source = PointId{1};
  model::Checkpoint state = totals(1'250'000, 195'500, 10.25);
  const auto watch = [&](model::AccountState& account, Duration covered, Duration reach) {
    account.since = Instant{};
    account.covered = covered;
    account.live_at = Instant{} + reach;
  };
  watch(state.accounts[0], 3h, 4h);
  watch(state.accounts[1], 1h, 1h);  // silent since then
  EXPECT_THAT(accounts_table(site, state, Instant{}), ContainsRegex("press-shop 冲压车间 .* 0.3910 +80 %\n"));
  EXPECT_THAT(accounts_table(site, state, Instant{}), ContainsRegex("total 合计 +0.3910 +50 %\n"));
  state.accounts[1] = {};  // never heard
  EXPECT_THAT(accounts_table(site, state, Instant{}), ContainsRegex("total 合计 +0.1955 +37.5 %\n"));
  state.accounts[0].since.reset();  // begun by a program that did not note it
  EXPECT_THAT(accounts_table(site, state, Instant{}), ContainsRegex("total 合计 +0.1955 *\n"));
  site.containments.push_back({.user = "press-shop", .carrier = "electricity", .own_supply = false, .of = "park"});
  EXPECT_THAT(accounts_table(site, state, Instant{}), ContainsRegex("total 合计 +0.0000 *\n")) << "nothing is in it";
}

// Two meters, each +-3 g of 195.5, and one factor for both, +-4 g of each: it errs the same way in both.
TEST(LiveTable, SaysHowFarTheTruthMayLieAway) {
  model::Site site = site_with_two_meters_of_one_user();
  site.accounts[1].source = PointId{1};
  for (model::Account& account : site.accounts)
    account.factor = {.set = "cn-grid", .region = "CN", .method = "average"};
  model::Checkpoint state = totals(1'250'000, 195'500, 10.25);
  EXPECT_THAT(accounts_table(site, state, Instant{}), Not(HasSubstr("± 0"))) << "nobody states one";
  for (model::AccountState& account : state.accounts) {
    account.emissions[model::Basis::primary].total.u95_activity = model::Co2e::of(3'000);
    account.emissions[model::Basis::primary].total.u95_factor = model::Co2e::of(4'000);
  }
  EXPECT_THAT(accounts_table(site, state, Instant{}), ContainsRegex("total 合计 +0.3910 ± 0.0091 *\n"));  // 3√2 and 8
  state.accounts[0].emissions[model::Basis::primary].total.u95_activity = {};
  EXPECT_THAT(accounts_table(site, state, Instant{}), ContainsRegex("total 合计 +0.3910 ± >0.0085 *\n"))
      << "a part of it";
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

TEST(LiveTable, SaysThatTheTimeIsUnknownAndThatMemoryWasShort) {
  GatewayStatus status;
  const auto table = [&] { return live_table(site_with_two_meters_of_one_user(), totals(0, 0, 0), status, Instant{}); };
  EXPECT_THAT(table(), Not(HasSubstr("time is not known")));
  EXPECT_THAT(table(), Not(HasSubstr("memory")));
  status.time_is_known = false;
  status.memory = 200 << 20;
  status.memory_holds = 3;
  EXPECT_THAT(table(), HasSubstr("the time is not known: readings are kept, and counted once it is 时间未知"));
  EXPECT_THAT(table(), HasSubstr("memory: 200 MiB in use; drivers had to wait 3 times"));
}

TEST(LiveTable, ShowsWhatWaitsForASinkOutOfReach) {
  GatewayStatus status;
  status.store.last_sequence = 500;
  status.store.cursors.push_back({.sink = "tsdb", .settled = 120, .rejected = 0});
  ports::SinkStatus sink;
  sink.name = "tsdb";
  sink.detail = "connection refused";
  sink.rows_accepted = 120;
  sink.rows_skipped = 7;
  status.sinks.push_back(sink);
  const std::string table = live_table(site_with_two_meters_of_one_user(), totals(0, 0, 0), status, Instant{});
  EXPECT_THAT(
      table,
      HasSubstr(
          "sink tsdb: out of reach, 120 rows delivered, 0 rejected, 7 not selected, 380 waiting: connection refused"));
}

TEST(LiveTable, ShowsTwoLanesAndWhatWasDropped) {
  GatewayStatus status;
  status.store.last_sequence = 900;
  status.store.cursors.push_back({.sink = "tsdb",
                                  .settled = 120,
                                  .missed = 33,
                                  .ahead = {{.begun = 300, .settled = 400}, {.begun = 600, .settled = 890}}});
  status.paces["tsdb"].backfill_rate = 70;
  status.sink_accounts = {{.sink = "tsdb", .pending = {}, .oldest = Instant(std::chrono::hours(36))}};
  status.sinks.push_back({.name = "tsdb", .healthy = true, .detail = {}});
  const std::string table = live_table(site_with_two_meters_of_one_user(), totals(0, 0, 0), status, Instant{});
  EXPECT_THAT(table, HasSubstr("390 waiting"));
  EXPECT_THAT(table, HasSubstr("of what waits the oldest is of 1970-01-02"));
  EXPECT_THAT(table, HasSubstr("newest first: at row 890; the backlog is at row 120 and has 380 to go, 70 a second"));
  EXPECT_THAT(table, HasSubstr("33 readings and running totals were dropped before it had them"));
}

PointId add_counter(model::Site& site, std::string device) {
  const auto id = static_cast<PointId>(site.points.size());
  site.points.push_back({.id = id,
                         .device = std::move(device),
                         .name = "energy",
                         .kind = Kind::cumulative,
                         .unit = *find_unit("kWh"),
                         .limits = {}});
  return id;
}

// A counter that was at 5 kWh at noon and then showed another value.
template <class State>
void put_in_doubt(State& state, std::int64_t mwh) {
  const Instant noon = Instant(std::chrono::sys_days(std::chrono::year(2026) / 3 / 1)) + std::chrono::hours(4);
  const auto at = [](std::int64_t quanta) {
    return model::Cumulative<model::Activity>::at(model::Activity::of(quanta));
  };
  state.counter.baseline = std::pair(noon, at(5'000'000));
  state.counter.pending = std::pair(noon + std::chrono::seconds(10), at(mwh));
  state.counter.doubts = 1;
}

TEST(LiveTable, ShowsWhichCountersStepIsInDoubt) {
  model::Site site = site_with_two_meters_of_one_user();
  site.accounts[0].source = add_counter(site, "press");
  site.accounts[1].source = add_counter(site, "lathe");
  model::Account other = site.accounts[0];
  other.id = model::AccountId{2};
  other.user = "office";
  other.source = add_counter(site, "office");
  site.accounts.push_back(other);
  model::Checkpoint state = totals(1'250'000, 195'500, 10.25);
  state.accounts.push_back(state.accounts[0]);
  state.points.resize(3);
  EXPECT_THAT(accounts_table(site, state, Instant{}), Not(HasSubstr("?")));

  put_in_doubt(state.points[1], 9'000'000'000);
  const std::string table = accounts_table(site, state, Instant{});
  EXPECT_THAT(table, ContainsRegex("press-shop 冲压车间 +electricity 电力 +20.50 kW +2.500 kWh\\? +3.206 +0.3910 *\n"));
  EXPECT_THAT(table, ContainsRegex("office 冲压车间 +electricity 电力 +10.25 kW +1.250 kWh +1.603 +0.1955 *\n"));
  EXPECT_THAT(table,
              HasSubstr("\n? lathe.energy: not counted since 2026-03-01 12:00:00 待确认: more than the connection "
                        "delivers; its next readings decide\n"));

  put_in_doubt(state.points[2], 0);
  EXPECT_THAT(accounts_table(site, state, Instant{}),
              HasSubstr("\n? office.energy: not counted since 2026-03-01 12:00:00 "
                        "待确认: the counter fell; its next readings decide\n"));
}

TEST(LiveTable, MarksAlsoWhatIsDerivedFromACounterInDoubt) {
  model::Site site = site_with_two_meters_of_one_user();
  add_counter(site, "gas");  // no account of its own
  site.accounts[0].source = add_counter(site, "boiler");
  site.accounts.pop_back();
  model::Checkpoint state = totals(1'250'000, 195'500, 10.25);
  state.points.resize(2);
  state.points[1].derived.inputs.resize(1);
  state.points[1].derived.inputs[0].point = "gas.energy";
  put_in_doubt(state.points[1].derived.inputs[0], 0);
  const std::string table = accounts_table(site, state, Instant{});
  EXPECT_THAT(table, HasSubstr("1.250 kWh?"));
  EXPECT_THAT(table, HasSubstr("\n? gas.energy: not counted since"));
}

TEST(LiveTable, NamesTheFirstOfManyCountersInDoubt) {
  model::Site site = site_with_two_meters_of_one_user();
  model::Checkpoint state = totals(0, 0, 0);
  for (int i = 0; i < 12; ++i) {
    add_counter(site, "m" + std::to_string(i));
    put_in_doubt(state.points.emplace_back(), 0);
  }
  const std::string table = accounts_table(site, state, Instant{});
  EXPECT_THAT(table, HasSubstr("? m4.energy: "));
  EXPECT_THAT(table, Not(HasSubstr("? m5.energy: ")));
  EXPECT_THAT(table, HasSubstr("\n? and 7 more counters wait for their next readings 待确认\n"));
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

// A small site, rows and states for it, and a way to run one operation of a store.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "drivers/api/unit.h"
#include "gateway/model/site.h"
#include "gateway/ports/store.h"

namespace carbongate::store_test {

using namespace std::chrono_literals;

inline constexpr PointId kIncomer{0};
inline constexpr PointId kPress{1};
inline constexpr model::AccountId kPressShop{0};
inline const Instant kStart = Instant(std::chrono::seconds(1'767'225'600));  // 2026-01-01T00:00:00Z

inline Point point(std::uint32_t id, std::string device, std::string name) {
  return {.id = PointId{id},
          .device = std::move(device),
          .name = std::move(name),
          .kind = Kind::cumulative,
          .unit = *find_unit("kWh"),
          .limits = {}};
}

inline model::Site small_site() {
  model::Site site;
  site.id = "edz-1";
  site.name = "园区";
  site.points = {point(0, "incomer", "energy"), point(1, "press", "energy")};
  site.accounts = {{.id = kPressShop,
                    .user = "press-shop",
                    .user_name = "冲压车间",
                    .carrier = model::find_carrier("electricity"),
                    .scope = model::Scope::energy,
                    .flow = model::Flow::consumed,
                    .source = kPress,
                    .factor = model::FactorChoice{"cn-grid", "CN-SC", "average"},
                    .market = model::FactorChoice{"cn-grid", "CN", "residual"},
                    .coal = {}}};
  return site;
}

template <class T>
T run(boost::asio::awaitable<T> operation) {
  boost::asio::io_context loop(1);
  auto result = boost::asio::co_spawn(loop, std::move(operation), boost::asio::use_future);
  loop.run();
  return result.get();
}

inline model::JournalRow reading(PointId point, Instant at, double value, model::Quality quality = {}) {
  return {point, model::JudgedReading{at, value, quality}};
}

inline model::JournalRow interval(PointId point, Instant begin, std::int64_t quanta) {
  return {point, model::EnergyInterval{begin, begin + 15min, model::Activity::of(quanta), 15min, {}}};
}

inline model::Emitted emitted(std::int64_t mg) {
  model::Emitted emitted;
  emitted.co2e = model::Co2e::of(mg);
  emitted.gases[model::Gas::co2] = model::GasMass::of(mg);
  return emitted;
}

inline model::JournalRow entry(Instant begin, std::int64_t quanta, std::int64_t mg) {
  model::EmissionEntry entry;
  entry.begin = begin;
  entry.end = begin + 15min;
  entry.amount = model::Activity::of(quanta);
  entry.primary = {emitted(mg), "cn-grid/CN-SC/average/2023", "2025-12-31"};
  entry.covered = 14min;
  return {kPressShop, std::move(entry)};
}

// With something in every member.
inline model::Alert full_alert() {
  return {.at = kStart + 5min,
          .since = kStart + 1min,
          .stage = model::AlertStage::acknowledged,
          .severity = model::Severity::critical,
          .id = "0123456789abcdef",
          .name = "Transformer overload",
          .name_zh = "变压器过载",
          .value = 812.5,
          .limit = 800,
          .unit = "kW",
          .revision = 1,
          .cause = model::Cause::late_data,
          .by = "Li Wei",
          .note = "电工已到场",
          .suppressed = 50,
          .of = model::SummedTime{.begin = kStart - 5h, .end = kStart + 19h, .coverage = 8750}};
}

inline model::Report full_report(model::ReportKind kind, Instant begin, Duration length) {
  model::ReportValue full{.code = "a05001",
                          .figures = {235'000.5, 228'000.0, 241'000.25},
                          .reduced = {1.5, 1.25, 1.75},
                          .amount = 83'923.2,
                          .has_reduced = true,
                          .flag = 'D',
                          .valid = 44,
                          .total = 60,
                          .decimals = 1,
                          .amount_decimals = 3};
  model::ReportValue bare;
  bare.code = "a19001";
  return {.kind = kind, .begin = begin, .end = begin + length, .values = {full, bare}, .revision = 3};
}

inline model::StationState full_station_state() {
  model::StationState state;
  const model::StationReading reading{.at = kStart, .value = 1.5, .flag = 'M'};
  const model::ReportSum sum{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  state.latest = {reading, std::nullopt, std::nullopt, reading, std::nullopt, reading};
  state.instants = {{.at = kStart, .values = {std::nullopt, reading, std::nullopt, std::nullopt}}};
  state.instants_through = kStart - std::chrono::seconds(30);
  state.minutes = {{.begin = kStart, .sums = {sum, {}}},
                   {.begin = kStart + std::chrono::minutes(10), .sums = {{}, sum}}};
  state.minutes_until = kStart;
  state.hour = model::OpenReport{.begin = kStart, .sums = {sum, sum}};
  state.day = model::OpenReport{.begin = kStart, .sums = {{}, sum}};
  state.begun = kStart - std::chrono::hours(1);
  state.late = {.from = kStart - std::chrono::minutes(5), .until = kStart - std::chrono::minutes(2), .readings = 7};
  return state;
}

inline model::AlertState full_alert_state() {
  return {.holds_since = kStart + 1s,
          .seen_at = kStart + 5s,
          .value = 812.5,
          .of = model::SummedTime{.begin = kStart - 1h, .end = kStart, .coverage = {}},
          .bridged = 90s,
          .held_back = true,
          .since = kStart + 2s,
          .fired_at = kStart + 3s,
          .acknowledged = true,
          .published = 3,
          .suppressed = 4,
          .last_since = kStart - 1s,
          .last_published = 5,
          .late_from = kStart,
          .begun = kStart + 6s,
          .periods = {{.begin = kStart - 24h,
                       .sum = -5,
                       .per = 7,
                       .closed = 2,
                       .judged = true,
                       .since = kStart - 1h,
                       .published = 3,
                       .withdrawn = true,
                       .sum_then = -3,
                       .unwatched = 900'000},
                      {.begin = kStart, .sum = 8, .since = {}}}};
}

inline model::Watch watch_of(std::uint32_t id, std::string rule, std::string device, std::string point_name) {
  return {.id = model::WatchId{id},
          .rule = std::move(rule),
          .device = std::move(device),
          .point = std::move(point_name),
          .unit = "kWh",
          .user = {},
          .user_name = {}};
}

// With something in every member.
inline model::EmissionEntry full_entry() {
  model::EmissionEntry entry = store_test::entry(kStart, -3, -4).body.get<model::EmissionEntry>();
  entry.coal = model::StandardCoal::of(-5);
  entry.coal_factor_id = "coal/electricity/calorific/2020";
  entry.primary.emitted.gases[model::Gas::unsplit] = model::GasMass::of(6);
  entry.primary.emitted.u95_activity = model::Co2e::of(7);
  entry.primary.emitted.u95_factor = model::Co2e::of(8);
  entry.market = model::Emission{emitted(9), "cn-grid/CN/residual/2023", "2025-12-31"};
  entry.quality = {model::Origin::substituted, model::Rule::gap};
  entry.revision = 2;
  entry.correction = model::Correction{model::Cause::factor, "2025 -> 2026", kStart + 1h};
  return entry;
}

inline model::JournalRow rollup(model::Period period, Instant begin, Duration length, std::int64_t quanta) {
  model::RollupRow row;
  row.period = period;
  row.begin = begin;
  row.end = begin + length;
  row.amount = model::Activity::of(quanta);
  row.emitted[model::Basis::primary] = emitted(quanta / 2);
  row.covered = length / 2;
  return {kPressShop, std::move(row)};
}

inline model::PointState full_point_state() {
  const auto counter = [](Duration after, std::int64_t quanta) {
    return std::pair(kStart + after, model::Cumulative<model::Activity>::at(model::Activity::of(quanta)));
  };
  model::PointState state;
  state.last_at = kStart + 1ms;
  state.last_value = 0.1;
  state.counter.baseline = counter(1s, 123'456'789'012);
  state.counter.pending = counter(2s, -5);
  state.counter.pending_since = kStart + 10ms;
  state.counter.doubts = 2;
  state.counter.abandoned = counter(3s, std::numeric_limits<std::int64_t>::max());
  state.counter.stands_since = kStart + 4ms;
  state.counter.settled_until = kStart + 5ms;
  state.counter.falls = 3;
  state.counter.before = counter(13s, 14);
  state.counter.course = {
      {.shown = counter(7s, 10), .float32 = true, .quality = {}},
      {.shown = counter(8s, 12), .float32 = false, .quality = {model::Origin::late, model::Rule::stale}}};
  state.counter.unbooked = model::Activity::of(6);
  state.integration_remainder = -17;
  state.late = model::LateData{.earliest = Instant(1ms), .affects_until = Instant(2ms), .readings = 3};
  state.live = {.decided_until = kStart + 1h,
                .values = {{.at = kStart, .until = kStart + 15min, .since = kStart + 1h, .value = 156.4},
                           {.at = kStart + 30min, .until = kStart + 2h, .since = kStart + 30min, .value = 0.1}}};
  state.open = model::OpenInterval{
      kStart, kStart + 15min, model::Activity::of(-1), 5s, {model::Origin::estimated, model::Rule::gap}};
  state.last_quality = {model::Origin::late, model::Rule::stale};
  state.derived.inputs = {{.point = "stack.flow",
                           .counter = {.baseline = counter(4s, 7),
                                       .pending = counter(5s, 8),
                                       .pending_since = kStart + 12s,
                                       .doubts = 1,
                                       .abandoned = counter(6s, 9),
                                       .stands_since = kStart + 8s,
                                       .settled_until = kStart + 9s,
                                       .falls = 2,
                                       .before = counter(14s, -15),
                                       .course = {{.shown = counter(9s, -3), .float32 = false, .quality = {}}},
                                       .unbooked = model::Activity::of(11)},
                           .last_value = 0.5,
                           .since = model::Activity::of(-10),
                           .heard = true}};
  state.derived.total = model::Activity::of(1'234'567'890'123);
  state.derived.remainder = -0.25;
  state.withdrawn_at = kStart + 7s;
  state.rejected = {{.first = kStart + 5s, .last = kStart + 6s}, {.first = kStart + 7s, .last = kStart + 7s}};
  state.derived.begun = true;
  state.derived.closed_until = kStart + 10s;
  state.derived.waiting = {.at = kStart + 11s,
                           .value = -7.25,
                           .quality = {model::Origin::estimated, model::Rule::glitch},
                           .since = kStart + 12s};
  state.derived.made_until = kStart + 13s;
  state.derived.off = true;
  state.before = {.heard_at = kStart + 4s,
                  .last_at = kStart + 3s,
                  .last_value = 17.5,
                  .last_quality = {model::Origin::estimated, model::Rule::rejected},
                  .withdrawn = true};
  state.derived.held = {model::Origin::estimated, model::Rule::input_stale};
  return state;
}

inline model::AccountState full_account_state() {
  model::AccountState state;
  state.amount = model::Activity::of(std::numeric_limits<std::int64_t>::min());
  state.coal = model::StandardCoal::of(41);
  state.coal_remainder = 43;
  for (const model::Basis basis : model::kBases) {
    model::EmissionState& emission = state.emissions[basis];
    emission.total = emitted(basis == model::Basis::primary ? 42 : -42);
    emission.total.u95_activity = model::Co2e::of(44);
    emission.total.u95_factor = model::Co2e::of(45);
    emission.gas_remainders[model::Gas::co2] = 999'999'999'999;
    emission.gas_remainders[model::Gas::unsplit] = 46;
    emission.co2e_remainder = 999'999'999'998;
  }
  state.live_at = kStart;
  state.amount_per_hour = 1.5;
  state.co2e_kg_per_hour = 0.1;
  model::OpenPeriod& day = state.open[2].emplace();
  day.begin = kStart;
  day.end = kStart + 24h;
  day.amount = model::Activity::of(7);
  day.coal = model::StandardCoal::of(10);
  day.emitted[model::Basis::primary] = emitted(8);
  day.emitted[model::Basis::market] = emitted(11);
  day.covered = 9ms;
  day.valid_hours = 12;
  day.quality = {model::Origin::missing, model::Rule::no_factor};
  model::OpenPeriod& year = state.open[4].emplace();
  year.begin = kStart - 1ms;
  year.end = kStart + 8760h;
  year.amount = model::Activity::of(1);
  year.emitted[model::Basis::primary] = emitted(2);
  year.covered = 3ms;
  return state;
}

// Values of the readings among the rows, in their order.
inline std::vector<double> values(const std::vector<model::StoredRow>& rows) {
  std::vector<double> result;
  for (const model::StoredRow& row : rows) {
    if (const auto* r = row.body.get_if<model::JudgedReading>()) result.push_back(r->value);
  }
  return result;
}

}  // namespace carbongate::store_test

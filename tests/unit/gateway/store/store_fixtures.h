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
                    .source = kPress,
                    .factor_set = "cn-grid",
                    .factor_region = "CN-SC",
                    .factor_method = "average"}};
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

inline model::JournalRow entry(Instant begin, std::int64_t quanta, std::int64_t mg) {
  return {kPressShop, model::EmissionEntry{begin,
                                           begin + 15min,
                                           model::Activity::of(quanta),
                                           model::Co2e::of(mg),
                                           "cn-grid/CN-SC/average/2023",
                                           "2025-12-31",
                                           14min,
                                           {}}};
}

inline model::JournalRow rollup(model::Period period, Instant begin, Duration length, std::int64_t quanta) {
  return {kPressShop,
          model::RollupRow{
              period, begin, begin + length, model::Activity::of(quanta), model::Co2e::of(quanta / 2), length / 2, {}}};
}

inline model::PointState full_point_state() {
  const auto counter = [](Duration after, std::int64_t quanta) {
    return std::pair(kStart + after, model::Cumulative<model::Activity>::at(model::Activity::of(quanta)));
  };
  model::PointState state;
  state.last_at = kStart + 1ms;
  state.last_value = 0.1;
  state.baseline = counter(1s, 123'456'789'012);
  state.pending = counter(2s, -5);
  state.doubts = 2;
  state.abandoned = counter(3s, std::numeric_limits<std::int64_t>::max());
  state.stands_since = kStart + 4ms;
  state.settled_until = kStart + 5ms;
  state.falls = 3;
  state.unbooked = model::Activity::of(6);
  state.integration_remainder = -17;
  state.open = model::OpenPeriod{kStart,
                                 kStart + 15min,
                                 model::Activity::of(-1),
                                 model::Co2e::of(0),
                                 5s,
                                 {model::Origin::estimated, model::Rule::gap}};
  return state;
}

inline model::AccountState full_account_state() {
  model::AccountState state;
  state.amount = model::Activity::of(std::numeric_limits<std::int64_t>::min());
  state.co2e = model::Co2e::of(42);
  state.co2e_remainder = 999'999'999'999;
  state.live_at = kStart;
  state.amount_per_hour = 1.5;
  state.co2e_kg_per_hour = 0.1;
  state.open[2] = model::OpenPeriod{kStart,
                                    kStart + 24h,
                                    model::Activity::of(7),
                                    model::Co2e::of(8),
                                    9ms,
                                    {model::Origin::missing, model::Rule::no_factor}};
  state.open[4] = model::OpenPeriod{kStart - 1ms, kStart + 8760h, model::Activity::of(1), model::Co2e::of(2), 3ms, {}};
  return state;
}

inline bool equal(const model::OpenPeriod& a, const model::OpenPeriod& b) {
  return a.begin == b.begin && a.end == b.end && a.amount == b.amount && a.co2e == b.co2e && a.covered == b.covered &&
         a.quality == b.quality;
}
inline bool equal(const std::optional<model::OpenPeriod>& a, const std::optional<model::OpenPeriod>& b) {
  return a.has_value() == b.has_value() && (!a || equal(*a, *b));
}
inline bool equal(const model::PointState& a, const model::PointState& b) {
  return a.last_at == b.last_at && a.last_value == b.last_value && a.baseline == b.baseline && a.pending == b.pending &&
         a.doubts == b.doubts && a.abandoned == b.abandoned && a.stands_since == b.stands_since &&
         a.settled_until == b.settled_until && a.falls == b.falls && a.unbooked == b.unbooked &&
         a.integration_remainder == b.integration_remainder &&
         equal(a.open, b.open);
}
inline bool equal(const model::AccountState& a, const model::AccountState& b) {
  for (std::size_t i = 0; i < model::kPeriodCount; ++i) {
    if (!equal(a.open[i], b.open[i])) return false;
  }
  return a.amount == b.amount && a.co2e == b.co2e && a.co2e_remainder == b.co2e_remainder && a.live_at == b.live_at &&
         a.amount_per_hour == b.amount_per_hour && a.co2e_kg_per_hour == b.co2e_kg_per_hour;
}

// Values of the readings among the rows, in their order.
inline std::vector<double> values(const std::vector<model::StoredRow>& rows) {
  std::vector<double> result;
  for (const model::StoredRow& row : rows) {
    if (const auto* r = std::get_if<model::JudgedReading>(&row.body)) result.push_back(r->value);
  }
  return result;
}

}  // namespace carbongate::store_test

// Live factor sets for `carbongate factors`: as configured, with what the store remembers of their values.
#pragma once

#include <filesystem>
#include <iosfwd>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "drivers/api/point.h"
#include "gateway/app/gateway_config.h"
#include "gateway/model/factor.h"
#include "gateway/model/live_factor.h"
#include "gateway/tables/local_time.h"

namespace carbongate::cli {

struct LiveSeries {
  model::LiveFactor plan;
  std::string id;     // "grid-live/CN-SC/live"
  std::string point;  // "grid.intensity"
  PointLimits limits;
  std::optional<model::LiveFactorState> state;  // nullopt: there is no store

  const model::LiveValue* newest() const;              // nullptr: none was heard
  const model::LiveValue* in_force(Instant at) const;  // by what is known now
  // The value as a factor; nullopt: it has no worth.
  std::optional<model::Factor> factor(const model::LiveValue& value) const;
  // The value that such an id names: "grid-live/CN-SC/live/2026-11-28T05:00Z".
  std::optional<model::Factor> named(std::string_view factor_id) const;
};

// Those of the site. `store`: where their values are; a store that is not there has none. What is wrong with one that
// is there goes to `err`.
std::vector<LiveSeries> read_live_series(const app::GatewayConfig& config, const std::filesystem::path& store,
                                         std::ostream& err);

// A table of its own, behind that of the dated factors; nothing where there is no series. `at`: the values in force
// then, else the newest.
void write_live_table(std::span<const LiveSeries* const> series, std::optional<Instant> at, tables::LocalTime& local,
                      std::ostream& out);

void show_live_series(const LiveSeries& series, tables::LocalTime& local, std::ostream& out);

}  // namespace carbongate::cli

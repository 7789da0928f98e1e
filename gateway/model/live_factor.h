// A factor that is measured: the carbon intensity of a grid, heard hour by hour from a point of the site.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "drivers/api/point.h"
#include "gateway/model/account.h"
#include "gateway/model/factor.h"

namespace carbongate::model {

// The version of every factor of a live set: each value is one, in force once.
inline constexpr std::string_view kLiveVersion = "live";

// One series of such a set, as configured.
struct LiveFactor {
  PointId source{};
  Factor like;  // set, carrier, region, method, unit and provenance of the factors to come; without id and value
  Gas gas = Gas::co2;
  Duration hold = std::chrono::hours(2);  // how long a reading is good for
  std::optional<FactorChoice> fallback;   // where no reading is; nullopt: nothing applies then
};

// One reading of it. It is in force from `at` until the next one, at most until `until`, in quarter hours that begin
// then. Those before `since` were counted when it was heard: there it came too late, and corrections bring it in.
struct LiveValue {
  Instant at{};
  Instant until{};
  Instant since{};
  double value = 0.0;  // in the unit of the factor
  friend bool operator==(const LiveValue&, const LiveValue&) = default;
};

struct LiveFactorState {
  Instant decided_until{};        // quarter hours before this are booked by what was known
  std::vector<LiveValue> values;  // ascending by `at`
  friend bool operator==(const LiveFactorState&, const LiveFactorState&) = default;
};

}  // namespace carbongate::model

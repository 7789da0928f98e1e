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

// What is in force in [from, until): whole quarter hours.
struct LiveValue {
  Instant from{};
  Instant until{};
  double value = 0.0;  // in the unit of the factor
  friend bool operator==(const LiveValue&, const LiveValue&) = default;
};

struct LiveFactorState {
  Instant decided_until{};  // quarter hours before this have been booked by what was known: nothing heard later changes
                            // them
  std::vector<LiveValue> values;  // ascending, without overlaps
  friend bool operator==(const LiveFactorState&, const LiveFactorState&) = default;
};

}  // namespace carbongate::model

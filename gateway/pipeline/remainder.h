// How long what rounding left over is carried.
#pragma once

#include <chrono>
#include <optional>
#include <ratio>

#include "drivers/api/reading.h"

namespace carbongate::pipeline {

// UTC's, which are also those of every time zone in use.
using Quarters = std::chrono::duration<std::int64_t, std::ratio<900>>;

// Whether what was left over at `before` goes into what is counted at `at`. A remainder carried for ever would make
// every quarter hour depend on all readings before it, and one late reading would move a millionth of a kWh in each
// that follows. So it is carried within the quarter hour, and rounding to the nearest keeps the sum of many without a
// bias; of equal quarter hours each may be half a unit off.
inline bool carries_remainder(std::optional<Instant> before, Instant at) {
  return before && std::chrono::floor<Quarters>(*before) == std::chrono::floor<Quarters>(at);
}

}  // namespace carbongate::pipeline

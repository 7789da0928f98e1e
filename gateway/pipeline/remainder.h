// How long what rounding left over is carried.
#pragma once

#include <chrono>
#include <optional>
#include <ratio>

#include "drivers/api/reading.h"

namespace carbongate::pipeline {

// UTC's, which are also those of every time zone in use.
using Quarters = std::chrono::duration<std::int64_t, std::ratio<900>>;

// Whether what is left over at `at` is kept for what is counted next. `before`: the one counted before it. A remainder carried for ever would make
// every quarter hour depend on all readings before it, and one late reading would move a millionth of a kWh in each
// that follows. So it is carried within the quarter hour, into what is counted across its end, and ends
// there: each is rounded once, to the nearest, which keeps the sum of many without a bias.
inline bool carries_remainder(std::optional<Instant> before, Instant at) {
  return before && std::chrono::floor<Quarters>(*before) == std::chrono::floor<Quarters>(at);
}

}  // namespace carbongate::pipeline

// Coverage: how much of a time was watched by readings, as a share. Wherever it is shown it is rounded here.
#pragma once

#include <cstdint>
#include <string>

#include "drivers/api/reading.h"
#include "gateway/model/carrier.h"

namespace carbongate::model {

inline constexpr std::int64_t kPerPercent = 100;

// In hundredths of a percent, to the nearest; 0 of no time.
constexpr std::int64_t coverage(Duration covered, Duration whole) {
  if (whole <= Duration::zero()) return 0;
  return (covered.count() * (100 * kPerPercent) + whole.count() / 2) / whole.count();
}

// "79.17"; empty of no time.
inline std::string coverage_percent(Duration covered, Duration whole) {
  return whole <= Duration::zero() ? std::string() : format_fixed(coverage(covered, whole), kPerPercent);
}

}  // namespace carbongate::model

// When a device that sends by itself is offline.
#pragma once

#include <algorithm>
#include <chrono>

#include "drivers/api/reading.h"

namespace carbongate {

// How long it may say nothing: three intervals, but not less than a minute.
inline Duration silence_max(Duration interval) {
  return std::max<Duration>(std::chrono::seconds(60), 3 * interval);
}

}  // namespace carbongate

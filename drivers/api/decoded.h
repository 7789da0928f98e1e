// What a decoder finds in one message, answer or packet, before it is known whose points these are.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "drivers/api/reading.h"

namespace carbongate {

struct Sample {
  std::size_t point = 0;  // index in the map that says where points stand
  Availability availability = Availability::available;
  StampedBy stamped_by = StampedBy::gateway;
  char hj212_flag = '\0';  // as in a Reading
  Instant at{};
  double value = 0.0;  // NaN if not available
};

// What is absent is no sample and no problem: telemetry is often partial.
struct Decoded {
  std::vector<Sample> samples;
  std::vector<std::string> problems;  // for the log: "a05001-Rtd: '12,5' is not a number"
};

}  // namespace carbongate

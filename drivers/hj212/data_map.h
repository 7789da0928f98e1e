// From a data segment of HJ 212 to values of points: pure, so that every packet ever seen can be a test.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "drivers/api/decoded.h"
#include "protocols/hj212/segment.h"

namespace date {
class time_zone;
}

namespace carbongate::hj212_driver {

// Which value of which factor a point is.
struct FactorMap {
  std::string factor;   // "a05001", "SB1": as in the packet before the dash
  std::string field;    // Rtd, Avg, Min, Max, Cou, ZsRtd...
  std::string command;  // of the packets that have it: 2011, 2051, 2061, 2031
  double scale = 1.0;
  Duration length{};  // of the period an amount (Cou) is of: it is stamped at its end, all else at the packet's time
};

struct DataMap {
  std::vector<FactorMap> points;
  const date::time_zone* zone = nullptr;  // in which loggers tell their times; nullptr: UTC
};

// A logger sends what it has, in several packets too.
Decoded decode(const DataMap& map, std::string_view command, const std::vector<hj212::Item>& area, Instant received);

}  // namespace carbongate::hj212_driver

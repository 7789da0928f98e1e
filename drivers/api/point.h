// What is measured: a point of a device, its unit, and the limits by which its readings are judged.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "drivers/api/reading.h"
#include "drivers/api/unit.h"

namespace carbongate {

// How a point's values become amounts of energy, volume or mass.
enum class Kind : std::uint8_t {
  cumulative,     // a running total: two readings are subtracted
  interval,       // an amount since the reading before: taken as it is, `at` is the end of the interval
  instantaneous,  // a rate (power) or a state (voltage): a power is integrated, a state only recorded
};

// Limits by which readings of one point are judged. All optional: what is not set is not judged.
struct PointLimits {
  std::optional<double> min;          // in the point's unit; outside: rejected, rule "range"
  std::optional<double> max;
  std::optional<double> rollover_at;  // cumulative: the value at which the register starts again from 0, in its unit
  std::optional<double> power_max_w;  // physical maximum of the connection in W; a counter cannot run faster
  Duration interval{};                // how often a value is due; 0: not known
  Duration stale_after{};             // heard this much later than measured: late; 0: 3 * interval, at least 60 s
  Duration gap_max{};                 // longest gap a power is integrated over; 0: 3 * interval, at least 5 min
};

struct Point {
  PointId id{};
  std::string device;  // "press-shop"
  std::string name;    // "active_energy_import": unique within the device
  Kind kind = Kind::instantaneous;
  Unit unit;
  PointLimits limits;

  std::string full_name() const { return device + "." + name; }  // "press-shop.active_energy_import": unique in the site
};

}  // namespace carbongate

// What is measured: a point of a device, its unit, and the limits by which its readings are judged.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

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
  std::optional<double> min;  // in the point's unit; outside: rejected, rule "range"
  std::optional<double> max;
  std::vector<double> rollover_at = {};  // cumulative: where the register may start again from 0, in its unit; several
                                         // if it is not known which: the one that fits what flowed is taken
  std::optional<double> power_max_w;     // physical maximum of the connection in W; a counter cannot run faster
  std::optional<double> flow_max = {};   // the same of what flows: in mL/h or mg/h, as the point's unit
  Duration interval{};                   // how often a value is due; 0: not known
  Duration stale_after{};                // heard this much later than measured: late; 0: 3 * interval, at least 60 s
  Duration gap_max{};                    // longest gap a power is integrated over; 0: 3 * interval, at least 5 min
  double count = 0;                      // cumulative: what one count of the register is, in its unit; 0: not known
  bool runs_back = false;                // cumulative: a net register, in which what flows back is subtracted
};

// A meter was exchanged for another, or its register set: what it showed last, and what it showed first afterwards.
struct Replacement {
  Instant at{};
  double final = 0;  // in the point's unit
  double initial = 0;
};

// From `from` on, one unit of the register is numerator / denominator units of the point: the ratio of current and
// voltage transformers where the register does not contain it.
struct TransformerRatio {
  Instant from = Instant::min();
  std::int64_t numerator = 1;  // both positive, at most kRatioTermMax
  std::int64_t denominator = 1;
};
inline constexpr std::int64_t kRatioTermMax = 1'000'000'000;

// What people did to a cumulative point's meter, as announced in the configuration; both in order of time.
struct MeterHistory {
  std::vector<Replacement> replaced;
  std::vector<TransformerRatio> ratios;  // before the first: 1
};

struct Point {
  PointId id{};
  std::string device;  // "press-shop"
  std::string name;    // "active_energy_import": unique within the device
  Kind kind = Kind::instantaneous;
  Unit unit;
  PointLimits limits;
  MeterHistory history = {};
  bool computed = false;  // from other points, whose readings were judged: its counter is our own

  std::string full_name() const {
    return device + "." + name;
  }  // "press-shop.active_energy_import": unique in the site
};

}  // namespace carbongate

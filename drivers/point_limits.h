// The limits of a point, as every driver's configuration may give them.
#pragma once

#include "config/reader/reader.h"
#include "drivers/api/point.h"

namespace carbongate {

// Reads into point.limits; what is absent stays as it is, so a profile's limits can be read first and a device's own
// over them. Call after point.kind and point.unit are set. Limits that contradict each other or the kind are problems.
//
//   min, max            numbers in the point's unit
//   power_max           "250 kW": what the connection can deliver at most, of energy and power
//   flow_max            "250 Nm3/h": the same of volumes, masses and their flows
//   stale_after, gap_max  durations
//   signed: true        a net register: what flows back is subtracted in it, and in the accounts; needs power_max
//
// Where the register starts again from 0; several are candidates, of which the one that fits is taken. Together they
// replace what the driver or the profile says:
//
//   rollover_at: 1e6    in the point's unit; or a list
//   register_bits: 32   after 2^32 counts; 8 to 64
//   register_digits: 8  after 10^8 counts, as a display of 8 digits does; 3 to 18
//   count: 0.01         one count in the point's unit; by default `count_by_default`, the scale of the register
void read_point_limits(config::Reader& in, Point& point, double count_by_default = 1.0);

}  // namespace carbongate

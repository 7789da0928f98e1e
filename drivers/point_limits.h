// The limits of a point, as every driver's configuration may give them.
#pragma once

#include "config/reader/reader.h"
#include "drivers/api/point.h"

namespace carbongate {

// Reads `min`, `max`, `rollover_at` (numbers in the point's unit), `power_max` ("250 kW"), `stale_after` and `gap_max`
// (durations) into point.limits; what is absent stays as it is, so a profile's limits can be read first and a device's
// own over them. Call after point.kind and point.unit are set. Limits that contradict each other or the kind are
// problems.
void read_point_limits(config::Reader& in, Point& point);

}  // namespace carbongate

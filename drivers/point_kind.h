// The unit of a point, and how its values become amounts, as every driver's configuration may give them.
#pragma once

#include "config/reader/reader.h"
#include "drivers/api/point.h"

namespace carbongate {

// `unit: kWh`, required.
void read_unit(config::Reader& in, Point& point);

// `kind`: cumulative, interval or instantaneous. Absent: an amount is taken as a running total, which is what meters
// publish, everything else as a rate or state. Call after point.unit is set.
void read_kind(config::Reader& in, Point& point);

}  // namespace carbongate

// What people did to a point's meter, as a device's configuration may announce it.
#pragma once

#include "config/reader/node.h"
#include "config/reader/reader.h"
#include "drivers/api/point.h"

namespace carbongate {

// Reads into point.history. Call after point.kind is set. `root`: of the configuration, for the site's time zone, in
// which times without an offset are told.
//
//   replaced:                      the meter was exchanged, or its register set
//     - {at: 2026-03-01T10:00, final: 12345.6, initial: 0.2}     what it showed last, and first; in the point's unit
//   ratio: 200/5                   one unit of the register is so many of the point; or from dates on:
//   ratio: [{value: 40}, {from: 2026-05-01, value: 60}]          before the first date: 1
void read_meter_history(config::Reader& in, const config::Node& root, Point& point);

}  // namespace carbongate

// The list `stations`: what is reported of a place to supervisory platforms (HJ 212). Sinks name one.
//
//   stations:
//     - id: stack-1
//       real_time: 30s           # an instant is reported this often, 1s to 1h; divides an hour
//       minute: 10min            # length of "minute" data: 1, 2, 3, 4, 5, 6, 10, 12, 15, 20 or 30 min
//       wait: 30s                # in the data's time, for factors that are behind the others, 0s to 1h
//       minute_instants: 12      # valid values without which the mean of minutes is flagged D; by default 12, or three
//                                # quarters of what comes where points are read less often
//       hour_percent: 75         # valid means of minutes without which that of an hour is
//       day_hours: 20            # valid means of hours without which that of a day is
//       water: false             # true: one value that is not normal makes a period so (waste water)
//       factors:
//         - code: a05001         # HJ 212-2017 appendix B, or a code that was agreed with the platform
//           point: stack.co2
//           unit: mg/m3          # by default that of the point
//           decimals: 1
//           reduced: stack.co2_reduced                                     # converted to reference oxygen: ZsRtd,
//           ZsAvg amount: {point: stack.co2_mass_flow, unit: kg, decimals: 1}    # Cou: a counter's difference, a
//           rate's
//                                                                          # integral, an amount's sum
#pragma once

#include <set>
#include <string>
#include <vector>

#include "config/reader/reader.h"
#include "gateway/model/station.h"

namespace carbongate::app {

// `points` are all of the site, `doubtful_devices` those with problems of their own.
std::vector<model::Station> read_stations(config::Reader& root, const std::vector<Point>& points,
                                          const std::set<std::string>& doubtful_devices);

}  // namespace carbongate::app

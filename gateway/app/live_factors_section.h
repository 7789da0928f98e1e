// The list `site.factors.live`: factor sets whose values are points of the site, such as the intensity of the grid.
//
//   site:
//     factors:
//       live:
//         - {set: grid-live, carrier: electricity, region: CN-SC, method: live, from: grid.intensity, unit: gCO2/kWh,
//            hold: 2h, source: "...", uncertainty_percent: 10, fallback: {set: cn-grid, region: CN-SC, method:
//            average}}
#pragma once

#include <set>
#include <string>
#include <vector>

#include "config/reader/data_files.h"
#include "config/reader/reader.h"
#include "gateway/model/carrier.h"
#include "gateway/model/live_factor.h"
#include "gateway/pipeline/factor_registry.h"
#include "gateway/pipeline/factor_value.h"

namespace carbongate::app {

// `points` are all of the site, `doubtful_devices` those with problems of their own. Makes each series known to
// `factors`, so that accounts can choose it; and gives its point the limits of a factor where it has none: no value
// below 0, nor above live_factor_max().
std::vector<model::LiveFactor> read_live_factors(const config::Node& root, config::Problems& problems,
                                                 const config::DataFiles& data, std::vector<Point>& points,
                                                 const std::set<std::string>& doubtful_devices,
                                                 pipeline::FactorRegistry& factors);

// In that unit, what no factor of the carrier is: 5 kgCO2e/kWh of energy; of fuels, process inputs and working media 10
// kgCO2e per kg or Nm3; of products and measured gases 100 000.
double live_factor_max(const pipeline::FactorUnit& unit, const model::Carrier& carrier);

}  // namespace carbongate::app

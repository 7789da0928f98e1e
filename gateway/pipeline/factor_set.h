// One file of emission factors.
//
//   set: cn-grid                      # as the file is named
//   version: "2025-12-31"             # of the set as a whole
//   name: ...                         # for people, optional; so is `notes`
//   publisher: ...
//   documents:                        # what the factors were taken from, optional
//     announcement-2025-47: {title: "...", published: 2025-12-31}
//   factors:
//     - carrier: electricity          # carrier.h
//       region: CN-SC                 # optional: none where the place does not matter
//       method: average               # optional: default
//       year: 2023                    # of the data, valid from its first day; or valid_from: 2023-07-01
//       valid_until: 2024-01-01       # optional, exclusive; without it until a newer one begins
//       value: 0.1564                 # a plain decimal, kept exactly, with
//       unit: kgCO2/kWh               #   mass of CO2 or CO2e per amount; or, for combustion,
//       ncv: 42.652                   #   net calorific value
//       ncv_unit: GJ/t                #   GJ per t, or per 10^4Nm3
//       carbon_t_per_gj: 0.0202       #   carbon content
//       oxidation_percent: 98         #   multiplied out with 44/12
//       document: announcement-2025-47  # or source: with publication:
//       confidence: confirmed_2plus
//       name: ...                     # for people, optional; so is `note`
#pragma once

#include <vector>

#include "config/reader/data_files.h"
#include "config/reader/problem.h"
#include "gateway/model/factor.h"
#include "gateway/pipeline/calendar.h"

namespace carbongate::pipeline {

// Appends what can be read; a factor with a problem is left out and reported. Dates begin at the calendar's midnight.
void read_factor_set(const config::DataFiles::File& file, Calendar& calendar, config::Problems& problems,
                     std::vector<model::Factor>& factors);

}  // namespace carbongate::pipeline

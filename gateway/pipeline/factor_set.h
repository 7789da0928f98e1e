// One file of factors: of emissions, or of standard coal. (Of global warming potentials: gwp.h.)
//
//   kind: emission                    # default; or standard-coal
//   set: cn-grid                      # as the file is named
//   version: "2025-12-31"             # of the set as a whole
//   name: ...                         # for people, optional; so is `notes`
//   publisher: ...
//   extends: other-set                # optional: has all rows of that set too, each with its own version, except those
//                                     # for which this file has one of the same carrier, region, method and beginning
//   continuous: true                  # default: a time without a factor between two of a series is an error; with
//                                     # false it is a warning
//   documents:                        # what the factors were taken from, optional
//     announcement-2025-47: {title: "...", published: 2025-12-31}
//   factors:
//     - carrier: electricity          # carrier.h
//       region: CN-SC                 # optional: none where the place does not matter
//       method: average               # optional: default
//       year: 2023                    # of the data, valid from its first day; or valid_from: 2023-07-01
//       valid_until: 2024-01-01       # optional, exclusive; without it until a newer one begins
//       ...                           # what it is worth, see below
//       uncertainty_percent: 5        # optional: half-width of the 95 % interval; or
//       lower95: 72600                #   its two ends, in the unit of the value, or of the CO2 among `gases`
//       upper95: 74800                #   (then the wider side counts: an uncertainty must not be understated)
//       document: announcement-2025-47  # or source: with publication:
//       confidence: confirmed_2plus   # of the heating value too: see coal_set_of()
//       name: ...                     # for people, optional; so is `note`
//
// What it is worth is one of, all in plain decimals, kept exactly:
//   value: 0.1564                     # one gas: CO2, CH4, SF6... by its mass, or CO2e where only that was published
//   unit: kgCO2/kWh
//
//   gases: {CO2: 74100, CH4: 3, N2O: 0.6}  # several; CO2-biogenic is reported apart
//   unit: kg/TJ
//
//   ncv: 42.652                       # combustion: net calorific value * carbon content * oxidation * 44/12
//   ncv_unit: GJ/t
//   carbon_t_per_gj: 0.0202
//   oxidation_percent: 98
//
//   value: 1.4571                     # standard coal
//   unit: kgce/kg
//
//   ncv: 42.652                       # standard coal by heating value: / 29307.6 kJ/kgce
//   ncv_unit: GJ/t
//
// With `value` or `gases`, ncv (with ncv_unit, and ncv_document where it stems from another document than the factor)
// and density (with density_unit: kg/Nm3) lead from the amount of the unit to the one the carrier is accounted in:
// kg/TJ for a fuel by mass. A `formula` is a text for people: how a value came about that was not published as such.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/reader/data_files.h"
#include "config/reader/node.h"
#include "config/reader/problem.h"
#include "gateway/model/factor.h"
#include "gateway/pipeline/calendar.h"
#include "gateway/pipeline/gwp.h"

namespace carbongate::pipeline {

struct FactorReading {
  const config::DataFiles& data;  // where `extends` looks
  Calendar& calendar;             // dates begin at its midnight
  const GwpSet* gwp;              // nullptr: could not be read, reported; then nothing has a CO2e
  config::Problems& problems;
};

// Appends what can be read; a factor with a problem is left out and reported.
void read_factor_set(const config::DataFiles::File& file, const FactorReading& reading,
                     std::vector<model::Factor>& factors);

// Where the heating value of a fuel was measured, its standard coal goes by it (GB/T 2589-2020): a row of emissions
// with an `ncv` and the confidence own_measurement or supplier is read as a row of standard coal too, of the set
// "own-fuels/ncv" and as long as it is valid itself.
std::string coal_set_of(std::string_view emission_set);
std::string emission_set_of(std::string_view coal_set);  // the inverse; "" of any other set
// Whether they name one row, which both were read from: then they are of one version.
bool are_of_one_row(std::string_view coal_id, std::string_view emission_id);

// The set of what a site states itself about standard coal, in its configuration.
inline constexpr std::string_view kSiteCoalSet = "site-standard-coal";
inline constexpr std::string_view kCalorific = "calorific";    // 当量值: 0.1229 kgce/kWh
inline constexpr std::string_view kEquivalent = "equivalent";  // 等价值: what power stations burn for a kWh

// The equivalent value of electricity, by dated national coal consumptions of power supply: there is no constant.
//   - {from: 2024-01-01, kgce_per_kwh: 0.302, source: "...", until: 2025-01-01}
std::vector<model::Factor> read_electricity_equivalent(std::span<const config::Node> items,
                                                       const FactorReading& reading);

enum class SetKind { emission, standard_coal, gwp };
std::string_view to_string(SetKind kind);  // "emission", "standard-coal", "gwp"

// What a file says it is; emission if it says nothing, or nothing that can be read.
SetKind kind_of(const config::DataFiles::File& file);

}  // namespace carbongate::pipeline

// Global warming potentials over 100 years: by which gases add up to CO2e. Named, sourced sets; read from
// config/factors/gwp_*.yaml or the site's own `factors/gwp-NAME.yaml`.
//
//   kind: gwp
//   set: gwp-ar5                      # as the file is named
//   assessment: AR5                   # what the site names: `site: {gwp: AR5}`
//   version: "2014"
//   publisher: IPCC
//   documents: ...                    # as in factor_set.h
//   values:
//     - {gas: CH4, gwp100: 28, document: wg1, confidence: confirmed_2plus, note: ...}
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/reader/data_files.h"
#include "config/reader/problem.h"
#include "gateway/model/gas.h"
#include "gateway/pipeline/factor_value.h"

namespace carbongate::pipeline {

// AR5: the values by which Paris Agreement inventories and the EU's monitoring rules report (without feedbacks), and a
// choice of the GHG Protocol and of the newer Chinese guidelines. SAR stands in the Chinese guidelines of 2013 to 2015.
inline constexpr std::string_view kDefaultGwp = "AR5";

class GwpSet {
 public:
  struct Value {
    Fraction gwp100;
    std::string text;  // "28", as published
    std::string source;
    std::string confidence;
    std::string note;
  };

  // By the name of the assessment, in any case. A set that does not exist, a gas named twice or unknown, a value that
  // is no number... go to `problems`; nullopt then.
  static std::optional<GwpSet> load(const config::DataFiles& data, std::string_view name, config::Problems& problems);

  // By definition: biogenic CO2 counts 0, being reported apart, and what was published as CO2e counts 1.
  // nullopt: the set has no value for the gas.
  std::optional<Fraction> of(model::Gas gas) const;
  const Value* value(model::Gas gas) const;  // nullptr: none, or by definition

  const std::string& name() const { return name_; }        // "AR5"
  const std::string& version() const { return version_; }  // "2014"

 private:
  std::string name_;
  std::string version_;
  std::map<model::Gas, Value> values_;
};

// The names by which load() finds something, sorted: "AR4", "AR5", "AR6", "SAR".
std::vector<std::string> gwp_names(const config::DataFiles& data);

}  // namespace carbongate::pipeline

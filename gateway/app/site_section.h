// The section `site`: who we are, where, in which time zone, and which emission factors count here.
#pragma once

#include <string>
#include <vector>

#include "config/reader/data_files.h"
#include "config/reader/reader.h"
#include "gateway/model/site.h"
#include "gateway/pipeline/factor_registry.h"
#include "gateway/pipeline/factor_set.h"

namespace carbongate::app {

struct SiteSection {
  model::Site site;  // without points and accounts
  std::vector<std::string> factor_sets{"cn-grid",    "cn-fuels", "cn-heat",
                                       "cn-process", "direct",   "own-generation"};  // those that exist
  bool factor_sets_complete = true;       // false: one of those named does not exist, or a file could not be read; said
  std::string factor_method = "average";  // of electricity
  std::string gwp{pipeline::kDefaultGwp};  // by which gases add up to CO2e

  // Standard coal, in the order in which an account looks for its carrier. What the site states itself comes first.
  std::vector<std::string> coal_sets{"cn-standard-coal", "cn-standard-coal-by-ncv"};
  std::string electricity_coal_method{pipeline::kCalorific};
  std::vector<model::Factor> own_factors;

  pipeline::FactorSources factor_sources() const;
};

SiteSection read_site(config::Reader& root, const config::DataFiles& data);

}  // namespace carbongate::app

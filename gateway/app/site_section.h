// The section `site`: who we are, where, in which time zone, and which emission factors count here.
#pragma once

#include <string>
#include <vector>

#include "config/reader/data_files.h"
#include "config/reader/reader.h"
#include "gateway/model/site.h"

namespace carbongate::app {

struct SiteSection {
  model::Site site;  // without points and accounts
  std::vector<std::string> factor_sets{"cn-grid", "cn-fuels", "cn-heat", "own-generation"};  // those that exist
  bool factor_sets_complete = true;       // false: one of those named does not exist, or a file could not be read; said
  std::string factor_method = "average";  // of electricity
};

SiteSection read_site(config::Reader& root, const config::DataFiles& data);

}  // namespace carbongate::app

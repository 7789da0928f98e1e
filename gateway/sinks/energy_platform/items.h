// `items` of a sink to the key-energy-user platform: which account is which code.
#pragma once

#include <string>
#include <vector>

#include "config/reader/reader.h"
#include "gateway/sinks/energy_platform/config.h"

namespace carbongate::sinks::energy_platform {

// `root`: of the whole configuration, for the accounts there are and their meters. Problems go to the reader.
std::vector<Item> read_items(config::Reader& in, const config::Node& root);

}  // namespace carbongate::sinks::energy_platform

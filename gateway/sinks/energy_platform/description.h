// What a platform is told of the enterprise before any data: pure.
#pragma once

#include <boost/json/object.hpp>
#include <string>

#include "gateway/sinks/energy_platform/config.h"

namespace carbongate::sinks::energy_platform {

// The bodies of the uploads of configuration and meters. Members are called as the dialect names them.
boost::json::object configuration_of(const Config& config, const std::string& device_id);
boost::json::object meters_of(const Config& config, const std::string& device_id);

}  // namespace carbongate::sinks::energy_platform

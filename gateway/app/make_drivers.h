// From configured devices to drivers.
#pragma once

#include <memory>
#include <vector>

#include "drivers/registry.h"
#include "gateway/app/gateway_config.h"

namespace carbongate::app {

// One driver per driver type and group: the devices of one connection, line or broker share it. Takes the plans.
std::vector<std::unique_ptr<Driver>> make_drivers(std::vector<ConfiguredDevice> devices, const DriverContext& context);

}  // namespace carbongate::app

// The sink to the key-energy-user platform, for the registry.
#pragma once

#include "gateway/sinks/registry.h"

namespace carbongate::sinks {

const SinkType& energy_platform_type();

}  // namespace carbongate::sinks

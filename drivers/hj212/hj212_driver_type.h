// The line of the registry for HJ 212.
#pragma once

#include "drivers/registry.h"

namespace carbongate::hj212_driver {

extern const DriverType kHj212;  // "hj212"

}  // namespace carbongate::hj212_driver

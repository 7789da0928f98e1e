// What nothing measures: points whose amounts a person enters (`carbongate restate --manual`). No reading ever comes of
// them.
#pragma once

#include "drivers/registry.h"

namespace carbongate::manual_driver {

extern const DriverType kManual;  // "manual"

}  // namespace carbongate::manual_driver

// The line of the registry for HTTP.
#pragma once

#include "drivers/registry.h"

namespace carbongate::http_driver {

extern const DriverType kHttp;  // "http"

}  // namespace carbongate::http_driver

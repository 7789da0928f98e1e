// A dialect of the key-energy-user platform from its file: config/platforms/NAME.yaml, or the site's
// platforms/NAME.yaml.
#pragma once

#include "config/reader/reader.h"
#include "protocols/energy_platform/dialect.h"

namespace carbongate::sinks::energy_platform {

// Reads `dialect`, the name of a file, and that file with what it extends. Problems go to the reader, or stand at their
// place in the file; what comes back then is not to be used.
carbongate::energy_platform::Dialect read_dialect(config::Reader& in);

}  // namespace carbongate::sinks::energy_platform

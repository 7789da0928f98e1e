// The remote-write sink, for the registry.
#pragma once

#include "gateway/sinks/registry.h"

namespace carbongate::sinks {

const SinkType& remote_write_type();

}  // namespace carbongate::sinks

// The line-protocol sink, for the registry.
#pragma once

#include "gateway/sinks/registry.h"

namespace carbongate::sinks {

const SinkType& line_protocol_type();

}  // namespace carbongate::sinks

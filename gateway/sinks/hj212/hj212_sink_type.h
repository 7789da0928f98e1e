// The HJ 212 sink, for the registry.
#pragma once

#include "gateway/sinks/registry.h"

namespace carbongate::sinks {

const SinkType& hj212_type();

}  // namespace carbongate::sinks

// The file sink, for the registry.
#pragma once

#include "gateway/sinks/registry.h"

namespace carbongate::sinks {

const SinkType& file_type();

}  // namespace carbongate::sinks

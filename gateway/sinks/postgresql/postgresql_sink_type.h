// The PostgreSQL sink, for the registry.
#pragma once

#include "gateway/sinks/registry.h"

namespace carbongate::sinks {

const SinkType& postgresql_type();

}  // namespace carbongate::sinks

#pragma once

#include "gateway/sinks/registry.h"

namespace carbongate::sinks {

const SinkType& webhook_type();

}  // namespace carbongate::sinks

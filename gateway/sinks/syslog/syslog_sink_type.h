#pragma once

#include "gateway/sinks/registry.h"

namespace carbongate::sinks {

const SinkType& syslog_type();

}  // namespace carbongate::sinks

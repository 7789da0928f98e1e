#pragma once

#include "gateway/sinks/registry.h"

namespace carbongate::sinks {

const SinkType& mail_type();

}  // namespace carbongate::sinks

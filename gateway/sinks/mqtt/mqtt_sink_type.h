// The MQTT sink, for the registry.
#pragma once

#include "gateway/sinks/registry.h"

namespace carbongate::sinks {

const SinkType& mqtt_type();

}  // namespace carbongate::sinks

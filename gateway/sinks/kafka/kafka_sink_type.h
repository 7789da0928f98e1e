// The Kafka sink, for the registry.
#pragma once

#include "gateway/sinks/registry.h"

namespace carbongate::sinks {

const SinkType& kafka_type();

}  // namespace carbongate::sinks

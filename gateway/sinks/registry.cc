#include "gateway/sinks/registry.h"

#include "gateway/sinks/line_protocol/line_protocol_sink_type.h"

namespace carbongate::sinks {

std::span<const SinkType> sink_types() {
  static const SinkType kTypes[] = {
      line_protocol_type(),
  };
  return kTypes;
}

}  // namespace carbongate::sinks

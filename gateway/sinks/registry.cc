#include "gateway/sinks/registry.h"

#include "gateway/sinks/line_protocol/line_protocol_sink_type.h"
#include "gateway/sinks/postgresql/postgresql_sink_type.h"
#include "gateway/sinks/remote_write/remote_write_sink_type.h"

namespace carbongate::sinks {

std::span<const SinkType> sink_types() {
  // Local: filled at the first call, when the types of the other files are initialised for certain.
  static const SinkType kTypes[] = {
      line_protocol_type(),
      postgresql_type(),
      remote_write_type(),
  };
  return kTypes;
}

}  // namespace carbongate::sinks

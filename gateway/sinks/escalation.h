// Who is told when another sink's receipt does not come.
//
//   escalates: {of: duty-mail, after: 15min}
#pragma once

#include <optional>
#include <string>

#include "config/reader/reader.h"
#include "drivers/api/reading.h"

namespace carbongate::sinks {

struct Escalation {
  std::string of;  // the sink whose receipt is waited for
  Duration after{};

  // `escalates` of a sink; nullopt without it. Problems go to the reader, but for a sink that is not there: that is
  // seen when all are read.
  static std::optional<Escalation> from(config::Reader& in);
};

}  // namespace carbongate::sinks

// Which readings a store gets that knows them by point and time.
#pragma once

#include "gateway/model/quality.h"

namespace carbongate::sinks::shared {

// Not one of an instant that has its reading already, whose place it would take. Nor one that the gateway stamped while
// nobody knew the time: it comes once more when the time is known, with the true one. (What a device stamped has its
// time.)
constexpr bool has_place_in_time(model::Quality reading) {
  switch (reading.rule) {
    case model::Rule::duplicate:
    case model::Rule::clock:
    case model::Rule::clock_stopped:
    case model::Rule::clock_manual: return false;
    default: return true;
  }
}

}  // namespace carbongate::sinks::shared

// Times as a platform's people read them.
#pragma once

#include <string>

#include "drivers/api/reading.h"
#include "protocols/hj212/requests.h"

namespace date {
class time_zone;
}

namespace carbongate::sinks::hj212 {

class StationClock {
 public:
  explicit StationClock(const std::string& zone);  // IANA name; UTC, if it is not known

  carbongate::hj212::LocalTime local(Instant at) const;
  Instant instant(carbongate::hj212::LocalTime at) const;  // the earlier one of two; behind an hour that is skipped

 private:
  const date::time_zone* zone_;  // of the process-wide time zone data
};

bool knows_zone(const std::string& zone);

}  // namespace carbongate::sinks::hj212

// Times as exports show them.
#pragma once

#include <string>

#include "drivers/api/reading.h"

namespace date {
class time_zone;
}

namespace carbongate::tables {

// ISO 8601 in one time zone: "2023-01-01T00:15:00+08:00", with milliseconds only if there are any. What lies outside
// the years 0 to 9999 (a device with a broken clock) is shown as milliseconds since 1970. Not thread-safe.
class LocalTime {
 public:
  explicit LocalTime(const std::string& zone);  // IANA name; throws std::runtime_error if it is not known

  std::string operator()(Instant at);

 private:
  const date::time_zone* zone_;  // of the process-wide time zone data
  Instant valid_from_{};         // offset_ holds within
  Instant valid_until_{};
  std::chrono::minutes offset_{};
};

}  // namespace carbongate::tables

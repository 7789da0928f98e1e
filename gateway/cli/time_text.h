// Times as people and files write them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "drivers/api/reading.h"

namespace carbongate::cli {

// ISO 8601: "2023-01-01", "2023-01-01T00:15", "2023-01-01 00:15:00.250", with "Z", "+08:00" or "+0800", or without an offset:
// then a time in `zone` (IANA name). A local time that a clock change repeats is taken as the first of the two; one that it
// skips, as the instant of the change. Also whole epoch seconds (10 digits) and milliseconds (13 digits).
std::optional<Instant> parse_time(std::string_view text, const std::string& zone);

}  // namespace carbongate::cli

// What an emission entry is called in the books, so that people, corrections and findings mean the same one:
//
//   USER/CARRIER/DEVICE.POINT@BEGIN#REVISION     press-shop/electricity/incomer.energy@2026-01-01T00:15:00Z#0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/model/rows.h"

namespace carbongate::model {

struct EntryName {
  std::string user;
  std::string carrier;
  std::string device;
  std::string point;
  Instant begin{};
  std::uint32_t revision = 0;
  friend bool operator==(const EntryName&, const EntryName&) = default;
};

EntryName name_of(const Series& series, const EmissionEntry& entry);

std::string to_string(const EntryName& name);

// What to_string() writes, and nothing else. Ids hold none of '/', '@' and '#', and a device no '.'.
std::optional<EntryName> parse_entry_name(std::string_view text);

// ISO 8601 in UTC: "2026-01-01T00:15:00Z", with milliseconds only if there are any ("...00.250Z"). What lies outside
// the years 0 to 9999 is milliseconds since 1970: "253402300800000". One text for each instant.
std::string format_utc(Instant at);
std::optional<Instant> parse_utc(std::string_view text);  // what format_utc() writes, and nothing else

}  // namespace carbongate::model

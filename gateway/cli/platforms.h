// `carbongate platforms`: where the uploads to platforms of key energy users stand.
#pragma once

#include <filesystem>
#include <iosfwd>
#include <optional>
#include <string>

#include "drivers/api/reading.h"

namespace carbongate::cli {

struct PlatformsOptions {
  std::filesystem::path config;
  std::filesystem::path store;  // empty: the configured one
  std::string dictionary;       // of this sink: what the platform delivered, as it came, instead of the rest
  int days = 7;                 // of completeness, the last one today
  std::string format = "table";
};

// Of each platform: device, versions, addresses, the slot of the days, what waits. Of each item and day: how many of
// its quarter hours are over by now, were counted, were watched for nine tenths and more, and have been delivered; what
// is below nine tenths of what is due is marked. As of when all that is, is told: reads beside a running gateway, which
// does not write down each delivery at once.
//
// Exit status: 0; 64, 65, 74, 78 of sysexits.h.
int run_platforms(const PlatformsOptions& options, std::ostream& out, std::ostream& err);
int run_platforms(const PlatformsOptions& options, std::ostream& out, std::ostream& err, Instant now);

}  // namespace carbongate::cli

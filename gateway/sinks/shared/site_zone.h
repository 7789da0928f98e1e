// The site's time zone, for sinks that write local times.
#pragma once

#include <string>

#include "config/reader/node.h"

namespace carbongate::sinks::shared {

// "UTC" if it is not there. A zone that is not known is reported where the site is read.
inline std::string zone_of_site(const config::Node& root) {
  const config::Node* site = root.find("site");
  const config::Node* zone = site ? site->find("timezone") : nullptr;
  return zone && zone->is_scalar() ? zone->scalar() : "UTC";
}

}  // namespace carbongate::sinks::shared

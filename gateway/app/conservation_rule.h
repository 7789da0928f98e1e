// The gateway's own rule of alerts: what came in is somewhere, always. Nobody has to configure it.
#pragma once

#include <optional>

#include "gateway/model/site.h"

namespace carbongate::app {

// Its id, which no configured rule has and by which sinks choose it as any other; and what its alert is about.
inline constexpr const char* kConservationRule = "conservation";
inline constexpr const char* kConservationSubject = "carbongate";

// Behind all rules and watches that are there. No reading moves it: what the gateway finds of itself is no data of the
// site, and a replay of its readings does not depend on it.
void add_conservation_rule(model::Site& site);

// nullopt: the site was not made by a configuration, and has no such rule.
std::optional<model::WatchId> conservation_watch(const model::Site& site);

// Whether the site asks for any alert itself.
bool has_rules_of_its_own(const model::Site& site);

}  // namespace carbongate::app

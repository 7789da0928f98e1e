// Alerts as they stand: of each the last change, and the conditions that wait to become one.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "gateway/model/alert.h"
#include "gateway/model/errors.h"
#include "gateway/model/site.h"

namespace carbongate::store {

struct StandingAlert {
  std::string state;      // "pending", or the word of its stage
  std::string rule;       // its id
  std::string subject;    // "incomer.power"
  std::string user_name;  // of a user's
  model::Alert alert;     // of the last change, with who acknowledged it; without an id while it is pending
  bool is_pending = false;
  bool fires = false;
};

struct StandingAlerts {
  std::map<std::string, StandingAlert> all;  // by id; what is pending by "pending RULE SUBJECT"
  std::optional<Instant> newest;             // time of the newest change
};

// Reads beside a running gateway. What the configuration has no more is known by its rows. Faults: those of History.
model::Result<StandingAlerts> standing_alerts(const std::filesystem::path& directory, const model::Site& site);

// What fires first, the worst before the rest, then what is pending, then what is over. Pointers into `alerts`.
std::vector<const StandingAlert*> in_order(const StandingAlerts& alerts);

}  // namespace carbongate::store

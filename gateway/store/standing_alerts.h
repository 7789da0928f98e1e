// Alerts as they stand: of each the last change, and the conditions that wait to become one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gateway/model/alert.h"
#include "gateway/model/errors.h"
#include "gateway/model/site.h"

namespace carbongate::store {

// Somebody may acknowledge an alert before it began, by a clock that readings may be ahead of (`future_tolerance`, at
// most 24 h): by so much, with something to spare. Every other change comes with its begin or later.
inline constexpr Duration kAcknowledgedAhead = std::chrono::hours(48);

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

// All there ever were. Reads beside a running gateway. What the configuration has no more is known by its rows. Faults:
// those of History.
model::Result<StandingAlerts> standing_alerts(const std::filesystem::path& directory, const model::Site& site);

// What fires and what is pending; or, of an id, that one if it fires. Likewise, but only rows of what fires are read.
model::Result<StandingAlerts> active_alerts(const std::filesystem::path& directory, const model::Site& site,
                                            const std::optional<std::string>& id = {});

// Where an alert stands among all, the newest first: its last change, or since when it is pending; and its id, or
// "RULE@SUBJECT".
using AlertPlace = std::pair<std::int64_t, std::string>;  // ms before 1970 UTC
AlertPlace place_of(const StandingAlert& alert);

struct AlertQuery {
  std::optional<Instant> from = {};  // of the place's time: included
  std::optional<Instant> to = {};    // excluded
  std::optional<AlertPlace> behind = {};
  std::size_t limit = 100;
};
struct AlertPage {
  std::vector<StandingAlert> alerts;
  bool is_more = false;
};

// A page of all, the newest first. Reads, from `now` backwards, no more than it takes to fill the page.
model::Result<AlertPage> newest_alerts(const std::filesystem::path& directory, const model::Site& site,
                                       const AlertQuery& query, Instant now);

// What fires first, the worst before the rest, then what is pending, then what is over. Pointers into `alerts`.
std::vector<const StandingAlert*> in_order(const StandingAlerts& alerts);

}  // namespace carbongate::store

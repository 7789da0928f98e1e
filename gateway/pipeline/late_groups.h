// What late data make of the alerts of a group: members that were raised or withdrawn in the past raise and withdraw
// the group there, too.
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "gateway/model/alert.h"
#include "gateway/model/site.h"
#include "gateway/pipeline/late_alerts.h"

namespace carbongate::pipeline {

// "incomer.power 457e0afef19d435b, press.energy 19e84f9f35fd229d and 3 more", of subjects and ids.
std::string members_text(std::span<const std::pair<std::string, std::string>> members);

// `members`: all alerts of each. `told` and `parents`: as of judge_late(). What goes on is told by the members
// themselves: only alerts that are over are raised and withdrawn here. Pure.
LateJudgement judge_late_group(const model::Site& site, const LateWatch& late, std::span<const AlertsOf> members,
                               std::span<const model::Alert> told, std::span<const AlertsOf> parents);

}  // namespace carbongate::pipeline

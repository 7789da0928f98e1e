// Alerts of points whose readings came late, by what the store has of both.
#pragma once

#include <atomic>
#include <span>
#include <vector>

#include "gateway/model/errors.h"
#include "gateway/model/site.h"
#include "gateway/pipeline/late_alerts.h"
#include "gateway/store/history.h"

namespace carbongate::app {

// Readings that one judgement holds at most, 24 bytes each: weeks of seconds. Of more only the newest are looked at.
inline constexpr std::size_t kLateReadingsMax = 2'000'000;

// Everything that was committed by `late.until` is in the store. Any one thread. `stop`: gives up soon after it has
// become true, with a fault.
model::Result<std::vector<pipeline::LateJudgement>> judge_late_alerts(store::History& history, const model::Site& site,
                                                                      std::span<const pipeline::LateWatch> late,
                                                                      const std::atomic<bool>& stop);

}  // namespace carbongate::app

// Alerts of points and users whose readings came late, by what the store has of both.
#pragma once

#include <atomic>
#include <span>
#include <vector>

#include "gateway/model/errors.h"
#include "gateway/model/site.h"
#include "gateway/pipeline/factor_registry.h"
#include "gateway/pipeline/late_alerts.h"
#include "gateway/store/history.h"

namespace carbongate::app {

// Readings that one judgement of a point holds at most, 24 bytes each: weeks of seconds. Of more only the newest are
// looked at. Of a user: late_rates.h.
inline constexpr std::size_t kLateReadingsMax = 2'000'000;

// Everything that was committed by `late.until` is in the store. `late`: in the order of the watches, so that what
// holds others back is judged before them. Any one thread. `stop`: gives up soon after it has become true, with a
// fault.
model::Result<std::vector<pipeline::LateJudgement>> judge_late_alerts(store::History& history, const model::Site& site,
                                                                      const pipeline::FactorRegistry& factors,
                                                                      std::span<const pipeline::LateWatch> late,
                                                                      const std::atomic<bool>& stop);

}  // namespace carbongate::app

// Reports of stations held against their stored readings, where some came late.
#pragma once

#include <atomic>
#include <span>
#include <vector>

#include "gateway/model/errors.h"
#include "gateway/model/site.h"
#include "gateway/pipeline/factor_registry.h"
#include "gateway/pipeline/late_reports.h"
#include "gateway/store/history.h"

namespace carbongate::app {

// Everything that was committed by the time `late` was asked for is in the store. Any one thread; memory: a day's
// reports. `stop`: gives up soon after it has become true, with a fault.
model::Result<std::vector<pipeline::LateReportJudgement>> judge_late_reports(
    store::History& history, const model::Site& site, const pipeline::FactorRegistry& factors,
    std::span<const pipeline::LateStation> late, const std::atomic<bool>& stop);

}  // namespace carbongate::app

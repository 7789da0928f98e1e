// The stored readings of some points as drivers said them: for whoever plays them through a pipeline.
#pragma once

#include <atomic>
#include <functional>
#include <span>

#include "drivers/api/reading.h"
#include "gateway/model/errors.h"
#include "gateway/model/site.h"
#include "gateway/pipeline/calendar.h"
#include "gateway/store/history.h"

namespace carbongate::app {

// What a reading of the store that gives up is answered by.
model::Fault stopped();

// Calls `take` with those of the span whose stamp was believed, ascending; of one instant in the order of their points,
// then as they were heard. Points are those of `site`. Until it answers false, and `stop`: gives up soon after it has
// become true, with a fault. Memory: as History::each_reading().
model::Result<void> each_said(store::History& history, const model::Site& site, std::span<const PointId> points,
                              const pipeline::Span& span, const std::atomic<bool>& stop,
                              const std::function<bool(const Reading&)>& take);

}  // namespace carbongate::app

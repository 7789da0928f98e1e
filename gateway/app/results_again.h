// What the results of a derived point are by the readings of its inputs, in the order of their times.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "gateway/app/recompute.h"
#include "gateway/app/repairs.h"
#include "gateway/app/replay.h"
#include "gateway/model/errors.h"
#include "gateway/model/site.h"
#include "gateway/pipeline/factor_registry.h"
#include "gateway/store/history.h"

namespace carbongate::app {

// The results that a restatement (recompute.h) of the entries that begin in [begin, end) makes, and does not store: its
// own and those that it is computed from, by time, from some hours before `begin` until all of it is counted. A counter
// begins at 0. With them the readings that they are made of, repaired, as they are judged in the order of time.
// `through`: of what was heard up to that place in the journal. Of a point that is read the answer is empty.
//
// Memory: 40 bytes for each reading of its inputs. One thread, which may be any.
model::Result<std::vector<Replay::Made>> results_again(store::History& history, const model::Site& site,
                                                       const pipeline::FactorRegistry& factors,
                                                       std::span<const Repair> repairs, PointId point, Instant begin,
                                                       Instant end, std::uint64_t through);

}  // namespace carbongate::app

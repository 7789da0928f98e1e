// What rejected readings say of the time around them: a point that answers, but not with a value, is not watched.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "gateway/model/checkpoint.h"
#include "gateway/pipeline/movement.h"

namespace carbongate::pipeline {

// Two accepted readings no further apart than gap_max watch the time between them. Where others between them were
// rejected (withdraws(), quality.h), only until the first of those: until then the one before it stood. So of minutes of
// which one in five is valid, a fifth is watched. The amount is known all the same, by the two that were accepted: the
// difference of a counter exactly, that of a rate by its trapezoid, as over a reading that was lost. How it came is
// estimated. Over more than gap_max nothing is watched, as ever; but a rate until the first rejected one, for which time
// the one before it is held: 45 valid minutes on end are 45.
//
// A rejected reading of the very instant of an accepted one says nothing. What a counter itself finds to be no value of
// its course (counter.h: a glitch, a 0) is no rejected reading: the register was read, and what it moved is known.
//
// Runs: ascending, and none overlaps another. Kept from what is counted for good on: of a counter from its baseline, as
// a step that waits for a decision is counted from there.

// A rejected reading, of which `last_at` is the newest accepted one. Without one before it there is nothing to watch.
void note_rejected(std::vector<model::RejectedRun>& runs, Instant at, std::optional<Instant> last_at);

// Everything until then is counted for good.
void forget_rejected(std::vector<model::RejectedRun>& runs, Instant until);

// The run that an accepted reading of that time lies within, which came after it: what was rejected next after it is
// not known. nullptr: there is none.
const model::RejectedRun* run_around(std::span<const model::RejectedRun> runs, Instant at);

// The first and the last rejected reading between the two instants.
std::optional<Instant> first_rejected(std::span<const model::RejectedRun> runs, Instant after, Instant before);
std::optional<Instant> last_rejected(std::span<const model::RejectedRun> runs, Instant after, Instant before);

// Says of what was counted from when on it was not watched.
void note_unwatched(std::span<const model::RejectedRun> runs, Counted& counted);

}  // namespace carbongate::pipeline

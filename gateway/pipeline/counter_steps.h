// What the files of CounterMeter share: what a step is by its verdict and by the state before it.
#pragma once

#include <algorithm>

#include "gateway/model/checkpoint.h"
#include "gateway/model/hj212_flag.h"
#include "gateway/model/quality.h"
#include "gateway/pipeline/counter_judge.h"

namespace carbongate::pipeline {

inline constexpr std::uint8_t kFallsMax = 3;

inline Hints hints_of(const model::CounterState& state, bool float32) {
  return {.float32 = state.falls < kFallsMax && float32,
          .abandoned = state.abandoned,
          .stands_since = state.stands_since,
          .settled_until = state.settled_until,
          .before = state.before};
}
// A step between two doubtful readings stands for itself.
inline Hints no_hints() {
  return {.float32 = false, .abandoned = {}, .stands_since = {}, .settled_until = Instant::max()};
}

inline bool is_zero(const Fix& fix) {
  return fix.second.since_zero() == model::Activity{};
}

inline bool stands_at_zero(const model::CounterState& state) {
  return state.abandoned && is_zero(*state.baseline);
}

inline bool needs_confirmation(Verdict verdict) {
  return verdict == Verdict::unusual || verdict == Verdict::stalled;
}
inline bool is_decided(Verdict verdict) {
  return !needs_confirmation(verdict) && verdict != Verdict::doubtful && verdict != Verdict::fall;
}

// Of one that is counted though it was out of order.
inline model::Quality late(model::Quality out_of_order) {
  const bool stopped = model::flag_said(out_of_order) == 'F';
  return {std::max(out_of_order.origin, model::Origin::late), stopped ? model::Rule::stopped : model::Rule::stale};
}

inline model::Quality remark(model::Quality quality, const Step& step, model::Rule rule) {
  return worse(quality, {step.ambiguous ? model::Origin::estimated : model::Origin::measured,
                         step.ambiguous ? model::Rule::rollover : rule});
}

}  // namespace carbongate::pipeline

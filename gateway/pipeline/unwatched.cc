#include "gateway/pipeline/unwatched.h"

#include <algorithm>

namespace carbongate::pipeline {

using model::RejectedRun;

namespace {

constexpr std::size_t kRunsMax = 64;  // of a counter that is in doubt for long; then the oldest are taken as one

}  // namespace

void note_rejected(std::vector<RejectedRun>& runs, Instant at, std::optional<Instant> last_at) {
  if (!last_at || at == *last_at) return;
  const auto behind = std::ranges::lower_bound(runs, at, {}, &RejectedRun::last);
  if (behind != runs.end() && behind->first <= at) return;
  // Since the newest accepted reading there is one run at most, and it is the last.
  if (at > *last_at && !runs.empty() && runs.back().first > *last_at) {
    runs.back().first = std::min(runs.back().first, at);
    runs.back().last = std::max(runs.back().last, at);
    return;
  }
  runs.insert(behind, {.first = at, .last = at});
  if (runs.size() <= kRunsMax) return;
  runs[1].first = runs[0].first;
  runs.erase(runs.begin());
}

void forget_rejected(std::vector<RejectedRun>& runs, Instant until) {
  std::erase_if(runs, [&](const RejectedRun& run) { return run.last <= until; });
  if (!runs.empty() && runs.front().first <= until) runs.front().first = runs.front().last;
}

const RejectedRun* run_around(std::span<const RejectedRun> runs, Instant at) {
  const auto run = std::ranges::find_if(runs, [at](const RejectedRun& r) { return r.first < at && at < r.last; });
  return run == runs.end() ? nullptr : &*run;
}

std::optional<Instant> first_rejected(std::span<const RejectedRun> runs, Instant after, Instant before) {
  for (const RejectedRun& run : runs) {
    for (const Instant at : {run.first, run.last}) {
      if (after < at && at < before) return at;
    }
  }
  return std::nullopt;
}

std::optional<Instant> last_rejected(std::span<const RejectedRun> runs, Instant after, Instant before) {
  for (auto run = runs.rbegin(); run != runs.rend(); ++run) {
    for (const Instant at : {run->last, run->first}) {
      if (after < at && at < before) return at;
    }
  }
  return std::nullopt;
}

void note_unwatched(std::span<const RejectedRun> runs, Counted& counted) {
  for (Movement& movement : counted.movements) {
    if (!movement.covered) continue;
    movement.unwatched_from = first_rejected(runs, movement.begin, movement.end);
    if (!movement.unwatched_from) continue;
    movement.quality = worse(movement.quality, {model::Origin::estimated, model::Rule::rejected});
  }
}

}  // namespace carbongate::pipeline

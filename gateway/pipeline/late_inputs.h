// Whether the inputs of a derived point come too far apart to be put together as they come.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "gateway/model/checkpoint.h"
#include "gateway/model/site.h"
#include "gateway/pipeline/rounds.h"

namespace carbongate::pipeline {

// A result takes its inputs as they stand. Where one of them is heard further behind another than they may lie apart in
// time, no result follows from what they say, in whatever order it comes; once it is all there, it is computed again.
class LateInputs {
 public:
  // The points as they were restored: those that are new may be missing at the end.
  LateInputs(const model::Site& site, std::span<const model::PointState> points);

  // A reading of an input of `result` was taken at that time: a value, or what withdraws one. True: that lies too far
  // behind another input.
  bool is_late(PointId result, Instant at);
  // Up to when all of its inputs were heard. nullopt: one was never.
  std::optional<Instant> heard_until(PointId result, std::span<const model::PointState> points) const;
  // RoundsBehind::settled() of any point.
  Instant settled(PointId point, Instant at) const { return results_[index(point)].rounds.settled(at); }
  // Whether that settles nothing by `at`: the result before that was of a sum with an input that was silent since then.
  bool is_silence(PointId result, Instant before, Instant at) const {
    const Instant settled = this->settled(result, before);
    return settled > before && settled < at;
  }

 private:
  struct Result {
    RoundsBehind rounds;
    std::vector<PointId> inputs;         // read from devices
    Duration max_age = Duration::max();  // the shortest on the way
    std::optional<Instant> newest;       // reading of any of them
  };
  std::vector<Result> results_;  // by point; those that are not derived have no inputs
};

}  // namespace carbongate::pipeline

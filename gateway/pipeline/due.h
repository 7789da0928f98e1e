// What follows from the readings of one instant, in the order in which it may be computed.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "gateway/pipeline/deriver.h"

namespace carbongate::pipeline {

// Holds the readings of one instant and batch from which others follow until all of them are known, in whatever order a
// message or a poll has them: so the inputs of a result are those that stand beside it under the same time. A result
// that is added may make further ones due, and a sum waits until nothing is due that it might be made of.
class Due {
 public:
  struct Step {
    std::vector<PointId> changed;  // results whose state in `points` is another now
    std::vector<Deriver::Derived> results;
    std::vector<Deriver::TakenBack> withdrawn = {};
  };

  explicit Due(const Deriver& deriver) : deriver_(deriver) {}  // which outlives it

  bool empty() const { return readings_.empty(); }
  Instant at() const { return readings_.front().reading.at; }  // not if empty

  // A reading that may be counted and is the newest of its point, or one that was rejected.
  void add(const Reading& reading, model::Quality quality) { readings_.push_back({reading, quality}); }

  // The next step, whose results are to be added in turn. nullopt: nothing is due any more, and empty() is true.
  std::optional<Step> next(std::vector<model::PointState>& points);

 private:
  struct Judged {
    Reading reading;
    model::Quality quality;
  };
  Step derive_from(const Judged& judged, std::vector<model::PointState>& points);
  Step conclude_first(std::vector<model::PointState>& points);
  Deriver::Round& round_of(std::uint32_t derived, Instant at);

  const Deriver& deriver_;
  std::vector<Judged> readings_;
  std::size_t done_ = 0;                // of them
  std::vector<Deriver::Round> rounds_;  // of the sums they are terms of
};

}  // namespace carbongate::pipeline

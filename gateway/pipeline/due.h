// What follows from the readings of one instant, in the order in which it may be computed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "gateway/pipeline/deriver.h"

namespace carbongate::pipeline {

// Holds the readings of one instant and batch from which others follow until all of them are known, in whatever order a
// message or a poll has them: so the inputs of a result are those that stand beside it under the same time. A result
// that is added may make further ones due, and a sum waits until nothing is due that it might be made of, nor waits.
//
// Where the inputs come in messages of their own, a reading that a result follows waits until every other input has
// been heard of its time or a later one, or just before it in the same poll; but no longer than `Derived::wait`, and
// not beyond the next of its own. At most one waits for each result: DerivedState::waiting. What it makes is then what
// stood at its time, so that it is the same in whatever order they came. Before a reading of a later time is taken in,
// release_before() lets go what must come before it; so nothing is made of readings of several times at once.
class Due {
 public:
  struct Step {
    std::vector<PointId> changed;  // results whose state in `points` is another now
    std::vector<Deriver::Derived> results;
    std::optional<Instant> heard = {};  // when the reading was that waited; nullopt: now
    std::vector<Deriver::TakenBack> withdrawn = {};
  };

  // `in_order`: nothing of an earlier time comes any more, and all of one instant is in one batch: nothing need wait.
  Due(const Deriver& deriver, bool in_order) : deriver_(deriver), in_order_(in_order) {}  // `deriver` outlives it

  // What waited when the states were stored.
  void restore(const std::vector<model::PointState>& points);

  // A reading that may be counted and is the newest of its point, or one that was rejected.
  void add(const Reading& reading, model::Quality quality) { readings_.push_back({reading, quality}); }
  // A batch begins, or something else than a batch.
  void begin_batch() { ++batch_; }
  // A reading was taken in that has a value, or withdraws one: something may have waited for it.
  void heard(PointId point);

  // Readings of one instant are about to be taken in. False: nothing must be made before them.
  bool release_before(std::span<const Reading> readings, const std::vector<model::PointState>& points);

  // What was to be heard meanwhile may be on its way still: everything waits anew from then on.
  void wait_anew(Instant now);

  // The next step, whose results are to be added in turn. `now`: up to when what came is there. nullopt: nothing is due
  // any more.
  std::optional<Step> next(std::vector<model::PointState>& points, Instant now);

 private:
  struct Judged {
    Reading reading;
    model::Quality quality;
  };
  struct Waiting {
    std::uint32_t derived = 0;
    Instant at{};
    Instant until{};
    std::uint64_t batch = 0;
    bool is_ready = false;  // it need not wait any more
  };
  Step derive_from(const Judged& judged, std::vector<model::PointState>& points, Instant now);
  Step conclude(std::vector<Deriver::Round>::iterator round, std::vector<model::PointState>& points);
  Step make(std::uint32_t derived, std::vector<model::PointState>& points);
  void wait(const Waiting& waiting);
  Waiting* find(std::uint32_t derived);  // nullptr: nothing waits for it
  void find_ready(const std::vector<model::PointState>& points, Instant now);
  void find_overdue(Instant now);
  void release_before(const Reading& reading, const std::vector<model::PointState>& points);
  void release_beside(const Reading& reading, std::uint32_t derived, const std::vector<model::PointState>& points);
  void release(Waiting& waiting);
  void set_ready(Waiting& waiting);
  bool is_all_there(const Waiting& waiting, const std::vector<model::PointState>& points,
                    std::optional<PointId> but = {}) const;
  bool is_behind(const Waiting& waiting, Instant now) const;
  bool is_behind(const Deriver::Round& round) const;
  Duration wait_of(std::uint32_t derived) const { return in_order_ ? Duration::zero() : deriver_.wait(derived); }
  Deriver::Round& round_of(std::uint32_t derived, Instant at);

  const Deriver& deriver_;
  bool in_order_;
  std::vector<Judged> readings_;
  std::size_t done_ = 0;                // of them
  std::vector<Deriver::Round> rounds_;  // of the sums they are terms of
  std::vector<Waiting> waiting_;
  std::vector<std::size_t> places_;       // in it, by rule
  std::vector<std::uint32_t> asked_;      // of these: an input was heard
  std::vector<std::uint32_t> ready_;      // of these
  Instant first_until_ = Instant::max();  // none of these is overdue before
  Instant now_ = Instant::min();
  std::uint64_t batch_ = 1;
  std::vector<std::uint64_t> heard_in_;  // by point: the batch
};

}  // namespace carbongate::pipeline

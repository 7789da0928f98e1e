// When the rounds of a sum begin anew.
#pragma once

#include <chrono>
#include <vector>

#include "drivers/api/reading.h"
#include "gateway/model/site.h"

namespace carbongate::pipeline {

// A round of a sum is over once each of its inputs has said something new. Which reading of one goes with which of
// another would hang on all that was ever heard, and a reading that came late would shift it for good: so a round does
// not reach over these times, which are the same in whatever order the readings come.
class Rounds {
 public:
  // Long enough for inputs that are no older than that to have a round in each.
  constexpr explicit Rounds(Duration max_age) : max_age_(max_age) {
    while (length_ < 2 * max_age_) length_ *= 2;
  }

  constexpr Duration length() const { return length_; }
  constexpr Instant begin(Instant at) const {
    const Duration since = at.time_since_epoch() - kBeginsAt;
    return Instant(kBeginsAt + since / length_ * length_);
  }
  // Behind it nothing hangs on what was heard until `at`, where no input is silent.
  constexpr Instant settled(Instant at) const { return begin(at) + length_ + max_age_; }

 private:
  // Off the times that meters are read at, or a jitter of the clock would part what is read together.
  static constexpr Duration kBeginsAt = std::chrono::minutes(7) + std::chrono::milliseconds(37'300);

  Duration max_age_;
  Duration length_ = std::chrono::minutes(15);
};

// A term of a sum that lies so little behind a result counts for the next one: meters that are read side by side are
// heard in any order. One of its very stamp belongs to it.
inline constexpr Duration kTermsApart = std::chrono::seconds(5);

// Those of all sums among a point and what it is computed from.
class RoundsBehind {
 public:
  RoundsBehind() = default;  // none
  RoundsBehind(const model::Site& site, PointId point);

  // Behind it nothing of the point hangs on what was heard until `at`, but for the counters of its inputs. `at` itself
  // where there are no sums.
  Instant settled(Instant at) const;
  Duration length() const;  // of one behind the other

 private:
  std::vector<Rounds> rounds_;  // of what is computed from others before those
};

}  // namespace carbongate::pipeline

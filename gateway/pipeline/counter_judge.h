// One step of a counter, from one value to another: what it can be, by what the connection can deliver and by what is
// known of the register. Pure: what the steps before it mean is the business of counter.h.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "drivers/api/point.h"
#include "gateway/model/carrier.h"
#include "gateway/model/quantity.h"
#include "gateway/pipeline/connection.h"

namespace carbongate::pipeline {

// What a register showed, and when. Its value is in quanta of the carrier, without the transformers' ratio.
using RegisterValue = model::Cumulative<model::Activity>;
using Fix = std::pair<Instant, RegisterValue>;

enum class Verdict {
  standstill,  // no step, or one down by the rounding of a 32-bit float
  forward,     // what the connection delivers; of a net register in either direction
  rollover,    // through the end of the register
  replaced,    // across a replacement that was announced
  returned,    // back on the course that was given up
  unusual,     // more than few connections deliver, and power_max is not known
  stalled,     // more than the connection delivers since the last reading, but not since the register last moved
  fall,        // a small step down
  doubtful,    // none of these
};

// A part of a step within which the register ran on: it moved from `from` by `moved` quanta of its own.
struct Stretch {
  Fix from;
  Instant end{};
  std::int64_t moved = 0;
  bool exact = true;  // false: the announced values do not fit those read
};

struct Step {
  Verdict verdict = Verdict::doubtful;
  std::vector<Stretch> stretches{};  // in order of time; empty unless something is to be booked
  bool ambiguous = false;            // the register may have gone through its end once more, unseen
  Instant settled_until{};           // replaced: the last replacement within the step
};

// What the steps before tell about a step.
struct Hints {
  bool float32 = false;  // the values read are such as a 32-bit float has
  std::optional<Fix> abandoned;
  std::optional<Instant> stands_since;
  std::optional<Instant> settled_until;
  std::optional<Fix> before = {};  // what it showed before the value that the step is from, on the same course
};

// A replacement is looked for this far around the time that was announced.
inline constexpr Duration kAnnouncedToWithin = std::chrono::hours(12);

// An exact amount of a stretch, cut where the transformers' ratio changes.
struct Piece {
  Instant begin{};
  Instant end{};
  model::Activity amount{};
  bool cut = false;  // one of several: how the amount divides is estimated
};

class CounterJudge {
 public:
  CounterJudge(const Point& point, model::ActivityScale scale, const Connection& connection);

  // Whether sums with this value fit into 64 bits, the ratio included.
  bool holds(model::Activity register_value) const;
  model::Activity most() const { return model::Activity::of(total_max_); }  // that it holds

  // from.first < to.first.
  Step judge(const Fix& from, const Fix& to, const Hints& hints) const;

  // Whether the step can be one through the end of the register.
  bool may_roll_over(const Fix& from, const Fix& to) const;

  // Whether the step goes to exactly 0 and would be a rollover: as likely a register that could not be read.
  bool rollover_or_zero(const Fix& from, const Fix& to) const;

  // Whether the whole register was multiplied or divided by one number, as when a transformer's ratio is entered.
  bool rescaled(const Fix& from, const Fix& to) const;

  // Whether a register that was set to 0 after `from` can stand at `to`.
  bool from_zero(const Fix& from, const Fix& to) const;

  // Whether a register that showed 0 at `zero` can stand at `to` by what flowed since. power_max is known, and `count`
  // is all that it may count at once: the two values alone would make any step from 0 one count.
  bool delivered_from_zero(const Fix& zero, const Fix& to, std::int64_t count) const;

  bool power_known() const { return connection_.known; }
  std::int64_t count() const { return count_; }  // of the register, in quanta; 0: not known

  std::vector<Piece> pieces(const Stretch& stretch) const;
  model::Activity worth(const Stretch& stretch) const;  // the sum of its pieces
  model::Activity worth(const Step& step) const;

 private:
  struct Replaced {
    Instant at;
    std::int64_t final;
    std::int64_t initial;
  };
  struct Ratio {
    Instant from;
    std::int64_t numerator;
    std::int64_t denominator;
  };

  Step judge_unannounced(const Fix& from, const Fix& to, const Hints& hints) const;
  std::optional<Step> judge_announced(const Fix& from, const Fix& to, const Hints& hints, Duration within) const;
  std::optional<Step> across(std::span<const Replaced> replaced, const Fix& from, const Fix& to) const;
  bool has_happened(const Replaced& r, const Fix& to) const;
  bool happened_between(const Fix& from, const Fix& to, const Hints& hints) const;
  std::optional<std::int64_t> wrapped(const Fix& from, const Fix& to, Duration time) const;
  bool plausible_wrap(const Fix& from, const Fix& to, std::int64_t range, std::int64_t moved, Duration time) const;
  bool could_wrap_once_more(const Stretch& stretch) const;
  bool possible(const Stretch& stretch, std::int64_t rate, Duration time, std::int64_t count) const;
  bool deliverable(const Fix& from, const Fix& to, std::int64_t rate, std::int64_t count) const;
  Ratio ratio_at(Instant at) const;

  Connection connection_;
  std::vector<std::int64_t> ranges_;  // ascending
  std::vector<Replaced> replaced_;
  std::vector<Ratio> ratios_;
  std::int64_t total_max_ = 0;
  std::int64_t count_ = 0;
  std::int64_t unit_ = 0;  // 1 of the point's unit, in quanta
  bool runs_back_ = false;
};

}  // namespace carbongate::pipeline

// JudgedReading -> movements of activity: counters are subtracted, amounts taken, rates integrated; then cut into
// quarter hours. All in integers: the movements of a counter add up to exactly what it moved.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "drivers/api/point.h"
#include "gateway/model/carrier.h"
#include "gateway/model/checkpoint.h"

namespace carbongate::pipeline {

// Activity between two instants, as one reading brought it to light.
struct Movement {
  Instant begin{};
  Instant end{};  // > begin
  model::Activity amount{};
  bool covered = true;  // watched: the readings around it are no further apart than gap_max
  model::Quality quality{};
  std::int64_t rate_rise = 0;  // of an integrated rate: how much it rose from begin to end, in quanta per hour

  // How much of the amount falls before `at`, begin <= at <= end: linear in time, or as the rate rose. until(end) is
  // the whole amount, so parts cut at any instants add up to it.
  model::Activity until(Instant at) const;

  // Nothing to count, only a time that was not watched: it leaves its mark on the quarter hours at both ends.
  bool hollow() const { return !covered && amount == model::Activity{}; }
};

// What one reading meant.
struct Counted {
  model::Quality quality;  // of the reading, with what the counter's step revealed
  std::size_t count = 0;
  Movement movements[3]{};

  void add(const Movement& movement);  // drops an empty time span
  const Movement* begin() const { return movements; }
  const Movement* end() const { return movements + count; }
};

// Counting stretches over at most this time before a reading; what a counter moved in a longer silence is spread over
// the last part of it. The sum stays exact, and a device that wakes after ten years does not cause 350 000 rows.
inline constexpr Duration kSpreadMax = std::chrono::hours(24 * 400);

// Counts the readings of one accounted point. Constant: what must be remembered is in the PointState.
//
// Cumulative. The step from the baseline is judged by what the connection can deliver: power_max_w with 10 % margin, 10
// s of full load for uneven polling, and one count for coarse registers. Without power_max_w: what no connection
// delivers (5 GW). A step down by the rounding of a 32-bit float is none. A step down is a rollover if rollover_at is
// known and the wrapped step plausible (without power_max_w: from the last to the first tenth of the range). Any other
// step is doubtful; so is, without power_max_w, one of more than 10 MW. A doubtful reading is kept as pending, and the
// next ones decide:
//   - back at or above the baseline by a plausible step: a glitch, never counted;
//   - going on from the pending value: counted in full if the connection could deliver it, unless the counter stood at
//     exactly 0 before, the usual sign of an unreadable register; else a reset: the baseline moves to the pending
//     value, and the energy before it is unknown and booked as 0;
//   - neither, twice: a reset at the newest reading.
// A counter that never moved since such a reset and returns to its old value or above was unreadable, not reset: the
// difference to the old value is counted.
//
// Interval. The amount is taken as it is. It belongs to the time since the reading before, but not more than `interval`
// where that is known and was exceeded by half; without it at most 24 h; else to the 15 minutes before the reading. A
// negative amount is rejected (range) unless `min` allows it, and one beyond twice what the connection delivers in that
// time (at least an hour). One older than the newest is rejected at first: it may be a second delivery. Restatement,
// which sees them all in the order of their times, counts it if it is none.
//
// Instantaneous. A rate (kW, m3/h, kg/h) is integrated by trapezoids, rounded to the nearest quantum with the remainder
// carried to the next one of the same quarter hour: so a quarter hour follows from the readings in and around it alone,
// and can be restated to the last unit without those of years before. Signed, unless `min` forbids; beyond twice what
// the connection can deliver it is rejected (range). Over a gap longer than gap_max nothing is assumed.
class EnergyMeter {
 public:
  // nullopt: the point's unit does not fit the carrier (explain_mismatch()), or a rate is marked as a total or vice
  // versa.
  static std::optional<EnergyMeter> make(const Point& point, const model::Carrier& carrier);

  // `quality`: as judged. Counts the reading if countable(quality), and updates the state except last_at and
  // last_value.
  Counted count(const Reading& reading, model::Quality quality, model::PointState& state) const;

  // Up to when the point is counted for good: calendar periods that end there are complete.
  std::optional<Instant> counted_until(const model::PointState& state) const;

 private:
  using Counter = model::Cumulative<model::Activity>;
  using Fix = std::pair<Instant, Counter>;

  enum class Verdict { forward, standstill, rollover, returned, unusual, doubtful };
  struct Step {
    Verdict verdict = Verdict::doubtful;
    model::Activity amount{};
  };

  EnergyMeter(const Point& point, model::ActivityScale scale) : scale_(scale), kind_(point.kind) {}

  Counted count_total(const Reading& reading, model::Quality quality, model::PointState& state) const;
  Counted count_amount(const Reading& reading, model::Quality quality, const model::PointState& state) const;
  Counted count_rate(const Reading& reading, model::Quality quality, model::PointState& state) const;
  Counted decide(const Fix& now, model::Quality quality, model::PointState& state) const;
  void book_step(const Step& step, const Fix& now, model::Quality quality, model::PointState& state,
                 Counted& out) const;
  void start_again(const Fix& from, const Fix& now, model::Quality quality, model::PointState& state,
                   Counted& out) const;

  Step judge(const Fix& from, const Fix& to, const std::optional<Fix>& abandoned) const;
  bool deliverable(const Fix& from, const Fix& to) const;
  bool plausible_rollover(const Fix& from, const Fix& to, std::int64_t wrapped) const;
  Movement movement(Instant begin, Instant end, model::Activity amount, model::Quality quality) const;

  model::ActivityScale scale_;
  Kind kind_;
  std::int64_t rate_max_ = 0;          // quanta per hour that the connection can deliver at most, margin included
  bool rate_known_ = false;            // from power_max_w
  std::int64_t rate_usual_ = 0;        // beyond it a step waits for the next reading; rate_max_ if that is known
  std::optional<std::int64_t> range_;  // rollover_at in quanta
  bool negative_allowed_ = false;
  Duration interval_{};
  Duration gap_max_{};
};

}  // namespace carbongate::pipeline

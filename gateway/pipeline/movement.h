// Movements of activity: what the energy stage makes of readings, before they are cut into quarter hours.
#pragma once

#include <algorithm>
#include <boost/container/small_vector.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "drivers/api/reading.h"
#include "gateway/model/quality.h"
#include "gateway/model/quantity.h"

namespace carbongate::pipeline {

using Wide = __int128;
Wide floor_div(Wide dividend, Wide divisor);  // divisor > 0
std::int64_t saturate(Wide value);            // what lies beyond 64 bits is the largest there is, of its sign

inline constexpr std::int64_t kTrapezoidScale = 2 * 3'600'000;  // of PointState::integration_remainder

// Counting stretches over at most this time before a reading; what a counter moved in a longer silence is spread over
// the last part of it. The sum stays exact, and a device that wakes after ten years does not cause 350 000 rows.
inline constexpr Duration kSpreadMax = std::chrono::hours(24 * 400);

// A rate between two readings, in quanta per hour, that rises as a straight line.
struct Trapezoid {
  std::int64_t rate = 0;  // at the first of them
  std::int64_t rise = 0;  // until the second
  std::int64_t rest = 0;  // what rounding left over in the quarter hour before them, of kTrapezoidScale
};

// What it amounts to between `begin` and `at`, begin <= at <= end: each quarter hour is rounded once, to the nearest,
// and what is left over at `at` stays for what comes in the same one.
struct Integrated {
  model::Activity amount{};
  std::int64_t rest = 0;
};
Integrated integrate(const Trapezoid& rate, Instant begin, Instant end, Instant at);

// Activity between two instants, as one reading brought it to light.
struct Movement {
  Instant begin{};
  Instant end{};  // > begin
  model::Activity amount{};
  bool covered = true;  // watched: the readings around it are no further apart than gap_max
  model::Quality quality{};
  std::optional<Trapezoid> trapezoid{};     // of an integrated rate
  std::optional<Instant> unwatched_from{};  // the first rejected reading in it: from there on it was not watched

  // How much of the amount falls before `at`, begin <= at <= end: linear in time, or by the rate. until(end) is
  // the whole amount, so parts cut at any instants add up to it.
  model::Activity until(Instant at) const;

  // How much of the time between these was watched, begin <= from <= until <= end.
  Duration watched(Instant from, Instant until) const {
    if (!covered) return {};
    const Instant last = unwatched_from ? std::clamp(*unwatched_from, from, until) : until;
    return last - from;
  }

  // How much of it was not, though both ends were.
  Duration bridged(Instant from, Instant until) const {
    return covered ? until - from - watched(from, until) : Duration{};
  }

  // Nothing to count, only a time that was not watched: it leaves its mark on the quarter hours at both ends.
  bool hollow() const { return !covered && amount == model::Activity{}; }
};

// A value that was counted, and that what followed has shown to be wrong: counter.h.
struct Withdrawn {
  Instant from{};           // of the last reading before it
  Instant first{};          // when it was shown
  Instant last{};           // and when last
  model::Activity surplus;  // how much too much is counted between `from` and `last`
};

// What one reading meant.
struct Counted {
  static constexpr std::size_t kMovementsMax = 256;

  model::Quality quality;  // of the reading, with what the counter's step revealed
  boost::container::small_vector<Movement, 2> movements{};
  std::optional<Instant> course_from{};  // the counter was found on another course, which it follows since then
  std::vector<Withdrawn> withdrawn{};

  // Each begins where the one before ends, or later. Drops an empty time span; where there is no room the last movement
  // is stretched.
  void add(const Movement& movement);
  // Likewise all that the next reading meant.
  void append(const Counted& next);
  auto begin() const { return movements.begin(); }
  auto end() const { return movements.end(); }
};

}  // namespace carbongate::pipeline

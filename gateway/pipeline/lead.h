// What a fresh pipeline needs of a point from before a time until its state is the one that the whole history would
// give. Pure.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <limits>

#include "drivers/api/point.h"
#include "drivers/api/reading.h"
#include "gateway/pipeline/counter.h"

namespace carbongate::pipeline {

inline constexpr Duration kLead = std::chrono::hours(1);  // all readings from so long before
inline constexpr std::size_t kReadingsBehind = 64;        // after it, to close it: more than any doubt lasts
static_assert(kReadingsBehind > kCourseReadingsMax + kCourseReadings);

// The usable readings found in front of that time.
class Lead {
 public:
  explicit Lead(Kind kind) : kind_(kind) {}

  void note(Instant at, double value) {
    ++found_;
    newest_ = std::max(newest_, at);
    oldest_ = std::min(oldest_, at);
    lowest_ = std::min(lowest_, value);
    highest_ = std::max(highest_, value);
  }

  // Of more than one quarter hour, with which the remainders of integration end; and of a counter so many that it is
  // seen to move, for then its baseline is the last one.
  bool is_enough() const {
    if (found_ < kReadings) return false;
    if (found_ >= kReadingsMax) return true;
    using Quarters = std::chrono::duration<std::int64_t, std::ratio<900>>;
    if (std::chrono::floor<Quarters>(oldest_) >= std::chrono::floor<Quarters>(newest_)) return false;
    return kind_ != Kind::cumulative || lowest_ < highest_;
  }

  static constexpr std::size_t kReadingsMax = 2'000;  // of a counter that stands still

 private:
  // They may begin on another course, which the counter then leaves.
  static constexpr std::size_t kReadings = 2 * kCourseReadings + 8;

  Kind kind_;
  std::size_t found_ = 0;
  Instant newest_ = Instant::min();
  Instant oldest_ = Instant::max();
  double lowest_ = std::numeric_limits<double>::infinity();
  double highest_ = -std::numeric_limits<double>::infinity();
};

}  // namespace carbongate::pipeline

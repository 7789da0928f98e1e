// What a fresh pipeline needs of a point from before a time until its state is the one that the whole history would
// give. Pure.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>

#include "drivers/api/point.h"
#include "drivers/api/reading.h"
#include "gateway/pipeline/counter.h"

namespace carbongate::pipeline {

inline constexpr Duration kLead = std::chrono::hours(1);  // all readings from so long before
// After it, to close it: all readings of so long, for a counter whose value stands still is in doubt for an hour...
inline constexpr Duration kDoubtLasts = std::chrono::hours(1);
inline constexpr Duration kBehind = kDoubtLasts + std::chrono::minutes(30);
inline constexpr std::size_t kReadingsBehind = 64;  // ...and then so many: more than any other doubt lasts
static_assert(kReadingsBehind > kCourseReadingsMax + kCourseReadings);

// The usable readings found in front of that time.
class Lead {
 public:
  // `runs_back`: of a counter that is counted in both directions.
  explicit Lead(Kind kind, bool runs_back = false) : kind_(kind), newer_(runs_back), older_(runs_back) {}

  // In any order; what lies between two noted before counts as found only.
  void note(Instant at, double value) {
    ++found_;
    if (found_ == 1) {
      newest_ = oldest_ = at;
      newer_.go(value);
      older_.go(value);
    } else if (at > newest_) {
      newest_ = at;
      newer_.go(value);
    } else if (at < oldest_) {
      oldest_ = at;
      older_.go(value);
    }
  }

  // Of more than one quarter hour, with which the remainders of integration end; and of a counter so many on a course
  // that whatever was before is settled: which course it had given up, and since when it stands still. That may be long
  // ago: a register that cannot be read shows 0 for days, and goes on where it was.
  bool is_enough() const {
    if (found_ < kReadings) return false;
    using Quarters = std::chrono::duration<std::int64_t, std::ratio<900>>;
    const bool one_quarter = std::chrono::floor<Quarters>(oldest_) >= std::chrono::floor<Quarters>(newest_);
    if (kind_ != Kind::cumulative) return !one_quarter || found_ >= kReadingsMax;
    if (newer_.changes() + older_.changes() >= kChangesMax) return true;
    return !one_quarter && newer_.on_course() + older_.on_course() >= kReadingsOnCourse;
  }

 private:
  static constexpr std::size_t kReadingsOnCourse = 2 * kCourseReadings;
  // They may begin on another course, which the counter then leaves.
  static constexpr std::size_t kReadings = kReadingsOnCourse + 8;
  static constexpr std::size_t kReadingsMax = 2'000;  // within a quarter hour
  static constexpr std::size_t kChangesMax = 200;     // of one that follows no course for long: bounds what is kept
  static constexpr std::size_t kChangesOnCourse = 5;  // fewer to one side may be glitches

  // From the first one on, in one direction of time: how many readings lie between changes to the same side.
  class Course {
   public:
    explicit Course(bool both_sides) : both_sides_(both_sides) {}

    void go(double value) {
      ++since_change_;
      if (last_ && *last_ != value) {
        const bool up = value > *last_;
        if (changes_ != 0 && (up == up_ || both_sides_)) {
          stretch_ += since_change_;
          ++stretch_changes_;
        } else {
          before_ = on_course();
          stretch_ = 0;
          stretch_changes_ = 1;
        }
        ++changes_;
        up_ = up;
        since_change_ = 0;
      }
      last_ = value;
    }
    std::size_t on_course() const { return before_ + (stretch_changes_ < kChangesOnCourse ? 0 : stretch_); }
    std::size_t changes() const { return changes_; }

   private:
    bool both_sides_;
    bool up_ = false;
    std::optional<double> last_;
    std::size_t changes_ = 0;
    std::size_t since_change_ = 0;
    std::size_t stretch_ = 0;
    std::size_t stretch_changes_ = 0;
    std::size_t before_ = 0;  // of stretches that are over
  };

  Kind kind_;
  std::size_t found_ = 0;
  Instant newest_{};
  Instant oldest_{};
  Course newer_;
  Course older_;
};

}  // namespace carbongate::pipeline

#include "protocols/io/disciplined_clock.h"

#include <algorithm>

namespace carbongate::io {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

DisciplinedClock::DisciplinedClock(Clock& machine)
    : machine_(machine),
      base_(machine.now().time_since_epoch() - machine.ticks().time_since_epoch()),
      followed_(machine.ticks()) {}

void DisciplinedClock::begin(WallTime earliest, WallTime floor, WallTime latest, std::optional<milliseconds> base) {
  const std::scoped_lock lock(mutex_);
  const WallTime wall = machine_.now();
  followed_ = machine_.ticks();
  earliest_ = earliest;
  floor_ = floor;
  latest_ = latest;
  base_ = course_ = wall.time_since_epoch() - followed_.time_since_epoch();
  course_since_ = followed_;
  stepped_ = false;
  known_ = (wall >= floor_ && wall <= latest_) || machine_.is_synchronised();
  if (!base || machine_.is_synchronised()) return;
  // A former run doubted a step away from a time that was believable: so does this one.
  stepped_ = WallTime(followed_.time_since_epoch() + *base) >= floor_ && std::chrono::abs(course_ - *base) > kStepMax;
  if (stepped_) known_ = false;
  if (!known_) base_ = *base;
}

WallTime DisciplinedClock::now() const {
  const std::scoped_lock lock(mutex_);
  follow();
  return WallTime(followed_.time_since_epoch() + base_);
}

bool DisciplinedClock::is_known() const {
  const std::scoped_lock lock(mutex_);
  follow();
  return known_;
}

void DisciplinedClock::follow() const {
  const SteadyTime ticks = machine_.ticks();
  const milliseconds elapsed = ticks - followed_;
  followed_ = ticks;
  if (!known_) return;
  const milliseconds course = machine_.now().time_since_epoch() - ticks.time_since_epoch();
  const milliseconds off = course - base_;
  if (std::chrono::abs(off) > kStepMax) {
    if (machine_.is_synchronised()) {
      base_ = course;
      return;
    }
    known_ = false;
    stepped_ = true;
    course_ = course;
    course_since_ = ticks;
  } else if (off >= 0ms) {
    base_ = course;
  } else {
    const milliseconds back = std::min(-off, (elapsed + odd_) / 2);
    odd_ = (elapsed + odd_) % 2;
    base_ -= back;
  }
}

bool DisciplinedClock::settle() {
  const std::scoped_lock lock(mutex_);
  follow();
  if (known_) return false;
  const milliseconds course = machine_.now().time_since_epoch() - followed_.time_since_epoch();
  if (std::chrono::abs(course - course_) > kSameCourse) {
    course_ = course;
    course_since_ = followed_;
  }
  const bool came_back = stepped_ && std::chrono::abs(course - base_) <= kStepMax;
  const bool vouched_for = machine_.is_synchronised();
  if (!came_back && !vouched_for && !has_convinced(WallTime(followed_.time_since_epoch() + course))) return false;
  known_ = true;
  if (!came_back) base_ = course;  // else it goes over evenly, as it does from any small difference
  return true;
}

bool DisciplinedClock::has_convinced(WallTime wall) const {
  const milliseconds kept = followed_ - course_since_;
  if (wall < earliest_) return false;
  const WallTime latest = stepped_ ? WallTime(followed_.time_since_epoch() + base_) + kLeapMax : latest_;
  if (wall < floor_ || wall > latest) return kept >= kObstinate;
  return !stepped_ || kept >= kSettled;
}

}  // namespace carbongate::io

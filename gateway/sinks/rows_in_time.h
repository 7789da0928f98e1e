// How many rows a destination takes within its timeout: learned from what became of them.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace carbongate::sinks {

// After each offer that was too much half as many, down to one. Twice as many after one that was taken in less than
// half of the time in which the other was not. A destination that is away takes nothing in time either: once it is back
// a few small offers come first.
class RowsInTime {
 public:
  std::size_t limit() const { return limit_; }  // SIZE_MAX: none is known

  void not_taken(std::size_t rows, std::chrono::milliseconds within) {
    limit_ = std::max<std::size_t>(rows / 2, 1);
    too_long_ = std::max(too_long_, within);
  }

  // `wanted`: as many as there are to be, without a limit.
  void taken(std::size_t rows, std::chrono::milliseconds within, std::size_t wanted) {
    if (rows < limit_ || within * 2 > too_long_) return;
    limit_ = limit_ < wanted ? limit_ * 2 : SIZE_MAX;
  }

 private:
  std::size_t limit_ = SIZE_MAX;
  std::chrono::milliseconds too_long_{};
};

}  // namespace carbongate::sinks

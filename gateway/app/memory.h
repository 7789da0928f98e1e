// Whether the process stays within the memory that the configuration gives it.
#pragma once

#include <cstdint>
#include <optional>

#include "protocols/io/clock.h"

namespace carbongate::app {

// Of this process, now.
std::uint64_t resident_bytes();

// | in memory                        | what follows                                                     |
// | more than kHoldAbove of the max  | drivers wait: brokers keep their messages, polls are left out    |
// | less than kReleaseBelow again    | they go on                                                       |
// | neither, kHoldMax later          | an orderly stop: what holds the memory is not what they bring    |
class MemoryGuard {
 public:
  static constexpr double kHoldAbove = 0.9;
  static constexpr double kReleaseBelow = 0.8;
  static constexpr std::chrono::milliseconds kHoldMax = std::chrono::minutes(5);

  explicit MemoryGuard(std::uint64_t max) : max_(max) {}

  enum class Verdict { go_on, hold, release, give_up };
  bool holds() const { return held_since_.has_value(); }
  Verdict observe(std::uint64_t bytes, io::SteadyTime now);

 private:
  std::uint64_t max_;
  std::optional<io::SteadyTime> held_since_;
};

}  // namespace carbongate::app

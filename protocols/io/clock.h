// The only source of time. Everything that waits or stamps gets a Clock; tests hand in one that jumps.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>

namespace carbongate::io {

using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;
using SteadyTime = std::chrono::time_point<std::chrono::steady_clock, std::chrono::milliseconds>;

class Clock {
 public:
  virtual ~Clock() = default;

  // Wall time, UTC: for stamps. May jump either way when the machine's clock is set.
  virtual WallTime now() const = 0;

  // Monotonic time: for deadlines, intervals and retries. Never jumps.
  virtual SteadyTime ticks() const = 0;

  // Completes at `deadline`, or at once if that has passed. Cancellation completes it with operation_aborted.
  virtual boost::asio::awaitable<void> sleep_until(SteadyTime deadline) = 0;
};

}  // namespace carbongate::io

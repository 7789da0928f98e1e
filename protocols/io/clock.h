// The only source of time. Everything that waits or stamps gets a Clock; tests hand in one that jumps.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>

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

  // Which run of the machine ticks() counts in: after a restart of the program the same, after one of the machine
  // another.
  virtual std::uint64_t boot() const { return 0; }

  // What the machine's own clock says, right or wrong: for messages.
  virtual WallTime machine_now() const { return now(); }

  // Whether the machine says that a time server keeps its clock. Many machines cannot tell: false.
  virtual bool is_synchronised() const { return false; }

  // False: nobody knows the time. now() then runs on at the machine's rate from where it stood, until settle().
  virtual bool is_known() const { return true; }

  // Goes over to the true time if it has become known. True: it has, just now; what now() said since it was not known
  // is off by as much as now() - ticks() has changed.
  virtual bool settle() { return false; }

  // Completes at `deadline`, or at once if that has passed. Cancellation completes it with operation_aborted.
  virtual boost::asio::awaitable<void> sleep_until(SteadyTime deadline) = 0;
};

}  // namespace carbongate::io

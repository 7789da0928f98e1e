// The machine's clock. The only file that asks it is system_clock.cc; a test keeps it so.
#pragma once

#include <sys/timex.h>

#include <cstdint>

#include "protocols/io/clock.h"

namespace carbongate::io {

class SystemClock final : public Clock {
 public:
  // `ask`, `boot_id`: of the kernel. A test has others.
  explicit SystemClock(int (*ask)(timex*) = ::adjtimex, const char* boot_id = "/proc/sys/kernel/random/boot_id");

  WallTime now() const override;
  SteadyTime ticks() const override;
  std::uint64_t boot() const override { return boot_; }
  bool is_synchronised() const override;
  boost::asio::awaitable<void> sleep_until(SteadyTime deadline) override;

 private:
  int (*ask_)(timex*);
  std::uint64_t boot_;
};

}  // namespace carbongate::io

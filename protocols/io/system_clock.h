// The machine's clock. The only file that asks it is system_clock.cc; a test keeps it so.
#pragma once

#include <sys/timex.h>

#include "protocols/io/clock.h"

namespace carbongate::io {

class SystemClock final : public Clock {
 public:
  // `ask`: the kernel. A test asks another.
  explicit SystemClock(int (*ask)(timex*) = ::adjtimex) : ask_(ask) {}

  WallTime now() const override;
  SteadyTime ticks() const override;
  std::uint64_t boot() const override;
  bool is_synchronised() const override;
  boost::asio::awaitable<void> sleep_until(SteadyTime deadline) override;

 private:
  int (*ask_)(timex*);
};

}  // namespace carbongate::io

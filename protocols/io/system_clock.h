// The machine's clock. The only file that asks it is system_clock.cc; a test keeps it so.
#pragma once

#include "protocols/io/clock.h"

namespace carbongate::io {

class SystemClock final : public Clock {
 public:
  WallTime now() const override;
  SteadyTime ticks() const override;
  std::uint64_t boot() const override;
  bool is_synchronised() const override;
  boost::asio::awaitable<void> sleep_until(SteadyTime deadline) override;
};

}  // namespace carbongate::io

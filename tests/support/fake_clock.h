// A clock that moves only when a test says so.
#pragma once

#include <algorithm>
#include <boost/asio/any_io_executor.hpp>
#include <cstdint>
#include <optional>
#include <set>
#include <utility>

#include "protocols/io/clock.h"
#include "protocols/io/event.h"

namespace carbongate::testing {

// One loop thread. advance() moves both times and wakes the sleepers whose deadline has come; run the loop afterwards.
class FakeClock final : public io::Clock {
 public:
  explicit FakeClock(boost::asio::any_io_executor executor,
                     io::WallTime start = io::WallTime(std::chrono::hours(24 * 365 * 53)))
      : now_(start), moved_(std::move(executor)) {}

  io::WallTime now() const override { return now_; }
  io::SteadyTime ticks() const override { return ticks_; }

  boost::asio::awaitable<void> sleep_until(io::SteadyTime deadline) override {
    const auto sleeper = deadlines_.insert(deadline);
    struct Erase {
      std::multiset<io::SteadyTime>& deadlines;
      std::multiset<io::SteadyTime>::iterator sleeper;
      ~Erase() { deadlines.erase(sleeper); }
    } erase{deadlines_, sleeper};
    while (ticks_ < deadline) co_await moved_.wait();
  }

  void advance(std::chrono::milliseconds by) {
    now_ += by;
    ticks_ += by;
    moved_.notify_all();
  }

  std::uint64_t boot() const override { return boot_; }
  bool is_synchronised() const override { return synchronised_; }
  void synchronise(bool on = true) { synchronised_ = on; }

  // The machine starts again: ticks count from 0.
  void restart_machine(io::WallTime now) { set_machine(boot_ + 1, {}, now); }
  void set_machine(std::uint64_t boot, io::SteadyTime ticks, io::WallTime now) {
    boot_ = boot;
    ticks_ = ticks;
    now_ = now;
  }

  // The wall clock alone jumps, as when NTP sets it.
  void set_wall(io::WallTime now) { now_ = now; }

  // When the next sleeper wants to wake up; nullopt: nobody sleeps.
  std::optional<io::SteadyTime> next_deadline() const {
    return deadlines_.empty() ? std::nullopt : std::optional(*deadlines_.begin());
  }

 private:
  io::WallTime now_;
  io::SteadyTime ticks_{};
  std::uint64_t boot_ = 1;
  bool synchronised_ = false;
  std::multiset<io::SteadyTime> deadlines_;
  io::Event moved_;
};

}  // namespace carbongate::testing

// A clock that moves only when a test says so.
#pragma once

#include <algorithm>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/post.hpp>
#include <cstdint>
#include <list>
#include <optional>
#include <utility>

#include "protocols/io/clock.h"
#include "protocols/io/event.h"

namespace carbongate::testing {

// One loop thread. advance() moves both times and wakes the sleepers whose deadline has come; run the loop afterwards.
//
// Those who wake at the same time do so in their order: one that goes to sleep again at once keeps its place, any other
// goes to the end.
class FakeClock final : public io::Clock {
 public:
  explicit FakeClock(boost::asio::any_io_executor executor,
                     io::WallTime start = io::WallTime(std::chrono::hours(24 * 365 * 53)))
      : now_(start), executor_(std::move(executor)) {}

  io::WallTime now() const override { return now_; }
  io::SteadyTime ticks() const override { return ticks_; }

  boost::asio::awaitable<void> sleep_until(io::SteadyTime deadline) override {
    if (ticks_ >= deadline) co_return;
    const InOrder sleeper(*this, deadline);
    while (ticks_ < deadline) co_await sleeper.place->wake.wait();
  }

  void advance(std::chrono::milliseconds by) {
    now_ += by;
    ticks_ += by;
    for (Sleeper& sleeper : sleepers_) {
      if (sleeper.deadline <= ticks_) sleeper.wake.notify_all();
    }
    boost::asio::post(executor_, [this] { next_place_ = sleepers_.end(); });  // behind all of them
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
    const auto next = std::ranges::min_element(sleepers_, {}, &Sleeper::deadline);
    return next == sleepers_.end() ? std::nullopt : std::optional(next->deadline);
  }

 private:
  struct Sleeper {
    io::SteadyTime deadline;
    io::Event wake;
  };
  using Sleepers = std::list<Sleeper>;

  struct InOrder {
    InOrder(FakeClock& of, io::SteadyTime deadline)
        : clock(of), place(of.sleepers_.insert(of.next_place_, Sleeper{deadline, io::Event(of.executor_)})) {}
    ~InOrder() {
      const bool has_woken = place->deadline <= clock.ticks_;
      const bool is_next = clock.next_place_ == place;
      const auto behind = clock.sleepers_.erase(place);
      if (has_woken || is_next) clock.next_place_ = behind;
    }
    FakeClock& clock;
    Sleepers::iterator place;
  };

  io::WallTime now_;
  io::SteadyTime ticks_{};
  std::uint64_t boot_ = 1;
  bool synchronised_ = false;
  boost::asio::any_io_executor executor_;
  Sleepers sleepers_;
  Sleepers::iterator next_place_ = sleepers_.end();  // of who goes to sleep now: where one stood who has just woken
};

}  // namespace carbongate::testing

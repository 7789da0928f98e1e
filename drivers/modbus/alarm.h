// One moment at which to ring, moved again and again: the deadline of whatever a connection is doing.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <functional>
#include <set>
#include <utility>

#include "protocols/io/clock.h"
#include "protocols/io/task_group.h"

namespace carbongate::modbus_driver {

// Nearly always the moment moves further away, for an answer came before its deadline. Then nothing is started or
// cancelled: the sleep under way finds at its end that it has to go on. A request costs no timer of its own that way.
//
// Not thread-safe. Sleeps are tasks of `tasks`, which ends before the alarm does.
class Alarm {
 public:
  Alarm(io::Clock& clock, io::TaskGroup& tasks, std::function<void()> ring)
      : clock_(clock), tasks_(tasks), ring_(std::move(ring)) {}

  // Rings once at `at`, and not at what was set before. io::SteadyTime::max(): never.
  void set(io::SteadyTime at) {
    at_ = at;
    if (at_ == io::SteadyTime::max() || (!sleeps_.empty() && *sleeps_.begin() <= at_)) return;
    sleeps_.insert(at_);
    tasks_.spawn(sleep(at_));
  }

 private:
  boost::asio::awaitable<void> sleep(io::SteadyTime until) {
    for (;;) {
      co_await clock_.sleep_until(until);
      sleeps_.erase(sleeps_.find(until));
      if (clock_.ticks() >= at_) {
        at_ = io::SteadyTime::max();
        ring_();
        co_return;
      }
      if (at_ == io::SteadyTime::max() || (!sleeps_.empty() && *sleeps_.begin() <= at_)) co_return;
      until = at_;
      sleeps_.insert(until);
    }
  }

  io::Clock& clock_;
  io::TaskGroup& tasks_;
  std::function<void()> ring_;
  io::SteadyTime at_ = io::SteadyTime::max();
  std::multiset<io::SteadyTime> sleeps_;
};

}  // namespace carbongate::modbus_driver

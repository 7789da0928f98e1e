// A limit on how long something may take, by the gateway's clock.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <utility>

#include "protocols/io/clock.h"

namespace carbongate::sinks::postgresql {

// Calls `on_expiry` once, on the loop, when the time is over and this object is still there. Not thread-safe; `clock`
// outlives the loop's last turn.
class Deadline {
 public:
  Deadline(const boost::asio::any_io_executor& executor, io::Clock& clock, std::chrono::milliseconds after,
           std::function<void()> on_expiry)
      : state_(std::make_shared<State>()) {
    state_->on_expiry = std::move(on_expiry);
    boost::asio::co_spawn(executor, watch(state_, clock, clock.ticks() + after),
                          boost::asio::bind_cancellation_slot(state_->stop.slot(), Ended{state_}));
  }
  ~Deadline() {
    state_->armed = false;
    state_->stop.emit(boost::asio::cancellation_type::terminal);
  }
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;

  bool expired() const { return state_->expired; }

 private:
  struct State {
    bool armed = true;
    bool expired = false;
    std::function<void()> on_expiry;
    boost::asio::cancellation_signal stop;
  };

  struct Ended {
    std::shared_ptr<State> state;  // its signal lives as long as the coroutine may hear it
    void operator()(const std::exception_ptr&) const {}
  };

  static boost::asio::awaitable<void> watch(std::shared_ptr<State> state, io::Clock& clock, io::SteadyTime at) {
    co_await clock.sleep_until(at);
    if (!state->armed) co_return;
    state->expired = true;
    state->on_expiry();
  }

  std::shared_ptr<State> state_;
};

}  // namespace carbongate::sinks::postgresql

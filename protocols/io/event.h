// A wake-up for coroutines on one loop: notify_all() completes every wait that is under way.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

namespace carbongate::io {

// Not thread-safe: wait and notify on the executor given. Notifications are not remembered: check the condition, then
// wait, without a co_await between the two.
class Event {
 public:
  explicit Event(boost::asio::any_io_executor executor) : timer_(std::move(executor)) {
    timer_.expires_at(boost::asio::steady_timer::time_point::max());
  }

  // Completes at the next notify_all(). Throws operation_aborted when the waiting coroutine itself is cancelled.
  boost::asio::awaitable<void> wait() {
    boost::system::error_code ignored;
    co_await timer_.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
    const auto state = co_await boost::asio::this_coro::cancellation_state;
    if (state.cancelled() != boost::asio::cancellation_type::none) {
      throw boost::system::system_error(boost::asio::error::operation_aborted);
    }
  }

  void notify_all() { timer_.cancel(); }

 private:
  boost::asio::steady_timer timer_;
};

}  // namespace carbongate::io

#include "protocols/io/system_clock.h"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace carbongate::io {

namespace asio = boost::asio;

WallTime SystemClock::now() const {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

SteadyTime SystemClock::ticks() const {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::steady_clock::now());
}

asio::awaitable<void> SystemClock::sleep_until(SteadyTime deadline) {
  asio::steady_timer timer(co_await asio::this_coro::executor, deadline);
  co_await timer.async_wait(asio::use_awaitable);
}

}  // namespace carbongate::io

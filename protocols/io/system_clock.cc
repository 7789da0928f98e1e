#include "protocols/io/system_clock.h"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fstream>
#include <string>

namespace carbongate::io {

namespace asio = boost::asio;

WallTime SystemClock::now() const {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

SteadyTime SystemClock::ticks() const {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::steady_clock::now());
}

// The kernel draws it anew at every start.
std::uint64_t SystemClock::boot() const {
  std::string id;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> id;
  std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a: the same for ever, for it is stored
  for (const char c : id) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

// A sandbox may refuse the question: then nothing is known.
bool SystemClock::is_synchronised() const {
  timex state{};  // modes 0: only asks
  const int answer = ask_(&state);
  return answer >= 0 && answer != TIME_ERROR && (state.status & STA_UNSYNC) == 0;
}

asio::awaitable<void> SystemClock::sleep_until(SteadyTime deadline) {
  asio::steady_timer timer(co_await asio::this_coro::executor, deadline);
  co_await timer.async_wait(asio::use_awaitable);
}

}  // namespace carbongate::io

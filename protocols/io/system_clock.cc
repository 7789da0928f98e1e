#include "protocols/io/system_clock.h"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fstream>
#include <random>
#include <string>

namespace carbongate::io {

namespace asio = boost::asio;

namespace {

// The kernel draws the id anew at every start. Where it does not show it, two runs of the program are never taken for
// two of one run of the machine: what was heard in the first one stays without a time, rather than get a wrong one.
std::uint64_t boot_of(const char* boot_id) {
  std::string id;
  std::ifstream(boot_id) >> id;
  if (id.empty()) {
    std::random_device random;
    return (std::uint64_t{random()} << 32) | random();
  }
  std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a: the same for ever, for it is stored
  for (const char c : id) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

}  // namespace

SystemClock::SystemClock(int (*ask)(timex*), const char* boot_id) : ask_(ask), boot_(boot_of(boot_id)) {}

WallTime SystemClock::now() const {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

SteadyTime SystemClock::ticks() const {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::steady_clock::now());
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

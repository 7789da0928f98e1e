#include "gateway/app/memory.h"

#include <fmt/format.h>
#include <malloc.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <fstream>
#include <stdexcept>

#include "gateway/app/gateway.h"

namespace carbongate::app {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t kMebibyte = 1ull << 20;

}  // namespace

std::uint64_t resident_bytes() {
  std::uint64_t size = 0;
  std::uint64_t resident = 0;  // both in pages: proc(5)
  std::ifstream("/proc/self/statm") >> size >> resident;
  return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

MemoryGuard::Verdict MemoryGuard::observe(std::uint64_t bytes, io::SteadyTime now) {
  const double share = static_cast<double>(bytes) / static_cast<double>(max_);
  if (!held_since_) {
    if (share <= kHoldAbove) return Verdict::go_on;
    held_since_ = now;
    return Verdict::hold;
  }
  if (share < kReleaseBelow) {
    held_since_.reset();
    return Verdict::release;
  }
  return now - *held_since_ > kHoldMax ? Verdict::give_up : Verdict::go_on;
}

// Of class Gateway.
asio::awaitable<void> Gateway::watch_memory() {
  MemoryGuard guard(config_.memory_max);
  while (true) {
    if (guard.holds()) malloc_trim(0);  // what is free again need not have gone back to the kernel by itself
    memory_ = resident_bytes_();
    switch (guard.observe(memory_, clock_.ticks())) {
      case MemoryGuard::Verdict::go_on: break;
      case MemoryGuard::Verdict::hold:
        ++memory_holds_;
        inbox_.hold(true);
        spdlog::error("memory: {} MiB in use, 'memory.max' is {} MiB: drivers wait until there is less",
                      memory_ / kMebibyte, config_.memory_max / kMebibyte);
        break;
      case MemoryGuard::Verdict::release:
        inbox_.hold(false);
        spdlog::warn("memory: {} MiB in use: drivers go on", memory_ / kMebibyte);
        break;
      case MemoryGuard::Verdict::give_up:
        throw std::runtime_error(
            fmt::format("{} MiB of memory in use for {} min while drivers waited, 'memory.max' is {} MiB: raise it if "
                        "the site needs "
                        "more",
                        memory_ / kMebibyte, MemoryGuard::kHoldMax / 1min, config_.memory_max / kMebibyte));
    }
    co_await clock_.sleep_until(clock_.ticks() + 1s);
  }
}

}  // namespace carbongate::app

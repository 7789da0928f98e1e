// How much of its time a line was busy lately: whether there is room on it for another device.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <optional>

namespace carbongate {

// Exact to the millisecond: seconds are counted one by one, and the window begins with one of them, so it is 59 to 60 s
// long; shorter while the first request is younger than that. One busy stretch at a time.
class LineUse {
 public:
  using Ticks = std::chrono::time_point<std::chrono::steady_clock, std::chrono::milliseconds>;
  static constexpr std::int64_t kSeconds = 60;

  void begin(Ticks at) {  // a request goes out
    settle(at);
    busy_since_ = at;
    free_at_ = Ticks::max();
    if (!since_) since_ = at;
  }

  void end(Ticks at) { free_at_ = at; }  // may lie ahead: silence that has to be kept before the next request

  // From 0 to 1. nullopt: nothing was asked yet.
  std::optional<double> share(Ticks now) const {
    if (!since_) return std::nullopt;
    const std::int64_t first = second_of(now) - (kSeconds - 1);
    const Ticks begin = std::max(*since_, Ticks(std::chrono::seconds(first)));
    if (now <= begin) return std::nullopt;
    std::int64_t busy = 0;
    for (const Second& second : seconds_) {
      if (second.number >= first && second.number <= second_of(now)) busy += second.busy_ms;
    }
    if (busy_since_)
      busy += std::max<std::int64_t>(0, (std::min(free_at_, now) - std::max(*busy_since_, begin)).count());
    return static_cast<double>(busy) / static_cast<double>((now - begin).count());
  }

 private:
  struct Second {
    std::int64_t number = -kSeconds;
    std::int64_t busy_ms = 0;
  };

  static std::int64_t second_of(Ticks at) {
    return std::chrono::floor<std::chrono::seconds>(at.time_since_epoch()).count();
  }

  // The stretch under way is over by `at`.
  void settle(Ticks at) {
    if (!busy_since_) return;
    const Ticks until = std::min(free_at_, at);
    Ticks from = std::max(*busy_since_, until - std::chrono::seconds(kSeconds));
    while (from < until) {
      const std::int64_t number = second_of(from);
      const Ticks next = std::min(until, Ticks(std::chrono::seconds(number + 1)));
      Second& second = seconds_[static_cast<std::size_t>(number % kSeconds)];
      if (second.number != number) second = {.number = number, .busy_ms = 0};
      second.busy_ms += (next - from).count();
      from = next;
    }
    busy_since_.reset();
  }

  std::array<Second, kSeconds> seconds_{};
  std::optional<Ticks> since_;  // the first request
  std::optional<Ticks> busy_since_;
  Ticks free_at_{};
};

}  // namespace carbongate

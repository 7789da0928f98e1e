// When to ask next.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <random>

#include "drivers/api/reading.h"
#include "protocols/io/backoff.h"

namespace carbongate::http_driver {

// Polls stand on whole multiples of the interval, by the wall clock, so that values of several devices belong together;
// each device a little behind them, always by the same time, so that many gateways do not ask a server at once.
class Schedule {
 public:
  // `seed`: of the place behind the multiples, and of the waits after trouble.
  explicit Schedule(Duration interval, std::uint64_t seed = std::random_device{}())
      : interval_(interval),
        backoff_(std::min<Duration>(interval, std::chrono::seconds(10)),
                 std::clamp<Duration>(interval, std::chrono::minutes(1), std::chrono::minutes(5)), seed) {
    std::mt19937_64 random(seed);
    const Duration most = std::min<Duration>(interval / 10, std::chrono::seconds(30));
    behind_ = Duration(std::uniform_int_distribution<std::int64_t>(0, most.count())(random));
  }

  Duration behind() const { return behind_; }

  // Before the first poll: devices of one start are spread too.
  Duration at_start() const { return std::min<Duration>(behind_, std::chrono::seconds(1)); }

  struct Next {
    Duration wait{};
    std::uint64_t skipped = 0;  // polls whose time passed while this one was under way
  };

  // After a poll that began `took` before `now`.
  Next after_answer(Instant now, Duration took) {
    backoff_.reset();
    return regular(now, took);
  }

  // `lasting`: asking again soon does not help; it is done once an hour at the latest. `told`: how long the server
  // wants to be left alone.
  Next after_trouble(Instant now, Duration took, bool lasting, std::optional<Duration> told) {
    Next next{.wait = backoff_.next()};
    if (lasting) next.wait = std::max(next.wait, std::min<Duration>(regular(now, took).wait, std::chrono::hours(1)));
    next.wait = std::max(next.wait, told.value_or(Duration{}));
    return next;
  }

 private:
  // The first place at least half an interval after the beginning: one that the clock's small steps make nearer has
  // been served.
  Next regular(Instant now, Duration took) const {
    const auto next_after = [this](Instant at) {
      const auto since = (at - behind_).time_since_epoch();
      return Instant((since / interval_ + 1) * interval_) + behind_;
    };
    const Instant first = next_after(now - took + interval_ / 2);
    if (first > now) return {.wait = first - now, .skipped = 0};
    const Instant next = next_after(now);
    return {.wait = next - now, .skipped = static_cast<std::uint64_t>((next - first) / interval_)};
  }

  Duration interval_;
  Duration behind_{};
  io::Backoff backoff_;
};

}  // namespace carbongate::http_driver

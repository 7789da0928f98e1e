// When a change of state is worth a line in the log.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocols/io/clock.h"

namespace carbongate {

// Lets a few changes through at once, then one a minute with the number of those held back: what flaps does not fill
// the log, and what has settled is said in the end. Ask again from time to time, also without a change.
class TransitionLog {
 public:
  static constexpr int kAtOnce = 4;
  static constexpr std::chrono::milliseconds kEvery{60'000};

  // nullopt: nothing to say. Otherwise say `state`; the number is of the changes since the last line that went unsaid.
  std::optional<std::uint64_t> update(std::string_view state, io::SteadyTime now) {
    if (state != seen_) {
      seen_ = state;
      ++changes_;
    }
    if (seen_ == said_) return std::nullopt;
    const auto regained = static_cast<int>(std::min<std::int64_t>((now - counted_at_) / kEvery, kAtOnce));
    if (regained > 0) {
      lines_left_ = std::min(kAtOnce, lines_left_ + regained);
      counted_at_ = now;
    }
    if (lines_left_ == 0) return std::nullopt;
    if (lines_left_ == kAtOnce) counted_at_ = now;
    --lines_left_;
    said_ = seen_;
    const std::uint64_t unsaid = changes_ - 1;
    changes_ = 0;
    return unsaid;
  }

 private:
  std::string seen_;
  std::string said_;
  std::uint64_t changes_ = 0;
  int lines_left_ = kAtOnce;
  io::SteadyTime counted_at_{};
};

}  // namespace carbongate

// Lets a recurring log line through once in a while, and says how often it was held back.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "protocols/io/clock.h"

namespace carbongate {

class LogGate {
 public:
  explicit LogGate(std::chrono::milliseconds every) : every_(every) {}

  // nullopt: hold this line back. Otherwise log it, with this behind it: "", or " (12 more like it since the last such
  // line)".
  std::optional<std::string> pass(io::SteadyTime now) {
    if (opened_at_ && now - *opened_at_ < every_) {
      ++held_;
      return std::nullopt;
    }
    opened_at_ = now;
    const std::uint64_t held = std::exchange(held_, 0);
    if (held == 0) return "";
    return " (" + std::to_string(held) + " more like it since the last such line)";
  }

 private:
  std::chrono::milliseconds every_;
  std::optional<io::SteadyTime> opened_at_;
  std::uint64_t held_ = 0;
};

}  // namespace carbongate

// Lets a recurring log line through once in a while, and says how often it was held back.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
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

// A gate for each kind of line, so that many of one kind do not hide another. The kind is what a line says in front of
// its first digit or quotation mark. Those beyond kKindsMax share a gate.
class LogGates {
 public:
  static constexpr std::size_t kKindsMax = 32;
  static constexpr std::size_t kKindBytesMax = 60;

  explicit LogGates(std::chrono::milliseconds every) : every_(every) {}

  std::optional<std::string> pass(io::SteadyTime now, std::string_view line) {
    std::string kind(line.substr(0, std::min(line.find_first_of("0123456789'\""), kKindBytesMax)));
    if (gates_.size() >= kKindsMax && !gates_.contains(kind)) kind.clear();
    return gates_.try_emplace(std::move(kind), every_).first->second.pass(now);
  }

 private:
  std::chrono::milliseconds every_;
  std::map<std::string, LogGate> gates_;
};

}  // namespace carbongate

#include "config/reader/time_of_day.h"

#include <algorithm>

namespace carbongate::config {

std::optional<std::chrono::minutes> time_of_day(std::string_view text) {
  if (text.size() != 5 || text[2] != ':') return std::nullopt;
  const auto number = [text](std::size_t at) {
    const std::string_view digits = text.substr(at, 2);
    const bool are_digits = std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '9'; });
    return are_digits ? (digits[0] - '0') * 10 + digits[1] - '0' : -1;
  };
  const int hours = number(0);
  const int minutes = number(3);
  if (hours < 0 || minutes < 0 || minutes > 59 || 60 * hours + minutes > 24 * 60) return std::nullopt;
  return std::chrono::hours(hours) + std::chrono::minutes(minutes);
}

}  // namespace carbongate::config

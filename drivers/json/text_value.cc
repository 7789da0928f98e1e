#include "drivers/json/text_value.h"

#include <charconv>
#include <cmath>
#include <system_error>

namespace carbongate::json_payload {

std::optional<double> number_in(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(number)) return std::nullopt;
  return number;
}

char flag_in(std::string_view text) {
  constexpr char kNoneOfThem = '?';
  if (text.empty()) return '\0';
  return text.size() == 1 ? text.front() : kNoneOfThem;
}

}  // namespace carbongate::json_payload

#include "gateway/tables/number_text.h"

#include <charconv>
#include <cmath>

namespace carbongate::tables {

std::string number_text(double value) {
  if (std::isnan(value)) return {};
  const double amount = std::abs(value);
  const bool is_plain = amount == 0 || (amount >= 1e-6 && amount < 1e15);
  char text[40];
  const auto end = is_plain ? std::to_chars(text, text + sizeof text, value, std::chars_format::fixed)
                            : std::to_chars(text, text + sizeof text, value);
  return {text, end.ptr};
}

}  // namespace carbongate::tables

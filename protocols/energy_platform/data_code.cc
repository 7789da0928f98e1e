#include "protocols/energy_platform/data_code.h"

#include <algorithm>

namespace carbongate::energy_platform {
namespace {

constexpr std::size_t kDigits = 16;
constexpr std::string_view kShape = "dd-dd-dddd-dddddd-dd";

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

}  // namespace

std::string DataCode::text(bool with_dashes) const {
  if (!with_dashes) return digits;
  std::string out;
  auto next = digits.begin();
  for (const char c : kShape) out += c == '-' ? '-' : *next++;
  return out;
}

std::optional<DataCode> parse_data_code(std::string_view text) {
  DataCode code;
  if (text.size() == kShape.size()) {
    for (std::size_t i = 0; i < text.size(); ++i) {
      if ((kShape[i] == '-') != (text[i] == '-')) return std::nullopt;
      if (text[i] != '-') code.digits += text[i];
    }
  } else {
    code.digits = text;
  }
  if (code.digits.size() != kDigits || !std::ranges::all_of(code.digits, is_digit)) return std::nullopt;
  return code;
}

}  // namespace carbongate::energy_platform

#include "drivers/modbus/decimal_scale.h"

#include <algorithm>
#include <charconv>

namespace carbongate::modbus_driver {
namespace {

__extension__ using Wide = __int128;

constexpr std::int64_t kExactMax = std::int64_t{1} << 53;  // up to here every integer is a double
constexpr int kDigitsMax = 15;

struct Decimal {
  std::int64_t digits = 0;
  int exponent = 0;  // value = digits * 10^exponent
};

std::optional<Decimal> parse_decimal(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  Decimal out;
  int seen = 0;
  int significant = 0;
  bool fraction = false;
  while (!text.empty() && text.front() != 'e' && text.front() != 'E') {
    const char c = text.front();
    text.remove_prefix(1);
    if (c == '.' && !fraction) {
      fraction = true;
      continue;
    }
    if (c < '0' || c > '9') return std::nullopt;
    ++seen;
    if ((significant != 0 || c != '0') && ++significant > kDigitsMax) return std::nullopt;
    out.digits = out.digits * 10 + (c - '0');
    if (fraction) --out.exponent;
  }
  if (seen == 0) return std::nullopt;
  if (!text.empty()) {
    text.remove_prefix(1);
    if (text.starts_with('+')) text.remove_prefix(1);
    int exponent = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), exponent);
    if (error != std::errc{} || end != text.data() + text.size() || exponent < -18 || exponent > 18)
      return std::nullopt;
    out.exponent += exponent;
  }
  if (negative) out.digits = -out.digits;
  while (out.digits != 0 && out.digits % 10 == 0) {
    out.digits /= 10;
    ++out.exponent;
  }
  if (out.digits == 0) out.exponent = 0;
  return out;
}

std::optional<std::int64_t> times_power_of_ten(std::int64_t digits, int power) {
  Wide product = digits;
  for (int i = 0; i < power; ++i) {
    product *= 10;
    if (product > kExactMax || product < -kExactMax) return std::nullopt;
  }
  return static_cast<std::int64_t>(product);
}

double divide(Wide sum, std::int64_t denominator) {
  if (sum <= kExactMax && sum >= -kExactMax) {
    return static_cast<double>(static_cast<std::int64_t>(sum)) / static_cast<double>(denominator);
  }
  return static_cast<double>(static_cast<long double>(sum) / static_cast<long double>(denominator));
}

}  // namespace

std::optional<DecimalScale> DecimalScale::parse(std::string_view scale, std::string_view offset) {
  const auto s = parse_decimal(scale);
  const auto o = parse_decimal(offset);
  if (!s || !o || s->digits == 0) return std::nullopt;
  const int places = std::max({0, -s->exponent, -o->exponent});
  const auto numerator = times_power_of_ten(s->digits, places + s->exponent);
  const auto shifted_offset = times_power_of_ten(o->digits, places + o->exponent);
  const auto denominator = times_power_of_ten(1, places);
  if (!numerator || !shifted_offset || !denominator) return std::nullopt;
  DecimalScale out;
  out.numerator_ = *numerator;
  out.offset_ = *shifted_offset;
  out.denominator_ = *denominator;
  return out;
}

double DecimalScale::apply(std::int64_t raw) const {
  return divide(static_cast<Wide>(raw) * numerator_ + offset_, denominator_);
}

double DecimalScale::apply(std::uint64_t raw) const {
  return divide(static_cast<Wide>(raw) * numerator_ + offset_, denominator_);
}

double DecimalScale::apply(double raw) const {
  return (raw * static_cast<double>(numerator_) + static_cast<double>(offset_)) / static_cast<double>(denominator_);
}

long double DecimalScale::invert(double value) const {
  return (static_cast<long double>(value) * denominator_ - offset_) / numerator_;
}

std::string DecimalScale::to_string() const {
  const auto decimal = [this](std::int64_t numerator) {
    char text[32];
    const double quotient = static_cast<double>(numerator) / static_cast<double>(denominator_);
    return std::string(text, std::to_chars(text, text + sizeof text, quotient).ptr);
  };
  std::string out;
  if (numerator_ != denominator_) out += "* " + decimal(numerator_);
  if (offset_ != 0) out += (out.empty() ? "+ " : " + ") + decimal(offset_);
  return out;
}

}  // namespace carbongate::modbus_driver

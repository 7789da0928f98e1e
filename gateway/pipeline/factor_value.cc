#include "gateway/pipeline/factor_value.h"

#include <cassert>
#include <limits>
#include <utility>

namespace carbongate::pipeline {
namespace {

using Wide = __int128;
constexpr Wide kWideMax = (Wide{1} << 126) - 1;
constexpr std::size_t kDigitsMax = 18;

Wide gcd(Wide a, Wide b) {
  while (b != 0) a = std::exchange(b, a % b);
  return a;
}

std::optional<Wide> product(Wide a, Wide b) {
  if (b != 0 && a > kWideMax / b) return std::nullopt;
  return a * b;
}

// "10^4Nm3" -> 10'000 and "Nm3".
std::int64_t take_multiple(std::string_view& text) {
  if (!text.starts_with("10^")) return 1;
  text.remove_prefix(3);
  std::int64_t multiple = 1;
  if (text.empty() || text[0] < '1' || text[0] > '9') return multiple;
  for (int power = text[0] - '0'; power > 0; --power) multiple *= 10;
  text.remove_prefix(1);
  return multiple;
}

}  // namespace

Fraction Fraction::of(std::int64_t numerator, std::int64_t denominator) {
  assert(numerator >= 0 && denominator > 0);
  Fraction fraction;
  const Wide common = gcd(numerator, denominator);
  fraction.numerator_ = numerator / common;
  fraction.denominator_ = denominator / common;
  return fraction;
}

std::optional<Fraction> Fraction::decimal(std::string_view text) {
  std::int64_t digits = 0;
  std::int64_t denominator = 1;
  std::size_t count = 0;
  bool fractional = false;
  for (const char c : text) {
    if (c == '.' && !fractional) {
      fractional = true;
      continue;
    }
    if (c < '0' || c > '9' || ++count > kDigitsMax) return std::nullopt;
    digits = digits * 10 + (c - '0');
    if (fractional) denominator *= 10;
  }
  if (count == 0) return std::nullopt;
  return of(digits, denominator);
}

std::optional<Fraction> Fraction::times(const Fraction& other) const {
  const Wide a = gcd(numerator_, other.denominator_);
  const Wide b = gcd(other.numerator_, denominator_);
  const auto numerator = product(numerator_ / a, other.numerator_ / b);
  const auto denominator = product(denominator_ / b, other.denominator_ / a);
  if (!numerator || !denominator) return std::nullopt;
  Fraction result;
  result.numerator_ = *numerator;
  result.denominator_ = *denominator;
  return result;
}

std::optional<std::int64_t> Fraction::scaled(std::int64_t scale) const {
  const auto exact = times(of(scale));
  if (!exact) return std::nullopt;
  const Wide whole = exact->numerator_ / exact->denominator_;
  const Wide rest = exact->numerator_ % exact->denominator_;
  const Wide rounded = whole + (rest >= exact->denominator_ - rest ? 1 : 0);
  if (rounded > std::numeric_limits<std::int64_t>::max()) return std::nullopt;
  return static_cast<std::int64_t>(rounded);
}

std::optional<FactorUnit> parse_factor_unit(std::string_view text, const model::Carrier& carrier, std::string& why) {
  const std::string quoted = "'" + std::string(text) + "'";
  const std::string example = "write it like kgCO2/" + std::string(carrier.display.symbol);
  const auto slash = text.find('/');
  const auto gas = text.find("CO2");
  if (slash == std::string_view::npos || gas == std::string_view::npos || gas > slash) {
    why = quoted + " is not a unit of an emission factor; " + example;
    return std::nullopt;
  }
  const auto mass = find_unit(text.substr(0, gas));
  const std::string_view species = text.substr(gas, slash - gas);
  if (!mass || mass->dimension != Dimension::mass || (species != "CO2" && species != "CO2e")) {
    why = quoted + " does not begin with a mass of CO2 or CO2e; " + example;
    return std::nullopt;
  }
  std::string_view denominator = text.substr(slash + 1);
  const std::int64_t multiple = take_multiple(denominator);
  const auto unit = find_unit(denominator);
  if (!unit || denominator.empty()) {
    why = quoted + ": '" + std::string(denominator) + "' is not a known unit; " + example;
    return std::nullopt;
  }
  if (unit->dimension != carrier.dimension) {
    why = quoted + ": " + explain_mismatch(*unit, carrier);
    if (explain_mismatch(*unit, carrier).empty()) why = quoted + " is per rate, not per amount; " + example;
    return std::nullopt;
  }
  // mg per unit, divided by quanta per unit.
  const auto scale = Fraction::of(mass->numerator, mass->denominator)
                         .times(Fraction::of(unit->denominator, unit->numerator))
                         ->times(Fraction::of(carrier.quantum.numerator, carrier.quantum.denominator))
                         ->times(Fraction::of(1, multiple));
  return FactorUnit{*scale};
}

}  // namespace carbongate::pipeline

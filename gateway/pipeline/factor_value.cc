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

struct Amount {
  Unit unit;
  Fraction per_base;  // how many of it are one base unit
};

// "Nm3", "10^4Nm3".
std::optional<Amount> parse_amount(std::string_view text) {
  const std::int64_t multiple = take_multiple(text);
  const auto unit = find_unit(text);
  if (!unit || text.empty()) return std::nullopt;
  const auto per_base = Fraction::of(unit->denominator, unit->numerator).times(Fraction::of(1, multiple));
  if (!per_base) return std::nullopt;
  return Amount{*unit, *per_base};
}

struct Mass {
  Unit unit;
  std::string_view species;
};

// "kgCO2": the longest unit of mass that is there, and what follows it.
std::optional<Mass> parse_mass(std::string_view text) {
  for (const std::string_view symbol : {"mg", "kg", "g", "t"}) {
    if (text.starts_with(symbol)) return Mass{*find_unit(symbol), text.substr(symbol.size())};
  }
  return std::nullopt;
}

// Why an amount of this unit is none of the carrier, and what would lead from one to the other.
std::string explain_amount(const Unit& unit, const model::Carrier& carrier) {
  if ((unit.dimension == Dimension::energy) == (carrier.dimension == Dimension::energy)) {
    return explain_mismatch(unit, carrier);
  }
  return std::string(carrier.id) + " is accounted in " + std::string(carrier.display.symbol) + "; '" +
         std::string(unit.symbol) + "' measures " + std::string(to_string(unit.dimension)) +
         ": a heating value, as ncv and ncv_unit, would lead from one to the other";
}

// How much of a value per base unit of `from` there is per base unit of `to`, by way of each bridge at most once.
std::optional<Fraction> cross(Dimension from, Dimension to, std::span<const Bridge> bridges, std::size_t used = 0) {
  if (from == to) return Fraction::of(1);
  for (std::size_t i = 0; i < bridges.size(); ++i) {
    const Bridge& bridge = bridges[i];
    const bool downward = from == bridge.over;
    if ((used >> i & 1) != 0 || (!downward && from != bridge.under)) continue;
    const auto step = downward ? std::optional(bridge.ratio) : bridge.ratio.inverse();
    const auto rest = cross(downward ? bridge.under : bridge.over, to, bridges, used | std::size_t{1} << i);
    if (step && rest) return step->times(*rest);
  }
  return std::nullopt;
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

std::optional<Fraction> Fraction::inverse() const {
  if (zero()) return std::nullopt;
  Fraction result;
  result.numerator_ = denominator_;
  result.denominator_ = numerator_;
  return result;
}

std::optional<Bridge> parse_bridge(const Fraction& value, std::string_view unit, std::string& why) {
  const auto slash = unit.find('/');
  const auto over = find_unit(unit.substr(0, slash));
  const auto under = slash == std::string_view::npos ? std::nullopt : parse_amount(unit.substr(slash + 1));
  if (!over || !under) {
    why = "'" + std::string(unit) + "' is not one unit per another, like GJ/t, GJ/10^4Nm3 or kg/Nm3";
    return std::nullopt;
  }
  if (value.zero()) {
    why = "is zero";
    return std::nullopt;
  }
  const auto ratio = value.times(Fraction::of(over->numerator, over->denominator));
  const auto per_base = ratio ? ratio->times(under->per_base) : std::nullopt;
  if (!per_base) {
    why = "has too many digits to be multiplied exactly";
    return std::nullopt;
  }
  return Bridge{over->dimension, under->unit.dimension, *per_base};
}

std::optional<FactorUnit> parse_factor_unit(std::string_view text, const model::Carrier& carrier, std::string& why,
                                            std::span<const Bridge> bridges) {
  const std::string quoted = "'" + std::string(text) + "'";
  const std::string example = "write it like kgCO2/" + std::string(carrier.display.symbol);
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) {
    why = quoted + " is not a unit of an emission factor; " + example;
    return std::nullopt;
  }
  const auto mass = parse_mass(text.substr(0, slash));
  if (!mass) {
    why = quoted + " does not begin with a mass of CO2, of CO2e or of another gas; " + example;
    return std::nullopt;
  }
  const auto amount = parse_amount(text.substr(slash + 1));
  if (!amount) {
    why = quoted + ": '" + std::string(text.substr(slash + 1)) + "' is not a known unit; " + example;
    return std::nullopt;
  }
  const auto way = cross(amount->unit.dimension, carrier.dimension, bridges);
  if (!way) {
    why = quoted + ": " + explain_amount(amount->unit, carrier);
    if (explain_mismatch(amount->unit, carrier).empty()) why = quoted + " is per rate, not per amount; " + example;
    return std::nullopt;
  }
  // mg per base unit of the amount, then per base unit of the carrier, then per quantum.
  auto scale = Fraction::of(mass->unit.numerator, mass->unit.denominator).times(amount->per_base);
  if (scale) scale = scale->times(*way);
  if (scale) scale = scale->times(Fraction::of(carrier.quantum.numerator, carrier.quantum.denominator));
  if (!scale) {
    why = quoted + " has too many digits to be kept exactly";
    return std::nullopt;
  }
  return FactorUnit{*scale, std::string(mass->species)};
}

}  // namespace carbongate::pipeline

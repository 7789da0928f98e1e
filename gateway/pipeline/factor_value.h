// Published figures as exact numbers: no double ever touches a factor.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "gateway/model/carrier.h"

namespace carbongate::pipeline {

// A fraction >= 0 in lowest terms, each side below 2^126.
class Fraction {
 public:
  static Fraction of(std::int64_t numerator, std::int64_t denominator = 1);  // both >= 0, denominator not 0

  // "0.1564", "99", "21.65": digits with at most one dot, 18 digits at most. nullopt: anything else, also a sign.
  static std::optional<Fraction> decimal(std::string_view text);

  // nullopt: the result does not fit.
  std::optional<Fraction> times(const Fraction& other) const;

  std::optional<Fraction> inverse() const;  // nullopt: of zero

  // *this * scale, rounded to nearest, ties up. nullopt: beyond 64 bits.
  std::optional<std::int64_t> scaled(std::int64_t scale) const;

  bool zero() const { return numerator_ == 0; }

 private:
  __int128 numerator_ = 0;
  __int128 denominator_ = 1;
};

// What joins two ways of measuring one carrier: a net calorific value ("42.3 GJ/t"), a density ("0.7158 kg/Nm3").
struct Bridge {
  Dimension over = Dimension::energy;
  Dimension under = Dimension::mass;
  Fraction ratio;  // base units of `over` in one base unit of `under`; not zero
};

// `unit` like GJ/t or GJ/10^4Nm3. nullopt: not such a unit, or the value is zero; `why` then says so.
std::optional<Bridge> parse_bridge(const Fraction& value, std::string_view unit, std::string& why);

// "kgCO2/kWh", "tCO2e/10^4Nm3", "kgCH4/kg", "kg/TJ", "kgce/kg": a mass of something per amount of the carrier.
struct FactorUnit {
  Fraction mg_per_quantum;  // of a factor of 1 in this unit
  std::string species;      // "CO2", "CH4-fossil", "ce" for coal equivalent, "" where the unit names none
};

// Where the amount is not the one the carrier is accounted in (kg/TJ, and the carrier goes by mass), `bridges` lead
// there. nullopt: not such a unit, or no way leads from its amount to the carrier's; `why` then says so.
std::optional<FactorUnit> parse_factor_unit(std::string_view text, const model::Carrier& carrier, std::string& why,
                                            std::span<const Bridge> bridges = {});

}  // namespace carbongate::pipeline

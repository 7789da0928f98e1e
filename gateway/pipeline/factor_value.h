// Published figures as exact numbers: no double ever touches a factor.
#pragma once

#include <cstdint>
#include <optional>
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

  // *this * scale, rounded to nearest, ties up. nullopt: beyond 64 bits.
  std::optional<std::int64_t> scaled(std::int64_t scale) const;

  bool zero() const { return numerator_ == 0; }

 private:
  __int128 numerator_ = 0;
  __int128 denominator_ = 1;
};

// "kgCO2/kWh", "tCO2e/10^4Nm3": mass of CO2 or CO2e per amount of the carrier.
struct FactorUnit {
  Fraction mg_per_quantum;  // of a factor of 1 in this unit
};

// nullopt: not such a unit, or its denominator does not measure the carrier; `why` then says so.
std::optional<FactorUnit> parse_factor_unit(std::string_view text, const model::Carrier& carrier, std::string& why);

}  // namespace carbongate::pipeline

// What was emitted, as figures that add up: by mass of each gas, as CO2e, and how far the truth may lie from it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "gateway/model/gas.h"
#include "gateway/model/quantity.h"

namespace carbongate::model {

// By which rule an account's emissions are counted. Scope 2 has both (GHG Protocol Scope 2 Guidance): `primary` is the
// location-based result, `market` the market-based one. Everything else has `primary` alone.
enum class Basis : std::uint8_t { primary = 0, market = 1 };
inline constexpr std::size_t kBasisCount = 2;
inline constexpr std::array kBases{Basis::primary, Basis::market};
constexpr std::size_t index(Basis basis) {
  return static_cast<std::size_t>(basis);
}

template <class T>
class PerBasis {
 public:
  constexpr T& operator[](Basis basis) { return values_[index(basis)]; }
  constexpr const T& operator[](Basis basis) const { return values_[index(basis)]; }
  friend constexpr bool operator==(const PerBasis&, const PerBasis&) = default;

 private:
  std::array<T, kBasisCount> values_{};
};

// CO2e alone, and how far the truth may lie from it.
struct Co2eWithin {
  Co2e co2e;
  Co2e u95_activity;  // as in Emitted
  Co2e u95_factor;

  // As Emitted's.
  Co2e u95() const;
  friend bool operator==(const Co2eWithin&, const Co2eWithin&) = default;
};

// CO2e follows from the factor, not from the rounded masses: the two agree to within one milligram of each gas.
struct Emitted {
  Co2e co2e;        // without biogenic CO2
  GasMasses gases;  // all of them, biogenic CO2 too

  // Half-widths of the 95 % interval of `co2e`, by cause (JCGM 100). Within one account both are systematic: the meter
  // and the factor err the same way all year, so they add linearly over time. Independent of each other.
  Co2e u95_activity;
  Co2e u95_factor;

  // Of both causes together, as one half-width: independent, so their squares add. Rounded to the milligram. Whether it
  // means anything says stated().
  Co2e u95() const { return without_gases().u95(); }
  Co2eWithin without_gases() const { return {co2e, u95_activity, u95_factor}; }

  constexpr Emitted& operator+=(const Emitted& other) {
    co2e += other.co2e;
    gases += other.gases;
    u95_activity += other.u95_activity;
    u95_factor += other.u95_factor;
    return *this;
  }
  constexpr Emitted& operator-=(const Emitted& other) {
    co2e -= other.co2e;
    gases -= other.gases;
    u95_activity -= other.u95_activity;
    u95_factor -= other.u95_factor;
    return *this;
  }
  friend constexpr bool operator==(const Emitted&, const Emitted&) = default;
};

// Whether they differ by no more than `tolerance_mg` in CO2e and in every gas. Uncertainties are not looked at.
bool near(const Emitted& a, const Emitted& b, std::int64_t tolerance_mg);

// Energy as standard coal by GB/T 2589, in milligrams of coal equivalent (1 kgce = 10^6): 2^63 is 9.2 Gtce.
using StandardCoal = Quantity<struct StandardCoalTag>;

}  // namespace carbongate::model

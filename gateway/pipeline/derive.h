// The formulas of derived points (gateway/model/derived.h): pure functions of numbers. Each gives its result with the
// figures that led to it, for whoever asks how a number came about.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "gateway/model/derived.h"

namespace carbongate::pipeline {

// Of a unit's own value and that of its base.
inline double to_base(double value, const Unit& unit) {
  return value * static_cast<double>(unit.numerator) / static_cast<double>(unit.denominator);
}
inline double from_base(double value, const Unit& unit) {
  return value * static_cast<double>(unit.denominator) / static_cast<double>(unit.numerator);
}

struct Figure {
  std::string_view name;  // "Qsn dry"; static storage
  double value = 0;
  std::string_view unit;  // "m3/h"
};

struct Derivation {
  std::optional<double> value;  // nullopt: outside of what the formula is valid for
  std::vector<Figure> figures;  // in the order of the calculation; of a refusal: up to it
};

// What a stack emits, in kg CO2 per hour: HJ 212-2017 appendix D, as
//   Qs  = 3600 * area * velocity                                  m3/h at the stack's conditions
//   Qsn = Qs * 273/(273+t) * (Ba+Ps)/101325 [ * (1-Xsw) if dry ]  m3/h at 0 °C, 101.325 kPa
//   G   = concentration * molar mass / 22.4 * Qsn                 of a share of the volume
//   G   = concentration * Qsn                                     of a mass in the volume
// A dry concentration goes with the dry flow, a wet one with the wet flow, and the two are never mixed. A mass flow is
// never converted to a reference content of oxygen.
struct StackGas {
  double concentration = 0;  // of CO2: volume fraction, or kg/m3 at 0 °C and 101.325 kPa
  bool by_mass = false;      // the latter
  model::GasBasis basis = model::GasBasis::dry;
  double molar_mass = model::kMolarMassHj212;
  double flow_m3h = 0;  // Qs
  double celsius = 0;
  double static_pa = 0;      // Ps, above the barometric pressure
  double barometric_pa = 0;  // Ba
  double moisture = 0;       // Xsw, volume fraction; of no account with a wet basis
};
Derivation stack_co2(const StackGas& gas);

inline constexpr double kCo2DensityMax = 2;  // kg/m3 at 0 °C and 101.325 kPa; of the pure gas 1.98

// Nm3 (0 °C, 101.325 kPa) per m3 at the meter's conditions: 273.15/(273.15+t) * p/101325 / Z, Z being the
// compressibility at the meter over the one at the reference. From -60 to 400 °C.
Derivation normal_per_metered(double celsius, double absolute_pa, double compressibility);

// GJ per tonne: (h - 83.74) / 1000, h in kJ/kg by IAPWS-IF97 (if97.h), 83.74 being the water at 20 °C that came back
// for it. With a temperature: superheated steam; without: saturated steam of that dryness. Refused is what is no steam
// at that pressure and temperature, and what lies beyond the equations.
Derivation steam_heat(double absolute_pa, std::optional<double> celsius, double dryness);

// GJ per tonne: (t - 20) * 4.1868e-3, from 0 to 200 °C; below 20 °C it brings none.
Derivation hot_water_heat(double celsius);

}  // namespace carbongate::pipeline

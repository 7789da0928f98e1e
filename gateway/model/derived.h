// Derived points: points without a device, whose readings are computed from readings of other points. Read from the
// configuration once, then constant; the formulas are in gateway/pipeline/derive.h.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "drivers/api/point.h"

namespace carbongate::model {

enum class Formula : std::uint8_t {
  cems_co2,          // what a stack emits: concentration and flow of its gas
  gas_at_reference,  // gas counted at the meter's conditions, as normal cubic metres
  steam_heat,        // heat that steam brings, by pressure and temperature
  hot_water_heat,    // heat that hot water brings
  mass_from_volume,  // volume times density
  sum,               // of counters or rates, each with a weight: unallocated = incomer - users
};

// What an input is to the formula, and the unit that the formula wants it in.
enum class Role : std::uint8_t {
  term,                // of a sum: its own unit
  concentration,       // of CO2, volume fraction
  mass_concentration,  // of CO2, kg/m3 at 0 °C and 101.325 kPa; instead of the former
  velocity,            // m/s
  flow,                // m3/h at the stack's conditions
  temperature,         // °C
  pressure,            // absolute, Pa
  gauge_pressure,      // above the barometric one, Pa
  barometric,          // Pa
  moisture,            // volume fraction
  volume,              // an amount or a rate
  mass,                // an amount or a rate
  density,             // kg/m3, at the conditions of the volume
  dryness,             // mass fraction of steam in wet steam
};

struct DerivedInput {
  Role role = Role::term;
  std::optional<PointId> point;
  double constant = 0;  // without a point, in the unit the formula wants
  double weight = 1;    // of a term
};

enum class GasBasis : std::uint8_t { dry, wet };  // of an analyser: before or after the water was taken out

inline constexpr double kMolarMassHj212 = 44;     // of CO2 in g/mol, as HJ 212 has it
inline constexpr double kMolarMassExact = 44.01;  // kg/kmol

struct Derived {
  PointId result{};
  Formula formula = Formula::sum;
  // The first one is what the result follows: a reading of it makes a reading of the result. Of a sum all are.
  std::vector<DerivedInput> inputs;
  GasBasis basis = GasBasis::dry;
  double molar_mass = kMolarMassHj212;
  double area_m2 = 0;                          // of the stack, where its gas is measured as a velocity
  double compressibility = 1;                  // Z at the meter's conditions over Z at the reference
  Duration max_age = std::chrono::minutes(5);  // how far the other inputs may be from the first one in time
  Duration wait{};  // how long a reading of the first one waits to be heard with the others; not of a sum
};

// The inputs whose readings make readings of the result.
inline std::span<const DerivedInput> followed(const Derived& derived) {
  const std::span<const DerivedInput> inputs(derived.inputs);
  return derived.formula == Formula::sum || inputs.empty() ? inputs : inputs.first(1);
}

}  // namespace carbongate::model

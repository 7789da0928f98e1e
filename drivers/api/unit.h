// Units of measurement with exact scales: a unit is a dimension and a ratio to that dimension's base unit.
//
// Scales are ratios of integers, not doubles, so a conversion to fixed point loses nothing: 1 kWh is exactly 1'000'000
// mWh and 1 GJ exactly 1e9 J. Gas volumes are normal ones at 0 °C, standard ones (Sm3) at 20 °C, both at 101.325 kPa: 1
// Sm3 is exactly 273.15/293.15 Nm3. Temperatures are in degrees Celsius only; nothing converts them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace carbongate {

enum class Dimension : std::uint8_t {
  ratio,               // base 1
  energy,              // base J
  power,               // base W
  reactive_energy,     // base varh
  reactive_power,      // base var
  apparent_energy,     // base VAh
  apparent_power,      // base VA
  voltage,             // base V
  current,             // base A
  frequency,           // base Hz
  volume,              // base mL, at the meter's conditions
  normal_volume,       // base mL at 0 °C, 101.325 kPa
  volume_flow,         // base mL/h
  normal_volume_flow,  // base mL/h at 0 °C, 101.325 kPa
  mass,                // base mg
  mass_flow,           // base mg/h
  temperature,         // base °C
  pressure,            // base Pa
  angle,               // base degree
  duration,            // base s
  speed,               // base m/s
  area,                // base m2
  density,             // base mg/mL
  normal_density,      // base mg/mL at 0 °C, 101.325 kPa
  pieces,              // base a millionth of a piece
};

std::string_view to_string(Dimension dimension);  // "energy", "normal volume"

struct Unit {
  std::string_view symbol = "1";  // as written in configuration and exports: "kWh", "m3", "°C"
  Dimension dimension = Dimension::ratio;
  std::int64_t numerator = 1;  // value [this unit] * numerator / denominator = value [base unit]
  std::int64_t denominator = 1;

  friend bool operator==(const Unit& a, const Unit& b) { return a.symbol == b.symbol; }
};

// Finds a unit by its symbol, case-sensitive ("mW" is not "MW"); common spellings such as "Nm3", "Nm³", "degC" are
// known.
std::optional<Unit> find_unit(std::string_view symbol);

// All known units, for messages that offer the nearest right spelling. Static storage.
std::span<const Unit> all_units();

}  // namespace carbongate

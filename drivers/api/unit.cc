#include "drivers/api/unit.h"

#include <algorithm>
#include <array>
#include <utility>

namespace carbongate {
namespace {

using enum Dimension;

constexpr std::int64_t kMillilitres = 1'000'000;  // in a cubic metre

// Standard coal is energy here: 1 kgce is 29 307.6 kJ (GB/T 2589), as heat is settled by. What a carrier is worth in it
// is another question, which its coefficient answers.
constexpr std::array kUnits{
    Unit{"1", ratio},
    Unit{"%", ratio, 1, 100},
    Unit{"%vol", ratio, 1, 100},
    Unit{"ppm", ratio, 1, 1'000'000},
    Unit{"J", energy},
    Unit{"kJ", energy, 1'000},
    Unit{"MJ", energy, 1'000'000},
    Unit{"GJ", energy, 1'000'000'000},
    Unit{"TJ", energy, 1'000'000'000'000},
    Unit{"kgce", energy, 29'307'600},
    Unit{"tce", energy, 29'307'600'000},
    Unit{"mWh", energy, 18, 5},
    Unit{"Wh", energy, 3'600},
    Unit{"kWh", energy, 3'600'000},
    Unit{"MWh", energy, 3'600'000'000},
    Unit{"GWh", energy, 3'600'000'000'000},
    Unit{"mW", power, 1, 1'000},
    Unit{"W", power},
    Unit{"kW", power, 1'000},
    Unit{"MW", power, 1'000'000},
    Unit{"varh", reactive_energy},
    Unit{"kvarh", reactive_energy, 1'000},
    Unit{"Mvarh", reactive_energy, 1'000'000},
    Unit{"var", reactive_power},
    Unit{"kvar", reactive_power, 1'000},
    Unit{"Mvar", reactive_power, 1'000'000},
    Unit{"VAh", apparent_energy},
    Unit{"kVAh", apparent_energy, 1'000},
    Unit{"VA", apparent_power},
    Unit{"kVA", apparent_power, 1'000},
    Unit{"MVA", apparent_power, 1'000'000},
    Unit{"mV", voltage, 1, 1'000},
    Unit{"V", voltage},
    Unit{"kV", voltage, 1'000},
    Unit{"mA", current, 1, 1'000},
    Unit{"A", current},
    Unit{"kA", current, 1'000},
    Unit{"Hz", frequency},
    Unit{"mL", volume},
    Unit{"L", volume, 1'000},
    Unit{"m3", volume, 1'000'000},
    Unit{"Nm3", normal_volume, 1'000'000},
    Unit{"Sm3", normal_volume, 27'315 * kMillilitres, 29'315},
    Unit{"L/h", volume_flow, 1'000},
    Unit{"m3/h", volume_flow, 1'000'000},
    Unit{"m3/s", volume_flow, 3'600'000'000},
    Unit{"Nm3/h", normal_volume_flow, 1'000'000},
    Unit{"Sm3/h", normal_volume_flow, 27'315 * kMillilitres, 29'315},
    Unit{"mg", mass},
    Unit{"g", mass, 1'000},
    Unit{"kg", mass, 1'000'000},
    Unit{"t", mass, 1'000'000'000},
    Unit{"kg/h", mass_flow, 1'000'000},
    Unit{"t/h", mass_flow, 1'000'000'000},
    Unit{"°C", temperature},
    Unit{"Pa", pressure},
    Unit{"kPa", pressure, 1'000},
    Unit{"MPa", pressure, 1'000'000},
    Unit{"bar", pressure, 100'000},
    Unit{"°", angle},
    Unit{"s", duration},
    Unit{"min", duration, 60},
    Unit{"h", duration, 3'600},
    Unit{"m/s", speed},
    Unit{"m2", area},
    Unit{"mg/m3", density, 1, 1'000'000},
    Unit{"g/m3", density, 1, 1'000},
    Unit{"kg/m3", density},
    Unit{"kg/L", density, 1'000},
    Unit{"mg/Nm3", normal_density, 1, 1'000'000},
    Unit{"g/Nm3", normal_density, 1, 1'000},
    Unit{"kg/Nm3", normal_density},
    Unit{"pcs", pieces, 1'000'000},
};

constexpr std::array kSpellings{
    std::pair<std::string_view, std::string_view>{"", "1"},
    std::pair<std::string_view, std::string_view>{"m³", "m3"},
    std::pair<std::string_view, std::string_view>{"Nm³", "Nm3"},
    std::pair<std::string_view, std::string_view>{"Sm³", "Sm3"},
    std::pair<std::string_view, std::string_view>{"m³/h", "m3/h"},
    std::pair<std::string_view, std::string_view>{"Nm³/h", "Nm3/h"},
    std::pair<std::string_view, std::string_view>{"Sm³/h", "Sm3/h"},
    std::pair<std::string_view, std::string_view>{"m²", "m2"},
    std::pair<std::string_view, std::string_view>{"kg/m³", "kg/m3"},
    std::pair<std::string_view, std::string_view>{"mg/m³", "mg/m3"},
    std::pair<std::string_view, std::string_view>{"mg/Nm³", "mg/Nm3"},
    std::pair<std::string_view, std::string_view>{"l", "L"},
    std::pair<std::string_view, std::string_view>{"degC", "°C"},
    std::pair<std::string_view, std::string_view>{"deg", "°"},
    std::pair<std::string_view, std::string_view>{"vol%", "%vol"},
    std::pair<std::string_view, std::string_view>{"件", "pcs"},
};

}  // namespace

std::string_view to_string(Dimension dimension) {
  switch (dimension) {
    case ratio: return "ratio";
    case energy: return "energy";
    case power: return "power";
    case reactive_energy: return "reactive energy";
    case reactive_power: return "reactive power";
    case apparent_energy: return "apparent energy";
    case apparent_power: return "apparent power";
    case voltage: return "voltage";
    case current: return "current";
    case frequency: return "frequency";
    case volume: return "volume";
    case normal_volume: return "normal volume";
    case volume_flow: return "volume flow";
    case normal_volume_flow: return "normal volume flow";
    case mass: return "mass";
    case mass_flow: return "mass flow";
    case temperature: return "temperature";
    case pressure: return "pressure";
    case angle: return "angle";
    case duration: return "duration";
    case speed: return "speed";
    case area: return "area";
    case density: return "density";
    case normal_density: return "normal density";
    case pieces: return "a number of pieces";
  }
  return "unknown";
}

std::optional<Unit> find_unit(std::string_view symbol) {
  const auto spelling = std::ranges::find(kSpellings, symbol, &std::pair<std::string_view, std::string_view>::first);
  if (spelling != kSpellings.end()) symbol = spelling->second;
  const auto unit = std::ranges::find(kUnits, symbol, &Unit::symbol);
  if (unit == kUnits.end()) return std::nullopt;
  return *unit;
}

std::span<const Unit> all_units() {
  return kUnits;
}

}  // namespace carbongate

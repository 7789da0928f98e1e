#include "gateway/pipeline/derive.h"

#include <algorithm>

#include "gateway/pipeline/if97.h"

namespace carbongate::pipeline {
namespace {

constexpr double kNormalPa = 101'325;
constexpr double kIcePoint = 273.15;
constexpr double kIcePointHj212 = 273;    // as the standard prints it
constexpr double kMolarVolume = 22.4;     // L/mol, as HJ 212 has it
constexpr double kWaterReturned = 83.74;  // kJ/kg: water at 20 °C
constexpr double kWaterReference = 20;    // °C
constexpr double kWaterHeat = 4.1868;     // kJ/(kg K)

bool is_fraction(double value) {
  return value >= 0 && value <= 1;
}

}  // namespace

Derivation stack_co2(const StackGas& gas) {
  const bool dry = gas.basis == model::GasBasis::dry;
  const double absolute = gas.barometric_pa + gas.static_pa;
  Derivation out;
  const auto say = [&out](std::string_view name, double value, std::string_view unit) {
    out.figures.push_back({name, value, unit});
    return value;
  };
  say("Qs", gas.flow_m3h, "m3/h");
  say("Ba+Ps", absolute, "Pa");
  const bool is_gas =
      gas.by_mass ? gas.concentration >= 0 && gas.concentration <= kCo2DensityMax : is_fraction(gas.concentration);
  const bool valid = is_gas && gas.flow_m3h >= 0 && gas.celsius > -100 && gas.celsius < 2000 && absolute > 0 &&
                     (!dry || (is_fraction(gas.moisture) && gas.moisture < 1));
  if (!valid) return out;
  double flow = gas.flow_m3h * kIcePointHj212 / (kIcePointHj212 + gas.celsius) * absolute / kNormalPa;
  if (dry) flow *= 1 - gas.moisture;
  say(dry ? "Qsn dry" : "Qsn wet", flow, "m3/h");
  const double mass = gas.by_mass ? say("C", gas.concentration, "kg/m3")
                                  : gas.concentration * say("CO2 density", gas.molar_mass / kMolarVolume, "kg/m3");
  out.value = say("G", mass * flow, "kg/h");
  return out;
}

Derivation normal_per_metered(double celsius, double absolute_pa, double compressibility) {
  Derivation out;
  out.figures.push_back({"p", absolute_pa, "Pa"});
  if (!(celsius >= -60 && celsius <= 400 && absolute_pa > 0 && compressibility > 0)) return out;
  const double by_temperature = kIcePoint / (kIcePoint + celsius);
  const double by_pressure = absolute_pa / kNormalPa;
  out.figures.push_back({"T0/T", by_temperature, "1"});
  out.figures.push_back({"p/p0", by_pressure, "1"});
  out.value = by_temperature * by_pressure / compressibility;
  out.figures.push_back({"V0/V", *out.value, "Nm3/m3"});
  return out;
}

Derivation steam_heat(double absolute_pa, std::optional<double> celsius, double dryness) {
  Derivation out;
  const double mpa = absolute_pa * 1e-6;
  out.figures.push_back({"p", mpa, "MPa"});
  std::optional<double> enthalpy;
  if (celsius) {
    enthalpy = if97::steam_enthalpy(mpa, *celsius + kIcePoint);
  } else if (const auto saturation = if97::saturation(mpa); saturation && is_fraction(dryness)) {
    out.figures.push_back({"T sat", saturation->kelvin - kIcePoint, "°C"});
    out.figures.push_back({"h'", saturation->water, "kJ/kg"});
    out.figures.push_back({"h''", saturation->steam, "kJ/kg"});
    enthalpy = saturation->water + dryness * (saturation->steam - saturation->water);
  }
  if (!enthalpy) return out;
  out.figures.push_back({"h", *enthalpy, "kJ/kg"});
  if (*enthalpy < kWaterReturned) return out;
  out.value = (*enthalpy - kWaterReturned) * 1e-3;
  out.figures.push_back({"heat", *out.value, "GJ/t"});
  return out;
}

Derivation hot_water_heat(double celsius) {
  Derivation out;
  if (!(celsius >= 0 && celsius <= 200)) return out;
  out.value = std::max(celsius - kWaterReference, 0.0) * kWaterHeat * 1e-3;
  out.figures.push_back({"heat", *out.value, "GJ/t"});
  return out;
}

}  // namespace carbongate::pipeline

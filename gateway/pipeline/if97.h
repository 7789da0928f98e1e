// Water and steam by IAPWS-IF97: what a kilogram of it carries at a pressure and a temperature.
//
// "Revised Release on the IAPWS Industrial Formulation 1997 for the Thermodynamic Properties of Water and Steam", IAPWS
// R7-97(2012): regions 1 (equation 7), 2 (equations 15 to 17), 4 (equations 30 and 31) and the boundary between regions
// 2 and 3 (equation 5). Pressures are absolute. nullopt: outside of where the equation is valid; nothing extrapolates.
#pragma once

#include <optional>

namespace carbongate::pipeline::if97 {

// Steam, superheated or just saturated (region 2): up to 1073.15 K and 100 MPa.
std::optional<double> steam_enthalpy(double mpa, double kelvin);  // kJ/kg

// Both sides of the saturation line, from 611.213 Pa to 16.529 MPa (623.15 K), beyond which neither side is region 1 or
// 2.
struct Saturation {
  double kelvin = 0;
  double water = 0;  // enthalpy of boiling water, kJ/kg
  double steam = 0;  // of dry saturated steam
};
std::optional<Saturation> saturation(double mpa);

std::optional<double> saturation_mpa(double kelvin);              // 273.15 K to 647.096 K
std::optional<double> saturation_kelvin(double mpa);              // 611.213 Pa to 22.064 MPa
std::optional<double> water_enthalpy(double mpa, double kelvin);  // region 1, kJ/kg

}  // namespace carbongate::pipeline::if97

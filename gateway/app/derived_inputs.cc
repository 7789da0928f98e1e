#include "gateway/app/derived_inputs.h"

#include <charconv>
#include <cmath>
#include <vector>

#include "config/reader/text.h"
#include "gateway/pipeline/derive.h"

namespace carbongate::app {

using config::printable;
using config::suggestion;
using model::Formula;
using model::Role;

Measure measure_of(Role role) {
  switch (role) {
    case Role::concentration: return {Dimension::ratio, "12 %vol"};
    case Role::mass_concentration: return {Dimension::density, "235000 mg/m3"};
    case Role::velocity: return {Dimension::speed, "12.4 m/s"};
    case Role::flow: return {Dimension::volume_flow, "535680 m3/h"};
    case Role::temperature: return {Dimension::temperature, "118.5 °C"};
    case Role::pressure: return {Dimension::pressure, "1.1 MPa"};
    case Role::gauge_pressure: return {Dimension::pressure, "-150 Pa"};
    case Role::barometric: return {Dimension::pressure, "101.325 kPa"};
    case Role::moisture: return {Dimension::ratio, "8.2 %"};
    case Role::dryness: return {Dimension::ratio, "0.97"};
    case Role::density: return {Dimension::density, "0.84 kg/L"};
    case Role::term:
    case Role::volume:
    case Role::mass: break;
  }
  return {Dimension::ratio, "1"};
}

Role role_by(Role role, Dimension given) {
  const bool mass = given == Dimension::density || given == Dimension::normal_density;
  return role == Role::concentration && mass ? Role::mass_concentration : role;
}

std::string needed(Role role, const Measure& wanted) {
  return std::string(to_string(wanted.dimension)) + (role == Role::concentration ? " or density" : "");
}

std::optional<Constant> read_constant(config::Reader& in, std::string_view key, const std::string& text,
                                      const Measure& wanted, Role role) {
  double number = 0;
  const char* end = text.data() + text.size();
  const char* begin = text.data() + (text.starts_with('+') ? 1 : 0);
  const auto [parsed_to, code] = std::from_chars(begin, end, number);
  std::string symbol(parsed_to, static_cast<std::size_t>(end - parsed_to));
  symbol.erase(0, symbol.find_first_not_of(' '));
  const std::string expected =
      "expected DEVICE.POINT, or a number and its unit such as '" + std::string(wanted.example) + "'";
  if (code != std::errc{} || !(std::abs(number) <= 1e15)) {
    in.error(key, expected);
    return std::nullopt;
  }
  const auto unit = find_unit(symbol);
  const Role given = unit ? role_by(role, unit->dimension) : role;
  if (!unit || (unit->dimension != wanted.dimension && given == role)) {
    std::vector<std::string> known;
    for (const Unit& candidate : all_units()) {
      if (candidate.dimension == wanted.dimension || role_by(role, candidate.dimension) != role) {
        known.emplace_back(candidate.symbol);
      }
    }
    in.error(key, symbol.empty() ? "'" + printable(text) + "' has no unit; " + expected
                                 : "'" + printable(symbol) + "' is no unit of " + needed(role, wanted) +
                                       suggestion(symbol, known));
    return std::nullopt;
  }
  return Constant{number * static_cast<double>(unit->numerator) / static_cast<double>(unit->denominator), given};
}

std::string explain_first(const Point& point, Formula formula, Role role) {
  const auto say = [&](std::string_view wanted) {
    return "measures " + std::string(to_string(point.unit.dimension)) + ", and " + std::string(wanted) + " is needed";
  };
  const Dimension dimension = point.unit.dimension;
  bool rate = false;
  if (role == Role::velocity || role == Role::flow) {
    if (dimension != measure_of(role).dimension) {
      return say(role == Role::flow ? "a volume flow at the conditions of the stack, such as m3/h"
                                    : "a speed, such as m/s");
    }
    rate = true;
  } else if (role == Role::mass) {
    rate = dimension == Dimension::mass_flow;
    if (dimension != Dimension::mass && !rate) return say("a mass or a mass flow, such as t or t/h");
  } else {
    const bool normal = dimension == Dimension::normal_volume || dimension == Dimension::normal_volume_flow;
    rate = dimension == Dimension::volume_flow || dimension == Dimension::normal_volume_flow;
    if (normal && formula == Formula::gas_at_reference) return "is at reference conditions already";
    if (dimension != Dimension::volume && !normal && !rate) return say("a volume or a volume flow, such as m3 or m3/h");
  }
  if (rate == (point.kind == Kind::instantaneous)) return "";
  return rate ? "is a rate; its kind must be instantaneous" : "is an amount; its kind must be cumulative or interval";
}

void check_constant(config::Reader& in, std::string_view key, Role role, double value) {
  const bool fraction = role == Role::concentration || role == Role::moisture || role == Role::dryness;
  if (fraction && !(value >= 0 && value <= 1)) {
    in.error(key, "must be from 0 to 100 %; a number without a unit is a fraction");
  } else if (role == Role::mass_concentration && !(value >= 0 && value <= pipeline::kCo2DensityMax)) {
    in.error(key, "must be from 0 to 2 kg/m3: pure CO2 has no more");
  } else if (role == Role::barometric && !(value >= 30'000 && value <= 120'000)) {
    in.error(key, "is no pressure of the air: from 30 to 120 kPa");
  } else if (role == Role::pressure && !(value > 0)) {
    in.error(key, "an absolute pressure is more than 0");
  } else if (role == Role::density && !(value > 0)) {
    in.error(key, "must be more than 0");
  }
}

}  // namespace carbongate::app

// What an input of a derived point may be, by its role in the formula.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "config/reader/reader.h"
#include "drivers/api/point.h"
#include "gateway/model/derived.h"

namespace carbongate::app {

// What an input of a role measures, and how a constant of it is written.
struct Measure {
  Dimension dimension;
  std::string_view example;
};
Measure measure_of(model::Role role);

// A concentration is a share of the volume or a mass in it, by what it is given in.
model::Role role_by(model::Role role, Dimension given);

// Of what an input of the role must be given in, for people.
std::string needed(model::Role role, const Measure& wanted);

struct Constant {
  double value = 0;  // in the base unit
  model::Role role;  // by what it is given in
};
// "101.325 kPa"; a ratio needs no unit.
std::optional<Constant> read_constant(config::Reader& in, std::string_view key, const std::string& text,
                                      const Measure& wanted, model::Role role);

// Why the point cannot be what the result follows; "" if it can.
std::string explain_first(const Point& point, model::Formula formula, model::Role role);

// `value`: of a constant, in the base unit.
void check_constant(config::Reader& in, std::string_view key, model::Role role, double value);

}  // namespace carbongate::app

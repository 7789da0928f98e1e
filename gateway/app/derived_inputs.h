// What an input of a derived point may be, by its role in the formula.
#pragma once

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

// Why the point cannot be what the result follows; "" if it can.
std::string explain_first(const Point& point, model::Formula formula, model::Role role);

// `value`: of a constant, in the base unit.
void check_constant(config::Reader& in, std::string_view key, model::Role role, double value);

}  // namespace carbongate::app

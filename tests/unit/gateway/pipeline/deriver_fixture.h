// Derived points in a pipeline, and what came of them.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/unit/gateway/pipeline/pipeline_fixture.h"

namespace carbongate::pipeline {

inline const Instant kNoon = utc("2023-06-01 12:00");

inline model::DerivedInput from(model::Role role, PointId point, double weight = 1) {
  return {.role = role, .point = point, .constant = 0, .weight = weight};
}
inline model::DerivedInput constant(model::Role role, double value) {
  return {.role = role, .point = std::nullopt, .constant = value, .weight = 1};
}

inline std::vector<model::JudgedReading> of(const std::vector<model::JournalRow>& rows, PointId point) {
  std::vector<model::JudgedReading> found;
  for (const model::JournalRow& row : rows) {
    const auto* body = row.body.get_if<model::JudgedReading>();
    if (body && row.subject == model::Subject(point)) found.push_back(*body);
  }
  return found;
}

class DeriverTest : public testing::Test {
 protected:
  PointId derive(model::Formula formula, std::string_view unit, Kind kind, std::vector<model::DerivedInput> inputs) {
    const PointId result = site_.add_point("result" + std::to_string(site_.site.derived.size()), kind, unit);
    model::Derived derived;
    derived.result = result;
    derived.formula = formula;
    derived.inputs = std::move(inputs);
    site_.site.points.back().computed = true;
    site_.site.derived.push_back(derived);
    return result;
  }

  // A stack of 12 m2 with the instruments of the worked example in the reference.
  void add_stack() {
    velocity_ = site_.add_point("velocity", Kind::instantaneous, "m/s");
    co2_ = site_.add_point("co2", Kind::instantaneous, "%vol");
    temperature_ = site_.add_point("temperature", Kind::instantaneous, "°C");
    pressure_ = site_.add_point("pressure", Kind::instantaneous, "Pa");
    moisture_ = site_.add_point("moisture", Kind::instantaneous, "%");
    using model::Formula;
    using model::Role;
    stack_ = derive(
        Formula::cems_co2, "kg/h", Kind::instantaneous,
        {from(Role::velocity, velocity_), from(Role::concentration, co2_), from(Role::temperature, temperature_),
         from(Role::gauge_pressure, pressure_), constant(Role::barometric, 101'325), from(Role::moisture, moisture_)});
    site_.site.derived.back().area_m2 = 12;
  }
  std::vector<Reading> stack_readings(Instant at) const {
    return {reading(co2_, at, 12.0), reading(temperature_, at, 118.5), reading(pressure_, at, -150),
            reading(moisture_, at, 8.2), reading(velocity_, at, 12.40)};
  }

  TestSite site_;
  PointId velocity_{}, co2_{}, temperature_{}, pressure_{}, moisture_{}, stack_{};
};

}  // namespace carbongate::pipeline

// Derived points taken apart: the formula, its inputs at that time, the figures between, down to the registers.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "gateway/explain/explanation.h"
#include "gateway/explain/readings.h"
#include "gateway/model/site.h"

namespace carbongate::explain {

// What computes the point; nullptr: no derived point of this site.
const model::Derived* maker_of(const model::Site& site, PointId point);

// The point and all that it is computed from, directly or not, by full name.
std::set<std::string> points_behind(const model::Site& site, PointId point);

// What else stands between the values of a point and its amounts from `begin` to `end`: ratios and exchanges.
std::vector<std::string> notes_on(const Point& point, Instant begin, Instant end);

// How the pipeline counts what the point gives.
pipeline::EnergyMeter::Amounts amounts_of(const model::Site& site, PointId point);

using OriginOf = std::function<std::optional<Origin>(PointId, double)>;

// Takes one result apart: the one of `point` at `at`. `readings`: of points_behind().
std::shared_ptr<const DerivedUsed> take_apart(const model::Site& site, const model::Derived& derived, Instant at,
                                              const std::map<std::string, ReadingsOfPoint>& readings,
                                              const OriginOf& origin);

}  // namespace carbongate::explain

// What a point is computed from, over however many derived points.
#pragma once

#include <vector>

#include "gateway/model/site.h"

namespace carbongate::model {

// The point itself, and everything that it is computed from, directly or not: each once, however many ways lead there.
std::vector<PointId> computed_from(const Site& site, PointId point);

}  // namespace carbongate::model

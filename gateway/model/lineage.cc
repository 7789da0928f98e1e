#include "gateway/model/lineage.h"

#include <algorithm>
#include <ranges>

namespace carbongate::model {

std::vector<PointId> computed_from(const Site& site, PointId point) {
  std::vector<PointId> found;
  std::vector<bool> seen(site.points.size(), false);
  std::vector<PointId> waiting{point};
  while (!waiting.empty()) {
    const PointId next = waiting.back();
    waiting.pop_back();
    if (seen[index(next)]) continue;
    seen[index(next)] = true;
    found.push_back(next);
    const auto maker = std::ranges::find(site.derived, next, &Derived::result);
    if (maker == site.derived.end()) continue;
    for (const DerivedInput& input : maker->inputs | std::views::reverse) {
      if (input.point) waiting.push_back(*input.point);
    }
  }
  return found;
}

}  // namespace carbongate::model

#include "gateway/pipeline/late_inputs.h"

#include <algorithm>

#include "gateway/model/lineage.h"

namespace carbongate::pipeline {

LateInputs::LateInputs(const model::Site& site, std::span<const model::PointState> points)
    : results_(site.points.size()) {
  for (const model::Derived& derived : site.derived) {
    Result& result = results_.at(index(derived.result));
    result.rounds = RoundsBehind(site, derived.result);
    for (const PointId id : model::computed_from(site, derived.result)) {
      const auto maker = std::ranges::find(site.derived, id, &model::Derived::result);
      if (maker != site.derived.end()) {
        result.max_age = std::min(result.max_age, maker->max_age);
        continue;
      }
      result.inputs.push_back(id);
      if (index(id) >= points.size()) continue;
      const model::PointState& state = points[index(id)];
      result.newest = std::max({result.newest, state.last_at, state.withdrawn_at});
    }
  }
}

bool LateInputs::is_late(PointId id, Instant at) {
  Result& result = results_[index(id)];
  result.newest = std::max(result.newest, std::optional(at));
  return *result.newest - at > result.max_age;
}

std::optional<Instant> LateInputs::heard_until(PointId id, std::span<const model::PointState> points) const {
  std::optional<Instant> until;
  for (const PointId input : results_[index(id)].inputs) {
    const std::optional<Instant>& last = points[index(input)].last_at;
    if (!last) return std::nullopt;
    until = std::min(until.value_or(*last), *last);
  }
  return until;
}

}  // namespace carbongate::pipeline

#include "gateway/pipeline/rounds.h"

#include <algorithm>
#include <ranges>

#include "gateway/model/lineage.h"

namespace carbongate::pipeline {

RoundsBehind::RoundsBehind(const model::Site& site, PointId point) {
  for (const PointId id : model::computed_from(site, point)) {
    const auto maker = std::ranges::find(site.derived, id, &model::Derived::result);
    const bool is_sum = maker != site.derived.end() && maker->formula == model::Formula::sum;
    if (is_sum) rounds_.emplace_back(maker->max_age);
  }
}

Instant RoundsBehind::settled(Instant at) const {
  for (const Rounds& rounds : rounds_ | std::views::reverse) at = rounds.settled(at);
  return at;
}

Duration RoundsBehind::length() const {
  Duration length{};
  for (const Rounds& rounds : rounds_) length += rounds.length();
  return length;
}

}  // namespace carbongate::pipeline

#include "gateway/pipeline/due.h"

#include <algorithm>
#include <utility>

namespace carbongate::pipeline {

std::optional<Due::Step> Due::next(std::vector<model::PointState>& points) {
  if (done_ < readings_.size()) return derive_from(readings_[done_++], points);
  if (!rounds_.empty()) return conclude_first(points);
  readings_.clear();
  done_ = 0;
  return std::nullopt;
}

Due::Step Due::derive_from(const Judged& judged, std::vector<model::PointState>& points) {
  Step step;
  for (const Deriver::Feed feed : deriver_.fed_by(judged.reading.point)) {
    step.changed.push_back(deriver_.result(feed.derived));
    std::optional<Deriver::Derived> result;
    if (!usable(judged.quality)) {
      result = deriver_.missing(feed, judged.reading.at, points);
    } else if (deriver_.adds(feed.derived)) {
      deriver_.hear(feed, judged.reading, judged.quality, points, round_of(feed.derived, judged.reading.at),
                    step.withdrawn);
    } else {
      result = deriver_.derive(feed, judged.reading, judged.quality, points, step.withdrawn);
    }
    if (result) step.results.push_back(std::move(*result));
  }
  return step;
}

Due::Step Due::conclude_first(std::vector<model::PointState>& points) {
  const auto first = std::ranges::min_element(rounds_, {}, [this](const auto& r) { return deriver_.rank(r.derived); });
  Step step{.changed = {deriver_.result(first->derived)}, .results = {}};
  if (auto sum = deriver_.conclude(*first, points)) step.results.push_back(std::move(*sum));
  rounds_.erase(first);
  return step;
}

Deriver::Round& Due::round_of(std::uint32_t derived, Instant at) {
  const auto known = std::ranges::find(rounds_, derived, &Deriver::Round::derived);
  if (known != rounds_.end()) return *known;
  return rounds_.emplace_back(Deriver::Round{.derived = derived, .at = at});
}

}  // namespace carbongate::pipeline

#include "gateway/pipeline/reports.h"

#include <algorithm>

#include "gateway/pipeline/reporter.h"

namespace carbongate::pipeline {

using model::OpenInstant;
using model::OpenReport;
using model::Station;
using model::StationFactor;
using model::StationState;

double Reports::ratio_at(PointId point, Instant at) const {
  const Point& of = points_.at(index(point));
  double ratio = 1;
  if (of.kind != Kind::cumulative) return ratio;
  for (const TransformerRatio& one : of.history.ratios) {
    if (one.from <= at) ratio = static_cast<double>(one.numerator) / static_cast<double>(one.denominator);
  }
  return ratio;
}

Reports::Reports(const std::vector<model::Station>& stations, const std::vector<Point>& points,
                 std::vector<model::StationState>& states)
    : stations_(stations), points_(points), stations_of_(points.size()) {
  states.resize(stations.size());
  for (const Station& station : stations) {
    const std::size_t i = index(station.id);
    const std::size_t factors = station.factors.size();
    // Those of another list of factors say nothing of these.
    const auto fits = [factors](const OpenReport& open) { return open.sums.size() == factors; };
    StationState& state = states[i];
    const bool is_ours =
        state.latest.size() == 3 * factors && std::ranges::all_of(state.minutes, fits) &&
        (!state.hour || fits(*state.hour)) && (!state.day || fits(*state.day)) &&
        std::ranges::all_of(state.instants, [&](const OpenInstant& open) { return open.values.size() == 2 * factors; });
    if (!is_ours) {
      state = StationState{.latest = {},
                           .instants = {},
                           .instants_through = state.instants_through,
                           .minutes = {},
                           .minutes_until = state.minutes_until,
                           .hour = {},
                           .day = {},
                           .begun = state.begun,
                           .late = {}};
    }
    state.latest.resize(3 * factors);
    const auto note = [&](const std::optional<PointId>& point) {
      if (!point) return;
      std::vector<std::size_t>& known = stations_of_.at(index(*point));
      if (std::ranges::find(known, i) == known.end()) known.push_back(i);
    };
    for (const StationFactor& factor : station.factors) {
      note(factor.point);
      note(factor.reduced);
      note(factor.amount);
    }
  }
}

void Reports::take(std::size_t station, const Heard& heard, Calendar& calendar, StationState& state,
                   const Emit& emit) const {
  using model::Rule;
  const Rule rule = heard.quality.rule;
  Reporter reporter(stations_.at(station), calendar, state, emit);
  if (rule == Rule::duplicate || rule == Rule::out_of_order || !model::stamp_believed(heard.quality)) {
    reporter.take_late(heard);
  } else {
    reporter.take(heard, ratio_at(heard.point, heard.at));
  }
}

bool Reports::watch(std::size_t station, Instant now, Calendar& calendar, StationState& state) const {
  const Emit nothing = [](model::StationId, const model::Report&) {};
  return Reporter(stations_.at(station), calendar, state, nothing).watch(now);
}

bool Reports::pass(std::size_t station, Instant now, Calendar& calendar, StationState& state, const Emit& emit) const {
  return Reporter(stations_.at(station), calendar, state, emit).pass(now);
}

}  // namespace carbongate::pipeline

#include "gateway/pipeline/quality.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "gateway/model/hj212_flag.h"

namespace carbongate::pipeline {

using model::Origin;
using model::Rule;
using namespace std::chrono_literals;

namespace {

Duration stale_after(const PointLimits& limits) {
  if (limits.stale_after > 0ms) return limits.stale_after;
  return std::max<Duration>(3 * limits.interval, 60s);
}

}  // namespace

Duration gap_max(const PointLimits& limits) {
  if (limits.gap_max > 0ms) return limits.gap_max;
  return std::max<Duration>(3 * limits.interval, 5min);
}

QualityRules::QualityRules(const Point& point, Duration future_tolerance)
    : min_(point.limits.min.value_or(-std::numeric_limits<double>::infinity())),
      max_(point.limits.max.value_or(std::numeric_limits<double>::infinity())),
      stale_after_(stale_after(point.limits)),
      future_tolerance_(future_tolerance) {}

model::Quality QualityRules::judge(const Reading& reading, const model::PointState& state, Instant heard,
                                   Instant now) const {
  if (reading.hj212_flag == model::kNoFlag) return judge_value(reading, state, heard, now);
  const auto said = model::from_hj212_flag(reading.hj212_flag);
  if (!said || !usable(*said)) {
    if (const Rule rule = judge_time(reading, heard, now); rule != Rule::none) return {Origin::missing, rule};
    return said.value_or(model::Quality{Origin::missing, Rule::unknown_flag});
  }
  const model::Quality judged = judge_value(reading, state, heard, now);
  if (!usable(judged)) return judged;
  // The rule stays that of the reading: whether it is counted depends on it. Where that is not, its origin still tells
  // what it was marked with: flag_said().
  if (judged.rule == Rule::out_of_order && said->rule == Rule::stopped) return {said->origin, judged.rule};
  // That it came late its origin says too; that it was marked, nothing else would.
  const bool said_only = judged.rule == Rule::none || (judged.rule == Rule::stale && said->rule == Rule::stopped);
  return {std::max(judged.origin, said->origin), said_only ? said->rule : judged.rule};
}

Rule QualityRules::judge_time(const Reading& reading, Instant heard, Instant now) const {
  if (reading.at > now + future_tolerance_) return Rule::future;
  return heard - reading.at > kReadingAgeMax ? Rule::stale : Rule::none;
}

model::Quality QualityRules::judge_value(const Reading& reading, const model::PointState& state, Instant heard,
                                         Instant now) const {
  if (const Rule rule = judge_time(reading, heard, now); rule != Rule::none) return {Origin::missing, rule};
  if (reading.availability != Availability::available) return {Origin::missing, Rule::not_available};
  if (!std::isfinite(reading.value)) return {Origin::missing, Rule::not_a_number};
  if (reading.value < min_ || reading.value > max_) return {Origin::missing, Rule::range};
  if (state.last_at && reading.at <= *state.last_at) {
    if (reading.at < *state.last_at) return {Origin::late, Rule::out_of_order};
    return {reading.value == state.last_value ? Origin::measured : Origin::missing, Rule::duplicate};
  }
  if (heard - reading.at > stale_after_) return {Origin::late, Rule::stale};
  return {};
}

}  // namespace carbongate::pipeline

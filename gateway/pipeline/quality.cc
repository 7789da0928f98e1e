#include "gateway/pipeline/quality.h"

#include <algorithm>
#include <cmath>
#include <limits>

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
  if (reading.availability != Availability::available) return {Origin::missing, Rule::not_available};
  if (!std::isfinite(reading.value)) return {Origin::missing, Rule::not_a_number};
  if (reading.value < min_ || reading.value > max_) return {Origin::missing, Rule::range};
  if (reading.at > now + future_tolerance_) return {Origin::missing, Rule::future};
  const Duration age = heard - reading.at;
  if (age > kReadingAgeMax) return {Origin::missing, Rule::stale};
  if (state.last_at && reading.at <= *state.last_at) {
    if (reading.at < *state.last_at) return {Origin::late, Rule::out_of_order};
    return {reading.value == state.last_value ? Origin::measured : Origin::missing, Rule::duplicate};
  }
  if (age > stale_after_) return {Origin::late, Rule::stale};
  return {};
}

}  // namespace carbongate::pipeline

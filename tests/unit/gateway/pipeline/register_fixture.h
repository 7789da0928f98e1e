// A register of kWh, and what is counted of it.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>

#include "gateway/model/hj212_flag.h"
#include "gateway/pipeline/counter.h"
#include "gateway/pipeline/energy.h"
#include "gateway/pipeline/quality.h"
#include "tests/unit/gateway/pipeline/pipeline_fixture.h"

namespace carbongate::pipeline {

using namespace std::chrono_literals;

inline const Instant kStart = utc("2026-03-01 10:00");
inline constexpr std::int64_t kKwh = 1'000'000;

inline Point a_point() {
  Point point{.id = {}, .device = "d", .name = "p", .kind = Kind::cumulative, .unit = *find_unit("kWh"), .limits = {}};
  point.limits.interval = 10s;
  point.limits.power_max_w = 100e3;
  return point;
}

class Register {
 public:
  explicit Register(const Point& point, const model::Carrier& carrier = *model::find_carrier("electricity"))
      : rules_(point, 5min), meter_(*EnergyMeter::make(point, carrier)) {}

  Counted at(Duration since_start, double value, char hj212_flag = model::kNoFlag) {
    Reading r = reading({}, kStart + since_start, value);
    r.hj212_flag = hj212_flag;
    const model::Quality judged = rules_.judge(r, state, std::max(r.at, heard_), std::max(r.at, heard_));
    heard_ = std::max(r.at, heard_);
    Counted counted = meter_.count(r, judged, state);
    for (const Movement& m : counted) total += m.amount;
    if (countable(counted.quality) && state.last_at < r.at) {
      state.last_at = r.at;
      state.last_value = value;
    }
    return counted;
  }

  // Shows it until the counter is believed to be on another course, on which this is the second reading.
  Counted follows(Duration since_start, double value, Duration step) {
    Counted counted = at(since_start, value);
    for (std::size_t i = 2; counted.quality.rule == model::Rule::pending && i < kCourseReadings; ++i) {
      counted = at(since_start += step, value);
    }
    return counted;
  }

  model::PointState state;
  model::Activity total;

 private:
  QualityRules rules_;
  EnergyMeter meter_;
  Instant heard_{};
};

}  // namespace carbongate::pipeline

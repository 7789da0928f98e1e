// Reading -> JudgedReading: the rules that one reading can be judged by, alone and against the one before it.
#pragma once

#include "drivers/api/point.h"
#include "gateway/model/checkpoint.h"
#include "gateway/model/quality.h"

namespace carbongate::pipeline {

// A stamp this much older than its arrival comes from a clock that was never set (1970, 2000), not from a late reading.
inline constexpr Duration kReadingAgeMax = std::chrono::hours(24 * 366);

// The limits of one point with their defaults filled in.
//
// | what                                        | origin, rule               | counted |
// | marked by the device: HJ 212 M, C, D, T, B  | missing, by hj212_flag.h   | no      |
// | marked by a flag that HJ 212 does not have  | missing, unknown_flag      | no      |
// | the device had no value                     | missing, not_available     | no      |
// | NaN or infinite                             | missing, not_a_number      | no      |
// | outside min..max                            | missing, range             | no      |
// | later than now + future tolerance           | missing, future            | no      |
// | heard more than kReadingAgeMax after `at`   | missing, stale             | no      |
// | same instant as the newest, same value      | measured, duplicate        | once    |
// | same instant as the newest, another value   | missing, duplicate         | no; of a feed of factors late,
// out_of_order   | | older than the newest                       | late, out_of_order         | by the energy stage:
// energy.h | | heard more than stale_after after `at`      | late, stale                | yes     |
//
// The first that holds applies; of a marked value its time is judged first. The flag S makes what is counted manual, F
// is a remark (stopped) where there is no other, or none but that it is stale: then it is late, stopped. While nobody
// knows the time nothing is judged by it: what has a value is kept as missing, clock or device_clock
// (Pipeline::keep_apart). Steps of counters are judged by the energy stage, which sees the readings around them.
class QualityRules {
 public:
  QualityRules(const Point& point, Duration future_tolerance);

  // `state`: of the point, before this reading. `heard`: when it arrived.
  model::Quality judge(const Reading& reading, const model::PointState& state, Instant heard, Instant now) const;

 private:
  model::Quality judge_value(const Reading& reading, const model::PointState& state, Instant heard, Instant now) const;
  model::Rule judge_time(const Reading& reading, Instant heard, Instant now) const;

  double min_;
  double max_;
  Duration stale_after_;
  Duration future_tolerance_;
};

// Whether the energy stage may look at it: it has a value, and is newer than what was counted.
constexpr bool countable(model::Quality q) {
  return q.origin != model::Origin::missing && q.rule != model::Rule::duplicate && q.rule != model::Rule::out_of_order;
}

// Whether it says that there is no value now: what was read before it must not stand in for it. A reading that is only
// late, early or repeated says nothing of the kind.
constexpr bool withdraws(model::Quality q) {
  return q.origin == model::Origin::missing && q.rule != model::Rule::future && q.rule != model::Rule::stale &&
         q.rule != model::Rule::out_of_order && q.rule != model::Rule::duplicate && !time_unknown(q.rule);
}

// Longest time between two readings over which a rate is integrated and a counter's energy counts as watched.
Duration gap_max(const PointLimits& limits);

}  // namespace carbongate::pipeline

// What readings that came late, or factors, make of the alerts of rules of `power` and `co2e-rate`: the rates of a user
// follow from the readings of all of his meters in the order of their own times, and what was told otherwise is told
// again.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "drivers/api/reading.h"
#include "gateway/model/checkpoint.h"
#include "gateway/model/site.h"
#include "gateway/pipeline/calendar.h"
#include "gateway/pipeline/factor_registry.h"
#include "gateway/pipeline/late_alerts.h"

namespace carbongate::pipeline {

// Readings that one judgement plays at most, and the time that it spans: what lies behind is judged next.
inline constexpr std::size_t kLateRateReadingsMax = 2'000'000;
inline constexpr Duration kLateRateSpanMax = std::chrono::hours(48);

// Plays what a watch of a user's rate looks at. Not thread-safe; throws as Pipeline.
class RatePlay {
 public:
  // `factors` outlives it: of the site's time zone. `known`: the states of the site, for the live factors that were in
  // force before what is read. `told` and `parents`: as of judge_late().
  RatePlay(const model::Site& site, const FactorRegistry& factors, const LateWatch& late,
           const model::Checkpoint& known, std::span<const model::Alert> told, std::span<const AlertsOf> parents);
  ~RatePlay();
  RatePlay(const RatePlay&) = delete;
  RatePlay& operator=(const RatePlay&) = delete;

  // The readings that take() is to get.
  const std::vector<PointId>& points() const;
  Span wanted() const;

  // `reading`: as it was said when it was heard, of one of the points; ascending. False: it is enough, and was not
  // taken.
  bool take(const Reading& reading);

  LateJudgement finish();  // once

 private:
  struct Playing;
  std::unique_ptr<Playing> playing_;
};

}  // namespace carbongate::pipeline

// What all judgements of late data have in common: one watch is played with nothing around it but what holds it back,
// and what follows is held against what was told.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "gateway/model/checkpoint.h"
#include "gateway/model/rows.h"
#include "gateway/model/site.h"
#include "gateway/pipeline/late_alerts.h"
#include "gateway/pipeline/told_alerts.h"

namespace carbongate::pipeline {

inline constexpr Duration kLongestGap = std::chrono::hours(6);  // that readings are looked for across

inline constexpr Duration kRateLead = std::chrono::hours(2);  // at least, by which the rates of a user are known

inline constexpr model::WatchId kPlayed{0};  // of site_around(): the watch
inline constexpr model::WatchId kParent{1};  // holds it back while it is said to fire

// A site with no points yet, with that watch and one that stands for all that hold it back. `watch`: of `whole`, but
// its points and accounts are those of the site to be.
model::Site site_around(const model::Site& whole, model::Watch watch);

// When one or more of those that hold a watch back fire.
class Held {
 public:
  // `watch`: of `site`. What came after `until` is not known yet.
  Held(const model::Site& site, model::WatchId watch, std::span<const AlertsOf> parents, Instant until);

  bool changes_by(Instant at) const { return !changes_.empty() && changes_.begin()->first <= at; }

  // For each change through `at` calls pass(now), which lets pass what is due before it, and then tell(value, when):
  // of kParent.
  template <class Pass, class Tell>
  void move_to(Instant at, Duration grace, Pass&& pass, Tell&& tell) {
    for (; changes_by(at); changes_.erase(changes_.begin())) {
      const auto [when, change] = *changes_.begin();
      const bool was = count_ > 0;
      count_ += change;
      if (was == (count_ > 0)) continue;
      pass(when - Duration(1) + grace);
      tell(count_ > 0 ? 1 : 0, when);
    }
  }

 private:
  std::map<Instant, int> changes_;
  int count_ = 0;
};

// From when on alerts are judged: whatever began before has fired by the time of the first late reading.
Instant judged_from(const model::Site& site, const LateWatch& late);

// The state of a watch that begins to be played then: what was told to fire fires, or is about to.
void fire_as_told(const std::map<Instant, Told>& known, Instant start, model::AlertState& state);

// `rows`: what followed in that time; `at_start`, `end`: the state of the watch when it began and ended.
LateJudgement judgement_of(const LateWatch& late, const Span& played, const std::map<Instant, Told>& known,
                           std::span<const model::JournalRow> rows, const model::AlertState& at_start,
                           const model::AlertState& end);

}  // namespace carbongate::pipeline

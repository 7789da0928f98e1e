// What readings that came late make of the alerts of their point, and of silences that they fill: those are what the
// readings say in the order of their own times, and what was told otherwise is told again. Of users: late_rates.h.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "drivers/api/reading.h"
#include "gateway/model/alert.h"
#include "gateway/model/quality.h"
#include "gateway/model/site.h"
#include "gateway/pipeline/calendar.h"
#include "gateway/pipeline/told_alerts.h"

namespace carbongate::pipeline {

// A watch that heard readings late: of a point's value or of its change, of a silence that was told, or of a user's
// rate, whose factors may have come late, too.
struct LateWatch {
  model::WatchId watch{};
  Instant from{};                        // of the earliest of them
  Instant until{};                       // of the newest reading that it looks at
  std::uint64_t heard = 0;               // late ones in this run: more may come meanwhile
  std::optional<Instant> expected = {};  // of a silence: from when on readings are
};

// What an account does since the newest reading of its point: live it is the mean since the one that was heard before.
struct LateRate {
  model::AccountId account{};
  std::optional<Instant> newest;
  double amount_per_hour = 0;
  std::optional<double> co2e_kg_per_hour;
};

struct LateJudgement {
  LateWatch of;
  std::vector<model::Alert> changes;  // to be told, in their order
  struct Pending {
    Instant since{};
    Instant seen_at{};
    double value = 0;
    std::optional<Duration> bridged = {};  // as in AlertState
    bool held_back = false;
  };
  std::optional<Pending> pending;    // at `of.until`
  std::vector<LateRate> rates = {};  // then
  std::optional<Instant> rest = {};  // it was judged up to there; what lies behind is to be judged next
  Right right = {};
  std::optional<Instant> moved = {};  // the earliest time at which what was told of it is not right
};

// Whether late data have alerts of the rule played again, by the readings of the time; what was summed is judged by
// corrections.
constexpr bool is_played_late(const model::AlertRule& rule) {
  using model::Measure;
  return rule.measure == Measure::value || rule.measure == Measure::change || rule.measure == Measure::silence ||
         rule.measure == Measure::rate || rule.measure == Measure::members;
}

// Those that hold the watch back while they fire: of the rules that it depends on those about the same device or user,
// or all of a rule that has none of them. With `one_alert` also those of its own rule, of which one fires at a time.
// In a judgement they do so in the times that they should have fired in, where their readings say that.
std::vector<model::WatchId> holds_back(const model::Site& site, model::WatchId watch);

// What was heard of a point, and how it was judged then.
struct PastReading {
  Instant at{};
  double value = 0;
  model::Quality quality = {};
};

// Of a reading of a counter, for rules of change: whether what it shows is doubted, or was taken back; and whether what
// it shows is no longer to be held against what was shown before.
constexpr bool in_doubt(model::Quality quality) {
  return quality.rule == model::Rule::pending || quality.rule == model::Rule::glitch;
}
constexpr bool begins_anew(model::Quality quality) {
  return quality.rule == model::Rule::rollover || model::leaves_unknown(quality.rule);
}

// From when on alerts are judged, and readings needed: whatever began before has fired by the time of the first late
// one; of a change the readings that it is measured from, too, and of a silence one from before it.
Instant lead_of(const model::Site& site, const LateWatch& late);

// Whether a reading says nothing of a silence that those around it do not say.
bool is_between(const model::AlertRule& silence, Instant before, Instant after);

// `readings`: usable ones, ascending, from lead_of() to `late.until`; of a silence of any of its points. `told`: all
// changes of the watch's alerts, in any order; `parents`: the alerts of those that hold it back. Alerts that overlap
// are one and the same: a late reading that only moves a begin or an end changes nothing. Pure.
LateJudgement judge_late(const model::Site& site, const LateWatch& late, std::span<const PastReading> readings,
                         std::span<const model::Alert> told, std::span<const AlertsOf> parents);

}  // namespace carbongate::pipeline

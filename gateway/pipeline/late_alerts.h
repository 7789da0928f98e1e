// What readings that came late make of the alerts of their point: those are what the readings say in the order of their
// own times, and what was told otherwise is told again.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "drivers/api/reading.h"
#include "gateway/model/alert.h"
#include "gateway/model/quality.h"
#include "gateway/model/site.h"
#include "gateway/model/unknown_amount.h"
#include "gateway/pipeline/calendar.h"

namespace carbongate::pipeline {

// A watch of a point's value, or of its change, that heard readings late.
struct LateWatch {
  model::WatchId watch{};
  Instant from{};           // of the earliest of them
  Instant until{};          // of the newest reading of the point
  std::uint64_t heard = 0;  // late ones in this run: more may come meanwhile
};

struct LateJudgement {
  LateWatch of;
  std::vector<model::Alert> changes;  // to be told, in their order
  struct Pending {
    Instant since{};
    Instant seen_at{};
    double value = 0;
  };
  std::optional<Pending> pending;  // at `of.until`
};

// Those that hold the watch back while they fire: of the rules that it depends on those about the same device or user,
// or all of a rule that has none of them. With `one_alert` also those of its own rule, of which one fires at a time.
std::vector<model::WatchId> holds_back(const model::Site& site, model::WatchId watch);

// Of a reading of a counter, for rules of change: whether what it shows is doubted, or was taken back; and whether what
// it shows is no longer to be held against what was shown before.
constexpr bool in_doubt(model::Quality quality) {
  return quality.rule == model::Rule::pending || quality.rule == model::Rule::glitch;
}
constexpr bool begins_anew(model::Quality quality) {
  return quality.rule == model::Rule::rollover || model::leaves_unknown(quality.rule);
}

// From when on readings are needed: whatever began before has fired by the time of the first late one; of a change the
// readings that it is measured from, too.
Instant lead_of(const model::Site& site, const LateWatch& late);

// `readings`: usable ones, ascending, from lead_of() to `late.until`. `told`: all changes of the watch's alerts, and
// `parents`: of those that hold it back, in any order. Alerts that overlap are one and the same: a late reading that
// only moves a begin or an end changes nothing. Pure.
LateJudgement judge_late(const model::Site& site, const LateWatch& late, std::span<const Reading> readings,
                         std::span<const model::Alert> told, std::span<const model::Alert> parents);

}  // namespace carbongate::pipeline

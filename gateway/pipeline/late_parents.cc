#include "gateway/pipeline/late_parents.h"

#include <algorithm>
#include <utility>

#include "gateway/pipeline/late_play.h"
#include "gateway/pipeline/told_alerts.h"

namespace carbongate::pipeline {

using model::Measure;
using model::WatchId;

namespace {

constexpr int kRounds = 4;  // in which watches that hold each other back are judged, one by what the others came to

// Whether it is silent now no reading says; sums are judged by corrections, groups by what was told of their members.
bool is_played(const model::AlertRule& rule) {
  return rule.measure == Measure::value || rule.measure == Measure::change || rule.measure == Measure::rate;
}

}  // namespace

LateParents::LateParents(const model::Site& site, std::span<const LateWatch> late, Judge judge)
    : site_(site), judge_(std::move(judge)), all_{.from = Instant::max(), .until = Instant::min()} {
  for (const LateWatch& one : late) {
    const bool is_group = rule_of(one.watch).measure == Measure::members;  // how many fire lasts until that changes
    all_.from = std::min(all_.from, is_group ? one.from - 2 * rule_of(one.watch).hold_for : judged_from(site, one));
    all_.until = std::max(all_.until, one.until);
  }
}

model::Result<void> LateParents::put_right(std::vector<AlertsOf>& parents, WatchId child, For whom) {
  if (parents.size() > kParentsPlayed) return {};
  for (AlertsOf& parent : parents) {
    if (!is_played(rule_of(parent.watch))) continue;
    const bool is_sibling = &rule_of(parent.watch) == &rule_of(child);
    if (!is_sibling || whom == For::itself) {
      if (auto found = find(parent.watch); found.has_error()) return found.error();
    }
    const auto right = right_.find(parent.watch);
    if (right != right_.end()) parent.alerts = pipeline::put_right(parent.alerts, right->second);
  }
  return {};
}

model::Result<void> LateParents::find(WatchId watch) {
  const model::AlertRule& rule = rule_of(watch);
  if (!rule.one_alert) {
    if (right_.contains(watch)) return {};
    if (auto judged = judge_again(watch); judged.has_error()) return judged.error();
    return {};
  }
  const std::size_t place = site_.watches.at(model::index(watch)).rule_place;
  if (!settled_.insert(place).second) return {};
  bool is_settled = false;
  for (int round = 0; round < kRounds && !is_settled; ++round) {
    is_settled = true;
    for (const model::Watch& one : site_.watches) {
      if (one.rule_place != place) continue;
      const auto is_other = judge_again(one.id);
      if (is_other.has_error()) return is_other.error();
      is_settled = is_settled && !*is_other;
    }
  }
  return {};
}

// Whether it came to something else than before.
model::Result<bool> LateParents::judge_again(WatchId watch) {
  LateWatch late = all_;
  late.watch = watch;
  auto judgement = judge_(late, For::its_children);
  if (judgement.has_error()) return judgement.error();
  const auto known = right_.find(watch);
  const bool is_other = known == right_.end() || differs_from(known->second.alerts, judgement->right) ||
                        differs_from(judgement->right.alerts, known->second);
  right_.insert_or_assign(watch, std::move(judgement->right));
  return is_other;
}

const model::AlertRule& LateParents::rule_of(WatchId watch) const {
  return site_.alert_rules.at(site_.watches.at(model::index(watch)).rule_place);
}

}  // namespace carbongate::pipeline

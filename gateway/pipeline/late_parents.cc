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

bool covers(const Span& known, const Span& asked) {
  return known.begin <= asked.begin && asked.end <= known.end;
}

}  // namespace

LateParents::LateParents(const model::Site& site, Judge judge) : site_(site), judge_(std::move(judge)) {}

// In the time that the child is played.
model::Result<void> LateParents::put_right(std::vector<AlertsOf>& parents, const LateWatch& child, For whom) {
  if (parents.size() > kParentsPlayed) return {};
  const model::AlertRule& rule = rule_of(child.watch);
  const bool is_group = rule.measure == Measure::members;  // how many fire lasts until that changes
  const Span of{is_group ? child.from - 2 * rule.hold_for : judged_from(site_, child), child.until + Duration(1)};
  for (AlertsOf& parent : parents) {
    if (!is_played_late(rule_of(parent.watch))) continue;
    const bool is_sibling = &rule_of(parent.watch) == &rule;
    if (!is_sibling || whom == For::itself) {
      const Duration lead = is_sibling ? 2 * (child.from - of.begin) : Duration::zero();
      if (auto found = find(parent.watch, {of.begin - lead, of.end}); found.has_error()) return found.error();
    }
    const auto known = right_.find(parent.watch);
    if (known != right_.end()) parent.alerts = pipeline::put_right(parent.alerts, known->second.right);
  }
  return {};
}

model::Result<void> LateParents::find(WatchId watch, const Span& of) {
  const model::AlertRule& rule = rule_of(watch);
  if (!rule.one_alert) {
    const auto known = right_.find(watch);
    if (known != right_.end() && covers(known->second.of, of)) return {};
    if (auto judged = judge_again(watch, of); judged.has_error()) return judged.error();
    return {};
  }
  const std::size_t place = site_.watches.at(model::index(watch)).rule_place;
  std::vector<WatchId> siblings;
  for (const model::Watch& one : site_.watches) {
    if (one.rule_place == place) siblings.push_back(one.id);
  }
  if (siblings.size() > kParentsPlayed) return {};
  const auto settled = settled_.find(place);
  if (settled != settled_.end() && covers(settled->second, of)) return {};
  settled_[place] = of;
  for (const WatchId one : siblings) right_.erase(one);
  bool is_settled = false;
  for (int round = 0; round < kRounds && !is_settled; ++round) {
    is_settled = true;
    for (const WatchId one : siblings) {
      const auto is_other = judge_again(one, of);
      if (is_other.has_error()) return is_other.error();
      is_settled = is_settled && !*is_other;
    }
  }
  return {};
}

// Whether it came to something else than before.
model::Result<bool> LateParents::judge_again(WatchId watch, const Span& of) {
  const LateWatch late{.watch = watch, .from = of.begin, .until = of.end - Duration(1)};
  auto judgement = judge_(late, For::its_children);
  if (judgement.has_error()) return judgement.error();
  const auto known = right_.find(watch);
  const bool is_other = known == right_.end() || differs_from(known->second.right.alerts, judgement->right);
  right_.insert_or_assign(watch, Asked{.of = of, .right = std::move(judgement->right)});
  return is_other;
}

const model::AlertRule& LateParents::rule_of(WatchId watch) const {
  return site_.alert_rules.at(site_.watches.at(model::index(watch)).rule_place);
}

}  // namespace carbongate::pipeline

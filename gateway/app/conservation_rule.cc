#include "gateway/app/conservation_rule.h"

#include <algorithm>
#include <string>
#include <utility>

namespace carbongate::app {

void add_conservation_rule(model::Site& site) {
  model::AlertRule rule;
  rule.id = kConservationRule;
  rule.name = "Data unaccounted for: a defect of the gateway";
  rule.name_zh = "数据守恒被破坏：网关缺陷";
  rule.severity = model::Severity::critical;
  rule.above = 0;
  model::Watch watch;
  watch.id = static_cast<model::WatchId>(site.watches.size());
  watch.rule = rule.id;
  watch.rule_place = site.alert_rules.size();
  watch.device = kConservationSubject;
  watch.unit = "1";
  site.alert_rules.push_back(std::move(rule));
  site.watches.push_back(std::move(watch));
}

std::optional<model::WatchId> conservation_watch(const model::Site& site) {
  const auto found = std::ranges::find(site.watches, kConservationRule, &model::Watch::rule);
  return found == site.watches.end() ? std::nullopt : std::optional(found->id);
}

bool has_rules_of_its_own(const model::Site& site) {
  return std::ranges::any_of(site.watches, [](const model::Watch& watch) { return watch.rule != kConservationRule; });
}

}  // namespace carbongate::app

#include "drivers/mqtt/router.h"

#include "protocols/mqtt/topic_filter.h"

namespace carbongate::mqtt_driver {

Router::Router(std::span<const std::unique_ptr<MqttPlan>> plans) {
  for (std::size_t i = 0; i < plans.size(); ++i) {
    const MqttPlan& plan = *plans[i];
    const std::string filter(mqtt::without_share(plan.filter));
    if (filter.find_first_of("+#") == std::string::npos) {
      exact_[filter].push_back({.plan = i, .member = 0});
      continue;
    }
    Pattern& pattern = patterns_.emplace_back();
    pattern.filter = filter;
    pattern.plan = i;
    pattern.device_wildcard = plan.device_wildcard;
    for (std::size_t m = 0; m < plan.members.size(); ++m) pattern.members.emplace(plan.members[m].level, m);
  }
}

Router::Route Router::find(std::string_view topic) const {
  Route route;
  if (const auto exact = exact_.find(topic); exact != exact_.end()) route.targets = exact->second;
  std::string_view undeclared;
  for (const Pattern& pattern : patterns_) {
    const auto captured = mqtt::capture(pattern.filter, topic);
    if (!captured) continue;
    if (!pattern.device_wildcard) {
      route.targets.push_back({.plan = pattern.plan, .member = 0});
      continue;
    }
    const std::string_view level = (*captured)[*pattern.device_wildcard];
    if (const auto member = pattern.members.find(level); member != pattern.members.end()) {
      route.targets.push_back({.plan = pattern.plan, .member = member->second});
    } else {
      undeclared = level;
    }
  }
  if (route.targets.empty()) route.undeclared = undeclared;
  return route;
}

}  // namespace carbongate::mqtt_driver

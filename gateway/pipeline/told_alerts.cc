#include "gateway/pipeline/told_alerts.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace carbongate::pipeline {

using model::Alert;
using model::AlertStage;

std::map<Instant, Told> alerts_of(std::span<const Alert> changes, Instant until) {
  std::vector<const Alert*> ordered;
  for (const Alert& change : changes) {
    if (change.stage != AlertStage::acknowledged || change.at <= until) ordered.push_back(&change);
  }
  std::ranges::sort(ordered, {}, [](const Alert* change) { return std::pair(change->since, change->revision); });
  std::map<Instant, Told> alerts;
  for (const Alert* change : ordered) {
    Told& alert = alerts[change->since];
    alert.since = change->since;
    alert.changes = std::max(alert.changes, change->revision + 1);
    if (change->stage == AlertStage::acknowledged) continue;
    if (change->stage == AlertStage::firing) {
      alert.fired = change->at;
      alert.firing = *change;
      alert.over.reset();
      alert.withdrawn = false;
      continue;
    }
    alert.withdrawn = change->stage == AlertStage::withdrawn;
    alert.last = *change;
    if (change->at <= until || alert.withdrawn) alert.over = change->at;
  }
  return alerts;
}

namespace {

bool fires_at(const std::map<Instant, Told>& alerts, Instant at) {
  return std::ranges::any_of(alerts, [at](const auto& item) {
    const Told& alert = item.second;
    return !alert.withdrawn && alert.fired <= at && at < alert.over.value_or(Instant::max());
  });
}

}  // namespace

std::optional<Instant> differs_from(const std::map<Instant, Told>& told, const Right& right) {
  struct Change {
    int told = 0;
    int right = 0;
  };
  std::map<Instant, Change> changes{{right.of.begin, {}}};
  const auto add = [&](const std::map<Instant, Told>& alerts, int Change::* of) {
    for (const auto& [since, alert] : alerts) {
      if (alert.withdrawn) continue;
      ++(changes[std::max(alert.fired, right.of.begin)].*of);
      if (alert.over) --(changes[std::max(*alert.over, right.of.begin)].*of);
    }
  };
  add(told, &Change::told);
  add(right.alerts, &Change::right);
  Change now;
  for (const auto& [at, change] : changes) {
    if (at >= right.of.end) break;
    now.told += change.told;
    now.right += change.right;
    if ((now.told > 0) != (now.right > 0)) return at;
  }
  return std::nullopt;
}

std::map<Instant, Told> put_right(const std::map<Instant, Told>& told, const Right& right) {
  std::map<Instant, Told> alerts = right.alerts;
  std::erase_if(alerts, [&](const auto& item) { return item.second.over.value_or(Instant::max()) <= right.of.begin; });
  for (auto& [since, alert] : alerts) {
    if (!alert.over && !fires_at(told, right.of.end - Duration(1))) alert.over = right.of.end;
  }
  for (const auto& [since, alert] : told) {
    if (alert.withdrawn) continue;
    for (auto& [begin, played] : alerts) {
      if (played.overlaps(alert)) played.firing = alert.firing;  // by the name that it was told under
    }
    const bool is_elsewhere = alert.over.value_or(Instant::max()) <= right.of.begin || alert.fired >= right.of.end;
    if (is_elsewhere) alerts.try_emplace(since, alert);
    if (!is_elsewhere && alert.fired < right.of.begin && !fires_at(right.alerts, right.of.begin)) {
      Told until_then = alert;
      until_then.over = right.of.begin;
      alerts.insert_or_assign(since, std::move(until_then));
    }
    const bool goes_on = !is_elsewhere && (!alert.over || *alert.over >= right.of.end);
    if (!goes_on) continue;
    for (auto& [begin, played] : alerts) {
      if (!played.over && played.overlaps(alert)) played.over = alert.over;
    }
  }
  return alerts;
}

}  // namespace carbongate::pipeline

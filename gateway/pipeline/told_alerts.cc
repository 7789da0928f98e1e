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

}  // namespace carbongate::pipeline

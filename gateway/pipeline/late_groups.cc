#include "gateway/pipeline/late_groups.h"

#include <algorithm>
#include <cstddef>
#include <map>

#include "gateway/pipeline/alert_times.h"
#include "gateway/pipeline/told_alerts.h"

namespace carbongate::pipeline {

using model::Alert;
using model::AlertStage;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t kMembersNamed = 20;
constexpr Duration kHoldsForEver = 24h * 365 * 100;  // how many fire is known until that changes

// A group that is told how many fire, as if that were the value of a point.
model::Site as_a_value(const model::Site& site, const model::Watch& group) {
  model::Site one;
  one.id = site.id;
  one.time_zone = site.time_zone;
  one.alert_grace = site.alert_grace;
  one.maintenance = site.maintenance;
  one.points.resize(1);
  one.points.front().limits.gap_max = kHoldsForEver;
  one.alert_rules.push_back(site.alert_rules.at(group.rule_place));
  one.alert_rules.front().depends_on.clear();
  one.alert_rules.front().one_alert = false;
  one.watches.push_back(group);
  model::Watch& watch = one.watches.front();
  watch.id = model::WatchId{};
  watch.rule_place = 0;
  watch.points = {PointId{}};
  watch.members.clear();
  return one;
}

struct Fired {
  Instant from{};
  Instant until{};
  std::string subject;
  std::string id;
};

std::string members_at(std::span<const Fired> fired, Instant at) {
  std::vector<std::pair<std::string, std::string>> named;
  for (const Fired& one : fired) {
    if (one.from <= at && at < one.until) named.emplace_back(one.subject, one.id);
  }
  return members_text(named);
}

}  // namespace

std::string members_text(std::span<const std::pair<std::string, std::string>> members) {
  std::string text;
  for (const auto& [subject, id] : members.first(std::min(members.size(), kMembersNamed))) {
    text += (text.empty() ? "" : ", ") + subject + " " + id;
  }
  if (members.size() <= kMembersNamed) return text;
  return text + " and " + std::to_string(members.size() - kMembersNamed) + " more";
}

LateJudgement judge_late_group(const model::Site& site, const LateWatch& late, std::span<const AlertsOf> members,
                               std::span<const Alert> told, std::span<const AlertsOf> parents) {
  const model::Site one = as_a_value(site, site.watches.at(model::index(late.watch)));
  LateWatch of = late;
  of.watch = model::WatchId{};
  std::vector<Fired> fired;
  std::map<Instant, int> changes;  // of how many fire
  for (const AlertsOf& member : members) {
    const model::Watch& watch = site.watches.at(model::index(member.watch));
    const std::string carrier(watch.carrier ? watch.carrier->id : "");
    for (const auto& [since, alert] : member.alerts) {
      if (alert.withdrawn || alert.fired > late.until) continue;
      const Instant over = alert.over.value_or(Instant::max());
      fired.push_back({.from = alert.fired,
                       .until = over,
                       .subject = model::subject_name(watch.device, watch.point, watch.user, carrier),
                       .id = alert.firing.id});
      ++changes[alert.fired];
      if (over <= late.until) --changes[over];
    }
  }
  std::vector<PastReading> counts;
  const Instant lead = lead_of(one, of);
  Calendar calendar(site.time_zone);
  const auto& active = one.alert_rules.front().active;
  for (Instant from = lead; active && from <= late.until;) {
    const std::optional<Span> hours = active_hours(active, calendar, from);
    if (!hours || hours->begin > late.until) break;
    changes[hours->begin];  // it is looked at then
    from = hours->end;
  }
  int count = 0;
  for (const auto& [at, change] : changes) {
    count += change;
    const PastReading reading{.at = std::max(at, lead), .value = static_cast<double>(count)};
    if (!counts.empty() && counts.back().at == reading.at) counts.pop_back();
    counts.push_back(reading);
  }
  LateJudgement judgement = judge_late(one, of, counts, told, parents);
  judgement.of = late;
  judgement.pending.reset();
  for (std::size_t i = 0; i < judgement.changes.size(); ++i) {
    Alert& change = judgement.changes[i];
    if (change.stage == AlertStage::firing) change.note = members_at(fired, change.at);
  }
  // A withdrawal of what goes on, and a firing that does, are the members' own to tell.
  const auto known = alerts_of(told, Instant::max());
  std::vector<Alert> over;
  for (std::size_t i = 0; i < judgement.changes.size(); ++i) {
    const Alert& change = judgement.changes[i];
    const bool is_followed = i + 1 < judgement.changes.size() && judgement.changes[i + 1].since == change.since;
    if (change.stage == AlertStage::firing && !is_followed) continue;
    const auto same = known.find(change.since);
    if (change.stage == AlertStage::withdrawn && same != known.end() && !same->second.over) continue;
    over.push_back(change);
  }
  judgement.changes = std::move(over);
  return judgement;
}

}  // namespace carbongate::pipeline

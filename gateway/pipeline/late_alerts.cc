#include "gateway/pipeline/late_alerts.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <utility>

#include "gateway/model/checkpoint.h"
#include "gateway/model/rows.h"
#include "gateway/pipeline/alerts.h"
#include "gateway/pipeline/quality.h"
#include "gateway/pipeline/told_alerts.h"

namespace carbongate::pipeline {

using model::Alert;
using model::AlertStage;

namespace {

using namespace std::chrono_literals;

constexpr Duration kLongestGap = 6h;  // that readings are looked for across

constexpr std::size_t kWatch = 0;   // of alone()
constexpr std::size_t kParent = 1;  // holds it back while it is said to fire

// A site with one point and one watch, and one that stands for all that hold it back.
model::Site alone(const model::Site& site, const model::Watch& watch) {
  model::Site one;
  one.id = site.id;
  one.time_zone = site.time_zone;
  one.alert_grace = site.alert_grace;
  one.maintenance = site.maintenance;
  one.points.push_back(site.points.at(carbongate::index(watch.points.front())));
  one.points.front().id = PointId{};
  one.alert_rules.push_back(site.alert_rules.at(watch.rule_place));
  model::AlertRule& rule = one.alert_rules.front();
  rule.depends_on = {kParent};
  rule.one_alert = false;
  one.watches.push_back(watch);
  one.watches.front().id = model::WatchId{};
  one.watches.front().rule_place = kWatch;
  one.watches.front().points = {PointId{}};
  one.alert_rules.emplace_back().measure = model::Measure::members;
  model::Watch& parent = one.watches.emplace_back();
  parent.id = model::WatchId{kParent};
  parent.rule_place = kParent;
  return one;
}

// When one or more of them fire.
class Held {
 public:
  Held(std::span<const Alert> parents, Instant until) {
    std::map<std::string, std::vector<Alert>> by_id;  // several may have begun at a time
    for (const Alert& change : parents) by_id[change.id].push_back(change);
    for (const auto& [id, changes] : by_id) {
      for (const auto& [since, parent] : alerts_of(changes, until)) {
        if (parent.withdrawn || parent.fired > until) continue;
        ++changes_[parent.fired];
        if (parent.over) --changes_[*parent.over];
      }
    }
  }

  // Has what is due let pass up to each time at which that changes, through `at`.
  void move_to(Instant at, Alerts& alerts, Duration grace, model::AlertState& parent) {
    for (; !changes_.empty() && changes_.begin()->first <= at; changes_.erase(changes_.begin())) {
      const auto [when, change] = *changes_.begin();
      count_ += change;
      if (parent.since.has_value() == (count_ > 0)) continue;
      const Instant just_before = when - Duration(1) + grace;
      alerts.pass(just_before, just_before);
      parent.since = parent.fired_at = count_ > 0 ? std::optional(when) : std::nullopt;
    }
  }

 private:
  std::map<Instant, int> changes_;
  int count_ = 0;
};

}  // namespace

std::vector<model::WatchId> holds_back(const model::Site& site, model::WatchId watch) {
  const model::Watch& child = site.watches.at(model::index(watch));
  const model::AlertRule& rule = site.alert_rules.at(child.rule_place);
  std::vector<model::WatchId> parents;
  for (const std::size_t place : rule.depends_on) {
    std::vector<model::WatchId> all;
    std::vector<model::WatchId> near;
    for (const model::Watch& other : site.watches) {
      if (other.rule_place != place) continue;
      all.push_back(other.id);
      const bool is_near =
          (!other.device.empty() && other.device == child.device) || (!other.user.empty() && other.user == child.user);
      if (is_near) near.push_back(other.id);
    }
    const auto& chosen = near.empty() ? all : near;
    parents.insert(parents.end(), chosen.begin(), chosen.end());
  }
  if (!rule.one_alert) return parents;
  for (const model::Watch& other : site.watches) {
    if (other.id != watch && other.rule_place == child.rule_place) parents.push_back(other.id);
  }
  return parents;
}

Instant lead_of(const model::Site& site, const LateWatch& late) {
  const model::Watch& watch = site.watches.at(model::index(late.watch));
  const model::AlertRule& rule = site.alert_rules.at(watch.rule_place);
  const Duration gap = gap_max(site.points.at(carbongate::index(watch.points.front())).limits);
  const Instant judged_from = late.from - rule.hold_for - std::min(gap, kLongestGap);
  return rule.measure == model::Measure::change ? judged_from - rule.length - std::min(gap, kLongestGap) : judged_from;
}

LateJudgement judge_late(const model::Site& site, const LateWatch& late, std::span<const Reading> readings,
                         std::span<const Alert> told, std::span<const Alert> parents) {
  const model::Watch& watch = site.watches.at(model::index(late.watch));
  const model::AlertRule& rule = site.alert_rules.at(watch.rule_place);
  const Duration gap = std::min(gap_max(site.points.at(carbongate::index(watch.points.front())).limits), kLongestGap);
  const Instant start = late.from - rule.hold_for - gap;
  const std::map<Instant, Told> known = alerts_of(told, late.until);

  const model::Site one = alone(site, watch);
  Calendar calendar(one.time_zone);
  model::Checkpoint state;
  state.points.resize(1);
  state.alerts.resize(one.watches.size());
  std::vector<model::JournalRow> rows;
  Alerts alerts(one, calendar, state, rows);
  for (const auto& [since, alert] : known) {  // what fires at the start
    if (alert.withdrawn || alert.since >= start || alert.fired > start || alert.over.value_or(start) < start) continue;
    state.alerts.front().since = alert.since;
    state.alerts.front().fired_at = alert.fired;
  }
  Held held(parents, late.until);
  for (const Reading& reading : readings) {
    held.move_to(reading.at, alerts, one.alert_grace, state.alerts[kParent]);
    const Reading heard{.point = PointId{}, .hj212_flag = reading.hj212_flag, .at = reading.at, .value = reading.value};
    if (heard.at < start) {
      alerts.remember(heard, {});
    } else {
      alerts.heard(heard, {}, heard.at);
    }
    state.points.front().last_at = heard.at;
    state.points.front().last_value = heard.value;
  }
  held.move_to(late.until, alerts, one.alert_grace, state.alerts[kParent]);
  alerts.pass(late.until + one.alert_grace, late.until + one.alert_grace);

  std::vector<Alert> played;
  for (const model::JournalRow& row : rows) played.push_back(row.body.get<Alert>());
  std::map<Instant, Told> right = alerts_of(played, Instant::max());
  // Of what fired at the start only the end was played.
  std::erase_if(right, [&](const auto& item) { return item.first < start && known.contains(item.first); });

  LateJudgement judgement{.of = late, .changes = {}, .pending = {}};
  const auto is_among = [](const std::map<Instant, Told>& all, const Told& alert) {
    return std::ranges::any_of(all,
                               [&](const auto& item) { return !item.second.withdrawn && item.second.overlaps(alert); });
  };
  const auto add = [&](Alert change, std::uint32_t revision) {
    change.revision = revision;
    change.cause = model::Cause::late_data;
    judgement.changes.push_back(std::move(change));
  };
  for (const auto& [since, alert] : known) {
    // Work, or another alert, may have put off what began before the start.
    const bool is_played = since >= start || alert.fired >= late.from;
    const bool is_looked_at =
        is_played && alert.fired <= late.until && !alert.withdrawn && late.from < alert.over.value_or(Instant::max());
    if (!is_looked_at || is_among(right, alert)) continue;
    Alert change = alert.last.value_or(alert.firing);
    change.stage = AlertStage::withdrawn;
    change.value = std::numeric_limits<double>::quiet_NaN();
    change.note.clear();
    add(std::move(change), alert.changes);
  }
  for (const auto& [since, alert] : right) {
    if (is_among(known, alert)) continue;
    const auto same = known.find(since);
    const std::uint32_t revision = same == known.end() ? 0 : same->second.changes;
    add(alert.firing, revision);
    if (alert.over) add(*alert.last, revision + 1);
  }
  const model::AlertState& end = state.alerts.front();
  if (end.holds_since && end.seen_at) {
    judgement.pending = {.since = *end.holds_since, .seen_at = *end.seen_at, .value = end.value};
  }
  return judgement;
}

}  // namespace carbongate::pipeline

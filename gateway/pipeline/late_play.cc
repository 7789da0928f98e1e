#include "gateway/pipeline/late_play.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "gateway/pipeline/alert_times.h"

namespace carbongate::pipeline {

using model::Alert;
using model::AlertStage;
using model::Measure;

model::Site site_around(const model::Site& whole, model::Watch watch) {
  model::Site one;
  one.id = whole.id;
  one.time_zone = whole.time_zone;
  one.future_tolerance = whole.future_tolerance;
  one.alert_grace = whole.alert_grace;
  one.validity = whole.validity;
  for (const model::Maintenance& work : whole.maintenance) {  // about the watch alone: not about what holds it back
    if (!concerns(work, watch)) continue;
    one.maintenance.push_back({.from = work.from, .to = work.to, .rules = {watch.rule}, .devices = {}, .users = {}});
  }
  one.alert_rules.push_back(whole.alert_rules.at(watch.rule_place));
  model::AlertRule& rule = one.alert_rules.front();
  rule.depends_on = {model::index(kParent)};
  rule.one_alert = false;
  watch.id = kPlayed;
  watch.rule_place = 0;
  one.watches.push_back(std::move(watch));
  model::AlertRule& fires = one.alert_rules.emplace_back();
  fires.measure = Measure::members;
  fires.above = 0;
  model::Watch& parent = one.watches.emplace_back();
  parent.id = kParent;
  parent.rule_place = 1;
  return one;
}

// A silence waits for another one that it depends on, where that has gone on for half of its time (Alerts::silent_at).
Held::Held(const model::Site& site, model::WatchId watch, std::span<const AlertsOf> parents, Instant until) {
  const auto place_of = [&](model::WatchId id) { return site.watches.at(model::index(id)).rule_place; };
  const bool is_silence = site.alert_rules.at(place_of(watch)).measure == Measure::silence;
  for (const AlertsOf& parent : parents) {
    Duration waited{};
    if (is_silence && place_of(parent.watch) != place_of(watch)) {
      const model::AlertRule& rule = site.alert_rules.at(place_of(parent.watch));
      if (rule.measure == Measure::silence) waited = std::max(rule.length / 2 - Duration(1), Duration(0));
    }
    for (const auto& [since, alert] : parent.alerts) {
      if (alert.withdrawn || alert.fired > until) continue;
      ++changes_[alert.fired == since ? since - waited : alert.fired];
      if (alert.over) --changes_[*alert.over];
    }
  }
}

void fire_as_told(const std::map<Instant, Told>& known, Instant start, model::AlertState& state) {
  for (const auto& [since, alert] : known) {
    if (alert.withdrawn || alert.since >= start || alert.over.value_or(start) < start) continue;
    if (alert.fired <= start) {
      state.since = alert.since;
      state.fired_at = alert.fired;
    } else {
      state.holds_since = alert.since;
      state.seen_at = start;
      state.value = alert.firing.value;
    }
  }
}

LateJudgement judgement_of(const LateWatch& late, const Span& played, const std::map<Instant, Told>& known,
                           std::span<const model::JournalRow> rows, const model::AlertState& at_start,
                           const model::AlertState& end) {
  const Instant start = played.begin;
  std::vector<Alert> changes;
  for (const model::JournalRow& row : rows) {
    const auto* alert = row.body.get_if<Alert>();
    if (alert && row.subject == model::Subject(kPlayed)) changes.push_back(*alert);
  }
  std::map<Instant, Told> right = alerts_of(changes, Instant::max());
  LateJudgement judgement{.of = late, .changes = {}, .pending = {}};
  judgement.right = {.of = {late.from, played.end}, .alerts = right};
  const std::map<Instant, Told>& all = judgement.right.alerts;
  // Of what fired at the start only the end was played.
  std::erase_if(right, [&](const auto& item) { return item.first < start && known.contains(item.first); });
  if (at_start.since) {
    Told& alert = judgement.right.alerts[*at_start.since];
    alert.since = *at_start.since;
    alert.fired = *at_start.fired_at;
  }
  judgement.moved = differs_from(known, judgement.right);
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
    // Work, or another alert, may have put off what began before the start, or it began before it was told to.
    const bool is_played = since >= start + (late.from - start) / 2 || alert.fired >= late.from;
    const bool is_looked_at =
        is_played && alert.fired <= late.until && !alert.withdrawn && late.from < alert.over.value_or(Instant::max());
    if (!is_looked_at || is_among(all, alert)) continue;
    Alert change = alert.last.value_or(alert.firing);
    change.stage = AlertStage::withdrawn;
    change.value = std::numeric_limits<double>::quiet_NaN();
    change.note.clear();
    add(std::move(change), alert.changes);
  }
  for (const auto& [since, alert] : right) {
    if (is_among(known, alert) || alert.over.value_or(Instant::max()) < late.from) continue;
    const auto same = known.find(since);
    const std::uint32_t revision = same == known.end() ? 0 : same->second.changes;
    add(alert.firing, revision);
    if (alert.over) add(*alert.last, revision + 1);
  }
  for (const auto& [since, alert] : known) {  // what was told to fire still, and was over
    if (alert.withdrawn || alert.over || alert.fired > late.until) continue;
    const Told* last = nullptr;
    for (const auto& [begin, other] : all) {
      if (!other.withdrawn && other.overlaps(alert)) last = &other;
    }
    if (last && last->over && *last->over >= late.from) {
      Alert change = *last->last;
      change.since = alert.since;
      change.id = alert.firing.id;
      add(std::move(change), alert.changes);
    }
  }
  // What fires at the end goes on as the last one that it was told as, if that is over.
  const auto goes_on = end.since ? all.find(*end.since) : all.end();
  if (goes_on != all.end() && !goes_on->second.over) {
    const Told* last = nullptr;
    for (const auto& [since, alert] : known) {
      if (!alert.withdrawn && alert.fired <= late.until && alert.overlaps(goes_on->second)) last = &alert;
    }
    if (last && last->over) add(last->firing, last->changes);
  }
  if (end.holds_since && end.seen_at) {
    judgement.pending = {.since = *end.holds_since,
                         .seen_at = *end.seen_at,
                         .value = end.value,
                         .bridged = end.bridged,
                         .held_back = end.held_back};
  }
  return judgement;
}

}  // namespace carbongate::pipeline

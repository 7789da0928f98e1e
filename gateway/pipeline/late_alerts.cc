#include "gateway/pipeline/late_alerts.h"

#include <algorithm>
#include <map>
#include <utility>

#include "gateway/model/checkpoint.h"
#include "gateway/model/rows.h"
#include "gateway/pipeline/alerts.h"
#include "gateway/pipeline/late_play.h"
#include "gateway/pipeline/quality.h"
#include "gateway/pipeline/told_alerts.h"

namespace carbongate::pipeline {

using model::Alert;
using model::AlertStage;

using model::Measure;

namespace {

// With one point, whichever it hears.
model::Site alone(const model::Site& site, const model::Watch& watch) {
  model::Watch of_one = watch;
  of_one.points = {PointId{}};
  model::Site one = site_around(site, std::move(of_one));
  one.points.push_back(site.points.at(carbongate::index(watch.points.front())));
  one.points.front().id = PointId{};
  return one;
}

Duration gap_of(const model::Site& site, PointId point) {
  return std::min(gap_max(site.points.at(carbongate::index(point)).limits), kLongestGap);
}

}  // namespace

Instant judged_from(const model::Site& site, const LateWatch& late) {
  const model::Watch& watch = site.watches.at(model::index(late.watch));
  const model::AlertRule& rule = site.alert_rules.at(watch.rule_place);
  if (rule.measure == Measure::silence) return late.from - rule.length;
  Duration gap = kLongestGap;
  for (const PointId point : watch.points) gap = std::min(gap, gap_of(site, point));
  for (const model::AccountId account : watch.accounts) {
    gap = std::min(gap, gap_of(site, site.accounts.at(model::index(account)).source));
  }
  return late.from - 2 * (rule.hold_for + gap);
}

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
  const Instant start = judged_from(site, late);
  if (rule.measure == Measure::silence) return start - rule.length;
  if (rule.measure == Measure::rate) return start - kRateLead;
  return rule.measure == Measure::change ? start - rule.length - gap_of(site, watch.points.front()) : start;
}

bool is_between(const model::AlertRule& silence, Instant before, Instant after) {
  return after - before < silence.length;
}

LateJudgement judge_late(const model::Site& site, const LateWatch& late, std::span<const PastReading> readings,
                         std::span<const Alert> told, std::span<const AlertsOf> parents) {
  const model::Watch& watch = site.watches.at(model::index(late.watch));
  const model::AlertRule& rule = site.alert_rules.at(watch.rule_place);
  const Instant start = judged_from(site, late);
  const std::map<Instant, Told> known = alerts_of(told, late.until);

  const model::Site one = alone(site, watch);
  Calendar calendar(one.time_zone);
  model::Checkpoint state;
  state.points.resize(1);
  state.alerts.resize(one.watches.size());
  std::vector<model::JournalRow> rows;
  Alerts alerts(one, calendar, state, rows);
  model::AlertState& played = state.alerts[model::index(kPlayed)];
  fire_as_told(known, start, played);
  const model::AlertState begin = played;
  // Where nothing was heard before, it is silent since long ago, or since it is watched: of what ends with the first
  // late one it is not said. What the watch waits for since then says nothing of the past.
  LateWatch of = late;
  if (rule.measure == Measure::silence) {
    const Instant silent = start - rule.length;
    const bool is_past = late.expected && *late.expected <= late.from;
    played.begun = is_past ? std::max(silent, *late.expected) : silent;
    of.from += Duration(1);
  }
  const std::optional<Instant> begun = played.begun;
  Held held(site, late.watch, parents, late.until);
  const auto move_to = [&](Instant at) {
    held.move_to(
        at, one.alert_grace, [&](Instant now) { alerts.pass(now, now); },
        [&](double value, Instant when) { alerts.tell(kParent, value, "", when); });
  };
  for (const PastReading& reading : readings) {
    move_to(reading.at);
    const Reading heard{.point = PointId{}, .hj212_flag = {}, .at = reading.at, .value = reading.value};
    if (rule.measure == Measure::members) {
      alerts.tell(kPlayed, heard.value, "", heard.at);
    } else if (heard.at < start) {
      alerts.remember(heard, reading.quality);
    } else {
      alerts.heard(heard, reading.quality, heard.at);
    }
    if (played.begun == begun) played.begun.reset();  // what was heard says it better
    state.points.front().last_at = heard.at;
    state.points.front().last_value = heard.value;
  }
  // Whether it is silent now is not known by readings.
  const bool goes_on = rule.measure != Measure::silence;
  const Instant until = goes_on || readings.empty() ? late.until : readings.back().at;
  move_to(until);
  if (goes_on) alerts.pass(until + one.alert_grace, until + one.alert_grace);
  LateJudgement judgement = judgement_of(of, {start, until + Duration(1)}, known, rows, begin, played);
  judgement.of = late;
  return judgement;
}

}  // namespace carbongate::pipeline

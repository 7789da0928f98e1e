// Of class Alerts: what waits for the judgement of late data, and what that says.
#include <algorithm>
#include <cmath>

#include "gateway/pipeline/alert_times.h"
#include "gateway/pipeline/alerts.h"

namespace carbongate::pipeline {

using model::AccountId;
using model::AlertRule;
using model::AlertStage;
using model::AlertState;
using model::Measure;

namespace {

constexpr std::size_t kToldMax =
    64;  // alerts of a watch that may be told of while it is judged; the oldest are forgotten

}  // namespace

void Alerts::heard_late(const Reading& reading) {
  const std::optional<Instant>& newest = state_.points[carbongate::index(reading.point)].last_at;
  if (!newest || reading.at >= *newest || !std::isfinite(reading.value)) return;
  const Finding finding{.at = reading.at, .value = reading.value, .cause = model::Cause::late_data};
  for (const std::size_t i : of_point_[carbongate::index(reading.point)]) {
    const Measure measure = watches_[i].rule->measure;
    const bool is_of_value = measure == Measure::value || measure == Measure::change;
    const std::optional<Instant> from = is_of_value ? reading.at : filled_from(i, reading.at);
    if (from) wait_for_judgement(i, *from);
    if (measure == Measure::value) judge_late(i, finding);
  }
}

// How long an old factor counts is kept as `begun`, which a rate has no other use for: a restart does not forget it.
void Alerts::counted_late(AccountId account, Instant from, std::optional<Instant> until) {
  for (const std::size_t i : of_account_[model::index(account)]) {
    if (watches_[i].rule->measure != Measure::rate) continue;
    wait_for_judgement(i, from);
    if (until > state_.alerts[i].begun) change(i).begun = until;
  }
}

void Alerts::wait_for_judgement(std::size_t watch, Instant from, bool by_sibling) {
  const bool waits = state_.alerts[watch].late_from.has_value();
  watches_[watch].late_by_siblings = by_sibling && (!waits || watches_[watch].late_by_siblings);
  ++watches_[watch].heard_late;
  watches_[watch].waits_for_stale = false;
  const std::optional<Instant> known = state_.alerts[watch].late_from;
  if (!known || from < *known) change(watch).late_from = from;
}

// At once only that a condition has not held all the time: nothing is to fire for it, or go on firing.
void Alerts::judge_late(std::size_t watch, const Finding& finding) {
  const AlertRule& rule = *watches_[watch].rule;
  const AlertState& state = state_.alerts[watch];
  const Verdict verdict = is_active(rule.active, calendar_, finding.at) ? judge(rule, finding.value) : Verdict::good;
  if (verdict != Verdict::good) return;
  if (state.since && *state.since < finding.at && finding.at < *state.fired_at) {
    end_as(watch, AlertStage::withdrawn, finding);
  } else if (state.holds_since && *state.holds_since < finding.at) {
    change(watch).holds_since = std::max(finding.at, state.seen_at.value_or(finding.at));
    expect(*state.holds_since + rule.hold_for);
  }
}

std::vector<LateWatch> Alerts::late() const {
  std::vector<LateWatch> late;
  for (std::size_t i = 0; i < watches_.size(); ++i) {
    const std::optional<Instant> from = state_.alerts[i].late_from;
    if (!from || !is_played_late(*watches_[i].rule)) continue;
    if (watches_[i].waits_for_stale && heard_until(i) < *state_.alerts[i].begun) continue;
    late.push_back({.watch = static_cast<model::WatchId>(i),
                    .from = *from,
                    .until = std::max(*from, judged_until(i, *from)),
                    .heard = watches_[i].heard_late,
                    .expected = state_.alerts[i].begun});
  }
  return late;
}

// Meters of a user that were heard since then, but are behind the others, are not silent: what they did last holds for
// as long as it is bridged, and what lies behind is judged next.
Instant Alerts::judged_until(std::size_t watch, Instant from) const {
  Instant until = heard_until(watch);
  if (watches_[watch].rule->measure != Measure::rate) return until;
  for (const AccountId account : watches_[watch].watch->accounts) {
    const auto& last = state_.points[carbongate::index(site_.accounts[model::index(account)].source)].last_at;
    if (last && *last >= from) until = std::min(until, *last + gap_of(account));
  }
  return until;
}

// Of a group: any reading.
Instant Alerts::heard_until(std::size_t watch) const {
  if (watches_[watch].watch->members.empty()) return last_of(watch).value_or(Instant::min());
  std::optional<Instant> until;
  for (const model::PointState& point : state_.points) until = std::max(until, point.last_at);
  return until.value_or(Instant::min());
}

// What fires is told to its groups at once; what was over is looked at with all members' alerts of that time.
void Alerts::note_late_groups(std::size_t member, Instant from) {
  for (const std::size_t group : groups_[member]) wait_for_judgement(group, from);
}

// What it held back, or did not.
void Alerts::note_late_children(std::size_t parent, Instant from) {
  for (const std::size_t child : children_[parent]) {
    if (!is_played_late(*watches_[child].rule)) continue;
    const bool is_sibling = watches_[child].rule == watches_[parent].rule;
    if (is_sibling && watches_[parent].late_by_siblings) continue;
    wait_for_judgement(child, from, is_sibling);
  }
}

void Alerts::note_moved(std::size_t watch, Instant at) {
  std::optional<Instant>& moved = watches_[watch].moved;
  moved = std::min(moved.value_or(at), at);
}

// Also where nothing is told, what it should have held back, or groups count, may be other than it was.
void Alerts::ask_for(const LateJudgement& judgement) {
  const std::size_t watch = model::index(judgement.of.watch);
  if (judgement.moved) note_moved(watch, *judgement.moved);
  if (judgement.rest) return;
  std::optional<Instant>& moved = watches_[watch].moved;
  if (moved) {
    note_late_children(watch, *moved);
    note_late_groups(watch, *moved);
  }
  moved.reset();
  if (!state_.alerts[watch].late_from) watches_[watch].late_by_siblings = false;
}

// Readings of later times have been heard already: whom it holds back, what holds it back, and groups of it were
// decided by those. Sums are known late as a rule.
bool Alerts::comes_behind(const Finding& finding) const {
  return !finding.cause && finding.at + 2 * site_.alert_grace < newest_;
}

void Alerts::note_behind(std::size_t watch, Instant from) {
  if (!is_played_late(*watches_[watch].rule)) return;
  if (watches_[watch].parents.empty() && children_[watch].empty() && groups_[watch].empty()) return;
  ++heard_behind_;
  if (!watches_[watch].parents.empty()) wait_for_judgement(watch, from);
  note_late_children(watch, from);
  note_late_groups(watch, from);
}

// All are taken before others are asked for, which may be among them.
void Alerts::told_late(std::span<const LateJudgement> judgements) {
  for (const LateJudgement& judgement : judgements) take_late(judgement);
  for (const LateJudgement& judgement : judgements) ask_for(judgement);
}

// More that came late meanwhile is judged the next time, all of it once more. What began meanwhile to be told of by
// itself is not raised a second time.
void Alerts::take_late(const LateJudgement& judgement) {
  const std::size_t watch = model::index(judgement.of.watch);
  const std::vector<model::Alert>& changes = judgement.changes;
  std::optional<Instant> raised;  // by itself
  for (std::size_t i = 0; i < changes.size(); ++i) {
    const auto told = watches_[watch].told.find(changes[i].since);
    const bool is_news = told == watches_[watch].told.end() || told->second.revision < changes[i].revision;
    if (changes[i].stage == AlertStage::firing && !is_news) raised = changes[i].since;
    if (changes[i].stage != AlertStage::withdrawn && raised == changes[i].since) continue;
    const bool is_end_alone =
        changes[i].stage == AlertStage::resolved && (i == 0 || changes[i - 1].since != changes[i].since);
    if (is_end_alone) {
      if (state_.alerts[watch].since != changes[i].since || heard_until(watch) != judgement.of.until) continue;
      note_moved(watch, changes[i].since);
      end_as(watch, AlertStage::resolved, {.at = changes[i].at, .value = changes[i].value, .cause = changes[i].cause});
      continue;
    }
    tell_late(watch, changes[i], i + 1 < changes.size() && changes[i + 1].since == changes[i].since);
  }
  const AlertState& state = state_.alerts[watch];
  if (watches_[watch].heard_late != judgement.of.heard || state.late_from != judgement.of.from) return;
  change(watch).late_from = judgement.rest;
  watches_[watch].told.clear();
  const Measure measure = watches_[watch].rule->measure;
  if (measure == Measure::rate && !judgement.rest) {
    watches_[watch].waits_for_stale = state.begun > judgement.of.until;
    if (watches_[watch].waits_for_stale) {
      change(watch).late_from = judgement.of.until;
    } else {
      change(watch).begun.reset();
      if (judgement.of.until < heard_until(watch)) change(watch).late_from = judgement.of.until;
    }
  }
  if (judgement.rest || measure == Measure::members || measure == Measure::silence) return;
  if (state.since || state.held_back || heard_until(watch) != judgement.of.until) return;
  if (!judgement.pending) {
    if (state.holds_since) forget_pending(watch, judgement.of.until);
    return;
  }
  AlertState& pending = change(watch);
  pending.holds_since = judgement.pending->since;
  pending.seen_at = judgement.pending->seen_at;
  pending.value = judgement.pending->value;
  pending.bridged = judgement.pending->bridged;
  pending.held_back = judgement.pending->held_back;
  expect(*pending.holds_since + watches_[watch].rule->hold_for);
}

void Alerts::tell_late(std::size_t watch, const model::Alert& alert, bool is_over) {
  const Finding finding{.at = alert.at, .value = alert.value, .cause = alert.cause};
  const std::optional<Instant> fires_since = state_.alerts[watch].since;
  if (alert.stage == AlertStage::firing && !is_over) {  // it goes on
    if (!fires_since) fire(watch, alert.since, finding);
    if (state_.alerts[watch].since != fires_since) note_moved(watch, alert.since);
    return;
  }
  note_moved(watch, alert.since);
  if (alert.stage == AlertStage::withdrawn && fires_since == alert.since) {
    return end_as(watch, AlertStage::withdrawn, finding);
  }
  model::Alert known = alert;
  // Since it was judged it may have been resolved, or withdrawn already.
  if (const auto told = watches_[watch].told.find(alert.since); told != watches_[watch].told.end()) {
    if (alert.stage == AlertStage::withdrawn && told->second.stage == AlertStage::withdrawn) return;
    known.revision = std::max(alert.revision, told->second.revision + 1);
    known.at = std::max(alert.at, told->second.at);
  }
  rows_.push_back({static_cast<model::WatchId>(watch), known});
  remember_told(watch);
  note_late_groups(watch, known.since);
  if (alert.stage == AlertStage::resolved) remember_silence(watch, known.since, known.at);
  if (alert.stage == AlertStage::withdrawn) forget_silence(watch, known.since);
  AlertState& state = change(watch);
  if (state.last_since && alert.since < *state.last_since) return;
  state.last_since = alert.since;
  state.last_published = known.revision + 1;
}

// The change that was published last: a judgement that is under way does not know it.
void Alerts::remember_told(std::size_t watch) {
  if (!state_.alerts[watch].late_from) return;
  const auto& alert = rows_.back().body.get<model::Alert>();
  std::map<Instant, LastTold>& told = watches_[watch].told;
  told[alert.since] = {.at = alert.at, .stage = alert.stage, .revision = alert.revision};
  if (told.size() > kToldMax) told.erase(told.begin());
}

}  // namespace carbongate::pipeline

// Of class Alerts: corrections. What was judged by other figures is judged again, and what follows otherwise is raised
// or withdrawn, with the correction's cause.
#include <algorithm>
#include <cmath>

#include "gateway/pipeline/alert_times.h"
#include "gateway/pipeline/alerts.h"

namespace carbongate::pipeline {

using model::AccountId;
using model::AlertPeriod;
using model::AlertRule;
using model::AlertStage;
using model::AlertState;
using model::Basis;
using model::Measure;
using model::Period;

namespace {

constexpr std::size_t kToldMax =
    64;  // alerts of a watch that may be told of while it is judged; the oldest are forgotten

// By the readings of the time: late_alerts.h, late_rates.h, late_groups.h.
bool is_judged_late(const AlertRule& rule) {
  return rule.measure == Measure::value || rule.measure == Measure::change || rule.measure == Measure::silence ||
         rule.measure == Measure::rate || rule.measure == Measure::members;
}

model::OpenPeriod sums_of(const model::EmissionEntry& entry, Duration covered_before) {
  model::OpenPeriod sums;
  sums.begin = entry.begin;
  sums.end = entry.end;
  sums.amount = entry.amount;
  sums.emitted[Basis::primary] = entry.primary.emitted;
  sums.covered = entry.covered - covered_before;
  return sums;
}

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

void Alerts::wait_for_judgement(std::size_t watch, Instant from, bool by_parent) {
  const bool waits = state_.alerts[watch].late_from.has_value();
  watches_[watch].late_by_parents = by_parent && (!waits || watches_[watch].late_by_parents);
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
    if (!from || !is_judged_late(*watches_[i].rule)) continue;
    if (watches_[i].waits_for_stale && heard_until(i) < *state_.alerts[i].begun) continue;
    late.push_back({.watch = static_cast<model::WatchId>(i),
                    .from = *from,
                    .until = std::max(*from, heard_until(i)),
                    .heard = watches_[i].heard_late,
                    .expected = state_.alerts[i].begun});
  }
  return late;
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
    if (is_judged_late(*watches_[child].rule) && watches_[child].rule->measure != Measure::members) {
      wait_for_judgement(child, from, true);
    }
  }
}

// More that came late meanwhile is judged the next time, all of it once more. What began meanwhile to be told of by
// itself is not raised a second time. Also where nothing is told, what it should have held back, or groups count, may be other than it
// was; where that was asked for by those that hold it back itself, they are not asked again.
void Alerts::told_late(const LateJudgement& judgement) {
  const std::size_t watch = model::index(judgement.of.watch);
  const std::vector<model::Alert>& changes = judgement.changes;
  if (judgement.moved && !watches_[watch].late_by_parents) {
    note_late_children(watch, *judgement.moved);
    note_late_groups(watch, *judgement.moved);
  }
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
      note_late_children(watch, changes[i].since);
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
    if (state_.alerts[watch].since != fires_since) note_late_children(watch, alert.since);
    return;
  }
  note_late_children(watch, alert.since);
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

void Alerts::corrected(AccountId account, const model::EmissionEntry& entry, Duration covered_before) {
  const model::OpenPeriod sums = sums_of(entry, covered_before);
  for (const std::size_t i : of_account_[model::index(account)]) {
    Watched& one = watches_[i];
    const AlertRule& rule = *one.rule;
    if (rule.measure == Measure::rate) continue;
    const Period kind = closed_period(rule);
    const Span span = calendar_.period(kind, entry.begin);
    const auto& open = state_.accounts[model::index(account)].open[static_cast<std::size_t>(kind)];
    const bool is_open = open && open->begin == span.begin;
    const auto is_given_up = [&](const AlertPeriod& period) { return period.begin == span.begin && period.sum_then; };
    const bool waits = is_open && std::ranges::none_of(state_.alerts[i].periods, is_given_up);
    if (is_closed_first(rule) && waits) continue;  // judged once it is closed
    if (is_closed_first(rule) || is_of_period(rule)) {
      const std::vector<AlertPeriod>& known = state_.alerts[i].periods;
      const bool is_reached = !known.empty() && known.front().begin <= span.begin && span.begin <= known.back().begin;
      if (!is_open && !is_reached) continue;
      mark(i, entry.end);
      if (is_closed_first(rule) && !one.before) one.before = known;
      if (is_reached) add_correction(i, account, sums, span, is_open);
    } else {
      mark(i, entry.end);
    }
    one.cause = entry.correction ? std::optional(entry.correction->cause) : std::nullopt;
    Instant& until = one.corrected[span.begin];
    until = std::max(until, entry.end);
  }
}

// An open one's sum is still the account's own.
void Alerts::add_correction(std::size_t watch, AccountId account, const model::OpenPeriod& sums, const Span& span,
                            bool is_open) {
  std::vector<AlertPeriod>& periods = change(watch).periods;
  auto period = std::ranges::lower_bound(periods, span.begin, {}, &AlertPeriod::begin);
  if (period->begin != span.begin) {  // nothing was heard of it until now
    if (is_open) return;
    AlertPeriod fresh = begun(watch, span.begin);
    fresh.judged = std::any_of(period, periods.end(), [](const AlertPeriod& later) { return later.judged; });
    period = periods.insert(period, fresh);
  }
  if (!is_open) add_to(watch, account, sums, *period);
  if (period->sum_then && watches_[watch].rule->measure == Measure::coverage)
    *period->sum_then += share_of(watch, sums);
  const std::optional<Instant> began = period->since ? period->since : state_.alerts[watch].since;
  const bool by_pace = watches_[watch].rule->measure == Measure::quota_pace;
  if (by_pace && period->sum_then && began && sums.begin < *began) *period->sum_then += share_of(watch, sums);
  if (periods.size() > kept(*watches_[watch].rule)) periods.erase(periods.begin());
}

// Up to where something of a period was counted, or corrected.
Instant Alerts::counted_until(std::size_t watch, const Span& period) const {
  Instant until = period.begin;
  for (const AccountId account : watches_[watch].watch->accounts) {
    const PointId source = site_.accounts[model::index(account)].source;
    until = std::max(until, state_.points[carbongate::index(source)].last_at.value_or(until));
  }
  return std::min(until, period.end);
}

// The period is over: its alert begins and ends at once, or has not been. How its sum grew is not remembered: the end
// counts. A pace that stands is held against the sum when it began.
void Alerts::judge_past(std::size_t watch, const Span& span, const Finding& finding) {
  const AlertRule& rule = *watches_[watch].rule;
  AlertPeriod period = *period_of(watch, span.begin);
  const bool stands = period.since && !period.withdrawn;
  Finding known = finding;
  if (!known.cause) known.cause = model::Cause::late_data;
  if (stands && rule.measure == Measure::quota_pace) {
    const auto then = period.sum_then ? worth(watch, *period.sum_then, span, *period.since) : std::nullopt;
    if (!then) return;
    known.value = *then;
  }
  const Verdict verdict = judge(rule, known.value);
  const Instant found = within(watch, finding.at);
  if (stands && verdict == Verdict::good) {
    period.withdrawn = true;
    known.at = span.end;
    publish(watch, AlertStage::withdrawn, *period.since, period.published++, known);
  } else if (!stands && verdict == Verdict::bad && is_active(rule.active, calendar_, found) &&
             after_work(site_.maintenance, *watches_[watch].watch, found) == found) {
    if (!period.since) period.since = finding.at;
    period.withdrawn = false;
    known.at = std::max(known.at, *period.since);
    publish(watch, AlertStage::firing, *period.since, period.published++, known);
    known.at = span.end;
    publish(watch, AlertStage::resolved, *period.since, period.published++, known);
  } else {
    return;
  }
  change(watch);
  *period_of(watch, span.begin) = period;
  note_late_groups(watch, *period.since);
}

// What observe() and let_pass() would say of the periods that are judged, if nothing else held them back. `oldest`:
// what was before is forgotten, and what looks back on it stands.
Alerts::Course Alerts::course_of(std::size_t watch, const std::vector<AlertPeriod>& periods, Instant oldest) const {
  const Watched& one = watches_[watch];
  const AlertRule& rule = *one.rule;
  const AlertState& state = state_.alerts[watch];
  Course course;
  bool fires = false;
  bool is_first = true;
  const auto fire = [&](const Finding& finding) {
    course.alerts.push_back({.since = *course.holds_since, .fired = finding});
    course.holds_since.reset();
    fires = true;
  };
  const auto hours_end = [&]() -> std::optional<Instant> {
    const Instant from = fires ? course.alerts.back().fired.at : course.holds_since.value_or(Instant::max());
    const auto hours = rule.active && from != Instant::max() ? hours_of(watch, from) : std::nullopt;
    return hours ? std::optional(hours->end) : std::nullopt;
  };
  // What is due before then, and what ends with its hours by then; those hours' end.
  const auto pass_to = [&](Instant until) -> std::optional<Instant> {
    if (course.holds_since) {
      const std::optional<Instant> at = due(watch, *course.holds_since);
      const bool is_past = at && *at < until;
      const auto hours = is_past ? hours_of(watch, *course.holds_since) : std::nullopt;
      if (hours && hours->contains(*at)) fire({.at = *at, .value = course.seen.value, .of = course.seen.of});
      if (is_past) course.holds_since.reset();
    }
    const std::optional<Instant> end = hours_end();
    if (!end || *end > until) return std::nullopt;
    if (fires) course.alerts.back().over = Finding{.at = *end, .value = std::nan("")};
    fires = false;
    course.holds_since.reset();
    return end;
  };
  for (const AlertPeriod& period : periods) {
    if (!period.judged) continue;
    const Span span = calendar_.period(closed_period(rule), period.begin);
    if (looks_back_to(rule, span) < oldest) continue;
    if (std::exchange(is_first, false) && state.since && *state.since < span.end) {
      course.holds_since = state.since;
      fire({.at = *state.fired_at});
    }
    const std::optional<double> value = worth_closed(watch, periods, period, span);
    if (!value) continue;
    const Finding found{.at = span.end, .value = *value, .of = of_closed(watch, periods, period, span)};
    if (pass_to(found.at) == found.at) continue;  // it goes with them
    const Instant last = within(watch, found.at);
    const Verdict verdict = is_active(rule.active, calendar_, last) ? judge(rule, found.value) : Verdict::good;
    if (fires) {
      fires = verdict != Verdict::good;
      if (!fires) course.alerts.back().over = found;
    } else if (verdict != Verdict::bad) {
      course.holds_since.reset();
    } else {
      course.holds_since = course.holds_since.value_or(found.at);
      course.seen = found;
      const bool is_due = found.at - *course.holds_since >= rule.hold_for;
      if (is_due && after_work(site_.maintenance, *one.watch, last) == last) fire(found);
    }
  }
  if (const auto end = hours_end(); end && *end <= passed_) pass_to(*end);
  return course;
}

// Only what differs by the correction is told: what was held back, or began before what is remembered, stays so. What
// is raised is not if an alert that it depends on has fired since before it.
void Alerts::judge_again(std::size_t watch, model::Cause cause) {
  const std::vector<AlertPeriod>& periods = state_.alerts[watch].periods;
  const bool is_all = periods.size() < kept(*watches_[watch].rule);
  const Instant oldest = is_all ? Instant::min() : periods.front().begin;
  Course before = course_of(watch, *watches_[watch].before, oldest);
  Course now = course_of(watch, periods, oldest);
  if (before.holds_since && state_.alerts[watch].since == before.holds_since) {  // the clock has let it fire
    const Course::Alert fired{.since = *before.holds_since, .fired = {.at = *state_.alerts[watch].fired_at}};
    before.alerts.push_back(fired);
    if (now.holds_since == before.holds_since) now.alerts.push_back(fired);
  }
  const auto same = [](const Course& course, const Course::Alert& alert) -> const Course::Alert* {
    const auto found = std::ranges::find(course.alerts, alert.since, &Course::Alert::since);
    return found == course.alerts.end() ? nullptr : &*found;
  };
  for (const Course::Alert& alert : before.alerts) {
    if (!same(now, alert)) unsay(watch, alert, cause);
  }
  for (const Course::Alert& alert : now.alerts) {
    const Course::Alert* told = same(before, alert);
    if (!told) {
      say_late(watch, alert, cause);
    } else if (told->over.has_value() != alert.over.has_value()) {
      say_other_end(watch, alert, cause);
    }
  }
  if (state_.alerts[watch].since || (!now.alerts.empty() && !now.alerts.back().over)) return;
  if (!now.holds_since) {
    if (state_.alerts[watch].holds_since) forget_pending(watch, watches_[watch].until);
  } else if (before.holds_since != now.holds_since || before.seen.value != now.seen.value) {
    AlertState& state = change(watch);
    state.holds_since = now.holds_since;
    state.seen_at = now.seen.at;
    state.value = now.seen.value;
    state.of = now.seen.of;
    expect(*now.holds_since + watches_[watch].rule->hold_for);
  }
}

// The one at whose end the alert began. nullptr: it is forgotten, or time alone let the alert fire.
AlertPeriod* Alerts::period_of_alert(std::size_t watch, Instant since) {
  std::vector<AlertPeriod>& periods = state_.alerts[watch].periods;
  const auto next = std::ranges::lower_bound(periods, since, {}, &AlertPeriod::begin);
  if (next == periods.begin()) return nullptr;
  AlertPeriod& period = *std::prev(next);
  return calendar_.period(closed_period(*watches_[watch].rule), period.begin).end == since ? &period : nullptr;
}

void Alerts::unsay(std::size_t watch, const Course::Alert& alert, model::Cause cause) {
  AlertPeriod* period = period_of_alert(watch, alert.since);
  Finding finding{.at = alert.over ? alert.over->at : alert.fired.at, .value = std::nan(""), .cause = cause};
  if (period) {
    const Span span = calendar_.period(closed_period(*watches_[watch].rule), period->begin);
    const std::vector<AlertPeriod>& periods = state_.alerts[watch].periods;
    finding.value = worth_closed(watch, periods, *period, span).value_or(std::nan(""));
    if (!std::isnan(finding.value)) finding.of = of_closed(watch, periods, *period, span);
  }
  if (state_.alerts[watch].since == alert.since) return end_as(watch, AlertStage::withdrawn, finding);
  if (period && period->since && !period->withdrawn) {
    change(watch);
    period->withdrawn = true;
    publish(watch, AlertStage::withdrawn, alert.since, period->published++, finding);
    note_late_groups(watch, alert.since);
  } else if (!state_.alerts[watch].since && state_.alerts[watch].held_back) {
    forget_pending(watch, finding.at);
  }
}

// By what fires still: of what is over, states do not know when it was.
bool Alerts::was_held_back(std::size_t watch, Instant at) const {
  return std::ranges::any_of(watches_[watch].parents, [&](std::size_t parent) {
    const AlertState& state = state_.alerts[parent];
    return state.since && *state.fired_at <= at;
  });
}

void Alerts::say_late(std::size_t watch, const Course::Alert& alert, model::Cause cause) {
  Finding finding = alert.fired;
  finding.cause = cause;
  if (!alert.over) {  // it fires from now on, unless something holds it back
    if (state_.alerts[watch].since) return;
    AlertState& state = change(watch);
    state.holds_since = alert.since;
    state.seen_at = alert.fired.at;
    state.value = alert.fired.value;
    state.of = alert.fired.of;
    return fire(watch, alert.since, finding);
  }
  AlertPeriod* period = period_of_alert(watch, alert.since);
  if (!period || (period->since && !period->withdrawn) || was_held_back(watch, alert.fired.at)) return;
  const std::uint32_t revision = told_before(watch, alert.since).value_or(0);
  change(watch);
  period->since = alert.since;
  period->published = revision + 2;
  period->withdrawn = false;
  publish(watch, AlertStage::firing, alert.since, revision, finding);
  finding.at = alert.over->at;
  finding.value = alert.over->value;
  finding.of = alert.over->of;
  publish(watch, AlertStage::resolved, alert.since, revision + 1, finding);
  note_late_groups(watch, alert.since);
}

// What was said to be over goes on, or what goes on has been over.
void Alerts::say_other_end(std::size_t watch, const Course::Alert& alert, model::Cause cause) {
  if (!alert.over) return say_late(watch, alert, cause);
  Finding finding = *alert.over;
  finding.cause = cause;
  if (state_.alerts[watch].since == alert.since) {
    end_as(watch, AlertStage::resolved, finding);
  } else if (!state_.alerts[watch].since && state_.alerts[watch].held_back) {
    forget_pending(watch, finding.at);
  }
}

}  // namespace carbongate::pipeline

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
             after_work(site_.maintenance, *watches_[watch].watch, found) == found && !was_held_back(watch, found)) {
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

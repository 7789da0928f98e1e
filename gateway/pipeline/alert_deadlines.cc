// Of class Alerts: what time alone decides, and the hours in which a rule is looked at.
//
// An alert is over with the hours that it fires in, and what has not fired by then does not: as of their end, whether
// anything is heard or not. What closed periods and sums come to by that very instant is theirs: with an alert that
// goes on until then it is told, without one it has one of its own.
#include <algorithm>
#include <cmath>
#include <functional>
#include <queue>

#include "gateway/pipeline/alert_times.h"
#include "gateway/pipeline/alerts.h"

namespace carbongate::pipeline {

using model::AlertRule;
using model::AlertState;
using model::Measure;

namespace {

using namespace std::chrono_literals;

constexpr Duration kLookAgain = 500ms;  // at what waits for its readings: for each reading it need not be

}  // namespace

// In the order in which it became due, and rules before those that depend on them.
void Alerts::pass(Instant now, Instant clock) {
  if (watches_.empty()) return;
  begin_waiting(now);
  const Instant latest = now - site_.alert_grace;
  passed_ = std::max(passed_, latest);
  if (latest < earliest_ && !(waits_ && std::chrono::abs(clock - *waits_) >= kLookAgain)) return;
  waits_.reset();
  const auto until = [&](std::size_t watch) {
    const Instant known = known_until(watch, clock);
    return known == Instant::min() ? known : std::min(latest, known - site_.alert_grace);
  };
  using Due = std::pair<Instant, std::size_t>;
  std::priority_queue<Due, std::vector<Due>, std::greater<>> queue;
  const auto line_up = [&](std::size_t i, std::optional<Instant> done) {
    if (const auto at = due_alone(i); at && *at <= latest && at != done) queue.emplace(*at, i);
  };
  for (std::size_t i = 0; i < watches_.size(); ++i) line_up(i, std::nullopt);
  while (!queue.empty()) {
    const auto [at, i] = queue.top();
    queue.pop();
    if (due_alone(i) == at) let_time_pass(i, std::min(at, until(i)));
    line_up(i, at);
  }
  // What has just fired may have brought a group to its time.
  for (const std::size_t group : all_groups_) {
    if (due_alone(group)) let_pass(group, until(group));
  }
  earliest_ = Instant::max();
  for (std::size_t i = 0; i < watches_.size(); ++i) {
    std::optional<Instant> at = due_alone(i);
    if (const auto silent = silent_alone(i)) at = std::min(at.value_or(*silent), *silent);
    if (!at) continue;
    if (*at > latest) {
      expect(*at);
    } else if (*at > until(i)) {
      waits_ = clock;
    } else {
      expect(latest);
    }
  }
}

void Alerts::let_time_pass(std::size_t watch, Instant until) {
  const Measure measure = watches_[watch].rule->measure;
  if (measure == Measure::silence) return fall_silent(watch, until, &Alerts::silent_at);
  if (measure == Measure::coverage) give_up_closing(watch, until);
  let_pass(watch, until);
}

// What a value that was seen leads to before the next one is: it holds that long, while the rule is looked at.
void Alerts::let_pass(std::size_t watch, Instant until) {
  if (watches_[watch].rule->measure == Measure::silence) return;
  while (true) {
    if (const auto at = deadline(watch); at && *at <= until) {
      fire(watch, *state_.alerts[watch].holds_since,
           {.at = *at, .value = state_.alerts[watch].value, .of = state_.alerts[watch].of});
      continue;
    }
    const std::optional<Instant> end = hours_end(watch);
    if (!end || *end > until) return;
    close_hours(watch, *end);
  }
}

// When time alone decides next. A value that was held back fires when it is seen again, a group when it is let go.
std::optional<Instant> Alerts::deadline(std::size_t watch) const {
  const AlertState& state = state_.alerts[watch];
  if (state.since || state.held_back) return std::nullopt;
  const AlertRule& rule = *watches_[watch].rule;
  if (rule.measure == Measure::silence) return silent_at(watch);
  if (!state.holds_since || !state.seen_at) return std::nullopt;
  const std::optional<Instant> at = due(watch, *state.holds_since);
  if (!at || *at - *state.seen_at > bridged(watch)) return std::nullopt;
  const std::optional<Span> hours = hours_of(watch, *state.holds_since);
  return hours && hours->contains(*at) ? at : std::nullopt;
}

// When a condition that holds since then, and goes on, is to fire. Announced work: once it is over; but what a closed
// period came to during that is only told if a later one is no better, and of a period that is over then nothing.
std::optional<Instant> Alerts::due(std::size_t watch, Instant holds_since) const {
  const Watched& one = watches_[watch];
  const Instant held = holds_since + one.rule->hold_for;
  const Instant last = within(watch, held);
  const Instant after = after_work(site_.maintenance, *one.watch, last);
  const Instant at = after == last ? held : after;
  if (is_closed_first(*one.rule) && after != last) return std::nullopt;
  const std::vector<model::AlertPeriod>& periods = state_.alerts[watch].periods;
  const bool is_over =
      is_of_period(*one.rule) && !periods.empty() && at >= calendar_.period(one.rule->period, periods.back().begin).end;
  return is_over ? std::nullopt : std::optional(at);
}

// How long the value that was seen last holds. Of a user that was decided when it was seen, by the meters that were
// heard then: which are heard since, and whether that is known yet, changes nothing.
Duration Alerts::bridged(std::size_t watch) const {
  return state_.alerts[watch].bridged.value_or(watches_[watch].bridged);
}

std::optional<Instant> Alerts::due_alone(std::size_t watch) const {
  std::optional<Instant> due = deadline(watch);
  if (const std::optional<Span> span = not_closed(watch)) {
    const Instant end = span->end + watches_[watch].patience;
    due = std::min(due.value_or(end), end);
  }
  if (const std::optional<Instant> end = hours_end(watch)) due = std::min(due.value_or(*end), *end);
  return due;
}

// Those that a finding of then lies in, or the next ones. A season's end is looked for once, not at each reading.
std::optional<Span> Alerts::hours_of(std::size_t watch, Instant at) const {
  std::optional<Span>& known = watches_[watch].hours;
  const Instant found = within(watch, at);
  if (!known || !known->contains(found)) known = active_hours(watches_[watch].rule->active, calendar_, found);
  return known;
}

// nullopt: there is nothing to end, or it is always looked at.
std::optional<Instant> Alerts::hours_end(std::size_t watch) const {
  if (!watches_[watch].rule->active) return std::nullopt;
  const AlertState& state = state_.alerts[watch];
  std::optional<Instant> from = state.since ? state.fired_at : state.holds_since;
  if (!from && state.held_back) {
    if (const auto silent = silence(watch)) from = silent->open;
  }
  const std::optional<Span> hours = from ? hours_of(watch, *from) : std::nullopt;
  return hours && hours->end != Instant::max() ? std::optional(hours->end) : std::nullopt;
}

void Alerts::expect_end_of_hours(std::size_t watch) {
  if (const std::optional<Instant> end = hours_end(watch)) expect(*end);
}

void Alerts::close_hours(std::size_t watch, Instant at) {
  const Measure measure = watches_[watch].rule->measure;
  if (state_.alerts[watch].since) {
    end(watch, {.at = at, .value = std::nan("")});
  } else if (state_.alerts[watch].holds_since) {
    forget_pending(watch, at);
  }
  if (measure == Measure::silence) {
    AlertState& state = change(watch);
    state.held_back = false;
    state.begun = std::max(at, state.begun.value_or(at));
  } else if (measure == Measure::members) {
    observe(watch, {.at = at, .value = count_of(watch)});
  } else if (within(watch, at) != at) {
    change(watch).seen_at = at;
  }
}

// Kept as `seen_at` of what is not pending.
bool Alerts::went_with_its_hours(std::size_t watch, Instant at) const {
  const AlertState& state = state_.alerts[watch];
  return !state.since && !state.holds_since && state.seen_at == at;
}

// What a group counts goes on until it counts otherwise. nullopt: it has to be seen again.
std::optional<Instant> Alerts::holds_when_hours_begin(std::size_t watch, Instant at) const {
  if (watches_[watch].rule->measure != Measure::members) return std::nullopt;
  const std::optional<Span> hours = hours_of(watch, at);
  return hours ? std::optional(hours->begin) : std::nullopt;
}

}  // namespace carbongate::pipeline

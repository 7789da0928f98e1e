// Of class Alerts: the times that the sums of users are of, and how much of them was watched.
#include <algorithm>

#include "gateway/model/coverage.h"
#include "gateway/pipeline/alerts.h"
#include "gateway/pipeline/watched_so_far.h"

namespace carbongate::pipeline {

using model::AccountId;
using model::AlertPeriod;
using model::AlertRule;
using model::Measure;
using model::Period;
using model::SummedTime;

namespace {

// Of the quarter hour that begins then: a sum until then is without it.
Duration covered_from(const model::AccountState& account, Instant quarter) {
  const auto& open = account.open[static_cast<std::size_t>(Period::quarter_hour)];
  return open && open->begin == quarter ? open->covered : Duration::zero();
}

std::int64_t share(Duration covered, Duration whole) {
  return model::coverage(std::min(covered, whole), whole);
}

}  // namespace

// Of a period in progress, or one that some accounts have closed, as GET /now has it. `until`: of the sum.
SummedTime Alerts::of_period(std::size_t watch, const AlertPeriod& period, const Span& span, Instant until) const {
  WatchedSoFar seen(span, until);
  const auto kind = static_cast<std::size_t>(watches_[watch].rule->period);
  std::uint32_t closed = 0;
  for (const AccountId account : watches_[watch].watch->accounts) {
    const model::AccountState& state = state_.accounts[model::index(account)];
    const auto& open = state.open[kind];
    const bool is_open = open && open->begin == span.begin;
    if (!is_open && closed < period.closed) {
      ++closed;
      continue;
    }
    const PointId source = site_.accounts[model::index(account)].source;
    const Duration covered = is_open ? open->covered - covered_from(state, until) : Duration::zero();
    seen.add(source, state_.points[carbongate::index(source)].last_at, covered);
  }
  const Duration length = span.end - span.begin;
  seen.add_closed(watched(watch, period, length), length * static_cast<std::int64_t>(closed));
  return {.begin = span.begin, .end = span.end, .coverage = seen.coverage()};
}

// Of a period that was judged at its end, or the window that ends with it. Of an intensity: by the product's accounts,
// too. nullopt: the value is no sum.
std::optional<SummedTime> Alerts::of_closed(std::size_t watch, const std::vector<AlertPeriod>& periods,
                                            const AlertPeriod& period, const Span& span) const {
  const model::Watch& of = *watches_[watch].watch;
  const AlertRule& rule = *watches_[watch].rule;
  if (rule.measure == Measure::coverage) return std::nullopt;
  const bool is_window = rule.measure == Measure::window;
  SummedTime time{.begin = is_window ? span.end - rule.length : span.begin, .end = span.end};
  const Duration length = time.end - time.begin;
  const Duration whole = length * static_cast<std::int64_t>(of.accounts.size() + of.per.size());
  if (is_window) {
    time.coverage = share(window_of(watch, periods, time.begin, period).second, whole);
  } else if (of.per.empty()) {
    time.coverage = share(watched(watch, period, length), whole);
  } else if (period.unwatched) {
    time.coverage = share(length * static_cast<std::int64_t>(period.closed) - Duration(*period.unwatched), whole);
  }
  return time;
}

// Of a running total: since the first reading of its accounts. nullopt: of one of them that is not known.
std::optional<SummedTime> Alerts::of_total(std::size_t watch, Instant until) const {
  SummedTime time{.begin = until, .end = until};
  Duration covered{};
  Duration whole{};
  for (const AccountId account : watches_[watch].watch->accounts) {
    const model::AccountState& state = state_.accounts[model::index(account)];
    if (!state.since && state.amount != model::Activity{}) return std::nullopt;
    if (!state.since || *state.since >= until) continue;
    time.begin = std::min(time.begin, *state.since);
    covered += state.covered - covered_from(state, until);
    whole += until - *state.since;
  }
  if (whole <= Duration::zero()) return std::nullopt;
  time.coverage = share(covered, whole);
  return time;
}

}  // namespace carbongate::pipeline

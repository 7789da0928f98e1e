// Of class Alerts: users, by what their accounts do now, and in calendar periods.
#include <algorithm>
#include <cmath>

#include "gateway/pipeline/alert_times.h"
#include "gateway/pipeline/alerts.h"
#include "gateway/pipeline/quality.h"

namespace carbongate::pipeline {

using model::AccountId;
using model::AlertPeriod;
using model::AlertRule;
using model::AlertStage;
using model::AlertState;
using model::AlertSum;
using model::Basis;
using model::Measure;
using model::Period;

namespace {

constexpr std::int64_t kHoursOfAWeek = 24 * 7;
constexpr Duration kWeek = std::chrono::hours(kHoursOfAWeek);
constexpr std::size_t kSamplesMin = 2;  // a mean of one is none
constexpr Duration kQuarterHour = std::chrono::minutes(15);
constexpr std::size_t kQuartersOfADay = 96;
constexpr int kIntervalsBridged = 3;  // as gap_max() has it

}  // namespace

Period Alerts::closed_period(const AlertRule& rule) {
  if (rule.measure == Measure::window) return Period::quarter_hour;
  if (rule.measure == Measure::deviation) return Period::hour;
  return rule.period;
}

// A sum that still grows is not too low yet.
bool Alerts::is_closed_first(const AlertRule& rule) {
  const bool grows = rule.measure == Measure::period || rule.measure == Measure::quota_share;
  return rule.measure == Measure::window || rule.measure == Measure::coverage || rule.measure == Measure::intensity ||
         rule.measure == Measure::deviation || (grows && rule.below && !rule.above);
}

// What is looked back on by those that corrections may reach: those of the last day, hours of the last week.
std::size_t Alerts::kept(const AlertRule& rule) {
  if (rule.measure == Measure::window) return static_cast<std::size_t>(rule.length / kQuarterHour) + kQuartersOfADay;
  if (rule.measure == Measure::deviation) return (rule.weeks + 1) * kHoursOfAWeek;
  switch (rule.period) {
    case Period::month: return 13;
    case Period::year: return 3;
    default: return 40;
  }
}

// The begin of what a period is judged by.
Instant Alerts::looks_back_to(const AlertRule& rule, const Span& period) {
  if (rule.measure == Measure::window) return period.end - rule.length;
  if (rule.measure == Measure::deviation) return period.begin - rule.weeks * kWeek;
  return period.begin;
}

bool Alerts::is_of_period(const AlertRule& rule) {
  const bool has_one =
      rule.measure == Measure::period || rule.measure == Measure::quota_share || rule.measure == Measure::quota_pace;
  return has_one && !is_closed_first(rule);
}

void Alerts::counted(AccountId account, Instant until, bool rate_is_known) {
  for (const std::size_t i : of_account_[model::index(account)]) {
    const AlertRule& rule = *watches_[i].rule;
    if (is_closed_first(rule)) continue;
    if (rule.measure == Measure::rate) {
      note_rate(i, account, until, rate_is_known);
      if (is_behind(i, account)) {
        ++heard_behind_;
        wait_for_judgement(i, until);
        continue;  // what the others do by now says nothing of then
      }
    }
    mark(i, until);
  }
}

// Kept as periods, which a rate has no other use for: the sum of each is the account whose rate is not known.
void Alerts::note_rate(std::size_t watch, AccountId account, Instant until, bool is_known) {
  if (is_known == is_rate_known(watch, account)) return;
  std::vector<AlertPeriod>& unknown = change(watch).periods;
  const auto place = static_cast<std::int64_t>(model::index(account));
  if (is_known) {
    std::erase_if(unknown, [place](const AlertPeriod& one) { return one.sum == place; });
  } else {
    AlertPeriod fresh;
    fresh.begin = until;
    fresh.sum = place;
    unknown.push_back(fresh);
  }
}

bool Alerts::is_rate_known(std::size_t watch, AccountId account) const {
  const auto place = static_cast<std::int64_t>(model::index(account));
  return std::ranges::find(state_.alerts[watch].periods, place, &AlertPeriod::sum) ==
         state_.alerts[watch].periods.end();
}

// Whether others of the user have been heard for longer than readings are under way, or apart as a rule: a clock that
// is a little slow puts nothing in question.
bool Alerts::is_behind(std::size_t watch, AccountId account) const {
  const PointId source = site_.accounts[model::index(account)].source;
  const std::optional<Instant> last = state_.points[carbongate::index(source)].last_at;
  return last && *last_of(watch) - *last > std::max(site_.alert_grace, gap_of(account) / kIntervalsBridged);
}

void Alerts::mark(std::size_t watch, Instant until) {
  Watched& one = watches_[watch];
  if (one.dirty) {
    one.until = std::max(one.until, until);
    return;
  }
  one.dirty = true;
  one.until = until;
  one.cause.reset();
  one.corrected.clear();
  one.before.reset();
  dirty_.push_back(watch);
}

void Alerts::look_at(std::size_t watch) {
  const Watched& one = watches_[watch];
  const AlertRule& rule = *one.rule;
  if (is_closed_first(rule)) {
    if (one.cause && one.before) judge_again(watch, *one.cause);
    return look_at_closed(watch);
  }
  if (is_of_period(rule)) {
    if (!one.cause) return look_at_period(watch, one.until, {});
    const std::map<Instant, Instant> periods = one.corrected;
    for (const auto& [begin, until] : periods) look_at_period(watch, until, one.cause);
    return;
  }
  const bool co2e = rule.sum == AlertSum::co2e;
  double value = 0;
  bool is_whole = true;
  bool is_known = true;
  std::optional<Duration> bridged;
  for (const AccountId account : one.watch->accounts) {
    const model::AccountState& state = state_.accounts[model::index(account)];
    if (rule.measure == Measure::rate) {
      if (is_silent(account, one.until)) {
        is_whole = false;
        continue;
      }
      const bool has_counted = state.covered > Duration::zero() || state.amount != model::Activity{};
      if (!has_counted) {
        is_whole = false;
        continue;
      }
      if (!is_rate_known(watch, account)) {
        is_known = false;
        continue;
      }
      bridged = std::min(bridged.value_or(Duration::max()), gap_of(account));
      value += co2e ? state.co2e_kg_per_hour : state.amount_per_hour;
    } else {
      value += in_units(watch, co2e ? state.emissions[Basis::primary].total.co2e.quanta() : state.amount.quanta());
    }
  }
  // With what is not known it may be more.
  if (!is_known && judge(rule, value) != Verdict::bad) return;
  if (!(is_whole && is_known) && rule.below && value < *rule.below) return;
  Finding finding{.at = one.until, .value = value, .cause = one.cause, .bridged = bridged};
  if (one.cause) {
    finding.at = counted_until(watch, {one.until, Instant::max()});
    const Instant quarter = calendar_.period(Period::quarter_hour, finding.at - Duration(1)).begin;
    const double before = value - in_units(watch, counted_since(watch, quarter));
    if (judge(rule, before) == Verdict::bad) finding = {.at = quarter, .value = before, .cause = one.cause};
  }
  if (rule.measure == Measure::total) finding.of = of_total(watch, finding.at);
  observe(watch, finding);
}

// What it did last says nothing of now.
bool Alerts::is_silent(AccountId account, Instant at) const {
  const PointId source = site_.accounts[model::index(account)].source;
  const std::optional<Instant> last = state_.points[carbongate::index(source)].last_at;
  return !last || at - *last > gap_of(account);
}

Duration Alerts::gap_of(AccountId account) const {
  const PointId source = site_.accounts[model::index(account)].source;
  return gap_max(site_.points[carbongate::index(source)].limits);
}

double Alerts::in_units(std::size_t watch, std::int64_t sum) const {
  const std::int64_t per_unit = watches_[watch].rule->sum == AlertSum::co2e
                                    ? model::kMilligramsPerKilogram
                                    : watches_[watch].watch->carrier->quanta_per_display;
  return static_cast<double>(sum) / static_cast<double>(per_unit);
}

// nullptr: it is older than what is remembered.
AlertPeriod* Alerts::period_of(std::size_t watch, Instant begin) {
  const auto place = [&](std::vector<AlertPeriod>& periods) {
    return std::ranges::lower_bound(periods, begin, {}, &AlertPeriod::begin);
  };
  std::vector<AlertPeriod>& known = state_.alerts[watch].periods;
  if (const auto found = place(known); found != known.end() && found->begin == begin) return &*found;
  const std::size_t most = kept(*watches_[watch].rule);
  if (known.size() >= most && begin < known.front().begin) return nullptr;
  const bool is_next = known.empty() || begin > known.back().begin;
  // The one before is over, and so is its alert.
  if (is_next && is_of_period(*watches_[watch].rule)) {
    let_pass(watch, begin);
    if (state_.alerts[watch].since) end(watch, {.at = begin, .value = std::nan("")});
    if (state_.alerts[watch].holds_since) forget_pending(watch, begin);
  }
  std::vector<AlertPeriod>& periods = change(watch).periods;
  periods.insert(place(periods), begun(watch, begin));
  if (periods.size() > most) periods.erase(periods.begin());
  return &*place(periods);
}

// `until`: counted up to here, within the period or at its end.
void Alerts::look_at_period(std::size_t watch, Instant until, std::optional<model::Cause> cause) {
  const Watched& one = watches_[watch];
  const Span span = calendar_.period(one.rule->period, until - Duration(1));
  const AlertPeriod* period = period_of(watch, span.begin);
  if (!period) return;
  std::int64_t sum = period->sum;
  for (const AccountId account : one.watch->accounts) {
    const auto& open = state_.accounts[model::index(account)].open[static_cast<std::size_t>(one.rule->period)];
    if (!open || open->begin != span.begin) continue;
    sum += one.rule->sum == AlertSum::co2e ? open->emitted[Basis::primary].co2e.quanta() : open->amount.quanta();
  }
  const bool is_past = period != &state_.alerts[watch].periods.back();
  const bool by_pace = one.rule->measure == Measure::quota_pace;
  if (cause) until = is_past ? span.end : counted_until(watch, {until, span.end});
  std::optional<double> value = worth(watch, sum, span, until);
  if (cause && !is_past && !by_pace) {
    const Instant quarter = calendar_.period(Period::quarter_hour, until - Duration(1)).begin;
    const std::optional<double> before = worth(watch, sum - counted_since(watch, quarter), span, quarter);
    if (quarter > span.begin && before && judge(*one.rule, *before) == Verdict::bad) {
      until = quarter;
      value = before;
    }
  }
  if (!value) return;
  const Finding finding{.at = until, .value = *value, .cause = cause, .of = of_period(watch, *period, span, until)};
  if (is_past) return judge_past(watch, span, finding);
  const std::optional<Instant> fired_before = state_.alerts[watch].since;
  observe(watch, finding);
  if (by_pace && state_.alerts[watch].since && state_.alerts[watch].since != fired_before) {
    change(watch).periods.back().sum_then = sum;
  }
}

std::optional<double> Alerts::worth(std::size_t watch, std::int64_t sum, const Span& period, Instant at) const {
  const AlertRule& rule = *watches_[watch].rule;
  if (rule.measure == Measure::period) return in_units(watch, sum);
  const double share = 100.0 * static_cast<double>(sum) / static_cast<double>(rule.quota);
  if (rule.measure == Measure::quota_share) return share;
  const double gone = 100.0 * static_cast<double>((at - period.begin).count()) /
                      static_cast<double>((period.end - period.begin).count());
  if (gone <= 0 || gone < rule.at_least) return std::nullopt;
  return 100.0 * share / gone;
}

// Of the quarter hour in progress, which begins then. What a correction changes is looked at as of now; if it was as
// bad at that begin, as of that: when it became so is not remembered.
std::int64_t Alerts::counted_since(std::size_t watch, Instant quarter) const {
  std::int64_t sum = 0;
  for (const AccountId account : watches_[watch].watch->accounts) {
    const auto& open = state_.accounts[model::index(account)].open[static_cast<std::size_t>(Period::quarter_hour)];
    if (open && open->begin == quarter) sum += share_of(watch, *open);
  }
  return sum;
}

// The sums are still the account's own: what is added here leaves it next.
void Alerts::closed(AccountId account, Period kind, const model::OpenPeriod& sums) {
  for (const std::size_t i : of_account_[model::index(account)]) {
    const AlertRule& rule = *watches_[i].rule;
    const bool takes = (is_closed_first(rule) || is_of_period(rule)) && closed_period(rule) == kind;
    if (!takes) continue;
    if (is_of_period(rule)) look_at_period(i, sums.end, {});
    if (!period_of(i, sums.begin) || reopen(i, account, sums)) continue;
    change(i);
    AlertPeriod& period = *period_of(i, sums.begin);
    add_to(i, account, sums, period);
    const std::int64_t length = (sums.end - sums.begin).count();
    if (watches_[i].watch->per.empty()) {
      period.per += length;
    } else if (period.unwatched) {
      *period.unwatched += length;
    }
    ++period.closed;
    if (is_closed_first(rule)) mark(i, sums.end);
  }
}

std::int64_t Alerts::share_of(std::size_t watch, const model::OpenPeriod& sums) const {
  const AlertRule& rule = *watches_[watch].rule;
  if (rule.measure == Measure::coverage) return sums.covered.count();
  return rule.sum == AlertSum::co2e ? sums.emitted[Basis::primary].co2e.quanta() : sums.amount.quanta();
}

void Alerts::add_to(std::size_t watch, AccountId account, const model::OpenPeriod& sums, AlertPeriod& period) const {
  const model::Watch& of = *watches_[watch].watch;
  if (period.unwatched) *period.unwatched -= sums.covered.count();
  if (std::ranges::find(of.per, account) != of.per.end()) {
    period.per += sums.amount.quanta();
  } else {
    period.sum += share_of(watch, sums);
    if (of.per.empty()) period.per -= sums.covered.count();
  }
}

AlertPeriod Alerts::begun(std::size_t watch, Instant begin) const {
  AlertPeriod fresh;
  fresh.begin = begin;
  if (!watches_[watch].watch->per.empty()) fresh.unwatched = 0;
  return fresh;
}

// What all accounts together have watched of a period of that length; one that has not closed it, nothing.
Duration Alerts::watched(std::size_t watch, const AlertPeriod& period, Duration length) const {
  const std::size_t closed = std::min<std::size_t>(period.closed, watches_[watch].watch->accounts.size());
  return length * static_cast<std::int64_t>(closed) - Duration(period.per);
}

double Alerts::share_watched(std::size_t watch, Duration watched, Duration length) const {
  return static_cast<double>(watched.count()) /
         (static_cast<double>(length.count()) * static_cast<double>(watches_[watch].watch->accounts.size()));
}

std::pair<std::int64_t, Duration> Alerts::window_of(std::size_t watch, const std::vector<AlertPeriod>& periods,
                                                    Instant from, const AlertPeriod& last) const {
  std::pair<std::int64_t, Duration> window;
  auto part = std::ranges::lower_bound(periods, from, {}, &AlertPeriod::begin);
  for (; part != periods.end() && part->begin <= last.begin; ++part) {
    window.first += part->sum;
    window.second += watched(watch, *part, kQuarterHour);
  }
  return window;
}

bool Alerts::is_valid_hour(std::size_t watch, const AlertPeriod& period) const {
  const auto all = static_cast<std::int64_t>(watches_[watch].watch->accounts.size());
  return watched(watch, period, std::chrono::hours(1)) >= site_.validity.hour_covered * all;
}

// A sum of which that share was watched is held against `below` if the share is that of a valid hour, and the whole
// would be too low as well, had it gone on as it was watched.
std::optional<double> Alerts::if_known(std::size_t watch, double value, double share) const {
  const AlertRule& rule = *watches_[watch].rule;
  if (!rule.below || value >= *rule.below) return value;
  const double enough = std::chrono::duration<double, std::ratio<3600>>(site_.validity.hour_covered).count();
  const bool is_low = share > 0 && share >= enough && value / std::min(share, 1.0) < *rule.below;
  return is_low ? std::optional(value) : std::nullopt;
}

void Alerts::look_at_closed(std::size_t watch) {
  const Watched& one = watches_[watch];
  const std::size_t all = one.watch->accounts.size() + one.watch->per.size();
  std::vector<AlertPeriod>& periods = state_.alerts[watch].periods;
  std::optional<std::size_t> newest;  // that is judged already
  for (std::size_t i = 0; i < periods.size(); ++i) {
    if (periods[i].judged) newest = i;
  }
  // Complete, or given up for one that comes after it.
  for (std::size_t i = newest ? *newest + 1 : 0; i < periods.size(); ++i) {
    const bool is_complete = periods[i].closed >= all || i + 1 < periods.size();
    if (!is_complete) break;
    change(watch).periods[i].judged = true;
    const Span span = calendar_.period(closed_period(*one.rule), periods[i].begin);
    const std::optional<double> value = worth_closed(watch, periods, periods[i], span);
    if (value) {
      observe(watch, {.at = span.end, .value = *value, .of = of_closed(watch, periods, periods[i], span)});
    }
  }
}

// Of coverage: the first period that is not judged.
std::optional<Span> Alerts::not_closed(std::size_t watch) const {
  const AlertRule& rule = *watches_[watch].rule;
  if (rule.measure != Measure::coverage) return std::nullopt;
  const AlertState& state = state_.alerts[watch];
  std::optional<Instant> begin = state.begun;
  if (!begin && !state.periods.empty()) begin = state.periods.front().begin;
  for (const AlertPeriod& period : state.periods) {
    if (period.judged) begin = calendar_.period(rule.period, period.begin).end;
  }
  return begin ? std::optional(calendar_.period(rule.period, *begin)) : std::nullopt;
}

// Nothing was heard that would have closed them, and nothing can show any more that they were watched, but late data.
void Alerts::give_up_closing(std::size_t watch, Instant until) {
  const Watched& one = watches_[watch];
  while (true) {
    const std::optional<Span> span = not_closed(watch);
    if (!span || span->end + one.patience > until) return;
    AlertPeriod* period = period_of(watch, span->begin);
    if (!period) return;
    std::int64_t sum = period->sum;
    for (const AccountId account : one.watch->accounts) {
      const auto& open = state_.accounts[model::index(account)].open[static_cast<std::size_t>(one.rule->period)];
      if (open && open->begin == span->begin) sum += open->covered.count();
    }
    change(watch);
    period->judged = true;
    period->sum_then = sum;
    const std::optional<double> value = worth_closed(watch, state_.alerts[watch].periods, *period, *span);
    if (value) observe(watch, {.at = span->end, .value = *value});
  }
}

// A period that was given up is closed after all: by late data, or by the first reading after a silence.
bool Alerts::reopen(std::size_t watch, AccountId account, const model::OpenPeriod& sums) {
  Watched& one = watches_[watch];
  AlertPeriod& period = *period_of(watch, sums.begin);
  if (one.rule->measure != Measure::coverage || !period.sum_then) return false;
  const std::vector<AlertPeriod> known = state_.alerts[watch].periods;
  change(watch);
  add_to(watch, account, sums, period);
  if (++period.closed < one.watch->accounts.size()) return true;
  period.sum_then.reset();
  mark(watch, sums.end);
  if (!one.before) one.before = known;
  one.cause = model::Cause::late_data;
  return true;
}

// `periods`: those that are looked back on, `period` among them.
std::optional<double> Alerts::worth_closed(std::size_t watch, const std::vector<AlertPeriod>& periods,
                                           const AlertPeriod& period, const Span& span) const {
  const Watched& one = watches_[watch];
  const AlertRule& rule = *one.rule;
  if (rule.measure == Measure::coverage) {  // of the time since somebody watches
    const Instant begin = std::max(span.begin, state_.alerts[watch].begun.value_or(span.begin));
    if (begin >= span.end) return std::nullopt;
    const auto whole =
        static_cast<double>((span.end - begin).count()) * static_cast<double>(one.watch->accounts.size());
    return std::min(100.0, 100.0 * static_cast<double>(period.sum_then.value_or(period.sum)) / whole);
  }
  if (rule.measure == Measure::window) {
    const auto [sum, seen] = window_of(watch, periods, span.end - rule.length, period);
    const bool is_full = periods.front().begin <= span.end - rule.length;
    return if_known(watch, in_units(watch, sum), is_full ? share_watched(watch, seen, rule.length) : 0);
  }
  if (rule.measure == Measure::period || rule.measure == Measure::quota_share) {
    const std::optional<double> value = worth(watch, period.sum, span, span.end);
    const Duration length = span.end - span.begin;
    return value ? if_known(watch, *value, share_watched(watch, watched(watch, period, length), length)) : value;
  }
  if (rule.measure == Measure::intensity) {
    if (period.per <= 0) return std::nullopt;
    const model::Carrier& product = *site_.accounts[model::index(one.watch->per.front())].carrier;
    return in_units(watch, period.sum) * static_cast<double>(product.quanta_per_display) /
           static_cast<double>(period.per);
  }
  if (!is_valid_hour(watch, period)) return std::nullopt;
  double sum = 0;
  std::size_t samples = 0;
  for (std::uint32_t week = 1; week <= rule.weeks; ++week) {
    const auto found = std::ranges::lower_bound(periods, period.begin - week * kWeek, {}, &AlertPeriod::begin);
    if (found == periods.end() || found->begin != period.begin - week * kWeek) continue;
    if (!is_valid_hour(watch, *found)) continue;
    sum += static_cast<double>(found->sum);
    ++samples;
  }
  if (samples < kSamplesMin || sum == 0) return std::nullopt;
  const double mean = sum / static_cast<double>(samples);
  return 100.0 * (static_cast<double>(period.sum) - mean) / std::abs(mean);
}

}  // namespace carbongate::pipeline

// What movements add to the accounts, and the rows of what is complete.
#include <algorithm>

#include "gateway/pipeline/engine.h"

namespace carbongate::pipeline {

using model::AccountId;
using model::Basis;
using model::OpenPeriod;
using model::Period;
using model::Rule;

namespace {

constexpr double kMsPerHour = 3'600'000.0;

// Whether it says how fast. Of a time that nobody watched only a counter knows, even if it stood still.
bool tells_rate(const Movement& movement) {
  const bool stood_still = movement.quality.origin == model::Origin::estimated && movement.quality.rule == Rule::gap;
  return !movement.hollow() || stood_still;
}

}  // namespace

void Pipeline::Engine::account_for(std::size_t point, const Counted& counted) {
  if (!points_[point].meter) return;
  for (const Movement& movement : counted) book(point, movement);
  const auto until = points_[point].meter->counted_until(state_.points[point]);
  if (!until) return;
  close_until(point, *until);
  show_progress(point, *until);
  if (counted.movements.empty()) return;
  const bool rate_is_known = tells_rate(counted.movements.back());
  for (const std::size_t i : points_[point].accounts) alerts_.counted(static_cast<AccountId>(i), *until, rate_is_known);
}

// Cuts a movement at the quarter hours. It is booked at once, so that running totals are live; the entry of a quarter
// is what was booked in it.
void Pipeline::Engine::book(std::size_t point, const Movement& movement) {
  for (const std::size_t i : points_[point].accounts) {
    accounts_[i].co2e_before = state_.accounts[i].emissions[Basis::primary].total.co2e;
    begin_totals(state_.accounts[i], movement.begin);
  }
  // What was closed without it is not opened again.
  const Instant first = std::max(movement.begin, state_.points[point].derived.closed_until.value_or(movement.begin));
  if (first > movement.begin) {
    note_late(static_cast<PointId>(point), movement.begin,
              calendar_.period(Period::quarter_hour, std::max(first, movement.end) - Duration(1)).end);
  }
  if (movement.hollow()) {
    mark_ends(point, movement, first);
  } else {
    Instant begin = first;
    while (begin < movement.end) {
      close_until(point, begin);
      const auto& quarter = open_at(begin, Period::quarter_hour, calendar_, state_.points[point].open);
      const Instant end = std::min(quarter.end, movement.end);
      book_span(point, movement, begin, end);
      begin = end;
    }
  }
  note_rates(point, movement);
}

// What a program that did not note it has begun stays without.
void Pipeline::Engine::begin_totals(model::AccountState& account, Instant at) {
  if (!account.live_at && !account.since) account.since = at;
}

// The present rate is the mean over the last movement.
void Pipeline::Engine::note_rates(std::size_t point, const Movement& movement) {
  const double hours = static_cast<double>((movement.end - movement.begin).count()) / kMsPerHour;
  for (const std::size_t i : points_[point].accounts) {
    model::AccountState& account = state_.accounts[i];
    const auto quanta_per_display = static_cast<double>(accounts_[i].account->carrier->quanta_per_display);
    const model::Co2e co2e = account.emissions[Basis::primary].total.co2e - accounts_[i].co2e_before;
    account.amount_per_hour = static_cast<double>(movement.amount.quanta()) / quanta_per_display / hours;
    account.co2e_kg_per_hour =
        static_cast<double>(co2e.quanta()) / static_cast<double>(model::kMilligramsPerKilogram) / hours;
    changed_accounts_.note(i);
  }
}

// `begin` and `end` lie within the open quarter hour.
void Pipeline::Engine::book_span(std::size_t point, const Movement& movement, Instant begin, Instant end) {
  PointRules& rules = points_[point];
  const Booking booking{.span = {begin, end},
                        .amount = movement.until(end) - movement.until(begin),
                        .covered = movement.watched(begin, end),
                        .bridged = movement.bridged(begin, end),
                        .quality = movement.quality};
  model::OpenInterval& quarter = *state_.points[point].open;
  add(booking, quarter);
  rules.next_close = std::min(rules.next_close, quarter.end);
  for (const std::size_t i : rules.accounts) book_account(i, booking);
}

void Pipeline::Engine::book_account(std::size_t index, Booking booking) {
  model::AccountState& account = state_.accounts[index];
  AccountFactors& factors = accounts_[index].factors;
  const Instant at = booking.span.begin;
  model::PerBasis<model::Emitted> emitted;
  model::PerBasis<std::int32_t> factor_ppm;
  for (const Basis basis : model::kBases) {
    if (!factors[basis].chosen()) continue;
    const model::Factor* factor = factors[basis].at(at);
    if (!factor) continue;
    emitted[basis] = emit(booking.amount, *factor, account.emissions[basis]);
    factor_ppm[basis] = factor->u95_ppm;
  }
  booking.quality = worse(booking.quality, lack_of_factors(factors, at));
  model::StandardCoal coal;
  if (const model::Factor* factor = factors.coal.at(at)) {
    coal = model::StandardCoal::of(multiply(booking.amount, factor->scaled_coal, account.coal_remainder));
  }
  account.amount += booking.amount;
  account.coal += coal;
  add_quality(booking, account);
  for (std::size_t p = 0; p < kPeriods.size(); ++p) {
    OpenPeriod& period = open_at(at, kPeriods[p], calendar_, account.open[p]);
    add(booking, period);
    period.coal += coal;
    for (const Basis basis : model::kBases) period.emitted[basis] += emitted[basis];
  }
  for (const Basis basis : model::kBases) {
    if (!factors[basis].chosen()) continue;
    model::Emitted stated = account.open[kQuarter]->emitted[basis];
    state_uncertainty(stated, accounts_[index].account->activity_u95_ppm, factor_ppm[basis]);
    state_uncertainty_as(stated, basis, account);
  }
}

// A time that nobody watched: the periods at both of its ends are the worse for it, those in between have no row at
// all.
void Pipeline::Engine::mark_ends(std::size_t point, const Movement& movement, Instant first) {
  const Instant last = movement.end - Duration(1);
  for (const Instant at : {movement.begin, last}) {
    if (at < first) continue;
    close_until(point, at);
    const Span quarter = calendar_.period(Period::quarter_hour, at);
    open_at(at, Period::quarter_hour, calendar_, state_.points[point].open);
    book_span(point, movement, at, at);
    if (quarter.contains(last)) break;
  }
}

void Pipeline::Engine::close_until(std::size_t point, Instant until) {
  PointRules& rules = points_[point];
  if (until < rules.next_close) return;
  model::PointState& state = state_.points[point];
  bool ends_unknown = false;
  if (state.open && state.open->end <= until) {
    ends_unknown = is_unknown(*state.open);
    if (ends_unknown) note_unknown(point);
    if (ends_unknown || worth_a_row(*state.open)) {
      ++statistics_.intervals;
      emit_row(static_cast<PointId>(point), make_interval(*state.open));
    }
    state.open.reset();
  }
  for (const std::size_t account : rules.accounts) close_account(account, until, ends_unknown);
  note_next_close(rules, state);
}

// Of the open quarter hour nothing is known but why: it is missing, in whatever contains it too.
void Pipeline::Engine::note_unknown(std::size_t point) {
  model::OpenInterval& quarter = *state_.points[point].open;
  quarter.quality.origin = model::Origin::missing;
  for (const std::size_t i : points_[point].accounts) {
    model::AccountState& account = state_.accounts[i];
    account.quality = worse(account.quality, quarter.quality);
    for (std::optional<OpenPeriod>& open : account.open) {
      if (open) open->quality = worse(open->quality, quarter.quality);
    }
  }
}

// `ends_unknown`: with a quarter hour of which nothing else is known, nor is it of a longer period that has no more.
void Pipeline::Engine::close_account(std::size_t index, Instant until, bool ends_unknown) {
  model::AccountState& account = state_.accounts[index];
  for (std::size_t p = 0; p < kPeriods.size(); ++p) {
    std::optional<OpenPeriod>& open = account.open[p];
    if (!open || open->end > until) continue;
    alerts_.closed(static_cast<AccountId>(index), kPeriods[p], *open);
    if (ends_unknown || worth_a_row(*open)) {
      if (p == kQuarter) publish_entry(index);
      emit_row(static_cast<AccountId>(index), make_rollup(kPeriods[p], *open, validity_));
    }
    if (kPeriods[p] == Period::hour && judge(Period::hour, *open, validity_) == model::Validity::valid) {
      for (std::size_t longer = p + 1; longer < kPeriods.size(); ++longer) {
        if (account.open[longer]) ++account.open[longer]->valid_hours;
      }
    }
    open.reset();
    changed_accounts_.note(index);
  }
}

// The quarter hour is complete.
void Pipeline::Engine::publish_entry(std::size_t index) {
  const OpenPeriod& quarter = *state_.accounts[index].open[kQuarter];
  model::EmissionEntry entry = make_entry(quarter, *accounts_[index].account, accounts_[index].factors);
  ++statistics_.entries;
  if (entry.quality.rule == Rule::no_factor) ++statistics_.entries_without_factor;
  if (entry.quality.rule == Rule::no_coal_factor) ++statistics_.entries_without_coal_factor;
  if (entry.quality.rule == Rule::no_market_factor) ++statistics_.entries_without_market_factor;
  state_uncertainty_as(entry.primary.emitted, Basis::primary, state_.accounts[index]);
  if (entry.market) state_uncertainty_as(entry.market->emitted, Basis::market, state_.accounts[index]);
  emit_row(static_cast<AccountId>(index), std::move(entry));
}

// What the open quarter hour is uncertain by, so is all that it is a part of.
void Pipeline::Engine::state_uncertainty_as(const model::Emitted& stated, Basis basis, model::AccountState& account) {
  const model::Emitted& before = account.open[kQuarter]->emitted[basis];
  const model::Emitted more{.co2e = {},
                            .gases = {},
                            .u95_activity = stated.u95_activity - before.u95_activity,
                            .u95_factor = stated.u95_factor - before.u95_factor};
  account.emissions[basis].total += more;
  for (std::optional<OpenPeriod>& open : account.open) {
    if (open) open->emitted[basis] += more;
  }
}

void Pipeline::Engine::note_next_close(PointRules& rules, const model::PointState& point) const {
  rules.next_close = point.open ? point.open->end : Instant::max();
  for (const std::size_t account : rules.accounts) {
    for (const std::optional<OpenPeriod>& open : state_.accounts[account].open) {
      if (open) rules.next_close = std::min(rules.next_close, open->end);
    }
  }
}

model::RunningTotal Pipeline::Engine::running_total(std::size_t index, Instant at) const {
  const model::AccountState& account = state_.accounts[index];
  model::RunningTotal row{.at = at,
                          .amount = account.amount,
                          .emitted = {},
                          .amount_per_hour = account.amount_per_hour,
                          .co2e_kg_per_hour = account.co2e_kg_per_hour,
                          .since = account.since,
                          .covered = account.covered,
                          .quality = account.quality};
  for (const Basis basis : model::kBases) row.emitted[basis] = account.emissions[basis].total.without_gases();
  return row;
}

void Pipeline::Engine::show_progress(std::size_t point, Instant at) {
  for (const std::size_t i : points_[point].accounts) {
    model::AccountState& account = state_.accounts[i];
    if (account.live_at && (at <= *account.live_at || at - *account.live_at < live_every_)) continue;
    begin_totals(account, at);
    account.live_at = at;
    changed_accounts_.note(i);
    emit_row(static_cast<AccountId>(i), running_total(i, at));
  }
}

}  // namespace carbongate::pipeline

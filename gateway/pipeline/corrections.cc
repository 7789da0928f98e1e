#include "gateway/pipeline/corrections.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "gateway/pipeline/open_quarter.h"
#include "gateway/pipeline/rollup.h"

namespace carbongate::pipeline {
namespace {

using model::Basis;
using model::Period;

// Each revision, and the recomputed entry, may have carried a remainder in or out.
std::int64_t tolerance_mg(const model::EmissionEntry& entry) {
  return static_cast<std::int64_t>(entry.revision) + 2;
}

// By what goes through the account's remainders. False: that is not what the entry says.
bool take(const model::EmissionEntry& entry, const model::EmissionState& carried, model::Emitted emitted,
          model::Emission& emission, model::EmissionState& state) {
  if (!near(emitted, emission.emitted, tolerance_mg(entry))) return false;
  emitted.u95_activity = emission.emitted.u95_activity;
  emitted.u95_factor = emission.emitted.u95_factor;
  state = carried;
  state.total.u95_activity += emitted.u95_activity;
  state.total.u95_factor += emitted.u95_factor;
  emission.emitted = emitted;
  return true;
}

// Where the figures are what the factor gives for the amount, they go through the account's remainders like any
// booking; where the factor is another one, what the old one gave comes out by them and what the new one gives goes in.
// Else more changed: a certificate, a value without a new version.
void book_emission(const model::EmissionEntry& entry, const model::Factor* factor,
                   const std::optional<model::Exchange>& exchange, model::Emission& emission,
                   model::EmissionState& state) {
  const bool certified = entry.correction && entry.correction->cause == model::Cause::certificate;
  const bool by_factor = factor && factor->id == emission.factor_id && factor->version == emission.factor_version &&
                         factor->gwp_set == emission.gwp_set;
  model::EmissionState carried = state;
  if (!certified && exchange) {
    model::Emitted emitted = emit(exchange->after.amount, exchange->after.rate, carried);
    emitted += emit(-exchange->before.amount, exchange->before.rate, carried);
    if (take(entry, carried, emitted, emission, state)) return;
  } else if (!certified && by_factor) {
    const model::Emitted emitted = emit(entry.amount, *factor, carried);
    if (take(entry, carried, emitted, emission, state)) return;
  }
  state.total += emission.emitted;
}

void book_coal(model::EmissionEntry& entry, const model::Factor* factor, std::int64_t& remainder) {
  if (!factor || factor->id != entry.coal_factor_id) return;
  std::int64_t carried = remainder;
  const auto coal = model::StandardCoal::of(multiply(entry.amount, factor->scaled_coal, carried));
  if (std::llabs(coal.quanta() - entry.coal.quanta()) > tolerance_mg(entry)) return;
  entry.coal = coal;
  remainder = carried;
}

template <class Sum>
void add_to(const model::EmissionEntry& entry, Duration covered_before, Sum& sum) {
  sum.amount += entry.amount;
  sum.coal += entry.coal;
  sum.emitted[Basis::primary] += entry.primary.emitted;
  if (entry.market) sum.emitted[Basis::market] += entry.market->emitted;
  sum.covered += entry.covered - covered_before;
}

}  // namespace

Corrections::Corrections(Calendar& calendar, const model::ValidityRules& validity,
                         std::span<const model::AccountRollup> rollups)
    : calendar_(calendar), validity_(validity) {
  for (const auto& [account, row] : rollups) stored_.emplace(Key{account, row.begin, row.period}, row);
}

model::EmissionEntry Corrections::book(const model::Amendment& amendment, std::optional<Instant> counted_until,
                                       AccountFactors& factors, model::AccountState& account) {
  model::EmissionEntry entry = amendment.correction;
  const Instant at = entry.begin;
  const auto& exchange = amendment.exchange;
  OpenSetAside in_progress(account, factors);
  book_emission(entry, factors.primary.at(at), exchange[Basis::primary], entry.primary,
                account.emissions[Basis::primary]);
  if (entry.market) {
    book_emission(entry, factors.market.at(at), exchange[Basis::market], *entry.market,
                  account.emissions[Basis::market]);
  }
  book_coal(entry, factors.coal.at(at), account.coal_remainder);
  in_progress.put_back();
  account.amount += entry.amount;
  account.coal += entry.coal;
  account.covered += entry.covered - amendment.covered_before;
  account.quality = worse(account.quality, entry.quality);
  if (account.since) account.since = std::min(*account.since, entry.begin);

  int hours_gained = 0;  // valid ones, of the longer periods
  for (std::size_t p = 0; p < kPeriods.size(); ++p) {
    const Period period = kPeriods[p];
    const Span span = calendar_.period(period, at);
    std::optional<model::OpenPeriod>& open = account.open[p];
    const bool goes_on = counted_until && *counted_until < span.end && period != Period::quarter_hour;
    if (goes_on) open_at(at, period, calendar_, open);
    if (open && open->begin == span.begin) {
      add_to(entry, amendment.covered_before, *open);
      open->quality = worse(open->quality, entry.quality);
      open->valid_hours += static_cast<std::uint32_t>(hours_gained);
      open_.emplace(amendment.account, period);
      continue;
    }
    model::RollupRow& row = revised_row({amendment.account, span.begin, period}, span);
    add_to(entry, amendment.covered_before, row);
    if (period != Period::hour) row.valid_hours += static_cast<std::uint32_t>(hours_gained);
    const bool was_valid = row.validity == model::Validity::valid;
    row.validity = judge(period, row, validity_);
    if (period == Period::hour) hours_gained = (row.validity == model::Validity::valid) - was_valid;
    // Of a quarter hour the quality is the entry's. A longer period keeps its worst part, until revised() knows better.
    row.quality = period == Period::quarter_hour ? entry.quality : worse(row.quality, entry.quality);
  }
  return entry;
}

model::RollupRow& Corrections::revised_row(const Key& key, const Span& span) {
  const auto revised = revised_.find(key);
  if (revised != revised_.end()) return revised->second;
  const auto stored = stored_.find(key);
  model::RollupRow row;
  if (stored != stored_.end()) row = stored->second;
  row.period = std::get<Period>(key);
  row.begin = span.begin;
  row.end = span.end;
  ++row.revision;
  return revised_.emplace(key, row).first->second;
}

Corrections::Judged Corrections::judge_parts(model::AccountId account, const Span& span, Period part) const {
  Judged judged{.worst = {}, .until = span.begin};
  while (judged.until < span.end) {
    const Key key{account, judged.until, part};
    auto found = revised_.find(key);
    if (found == revised_.end()) {
      found = stored_.find(key);
      if (found == stored_.end()) break;
    }
    judged.worst = worse(judged.worst, found->second.quality);
    judged.until = found->second.end;
  }
  return judged;
}

// A period whose parts are all there is as good as its worst part is now; an open one whose parts are there from its
// begin, or the account's, up to the one in progress. Time that nobody watched has no rows, and leaves it as it was.
void Corrections::judge_again(Period period, Period part, std::span<model::AccountState> accounts,
                              const CountedUntil& counted_until) {
  for (auto& [key, row] : revised_) {
    if (row.period != period) continue;
    const Judged judged = judge_parts(std::get<model::AccountId>(key), {row.begin, row.end}, part);
    if (judged.until >= row.end) row.quality = judged.worst;
  }
  for (const auto& [account, open_period] : open_) {
    const auto until = counted_until(account);
    if (open_period != period || !until) continue;
    model::AccountState& state = accounts[index(account)];
    model::OpenPeriod& open = *state.open[static_cast<std::size_t>(period)];
    const Instant first = std::max(open.begin, state.since.value_or(open.begin));
    const Judged judged = judge_parts(account, {calendar_.period(part, first).begin, open.end}, part);
    if (judged.until < calendar_.period(part, *until).begin) continue;
    const std::optional<model::OpenPeriod>& open_part = state.open[static_cast<std::size_t>(part)];
    open.quality = open_part ? worse(judged.worst, open_part->quality) : judged.worst;
  }
}

std::vector<model::AccountRollup> Corrections::revised(std::span<model::AccountState> accounts,
                                                       const CountedUntil& counted_until) {
  judge_again(Period::hour, Period::quarter_hour, accounts, counted_until);
  judge_again(Period::day, Period::quarter_hour, accounts, counted_until);
  judge_again(Period::month, Period::day, accounts, counted_until);
  judge_again(Period::year, Period::month, accounts, counted_until);
  std::vector<model::AccountRollup> rows;
  for (auto& [key, row] : revised_) rows.push_back({std::get<model::AccountId>(key), std::move(row)});
  revised_.clear();
  return rows;
}

}  // namespace carbongate::pipeline

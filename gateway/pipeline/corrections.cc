#include "gateway/pipeline/corrections.h"

#include <array>
#include <utility>

namespace carbongate::pipeline {
namespace {

using model::Basis;
using model::Period;

constexpr std::array kPeriods{Period::quarter_hour, Period::hour, Period::day, Period::month, Period::year};

void book_emission(const model::Amendment& amendment, const model::Factor* factor, model::Emission& emission,
                   model::EmissionState& state) {
  if (!amendment.same_factors || !factor || factor->id != emission.factor_id) {
    state.total += emission.emitted;
    return;
  }
  model::Emitted emitted = emit(amendment.correction.amount, *factor, state);
  emitted.u95_activity = emission.emitted.u95_activity;
  emitted.u95_factor = emission.emitted.u95_factor;
  state.total.u95_activity += emitted.u95_activity;
  state.total.u95_factor += emitted.u95_factor;
  emission.emitted = emitted;
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

Corrections::Corrections(Calendar& calendar, std::span<const model::AccountRollup> rollups) : calendar_(calendar) {
  for (const auto& [account, row] : rollups) stored_.emplace(Key{account, row.begin, row.period}, row);
}

model::EmissionEntry Corrections::book(const model::Amendment& amendment, AccountFactors& factors,
                                       model::AccountState& account) {
  model::EmissionEntry entry = amendment.correction;
  const Instant at = entry.begin;
  book_emission(amendment, factors.primary.at(at), entry.primary, account.emissions[Basis::primary]);
  if (entry.market) book_emission(amendment, factors.market.at(at), *entry.market, account.emissions[Basis::market]);
  const model::Factor* coal = factors.coal.at(at);
  if (amendment.same_factors && coal && coal->id == entry.coal_factor_id) {
    entry.coal = model::StandardCoal::of(multiply(entry.amount, coal->scaled_coal, account.coal_remainder));
  }
  account.amount += entry.amount;
  account.coal += entry.coal;

  for (std::size_t p = 0; p < kPeriods.size(); ++p) {
    const Span span = calendar_.period(kPeriods[p], at);
    std::optional<model::OpenPeriod>& open = account.open[p];
    if (open && open->begin == span.begin) {
      add_to(entry, amendment.covered_before, *open);
      open->quality = worse(open->quality, entry.quality);
      continue;
    }
    const Key key{amendment.account, span.begin, kPeriods[p]};
    auto revised = revised_.find(key);
    if (revised == revised_.end()) {
      const auto stored = stored_.find(key);
      model::RollupRow row;
      if (stored != stored_.end()) row = stored->second;
      row.period = kPeriods[p];
      row.begin = span.begin;
      row.end = span.end;
      ++row.revision;
      revised = revised_.emplace(key, row).first;
    }
    add_to(entry, amendment.covered_before, revised->second);
    // Of a quarter hour the quality is the entry's. A longer period keeps its worst part, until revised() knows better.
    model::Quality& quality = revised->second.quality;
    quality = kPeriods[p] == Period::quarter_hour ? entry.quality : worse(quality, entry.quality);
  }
  return entry;
}

// A period that is watched throughout, and whose parts are all there, is as good as its worst part is now.
void Corrections::judge_again(Period period, Period part) {
  for (auto& [key, row] : revised_) {
    if (row.period != period || row.covered != row.end - row.begin) continue;
    const auto account = std::get<model::AccountId>(key);
    model::Quality worst;
    Instant reached = row.begin;
    while (reached < row.end) {
      const Key part_key{account, reached, part};
      auto found = revised_.find(part_key);
      if (found == revised_.end()) {
        found = stored_.find(part_key);
        if (found == stored_.end()) break;
      }
      worst = worse(worst, found->second.quality);
      reached = found->second.end;
    }
    if (reached >= row.end) row.quality = worst;
  }
}

std::vector<model::AccountRollup> Corrections::revised() {
  judge_again(Period::hour, Period::quarter_hour);
  judge_again(Period::day, Period::quarter_hour);
  judge_again(Period::month, Period::day);
  judge_again(Period::year, Period::month);
  std::vector<model::AccountRollup> rows;
  for (auto& [key, row] : revised_) rows.push_back({std::get<model::AccountId>(key), std::move(row)});
  revised_.clear();
  return rows;
}

}  // namespace carbongate::pipeline

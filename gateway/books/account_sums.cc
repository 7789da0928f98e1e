#include "gateway/books/account_sums.h"

#include <algorithm>
#include <utility>

#include "gateway/model/live_factor.h"

namespace carbongate::books {
namespace {

using model::Basis;
using model::Origin;

// Of a live series, which has as many factors as quarter hours, all together.
void note(std::vector<FactorUse>& uses, const FactorUse& factor) {
  if (factor.id.empty()) return;
  const bool live = factor.version == model::kLiveVersion;
  const FactorUse use{live ? std::string(factor_series(factor.id)) + "/*" : factor.id, factor.version};
  if (std::ranges::find(uses, use) == uses.end()) uses.push_back(use);
}

void note(std::vector<std::string>& names, const std::string& name) {
  if (!name.empty() && std::ranges::find(names, name) == names.end()) names.push_back(name);
}

void assign(FactorUse& factor, const model::Emission& emission) {
  factor.id = emission.factor_id;
  factor.version = emission.factor_version;
}

// Between two lines of one account. "": no factor.
void note_move(FactorSums& from, FactorSums& to) {
  const Basis basis = from.factors_of == to.factors_of ? Basis::market : Basis::primary;
  const auto note_series = [](std::vector<std::string>& names, std::string_view name) {
    if (std::ranges::find(names, name) == names.end()) names.emplace_back(name);
  };
  note_series(from.superseded_by, to.series(basis));
  note_series(to.supersedes, from.series(basis));
}

}  // namespace

void QuarterHour::add(const model::EmissionEntry& entry) {
  Figures figures{.amount = entry.amount, .coal = entry.coal, .emitted = {}};
  figures.emitted[Basis::primary] = entry.primary.emitted;
  if (entry.market) figures.emitted[Basis::market] = entry.market->emitted;
  now_ += figures;
  has_market_ |= entry.market.has_value();
  if (entry.revision == 0) {
    published_ = true;
    first_ = figures;
    first_quality_ = entry.quality;
    first_has_market_ = entry.market.has_value();
    first_factor_ = entry.primary.factor_id;
    first_market_ = entry.market ? entry.market->factor_id : std::string();
  } else {
    corrected_ = true;
  }
  if (entry.revision < newest_) return;
  newest_ = entry.revision;
  end_ = entry.end;
  covered_ = entry.covered;
  quality_ = entry.quality;
  assign(factor_, entry.primary);
  gwp_set_ = entry.primary.gwp_set;
  if (!entry.market) return;
  assign(market_, *entry.market);
  market_gwp_set_ = entry.market->gwp_set;
}

void QuarterHour::book_now(FactorSums& sums, model::Scope scope) const {
  const Figures now = this->now();
  sums.now += now;
  for (const Basis basis : model::kBases) {
    const model::Emitted& emitted = now.emitted[basis];
    const FactorUse& factor = basis == Basis::market && has_market_ ? market_ : factor_;
    const model::Emission emission{.emitted = emitted, .factor_id = factor.id, .factor_version = factor.version};
    const bool all = model::stated(emission, scope) == model::Stated::all;
    if (!all || model::stated(emitted, quality_) != model::Stated::all) sums.unstated[basis] = true;
  }
  ++sums.entries;
  sums.corrections += corrected_ ? 1 : 0;
  sums.worst = sums.worst ? worse(*sums.worst, quality_) : quality_;
  note(sums.factors, factor_);
  note(sums.gwp_sets, gwp_set_);
  if (!has_market_) return;
  note(sums.market_factors, market_);
  note(sums.gwp_sets, market_gwp_set_);
}

// One that lacks a part of its readings is missing as a whole: what was watched of it is measured all the same. Without
// a factor nothing of it counts.
void QuarterHour::book_time(OriginTimes& times) const {
  if (quality_.rule == model::Rule::no_factor) return;
  const Origin origin = quality_.origin == Origin::missing ? Origin::measured : quality_.origin;
  const bool by_readings = origin == Origin::measured || origin == Origin::late;
  times[static_cast<std::size_t>(origin)] += by_readings ? covered_ : end_ - begin_;
}

Figures QuarterHour::with_market(Figures figures, bool has_market) {
  if (!has_market) figures.emitted[Basis::market] = figures.emitted[Basis::primary];
  return figures;
}

void AccountSums::add(const model::EmissionEntry& entry) {
  if (open_ && open_->begin() != entry.begin) close();
  if (!open_) open_.emplace(entry.begin);
  open_->add(entry);
}

void AccountSums::close() {
  if (!open_) return;
  covered_ += open_->covered();
  open_->book_time(time_by_origin_);
  FactorSums& now = sums(open_->factors());
  if (open_->published()) {
    FactorSums& first = sums(open_->first_factors());
    open_->book_first(first);
    if (&first != &now) {
      note_move(first, now);
      const model::Quality quality = open_->first_quality();
      first.worst_moved = first.worst_moved ? worse(*first.worst_moved, quality) : quality;
    }
  }
  open_->book_now(now, series.scope);
  open_.reset();
}

FactorSums& AccountSums::sums(const FactorsOf& factors) {
  if (last_ && last_->is_of(factors)) return *last_;
  const auto found = std::ranges::find_if(by_factors_, [&](const FactorSums& sums) { return sums.is_of(factors); });
  if (found != by_factors_.end()) return *(last_ = &*found);
  FactorSums& fresh = by_factors_.emplace_back();
  fresh.factors_of = factors.primary;
  fresh.market_of = factors.market;
  fresh.has_market = factors.has_market;
  return *(last_ = &fresh);
}

}  // namespace carbongate::books

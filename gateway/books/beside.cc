#include "gateway/books/beside.h"

#include <algorithm>

#include "gateway/books/restate.h"

namespace carbongate::books {

using model::Activity;
using model::Basis;
using model::EmissionEntry;

std::vector<Activity> spread(Activity whole, std::span<const std::int64_t> weights) {
  using Wide = __int128;
  Wide sum = 0;
  for (const std::int64_t weight : weights) sum += weight;
  const bool evenly = sum == 0;
  if (evenly) sum = static_cast<Wide>(weights.size());
  std::vector<Activity> parts;
  Wide reached = 0;
  std::int64_t given = 0;
  for (const std::int64_t weight : weights) {
    reached += evenly ? 1 : weight;
    // The floor of a growing sum: no remainder is lost.
    const auto until_here = static_cast<std::int64_t>(Wide{whole.quanta()} * reached / sum);
    parts.push_back(Activity::of(until_here - given));
    given = until_here;
  }
  return parts;
}

PriceCarry::PriceCarry() : coal(model::kFactorScale / 2) {
  for (const Basis basis : model::kBases) {
    emissions[basis].co2e_remainder = model::kFactorScale / 2;
    for (std::size_t gas = 0; gas < model::kGasCount; ++gas) {
      emissions[basis].gas_remainders[static_cast<model::Gas>(gas)] = model::kFactorScale / 2;
    }
  }
}

EmissionEntry price(Activity amount, const pipeline::Span& quarter, const model::Account& account,
                    pipeline::AccountFactors& factors, model::Quality quality, PriceCarry& carry) {
  model::OpenPeriod open;
  open.begin = quarter.begin;
  open.end = quarter.end;
  open.amount = amount;
  for (const Basis basis : model::kBases) {
    const model::Factor* factor = factors[basis].at(quarter.begin);
    if (factor) open.emitted[basis] = pipeline::emit(amount, *factor, carry.emissions[basis]);
  }
  if (const model::Factor* coal = factors.coal.at(quarter.begin)) {
    open.coal = model::StandardCoal::of(pipeline::multiply(amount, coal->scaled_coal, carry.coal));
  }
  open.quality = worse(quality, pipeline::lack_of_factors(factors, quarter.begin));
  EmissionEntry entry = pipeline::make_entry(open, account, factors);
  for (model::Emission* emission : {&entry.primary, entry.market ? &*entry.market : nullptr}) {
    if (!emission) continue;
    emission->emitted.u95_activity = {};  // the meter did not measure it
    // A negative amount is part of a larger one, whose half-width it lessens.
    if (amount < Activity{}) emission->emitted.u95_factor = -emission->emitted.u95_factor;
  }
  return entry;
}

std::optional<EmissionEntry> beside_correction(const Layers& known, const EmissionEntry& layer,
                                               const EmissionEntry& target, model::Correction correction) {
  const bool is_nothing = target.amount == Activity{};
  const bool was_nothing = layer.amount == Activity{};
  if (is_nothing && was_nothing) return std::nullopt;
  const bool same = was_nothing || same_factors(layer, target);
  if (layer.amount == target.amount && same && layer.quality == target.quality) return std::nullopt;

  EmissionEntry made = target;
  subtract(layer, made);
  made.covered = known.has_computed ? known.computed.covered : Duration::zero();
  if (is_nothing) {
    made.quality =
        known.has_computed ? known.computed.quality : model::Quality{model::Origin::missing, model::Rule::gap};
  }
  made.revision = known.newest + 1;
  made.correction = std::move(correction);
  return made;
}

std::optional<EmissionEntry> price_correction(const Layers& known, const EmissionEntry& target,
                                              model::Correction correction) {
  constexpr std::int64_t kCarriedMg = 1;  // below a milligram, but rounded at another place
  const auto same = [](const model::Emission& a, const model::Emission& b) {
    return same_gwp(a.gwp_set, b.gwp_set) && model::near(a.emitted, b.emitted, kCarriedMg);
  };
  const EmissionEntry& layer = known.manual;
  const bool same_market =
      layer.market.has_value() == target.market.has_value() && (!layer.market || same(*layer.market, *target.market));
  const std::int64_t coal = layer.coal.quanta() - target.coal.quanta();
  if (same(layer.primary, target.primary) && same_market && -kCarriedMg <= coal && coal <= kCarriedMg) {
    return std::nullopt;
  }
  auto made = beside_correction(known, layer, target, std::move(correction));
  return made;
}

}  // namespace carbongate::books

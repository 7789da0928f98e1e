#include "gateway/pipeline/emission.h"

namespace carbongate::pipeline {
namespace {

using Wide = __int128;

model::Emission describe(model::Emitted emitted, const model::Account& account, const model::Factor* factor) {
  state_uncertainty(emitted, account.activity_u95_ppm, factor ? factor->u95_ppm : 0);
  model::Emission emission{.emitted = emitted, .factor_id = {}, .factor_version = {}};
  if (factor) {
    emission.factor_id = factor->id;
    emission.factor_version = factor->version;
    emission.gwp_set = factor->gwp_set;
  }
  return emission;
}

}  // namespace

model::Co2e half_width(model::Co2e co2e, std::int32_t ppm) {
  const Wide magnitude = co2e.quanta() < 0 ? -Wide{co2e.quanta()} : Wide{co2e.quanta()};
  return model::Co2e::of(static_cast<std::int64_t>((magnitude * ppm + 500'000) / 1'000'000));
}

void state_uncertainty(model::Emitted& emitted, std::int32_t activity_ppm, std::int32_t factor_ppm) {
  emitted.u95_activity = half_width(emitted.co2e, activity_ppm);
  emitted.u95_factor = half_width(emitted.co2e, factor_ppm);
}

std::int64_t multiply(model::Activity amount, std::int64_t scaled_mg_per_quantum, std::int64_t& remainder) {
  const Wide product = Wide{amount.quanta()} * scaled_mg_per_quantum + remainder;
  Wide whole = product / model::kFactorScale;
  Wide rest = product % model::kFactorScale;
  if (rest < 0) {  // floor, also below zero: the remainder is never negative
    whole -= 1;
    rest += model::kFactorScale;
  }
  remainder = static_cast<std::int64_t>(rest);
  return static_cast<std::int64_t>(whole);
}

namespace {

model::Emitted emit(model::Activity amount, const model::PerGas<std::int64_t>& scaled_gas, std::int64_t scaled_co2e,
                    model::EmissionState& state) {
  model::Emitted emitted;
  emitted.co2e = model::Co2e::of(multiply(amount, scaled_co2e, state.co2e_remainder));
  scaled_gas.each([&](model::Gas gas, std::int64_t scaled) {
    emitted.gases[gas] = model::GasMass::of(multiply(amount, scaled, state.gas_remainders[gas]));
  });
  state.total += emitted;
  return emitted;
}

}  // namespace

model::Emitted emit(model::Activity amount, const model::FactorRate& rate, model::EmissionState& state) {
  return emit(amount, rate.scaled_gas, rate.scaled_co2e, state);
}

model::Emitted emit(model::Activity amount, const model::Factor& factor, model::EmissionState& state) {
  return emit(amount, factor.scaled_gas, factor.scaled_co2e, state);
}

FactorSeries::FactorSeries(const std::optional<model::FactorChoice>& choice, const model::Carrier& carrier,
                           const FactorRegistry& registry, LiveFactors* live,
                           std::span<const model::FactorChoice> instead)
    : carrier_(&carrier), registry_(&registry), live_(live) {
  const auto add = [&](const model::FactorChoice& one) {
    links_.push_back({.choice = &one, .live = live ? live->find(one, carrier) : nullptr, .holding = {}});
  };
  if (!choice) return;
  add(*choice);
  for (const model::FactorChoice& one : instead) add(one);
}

const model::Factor* FactorSeries::at(Instant at) {
  for (Link& link : links_) {
    if (const model::Factor* factor = at_link(link, at)) return factor;
  }
  return nullptr;
}

const model::Factor* FactorSeries::at_link(Link& link, Instant at) {
  if (link.live) return live_->at(*link.live, at);
  if (at < link.holding.from || at >= link.holding.until) {
    link.holding = registry_->look_up(link.choice->set, carrier_->id, link.choice->region, link.choice->method, at);
  }
  return link.holding.factor;
}

model::Quality lack_of_factors(AccountFactors& factors, Instant at) {
  using model::Origin;
  using model::Rule;
  if (factors.primary.chosen() && !factors.primary.at(at)) return {Origin::missing, Rule::no_factor};
  if (factors.coal.chosen() && !factors.coal.at(at)) return {Origin::measured, Rule::no_coal_factor};
  if (factors.market.chosen() && !factors.market.as_chosen(at)) return {Origin::measured, Rule::no_market_factor};
  return {};
}

model::EmissionEntry make_entry(const model::OpenPeriod& quarter, const model::Account& account,
                                AccountFactors& factors) {
  model::EmissionEntry entry{
      .begin = quarter.begin,
      .end = quarter.end,
      .amount = quarter.amount,
      .coal = quarter.coal,
      .coal_factor_id = {},
      .primary = describe(quarter.emitted[model::Basis::primary], account, factors.primary.at(quarter.begin)),
      .market = {},
      .covered = quarter.covered,
      .bridged = quarter.bridged,
      .quality = quarter.quality,
      .correction = {}};
  if (const model::Factor* coal = factors.coal.at(quarter.begin)) entry.coal_factor_id = coal->id;
  if (factors.market.chosen()) {
    entry.market = describe(quarter.emitted[model::Basis::market], account, factors.market.at(quarter.begin));
  }
  return entry;
}

}  // namespace carbongate::pipeline

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

const model::Factor* FactorSeries::at(Instant at) {
  if (!choice_) return nullptr;
  if (live_series_) return live_->at(*live_series_, at);
  if (at < holding_.from || at >= holding_.until) {
    holding_ = registry_->look_up(choice_->set, carrier_->id, choice_->region, choice_->method, at);
  }
  return holding_.factor;
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
      .quality = quarter.quality,
      .correction = {}};
  if (const model::Factor* coal = factors.coal.at(quarter.begin)) entry.coal_factor_id = coal->id;
  if (factors.market.chosen()) {
    entry.market = describe(quarter.emitted[model::Basis::market], account, factors.market.at(quarter.begin));
  }
  return entry;
}

}  // namespace carbongate::pipeline

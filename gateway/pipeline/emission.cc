#include "gateway/pipeline/emission.h"

namespace carbongate::pipeline {

model::Co2e multiply(model::Activity amount, std::int64_t scaled_mg_per_quantum, std::int64_t& remainder) {
  using Wide = __int128;
  const Wide product = Wide{amount.quanta()} * scaled_mg_per_quantum + remainder;
  Wide whole = product / model::kFactorScale;
  Wide rest = product % model::kFactorScale;
  if (rest < 0) {  // floor, also below zero: the remainder is never negative
    whole -= 1;
    rest += model::kFactorScale;
  }
  remainder = static_cast<std::int64_t>(rest);
  return model::Co2e::of(static_cast<std::int64_t>(whole));
}

const model::Factor* AccountFactors::at(Instant at) {
  if (at < holding_.from || at >= holding_.until) {
    holding_ = registry_->look_up(account_->factor_set, account_->carrier->id, account_->factor_region,
                                  account_->factor_method, at);
  }
  return holding_.factor;
}

model::EmissionEntry make_entry(const model::OpenPeriod& quarter, const model::Factor* factor) {
  model::EmissionEntry entry{.begin = quarter.begin,
                             .end = quarter.end,
                             .amount = quarter.amount,
                             .co2e = quarter.co2e,
                             .factor_id = {},
                             .factor_version = {},
                             .covered = quarter.covered,
                             .quality = quarter.quality};
  if (factor) {
    entry.factor_id = factor->id;
    entry.factor_version = factor->version;
  }
  return entry;
}

}  // namespace carbongate::pipeline

// Activity -> emissions and standard coal by the factors that apply, exactly: what is below one milligram is carried to
// the next booking.
#pragma once

#include <optional>

#include "gateway/model/account.h"
#include "gateway/model/checkpoint.h"
#include "gateway/pipeline/factor_registry.h"
#include "gateway/pipeline/live_factors.h"

namespace carbongate::pipeline {

// That many millionths of it, rounded half away from zero; never negative.
model::Co2e half_width(model::Co2e co2e, std::int32_t ppm);

// Floor of (amount * scaled factor + remainder) in 128 bits; the rest stays in `remainder`. However an amount is split,
// the parts give the same sum as the whole, to the milligram.
std::int64_t multiply(model::Activity amount, std::int64_t scaled_mg_per_quantum, std::int64_t& remainder);

// What the amount emits by the factor, added to the state's total. Its uncertainties are 0: entries have them.
model::Emitted emit(model::Activity amount, const model::FactorRate& rate, model::EmissionState& state);
model::Emitted emit(model::Activity amount, const model::Factor& factor, model::EmissionState& state);

// The factors of one series. Remembers the present one, so that a booking costs no search.
class FactorSeries {
 public:
  // References outlive this object. Without a choice there is never a factor.
  FactorSeries(const std::optional<model::FactorChoice>& choice, const model::Carrier& carrier,
               const FactorRegistry& registry, LiveFactors* live = nullptr)
      : choice_(choice ? &*choice : nullptr),
        carrier_(&carrier),
        registry_(&registry),
        live_(live),
        live_series_(live && choice ? live->find(*choice, carrier) : nullptr) {}

  bool chosen() const { return choice_ != nullptr; }
  const LiveFactors::Series* live() const { return live_series_; }  // nullptr: it is not heard

  // nullptr: none applies at that instant. A live one is valid until the next call.
  const model::Factor* at(Instant at);

 private:
  const model::FactorChoice* choice_;
  const model::Carrier* carrier_;
  const FactorRegistry* registry_;
  LiveFactors* live_;
  LiveFactors::Series* live_series_;  // nullptr: the registry knows
  FactorRegistry::Holding holding_;
};

// All factors of one account.
struct AccountFactors {
  AccountFactors(const model::Account& account, const FactorRegistry& registry, LiveFactors* live = nullptr)
      : primary(account.factor, *account.carrier, registry, live),
        market(account.market, *account.carrier, registry, live),
        coal(account.coal, *account.carrier, registry) {}

  FactorSeries& operator[](model::Basis basis) { return basis == model::Basis::primary ? primary : market; }

  FactorSeries primary;
  FactorSeries market;
  FactorSeries coal;
};

// Gives emissions that one factor led to their uncertainties: JCGM 100, relative half-widths of meter chain and factor.
void state_uncertainty(model::Emitted& emitted, std::int32_t activity_ppm, std::int32_t factor_ppm);

// The entry of one complete quarter hour, in which one factor of each series applied throughout.
model::EmissionEntry make_entry(const model::OpenPeriod& quarter, const model::Account& account,
                                AccountFactors& factors);

}  // namespace carbongate::pipeline

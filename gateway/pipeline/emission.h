// Activity -> emissions and standard coal by the factors that apply, exactly: what is below one milligram is carried to
// the next booking.
#pragma once

#include <optional>

#include "gateway/model/account.h"
#include "gateway/model/checkpoint.h"
#include "gateway/pipeline/factor_registry.h"

namespace carbongate::pipeline {

// Floor of (amount * scaled factor + remainder) in 128 bits; the rest stays in `remainder`. However an amount is split,
// the parts give the same sum as the whole, to the milligram.
std::int64_t multiply(model::Activity amount, std::int64_t scaled_mg_per_quantum, std::int64_t& remainder);

// What the amount emits by the factor, added to the state's total. Its uncertainties are 0: entries have them.
model::Emitted emit(model::Activity amount, const model::Factor& factor, model::EmissionState& state);

// The factors of one series. Remembers the present one, so that a booking costs no search.
class FactorSeries {
 public:
  // References outlive this object. Without a choice there is never a factor.
  FactorSeries(const std::optional<model::FactorChoice>& choice, const model::Carrier& carrier,
               const FactorRegistry& registry)
      : choice_(choice ? &*choice : nullptr), carrier_(&carrier), registry_(&registry) {}

  bool chosen() const { return choice_ != nullptr; }

  // nullptr: none applies at that instant.
  const model::Factor* at(Instant at);

 private:
  const model::FactorChoice* choice_;
  const model::Carrier* carrier_;
  const FactorRegistry* registry_;
  FactorRegistry::Holding holding_;
};

// All factors of one account.
struct AccountFactors {
  AccountFactors(const model::Account& account, const FactorRegistry& registry)
      : primary(account.factor, *account.carrier, registry),
        market(account.market, *account.carrier, registry),
        coal(account.coal, *account.carrier, registry) {}

  FactorSeries& operator[](model::Basis basis) { return basis == model::Basis::primary ? primary : market; }

  FactorSeries primary;
  FactorSeries market;
  FactorSeries coal;
};

// The entry of one complete quarter hour, in which one factor of each series applied throughout. Gives the quarter's
// emissions their uncertainties: JCGM 100, relative half-widths of meter chain and factor.
model::EmissionEntry make_entry(model::OpenPeriod& quarter, const model::Account& account, AccountFactors& factors);

}  // namespace carbongate::pipeline

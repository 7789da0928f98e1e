// Activity -> CO2e by the factor that applies, exactly: what is below one milligram is carried to the next booking.
#pragma once

#include "gateway/model/account.h"
#include "gateway/model/checkpoint.h"
#include "gateway/pipeline/factor_registry.h"

namespace carbongate::pipeline {

// Floor of (amount * factor + remainder) in 128 bits; the rest stays in `remainder`. However an amount is split, the
// parts give the same sum as the whole, to the milligram.
model::Co2e multiply(model::Activity amount, std::int64_t scaled_mg_per_quantum, std::int64_t& remainder);

// The factors of one account. Remembers the present one, so that a booking costs no search.
class AccountFactors {
 public:
  // References outlive this object.
  AccountFactors(const model::Account& account, const FactorRegistry& registry)
      : account_(&account), registry_(&registry) {}

  // nullptr: none applies at that instant.
  const model::Factor* at(Instant at);

 private:
  const model::Account* account_;
  const FactorRegistry* registry_;
  FactorRegistry::Holding holding_;
};

// The entry of one complete quarter hour, in which one factor applied throughout (nullptr: none).
model::EmissionEntry make_entry(const model::OpenPeriod& quarter, const model::Factor* factor);

}  // namespace carbongate::pipeline

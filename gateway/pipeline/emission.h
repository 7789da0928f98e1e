// Activity -> emissions and standard coal by the factors that apply, exactly: what is below one milligram is carried to
// the next booking.
#pragma once

#include <optional>
#include <span>
#include <vector>

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

// The factors of one series, and of those that stand in where it has none. Remembers the present ones, so that a
// booking costs no search.
class FactorSeries {
 public:
  // References outlive this object. Without a choice there is never a factor. `instead`: in this order.
  FactorSeries(const std::optional<model::FactorChoice>& choice, const model::Carrier& carrier,
               const FactorRegistry& registry, LiveFactors* live = nullptr,
               std::span<const model::FactorChoice> instead = {});

  bool chosen() const { return !links_.empty(); }
  const LiveFactors::Series* live() const { return chosen() ? links_.front().live : nullptr; }  // nullptr: not heard

  // nullptr: none applies at that instant. A live one is valid until the next call.
  const model::Factor* at(Instant at);
  // The one chosen, and nothing in its place.
  const model::Factor* as_chosen(Instant at) { return chosen() ? at_link(links_.front(), at) : nullptr; }

 private:
  struct Link {
    const model::FactorChoice* choice;
    LiveFactors::Series* live;  // nullptr: the registry knows
    FactorRegistry::Holding holding;
  };
  const model::Factor* at_link(Link& link, Instant at);

  std::vector<Link> links_;
  const model::Carrier* carrier_;
  const FactorRegistry* registry_;
  LiveFactors* live_;
};

// All factors of one account.
struct AccountFactors {
  AccountFactors(const model::Account& account, const FactorRegistry& registry, LiveFactors* live = nullptr)
      : primary(account.factor, *account.carrier, registry, live),
        market(account.market, *account.carrier, registry, live, account.market_else),
        coal(account.measured_coal ? account.measured_coal : account.coal, *account.carrier, registry, nullptr,
             account.measured_coal && account.coal ? std::span(&*account.coal, 1)
                                                   : std::span<const model::FactorChoice>()) {}

  FactorSeries& operator[](model::Basis basis) { return basis == model::Basis::primary ? primary : market; }

  FactorSeries primary;
  FactorSeries market;
  FactorSeries coal;
};

// What a booking at that instant is the worse for, for want of a factor that was chosen: worse() tells it.
model::Quality lack_of_factors(AccountFactors& factors, Instant at);

// Gives emissions that one factor led to their uncertainties: JCGM 100, relative half-widths of meter chain and factor.
void state_uncertainty(model::Emitted& emitted, std::int32_t activity_ppm, std::int32_t factor_ppm);

// The entry of one complete quarter hour, in which one factor of each series applied throughout.
model::EmissionEntry make_entry(const model::OpenPeriod& quarter, const model::Account& account,
                                AccountFactors& factors);

}  // namespace carbongate::pipeline

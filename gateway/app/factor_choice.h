// Which series of factors an account is counted by: what its element of the configuration says, or the site's defaults.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/reader/reader.h"
#include "gateway/app/site_section.h"
#include "gateway/model/account.h"
#include "gateway/pipeline/factor_registry.h"

namespace carbongate::app {

// Every problem is reported at the key that has it; nullopt then, or where there is nothing to choose.
class FactorChooser {
 public:
  static constexpr std::string_view kMissing = "its emissions will be marked as missing";

  // `region_is_known`: the site's grid_region is a region of some factor; else that was reported and nothing follows
  // from it. `sets_are_known`: no part of the configuration is missing that could name further sets.
  FactorChooser(const SiteSection& section, const pipeline::FactorRegistry& factors, bool region_is_known,
                bool sets_are_known, Instant now)
      : section_(section),
        factors_(factors),
        region_is_known_(region_is_known),
        sets_are_known_(sets_are_known),
        now_(now) {}

  // The keys factor_set, region and method of `in`. Warns if no factor applies at present, with what comes of that.
  std::optional<model::FactorChoice> emission(config::Reader& in, const model::Carrier& carrier,
                                              std::string_view without = kMissing) const;

  // Scope 2, market-based, by the hierarchy of the GHG Protocol Scope 2 Guidance: the map `market` with the same keys
  // (a contract, a supplier's rate: a factor set of one's own); the residual mix, where one is published for the region
  // or its nation; the location-based factor. The first of them that there is, and behind it those that stand in while
  // it does not apply. Empty: none.
  std::vector<model::FactorChoice> market(config::Reader& in, const model::Carrier& carrier,
                                          const std::optional<model::FactorChoice>& location) const;

  // Standard coal of a fuel by the measured heating values of its emission factors, where these have one
  // (factor_set.h): unless a set of the site's own has a coefficient for it, or the key coal_method asks for one (which
  // warns).
  std::optional<model::FactorChoice> measured_coal(config::Reader& in, const model::Carrier& carrier,
                                                   const std::optional<model::FactorChoice>& emission) const;

  // Standard coal: the key coal_method, by the first set that has the carrier, and that method; without it electricity
  // goes by the site's method, and what has several coefficients by the first of them, with a warning. Warns as
  // emission(), also where no set has one for what GB/T 2589 counts: then a choice that finds nothing. Without a
  // warning where `measured` applies at present.
  std::optional<model::FactorChoice> coal(config::Reader& in, const model::Carrier& carrier,
                                          const std::optional<model::FactorChoice>& measured) const;

 private:
  std::optional<model::FactorChoice> residual(const model::Carrier& carrier, const model::FactorChoice& location) const;
  bool choose_set(config::Reader& in, std::string_view carrier, model::FactorChoice& choice) const;
  bool choose_method(config::Reader& in, std::string_view carrier, model::FactorChoice& choice,
                     const std::vector<std::string>& methods) const;
  std::vector<std::string> sets() const;
  bool coal_sets_are_known() const;
  bool states_itself(std::string_view set, const model::Carrier& carrier) const;
  std::string usual_coal_method(const std::vector<std::string>& methods) const;

  const SiteSection& section_;
  const pipeline::FactorRegistry& factors_;
  bool region_is_known_;
  bool sets_are_known_;
  Instant now_;
};

// Never chosen unless an account says so: its factors are 0.
using model::kOwnGeneration;

// Divisions for which no electricity factor is published, and what to take instead: "" for every other region.
std::string explain_region_without_factor(std::string_view region);

}  // namespace carbongate::app

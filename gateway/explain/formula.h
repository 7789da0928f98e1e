// Amount times factor, worked out again beside what is booked. Pure.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/explain/explanation.h"
#include "gateway/pipeline/factor_registry.h"
#include "gateway/pipeline/gwp.h"
#include "gateway/pipeline/live_factors.h"

namespace carbongate::explain {

// A whole number of 10^-decimals as a decimal without trailing zeros: exact(-1955, 3) is "-1.955".
std::string exact(__int128 value, int decimals);

// Factors whose gases are added up by one set of global warming potentials.
struct FactorsByGwp {
  const pipeline::FactorRegistry* registry;
  const pipeline::GwpSet* gwp;
};

// The factors of one account at one time, as they are known now.
struct FactorSource {
  const pipeline::FactorRegistry* registry;
  pipeline::LiveFactors* live = nullptr;    // with what the store remembers of them
  const model::Account* account = nullptr;  // nullptr: not configured any more
  const pipeline::GwpSet* gwp = nullptr;    // by which `registry` was loaded; nullptr: not known
  std::function<std::optional<FactorsByGwp>(const std::string&)> by_gwp = {};  // empty: no other set is known
  // A factor that is not in use now, by id and version; of standard coal the version is not known.
  std::function<std::optional<model::Factor>(std::string_view, std::string_view)> former = {};
};

// What the books name, looked up. `carrier`: of the entry.
FactorUsed factor_used(Result result, const model::EmissionEntry& entry, const model::Carrier& carrier,
                       const FactorSource& source);

// Of the sum of these revisions: first the location-based or direct result, then the market-based one and standard
// coal where there are any. What persons entered is multiplied apart, behind what is computed, or alone where nothing
// was; revisions that certificates caused stand beside. Products and what is beside add up to what is booked.
std::vector<Formula> formulas_of(std::span<const Revision> revisions, const model::Carrier& carrier,
                                 const FactorSource& source);

}  // namespace carbongate::explain

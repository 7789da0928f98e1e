#include "gateway/app/manual_prices.h"

#include <map>
#include <optional>
#include <span>
#include <string>

#include "gateway/books/beside.h"

namespace carbongate::app {
namespace {

using model::EmissionEntry;

std::string name_of(const std::string& id, const std::string& version, const std::string& gwp_set) {
  if (id.empty()) return "no factor";
  return id + (version.empty() ? "" : " " + version) + (gwp_set.empty() ? "" : " by " + gwp_set);
}

std::string name_of(const model::Emission& emission) {
  return name_of(emission.factor_id, emission.factor_version, emission.gwp_set);
}

// The first that differs. A coefficient of standard coal has no version in the books.
std::string describe(const EmissionEntry& known, const EmissionEntry& target) {
  const auto change = [](const std::string& before, const std::string& after) { return before + " -> " + after; };
  if (name_of(known.primary) != name_of(target.primary)) return change(name_of(known.primary), name_of(target.primary));
  if (known.market && target.market && name_of(*known.market) != name_of(*target.market)) {
    return "market-based " + change(name_of(*known.market), name_of(*target.market));
  }
  if (known.coal_factor_id != target.coal_factor_id) {
    return "standard coal " + change(name_of(known.coal_factor_id, "", ""), name_of(target.coal_factor_id, "", ""));
  }
  return name_of(target.primary) + " has another value";
}

// What is heard from a point has no value here.
bool is_live(const model::Account& account, const pipeline::FactorRegistry& factors) {
  return (account.factor && factors.is_live(*account.factor, *account.carrier)) ||
         (account.market && factors.is_live(*account.market, *account.carrier));
}

struct OfAccount {
  OfAccount(const model::Account& account, const pipeline::FactorRegistry& registry) : factors(account, registry) {}
  pipeline::AccountFactors factors;
  books::PriceCarry carry;
};

}  // namespace

model::Result<std::size_t> price_entered_again(KnownBooks& books, const model::Site& site,
                                               const pipeline::FactorRegistry& factors, Instant from, Instant to,
                                               const KnownBooks::Wanted& wanted, Instant now,
                                               const TakeAmendments& take) {
  std::map<model::AccountId, OfAccount> of_account;
  AmendmentQueue queue(take);
  std::size_t looked_at = 0;
  const auto visit = [&](model::AccountId id, std::span<const EmissionEntry> revisions) {
    const books::Layers known = books::layers_of(revisions);
    if (!known.has_manual || known.manual.amount == model::Activity{}) return true;
    const model::Account& account = site.accounts.at(model::index(id));
    if (is_live(account, factors)) return true;
    ++looked_at;
    OfAccount& of = of_account.try_emplace(id, account, factors).first->second;
    const EmissionEntry target = books::price(known.manual.amount, {known.manual.begin, known.manual.end}, account,
                                              of.factors, {model::Origin::manual, model::Rule::none}, of.carry);
    model::Correction why{.cause = model::Cause::manual, .note = describe(known.manual, target), .booked_at = now};
    const auto correction = books::price_correction(known, target, std::move(why));
    return !correction || queue.add(id, *correction);
  };
  if (const auto read = books.each(from, to, visit, wanted); read.has_error()) return read.error();
  if (const auto result = queue.finish(); result.has_error()) return result.error();
  return looked_at;
}

}  // namespace carbongate::app

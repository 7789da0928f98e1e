#include "gateway/explain/formula.h"

#include <algorithm>

#include "gateway/books/restate.h"
#include "gateway/pipeline/factor_set.h"

namespace carbongate::explain {
namespace {

using Wide = __int128;
using books::same_gwp;
using model::Basis;

constexpr int kKilogramDecimals = 18;  // of a milligram's 10^-12th

bool is_of(const model::EmissionEntry& entry, model::Cause cause) {
  return entry.correction && entry.correction->cause == cause;
}

bool is_entered(const model::EmissionEntry& entry) {
  return is_of(entry, model::Cause::manual);
}

bool is_matched(const model::EmissionEntry& entry) {
  return is_of(entry, model::Cause::certificate);
}

bool is_computed(const model::EmissionEntry& entry) {
  return !is_entered(entry) && !is_matched(entry);
}

int digits_of(std::int64_t power_of_ten) {
  int digits = 0;
  for (; power_of_ten > 1; power_of_ten /= 10) ++digits;
  return digits;
}

const model::Emission* emission_of(Result result, const model::EmissionEntry& entry) {
  if (result == Result::primary) return &entry.primary;
  return entry.market ? &*entry.market : nullptr;
}

// kg per display unit: the scaled figure is in 10^-12 mg per quantum.
std::string per_display(std::int64_t scaled, const model::Carrier& carrier) {
  return exact(scaled, kKilogramDecimals - digits_of(carrier.quanta_per_display));
}

struct Booked {
  std::int64_t multiplied_mg = 0;
  std::int64_t beside_mg = 0;
};

Product product_of(std::string of, model::Activity amount, std::int64_t scaled, std::int64_t booked_mg,
                   std::uint32_t steps, const model::Carrier& carrier) {
  const Wide product = Wide{amount.quanta()} * scaled;
  const Wide booked = Wide{booked_mg} * model::kFactorScale;
  const Wide carried = booked - product;
  const Wide limit = Wide{model::kFactorScale} * std::max<std::uint32_t>(steps, 1);
  return {.of = std::move(of),
          .factor = per_display(scaled, carrier),
          .exact = exact(product, kKilogramDecimals),
          .booked = exact(booked_mg, 6),
          .carried = exact(carried, kKilogramDecimals),
          .fits = carried < limit && -carried < limit,
          .gwp = {}};
}

std::string gwp_text(model::Gas gas, const FactorSource& source) {
  if (gas == model::Gas::co2_biogenic) return "0";
  if (gas == model::Gas::co2 || gas == model::Gas::unsplit) return "1";
  const pipeline::GwpSet::Value* value = source.gwp ? source.gwp->value(gas) : nullptr;
  return value ? value->text : "";
}

std::string local_series(const model::FactorChoice& choice, const model::Carrier& carrier) {
  return choice.set + ", " + std::string(carrier.id) + ", " + (choice.region.empty() ? "no region" : choice.region) +
         ", " + choice.method;
}

std::optional<model::FactorChoice> choice_of(Result result, const FactorSource& source, Instant at) {
  const model::Account& account = *source.account;
  if (result == Result::coal) {
    const model::FactorChoice* coal = source.registry->coal_choice(account, at);
    return coal ? std::optional(*coal) : std::nullopt;
  }
  return result == Result::primary ? account.factor : account.market;
}

// What would make it known again.
std::string keep_it(const FactorUsed& used) {
  return "the file of the set " + used.id.substr(0, used.id.find('/')) +
         (used.version.empty() ? "" : " in version " + used.version) +
         ", put into factors/former/ beside the configuration under any name, shows it again";
}

std::string missing_text(const FactorUsed& used, const FactorSource& source) {
  if (used.id.empty()) return "no factor applied when this was booked";
  const model::Factor* other = source.registry->find_id(used.id);
  if (other && other->version == used.version) {
    return "this was booked by the global warming potentials of " + used.gwp_set +
           ", a set that is not known here: what " + used.id + " came to by them cannot be shown";
  }
  if (other) {
    return "the factor sets loaded now have " + used.id + " in version " + other->version + ", not in version " +
           used.version + ", by which this was booked: its value is not known here any more; " + keep_it(used);
  }
  return "the factor sets loaded now have no " + used.id +
         (used.version.empty() ? "" : " (version " + used.version + ")") + ": its value is not known here any more; " +
         keep_it(used);
}

// What follows in the hierarchy, where the market-based factor chosen does not apply.
void stand_in(FactorUsed& used, const model::Account& account, const model::Carrier& carrier, Instant at,
              const FactorSource& source) {
  for (const model::FactorChoice& next : account.market_else) {
    const model::FactorChoice& choice = *used.choice;
    if (source.registry->is_live(choice, carrier) || source.registry->find(choice, carrier, at)) return;
    used.lookup.push_back(source.registry->explain_missing(choice.set, carrier.id, choice.region, choice.method, at) +
                          ": the next one in the hierarchy of market-based factors stands in for it");
    used.choice = next;
  }
}

void describe_lookup(FactorUsed& used, const model::Carrier& carrier, Instant at, const FactorSource& source) {
  if (!used.choice) {
    used.lookup.emplace_back(source.account ? "the account is configured without such a factor now"
                                            : "the configuration has no such account any more: by which series it was "
                                              "counted is known from the factor's id alone");
    return;
  }
  const model::FactorChoice& choice = *used.choice;
  used.lookup.push_back("the account counts by the series " + local_series(choice, carrier));
  if (source.account && choice == source.account->measured_coal) {
    used.lookup.emplace_back("the heating value of its fuel was measured, which goes before a published coefficient");
  }
  if (used.factor && used.factor->region.empty() && !choice.region.empty()) {
    used.lookup.push_back("no series of that region; the one without a region applies everywhere");
  }
  if (source.registry->is_live(choice, carrier)) {
    used.lookup.push_back(source.registry->explain_missing(choice.set, carrier.id, choice.region, choice.method, at));
    used.lookup.emplace_back("a live series: the value in force when the quarter hour began");
    if (!used.id.empty() && !used.id.starts_with(choice.set + "/")) {
      used.lookup.emplace_back("no value was in force then: its fallback applied");
    }
  } else {
    used.lookup.emplace_back("in a series the factor that began last, at or before the begin of the interval, applies");
    const auto now = source.registry->look_up(choice.set, carrier.id, choice.region, choice.method, at);
    if (now.factor && now.factor->id != used.id) used.chosen_now = now.factor->id;
    if (!now.factor && !used.id.empty()) used.chosen_now = "";
    if (now.factor && now.until != Instant::max()) used.valid_until = now.until;
    if (!now.factor && used.id.empty()) {
      used.lookup.push_back(source.registry->explain_missing(choice.set, carrier.id, choice.region, choice.method, at));
    }
  }
}

// As the entry was booked: by its GWP set, if that is another one and known.
FactorSource booked_by(const model::EmissionEntry& entry, Result result, const FactorSource& source) {
  const model::Emission* emission = result == Result::coal ? nullptr : emission_of(result, entry);
  FactorSource then = source;
  if (!emission || same_gwp(emission->gwp_set, source.registry->gwp()) || !source.by_gwp) return then;
  if (const auto other = source.by_gwp(emission->gwp_set)) {
    then.registry = other->registry;
    then.gwp = other->gwp;
  }
  return then;
}

// The books name no version of a coefficient: whether it is still the one shows by what it gives.
void say_if_another_coefficient(Formula& formula) {
  if (formula.products.front().fits) return;
  const model::Factor& factor = *formula.factor.factor;
  formula.factor.lookup.push_back(
      "the books hold no version of a coefficient of standard coal: as it is known now, in version " + factor.version +
      ", " + factor.id + " does not give what was booked, so it had another value then");
}

// `entered`: of what a person entered, else of what was computed.
Formula formula_of(Result result, bool entered, std::span<const Revision> revisions, const model::Carrier& carrier,
                   const FactorSource& source) {
  Formula formula{
      .result = result, .entered = entered, .factor = {}, .amount = {}, .steps = 0, .products = {}, .beside = "0"};
  const auto computed = [](const Revision& revision) { return is_computed(revision.entry); };
  const bool tells_rest = !entered || std::ranges::none_of(revisions, computed);
  const model::EmissionEntry* newest = nullptr;
  Booked co2e;
  model::GasMasses gases;
  for (const Revision& revision : revisions) {
    const model::EmissionEntry& entry = revision.entry;
    const model::Emission* emission = emission_of(result, entry);
    const std::int64_t mg = result == Result::coal ? entry.coal.quanta()
                            : emission             ? emission->emitted.co2e.quanta()
                                                   : 0;
    if (entered ? !is_entered(entry) : !is_computed(entry)) {
      if (tells_rest && is_matched(entry)) co2e.beside_mg += mg;
      continue;
    }
    newest = &entry;
    ++formula.steps;
    formula.amount += entry.amount;
    co2e.multiplied_mg += mg;
    if (emission && result != Result::coal) gases += emission->emitted.gases;
  }
  formula.beside = exact(co2e.beside_mg, 6);
  if (!newest) newest = &revisions.back().entry;
  formula.factor = factor_used(result, *newest, carrier, source);
  if (!formula.factor.factor) return formula;
  const FactorSource then = booked_by(*newest, result, source);
  const model::Factor& factor = *formula.factor.factor;
  if (result == Result::coal) {
    formula.products.push_back(
        product_of("standard coal", formula.amount, factor.scaled_coal, co2e.multiplied_mg, formula.steps, carrier));
    say_if_another_coefficient(formula);
    return formula;
  }
  formula.products.push_back(
      product_of("CO2e", formula.amount, factor.scaled_co2e, co2e.multiplied_mg, formula.steps, carrier));
  factor.scaled_gas.each([&](model::Gas gas, std::int64_t scaled) {
    Product product =
        product_of(std::string(to_string(gas)), formula.amount, scaled, gases[gas].quanta(), formula.steps, carrier);
    product.gwp = gwp_text(gas, then);
    formula.products.push_back(std::move(product));
  });
  return formula;
}

}  // namespace

std::string exact(__int128 value, int decimals) {
  const bool negative = value < 0;
  std::string digits;
  for (; value != 0; value /= 10) {
    const int digit = static_cast<int>(value % 10);
    digits.insert(digits.begin(), static_cast<char>('0' + (digit < 0 ? -digit : digit)));
  }
  if (digits.size() <= static_cast<std::size_t>(decimals)) {
    digits.insert(0, static_cast<std::size_t>(decimals) + 1 - digits.size(), '0');
  }
  if (decimals > 0) {
    digits.insert(digits.size() - static_cast<std::size_t>(decimals), 1, '.');
    digits.erase(digits.find_last_not_of('0') + 1);
    if (digits.back() == '.') digits.pop_back();
  }
  return negative ? "-" + digits : digits;
}

FactorUsed factor_used(Result result, const model::EmissionEntry& entry, const model::Carrier& carrier,
                       const FactorSource& known) {
  const FactorSource source = booked_by(entry, result, known);
  FactorUsed used;
  if (result == Result::coal) {
    used.id = entry.coal_factor_id;
    if (pipeline::are_of_one_row(used.id, entry.primary.factor_id)) used.version = entry.primary.factor_version;
  } else if (const model::Emission* emission = emission_of(result, entry)) {
    used.id = emission->factor_id;
    used.version = emission->factor_version;
    used.gwp_set = emission->gwp_set;
  }
  if (source.account) used.choice = choice_of(result, source, entry.begin);
  if (source.account && result == Result::market) stand_in(used, *source.account, carrier, entry.begin, source);
  const auto same = [&](const model::Factor& factor) {
    const bool same_value = factor.version == used.version && same_gwp(factor.gwp_set, used.gwp_set);
    return factor.id == used.id &&
           (result == Result::coal ? used.version.empty() || factor.version == used.version : same_value);
  };
  if (!used.id.empty()) {
    const model::Factor* factor = source.registry->find_id(used.id);
    if (factor && same(*factor)) used.factor = *factor;
    if (!used.factor && used.choice && source.live) {
      if (pipeline::LiveFactors::Series* series = source.live->find(*used.choice, carrier)) {
        const model::Factor* live = source.live->named(*series, used.id);
        if (live && same(*live)) used.factor = *live;
      }
    }
  }
  if (!used.factor && !used.id.empty() && source.former) {
    used.factor = source.former(used.id, used.version);
    used.former = used.factor.has_value();
  }
  if (!used.factor && result == Result::coal) {  // of whatever version: whether it is still the one shows
    if (const model::Factor* factor = source.registry->find_id(used.id)) used.factor = *factor;
  }
  if (used.factor) {
    used.valid_until = used.factor->valid_until;
  } else {
    used.missing = missing_text(used, source);
  }
  describe_lookup(used, carrier, entry.begin, source);
  return used;
}

std::vector<Formula> formulas_of(std::span<const Revision> revisions, const model::Carrier& carrier,
                                 const FactorSource& source) {
  std::vector<Formula> formulas;
  if (revisions.empty()) return formulas;
  const auto any = [&](auto&& has) {
    return std::ranges::any_of(revisions, [&](const Revision& r) { return has(r.entry); });
  };
  const bool has_market = any([](const model::EmissionEntry& e) { return e.market.has_value(); });
  const bool has_coal =
      any([](const model::EmissionEntry& e) { return !e.coal_factor_id.empty() || e.coal != model::StandardCoal{}; });
  const bool has_entered = any(is_entered);
  for (const bool entered : {false, true}) {
    if (entered ? !has_entered : has_entered && !any(is_computed)) continue;
    formulas.push_back(formula_of(Result::primary, entered, revisions, carrier, source));
    if (has_market) formulas.push_back(formula_of(Result::market, entered, revisions, carrier, source));
    if (has_coal) formulas.push_back(formula_of(Result::coal, entered, revisions, carrier, source));
  }
  return formulas;
}

}  // namespace carbongate::explain

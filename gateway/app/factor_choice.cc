#include "gateway/app/factor_choice.h"

#include <algorithm>
#include <array>
#include <set>

#include "config/reader/text.h"
#include "gateway/pipeline/factor_set.h"

namespace carbongate::app {
namespace {

using config::printable;
using config::suggestion;

// Divisions of China for which no electricity factor is published; to "correct" them to a neighbour would be wrong.
constexpr std::array<std::string_view, 4> kRegionsWithoutFactor{"CN-XZ", "CN-HK", "CN-MO", "CN-TW"};

constexpr std::string_view kResidual = "residual";
constexpr std::string_view kDefault = "default";  // the method of a factor whose row names none
constexpr std::string_view kMarkedMissing = "; its standard coal will be marked as missing (no-coal-factor)";

bool holds(const std::vector<std::string>& words, std::string_view word) {
  return std::ranges::find(words, word) != words.end();
}

std::string join(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

// What to do about a carrier that no set in use has. Of cold nobody publishes a default: it depends on the plant.
std::string advice_for(std::string_view carrier) {
  if (carrier != "cooling") return "; add a set of your own to site.factors.sets";
  return ", and no guideline publishes a default for cold: ask the supplier for its value, write it to "
         "factors/cooling-supplier.yaml as '- {carrier: cooling, year: 2026, value: ..., unit: kgCO2e/GJ, ...}', and "
         "add "
         "cooling-supplier to site.factors.sets; cold that is made on site is counted by what its chillers consume";
}

// What GB/T 2589 adds up: energy, and what energy was needed to make.
bool counts_in_standard_coal(const model::Carrier& carrier) {
  switch (carrier.category) {
    case model::Category::electricity:
    case model::Category::heat:
    case model::Category::fuel:
    case model::Category::working_medium: return true;
    case model::Category::gas:
    case model::Category::product:
    case model::Category::process_input: return false;
  }
  return false;
}

// "CN-SC" -> "CN".
std::string nation_of(const std::string& region) {
  return region.substr(0, region.find('-'));
}

}  // namespace

std::string explain_region_without_factor(std::string_view region) {
  if (std::ranges::find(kRegionsWithoutFactor, region) == kRegionsWithoutFactor.end()) return "";
  return "; take the grid it belongs to (CN-GRID-...) or the nation (CN)";
}

std::optional<model::FactorChoice> FactorChooser::emission(config::Reader& in, const model::Carrier& carrier,
                                                           std::string_view without) const {
  const auto region = in.optional<std::string>("region");
  model::FactorChoice choice{.set = {}, .region = region.value_or(section_.site.grid_region), .method = {}};
  if (!choose_set(in, carrier.id, choice)) {
    in.optional<std::string>("method");
    return std::nullopt;
  }
  // A set without a series for the region serves it by its series without a region, if it has one.
  const auto regions = factors_.regions(choice.set, carrier.id);
  const bool by_region = holds(regions, choice.region);
  if (!by_region && !holds(regions, "")) {
    in.optional<std::string>("method");
    if (region) {
      const std::string why = explain_region_without_factor(*region);
      in.error("region", choice.set + " has no factor for " + std::string(carrier.id) + " in '" + printable(*region) +
                             "'" + (why.empty() ? suggestion(*region, regions) : why));
    } else if (region_is_known_ && !choice.region.empty()) {
      in.error("carrier", choice.set + " has no factor for " + std::string(carrier.id) + " in " + choice.region +
                              "; set 'region' to one of: " + join(regions));
    }
    return std::nullopt;
  }
  const auto methods = factors_.methods(choice.set, carrier.id, by_region ? choice.region : "");
  if (!choose_method(in, carrier.id, choice, methods)) return std::nullopt;
  if (!factors_.is_live(choice, carrier) && !factors_.find(choice, carrier, now_)) {
    in.warning("carrier", "no emission factor applies at present: " +
                              factors_.explain_missing(choice.set, carrier.id, choice.region, choice.method, now_) +
                              "; " + std::string(without));
  }
  return choice;
}

std::vector<model::FactorChoice> FactorChooser::market(config::Reader& in, const model::Carrier& carrier,
                                                       const std::optional<model::FactorChoice>& location) const {
  std::vector<model::FactorChoice> in_order;
  const auto add = [&](const std::optional<model::FactorChoice>& choice) {
    if (choice && std::ranges::find(in_order, *choice) == in_order.end()) in_order.push_back(*choice);
  };
  if (const config::Node* node = in.child("market")) {
    config::Reader of_market(*node, in.problems());
    add(emission(of_market, carrier,
                 "the residual mix or the location-based factor will stand in for it, marked as no-market-factor"));
    of_market.finish();
    if (in_order.empty()) return {};
  }
  if (location && location->set != kOwnGeneration) add(residual(carrier, *location));
  add(location);
  return in_order;
}

std::optional<model::FactorChoice> FactorChooser::residual(const model::Carrier& carrier,
                                                           const model::FactorChoice& location) const {
  std::vector<std::string> in_order = sets();  // a live or own set has no residual mix: then another one in use
  in_order.insert(in_order.begin(), location.set);
  for (const std::string& set : in_order) {
    const auto regions = factors_.regions(set, carrier.id);
    for (const std::string& region : {location.region, nation_of(location.region)}) {
      if (!holds(regions, region) || !holds(factors_.methods(set, carrier.id, region), kResidual)) continue;
      return model::FactorChoice{.set = set, .region = region, .method = std::string(kResidual)};
    }
  }
  return std::nullopt;
}

// Of those that a set has for a carrier: without a choice the first.
std::string FactorChooser::usual_coal_method(const std::vector<std::string>& methods) const {
  for (const std::string& usual : {section_.electricity_coal_method, std::string(kDefault)}) {
    if (holds(methods, usual)) return usual;
  }
  return methods.empty() ? "" : methods.front();
}

std::optional<model::FactorChoice> FactorChooser::measured_coal(
    config::Reader& in, const model::Carrier& carrier, const std::optional<model::FactorChoice>& emission) const {
  if (!emission || section_.coal_sets.empty() || carrier.category != model::Category::fuel) return std::nullopt;
  const auto has_it = [&](const std::string& set) { return holds(factors_.carriers(set), carrier.id); };
  const auto first = std::ranges::find_if(section_.coal_sets, has_it);
  if (first != section_.coal_sets.end() && !holds(SiteSection{}.coal_sets, *first) && states_itself(*first, carrier)) {
    return std::nullopt;
  }
  const model::FactorChoice choice{
      .set = pipeline::coal_set_of(emission->set), .region = emission->region, .method = emission->method};
  if (!in.has("coal_method")) return choice;
  if (const model::Factor* measured = factors_.find(choice, carrier, now_)) {
    in.warning("coal_method", "asks for a published coefficient, though a heating value was measured (" +
                                  measured->formula + " = " + measured->value_text + " " + measured->unit_text +
                                  "), by which GB/T 2589 counts; leave coal_method out to count by it");
  }
  return std::nullopt;
}

std::optional<model::FactorChoice> FactorChooser::coal(config::Reader& in, const model::Carrier& carrier,
                                                       const std::optional<model::FactorChoice>& measured) const {
  const bool stands_in = measured && factors_.find(*measured, carrier, now_);
  const auto wanted = in.optional<std::string>("coal_method");
  const std::string& region = section_.site.grid_region;
  std::string_view first_set;  // of those that have the carrier
  std::vector<std::string> first_methods;
  for (const std::string& set : section_.coal_sets) {
    if (!holds(factors_.carriers(set), carrier.id)) continue;
    const auto methods = factors_.methods(set, carrier.id, region);
    if (first_set.empty()) first_set = set, first_methods = methods;
    const std::string method = wanted.value_or(usual_coal_method(methods));
    if (!holds(methods, method)) continue;
    const model::FactorChoice choice{.set = set, .region = region, .method = method};
    if (stands_in) return choice;
    if (!factors_.find(choice, carrier, now_)) {
      in.warning("carrier", "no standard-coal coefficient applies at present: " +
                                factors_.explain_missing(set, carrier.id, region, method, now_) +
                                std::string(kMarkedMissing));
    } else if (!wanted && methods.size() > 1 && method != section_.electricity_coal_method && method != kDefault) {
      in.warning("carrier", set + " has several standard-coal coefficients for " + std::string(carrier.id) + " and '" +
                                method + "' is taken; set 'coal_method' to one of: " + join(methods));
    }
    return choice;
  }
  if (!first_set.empty()) {
    const std::string method = wanted.value_or("");
    in.error("coal_method", std::string(first_set) + " has no coefficient for " + std::string(carrier.id) + " by '" +
                                printable(method) + "'" + suggestion(method, first_methods));
  } else if (wanted) {
    in.error("coal_method", "no factor set in use has a standard-coal coefficient for " + std::string(carrier.id));
  } else if (counts_in_standard_coal(carrier) && !section_.coal_sets.empty() && coal_sets_are_known()) {
    if (!stands_in)
      in.warning("carrier", "no set in use has a standard-coal coefficient for " + std::string(carrier.id) +
                                " (in use: " + join(section_.coal_sets) + ")" + std::string(kMarkedMissing) +
                                "; add a set of your own (kind: standard-coal) to site.standard_coal.sets");
    return model::FactorChoice{
        .set = section_.coal_sets.front(), .region = region, .method = std::string(pipeline::kCalorific)};
  }
  return std::nullopt;
}

// A set that extends a published one has rows of that, too.
bool FactorChooser::states_itself(std::string_view set, const model::Carrier& carrier) const {
  return std::ranges::any_of(factors_.all(), [&](const model::Factor& factor) {
    return factor.set == set && factor.carrier == carrier.id && factor.inherited_from.empty();
  });
}

// A set that could not be read might have had what is missed.
bool FactorChooser::coal_sets_are_known() const {
  const auto known = factors_.sets(model::FactorKind::standard_coal);
  return std::ranges::all_of(section_.coal_sets, [&](const std::string& set) { return holds(known, set); });
}

// The sets of the site in which an account may find its factor without naming one; in the site's order.
std::vector<std::string> FactorChooser::sets() const {
  std::vector<std::string> chosen;
  for (const std::string& set : section_.factor_sets) {
    if (set != kOwnGeneration) chosen.push_back(set);
  }
  return chosen;
}

bool FactorChooser::choose_set(config::Reader& in, std::string_view carrier, model::FactorChoice& choice) const {
  const auto wanted = in.optional<std::string>("factor_set");
  const auto known = factors_.sets();
  const auto in_use = sets();
  if (wanted) {
    choice.set = *wanted;
    if (holds(section_.factor_sets, *wanted) && !holds(known, *wanted)) return false;  // not readable: said already
    if (!holds(known, *wanted)) {
      if (section_.factor_sets_complete)
        in.error("factor_set",
                 "'" + printable(*wanted) + "' is not among site.factors.sets" + suggestion(*wanted, known));
      return false;
    }
    const auto carriers = factors_.carriers(*wanted);
    if (holds(carriers, carrier)) return true;
    in.error("factor_set", *wanted + " has no factor for " + std::string(carrier) + "; it has: " + join(carriers));
    return false;
  }
  if (!sets_are_known_) return false;  // which set is the first to have it, is not known
  bool all_sets_read = section_.factor_sets_complete;
  for (const std::string& candidate : in_use) {
    all_sets_read = all_sets_read && holds(known, candidate);
    if (!holds(factors_.carriers(candidate), carrier)) continue;
    choice.set = candidate;
    return true;
  }
  if (all_sets_read) {
    in.error("carrier", "no factor set in use has a factor for " + std::string(carrier) + " (in use: " + join(in_use) +
                            ")" + advice_for(carrier));
  }
  return false;
}

bool FactorChooser::choose_method(config::Reader& in, std::string_view carrier_id, model::FactorChoice& choice,
                                  const std::vector<std::string>& methods) const {
  const auto method = in.optional<std::string>("method");
  const std::string wanted = method.value_or(section_.factor_method);
  if (holds(methods, wanted)) {
    choice.method = wanted;
    return true;
  }
  if (!method && methods.size() == 1) {  // nothing to choose: fuels know one way of counting
    choice.method = methods.front();
    return true;
  }
  const std::string carrier(carrier_id);
  if (method) {
    in.error("method", choice.set + " has no factor for " + carrier + " by method '" + printable(wanted) + "'" +
                           suggestion(wanted, methods));
  } else {
    in.error("carrier",
             choice.set + " counts " + carrier + " in several ways; set 'method' to one of: " + join(methods));
  }
  return false;
}

}  // namespace carbongate::app

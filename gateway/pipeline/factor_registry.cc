#include "gateway/pipeline/factor_registry.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "gateway/pipeline/calendar.h"
#include "gateway/pipeline/factor_set.h"

namespace carbongate::pipeline {
namespace {

using model::Factor;

constexpr std::string_view kKind = "factors";
auto series_key(const Factor& f) {
  return std::tie(f.set, f.carrier, f.region, f.method);
}

bool before(const Factor& a, const Factor& b) {
  if (series_key(a) != series_key(b)) return series_key(a) < series_key(b);
  return a.valid_from < b.valid_from;
}

}  // namespace

FactorRegistry FactorRegistry::load(const config::DataFiles& data, const FactorSources& sources,
                                    std::string_view time_zone, config::Problems& problems) {
  FactorRegistry registry;
  registry.time_zone_ = time_zone;
  registry.gwp_ = sources.gwp;
  if (!Calendar::knows(time_zone)) {
    problems.error({}, "unknown time zone '" + registry.time_zone_ + "': emission factors have no dates without it");
    return registry;
  }
  Calendar calendar(time_zone);
  const auto gwp = GwpSet::load(data, sources.gwp, problems);
  const FactorReading reading{data, calendar, gwp ? &*gwp : nullptr, problems};
  registry.factors_ = sources.own;
  for (const std::string& name : std::set<std::string>(sources.sets.begin(), sources.sets.end())) {
    if (const auto file = data.find(kKind, name)) {
      read_factor_set(*file, reading, registry.factors_);
    } else {
      const std::vector<std::string> known = data.names(kKind);
      problems.error({}, "there is no factor set '" + name + "'" + config::suggestion(name, known));
    }
  }
  registry.index();
  return registry;
}

void FactorRegistry::index() {
  std::ranges::sort(factors_, before);
  const auto same_series = [](const Factor& a, const Factor& b) { return series_key(a) == series_key(b); };
  const auto last = std::ranges::unique(factors_, [&](const Factor& a, const Factor& b) {
    return same_series(a, b) && a.valid_from == b.valid_from;  // refused with a problem already
  });
  factors_.erase(last.begin(), last.end());
  std::size_t begin = 0;
  for (std::size_t i = 1; i <= factors_.size(); ++i) {
    if (i < factors_.size() && same_series(factors_[begin], factors_[i])) continue;
    const Factor& f = factors_[begin];
    series_[{f.set, f.carrier, f.region, f.method}] = {begin, i, f.kind, {}};
    begin = i;
  }
}

const FactorRegistry::Series* FactorRegistry::series(std::string_view set, std::string_view carrier,
                                                     std::string_view region, std::string_view method) const {
  const auto lookup = [&](std::string_view where) {
    return series_.find(Key{std::string(set), std::string(carrier), std::string(where), std::string(method)});
  };
  auto found = lookup(region);
  const std::string of_emissions = emission_set_of(set);
  const bool stops_here = !of_emissions.empty() && series_.contains({of_emissions, std::string(carrier),
                                                                     std::string(region), std::string(method)});
  if (found == series_.end() && !stops_here) found = lookup("");
  return found == series_.end() ? nullptr : &found->second;
}

FactorRegistry::Holding FactorRegistry::look_up(std::string_view set, std::string_view carrier, std::string_view region,
                                                std::string_view method, Instant at) const {
  const Series* found = series(set, carrier, region, method);
  Holding holding{nullptr, Instant::min(), Instant::max()};
  if (!found) return holding;
  for (std::size_t i = found->begin; i < found->end; ++i) {
    const Factor& factor = factors_[i];
    if (factor.valid_from > at) {
      holding.until = std::min(holding.until, factor.valid_from);
      break;
    }
    holding = {&factor, factor.valid_from, Instant::max()};
    if (!factor.valid_until) continue;
    if (*factor.valid_until <= at) {
      holding = {nullptr, *factor.valid_until, Instant::max()};
    } else {
      holding.until = *factor.valid_until;
    }
  }
  return holding;
}

const Factor* FactorRegistry::find(std::string_view set, std::string_view carrier, std::string_view region,
                                   std::string_view method, Instant at) const {
  return look_up(set, carrier, region, method, at).factor;
}

const model::FactorChoice* FactorRegistry::coal_choice(const model::Account& account, Instant at) const {
  if (account.measured_coal && find(*account.measured_coal, *account.carrier, at)) return &*account.measured_coal;
  return account.coal ? &*account.coal : nullptr;
}

std::string FactorRegistry::explain_missing(std::string_view set, std::string_view carrier, std::string_view region,
                                            std::string_view method, Instant at) const {
  if (find(set, carrier, region, method, at)) return "";
  const std::string set_name(set);
  const std::string carrier_name(carrier);
  const std::string region_name(region);
  const std::string method_name(method);
  std::vector<std::string> known_sets = sets();
  for (std::string& name : sets(model::FactorKind::standard_coal)) known_sets.push_back(std::move(name));
  if (std::ranges::find(known_sets, set_name) == known_sets.end()) {
    return "there is no factor set '" + set_name + "'" + config::suggestion(set, known_sets);
  }
  if (const auto known = carriers(set); std::ranges::find(known, carrier_name) == known.end()) {
    return set_name + " has no factor for " + carrier_name + config::suggestion(carrier, known);
  }
  const auto places = regions(set, carrier);
  if (std::ranges::find(places, region_name) == places.end() && std::ranges::find(places, "") == places.end()) {
    return set_name + " has no factor for " + carrier_name + " in '" + region_name + "'" +
           config::suggestion(region, places);
  }
  const Series* found = series(set, carrier, region, method);
  if (!found) {
    return set_name + " has no factor for " + carrier_name + (region.empty() ? "" : ", " + region_name) +
           " by the method '" + method_name + "'" + config::suggestion(method, methods(set, carrier, region));
  }
  if (!found->live_source.empty()) {
    return set_name + " learns its values from " + found->live_source + " while the gateway runs";
  }
  const Factor& first = factors_[found->begin];
  const std::string what =
      set_name + " has no factor for " + carrier_name + (region.empty() ? "" : ", " + region_name) + ", " + method_name;
  if (at < first.valid_from) return what + " so early: the first is " + first.id;
  return what + " at that time: the last is " + factors_[found->end - 1].id;
}

bool FactorRegistry::declare_live(const model::FactorChoice& choice, const std::string& carrier,
                                  const std::string& source) {
  return series_
      .emplace(Key{choice.set, carrier, choice.region, choice.method},
               Series{0, 0, model::FactorKind::emission, source})
      .second;
}

bool FactorRegistry::is_live(const model::FactorChoice& choice, const model::Carrier& carrier) const {
  const Series* found = series(choice.set, carrier.id, choice.region, choice.method);
  return found && !found->live_source.empty();
}

const Factor* FactorRegistry::find_id(std::string_view id) const {
  const auto found = std::ranges::find(factors_, id, &Factor::id);
  return found == factors_.end() ? nullptr : &*found;
}

std::vector<std::string> FactorRegistry::sets(model::FactorKind kind) const {
  std::set<std::string> names;
  for (const auto& [key, value] : series_) {
    if (value.kind == kind) names.insert(key[0]);
  }
  return {names.begin(), names.end()};
}

std::vector<std::string> FactorRegistry::carriers(std::string_view set) const {
  std::set<std::string> names;
  for (const auto& [key, value] : series_) {
    if (key[0] == set) names.insert(key[1]);
  }
  return {names.begin(), names.end()};
}

std::vector<std::string> FactorRegistry::regions(std::string_view set, std::string_view carrier) const {
  std::set<std::string> names;
  for (const auto& [key, value] : series_) {
    if (key[0] == set && key[1] == carrier) names.insert(key[2]);
  }
  return {names.begin(), names.end()};
}

std::vector<std::string> FactorRegistry::methods(std::string_view set, std::string_view carrier,
                                                 std::string_view region) const {
  std::set<std::string> names;
  for (const auto& [key, value] : series_) {
    if (key[0] == set && key[1] == carrier && (key[2] == region || key[2].empty())) names.insert(key[3]);
  }
  return {names.begin(), names.end()};
}

}  // namespace carbongate::pipeline

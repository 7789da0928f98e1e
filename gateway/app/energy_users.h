// The section `energy_users`: who consumes what from which point, by which emission factors.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "config/reader/reader.h"
#include "gateway/app/site_section.h"
#include "gateway/model/account.h"
#include "gateway/pipeline/factor_registry.h"

namespace carbongate::app {

struct EnergyUsersContext {
  const SiteSection& section;  // its site has its points already
  const pipeline::FactorRegistry& factors;
  const std::set<std::string>& doubtful_devices;  // with problems of their own: a point missing there is none of ours
  Instant now;
};

// Every reference is checked: the point exists, its unit and kind fit the carrier, a factor applies now, nothing is
// counted twice. `substitution: none | hj75 | same-weekday` of an account says what takes the place of hours without
// valid data; without the key CO2 emitted and measured as a rate has hj75, as HJ 75 asks of a stack, all else none.
// `measures: [USER, ...]` of a user makes what it `emits` a measurement beside what those users' fuel is calculated to
// emit: in no total, and compared. `part_of: USER` of a user: see part_of.h. Accounts get their ids in the order of the
// file.
struct EnergyUsers {
  std::vector<model::Account> accounts;
  std::vector<model::Comparison> comparisons;
  std::vector<model::Containment> containments;
};
EnergyUsers read_energy_users(config::Reader& root, const EnergyUsersContext& context);

}  // namespace carbongate::app

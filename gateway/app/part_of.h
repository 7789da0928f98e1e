// `part_of: USER` of energy users: whose meters stand behind whose.
//
// What a user consumes of a carrier is then contained in what USER consumes of it, and in no total of the site. Users
// nest: what USER does not consume is looked for in what USER is part of, and so on; a carrier that none of them
// consumes stays in the totals. What is purchased and what is made on the site (`supply: own-renewable`) are looked for
// apart: own generation that a part consumes behind the incomer is not in what the incomer counts, unless the incomer's
// user accounts for its own generation too. What is exported, produced or emitted is never contained.
#pragma once

#include <set>
#include <span>
#include <string>
#include <vector>

#include "config/reader/reader.h"
#include "gateway/model/site.h"

namespace carbongate::app {

struct PartOf {
  std::string user;
  std::string of;
  const config::Node* node;  // of the user; outlives the call
};

struct PartOfContext {
  std::span<const model::Account> accounts;  // of all users
  const std::set<std::string>& users;        // those without an account too
  const std::set<std::string>& doubtful;     // users with accounts that could not be read: they may consume anything
};

// Circles, users that are not there, and parts that consume nothing that a container consumes are errors. A part that
// is counted by other factors than its container is a warning: what is unallocated then has the difference in its CO2e.
std::vector<model::Containment> read_containments(config::Reader& root, std::span<const PartOf> parts,
                                                  const PartOfContext& context);

}  // namespace carbongate::app

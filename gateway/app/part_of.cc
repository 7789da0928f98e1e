#include "gateway/app/part_of.h"

#include <algorithm>
#include <map>
#include <utility>

#include "config/reader/text.h"

namespace carbongate::app {
namespace {

using config::printable;
using config::suggestion;

// A carrier, and whether it is made on the site.
using Supply = std::pair<std::string, bool>;

std::string name_of(const Supply& supply) {
  return supply.first + (supply.second ? " of own supply" : "");
}

std::string name_of(const std::optional<model::FactorChoice>& choice) {
  if (!choice) return "none";
  return choice->set + "/" + choice->region + (choice->region.empty() ? "" : "/") + choice->method;
}

std::string quoted(const std::string& user) {
  return "'" + printable(user) + "'";
}

class Containments {
 public:
  Containments(config::Reader& root, std::span<const PartOf> parts, const PartOfContext& context)
      : root_(root), parts_(parts), context_(context) {
    for (const PartOf& part : parts) parts_by_user_.try_emplace(part.user, &part);
    for (const model::Account& account : context.accounts) {
      if (account.flow == model::Flow::consumed) consumed_[account.user].insert(supply_of(account));
    }
  }

  std::vector<model::Containment> read() {
    for (const PartOf& part : parts_) {
      if (is_known(part) && !is_in_a_circle(part)) resolve(part);
    }
    return std::move(containments_);
  }

 private:
  static Supply supply_of(const model::Account& account) {
    return {std::string(account.carrier->id), model::is_own_supply(account)};
  }

  void error(const PartOf& part, std::string text) {
    config::Reader(*part.node, root_.problems()).error("part_of", std::move(text));
  }

  bool is_known(const PartOf& part) {
    if (context_.users.contains(part.of)) return true;
    if (!root_.node().is_complete()) return false;
    std::vector<std::string> known(context_.users.begin(), context_.users.end());
    std::erase(known, part.user);
    error(part, "unknown energy user " + quoted(part.of) + suggestion(part.of, known));
    return false;
  }

  const PartOf* find(const std::string& user) const {
    const auto found = parts_by_user_.find(user);
    return found == parts_by_user_.end() ? nullptr : found->second;
  }

  // Of each circle the first of the file is reported. Whoever leads into one is in none, but leads nowhere either.
  bool is_in_a_circle(const PartOf& part) {
    std::vector<std::string> way{part.user};
    for (const PartOf* next = &part; next; next = find(next->of)) {
      const auto met = std::ranges::find(way, next->of);
      if (met == way.end()) {
        way.push_back(next->of);
        continue;
      }
      if (met != way.begin() || !circles_.insert(*std::ranges::min_element(way)).second) return true;
      std::string circle = quoted(part.user);
      for (const std::string& user : way) {
        circle += (user == part.user ? " is part of " : ", which is part of ") + quoted(find(user)->of);
      }
      error(part, circle + ": nothing contains itself");
      return true;
    }
    return false;
  }

  void resolve(const PartOf& part) {
    std::map<Supply, std::string> containers;
    bool doubtful = context_.doubtful.contains(part.user);
    for (const PartOf* next = &part; next; next = find(next->of)) {
      doubtful = doubtful || context_.doubtful.contains(next->of) || !context_.users.contains(next->of);
      for (const Supply& supply : consumed_[next->of]) containers.try_emplace(supply, next->of);
    }
    // Also of what it does not consume any more: the books may hold it.
    for (const auto& [supply, of] : containers) {
      containments_.push_back({.user = part.user, .carrier = supply.first, .own_supply = supply.second, .of = of});
    }
    const std::set<Supply>& consumed = consumed_[part.user];
    const bool any = std::ranges::any_of(consumed, [&](const Supply& supply) { return containers.contains(supply); });
    if (any) return compare_factors(part, containers);
    if (doubtful || !root_.node().is_complete()) return;
    std::string names;
    for (const Supply& supply : consumed) names += (names.empty() ? "" : ", ") + name_of(supply);
    error(part, consumed.empty()
                    ? "is for a user that `consumes`: what it consumes is in what " + quoted(part.of) + " consumes"
                    : quoted(part.of) + " consumes nothing that " + quoted(part.user) + " consumes: " + names);
  }

  void compare_factors(const PartOf& part, const std::map<Supply, std::string>& containers) {
    std::set<Supply> said;
    for (const model::Account& account : context_.accounts) {
      const auto container = containers.find(supply_of(account));
      if (account.user != part.user || account.flow != model::Flow::consumed || container == containers.end()) continue;
      for (const model::Account& whole : context_.accounts) {
        const bool contains = whole.user == container->second && whole.flow == model::Flow::consumed &&
                              supply_of(whole) == container->first;
        if (!contains || (whole.factor == account.factor && whole.market == account.market)) continue;
        if (!said.insert(container->first).second) continue;
        const bool location = whole.factor != account.factor;
        config::Reader(*part.node, root_.problems())
            .warning("part_of", "its " + name_of(container->first) + " is counted by " +
                                    name_of(location ? account.factor : account.market) + ", that of " +
                                    quoted(whole.user) + " by " + name_of(location ? whole.factor : whole.market) +
                                    ": the CO2e that is unallocated has the difference in it");
      }
    }
  }

  config::Reader& root_;
  std::span<const PartOf> parts_;
  const PartOfContext& context_;
  std::map<std::string, const PartOf*> parts_by_user_;
  std::map<std::string, std::set<Supply>> consumed_;
  std::set<std::string> circles_;  // the alphabetically first user of each that was reported
  std::vector<model::Containment> containments_;
};

}  // namespace

std::vector<model::Containment> read_containments(config::Reader& root, std::span<const PartOf> parts,
                                                  const PartOfContext& context) {
  return Containments(root, parts, context).read();
}

}  // namespace carbongate::app

// Whose a stored row is: series are known by name, for they outlive the configuration that wrote them.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <unordered_map>

#include "gateway/model/rows.h"
#include "gateway/model/site.h"

namespace carbongate::model {

// Remembers series by address: one object for one reading of a History, during which series keep theirs. One thread.
class AccountOf {
 public:
  explicit AccountOf(const Site& site) {
    for (const Account& account : site.accounts) {
      const Point& point = site.points.at(index(account.source));
      by_name_.emplace(Name{account.user, account.carrier->id, point.device, point.name}, account.id);
    }
  }

  // nullopt: the site has no such account (any more).
  std::optional<AccountId> operator()(const Series& series) {
    const auto [known, is_new] = by_series_.try_emplace(&series);
    if (is_new) {
      const auto found = by_name_.find({series.user, series.carrier, series.device, series.point});
      if (found != by_name_.end()) known->second = found->second;
    }
    return known->second;
  }

 private:
  using Name = std::tuple<std::string, std::string, std::string, std::string>;  // user, carrier, device, point

  std::map<Name, AccountId> by_name_;
  std::unordered_map<const Series*, std::optional<AccountId>> by_series_;
};

}  // namespace carbongate::model

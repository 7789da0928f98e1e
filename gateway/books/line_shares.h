// What the lines of a statement add up: parts of accounts, each with a sign.
#pragma once

#include <algorithm>
#include <iterator>
#include <map>
#include <numeric>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/books/account_sums.h"
#include "gateway/books/statement.h"

namespace carbongate::books {

// What a line adds up: part of an account, with a sign. An account without any entry has no part.
struct LineShare {
  const AccountSums* account;
  const FactorSums* part;
  std::string_view container = {};  // a user; empty: the share is contained in nothing
  int sign = 1;

  const model::Series& series() const { return account->series; }
  bool in_site() const { return container.empty(); }
  bool is_own_supply() const {
    if (!part || part->factors_of.empty()) return account->own_supply;
    return std::string_view(part->factors_of).starts_with(std::string(model::kOwnGeneration) + "/");
  }
};
using LineShares = std::vector<LineShare>;

bool is_consumed(const LineShare& share);

template <class Filter>
LineShares select(const LineShares& shares, const Filter& filter) {
  LineShares selected;
  std::ranges::copy_if(shares, std::back_inserter(selected), filter);
  return selected;
}

LineShares minus(LineShares shares, const LineShares& less);

// How much of the period the readings of a metering point watched, and of which origin its time is.
struct Watched {
  Duration covered{};
  OriginTimes time_by_origin{};

  // Of two accounts on one point: the one watched longer, and of those the one with less that is missing.
  bool operator<(const Watched& other) const { return order() < other.order(); }

 private:
  std::pair<Duration, Duration> order() const {
    return {covered, std::accumulate(time_by_origin.begin(), time_by_origin.end(), Duration{})};
  }
};

// By device and point.
std::map<std::pair<std::string_view, std::string_view>, Watched> watch(const LineShares& shares);

// Figures, quality, uncertainty and coverage; the line is not named yet.
Line add_up(const LineShares& shares);

// What the accounts of one user consume of one carrier.
Line carrier_line(const LineShares& shares, Sum sum);

}  // namespace carbongate::books

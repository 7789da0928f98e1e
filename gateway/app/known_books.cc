#include "gateway/app/known_books.h"

#include <algorithm>
#include <numeric>
#include <tuple>
#include <utility>

#include "gateway/model/account_of.h"

namespace carbongate::app {

KnownBooks::KnownBooks(store::History& history, const model::Site& site, const std::atomic<bool>& stop)
    : history_(history), site_(site), stop_(stop), rank_(site.accounts.size()) {
  std::vector<std::size_t> order(site.accounts.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {}, [&](std::size_t i) {
    const model::Account& account = site.accounts[i];
    const Point& point = site.points.at(index(account.source));
    return std::tuple(std::string_view(account.user), std::string_view(point.device), std::string_view(point.name),
                      account.carrier->id);
  });
  for (std::size_t rank = 0; rank < order.size(); ++rank) rank_[order[rank]] = rank;
}

void KnownBooks::expect(const model::Amendment& amendment) {
  expected_[amendment.correction.begin].push_back({amendment.account, amendment.correction});
}

void KnownBooks::take(AtOnce& entries, model::AccountId account, model::EmissionEntry entry) const {
  Entry& found = entries[rank_.at(model::index(account))];
  found.first = account;
  found.second.push_back(std::move(entry));
}

model::Result<void> KnownBooks::each(Instant from, Instant to, const Visit& visit, const Wanted& wanted) {
  using store::History;
  model::AccountOf account_of(site_);
  AtOnce entries;
  std::optional<Instant> at;  // of `entries`
  auto expected = expected_.lower_bound(from);
  const auto hand_out = [&] {
    if (!at) return true;
    for (; expected != expected_.end() && expected->first == *at; ++expected) {
      for (const auto& [account, entry] : expected->second) {
        if (!wanted || wanted(account)) take(entries, account, entry);
      }
    }
    const bool more = std::ranges::all_of(entries, [&](auto& item) {
      auto& [account, revisions] = item.second;
      std::ranges::sort(revisions, {}, &model::EmissionEntry::revision);
      return visit(account, revisions);
    });
    entries.clear();
    at.reset();
    return more;
  };
  // What is expected where nothing is stored, before `until`.
  const auto hand_out_expected = [&](Instant until) {
    while (expected != expected_.end() && expected->first < until) {
      at = expected->first;
      if (!hand_out()) return false;
    }
    return true;
  };
  bool more = true;
  const History::Choose choose = [&](const model::Series& series) {
    if (stop_) return History::Choice::enough;
    const auto account = account_of(series);
    return account && (!wanted || wanted(*account)) ? History::Choice::take : History::Choice::skip;
  };
  const auto result = history_.each_of(History::What::entries, {from, to}, choose, [&](const model::StoredRow& row) {
    const auto* entry = row.body.get_if<model::EmissionEntry>();
    const auto account = account_of(*row.series);
    if (!entry || !account) return true;
    if (at && *at != entry->begin) more = hand_out();
    if (more && !at) more = hand_out_expected(entry->begin);
    if (!more) return false;
    at = entry->begin;
    take(entries, *account, *entry);
    return true;
  });
  if (result.has_error()) return result;
  if (stop_) return model::Fault{make_error_code(boost::system::errc::operation_canceled), "stopped"};
  if (more) more = hand_out();
  if (more) hand_out_expected(to);
  return {};
}

bool AmendmentQueue::add(model::AccountId account, const model::EmissionEntry& correction) {
  waiting_.push_back({.account = account, .correction = correction, .covered_before = correction.covered});
  if (waiting_.size() >= per_commit_) flush();
  return !result_.has_error();
}

void AmendmentQueue::flush() {
  if (!waiting_.empty() && !result_.has_error()) result_ = take_(std::exchange(waiting_, {}));
}

model::Result<void> AmendmentQueue::finish() {
  flush();
  return result_;
}

}  // namespace carbongate::app

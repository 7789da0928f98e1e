#include "gateway/books/live_sums.h"

#include <algorithm>
#include <map>
#include <span>
#include <utility>

#include "gateway/model/accounts_uncertainty.h"
#include "gateway/model/coverage.h"

namespace carbongate::books {
namespace {

using model::Basis;
// From the first reading of a site to its newest.
struct SiteTime {
  Instant begin;
  Instant end;
};

// Adds accounts up.
class Adder {
 public:
  explicit Adder(const model::Account* first, bool is_difference = false) : is_difference_(is_difference) {
    sum_.account = first;
  }

  bool is_of(const model::Account& account) const {
    return sum_.account->user == account.user && sum_.account->carrier == account.carrier &&
           sum_.account->flow == account.flow;
  }

  // The time of which it says how much was watched goes to its own newest reading; or is the site's, of which a point
  // that was never heard has missed all.
  void add(const model::Account& account, const model::AccountState& state, std::int64_t sign,
           const std::optional<SiteTime>& site = std::nullopt) {
    const model::Co2eWithin co2e = state.emissions[Basis::primary].total.without_gases();
    sum_.amount += model::Activity::of(sign * state.amount.quanta());
    sum_.co2e += model::Co2e::of(sign * co2e.co2e.quanta());
    sum_.amount_per_hour += static_cast<double>(sign) * state.amount_per_hour;
    sum_.co2e_kg_per_hour += static_cast<double>(sign) * state.co2e_kg_per_hour;
    uncertainty_.add(account, co2e, state.quality, sign);
    if (!state.live_at && !site) return;
    if (state.live_at && !state.since) unknown_ = true;
    const Instant since = state.since.value_or(site ? site->begin : *state.live_at);
    auto& [covered, elapsed] = points_[account.source];
    covered = std::max(covered, state.covered);
    elapsed = std::max({elapsed, (site ? site->end : *state.live_at) - since, covered});
  }

  void note_waiting(const model::Account& account, const std::vector<Waiting>& waiting) {
    sum_.waits = sum_.waits || std::ranges::any_of(waiting, [&](const Waiting& one) {
                   return std::ranges::find(one.of, account.source) != one.of.end();
                 });
  }

  LiveSum result() const {
    LiveSum sum = sum_;
    sum.u95 = uncertainty_.u95();
    sum.stated = uncertainty_.stated();
    for (const auto& [point, times] : points_) {
      if (unknown_) break;
      if (!is_difference_) {
        sum.covered += times.first;
        sum.elapsed += times.second;
      } else if (sum.elapsed == Duration::zero() ||
                 model::coverage(times.first, times.second) < model::coverage(sum.covered, sum.elapsed)) {
        sum.covered = times.first;
        sum.elapsed = times.second;
      }
    }
    return sum;
  }

 private:
  LiveSum sum_;
  model::AccountsUncertainty uncertainty_;
  std::map<PointId, std::pair<Duration, Duration>> points_;
  bool unknown_ = false;
  bool is_difference_;  // which is as good as its worst part
};

std::vector<LiveSum> results(const std::vector<Adder>& adders) {
  std::vector<LiveSum> sums;
  for (const Adder& adder : adders) sums.push_back(adder.result());
  return sums;
}

}  // namespace

std::vector<Waiting> waiting_points(const model::Site& site, const model::Checkpoint& checkpoint) {
  std::vector<Waiting> all;
  const auto note = [&](const std::string& name, const std::optional<pipeline::Pending>& step, PointId of) {
    if (!step) return;
    const auto known = std::ranges::find(all, name, &Waiting::point);
    if (known == all.end()) {
      all.push_back({.point = name, .step = *step, .of = {of}});
    } else {
      known->of.push_back(of);
    }
  };
  const std::size_t known = std::min(site.points.size(), checkpoint.points.size());
  for (const Point& point : std::span(site.points).first(known)) {
    const model::PointState& state = checkpoint.points[index(point.id)];
    note(point.full_name(), pipeline::pending(state.counter), point.id);
    for (const model::DerivedInputState& input : state.derived.inputs) {
      note(input.point, pipeline::pending(input.counter), point.id);
    }
  }
  return all;
}

std::vector<LiveSum> user_sums(const model::Site& site, const model::Checkpoint& state,
                               const std::vector<Waiting>& waiting) {
  std::vector<Adder> sums;
  for (const model::Account& account : site.accounts) {
    auto sum = std::ranges::find_if(sums, [&](const Adder& one) { return one.is_of(account); });
    if (sum == sums.end()) sum = sums.insert(sums.end(), Adder(&account));
    sum->add(account, state.accounts[model::index(account.id)], 1);
    sum->note_waiting(account, waiting);
  }
  return results(sums);
}

std::vector<LiveSum> unallocated_sums(const model::Site& site, const model::Checkpoint& state) {
  std::vector<Adder> sums;
  for (const model::Account& whole : site.accounts) {
    const auto is_part = [&](const model::Account& account) {
      const model::Containment* container = model::container_of(site, account);
      return container && container->of == whole.user && account.carrier == whole.carrier;
    };
    const bool is_whole = whole.flow == model::Flow::consumed && std::ranges::any_of(site.accounts, is_part);
    if (!is_whole) continue;
    auto sum = std::ranges::find_if(sums, [&](const Adder& one) { return one.is_of(whole); });
    if (sum == sums.end()) {
      sum = sums.insert(sums.end(), Adder(&whole, true));
      for (const model::Account& account : site.accounts) {
        if (is_part(account)) sum->add(account, state.accounts[model::index(account.id)], -1);
      }
    }
    sum->add(whole, state.accounts[model::index(whole.id)], 1);
  }
  return results(sums);
}

LiveSum site_sum(const model::Site& site, const model::Checkpoint& state) {
  std::optional<SiteTime> time;
  for (const model::Account& account : site.accounts) {
    const model::AccountState& one = state.accounts[model::index(account.id)];
    if (!one.live_at || !model::in_site_total(site, account)) continue;
    const Instant since = one.since.value_or(*one.live_at);
    if (!time) time = SiteTime{since, *one.live_at};
    time->begin = std::min(time->begin, since);
    time->end = std::max(time->end, *one.live_at);
  }
  Adder sum(nullptr);
  for (const model::Account& account : site.accounts) {
    if (!model::in_site_total(site, account)) continue;
    sum.add(account, state.accounts[model::index(account.id)], 1, time);
  }
  return sum.result();
}

}  // namespace carbongate::books

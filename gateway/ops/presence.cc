#include "gateway/ops/presence.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <chrono>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "drivers/api/silence.h"
#include "gateway/ops/json.h"

namespace carbongate::ops {

namespace json = boost::json;
using namespace std::chrono_literals;

namespace {

constexpr Duration kOfflineFor = 15s;  // a connection that comes back at once has silenced nobody
constexpr std::string_view kManual = "manual";

// How old a reading may be whose rate is told as present. Of a device that is known to be offline it is that of one
// reading which should have come and has not; of others, of a few. How long a rate is integrated (gap_max) says nothing
// of that, but where it is not known how often a reading is due.
Duration patience(const PointLimits& limits, bool is_offline) {
  Duration longest = silence_max(limits.interval);
  if (limits.interval == Duration::zero()) longest = limits.gap_max > Duration::zero() ? limits.gap_max : 5min;
  return is_offline ? std::min(longest, std::max(limits.interval, kOfflineFor)) : longest;
}

// What is behind a point: its device, or those of the points that it is computed from.
class Behind {
 public:
  explicit Behind(const model::Site& site) : site_(site) {
    for (const model::Derived& derived : site.derived) derived_[derived.result] = &derived;
  }

  template <class Predicate>
  bool any(PointId point, const Predicate& is_so) const {
    const auto found = derived_.find(point);
    if (found == derived_.end()) return is_so(site_.points.at(index(point)).device);
    return std::ranges::any_of(model::followed(*found->second), [&](const model::DerivedInput& input) {
      return input.point && any(*input.point, is_so);
    });
  }

 private:
  const model::Site& site_;
  std::map<PointId, const model::Derived*> derived_;
};

json::value age_s(std::optional<Instant> heard, Instant now) {
  if (!heard) return nullptr;
  return std::chrono::duration<double>(std::max<Duration>(now - *heard, 0ms)).count();
}

}  // namespace

Presence::Presence(const Facts& facts, const State& state)
    : facts_(facts), now_(state.now), points_(facts.site().points.size(), Of::none) {
  const model::Site& site = facts.site();
  const Behind behind(site);
  std::set<std::string_view> offline;
  for (const DriverStatus& driver : state.drivers) {
    for (const DeviceStatus& device : driver.devices) {
      if (device.state == DeviceStatus::State::offline) offline.insert(device.device);
    }
  }
  const auto is_offline = [&offline](const std::string& device) { return offline.contains(device); };
  const auto is_manual = [&facts](const std::string& device) {
    const auto found = facts.fixed().driver_of.find(device);
    return found != facts.fixed().driver_of.end() && found->second == kManual;
  };
  for (const model::Account& account : site.accounts) {
    Of& known = points_.at(index(account.source));
    if (known != Of::none) continue;
    if (behind.any(account.source, is_manual)) {
      known = Of::entered;
      continue;
    }
    ++accounted_;
    const auto& heard = facts.accounts().points.at(index(account.source)).last_at;
    if (heard) oldest_ = std::min(oldest_.value_or(*heard), *heard);
    const bool is_down = !offline.empty() && behind.any(account.source, is_offline);
    const PointLimits& limits = site.points.at(index(account.source)).limits;
    known = heard && now_ - *heard <= patience(limits, is_down) ? Of::heard : Of::silent;
    if (known == Of::silent) stale_.push_back({.point = account.source, .heard = heard, .offline = is_down});
  }
  std::ranges::sort(stale_, {},
                    [](const Silent& one) { return std::pair(one.heard.value_or(Instant::min()), one.point); });
}

json::object Presence::json() const {
  const model::Site& site = facts_.site();
  json::array named;
  for (const Silent& one : stale_) {
    if (named.size() == kNamedMax) break;
    const Point& point = site.points.at(index(one.point));
    json::array users;
    std::set<std::string_view> told;
    for (const model::Account& account : site.accounts) {
      if (account.source == one.point && told.insert(account.user).second) users.emplace_back(account.user);
    }
    named.push_back(json::object{{"point", point.full_name()},
                                 {"device", point.device},
                                 {"energy_users", std::move(users)},
                                 {"age_s", age_s(one.heard, now_)},
                                 {"offline", one.offline}});
  }
  return {{"accounted_points", accounted_},
          {"stale_points", stale_.size()},
          {"oldest_age_s", age_s(oldest_, now_)},
          {"stale", std::move(named)}};
}

}  // namespace carbongate::ops

#include "gateway/model/site.h"

#include <algorithm>

namespace carbongate::model {

const Containment* container_of(const Site& site, const Account& account) {
  if (account.flow != Flow::consumed) return nullptr;
  const auto found = std::ranges::find_if(site.containments, [&](const Containment& containment) {
    return containment.user == account.user && containment.carrier == account.carrier->id &&
           containment.own_supply == is_own_supply(account);
  });
  return found == site.containments.end() ? nullptr : &*found;
}

bool in_site_total(const Site& site, const Account& account) {
  return in_total(account.flow) && container_of(site, account) == nullptr;
}

bool is_health(const std::vector<HealthPoint>& health, PointId point) {
  return std::ranges::find(health, point, &HealthPoint::point) != health.end();
}

}  // namespace carbongate::model

#include "gateway/explain/containment.h"

#include <algorithm>

#include "gateway/model/carrier.h"
#include "gateway/store/series_table.h"

namespace carbongate::explain {

Containments::Containments(const model::Site& site, const Question& question)
    : site_(site), question_(question), statement_(question.span) {
  if (!question.device.empty()) return;
  for (const model::Containment& containment : site.containments) {
    if (is_asked_for(containment.of, containment.carrier)) statement_.contain(containment);
  }
  for (const model::Account& account : site.accounts) {
    const model::Containment* container = model::container_of(site, account);
    const bool is_part = container && is_asked_for(container->of, container->carrier);
    if (is_part || is_asked_for(account.user, account.carrier->id)) {
      statement_.expect(store::describe(site, account), model::is_own_supply(account));
    }
  }
}

void Containments::add(const model::StoredRow& row) {
  if (!question_.device.empty()) return;
  const auto is_part = [&](const model::Containment& containment) {
    return containment.user == row.series->user && containment.carrier == row.series->carrier &&
           is_asked_for(containment.of, containment.carrier);
  };
  if (is_asked_for(row.series->user, row.series->carrier) || std::ranges::any_of(site_.containments, is_part)) {
    statement_.add(row.series, row.body.get<model::EmissionEntry>());
  }
}

void Containments::tell(Breakdown& breakdown) {
  if (question_.device.empty()) breakdown.allocations = statement_.allocations();
  for (const model::Account& account : site_.accounts) {
    const model::Containment* container = model::container_of(site_, account);
    const bool is_known = container && std::ranges::find(breakdown.part_of, *container) != breakdown.part_of.end();
    if (!container || is_known || !is_asked_for(account.user, account.carrier->id)) continue;
    breakdown.part_of.push_back(*container);
  }
}

bool Containments::is_asked_for(std::string_view user, std::string_view carrier) const {
  return user == question_.user && (question_.carrier.empty() || carrier == question_.carrier);
}

}  // namespace carbongate::explain

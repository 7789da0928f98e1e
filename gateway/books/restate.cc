#include "gateway/books/restate.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <utility>

#include "gateway/books/layers.h"

namespace carbongate::books {
namespace {

using model::EmissionEntry;

using Key = std::pair<model::AccountId, Instant>;

// All revisions of one entry.
struct Booked {
  std::vector<EmissionEntry> revisions;  // ascending
};

// An account that has no market-based result, or had one that was taken back, emits nothing there by no factor.
const model::Emission& market_of(const EmissionEntry& entry) {
  static const model::Emission kNone;
  return entry.market ? *entry.market : kNone;
}

bool agree_within(std::int64_t a, std::int64_t b, std::int64_t tolerance) {
  return std::abs(a - b) <= tolerance;
}

bool agree_within(const model::Emitted& a, const model::Emitted& b, std::int64_t tolerance) {
  return model::near(a, b, tolerance) && agree_within(a.u95_activity.quanta(), b.u95_activity.quanta(), tolerance) &&
         agree_within(a.u95_factor.quanta(), b.u95_factor.quanta(), tolerance);
}

bool same_gwps(const EmissionEntry& a, const EmissionEntry& b) {
  return same_gwp(a.primary.gwp_set, b.primary.gwp_set) && same_gwp(market_of(a).gwp_set, market_of(b).gwp_set);
}

// By whatever factor: where another one gives the same there is nothing to correct, unless the books would name a set
// of global warming potentials that it was not counted by.
bool same_figures(const EmissionEntry& a, const EmissionEntry& b) {
  return same_gwps(a, b) && a.coal == b.coal && a.primary.emitted == b.primary.emitted &&
         market_of(a).emitted == market_of(b).emitted;
}

// By whatever factors. Each booking may have carried a remainder in or out: `revisions` of them, and the recomputed
// one.
bool figures_agree(const EmissionEntry& known, const EmissionEntry& restated, std::int64_t revisions) {
  const std::int64_t tolerance_mg = revisions + 1;
  if (known.amount != restated.amount || known.covered != restated.covered) return false;
  if (comparable(known.quality) != comparable(restated.quality)) return false;
  if (!same_gwps(known, restated)) return false;
  if (!agree_within(known.coal.quanta(), restated.coal.quanta(), tolerance_mg)) return false;
  return agree_within(known.primary.emitted, restated.primary.emitted, tolerance_mg) &&
         agree_within(market_of(known).emitted, market_of(restated).emitted, tolerance_mg);
}

bool agree(const EmissionEntry& known, const EmissionEntry& restated, std::int64_t revisions) {
  return figures_agree(known, restated, revisions) && (same_factors(known, restated) || same_figures(known, restated));
}

// Where another factor gives the same but for remainders that were carried, there is nothing to correct: of one account
// they add up to no more than what was carried in and out. A factor that is another by so little adds up to more.
void leave_out_what_was_carried(std::vector<Difference>& found) {
  constexpr std::int64_t kCarriedMg = 2;
  const auto is_carried = [](const Difference& d) {
    if (!d.restated || d.known.begin == Instant{}) return false;
    return figures_agree(d.known, *d.restated, 1);
  };
  std::map<model::AccountId, EmissionEntry> sums;
  for (const Difference& difference : found) {
    if (is_carried(difference)) add(difference.amendment.correction, sums[difference.account]);
  }
  std::erase_if(found, [&](const Difference& difference) {
    if (!is_carried(difference)) return false;
    const EmissionEntry& sum = sums.at(difference.account);
    return agree_within(sum.coal.quanta(), 0, kCarriedMg) && agree_within(sum.primary.emitted, {}, kCarriedMg) &&
           agree_within(market_of(sum).emitted, {}, kCarriedMg);
  });
}

EmissionEntry correction_of(const EmissionEntry& known, const EmissionEntry& restated) {
  EmissionEntry correction = restated;
  subtract(known, correction);
  return correction;
}

// Of a quarter hour of which only the rule is known.
bool says_nothing(const EmissionEntry& entry) {
  return entry.quality.origin == model::Origin::missing && entry.amount == model::Activity{} &&
         entry.covered == Duration::zero();
}

// What takes an entry away that should not be there.
EmissionEntry nothing_instead_of(const EmissionEntry& known) {
  EmissionEntry nothing;
  nothing.begin = known.begin;
  nothing.end = known.end;
  nothing.coal_factor_id = known.coal_factor_id;
  take_factor(known.primary, nothing.primary);
  if (known.market) take_factor(*known.market, nothing.market.emplace());
  nothing.quality = {model::Origin::missing, model::Rule::gap};
  return nothing;
}

// Recomputing knows no lateness: it takes readings in the order of their own times.
model::Quality heard_late(model::Quality quality, bool late, const EmissionEntry* known) {
  if (quality.origin != model::Origin::measured) return quality;
  const bool was_late = known && known->quality.origin == model::Origin::late;
  if (!late && !was_late) return quality;
  const model::Rule rule = was_late ? known->quality.rule : model::Rule::out_of_order;
  return {model::Origin::late, quality.rule == model::Rule::none ? rule : quality.rule};
}

// Whether late readings changed it once, also where there was no factor to say so by. A factor alone, of a live series
// that was heard late, changes neither amount nor coverage.
bool was_changed_late(std::span<const EmissionEntry> revisions) {
  const EmissionEntry* before = nullptr;
  for (const EmissionEntry& entry : revisions) {
    const bool late = entry.correction && entry.correction->cause == model::Cause::late_data;
    if (late && (!before || entry.amount != model::Activity{} || entry.covered != before->covered)) return true;
    before = &entry;
  }
  return false;
}

std::map<Key, Booked> by_key(std::span<const model::AccountEntry> entries) {
  std::map<Key, Booked> found;
  for (const auto& [account, entry] : entries) found[{account, entry.begin}].revisions.push_back(entry);
  for (auto& [key, booked] : found) std::ranges::sort(booked.revisions, {}, &EmissionEntry::revision);
  return found;
}

std::optional<Difference> compare(const Key& key, const Booked& booked, const EmissionEntry* restated,
                                  const ReasonOf& reason_of, Instant now) {
  Difference difference{
      .account = key.first, .begin = key.second, .published = {}, .known = {}, .restated = {}, .amendment = {}};
  const bool has_revisions = !booked.revisions.empty();
  Layers layers;
  if (has_revisions) layers = layers_of(booked.revisions);
  if (!layers.has_computed && !restated) return std::nullopt;  // what stands alone was never computed
  // That nothing is known says nothing against what stands there for want of it.
  if (!layers.has_computed && has_revisions && says_nothing(*restated)) return std::nullopt;
  // Without data a substitution stands beside what the meters said; data take both back.
  const bool data_came = restated && layers.has_substituted && restated->covered > layers.computed.covered;
  const bool is_booked = layers.has_computed || data_came;
  if (is_booked) difference.known = data_came ? layers.without_manual() : layers.computed;
  if (data_came) difference.known.covered = layers.computed.covered;
  if (has_revisions && booked.revisions.front().revision == 0) difference.published = booked.revisions.front();
  if (restated) difference.restated = *restated;
  EmissionEntry target = restated ? *restated : nothing_instead_of(difference.known);
  const auto revisions = static_cast<std::int64_t>(booked.revisions.size());
  if (is_booked && agree(difference.known, target, revisions)) return std::nullopt;

  const EmissionEntry* known = is_booked ? &difference.known : nullptr;
  Reason reason = reason_of(key.first, known, restated);
  const bool late = reason.late || was_changed_late(booked.revisions);
  target.quality = heard_late(target.quality, late, known);
  if (difference.restated) difference.restated->quality = target.quality;
  model::Amendment& amendment = difference.amendment;
  amendment.account = key.first;
  amendment.correction = is_booked ? correction_of(difference.known, target) : target;
  amendment.covered_before = difference.known.covered;
  amendment.another_factor =
      known && restated && reason.cause != model::Cause::factor && !same_factors(*known, *restated);
  amendment.correction.revision = has_revisions ? layers.newest + 1 : 1;
  amendment.correction.correction =
      model::Correction{.cause = reason.cause, .note = std::move(reason.note), .booked_at = now};
  return difference;
}

}  // namespace

model::Quality comparable(model::Quality quality) {
  switch (quality.origin) {
    case model::Origin::late:
    case model::Origin::measured: return {};
    case model::Origin::manual: return {.origin = model::Origin::manual};
    default: return quality;
  }
}

bool same_factors(const EmissionEntry& a, const EmissionEntry& b) {
  const auto same = [](const model::Emission& x, const model::Emission& y) {
    return x.factor_id == y.factor_id && x.factor_version == y.factor_version && same_gwp(x.gwp_set, y.gwp_set);
  };
  return same(a.primary, b.primary) && a.coal_factor_id == b.coal_factor_id && same(market_of(a), market_of(b));
}

void take_factor(const model::Emission& from, model::Emission& to) {
  to.factor_id = from.factor_id;
  to.factor_version = from.factor_version;
  to.gwp_set = from.gwp_set;
}

void add(const EmissionEntry& other, EmissionEntry& sum) {
  sum.amount += other.amount;
  sum.coal += other.coal;
  sum.primary.emitted += other.primary.emitted;
  if (!other.market) return;
  if (!sum.market) sum.market.emplace();
  sum.market->emitted += other.market->emitted;
}

void subtract(const EmissionEntry& other, EmissionEntry& sum) {
  sum.amount -= other.amount;
  sum.coal -= other.coal;
  sum.primary.emitted -= other.primary.emitted;
  if (!other.market) return;
  if (!sum.market) sum.market.emplace();
  sum.market->emitted -= other.market->emitted;
}

std::vector<Difference> differences(std::span<const model::AccountEntry> booked,
                                    std::span<const model::AccountEntry> recomputed, const ReasonOf& reason_of,
                                    Instant now) {
  std::map<Key, Booked> known = by_key(booked);
  std::map<Key, const EmissionEntry*> restated;
  for (const auto& [account, entry] : recomputed) {
    restated.emplace(Key{account, entry.begin}, &entry);
    known.try_emplace({account, entry.begin});
  }
  std::vector<Difference> found;
  for (const auto& [key, entry] : known) {
    const auto target = restated.find(key);
    auto difference = compare(key, entry, target == restated.end() ? nullptr : target->second, reason_of, now);
    if (difference) found.push_back(std::move(*difference));
  }
  leave_out_what_was_carried(found);
  return found;
}

}  // namespace carbongate::books

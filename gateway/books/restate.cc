#include "gateway/books/restate.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <utility>

namespace carbongate::books {
namespace {

using model::Cause;
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

bool stands_beside(const EmissionEntry& entry, Cause cause) {
  return entry.correction && entry.correction->cause == cause;
}

// Amounts without the correction of a substitution are what the meters said.
EmissionEntry sum_of(const Booked& booked, bool with_substitutions) {
  EmissionEntry sum;
  bool first = true;
  for (const EmissionEntry& entry : booked.revisions) {
    if (stands_beside(entry, Cause::certificate) || stands_beside(entry, Cause::manual)) continue;
    if (!with_substitutions && stands_beside(entry, Cause::substitution)) continue;
    EmissionEntry next = entry;
    if (!first) {
      next = sum;
      add(entry, next);
      next.covered = entry.covered;  // these are the newest's
      next.quality = entry.quality;
      next.primary.factor_id = entry.primary.factor_id;
      next.primary.factor_version = entry.primary.factor_version;
      next.coal_factor_id = entry.coal_factor_id;
      if (entry.market) {
        next.market->factor_id = entry.market->factor_id;
        next.market->factor_version = entry.market->factor_version;
      }
    }
    sum = std::move(next);
    first = false;
  }
  return sum;
}

EmissionEntry known_of(const Booked& booked, const EmissionEntry* restated) {
  EmissionEntry measured = sum_of(booked, false);
  const bool substituted = std::ranges::any_of(
      booked.revisions, [](const EmissionEntry& entry) { return stands_beside(entry, Cause::substitution); });
  const bool data_came = restated && restated->covered > measured.covered;
  return substituted && data_came ? sum_of(booked, true) : measured;
}

bool near(std::int64_t a, std::int64_t b, std::int64_t tolerance) {
  return std::abs(a - b) <= tolerance;
}

bool near(const model::Emitted& a, const model::Emitted& b, std::int64_t tolerance) {
  bool gases = true;
  for (std::size_t i = 0; i < model::kGasCount; ++i) {
    const auto gas = static_cast<model::Gas>(i);
    gases = gases && near(a.gases[gas].quanta(), b.gases[gas].quanta(), tolerance);
  }
  return gases && near(a.co2e.quanta(), b.co2e.quanta(), tolerance) &&
         near(a.u95_activity.quanta(), b.u95_activity.quanta(), tolerance) &&
         near(a.u95_factor.quanta(), b.u95_factor.quanta(), tolerance);
}

// Each booking may have carried a remainder in or out: `revisions` of them, and the recomputed one.
bool agree(const EmissionEntry& known, const EmissionEntry& restated, std::int64_t revisions) {
  const std::int64_t tolerance_mg = revisions + 1;
  if (known.amount != restated.amount || known.covered != restated.covered) return false;
  if (comparable(known.quality) != comparable(restated.quality) || !same_factors(known, restated)) return false;
  if (!near(known.coal.quanta(), restated.coal.quanta(), tolerance_mg)) return false;
  return near(known.primary.emitted, restated.primary.emitted, tolerance_mg) &&
         near(market_of(known).emitted, market_of(restated).emitted, tolerance_mg);
}

// Whether the figures follow from the amount by the same factors before and after.
bool only_amount_changed(const EmissionEntry& known, const EmissionEntry& restated) {
  if (!same_factors(known, restated)) return false;
  if (known.amount == model::Activity{} || restated.amount == model::Activity{}) return true;
  // A factor set that was changed without a new version shows in the ratio.
  const auto ratio = [](const EmissionEntry& e) {
    return static_cast<double>(e.primary.emitted.co2e.quanta()) / static_cast<double>(e.amount.quanta());
  };
  const double limit =
      4.0 / static_cast<double>(std::min(std::llabs(known.amount.quanta()), std::llabs(restated.amount.quanta())));
  return std::abs(ratio(known) - ratio(restated)) <= limit;
}

EmissionEntry correction_of(const EmissionEntry& known, const EmissionEntry& restated) {
  EmissionEntry correction = restated;
  subtract(known, correction);
  return correction;
}

// What takes an entry away that should not be there.
EmissionEntry nothing_instead_of(const EmissionEntry& known) {
  EmissionEntry nothing;
  nothing.begin = known.begin;
  nothing.end = known.end;
  nothing.coal_factor_id = known.coal_factor_id;
  nothing.primary.factor_id = known.primary.factor_id;
  nothing.primary.factor_version = known.primary.factor_version;
  if (known.market) {
    nothing.market.emplace();
    nothing.market->factor_id = known.market->factor_id;
    nothing.market->factor_version = known.market->factor_version;
  }
  nothing.quality = {model::Origin::missing, model::Rule::gap};
  return nothing;
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
  const bool is_booked = !booked.revisions.empty();
  if (is_booked) difference.known = known_of(booked, restated);
  if (is_booked && booked.revisions.front().revision == 0) difference.published = booked.revisions.front();
  if (restated) difference.restated = *restated;
  const EmissionEntry target = restated ? *restated : nothing_instead_of(difference.known);
  const auto revisions = static_cast<std::int64_t>(booked.revisions.size());
  if (is_booked && agree(difference.known, target, revisions)) return std::nullopt;

  model::Amendment& amendment = difference.amendment;
  amendment.account = key.first;
  amendment.correction = is_booked ? correction_of(difference.known, target) : target;
  amendment.covered_before = difference.known.covered;
  amendment.same_factors = !is_booked || only_amount_changed(difference.known, target);
  Reason reason = reason_of(key.first, is_booked ? &difference.known : nullptr, restated);
  amendment.correction.revision = is_booked ? booked.revisions.back().revision + 1 : 1;
  amendment.correction.correction =
      model::Correction{.cause = reason.cause, .note = std::move(reason.note), .booked_at = now};
  return difference;
}

}  // namespace

model::Quality comparable(model::Quality quality) {
  if (quality.origin == model::Origin::late || quality.origin == model::Origin::measured) return {};
  return quality;
}

bool same_factors(const EmissionEntry& a, const EmissionEntry& b) {
  const auto same = [](const model::Emission& x, const model::Emission& y) {
    return x.factor_id == y.factor_id && x.factor_version == y.factor_version;
  };
  return same(a.primary, b.primary) && a.coal_factor_id == b.coal_factor_id && same(market_of(a), market_of(b));
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
  return found;
}

}  // namespace carbongate::books

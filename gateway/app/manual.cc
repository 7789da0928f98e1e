#include "gateway/app/manual.h"

#include <algorithm>
#include <map>

#include "gateway/books/beside.h"
#include "gateway/pipeline/calendar.h"

namespace carbongate::app {
namespace {

using namespace std::chrono_literals;
using model::Activity;
using model::EmissionEntry;

struct Part {
  pipeline::Span quarter;
  books::Layers known;
};

model::Result<std::vector<Part>> parts_of(KnownBooks& books, const ManualEntry& entry, pipeline::Calendar& calendar) {
  std::vector<Part> parts;
  for (Instant at = entry.begin; at < entry.end; at = parts.back().quarter.end) {
    parts.push_back({calendar.period(model::Period::quarter_hour, at), {}});
  }
  auto next = parts.begin();
  const auto read =
      books.each(entry.begin, entry.end, [&](model::AccountId account, std::span<const EmissionEntry> revisions) {
        if (account != entry.account) return true;
        while (next != parts.end() && next->quarter.begin < revisions.front().begin) ++next;
        if (next != parts.end() && next->quarter.begin == revisions.front().begin) {
          next->known = books::layers_of(revisions);
        }
        return true;
      });
  if (read.has_error()) return read.error();
  return parts;
}

// Of a part that nobody knows the amount of. A counter tells the sum over a gap; and a quarter hour watched for as much
// of it as makes an hour valid is as good as watched.
Duration unwatched(const Part& part, const model::ValidityRules& validity) {
  const Duration length = part.quarter.end - part.quarter.begin;
  if (!part.known.has_computed) return length;
  const model::EmissionEntry& computed = part.known.computed;
  if (computed.quality.origin == model::Origin::estimated) return {};
  const Duration enough = length * validity.hour_covered.count() / Duration(1h).count();
  return computed.covered >= enough ? Duration::zero() : length - computed.covered;
}

// By what readings say, whatever was substituted.
std::vector<Activity> amounts_of(Activity whole, std::span<const Part> parts, const model::ValidityRules& validity) {
  std::vector<std::int64_t> measured;
  std::vector<std::int64_t> unwatched_ms;
  Activity sum;
  for (const Part& part : parts) {
    sum += part.known.computed.amount;
    measured.push_back(part.known.computed.amount.quanta());
    unwatched_ms.push_back(unwatched(part, validity).count());
  }
  if (whole > sum && std::ranges::any_of(unwatched_ms, [](std::int64_t ms) { return ms > 0; })) {
    std::vector<Activity> amounts = books::spread(whole - sum, unwatched_ms);
    for (std::size_t i = 0; i < amounts.size(); ++i) amounts[i] += Activity::of(measured[i]);
    return amounts;
  }
  if (std::ranges::any_of(measured, [](std::int64_t amount) { return amount < 0; })) {
    std::ranges::fill(measured, std::int64_t{0});
  }
  return books::spread(whole, measured);
}

std::string describe(const ManualEntry& entry, const model::Account& account) {
  const model::Carrier& carrier = *account.carrier;
  return model::format_fixed(entry.amount.quanta(), carrier.quanta_per_display) + " " +
         std::string(carrier.display.symbol) + " in all" + (entry.note.empty() ? "" : ": " + entry.note) +
         (entry.by.empty() ? "" : "; by " + entry.by) + (entry.evidence.empty() ? "" : "; evidence: " + entry.evidence);
}

}  // namespace

model::Result<std::size_t> enter_manually(KnownBooks& books, const model::Site& site,
                                          const pipeline::FactorRegistry& factors, std::span<const ManualEntry> entries,
                                          Instant now, const TakeAmendments& take) {
  pipeline::Calendar calendar(site.time_zone);
  std::size_t looked_at = 0;
  for (const ManualEntry& entry : entries) {
    const model::Account& account = site.accounts.at(model::index(entry.account));
    pipeline::AccountFactors account_factors(account, factors);
    const auto parts = parts_of(books, entry, calendar);
    if (parts.has_error()) return parts.error();
    const auto amounts = amounts_of(entry.amount, *parts, site.validity);
    const model::Correction why{.cause = model::Cause::manual, .note = describe(entry, account), .booked_at = now};
    AmendmentQueue queue(take, kAmendmentsOfOneBooking);
    books::PriceCarry carry;
    for (std::size_t i = 0; i < parts->size(); ++i) {
      const auto& [quarter, known] = (*parts)[i];
      const EmissionEntry target = books::price(amounts[i] - known.computed.amount, quarter, account, account_factors,
                                                {model::Origin::manual, model::Rule::none}, carry);
      const auto correction = books::beside_correction(known, known.before_manual(), target, why);
      if (correction && !queue.add(entry.account, *correction)) break;
    }
    if (const auto result = queue.finish(); result.has_error()) return result.error();
    looked_at += parts->size();
  }
  return looked_at;
}

}  // namespace carbongate::app

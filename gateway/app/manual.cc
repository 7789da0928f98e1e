#include "gateway/app/manual.h"

#include <algorithm>
#include <map>

#include "gateway/books/beside.h"
#include "gateway/pipeline/calendar.h"

namespace carbongate::app {
namespace {

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

// In proportion to what is known; all 0 for evenly.
std::vector<std::int64_t> weights_of(std::span<const Part> parts) {
  std::vector<std::int64_t> weights;
  for (const Part& part : parts) weights.push_back(part.known.without_manual().amount.quanta());
  if (std::ranges::any_of(weights, [](std::int64_t weight) { return weight < 0; })) {
    std::ranges::fill(weights, std::int64_t{0});
  }
  return weights;
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
    const auto amounts = books::spread(entry.amount, weights_of(*parts));
    const model::Correction why{.cause = model::Cause::manual, .note = describe(entry, account), .booked_at = now};
    AmendmentQueue queue(take, kAmendmentsOfOneBooking);
    books::PriceCarry carry;
    for (std::size_t i = 0; i < parts->size(); ++i) {
      const auto& [quarter, known] = (*parts)[i];
      const EmissionEntry target = books::price(amounts[i] - known.without_manual().amount, quarter, account,
                                                account_factors, {model::Origin::manual, model::Rule::none}, carry);
      const auto correction = books::beside_correction(known, known.manual, target, why);
      if (correction && !queue.add(entry.account, *correction)) break;
    }
    if (const auto result = queue.finish(); result.has_error()) return result.error();
    looked_at += parts->size();
  }
  return looked_at;
}

}  // namespace carbongate::app

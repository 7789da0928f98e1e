// What is booked against what should be: the differences, as corrections. Nothing that was published is changed.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/model/amendment.h"

namespace carbongate::books {

// One quarter hour of one account, three times.
struct Difference {
  model::AccountId account{};
  Instant begin{};
  std::optional<model::EmissionEntry> published;  // revision 0; nullopt: nothing was published in time
  model::EmissionEntry known;                     // the sum over the revisions; all zero where there is none
  std::optional<model::EmissionEntry> restated;   // as it should be; nullopt: there should be none
  model::Amendment amendment;                     // its correction is `restated` less `known`
};

struct Reason {
  model::Cause cause = model::Cause::manual;
  std::string note;
  bool late = false;  // what it follows from came late, in part: it is no better than that
};
// Why this one differs. `restated` is nullptr where there should be no entry, `known` where there is none.
using ReasonOf = std::function<Reason(model::AccountId account, const model::EmissionEntry* known,
                                      const model::EmissionEntry* restated)>;

// `booked`: all revisions of all entries, in any order. `recomputed`: what the entries of the same time should be, each
// once. The result is ordered by account and begin. Accounts whose entries are in neither are none of its business.
//
// An interval that was never published gets revision 1 without a revision 0 before it: so the sum over the revisions 0
// remains exactly what was published in time. An entry that should not be there gets its negative.
//
// There is no difference where amount, coverage, factors and quality agree. Late or not is no difference by itself:
// that readings came late is known from them. What is corrected is `late` where its reason says so, and stays late
// where it was; what the readings decided remains as its rule. CO2e, gases and coal may differ by the remainders below
// one milligram which the accounts carry, once per revision.
//
// Corrections of the causes `certificate` and `manual` stand beside what is computed (layers.h), and are left out of
// the comparison. A substitution is as well, until there is data: when the recomputed entry is watched for longer than
// the one that was substituted, it is taken back with the rest.
std::vector<Difference> differences(std::span<const model::AccountEntry> booked,
                                    std::span<const model::AccountEntry> recomputed, const ReasonOf& reason_of,
                                    Instant now);

// The same for both bases: the factors that apply, by id, version and GWP set. A set that one of them does not state
// makes no difference.
bool same_factors(const model::EmissionEntry& a, const model::EmissionEntry& b);

// By names of GWP sets. A store of earlier days did not state them: "" may be either.
inline bool same_gwp(std::string_view a, std::string_view b) {
  return a == b || a.empty() || b.empty();
}

// What is left of a quality where late or in time makes no difference, nor what merely remarks on a figure that was
// measured or set by hand (flag S): what is late and set by hand is `manual, stale`.
model::Quality comparable(model::Quality quality);

// What names the factor: id, version and GWP set.
void take_factor(const model::Emission& from, model::Emission& to);

// Sum and difference of entries: figures only; everything else is the left one's.
void add(const model::EmissionEntry& other, model::EmissionEntry& sum);
void subtract(const model::EmissionEntry& other, model::EmissionEntry& sum);

}  // namespace carbongate::books

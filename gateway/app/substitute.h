// Substitutes for hours without valid data into the books, as corrections of the cause `substitution`: by the rules of
// gateway/books/substitution.h, for the accounts whose configuration says so.
//
// An hour is valid by the site's rules (45 minutes watched, unless configured otherwise). One that is not is
// substituted when it is closed: when its meter has been heard at or beyond its end. Of a valid one the mean stands for
// the whole hour: what a rate lacks for it is booked in the same way (rule hour-mean), and counts where the hour is
// looked back at. Quarter hours in which a rate was integrated over rejected readings (rule rejected) lack nothing.
// What is lacking, the substitute less what is known of the hour, goes to its quarter hours in proportion to the time
// not watched, exact in sum; coverage and validity stay what they are, and so does the original, beside it.
//
//   valid, and the amount is 0          the plant stood still, proven by its own data: not an hour of operation
//   a counter told the sum over the gap needs no substitute, and is no valid hour
//   a person said what it was           the same, for the quarter hours entered
//
// Rule hj75 goes by the share of valid hours in the quarter of the year, known once that is over: then it is
// substituted for all of the quarter again.
//
// When data come, or the rule is taken out of the configuration, a substitute is taken back.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "gateway/app/known_books.h"
#include "gateway/pipeline/factor_registry.h"

namespace carbongate::app {

struct SubstitutionRange {
  Instant from{};                                               // hours that begin at or after this...
  Instant to{};                                                 // ...and before this
  std::string user;                                             // only this one; "": all
  std::function<std::optional<Instant>(PointId)> closed_until;  // of a point: up to when its entries are there
  std::size_t quarters_at_once = 500'000;                       // quarter hours to be held in memory
};

// Hours for which the rules allow no substitute: too few of them are valid, or none before.
struct RefusedHours {
  model::AccountId account{};
  std::size_t hours = 0;
  Instant first{};
};

// Memory: about 100 bytes for each of `quarters_at_once`, twice, and 300 for each quarter hour that gets a substitute
// among them. More accounts are looked at one group after the other; a group is one account at least.
model::Result<std::vector<RefusedHours>> substitute_missing(KnownBooks& books, const model::Site& site,
                                                            const pipeline::FactorRegistry& factors,
                                                            const SubstitutionRange& range, Instant now,
                                                            const TakeAmendments& take);

}  // namespace carbongate::app

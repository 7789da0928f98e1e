// Amounts that a person enters into the books: from a bill, from stock-taking, read by hand.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "gateway/app/known_books.h"
#include "gateway/pipeline/factor_registry.h"

namespace carbongate::app {

// The true amount of an account over a stretch of closed quarter hours.
struct ManualEntry {
  model::AccountId account{};
  Instant begin{};
  Instant end{};           // excluded
  model::Activity amount;  // >= 0
  std::string note;        // where it is known from
  std::string by = {};     // who says so
  std::string evidence = {};
};

// Makes what is known of each stretch its amount, as corrections of the cause `manual`, exact in sum. What it is beyond
// what readings tell goes to the quarter hours that were not watched, in proportion to that time. Where all was watched
// (for as much of a quarter hour as makes an hour valid; or a counter told the sum over a gap), or it is less than
// readings tell, it is spread in proportion to what they do, or evenly if that is nothing or partly negative.
//
// Each quarter hour of the stretch gets a revision, also one without a difference: it is known by then, and needs no
// substitute; one that was there is replaced. The same amount once more changes nothing, another one replaces it. No
// two stretches of one account overlap.
//
// What readings say of the stretch stays beside it, and what readings say later comes on top of it: then the amount is
// to be entered again.
//
// Memory: about 1 kB for each quarter hour of the longest stretch. The number of quarter hours looked at.
model::Result<std::size_t> enter_manually(KnownBooks& books, const model::Site& site,
                                          const pipeline::FactorRegistry& factors, std::span<const ManualEntry> entries,
                                          Instant now, const TakeAmendments& take);

}  // namespace carbongate::app

// Amounts that persons entered, by the factors that apply now.
#pragma once

#include <cstddef>
#include <functional>

#include "gateway/app/known_books.h"
#include "gateway/pipeline/factor_registry.h"

namespace carbongate::app {

// Of entries that begin in [from, to), of the accounts wanted: where another factor applies than the amount that was
// entered was priced by, and gives something else, a correction with the difference. Its cause is `manual`, for it
// belongs to what was entered (books/layers.h); its note names both factors. Amounts stay. A second run finds nothing.
// Accounts whose factors are heard from a point are left out.
//
// The number of entries looked at.
model::Result<std::size_t> price_entered_again(KnownBooks& books, const model::Site& site,
                                               const pipeline::FactorRegistry& factors, Instant from, Instant to,
                                               const KnownBooks::Wanted& wanted, Instant now,
                                               const TakeAmendments& take);

}  // namespace carbongate::app

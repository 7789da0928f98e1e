// Sums of periods that a gateway of before published in two parts.
#pragma once

#include <vector>

#include "gateway/model/amendment.h"
#include "gateway/model/errors.h"
#include "gateway/model/site.h"
#include "gateway/store/history.h"

namespace carbongate::app {

// What was corrected in a period in progress before anything was counted in it became a row of its own (revision 1 and
// on), and what was counted after that the row that closed the period (revision 0). Gives the sum of both as the next
// revision, of closed hours, days, months and years that have a part in [from, to), where that is what the entries add
// up to and the newest row is not: so once mended, never again. Quality: the worse one.
//
// Reads the rollups of that time, and the entries of what it finds. One thread.
model::Result<std::vector<model::AccountRollup>> join_split_sums(store::History& history, const model::Site& site,
                                                                 Instant from, Instant to);

}  // namespace carbongate::app

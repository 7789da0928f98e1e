// From a tonne to the entries it consists of; and what there is instead of what there is not.
#pragma once

#include <cstddef>
#include <string>

#include "gateway/explain/explanation.h"
#include "gateway/explain/question.h"
#include "gateway/model/errors.h"
#include "gateway/model/site.h"
#include "gateway/store/history.h"

namespace carbongate::explain {

// `question` is of a period. Memory: sums, and `entries_max` entries. nullopt in `entries`: see explain().
model::Result<Breakdown> break_down(store::History& history, const model::Site& site, const Question& question,
                                    std::size_t entries_max);

// Why nothing of that name is in the books, and what is near it. Reads all entries.
model::Result<std::string> explain_absence(store::History& history, const model::Site& site, const Question& question);

}  // namespace carbongate::explain

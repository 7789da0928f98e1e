// An explanation as one JSON object, ended by a line feed.
//
// Keys are stable, in snake_case. Figures of the books and what is worked out from them are decimal strings, exact;
// amounts stand in the carrier's display unit, emissions in kilograms. Readings are the shortest decimal that reads
// back as the same number. Times are UTC; `timezone` names the site's. What is not known is null, and a key that ends
// in
// `_missing` or is called `missing` says why.
#pragma once

#include <string>

#include "gateway/explain/explanation.h"
#include "gateway/model/site.h"

namespace carbongate::cli {

std::string explain_json(const explain::Answer& answer, const model::Site& site);

}  // namespace carbongate::cli

// An explanation for people: numbered sections, labels in English and Chinese, lines of at most 100 columns except
// where a single word is longer. Times in the site's zone.
#pragma once

#include <string>

#include "gateway/explain/explanation.h"
#include "gateway/model/site.h"

namespace carbongate::cli {

std::string explain_text(const explain::Answer& answer, const model::Site& site);

}  // namespace carbongate::cli

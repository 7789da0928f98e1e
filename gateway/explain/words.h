// What the words of the books mean, in one sentence each, and what regulators call them.
#pragma once

#include <string_view>

#include "gateway/model/quality.h"
#include "gateway/model/rows.h"

namespace carbongate::explain {

struct Words {
  std::string_view chinese;   // "实测"
  std::string_view sentence;  // "The value is as the meter said."
};

// Static storage.
Words words_of(model::Origin origin);
Words words_of(model::Rule rule);  // none: empty
Words words_of(model::Cause cause);

}  // namespace carbongate::explain

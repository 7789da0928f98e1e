// What a counter did over which its register does not say how much flowed.
#pragma once

#include "gateway/model/quality.h"

namespace carbongate::model {

constexpr bool leaves_unknown(Rule rule) {
  return rule == Rule::reset || rule == Rule::replaced || rule == Rule::ratio_change || rule == Rule::backwards;
}

}  // namespace carbongate::model

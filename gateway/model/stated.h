// Whether an uncertainty is known at all: what nobody states is not zero.
#pragma once

#include <cstdint>
#include <string_view>

#include "gateway/model/emitted.h"

namespace carbongate::model {

enum class Stated : std::uint8_t {
  none,  // no uncertainty is known: the half-width is 0 and means nothing
  part,  // of some of the emissions only meter or factor state one: the half-width is a lower bound
  all,   // both, of everything that emits
};
std::string_view to_string(Stated stated);  // "none", "part", "all"

// Of what was emitted by one meter and one factor. What emits nothing has nothing to be uncertain about.
Stated stated(const Emitted& emitted);

}  // namespace carbongate::model

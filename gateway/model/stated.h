// Whether an uncertainty is known at all: what nobody states is not zero.
#pragma once

#include <cstdint>
#include <string_view>

#include "gateway/model/rows.h"

namespace carbongate::model {

enum class Stated : std::uint8_t {
  none,  // no uncertainty is known: the half-width is 0 and means nothing
  part,  // of some of the emissions only meter or factor state one: the half-width is a lower bound
  all,   // both, of everything that emits
};
std::string_view to_string(Stated stated);  // "none", "part", "all"

// Of one result of an entry, by one meter and one factor. What a factor makes nothing of has nothing to be uncertain
// about. Where no factor applies to what emits, nothing is known: `scope` tells it from what has no emission of its
// own.
Stated stated(const Emission& emission, Scope scope);

// Of a sum over entries of one account. Of one that holds an entry without a factor (Rule::no_factor) it is never all.
Stated stated(const Co2eWithin& emitted, Quality worst);
inline Stated stated(const Emitted& emitted, Quality worst) {
  return stated(emitted.without_gases(), worst);
}

}  // namespace carbongate::model

// Whether an uncertainty is known at all: what nobody states is not zero.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "gateway/model/rows.h"

namespace carbongate::model {

enum class Stated : std::uint8_t {
  none,  // no uncertainty is known: the half-width is 0 and means nothing
  part,  // of some of the emissions only meter or factor state one: the half-width is a lower bound
  all,   // both, of everything that emits
};
std::string_view to_string(Stated stated);  // "none", "part", "all"

// The 0 of an entry for which no factor applied is no figure: neither is it where the quality names another rule.
// `scope` tells it from what has no emission of its own.
bool lacks_factor(const Emission& emission, Scope scope);

// Of a sum over entries, which only tells by its quality: of the location-based or direct result...
inline bool lacks_factor(Quality worst) {
  return worst.rule == Rule::no_factor;
}
// ... and of the market-based one, to which another factor may have given a part.
inline bool lacks_factor(const Emitted& market, Quality worst) {
  return lacks_factor(worst) && market.co2e == Co2e{};
}

// nullopt: no coefficient of GB/T 2589 applied, also to a part of a sum; nor is the 0 a figure that the lack of an
// emission factor, which is said first, may stand before.
inline std::optional<StandardCoal> known_coal(StandardCoal coal, Quality quality) {
  const bool lacks = quality.rule == Rule::no_coal_factor || (lacks_factor(quality) && coal == StandardCoal{});
  return lacks ? std::nullopt : std::optional(coal);
}

// Of one result of an entry, by one meter and one factor. What a factor makes nothing of has nothing to be uncertain
// about. Where no factor applies to what emits, nothing is known.
Stated stated(const Emission& emission, Scope scope);

// Of a sum over entries of one account. Of one that holds an entry without a factor (Rule::no_factor), or whose worst
// part was substituted or entered by a person, it is never all.
Stated stated(const Co2eWithin& emitted, Quality worst);
inline Stated stated(const Emitted& emitted, Quality worst) {
  return stated(emitted.without_gases(), worst);
}

}  // namespace carbongate::model

#include "gateway/model/stated.h"

#include <algorithm>

namespace carbongate::model {

std::string_view to_string(Stated stated) {
  switch (stated) {
    case Stated::none: return "none";
    case Stated::part: return "part";
    case Stated::all: return "all";
  }
  return "unknown";
}

namespace {

Stated stated_by(const Co2eWithin& emitted) {
  const bool activity = emitted.u95_activity != Co2e{};
  const bool factor = emitted.u95_factor != Co2e{};
  if ((activity && factor) || emitted.co2e == Co2e{}) return Stated::all;
  return activity || factor ? Stated::part : Stated::none;
}

}  // namespace

bool lacks_factor(const Emission& emission, Scope scope) {
  return emission.factor_id.empty() && scope != Scope::none && emission.emitted.co2e == Co2e{};
}

Stated stated(const Emission& emission, Scope scope) {
  return lacks_factor(emission, scope) ? Stated::none : stated_by(emission.emitted.without_gases());
}

Stated stated(const Co2eWithin& emitted, Quality worst) {
  if (!lacks_factor(worst)) {
    // No meter measured what a rule or a person put there.
    const bool measured = worst.origin != Origin::substituted && worst.origin != Origin::manual;
    return emitted.co2e == Co2e{} || measured ? stated_by(emitted) : std::min(stated_by(emitted), Stated::part);
  }
  return emitted.co2e == Co2e{} ? Stated::none : std::min(stated_by(emitted), Stated::part);
}

}  // namespace carbongate::model

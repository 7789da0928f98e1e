#include "gateway/model/stated.h"

namespace carbongate::model {

std::string_view to_string(Stated stated) {
  switch (stated) {
    case Stated::none: return "none";
    case Stated::part: return "part";
    case Stated::all: return "all";
  }
  return "unknown";
}

Stated stated(const Emitted& emitted) {
  const bool activity = emitted.u95_activity != Co2e{};
  const bool factor = emitted.u95_factor != Co2e{};
  if ((activity && factor) || emitted.co2e == Co2e{}) return Stated::all;
  return activity || factor ? Stated::part : Stated::none;
}

}  // namespace carbongate::model

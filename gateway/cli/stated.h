// Whether an uncertainty is known at all: what nobody states is not zero.
#pragma once

#include "gateway/books/statement.h"
#include "gateway/model/emitted.h"

namespace carbongate::cli {

// Of what was emitted by one meter and one factor. What emits nothing has nothing to be uncertain about.
inline books::Stated stated(const model::Emitted& emitted) {
  const bool activity = emitted.u95_activity != model::Co2e{};
  const bool factor = emitted.u95_factor != model::Co2e{};
  if ((activity && factor) || emitted.co2e == model::Co2e{}) return books::Stated::all;
  return activity || factor ? books::Stated::part : books::Stated::none;
}

}  // namespace carbongate::cli

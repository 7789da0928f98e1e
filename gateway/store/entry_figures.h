// What of an entry can be added up.
#pragma once

#include <cstdint>

#include "gateway/model/rows.h"

namespace carbongate::store {

struct EntryFigures {
  Instant begin{};
  model::Activity amount;
  model::StandardCoal coal;
  model::PerBasis<model::Co2e> co2e;  // of the market: zero, where the entry has none
  Duration covered{};
  std::uint32_t revision = 0;
};

}  // namespace carbongate::store

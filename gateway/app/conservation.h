// What came in is somewhere, always: numbers that were counted in different places must agree.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "gateway/ports/store.h"

namespace carbongate::app {

struct Conservation {
  std::string breach;            // in words; empty: nothing is known to be missing
  std::uint64_t difference = 0;  // rows and readings that are in none of their places, or in more than one
  bool is_known = true;          // false: of some sink too much waits to be counted now
  bool holds() const { return breach.empty(); }
};

// `waiting`: readings that drivers handed over and nobody has told what became of; `in_hand`: those in the inbox and on
// the way into the journal.
Conservation conservation_of(std::span<const ports::SinkAccount> accounts, std::uint64_t waiting,
                             std::uint64_t in_hand);

}  // namespace carbongate::app

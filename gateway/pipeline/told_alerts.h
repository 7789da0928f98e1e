// Alerts put together from what was told of them, change by change.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>

#include "gateway/model/alert.h"

namespace carbongate::pipeline {

// One alert, of what was told or of what should have been.
struct Told {
  Instant since{};
  Instant fired{};
  std::optional<Instant> over;
  bool withdrawn = false;
  std::uint32_t changes = 0;
  model::Alert firing;
  std::optional<model::Alert> last;  // once it is over

  bool overlaps(const Told& other) const {
    return since < other.over.value_or(Instant::max()) && other.since < over.value_or(Instant::max());
  }
};

// By when they began. What came after `until` is not known yet.
std::map<Instant, Told> alerts_of(std::span<const model::Alert> changes, Instant until);

}  // namespace carbongate::pipeline

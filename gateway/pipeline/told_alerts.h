// Alerts put together from what was told of them, change by change, or from what a play of stored readings would tell.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>

#include "gateway/model/alert.h"
#include "gateway/model/site.h"
#include "gateway/pipeline/calendar.h"

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

struct AlertsOf {
  model::WatchId watch{};
  std::map<Instant, Told> alerts;  // by when they began
};

// What should have been told of a watch in that time, by all readings in the order of their times.
struct Right {
  Span of{};
  std::map<Instant, Told> alerts;  // by when they began; none is withdrawn
};

// The earliest time in `right.of` at which one of the two fires and the other does not.
std::optional<Instant> differs_from(const std::map<Instant, Told>& told, const Right& right);

// What is right, under the names that were told, and before and after it what was told.
std::map<Instant, Told> put_right(const std::map<Instant, Told>& told, const Right& right);

}  // namespace carbongate::pipeline

// How much of a period in progress was watched.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>

#include "drivers/api/reading.h"
#include "gateway/model/coverage.h"
#include "gateway/pipeline/calendar.h"

namespace carbongate::pipeline {

// How much of a period so far the meters of its accounts were watched, each of them once.
class WatchedSoFar {
 public:
  WatchedSoFar(Span span, Instant now) : span_(span), now_(now) {}

  // `newest`: the meter's newest reading; `covered`: what an account of it has watched of the period.
  void add(PointId source, const std::optional<Instant>& newest, Duration covered) {
    Time& time = points_[source];
    if (newest && span_.begin < *newest) {
      time.covered = std::max(time.covered, covered);
      time.elapsed = std::max(std::min(now_, span_.end) - span_.begin, time.covered);
    } else {
      time = {.covered = Duration::zero(),
              .elapsed = std::max<Duration>(now_ - span_.begin, std::chrono::milliseconds(1))};
    }
  }

  // What accounts that have closed the period have watched of it, together, and how long that is for each.
  void add_closed(Duration covered, Duration elapsed) { closed_ = {.covered = covered, .elapsed = elapsed}; }

  // In hundredths of a percent; nullopt: nothing of it is over yet.
  std::optional<std::int64_t> coverage() const {
    Time all = closed_;
    for (const auto& [point, time] : points_) {
      all.covered += time.covered;
      all.elapsed += time.elapsed;
    }
    if (all.elapsed <= Duration::zero()) return std::nullopt;
    return model::coverage(std::min(all.covered, all.elapsed), all.elapsed);
  }

 private:
  struct Time {
    Duration covered{};
    Duration elapsed{};
  };
  Span span_;
  Instant now_;
  std::map<PointId, Time> points_;
  Time closed_;
};

}  // namespace carbongate::pipeline

// How much of a period in progress was watched.
#pragma once

#include <algorithm>
#include <boost/json/value.hpp>
#include <chrono>
#include <map>
#include <optional>

#include "gateway/model/checkpoint.h"
#include "gateway/ops/json.h"
#include "gateway/pipeline/calendar.h"

namespace carbongate::ops {

// How much of a period so far the meters of its accounts were watched, each of them once.
class WatchedSoFar {
 public:
  WatchedSoFar(pipeline::Span span, Instant now) : span_(span), now_(now) {}

  void add(PointId source, const std::optional<Instant>& newest, const model::OpenPeriod* open) {
    Time& time = points_[source];
    if (newest && span_.begin < *newest) {
      time.covered = std::max(time.covered, open ? open->covered : Duration::zero());
      time.elapsed = std::max(std::min(now_, span_.end) - span_.begin, time.covered);
    } else {
      time = {.covered = Duration::zero(),
              .elapsed = std::max<Duration>(now_ - span_.begin, std::chrono::milliseconds(1))};
    }
  }
  // nullptr: nothing of it is over yet.
  boost::json::value percent() const {
    Time all;
    for (const auto& [point, time] : points_) {
      all.covered += time.covered;
      all.elapsed += time.elapsed;
    }
    return percent_of(static_cast<double>(all.covered.count()), static_cast<double>(all.elapsed.count()));
  }

 private:
  struct Time {
    Duration covered{};
    Duration elapsed{};
  };
  pipeline::Span span_;
  Instant now_;
  std::map<PointId, Time> points_;
};

}  // namespace carbongate::ops

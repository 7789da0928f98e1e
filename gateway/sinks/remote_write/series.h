// Points of time-series as the series of remote write: one metric for each field, "carbongate_entry_co2e_kg".
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "gateway/sinks/shared/time_series.h"
#include "protocols/remote_write/encode.h"

namespace carbongate::sinks::remote_write {

// Gathers the samples of a request. Not thread-safe.
class SeriesSet {
 public:
  // One sample for each field of the point. Of two for one series and instant the later one stays, as it would in a
  // store that they reach one after the other.
  void add(const shared::TimeSeriesPoint& point);

  // Sorted: series by their labels, labels by name, samples by time. The set is used up.
  std::vector<carbongate::remote_write::Series> take();

 private:
  using Labels = std::vector<std::pair<std::string, std::string>>;
  std::map<Labels, std::map<std::int64_t, double>> series_;
};

}  // namespace carbongate::sinks::remote_write

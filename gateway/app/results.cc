// What is known of the results that the gateway made of the readings in and around a window.
#include <algorithm>
#include <cmath>

#include "gateway/app/window_readings.h"
#include "gateway/pipeline/remainder.h"

namespace carbongate::app {

void Results::begin(Instant start, Instant to) {
  start_ = start;
  to_ = to;
  rows_.clear();
  usable_.clear();
  in_order_.clear();
  next_ = 0;
  made_until_ = usable_until_ = Instant::min();
}

void Results::take(const store::History::RawReading& reading) {
  if (reading.at < start_ || reading.at >= to_) return;
  const bool is_usable = usable(reading.quality) && std::isfinite(reading.value);
  rows_.push_back({.sequence = reading.sequence, .at = reading.at, .usable = is_usable});
}

void Results::settle() {
  for (const Row& row : rows_) {
    if (row.usable) usable_.push_back(row.at);
  }
  std::ranges::sort(usable_);
}

void Results::played(std::span<const Instant> usable) {
  in_order_.assign(usable.begin(), usable.end());
}

std::optional<Instant> Results::newest() const {
  if (rows_.empty()) return std::nullopt;
  return std::ranges::max(rows_, {}, &Row::at).at;
}

bool Results::is_made_of(PointId point) const {
  return std::ranges::find(inputs_, point) != inputs_.end();
}

// One that is missing would be so without a value, too.
std::optional<Instant> Results::made_without(const StoredReading& reading) {
  for (; next_ < rows_.size() && rows_[next_].sequence < reading.sequence; ++next_) {
    made_until_ = std::max(made_until_, rows_[next_].at);
    if (rows_[next_].usable) usable_until_ = std::max(usable_until_, rows_[next_].at);
  }
  const Instant until = std::isnan(reading.value) ? usable_until_ : made_until_;
  if (until != reading.at && until < reading.at + apart_) return std::nullopt;
  return until;
}

std::pair<Instant, Instant> Results::around(Instant from, Instant to) const {
  const auto before = [&](const std::vector<Instant>& results, Instant none) {
    const auto first = std::ranges::lower_bound(results, from);
    return first == results.begin() ? none : *std::prev(first);
  };
  const auto behind = [&](const std::vector<Instant>& results) {
    const auto next = std::ranges::upper_bound(results, to);
    return next == results.end() ? to : *next;
  };
  return {std::min(before(usable_, std::min(start_, from)), before(in_order_, from)),
          std::max(behind(usable_), behind(in_order_))};
}

std::optional<Instant> Results::before(Instant at) const {
  const auto first = std::ranges::lower_bound(usable_, at);
  if (first == usable_.begin()) return std::nullopt;
  return *std::prev(first);
}

Instant Results::counted_with(Instant at) const {
  const Instant begin = std::chrono::floor<pipeline::Quarters>(at);
  const bool closes = result_.kind != Kind::instantaneous && at == begin;
  return closes ? at : begin + pipeline::Quarters(1) - Duration(1);
}

Instant Results::made_with(Instant at) const {
  return result_.kind == Kind::instantaneous ? at : counted_with(at);
}

}  // namespace carbongate::app

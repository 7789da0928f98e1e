#include "gateway/pipeline/arrivals.h"

#include <algorithm>

#include "gateway/pipeline/quality.h"

namespace carbongate::pipeline {

Arrivals::Arrivals(const model::Site& site) : site_(site), tolerance_(site.alert_grace), points_(site.points.size()) {}

void Arrivals::resume(Instant now, const std::map<std::string, std::string>& sources) {
  resumed_ = now;
  for (auto& [name, source] : sources_) source.last.reset();
  for (std::size_t i = 0; i < points_.size(); ++i) {
    const auto source = sources.find(site_.points[i].device);
    if (source != sources.end() && !points_[i].source) points_[i].source = &sources_[source->second];
  }
}

void Arrivals::heard(const Batch& batch) {
  Source& source = sources_[batch.source];
  if (!goes_on(source, batch.received)) source = {.began = batch.received};
  source.last = batch.received;
  for (const Reading& reading : batch.readings) {
    if (reading.stamped_by != StampedBy::device) continue;
    const Duration lag = counted(batch.received - reading.at);
    source.lag = std::min(source.lag.value_or(lag), lag);
  }
  now_heard_ = &source;
}

void Arrivals::heard(PointId point, Instant at, Instant received) {
  points_.at(index(point)) = {.received = received, .lag = counted(received - at), .source = now_heard_};
}

Instant Arrivals::known_until(PointId point, Instant now) const {
  const Arrival& newest = points_.at(index(point));
  const Instant known = known_if_unheard(point, now);
  const bool goes_on = newest.received && now - *newest.received <= gap_max(site_.points[index(point)].limits);
  return goes_on ? std::min(known, now - newest.lag) : known;
}

// What is of no known source waits for all.
Instant Arrivals::known_if_unheard(PointId point, Instant now) const {
  const Arrival& newest = points_.at(index(point));
  const auto lag_of = [&](const Source& source) {
    const bool is_heard = newest.received && newest.source && *newest.received >= source.began;
    return is_heard || !goes_on(source, now) ? Duration::zero() : source.lag.value_or(Duration::zero());
  };
  const bool is_heard = newest.received && (!resumed_ || *newest.received >= *resumed_);
  const bool is_source_heard = newest.source && newest.source->last;
  const bool just_resumed = resumed_ && *resumed_ <= now && now - *resumed_ < tolerance_;
  if (!is_heard && !is_source_heard && just_resumed) return Instant::min();
  if (newest.source) return now - lag_of(*newest.source);
  Duration lag{};
  for (const auto& [name, source] : sources_) lag = std::max(lag, lag_of(source));
  return now - lag;
}

std::optional<Duration> Arrivals::unheard_for(PointId point, Instant now) const {
  const std::optional<Instant>& received = points_.at(index(point)).received;
  if (!resumed_ || (received && *received >= *resumed_)) return std::nullopt;
  return now - *resumed_;
}

}  // namespace carbongate::pipeline

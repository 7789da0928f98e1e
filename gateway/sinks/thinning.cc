#include "gateway/sinks/thinning.h"

#include <chrono>

namespace carbongate::sinks {
namespace {

const model::JudgedReading* usable_reading(const model::StoredRow& row) {
  const auto* reading = row.body.get_if<model::JudgedReading>();
  return reading && model::usable(reading->quality) ? reading : nullptr;
}

}  // namespace

// Point and number of the slot, as one text: device ids and point names hold no line feed.
std::string Thinning::slot_of(const model::StoredRow& reading, const model::JudgedReading& body) const {
  const std::int64_t at = body.at.time_since_epoch().count();
  const std::int64_t slot = at / every_.count() - (at % every_.count() < 0 ? 1 : 0);
  return reading.series->device + "." + reading.series->point + "\n" + std::to_string(slot);
}

void Thinning::begin(std::uint64_t sequence, std::span<const model::StoredRow> readings) {
  last_seen_.clear();
  for (const model::StoredRow& reading : readings) remember(reading);
  known_through_ = sequence - 1;
  forgotten_at_ = sequence;
}

bool Thinning::Decision::keeps(const model::StoredRow& reading) {
  const model::JudgedReading* body = usable_reading(reading);
  if (!body) return false;
  std::string slot = thinning_.slot_of(reading, *body);
  std::uint64_t last = 0;
  if (const auto known = thinning_.last_seen_.find(slot); known != thinning_.last_seen_.end()) last = known->second;
  const auto [here, is_first] = seen_.try_emplace(std::move(slot), reading.sequence);
  if (!is_first) last = here->second;
  here->second = reading.sequence;
  return last == 0 || last + kWindow < reading.sequence;
}

void Thinning::passed(std::span<const model::StoredRow* const> readings, std::uint64_t through) {
  for (const model::StoredRow* reading : readings) {
    if (reading->sequence <= through) remember(*reading);
  }
  known_through_ = through;
  if (through >= forgotten_at_ + kWindow) forget_old();
}

void Thinning::remember(const model::StoredRow& reading) {
  if (const model::JudgedReading* body = usable_reading(reading))
    last_seen_[slot_of(reading, *body)] = reading.sequence;
}

void Thinning::forget_old() {
  std::erase_if(last_seen_, [&](const auto& seen) { return seen.second + kWindow <= *known_through_; });
  forgotten_at_ = *known_through_;
}

}  // namespace carbongate::sinks

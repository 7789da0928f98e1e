#include "gateway/app/restamp.h"

#include <algorithm>
#include <chrono>

#include "gateway/model/hj212_flag.h"

namespace carbongate::app {

using namespace std::chrono_literals;

namespace {

// No gateway of this version ran before; what a machine says that has lost its time lies long before.
constexpr Instant kEarliest = std::chrono::sys_days(std::chrono::year(2026) / 1 / 1);
constexpr Instant kLatest = std::chrono::sys_days(std::chrono::year(2041) / 1 / 1);  // nor will one run after that
constexpr Duration kStampTolerance = 1h;                                             // of stamps that devices gave

// A stamp is taken a moment before or behind what it is compared with.
constexpr Duration kMargin = 1min;

}  // namespace

void begin_clock(io::DisciplinedClock& clock, const model::Checkpoint& known) {
  Instant floor = kEarliest;
  for (const model::PointState& point : known.points) {
    if (point.last_at) floor = std::max(floor, *point.last_at - kStampTolerance);
  }
  const auto& unknown = known.unknown_time;
  const bool same_run = unknown && unknown->boot == clock.boot();
  clock.begin(kEarliest, floor, kLatest, same_run ? std::optional(unknown->base) : std::nullopt);
}

Restamp::Restamp(const model::UnknownTime& unknown, Duration base, io::SteadyTime ticks)
    : begin_(unknown.begin - kMargin),
      end_(Instant(ticks.time_since_epoch() + unknown.base) + kMargin),
      off_(base - unknown.base) {}

std::optional<Batch> Restamp::operator()(const Batch& batch, Instant now) const {
  if (off_ == 0ms || batch.received < begin_ || batch.received > end_) return std::nullopt;
  if (std::chrono::abs(batch.received - now) <= std::chrono::abs(batch.received + off_ - now)) return std::nullopt;
  Batch copy{.source = batch.source, .received = batch.received + off_, .readings = batch.readings, .settled = {}};
  for (Reading& reading : copy.readings) {
    if (reading.stamped_by == StampedBy::gateway) reading.at += off_;
  }
  return copy;
}

HeardAgain::HeardAgain(const model::Site& site) {
  for (const Point& point : site.points) points_[point.full_name() + " " + std::string(point.unit.symbol)] = point.id;
}

std::vector<Batch> HeardAgain::operator()(std::span<const model::StoredRow> rows, const Restamp& restamp) const {
  std::vector<Batch> batches;
  for (const model::StoredRow& row : rows) {
    const auto* reading = row.body.get_if<model::JudgedReading>();
    if (!reading) continue;
    const model::Rule rule = reading->quality.rule;
    if (!model::time_unknown(rule)) continue;
    const auto point = points_.find(row.series->device + "." + row.series->point + " " + row.series->unit);
    if (point == points_.end()) continue;
    const char flag = model::flag_said(reading->quality);
    const bool by_device = rule == model::unknown_time_rule(true, flag);
    const Instant at = by_device ? reading->at : reading->at + restamp.off();
    // When a device's own stamp was heard is not known, but not before the stretch began.
    const Instant heard = std::max(at, restamp.begin());
    if (batches.empty() || batches.back().received != heard || batches.back().readings.back().at != at) {
      batches.push_back({.source = "clock", .received = heard, .readings = {}, .settled = {}});
    }
    batches.back().readings.push_back({.point = point->second, .hj212_flag = flag, .at = at, .value = reading->value});
  }
  return batches;
}

}  // namespace carbongate::app

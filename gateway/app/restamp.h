// What gives readings their times that were heard while nobody knew the time.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "drivers/api/reading.h"
#include "gateway/model/checkpoint.h"
#include "gateway/model/rows.h"
#include "gateway/model/site.h"
#include "protocols/io/disciplined_clock.h"

namespace carbongate::app {

// Makes the clock believe no time before what the store has seen.
void begin_clock(io::DisciplinedClock& clock, const model::Checkpoint& known);

// Stamps of a stretch of unknown time, made true.
class Restamp {
 public:
  // `base`: the clock less the machine's ticks, now that the time is known. `ticks`: until when the stretch lasted.
  Restamp(const model::UnknownTime& unknown, Duration base, io::SteadyTime ticks);

  Duration off() const { return off_; }

  Instant begin() const { return begin_ + off_; }  // in true time

  // A copy with true stamps; nullopt: it was not heard in that stretch, or is nearer to `now` as it is.
  std::optional<Batch> operator()(const Batch& batch, Instant now) const;

 private:
  Instant begin_;
  Instant end_;
  Duration off_;
};

// Stored rows as readings again: those with the rule `clock` or `device_clock`, of points that are still configured.
// One batch per instant.
class HeardAgain {
 public:
  explicit HeardAgain(const model::Site& site);
  std::vector<Batch> operator()(std::span<const model::StoredRow> rows, const Restamp& restamp) const;

 private:
  std::map<std::string, PointId> points_;  // by full name and unit
};

}  // namespace carbongate::app

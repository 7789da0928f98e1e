// Rollups as records of the platform: pure.
#pragma once

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "gateway/model/rows.h"
#include "gateway/sinks/energy_platform/config.h"
#include "gateway/tables/local_time.h"

namespace carbongate::sinks::energy_platform {

// The three queues of one platform: a quarter hour never waits for the hour at which a day may come, nor a day for a
// month.
enum class Cadence : std::uint8_t { real_time, days, months };

std::optional<carbongate::energy_platform::StatType> stat_type_of(model::Period period);  // nullopt: hours
Cadence cadence_of(carbongate::energy_platform::StatType type);

// The amount in the item's unit, as a decimal: exact where the unit is a power of ten of the account's quantum and no
// `decimals` are set; else rounded half away from zero. Of a rate the mean of the period.
std::string value_of(const Item& item, const model::RollupRow& row);

// The member `valid` of its record.
bool is_valid(const carbongate::energy_platform::Dialect& dialect, const model::RollupRow& row);

// "2026-08-01 00:00:00", local.
std::string date_text(tables::LocalTime& time, Instant at);

// When the platform may have it: a quarter hour at once, a day from `upload_time` on, a month or a year on `month_day`
// of the next month.
Instant due(model::Period period, Instant end, std::chrono::seconds upload_time, std::uint32_t month_day);

// Not thread-safe.
class RecordMaker {
 public:
  RecordMaker(const Config& config, Cadence cadence) : config_(config), cadence_(cadence), time_(config.time_zone) {}

  // What is told of the row by this queue; empty: nothing.
  std::vector<carbongate::energy_platform::Record> records_of(const model::StoredRow& row, Instant now);

 private:
  const Config& config_;
  Cadence cadence_;
  tables::LocalTime time_;
};

}  // namespace carbongate::sinks::energy_platform

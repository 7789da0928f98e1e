// What the journal holds and a sink gets. A row is a subject (a point or an account) and a body.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "drivers/api/point.h"
#include "gateway/model/account.h"
#include "gateway/model/quality.h"
#include "gateway/model/quantity.h"

namespace carbongate::model {

// A value as read, judged. Subject: a point.
struct JudgedReading {
  Instant at{};
  double value = 0.0;  // in the point's unit; also when rejected: nothing is clipped or replaced
  Quality quality;
};

// Activity of one metering point within one quarter hour; (begin, end], at most 15 minutes, never across a quarter hour
// of the site's zone. Subject: a point.
struct EnergyInterval {
  Instant begin{};
  Instant end{};
  Activity amount;
  Duration covered{};  // how much of it was watched by readings no further apart than gap_max
  Quality quality;
};

// Emission of one account over one energy interval. Subject: an account.
struct EmissionEntry {
  Instant begin{};
  Instant end{};
  Activity amount;
  Co2e co2e;
  std::string factor_id;  // "" if none applied (quality: missing, no_factor)
  std::string factor_version;
  Duration covered{};
  Quality quality;
};

enum class Period : std::uint8_t { quarter_hour, hour, day, month, year };
inline constexpr std::size_t kPeriodCount = 5;

// Sum of one account's entries over one calendar period of the site's zone. Written when the period is complete: when
// the account's point has been read at or beyond its end. Subject: an account.
struct RollupRow {
  Period period = Period::quarter_hour;
  Instant begin{};
  Instant end{};
  Activity amount;
  Co2e co2e;
  Duration covered{};
  Quality quality;
};

// Where an account's running totals stand, every Site::live_every: what a live screen draws. Subject: an account.
struct RunningTotal {
  Instant at{};
  Activity amount;  // since the gateway's first reading
  Co2e co2e;
  double amount_per_hour = 0;  // present rate in display units per hour: kW for electricity
  double co2e_kg_per_hour = 0;
};

using RowBody = std::variant<JudgedReading, EnergyInterval, EmissionEntry, RollupRow, RunningTotal>;

using Subject = std::variant<PointId, AccountId>;

struct JournalRow {
  Subject subject;
  RowBody body;
};

// What a stored row is about, by name: it outlives the configuration that wrote it.
struct Series {
  std::string site;
  std::string device;
  std::string point;
  std::string unit;  // of the point
  std::string user;  // empty for a point's rows
  std::string user_name;
  std::string carrier;  // "electricity"; empty for a point that no account uses
  std::string region;   // of the account's factors
};

// A row as the store gives it back.
struct StoredRow {
  std::uint64_t sequence = 0;  // place in the journal, from 1, ascending, never used twice
  std::shared_ptr<const Series> series;
  RowBody body;
};

std::string_view to_string(Period period);  // "15min", "hour", "day", "month", "year"

}  // namespace carbongate::model

// Where the accounts stand: everything the pipeline must remember from one reading to the next. Committed in one
// transaction with the rows it led to, so that a crash counts nothing twice and forgets nothing.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "gateway/model/rows.h"

namespace carbongate::model {

// A part of a calendar period that is still open.
struct OpenPeriod {
  Instant begin{};
  Instant end{};
  Activity amount;
  Co2e co2e;
  Duration covered{};
  Quality quality;
};

struct PointState {
  std::optional<Instant> last_at;  // of the newest usable reading
  double last_value = 0.0;         // its value, in the point's unit

  // Cumulative points: the newest value counted, and a doubtful one that waits for the next readings to decide.
  std::optional<std::pair<Instant, Cumulative<Activity>>> baseline;
  std::optional<std::pair<Instant, Cumulative<Activity>>> pending;
  std::uint8_t doubts = 0;  // readings since `baseline` that decided nothing; 0 while nothing is pending
  std::optional<std::pair<Instant, Cumulative<Activity>>> abandoned;  // the baseline given up at the last reset
  std::optional<Instant> stands_since;                                // when the baseline's value was first read
  std::optional<Instant> settled_until;  // announced replacements up to here are in the baseline
  std::uint8_t falls = 0;                // small steps down in a row: from the third on the counter runs backwards
  Activity unbooked;  // how much it ran backwards in all: not booked, neither subtracted nor forgotten

  // Instantaneous powers: what integration left below one quantum, in quanta / remainder_scale of the energy stage.
  std::int64_t integration_remainder = 0;

  std::optional<OpenPeriod> open;  // the quarter hour in progress; its co2e is unused
};

struct AccountState {
  Activity amount;  // running totals since the first reading
  Co2e co2e;
  std::int64_t co2e_remainder = 0;  // below one milligram, in 1 / kFactorScale mg
  std::optional<Instant> live_at;   // of the last RunningTotal row
  double amount_per_hour = 0.0;
  double co2e_kg_per_hour = 0.0;
  std::array<std::optional<OpenPeriod>, kPeriodCount> open;
};

// A whole checkpoint: one state per point and per account, in the order of their ids.
struct Checkpoint {
  std::vector<PointState> points;
  std::vector<AccountState> accounts;
};

// What one call of the pipeline changed: rows to append and the states to replace.
struct Effects {
  std::vector<JournalRow> rows;
  std::vector<std::pair<PointId, PointState>> points;
  std::vector<std::pair<AccountId, AccountState>> accounts;

  bool empty() const { return rows.empty() && points.empty() && accounts.empty(); }
};

}  // namespace carbongate::model

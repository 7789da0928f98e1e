// Where the accounts stand: everything the pipeline must remember from one reading to the next. Committed in one
// transaction with the rows it led to, so that a crash counts nothing twice and forgets nothing.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gateway/model/live_factor.h"
#include "gateway/model/rows.h"
#include "gateway/model/station.h"

namespace carbongate::model {

// What a point did in the quarter hour in progress.
struct OpenInterval {
  Instant begin{};
  Instant end{};
  Activity amount;
  Duration covered{};
  Quality quality;
  friend bool operator==(const OpenInterval&, const OpenInterval&) = default;
};

// What an account did in a calendar period that is still open. Its emissions have their uncertainties from the first
// booking on.
struct OpenPeriod {
  Instant begin{};
  Instant end{};
  Activity amount;
  StandardCoal coal;
  PerBasis<Emitted> emitted;
  Duration covered{};
  Duration bridged{};  // as of an entry
  std::uint32_t valid_hours = 0;
  Quality quality;

  // Else only its begin is known.
  bool has_counted() const {
    return covered != Duration::zero() || amount != Activity{} || emitted != PerBasis<Emitted>{};
  }
  friend bool operator==(const OpenPeriod&, const OpenPeriod&) = default;
};

// What one basis of an account has emitted since the first reading, with what is left below a milligram, in
// 1 / kFactorScale mg: so no splitting of amounts changes a sum.
struct EmissionState {
  Emitted total;
  PerGas<std::int64_t> gas_remainders;
  std::int64_t co2e_remainder = 0;
  friend bool operator==(const EmissionState&, const EmissionState&) = default;
};

// Readings that came after newer ones of their point and are not restated yet, and values of a live factor that came
// after what its accounts had counted by another.
struct LateData {
  Instant earliest{};  // of them
  Instant
      affects_until{};  // end of the quarter hour that was open when the last of them came: nothing after it is touched
  std::uint32_t readings = 0;  // how many
  friend bool operator==(const LateData&, const LateData&) = default;
};

// Of a register that counts up: the newest value counted, and a doubtful one that waits for the next readings to
// decide.
// A reading of a counter that left its course, kept until it is known whether it comes back: counter.h.
struct CourseReading {
  std::pair<Instant, Cumulative<Activity>> shown;
  bool float32 = false;  // it and the one before are such as a 32-bit float has
  Quality quality;
  friend bool operator==(const CourseReading&, const CourseReading&) = default;
};

struct CounterState {
  std::optional<std::pair<Instant, Cumulative<Activity>>> baseline;
  std::optional<std::pair<Instant, Cumulative<Activity>>> pending;
  std::optional<Instant> pending_since;  // when the pending value was first read; without it, at `pending`
  std::uint8_t doubts = 0;               // readings since `baseline` that decided nothing; 0 while nothing is pending
  std::optional<std::pair<Instant, Cumulative<Activity>>> abandoned;  // the baseline given up at the last reset
  std::optional<Instant> stands_since;                                // when the baseline's value was first read
  std::optional<Instant> settled_until;  // announced replacements up to here are in the baseline
  std::uint8_t falls = 0;                // small steps down in a row: from the third on the counter runs backwards
  // What it showed last before the baseline's value, if the step between them was consumption: where it goes on if that
  // value was wrong. Without it, nothing that follows can say so.
  std::optional<std::pair<Instant, Cumulative<Activity>>> before;
  std::vector<CourseReading> course;  // since it left its course and another began; while that is pending
  Activity unbooked;                  // how much it ran backwards in all: not booked, neither subtracted nor forgotten
  friend bool operator==(const CounterState&, const CounterState&) = default;
};

// Of a derived point: one input that is counted or waited for.
struct DerivedInputState {
  std::string point;  // its full name: the state of another point is none of this one's

  // The derived point's own: its input need not be accounted at all.
  CounterState counter;
  double last_value = 0.0;

  Activity since;      // what it moved that is not part of the result yet
  bool heard = false;  // since the last result
  friend bool operator==(const DerivedInputState&, const DerivedInputState&) = default;
};

// A reading that a derived point follows, until the other inputs have been heard of that time too.
struct WaitingReading {
  Instant at{};
  double value = 0.0;
  Quality quality;
  Instant since{};  // when it was heard
  friend bool operator==(const WaitingReading&, const WaitingReading&) = default;
};

struct DerivedState {
  std::vector<DerivedInputState> inputs;
  Activity total;        // of a cumulative result, since the first reading
  double remainder = 0;  // what it left below one quantum; carried within the quarter hour
  Quality held;          // the worst of what is not part of the result yet
  bool begun = false;    // of a sum: there has been a result
  // Closed up to here without a result, for an input came too late: nothing is booked before it but by corrections.
  std::optional<Instant> closed_until;
  std::optional<WaitingReading> waiting;
  std::optional<Instant> made_until;  // the newest result, be it missing: an input of before it comes too late for it
  bool off = false;  // one did: so that result is not what it should be, nor what is counted from it on
  friend bool operator==(const DerivedState&, const DerivedState&) = default;
};

// Rejected readings that followed each other: no accepted one was taken between the first and the last.
struct RejectedRun {
  Instant first{};
  Instant last{};
  friend bool operator==(const RejectedRun&, const RejectedRun&) = default;
};

// What an input of derived points had said before its newest reading.
struct EarlierInput {
  Instant heard_at{};              // of the reading then newest, be it a value or one that withdrew it
  std::optional<Instant> last_at;  // the next three as in PointState
  double last_value = 0.0;
  Quality last_quality;
  bool withdrawn = false;
  friend bool operator==(const EarlierInput&, const EarlierInput&) = default;
};

struct PointState {
  std::optional<Instant> last_at;  // of the newest usable reading
  double last_value = 0.0;         // its value, in the point's unit
  Quality last_quality;
  std::optional<Instant> withdrawn_at;  // of the newest rejected reading since then; only where a derived point asks
  std::optional<EarlierInput> before;   // likewise, and not where it is only followed

  // Of an accounted point: rejected since what is counted for good, ascending. From each until the next accepted
  // reading nothing was watched: gateway/pipeline/unwatched.h.
  std::vector<RejectedRun> rejected;

  CounterState counter;  // of a cumulative point

  // Instantaneous powers: what integration rounded away within the quarter hour of `last_at`, in quanta /
  // remainder_scale of the energy stage.
  std::int64_t integration_remainder = 0;

  std::optional<OpenInterval> open;
  std::optional<LateData> late;
  std::optional<LiveFactorState> live;  // of a point that a live factor set hears

  DerivedState derived;  // of a derived point
  friend bool operator==(const PointState&, const PointState&) = default;
};

struct AccountState {
  Activity amount;  // running totals since the first reading
  StandardCoal coal;
  std::int64_t coal_remainder = 0;  // as in EmissionState
  PerBasis<EmissionState> emissions;
  std::optional<Instant> live_at;  // of the last RunningTotal row
  std::optional<Instant> since;    // as in RunningTotal, as are the next two
  Duration covered{};
  Quality quality;
  double amount_per_hour = 0.0;
  double co2e_kg_per_hour = 0.0;
  std::array<std::optional<OpenPeriod>, kPeriodCount> open;
  friend bool operator==(const AccountState&, const AccountState&) = default;
};

// What a watch of a user remembers of a calendar period, or of a part of what it looks back on.
struct AlertPeriod {
  Instant begin{};
  std::int64_t sum = 0;          // of the accounts that have closed it: quanta, milligrams, or milliseconds watched
  std::int64_t per = 0;          // of the product; without one, milliseconds that those did not watch
  std::uint32_t closed = 0;      // how many accounts have
  bool judged = false;           // once closed
  std::optional<Instant> since;  // of its alert that is over
  std::uint32_t published = 0;   // changes of that
  bool withdrawn = false;        // which was the last of them
  std::optional<std::int64_t> sum_then = {};  // quota_pace: the sum when its alert began, corrected

  // With a product: milliseconds that those did not watch, and those of the product; nullopt: begun by a gateway that
  // did not note it.
  std::optional<std::int64_t> unwatched = {};
  friend bool operator==(const AlertPeriod&, const AlertPeriod&) = default;
};

// Of one watch: where its alert stands.
struct AlertState {
  std::optional<Instant> holds_since;  // the condition holds, and no alert has been published for it
  std::optional<Instant> seen_at;      // of the value that it was last seen to hold by
  double value = 0;                    // that value
  std::optional<SummedTime> of;        // that it is a sum of
  std::optional<Duration> bridged;     // it holds so long; nullopt: as long as its subjects' gaps are bridged over
  bool held_back = false;              // an alert that it depends on fires
  std::optional<Instant> since;        // the alert that fires: it has the name of this time
  std::optional<Instant> fired_at;     // when it began to
  bool acknowledged = false;
  std::uint32_t published = 0;        // changes of the alert that fires
  std::uint32_t suppressed = 0;       // as in Alert
  std::optional<Instant> last_since;  // of the alert before: it is raised again, if one would begin no later
  std::uint32_t last_published = 0;
  std::optional<Instant> late_from;  // of a point: readings came late from here on, and were not held against the rule
  std::optional<Instant> begun;      // of missing data and coverage: from when on readings are expected
  std::vector<AlertPeriod> periods;  // ascending
  friend bool operator==(const AlertState&, const AlertState&) = default;
};

// Readings that were heard while nobody knew the time: in the journal, not counted, with stamps of a clock that ran on
// from wherever it stood. What that clock was off by is known once the time is, as long as the machine has not been
// restarted.
struct UnknownTime {
  std::uint64_t boot = 0;   // of the machine: io::Clock::boot()
  Instant begin{};          // what the clock showed then
  Duration base{};          // the clock less the machine's ticks
  std::uint64_t after = 0;  // they lie in the journal behind this sequence
  friend bool operator==(const UnknownTime&, const UnknownTime&) = default;
};

// A whole checkpoint: one state per point, account, watch and station, in the order of their ids.
struct Checkpoint {
  std::vector<PointState> points;
  std::vector<AccountState> accounts;
  std::vector<AlertState> alerts = {};
  std::vector<StationState> stations = {};
  std::optional<UnknownTime> unknown_time = {};  // there are such readings that have not been given their times yet

  // After damage: the states are those of this place of the journal. What lies behind it is booked, and not in them.
  std::optional<std::uint64_t> behind = {};
};

// Readings of one value that a counter believed, and that what followed has shown to be wrong: counter.h. What is
// counted between `from` and `decided` waits for restatement.
struct FoundWrong {
  PointId point{};
  Instant from{};  // of the last reading before them
  Instant first{};
  Instant last{};
  Instant decided{};
  friend bool operator==(const FoundWrong&, const FoundWrong&) = default;
};

// What one call of the pipeline changed: rows to append and the states to replace.
struct Effects {
  std::vector<JournalRow> rows;
  std::vector<std::pair<PointId, PointState>> points;
  std::vector<std::pair<AccountId, AccountState>> accounts;
  std::vector<std::pair<WatchId, AlertState>> alerts = {};
  std::vector<std::pair<StationId, StationState>> stations = {};
  std::optional<std::optional<UnknownTime>> unknown_time = {};  // as it is from now on; nullopt: as it was
  bool caught_up = false;                    // the states are those of the journal's end again: Checkpoint::behind
  std::vector<FoundWrong> found_wrong = {};  // to be told; the states say what follows from it

  bool empty() const {
    return rows.empty() && points.empty() && accounts.empty() && alerts.empty() && stations.empty() && !unknown_time &&
           !caught_up;
  }
};

}  // namespace carbongate::model

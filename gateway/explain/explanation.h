// Why a figure in the books is what it is: from the emission down to the bytes of a register. Plain data, which
// gateway/cli renders as text and JSON and which any other front may render in its own way.
//
// Figures are those of the store, in their exact integers; what is worked out here again comes as exact decimals in
// kilograms or in the carrier's display unit. Where something is not known any more, a text says what and why, and
// nothing is put in its place. Amounts are in the carrier's quantum, see gateway/model/carrier.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "drivers/api/device_plan.h"
#include "gateway/books/statement.h"
#include "gateway/ledger/seal.h"
#include "gateway/model/certificate.h"
#include "gateway/model/entry_name.h"
#include "gateway/model/factor.h"
#include "gateway/model/rows.h"
#include "gateway/model/site.h"
#include "gateway/pipeline/calendar.h"

namespace carbongate::explain {

// ---- corrections, and the place in the ledger

struct LedgerPlace {
  std::uint64_t number = 0;                // in the chain; 0: no part of it
  ledger::Hash hash{};                     // as recorded
  std::optional<ledger::Hash> before;      // the hash it is built on; nullopt: the entry before it cannot be read
  bool hash_fits = false;                  // SHA-256(before, line) is `hash`
  std::optional<ledger::SignedSeal> seal;  // the first that stands for it; nullopt: not sealed yet
  bool seal_genuine = false;               // signed by the key that it names
  std::string trouble;                     // what is wrong; empty: nothing
};

struct Revision {
  model::EmissionEntry entry;
  std::uint64_t sequence = 0;  // in the journal
  LedgerPlace ledger;
};

// ---- formula and factor

// amount x factor = product, to the last digit.
struct Product {
  std::string of;      // "CO2e", a gas, or "standard coal"
  std::string factor;  // kg per display unit of the carrier
  std::string exact;   // amount * factor, kg
  std::string booked;  // kg, without what stands beside
  std::string
      carried;        // booked - exact, kg: remainders below 1 mg that came from, or went to, the quarter hours around
  bool fits = false;  // `carried` is less than 1 mg for each revision
  std::string gwp;    // of a gas: what it counts as CO2e, "28"; empty: not known, or no gas
};

struct FactorUsed {
  std::string id;                             // as booked; empty: none applied
  std::string version;                        // as booked; of standard coal the books hold none
  std::string gwp_set;                        // as booked: "AR5"; empty: no gas but CO2, or not stated
  std::optional<model::Factor> factor;        // as the configuration has it now: of the same id and version
  bool former = false;                        // it is one that the configuration does not use now
  std::string missing;                        // why there is none
  std::optional<model::FactorChoice> choice;  // of the account, as configured now
  std::vector<std::string> lookup;            // how it was chosen, step by step
  std::optional<Instant> valid_until;         // also where only a newer one ends it
  std::optional<std::string> chosen_now;      // the id that the same question has for an answer now, if another one
};

enum class Result : std::uint8_t { primary, market, coal };

struct Formula {
  Result result = Result::primary;
  bool entered = false;  // of the amount that a person entered
  FactorUsed factor;
  model::Activity amount;         // that is multiplied
  std::uint32_t steps = 1;        // revisions whose amounts are in it
  std::vector<Product> products;  // CO2e or standard coal first, then each gas; empty: no factor
  std::string beside;             // kg that certificates added or took away; "0": nothing
};

// ---- the interval and its readings

struct ReadingUsed {
  Instant at{};
  double value = 0;        // in the point's unit, as stored; NaN: none
  model::Quality quality;  // as stored
  enum class Place : std::uint8_t { before, within, after } place = Place::within;
  // Counted again; nullopt: nothing is counted from this point, or it brought nothing to light.
  std::optional<model::Activity> moved;  // how much since `moved_since`
  std::optional<Instant> moved_since;
  std::optional<model::Activity> counted;  // how much of that in the interval
  std::optional<Instant> held_until;       // of a rate: all of that is of the value before it, which stood until then
  std::optional<double> repaired;          // what a repair makes of it: what its bytes are by the decoding of now
  std::optional<std::string> bytes;        // "47 8e 6a 00": re-encoded from the value; of a NaN as they were read
  std::string bytes_missing;               // why there are none, of a register
};

// A time that was not watched, for the readings in it were rejected: from the first of them to the next accepted one.
struct Unwatched {
  Instant from{};
  Instant until{};
  std::map<model::Rule, std::size_t> rejected;  // how many, by the rule that did; of a sum those of its terms
};

// What is in force beside what is counted from readings: a substitute, or what a person entered.
struct BesideReadings {
  model::Cause cause{};
  model::Activity amount;
  std::string note;  // of the newest revision of that cause
};
inline model::Activity sum_of(const std::vector<BesideReadings>& beside) {
  model::Activity sum;
  for (const BesideReadings& one : beside) sum += one.amount;
  return sum;
}

struct DerivedUsed;

struct PointUsed {
  std::string device;
  std::string point;
  std::string unit;              // of the stored values
  std::optional<Kind> kind;      // nullopt: the configuration has no such point any more
  std::string missing;           // what is not known, and why; empty: all is
  std::optional<Origin> origin;  // where its values come from; nullopt: from no device, or not known
  std::vector<std::string>
      notes;  // ratio of transformers, exchanges, repairs: what else stands between value and amount
  std::vector<ReadingUsed> readings;  // ascending; at most as many within as were asked for
  std::uint64_t readings_within = 0;  // in (begin, end]
  std::uint64_t left_out = 0;         // of them, from the middle
  bool dropped =
      false;  // the store has dropped readings, and none from before the interval is left: nothing is counted
  bool worked_out = false;  // of a derived point: `readings` are not the stored ones, but what a correction made of the
                            // readings of its inputs, a counter from 0 on; its inputs are those that it counted
  std::optional<model::Activity> counted;      // what the stored readings, counted again, give for the interval
  std::vector<BesideReadings> beside;          // with `counted` what is known
  std::vector<Unwatched> unwatched;            // that reach into the interval, ascending
  std::shared_ptr<const DerivedUsed> derived;  // of a derived point
};

struct InputUsed {
  std::string role;   // "temperature"
  double weight = 1;  // of a term
  double value = 0;   // in `unit`
  std::string unit;
  std::optional<Instant> at;               // nullopt: a constant
  std::optional<double> moved;             // of a counter: since the result before
  std::shared_ptr<const PointUsed> point;  // its values at these two instants; nullptr: a constant
};

struct FigureUsed {
  std::string name;
  double value = 0;
  std::string unit;
};

// One result of a derived point: the last within the interval.
struct DerivedUsed {
  std::string formula;  // "gas-at-reference"
  std::string text;     // "volume x 273.15/(273.15+t) x p/101325 / Z"
  Instant at{};
  std::optional<double> result;  // as stored, or worked out by a correction
  std::optional<double> moved;   // of a counter: since the result before
  std::string unit;
  std::vector<InputUsed> inputs;
  std::vector<FigureUsed> figures;  // intermediate ones, in the order of the calculation
  std::optional<double> computed;   // the same worked out again: to be held against `moved`, else `result`
  std::string missing;              // why there are no figures
};

// ---- the whole

struct Explanation {
  model::EntryName name;                          // of the newest revision explained
  model::Series series;                           // as stored
  const model::Carrier* carrier = nullptr;        // static storage
  bool one_revision = false;                      // asked for by its number: `known` is the state with that one
  std::vector<Revision> revisions;                // ascending; also later ones
  std::optional<model::EmissionEntry> published;  // revision 0; nullopt: nothing was published in time
  model::EmissionEntry known;                     // sum of the revisions explained; quality and factors of the newest
  std::vector<Formula> formulas;                  // of `known`
  std::optional<model::MeterDescription> meter;   // as configured now
  std::optional<std::int32_t> activity_u95_ppm;   // as configured now; nullopt: no such account any more
  std::string account_missing;                    // what of the account is not known any more; empty: it is there
  std::string gwp_set;                            // by which `known` was booked: "AR5"; empty: CO2 alone, or not stated
  std::optional<model::EnergyInterval> interval;  // as first counted; nullopt: not in the store
  PointUsed point;
  std::vector<model::Certificate>
      certificates;  // for this user and carrier, generated or delivered in a time that holds it
};

// ---- a period: the sum, and what it consists of

struct BreakdownLine {
  std::string name;      // to be explained further: an entry without its revision, "press-shop@2026-01-03"...
  model::Series series;  // of accounts and entries
  const model::Carrier* carrier = nullptr;
  Instant begin{};
  Instant end{};
  std::uint64_t entries = 0;
  std::uint32_t revisions = 1;  // of one entry
  std::int64_t accounts = 1;    // that it is the sum of
  std::string part_of;          // of the site: the user in whose consumption it is contained, so that no total has it
  model::EmissionEntry sum;     // amounts only of accounts and entries; `covered` adds up over accounts

  model::Co2e first;                              // as first published
  std::optional<books::Uncertainty> uncertainty;  // as a statement has it; nullopt: of this no statement has a line

  Duration watchable() const { return (end - begin) * accounts; }
};

struct Breakdown {
  std::string name;
  model::Period period = model::Period::day;
  pipeline::Span span;
  BreakdownLine total;                  // of what is consumed and emitted, or of one account
  std::optional<model::Flow> beside;    // nothing is, all is of this flow: `total` is its sum, and in no total
  model::Co2e market;                   // market-based; where there is no such result the other one
  std::vector<BreakdownLine> users;     // of the site: by CO2e, largest first
  std::vector<BreakdownLine> accounts;  // by CO2e, largest first
  std::vector<BreakdownLine> parts;     // of a year its months, of a month its days; by time
  std::vector<BreakdownLine> entries;   // largest first, as many as asked for

  // Of a user or its carrier: what users that are part of it consume, and what is left, as `carbongate statement` has
  // it; and in whose consumption its own is.
  std::vector<books::Allocation> allocations;
  std::vector<model::Containment> part_of;
};

using Answer = std::variant<Explanation, Breakdown>;

}  // namespace carbongate::explain

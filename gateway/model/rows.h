// What the journal holds and a sink gets. A row is a subject (a point, an account, a watch or a station) and a body.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "drivers/api/point.h"
#include "gateway/model/account.h"
#include "gateway/model/alert.h"
#include "gateway/model/cause.h"
#include "gateway/model/emitted.h"
#include "gateway/model/quality.h"
#include "gateway/model/quantity.h"
#include "gateway/model/station.h"

namespace carbongate::model {

// A value as read, judged. Subject: a point.
struct JudgedReading {
  Instant at{};
  double value = 0.0;  // in the point's unit; also when rejected: nothing is clipped or replaced
  Quality quality;
  friend bool operator==(const JudgedReading&, const JudgedReading&) = default;
};

// Activity of one metering point within one quarter hour; (begin, end], at most 15 minutes, never across a quarter hour
// of the site's zone. Subject: a point.
struct EnergyInterval {
  Instant begin{};
  Instant end{};
  Activity amount;
  Duration covered{};  // how much of it was watched by accepted readings within gap_max
  Quality quality;
  friend bool operator==(const EnergyInterval&, const EnergyInterval&) = default;
};

// One basis of an entry: what was emitted, and by which factor.
struct Emission {
  Emitted emitted;
  std::string factor_id;  // "" if none applied
  std::string factor_version;
  std::string gwp_set = {};  // by which its gases were added up: "AR5"; "" where CO2 alone is in it, or nobody noted it
  friend bool operator==(const Emission&, const Emission&) = default;
};

struct Correction {
  Cause cause = Cause::manual;
  std::string note;  // for people: "cn-grid 2025-12-31 -> 2026-12-31"
  Instant booked_at{};

  // Of a restatement: it considered the readings of the journal up to there. No part of what the entry says, and not in
  // its hash; 0: not noted.
  std::uint64_t readings_through = 0;

  friend bool operator==(const Correction&, const Correction&) = default;
};

// Emission of one account over one energy interval. Subject: an account. Its name in the books is account, begin and
// revision; what was published is never changed: a correction is a further entry with the next revision, which holds
// the differences. Σ over the revisions is what is known now. Quality, coverage and factors of a correction are the new
// ones.
struct EmissionEntry {
  Instant begin{};
  Instant end{};
  Activity amount;
  StandardCoal coal;
  std::string coal_factor_id;  // "" if none applied
  Emission primary;
  std::optional<Emission> market;  // of accounts with a market-based result
  Duration covered{};
  Duration bridged{};  // not watched, and part of the amount all the same: rejected readings between accepted ones
  Quality quality;
  std::uint32_t revision = 0;            // 0: as first published
  std::optional<Correction> correction;  // from revision 1 on

  // Its line in the ledger names what contains it: of all that are booked now. False: stored before it did.
  bool names_part_of = true;
  friend bool operator==(const EmissionEntry&, const EmissionEntry&) = default;
};

enum class Period : std::uint8_t { quarter_hour, hour, day, month, year };
inline constexpr std::size_t kPeriodCount = 5;

// By the site's ValidityRules: of hours and days. Stable numbers: they are stored.
enum class Validity : std::uint8_t { not_judged = 0, valid = 1, invalid = 2 };
std::string_view to_string(Validity validity);  // "", "valid", "invalid"

// Sum of one account's entries over one calendar period of the site's zone. Written when the period is complete: when
// the account's point has been read at or beyond its end. Subject: an account.
struct RollupRow {
  Period period = Period::quarter_hour;
  Instant begin{};
  Instant end{};
  Activity amount;
  StandardCoal coal;
  PerBasis<Emitted> emitted;
  Duration covered{};
  std::uint32_t valid_hours = 0;  // of a day and longer periods
  Validity validity = Validity::not_judged;
  Quality quality;
  std::uint32_t revision = 0;  // 0: as first published; n: with the corrections known at its n-th revision
  friend bool operator==(const RollupRow&, const RollupRow&) = default;
};

// Where an account's running totals stand, every Site::live_every: what a live screen draws. Subject: an account.
struct RunningTotal {
  Instant at{};
  Activity amount;  // of (since, at]
  PerBasis<Co2eWithin> emitted;
  double amount_per_hour = 0;  // present rate in display units per hour: kW for electricity
  double co2e_kg_per_hour = 0;
  std::optional<Instant> since;  // of the first reading; nullopt: begun by a program that did not note it
  Duration covered{};            // how much of it was watched; means nothing without `since`
  Quality quality;               // the worst that was ever booked; a correction does not take it back
  friend bool operator==(const RunningTotal&, const RunningTotal&) = default;
};

// One of the above. Nearly all rows are readings, so the large ones lie on the heap: a row takes 64 bytes, not the 600
// of an entry. A value: copies are deep.
class RowBody {
 public:
  RowBody() = default;
  template <class T>
    requires(!std::same_as<std::remove_cvref_t<T>, RowBody>)
  RowBody(T&& body) : body_(Held<std::remove_cvref_t<T>>(std::forward<T>(body))) {}  // NOLINT: any row is a body

  // nullptr: it is another one.
  template <class T>
  const T* get_if() const {
    if constexpr (kLarge<T>) {
      const auto* held = std::get_if<Boxed<T>>(&body_);
      return held ? &held->value() : nullptr;
    } else {
      return std::get_if<T>(&body_);
    }
  }
  template <class T>
  T* get_if() {
    return const_cast<T*>(std::as_const(*this).template get_if<T>());
  }
  // Throws std::bad_variant_access if it is another one.
  template <class T>
  const T& get() const {
    const T* held = get_if<T>();
    return held ? *held : throw std::bad_variant_access();
  }
  template <class T>
  T& get() {
    return const_cast<T&>(std::as_const(*this).template get<T>());
  }
  // Calls `f` with what it is.
  template <class F>
  decltype(auto) visit(F&& f) const {
    return std::visit(
        [&f](const auto& held) -> decltype(auto) {
          if constexpr (requires { held.value(); }) {
            return f(held.value());
          } else {
            return f(held);
          }
        },
        body_);
  }
  // 0 JudgedReading, 1 EnergyInterval, 2 EmissionEntry, 3 RollupRow, 4 RunningTotal, 5 Alert, 6 Report
  std::size_t index() const { return body_.index(); }
  static constexpr std::size_t kCount = 7;

  friend bool operator==(const RowBody&, const RowBody&) = default;

 private:
  template <class T>
  class Boxed {
   public:
    explicit Boxed(T value) : value_(std::make_unique<T>(std::move(value))) {}
    Boxed(const Boxed& other) : value_(std::make_unique<T>(*other.value_)) {}
    Boxed(Boxed&&) noexcept = default;  // what was moved from may only be assigned to or destroyed
    Boxed& operator=(const Boxed& other) {
      value_ = std::make_unique<T>(*other.value_);
      return *this;
    }
    Boxed& operator=(Boxed&&) noexcept = default;
    ~Boxed() = default;
    const T& value() const { return *value_; }
    friend bool operator==(const Boxed& a, const Boxed& b) { return *a.value_ == *b.value_; }

   private:
    std::unique_ptr<T> value_;
  };
  template <class T>
  static constexpr bool kLarge = sizeof(T) > 64;
  template <class T>
  using Held = std::conditional_t<kLarge<T>, Boxed<T>, T>;

  std::variant<JudgedReading, EnergyInterval, Boxed<EmissionEntry>, Boxed<RollupRow>, Boxed<RunningTotal>, Boxed<Alert>,
               Report>
      body_;
};

using Subject = std::variant<PointId, AccountId, WatchId, StationId>;

struct JournalRow {
  Subject subject;
  RowBody body;
};

// What a stored row is about, by name: it outlives the configuration that wrote it.
struct Series {
  std::string site;
  std::string device;  // of a report its station; then point, user and rule are empty
  std::string point;
  std::string unit;  // of the point
  std::string user;  // empty for a point's rows
  std::string user_name;
  std::string carrier;  // "electricity"; empty for a point that no account uses
  std::string region;   // of the account's factors
  Scope scope = Scope::none;
  Flow flow = Flow::consumed;
  std::string part_of = {};  // the user in whose consumption the account's is contained; empty: in none
  std::string rule = {};     // of an alert; then device, point and user are those it is about; else empty
};

// A row as the store gives it back.
struct StoredRow {
  std::uint64_t sequence = 0;  // place in the journal, from 1, ascending, never used twice
  std::shared_ptr<const Series> series;
  RowBody body;
};

std::string_view to_string(Period period);  // "15min", "hour", "day", "month", "year"

}  // namespace carbongate::model

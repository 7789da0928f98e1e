// A station of a supervisory platform (监控点): which points its factors are measured by, and what is reported of them.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "drivers/api/point.h"

namespace carbongate::model {

// Index of a station in the site's configuration: dense, from 0. The store keeps stations by name.
enum class StationId : std::uint32_t {};
constexpr std::size_t index(StationId id) {
  return static_cast<std::size_t>(id);
}

struct StationFactor {
  // How amounts come out of the values of `amount`.
  enum class Amounts : std::uint8_t { differences, integrals, sums };

  std::string code;                // "a05001", of HJ 212-2017 appendix B or the site's own
  std::optional<PointId> point;    // Rtd, Min, Avg, Max
  std::optional<PointId> reduced;  // the same converted to reference oxygen: ZsRtd, ZsMin, ZsAvg, ZsMax
  std::optional<PointId> amount;   // Cou
  double scale = 1;                // from the point's unit to that of the factor
  double reduced_scale = 1;
  double amount_scale = 1;  // to the amount's unit; of a rate: of what flows in a millisecond
  Amounts amounts = Amounts::differences;
  Duration gap_max{};          // a rate is not integrated over more than this
  Duration amount_interval{};  // readings of `amount` come so far apart; zero: not known
  Duration fresh{};            // a value older than this is none at an instant; zero: than Station::real_time
  std::uint8_t decimals = 2;
  std::uint8_t amount_decimals = 2;
};

struct Station {
  StationId id{};
  std::string name;                    // "stack-1"
  Duration real_time{30'000};          // one report each
  Duration minute{600'000};            // length of a minute report's period: divides an hour
  Duration wait{30'000};               // in data time: for factors that are behind the others
  std::uint32_t minute_instants = 12;  // valid ones, without which a mean of minutes is none (HJ 212-2017, D.2)
  std::uint32_t hour_percent = 75;     // of the minute means of an hour that must be valid: 45 of 60
  std::uint32_t day_hours = 20;        // valid ones, without which a mean of a day is none
  bool any_abnormal = false;           // waste water: one value that is not normal makes the period so
  std::vector<StationFactor> factors;
  Instant from = Instant::min();  // of what is computed again: minutes that begin in [from, until), and no instants
  Instant until = Instant::max();
};

// Stable numbers: they are stored.
enum class ReportKind : std::uint8_t { real_time = 1, minute = 2, hour = 3, day = 4 };
inline constexpr std::size_t kReportKindCount = 4;
std::string_view to_string(ReportKind kind);  // "real-time", "minute", "hour", "day"

// What is measured of one factor, in its unit. Absent: there is none.
struct ReportFigures {
  std::optional<double> value;  // of the instant, or the mean of the period
  std::optional<double> min;    // of a period
  std::optional<double> max;
  friend bool operator==(const ReportFigures&, const ReportFigures&) = default;
};

struct ReportValue {
  std::string code;
  ReportFigures figures;
  ReportFigures reduced;  // to reference oxygen
  std::optional<double> amount;
  bool has_reduced = false;  // of a factor that is converted, also if that was not possible
  char flag = 'N';           // HJ 212-2017, table 8
  std::uint32_t valid = 1;   // of the next finer values
  std::uint32_t total = 1;   // as many there were
  std::uint8_t decimals = 2;
  std::uint8_t amount_decimals = 2;
  friend bool operator==(const ReportValue&, const ReportValue&) = default;
};

// What is reported of a station: one packet, one receipt. Subject: a station. Its name is station, kind and begin.
struct Report {
  ReportKind kind = ReportKind::real_time;
  Instant begin{};  // of an instant: it
  Instant end{};
  std::vector<ReportValue> values;  // not empty; in the order of the station's factors
  std::uint32_t revision = 0;
  friend bool operator==(const Report&, const Report&) = default;
};

// The last value of a point that counts.
struct StationReading {
  Instant at{};
  double value = 0;
  char flag = 'N';
  friend bool operator==(const StationReading&, const StationReading&) = default;
};

// An instant that is not reported yet: the newest value of each factor at it.
struct OpenInstant {
  Instant at{};
  std::vector<std::optional<StationReading>> values;  // by factor, the reduced ones behind them
  friend bool operator==(const OpenInstant&, const OpenInstant&) = default;
};

// What a period has so far, of one factor.
struct ReportSum {
  double sum = 0;  // of valid values
  double min = 0;
  double max = 0;
  double reduced_sum = 0;
  double reduced_min = 0;
  double reduced_max = 0;
  double amount = 0;
  std::uint32_t valid = 0;
  std::uint32_t stopped = 0;  // of the valid ones: the plant did not run
  std::uint32_t total = 0;
  std::uint32_t reduced = 0;  // valid reduced values
  std::uint32_t amounts = 0;
  friend bool operator==(const ReportSum&, const ReportSum&) = default;
};

struct OpenReport {
  Instant begin{};
  std::vector<ReportSum> sums;  // by factor
  friend bool operator==(const OpenReport&, const OpenReport&) = default;
};

// What was measured then came after its minute was told, or after newer values: the periods of it are computed again
// from the stored readings.
struct LateReports {
  Instant from{};
  Instant until{};             // that one included
  std::uint32_t readings = 0;  // how many
  friend bool operator==(const LateReports&, const LateReports&) = default;
};

struct StationState {
  std::vector<std::optional<StationReading>> latest;  // by factor, the reduced ones behind them, then the amounts'
  std::vector<OpenInstant> instants;                  // ascending
  std::optional<Instant> instants_through;            // reported
  std::vector<OpenReport> minutes;                    // ascending
  std::optional<Instant> minutes_until;               // reported
  std::optional<OpenReport> hour;
  std::optional<OpenReport> day;
  std::optional<Instant> begun;     // since when it is watched; nullopt: it was heard before anybody looked
  std::optional<LateReports> late;  // not computed again yet
  friend bool operator==(const StationState&, const StationState&) = default;
};

}  // namespace carbongate::model

// What one station reports, for one call of Reports: what readings add to open periods is in reporter.cc, what closes
// them in reporter_periods.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "gateway/model/station.h"
#include "gateway/pipeline/calendar.h"
#include "gateway/pipeline/reports.h"

namespace carbongate::pipeline {

// The slots of StationState::latest: a factor's values, behind them the reduced ones, behind those the amounts'.
class Reporter {
 public:
  // All outlive it.
  Reporter(const model::Station& station, Calendar& calendar, model::StationState& state, const Reports::Emit& emit)
      : station_(station), factors_(station.factors), calendar_(calendar), state_(state), emit_(emit) {}

  // `ratio`: of the transformers at that time.
  void take(const Reports::Heard& heard, double ratio);

  // What came after newer values: what a counter moved by it is known now, all else when it is computed again.
  void take_late(const Reports::Heard& heard);

  bool watch(Instant now);
  bool pass(Instant now);

 private:
  enum class By : std::uint8_t { data, clock };  // what closes minutes
  // How much of an amount came before an instant, in the amount's unit.
  using Until = std::function<double(Instant)>;

  void begin_with(Instant at);
  void end_silence(std::optional<Instant> newest, Instant at);
  std::optional<Instant> newest() const;
  void note(std::size_t slot, const model::StationReading& reading);
  void note_amount(std::size_t i, const model::StationReading& reading);
  void add_moved(std::size_t i, const Reports::Heard& heard);
  void spread(std::size_t i, Instant begin, Instant end, const Until& until);
  void add_amount(std::size_t i, Instant at, double amount);
  void add_unwatched(std::size_t i, Instant end, double amount);
  void add_to_open_periods(std::size_t i, Instant at, double amount);
  bool note_late(Instant at);
  // What is computed again is closed when all of it is there.
  bool is_played() const { return station_.from != Instant::min(); }
  bool is_reported_here(Instant at) const { return station_.from <= at && at < station_.until; }
  Instant minute_begin(Instant at) const;
  model::OpenInstant* instant_of(Instant at);
  model::OpenReport* minute_of(Instant at);

  bool told_through(Instant until) const;
  Instant closed_until(Instant at) const;
  bool is_passed(Instant at) const;
  Instant told_until(Instant heard, By by) const;
  bool has_point(std::size_t slot) const;
  void close_what_is_over();
  void close_instants(Instant heard);
  void report(const model::OpenInstant& instant);
  model::ReportValue begin_value(std::size_t i) const;
  void close_minutes(Instant heard, By by);
  void tell_silent_minutes(Instant until);
  bool is_silent(std::size_t i, Instant begin) const;
  void close_minute(const model::OpenReport& minute, Instant end);
  void close_hour();
  void close_day();
  void add(std::optional<model::OpenReport>& to, Instant begin, const model::OpenReport& part,
           const model::Report& made) const;
  model::OpenReport open(Instant begin) const;
  model::Report report(model::ReportKind kind, const model::OpenReport& period, Instant end,
                       const model::OpenReport* before = nullptr) const;
  char flag_of(model::ReportKind kind, const model::ReportSum& sum) const;

  const model::Station& station_;
  const std::vector<model::StationFactor>& factors_;
  Calendar& calendar_;
  model::StationState& state_;
  const Reports::Emit& emit_;
};

// In ReportSum::amounts, above the count: some of it came together over a silence.
inline constexpr std::uint32_t kOverSilence = 1U << 31;

// Of HJ 212: the value counts for means.
constexpr bool is_valid_flag(char flag) {
  return flag == 'N' || flag == 'F';
}

}  // namespace carbongate::pipeline

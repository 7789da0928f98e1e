// The machinery behind Pipeline, in files by what they do: what becomes of a reading in pipeline.cc, what is late in
// late_readings.cc, what movements add to the accounts in booking.cc.
#pragma once

#include <array>
#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "gateway/pipeline/alerts.h"
#include "gateway/pipeline/calendar.h"
#include "gateway/pipeline/deriver.h"
#include "gateway/pipeline/due.h"
#include "gateway/pipeline/emission.h"
#include "gateway/pipeline/energy.h"
#include "gateway/pipeline/late_inputs.h"
#include "gateway/pipeline/live_factors.h"
#include "gateway/pipeline/pipeline.h"
#include "gateway/pipeline/quality.h"
#include "gateway/pipeline/reports.h"
#include "gateway/pipeline/rollup.h"

namespace carbongate::pipeline {

inline constexpr std::size_t kQuarter = 0;

// Which subjects changed during one call, each noted once.
class Changed {
 public:
  explicit Changed(std::size_t count) : noted_(count, false) {}
  void note(std::size_t index) {
    if (noted_[index]) return;
    noted_[index] = true;
    list_.push_back(index);
  }
  template <class F>
  void take(F&& f) {
    for (const std::size_t i : list_) {
      noted_[i] = false;
      f(i);
    }
    list_.clear();
  }

 private:
  std::vector<bool> noted_;
  std::vector<std::size_t> list_;
};

class Pipeline::Engine {
 public:
  Engine(const model::Site& site, const FactorRegistry& factors, model::Checkpoint restored, Order order);

  model::Effects ingest(std::span<const Batch> batches, Instant now);
  model::Effects keep_apart(std::span<const Batch> batches);
  model::Effects correct(std::span<const model::Amendment> amendments, std::span<const model::AccountRollup> rollups,
                         std::span<const model::LateDataSettled> restated);
  void resume(Instant now, const std::map<std::string, std::string>& sources);
  void begin_restating(PointId point) { late_since_.at(index(point)).reset(); }
  model::Effects pass(Instant now, bool all_taken_in);
  model::Effects tell(model::WatchId watch, double value, const std::string& note, Instant at);
  std::vector<LateWatch> late_watches() const { return alerts_.late(); }
  model::Effects told_late(std::span<const LateJudgement> judgements);
  std::vector<LateStation> late_stations() const;
  model::Effects told_late(std::span<const LateReportJudgement> judgements);
  model::Effects acknowledge(const std::string& alert, const std::string& by, const std::string& note, Instant at);
  const model::Checkpoint& state() const { return state_; }
  const Statistics& statistics() const { return statistics_; }
  std::optional<Instant> counted_until(PointId point) const {
    const auto& meter = points_.at(index(point)).meter;
    const model::PointState& state = state_.points[index(point)];
    return meter ? std::max(meter->counted_until(state), state.derived.closed_until) : std::nullopt;
  }

 private:
  struct AccountRules {
    const model::Account* account;
    AccountFactors factors;
    model::Co2e co2e_before;  // the movement being booked
  };
  struct PointRules {
    QualityRules quality;
    std::optional<EnergyMeter> meter;     // nullopt: no account uses the point, its readings are only recorded
    std::optional<EnergyMeter> reported;  // of a counter that no account uses: for stations and rules
    double quanta_per_unit = 1;           // of either meter
    std::vector<std::size_t> accounts;
    Instant next_close = Instant::max();  // earliest end of an open period of the point or its accounts
  };

  model::Effects take_effects();
  void place_late(const Reading& reading, const Counted& counted);
  void take_back(PointId point, std::span<const Withdrawn> withdrawn, Instant decided);
  void learn_live_factor(const Reading& reading);
  bool note_late(PointId point, Instant at);
  void note_late(PointId point, Instant at, Instant until);
  bool note_out_of_order(PointId input, Instant at);
  bool note_made_without(PointId input, Instant at, bool is_value);
  bool is_made_without(std::uint32_t derived, PointId input, Instant at, bool is_value) const;
  bool note_off(PointId result, Instant at);
  void settle_late(const model::LateDataSettled& settled);
  void note_made(const Reading& result, std::optional<Instant> before);
  void note_after_silence(const Reading& result, Instant before);
  void close_what_was_missed(const Reading& reading);
  void attach(const model::Account& account, const model::Site& site);
  void judge_counters(const model::Site& site);
  void ingest_one(const Reading& reading, Instant heard, Instant now, model::Quality given = {},
                  std::optional<Instant> waited_since = {});
  void withdraw(const Reading& reading, model::Quality quality);
  void leave_unwatched(PointId id, Instant at);
  void settle_rejected(const Reading& reading);
  bool derive_what_is_due(Instant heard, Instant now);
  void make_what_waited(Instant heard, Instant now);
  void record(const Reading& reading, model::Quality quality);
  void report(const Reading& reading, const Counted& counted, Instant now);
  void tell_silent_minutes(Instant now);
  void account_for(std::size_t point, const Counted& counted);
  void book(std::size_t point, const Movement& movement);
  void book_span(std::size_t point, const Movement& movement, Instant begin, Instant end);
  void book_account(std::size_t account, Booking booking);
  void mark_ends(std::size_t point, const Movement& movement, Instant first);
  void note_rates(std::size_t point, const Movement& movement);
  void close_until(std::size_t point, Instant until);
  void note_unknown(std::size_t point);
  void close_account(std::size_t account, Instant until, bool ends_unknown);
  void publish_entry(std::size_t account);
  static void state_uncertainty_as(const model::Emitted& stated, model::Basis basis, model::AccountState& account);
  void note_next_close(PointRules& rules, const model::PointState& point) const;
  static void begin_totals(model::AccountState& account, Instant at);
  model::RunningTotal running_total(std::size_t index, Instant at) const;
  void show_progress(std::size_t point, Instant at);

  template <class Body>
  void emit_row(model::Subject subject, Body&& body) {
    rows_.push_back({subject, std::forward<Body>(body)});
  }

  Duration live_every_;
  model::ValidityRules validity_;
  Calendar calendar_;
  LiveFactors live_factors_;
  std::vector<PointRules> points_;
  std::vector<AccountRules> accounts_;
  model::Checkpoint state_;
  Deriver deriver_;
  Due due_;
  LateInputs late_inputs_;
  Statistics statistics_;
  std::vector<model::JournalRow> rows_;
  std::vector<model::FoundWrong> found_wrong_;
  Alerts alerts_;
  std::vector<std::optional<model::LateData>> late_since_;  // by point: noted since begin_restating()
  std::vector<Instant> silence_noted_until_;                // by point: how far note_after_silence() last said
  Changed changed_points_;
  Changed changed_accounts_;
  Reports reports_;
  std::vector<std::optional<Instant>> stations_heard_;  // by station: when anything came of it, in this run
  Changed changed_stations_;
};

}  // namespace carbongate::pipeline

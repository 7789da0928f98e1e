// The accounts: readings in, rows and new states out. Pure: time is an argument, and the same readings give the same
// rows however they are grouped into batches and calls. Only a batch that has inputs of derived points is taken in by
// the times of its readings. What such a point needs of one instant may come in several batches, as far apart as it
// waits (Derived::wait).
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "drivers/api/reading.h"
#include "gateway/model/amendment.h"
#include "gateway/model/checkpoint.h"
#include "gateway/model/site.h"
#include "gateway/pipeline/factor_registry.h"
#include "gateway/pipeline/late_alerts.h"
#include "gateway/pipeline/late_reports.h"

namespace carbongate::pipeline {

// Counted since the pipeline was made.
struct Statistics {
  std::uint64_t readings = 0;
  std::uint64_t rejected = 0;  // with origin `missing`; each one is in the journal all the same
  std::array<std::uint64_t, model::kRuleCount> by_rule{};  // readings, by the rule in their judgement; index: Rule
  std::array<std::uint64_t, model::kRuleCount> rejected_by_rule{};
  std::uint64_t intervals = 0;
  std::uint64_t entries = 0;
  std::uint64_t entries_without_factor = 0;         // by their rules: no_factor,
  std::uint64_t entries_without_coal_factor = 0;    // no_coal_factor,
  std::uint64_t entries_without_market_factor = 0;  // and no_market_factor: the next of the hierarchy stands in
  std::uint64_t late_factor_values = 0;  // of live factors, heard when a quarter hour they hold for was counted already
  std::uint64_t late_rejected = 0;       // rejected readings of a time that was counted already
  std::uint64_t late_inputs = 0;         // readings that came behind what had been derived without them
  std::uint64_t late_for_alerts = 0;     // readings in their order that are behind others of their device or user
  std::uint64_t found_wrong = 0;         // values that were counted, and found wrong by those that followed
};

class Pipeline {
 public:
  // `site` and `factors` outlive the pipeline; `factors` was loaded for the site's time zone, so that no factor begins
  // in the middle of a quarter hour. `restored` may hold fewer points and accounts than the site: those missing start
  // empty.
  //
  // Throws std::invalid_argument for what a checked configuration does not contain: an unknown time zone, an account
  // whose point does not measure its carrier, two accounts that count one point in different quanta.
  // `order` of_time: all readings come in the order of their times, those of one instant in one batch, as in a history:
  // derived points need not wait for any.
  enum class Order : std::uint8_t { as_heard, of_time };
  Pipeline(const model::Site& site, const FactorRegistry& factors, model::Checkpoint restored,
           Order order = Order::as_heard);
  ~Pipeline();
  Pipeline(Pipeline&&) noexcept;
  Pipeline& operator=(Pipeline&&) noexcept;

  // What the readings change. Every reading becomes a row, also a rejected one. Each point and account that changed is
  // in the effects once, as it stands after the last reading.
  model::Effects ingest(std::span<const Batch> batches, Instant now);

  // The rows of readings that were heard while nobody knew the time: kept, and not counted. No state changes.
  model::Effects keep_apart(std::span<const Batch> batches);

  // Books corrections of closed quarter hours: their entries, running totals and open periods, and every closed rollup
  // that contains them, revised. `rollups`: the stored ones that contain a corrected quarter, as known now; one that is
  // missing there was never published, and begins with what the corrections bring. And their parts (the quarter hours
  // of days, days of months, months of years): where those are all there, the quality is judged again. `restated`:
  // points whose late data are settled by this, with what was known of them; more that came since stays open, of which
  // begin_restating() has the pipeline know how far back it reaches.
  model::Effects correct(std::span<const model::Amendment> amendments, std::span<const model::AccountRollup> rollups,
                         std::span<const model::LateDataSettled> restated);

  // The late data of the point, as they are known now, are about to be restated.
  void begin_restating(PointId point);

  // The gateway has begun to listen, or listens again: what was to be heard meanwhile may be on its way still, and what
  // has not been heard yet is not decided by time alone while it may be. `sources`: of each device, as in its batches.
  void resume(Instant now, const std::map<std::string, std::string>& sources);

  // What time alone changes: alerts and reports of what is not heard, alerts of what lasts, results of derived points
  // that waited for an input. `now`: as the clock shows it; less than before is the same as before. For alerts ingest()
  // passes to the times of its readings, for what waits to those at which they were received. `all_taken_in`: no
  // reading was received that is still to come here; else what waits may wait for it.
  model::Effects pass(Instant now, bool all_taken_in = true);

  // What the gateway itself has found of a watch that no reading decides: `value` is held against the rule's limits,
  // and `note` is that of an alert that begins with it. Before what was told last is as it was told last.
  model::Effects tell(model::WatchId watch, double value, const std::string& note, Instant at);

  // Watches whose readings came late, and what it comes to that they did.
  std::vector<LateWatch> late_watches() const;
  model::Effects told_late(std::span<const LateJudgement> judgements);

  // Stations that readings came late of, and what it comes to that they did.
  std::vector<LateStation> late_stations() const;
  model::Effects told_late(std::span<const LateReportJudgement> judgements);

  // A person has seen the alert of this id: empty, if none such fires, or somebody has already.
  model::Effects acknowledge(const std::string& alert, const std::string& by, const std::string& note, Instant at);

  const model::Checkpoint& state() const;
  const Statistics& statistics() const;

  // Up to when a point is counted for good: quarter hours that end there are closed. nullopt: none is.
  std::optional<Instant> counted_until(PointId point) const;

 private:
  class Engine;
  std::unique_ptr<Engine> engine_;
};

}  // namespace carbongate::pipeline

// What was said of live factors, as the store has it: for whoever computes accounts again.
#pragma once

#include <atomic>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "gateway/app/repairs.h"
#include "gateway/app/window_readings.h"
#include "gateway/model/amendment.h"
#include "gateway/model/site.h"
#include "gateway/pipeline/factor_registry.h"
#include "gateway/pipeline/live_factors.h"
#include "gateway/store/history.h"

namespace carbongate::app {

// `site` and `factors` outlive it.
class LiveHistory {
 public:
  LiveHistory(const model::Site& site, const pipeline::FactorRegistry& factors);

  // Finds the readings that may be in force in the windows: one pass over that part of the journal, if any of their
  // accounts is counted by a live series. `thinned`: what the journal no longer has is taken from what the gateway
  // remembers of the series. Again where a window reaches farther than it did: what was found before is forgotten.
  model::Result<void> read(store::History& history, std::span<const WindowReadings> windows,
                           std::span<const Repair> repairs, bool thinned, const std::atomic<bool>& stop);

  // Of the series that the point's accounts are counted by, in no order.
  std::vector<StoredReading> readings_for(PointId point) const;
  // From when on what is known tells which value was in force.
  Instant reach(PointId point) const;
  // Readings left out: the right value does not follow from the stored one.
  std::uint64_t not_repaired() const;

  // Whether the value that `factor_id` names was heard after the quarter hour from `begin` on was counted, with
  // something else.
  bool came_late(const model::Account& account, model::Basis basis, Instant begin, const model::Emission& known,
                 const model::Emission& restated) const;
  // What the point said later of the instant that `factor_id` names, as "... is 410 gCO2/kWh"; "": it said the same all
  // the time, or that was heard before the quarter hour from `begin` on was counted.
  std::string revision_of(const model::Account& account, model::Basis basis, Instant begin,
                          const std::string& factor_id) const;
  // The repair of the reading that the factor is named by.
  const Repair* repair_of(const model::Account& account, model::Basis basis, const model::Emission& restated) const;
  // Whose values they are: "grid.intensity".
  std::string source_of(const model::Account& account, model::Basis basis) const;

  // What comes out by the factor it was booked by and goes in by the one that applies; nullopt: that is one and the
  // same, which is not heard, or one of them is not known any more. `restated` is nullptr where there should be no
  // entry.
  std::optional<model::Exchange> exchange(const model::Account& account, model::Basis basis,
                                          const model::EmissionEntry& known, const model::EmissionEntry* restated);

 private:
  struct Feed {
    const model::LiveFactor* plan;
    Track track;
    std::vector<StoredReading> remembered;  // from before the first one kept
    Instant reach = Instant::min();
  };
  const Feed* feed_of(const model::Account& account, model::Basis basis) const;
  bool hears(PointId point, const Feed& feed) const;
  std::optional<model::FactorRate> rate(const model::Account& account, model::Basis basis,
                                        const model::Emission& emission);
  std::optional<model::FactorRate> booked_rate(const model::Account& account, model::Basis basis,
                                               const model::EmissionEntry& known, const model::Emission& emission);

  const model::Site& site_;
  const pipeline::FactorRegistry& factors_;
  pipeline::LiveFactors booked_;  // as the gateway knows them: what it booked by
  pipeline::LiveFactors heard_;   // what the readings found say
  std::vector<Feed> feeds_;
  std::map<PointId, Instant> reach_;
};

}  // namespace carbongate::app

// Stored readings, played through a fresh pipeline: what the accounts of one point should be by them.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "gateway/app/live_history.h"
#include "gateway/app/window_readings.h"
#include "gateway/model/checkpoint.h"
#include "gateway/model/rows.h"
#include "gateway/model/site.h"
#include "gateway/pipeline/calendar.h"
#include "gateway/pipeline/factor_registry.h"

namespace carbongate::app {

// `site`, `factors` and `live` outlive it, and so do the windows it is asked for. One thread.
class Replay {
 public:
  static constexpr std::uint64_t kEverything = UINT64_MAX;

  Replay(const model::Site& site, const pipeline::FactorRegistry& factors, const LiveHistory& live)
      : site_(site), factors_(factors), live_(live), calendar_(site.time_zone) {}

  // The journal no longer has everything in front of the window: its accounts are known from a later instant on.
  void lacks_lead(const WindowReadings& window);
  // From when on the accounts of its point can be computed again.
  Instant reach(const WindowReadings& window) const;
  // Whether what begins and ends there is held against the books: all of it lies in the window, and is closed.
  static bool compares(const WindowReadings& window, Instant begin, Instant end) {
    return begin >= window.begin() && begin < window.window().to && end <= window.window().closed_until;
  }

  // Readings of one instant go in together, as one poll or message brought them. Of what was left out of the live
  // accounts only what lies in front of `behind` in the journal. Calls `take` for each entry of the point's own
  // accounts that is compared and within reach, which may move from it.
  //
  // Readings that a counter believes, and that what follows shows to be wrong, are left out: it is played again until
  // none is found.
  using Take = std::function<void(model::AccountId account, model::EmissionEntry& entry)>;
  Played play(const WindowReadings& window, std::uint64_t behind, const Take& take);

  // The results of derived points that come of it likewise: of the window's own and of those it is computed from, by
  // time, and the readings that they were made of, as they are judged in that order. Of all readings only what lies no
  // further than `through` in the journal. A counter of results begins at 0.
  struct Made {
    PointId point{};
    model::JudgedReading result;  // or reading
  };
  std::pair<Played, std::vector<Made>> results(const WindowReadings& window, std::uint64_t through);

  // Of an entry that is other without the readings that were found wrong when that was played: what it was with them,
  // as it was counted before they were.
  struct WithWrong {
    const model::FoundWrong* reading;
    model::Activity amount;
    Duration covered{};
  };
  std::optional<WithWrong> with_wrong(const WindowReadings& window, std::uint64_t behind, model::AccountId account,
                                      Instant begin, Instant end) const;

  // Counted so far.
  std::uint64_t readings() const { return readings_; }

 private:
  struct Entry {
    model::AccountId account;
    model::EmissionEntry entry;
  };
  // Which readings are played, and what is kept of it.
  struct Asked {
    std::uint64_t through = kEverything;   // of all
    std::uint64_t left_out = kEverything;  // of those that the live accounts left out
    bool results = false;                  // and their inputs, and no entries
  };
  struct Once {
    Played played;
    std::vector<Entry> entries;
    std::vector<Made> results;
    std::vector<model::FoundWrong> wrong;
    std::uint64_t readings = 0;
  };
  struct Wrong {
    std::vector<model::FoundWrong> readings;
    std::map<std::pair<model::AccountId, Instant>, std::pair<model::Activity, Duration>> counted;  // with them
  };

  Once play_without_wrong(const WindowReadings& window, const Asked& asked, Wrong& wrong);
  Once play_once(const WindowReadings& window, const Asked& asked, std::span<const model::FoundWrong> wrong);
  const model::PointState* live_to_compare(const WindowReadings& window) const;
  std::vector<StoredReading> in_order(const WindowReadings& window) const;
  bool is_own(const WindowReadings& window, model::AccountId account, const model::EmissionEntry& entry) const;

  const model::Site& site_;
  const pipeline::FactorRegistry& factors_;
  const LiveHistory& live_;
  pipeline::Calendar calendar_;
  std::map<const WindowReadings*, Instant> reach_;                          // where lead is lacking
  std::map<std::pair<const WindowReadings*, std::uint64_t>, Wrong> wrong_;  // where there is any
  std::uint64_t readings_ = 0;
};

}  // namespace carbongate::app

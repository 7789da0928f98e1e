// Why what the readings give differs from what is booked: late data, a repair, another factor, or the configuration.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "gateway/app/live_history.h"
#include "gateway/app/replay.h"
#include "gateway/app/window_readings.h"
#include "gateway/books/restate.h"
#include "gateway/model/site.h"

namespace carbongate::app {

using WindowOfAccount = std::map<model::AccountId, const WindowReadings*>;

// All that it is given outlives it. One thread.
class Reasons {
 public:
  Reasons(const model::Site& site, const LiveHistory& live, Replay& replay, const WindowOfAccount& window_of_account)
      : site_(site), live_(live), replay_(replay), window_of_account_(window_of_account) {}

  // What is booked in the windows and within reach. First all of it, one by one, with the place of its row in the
  // journal...
  void note_booked(model::AccountId account, const model::EmissionEntry& entry, std::uint64_t sequence);
  // ...then together, by account, begin and revision.
  void booked(std::span<const model::AccountEntry> booked) { booked_ = booked; }

  // As books::ReasonOf.
  books::Reason reason(model::AccountId account, const model::EmissionEntry* known,
                       const model::EmissionEntry* restated);

 private:
  using EntryKey = std::pair<model::AccountId, Instant>;
  // Of an entry; where there is none nothing was moved nor watched.
  struct Figures {
    model::Activity amount;
    Duration covered{};
  };
  // What the accounts of one point would be had no more come late than what lies in front of a place in the journal.
  struct WithoutLate {
    bool is_sure = false;
    Instant closed_until = Instant::min();
    std::map<EntryKey, Figures> figures;
  };

  static bool same_amount(const Figures& a, const Figures& b);
  bool is_booked(const Repair& repair, model::AccountId account) const;
  books::Reason reason_of_amount(const WindowReadings& window, model::AccountId account,
                                 const model::EmissionEntry* known, const model::EmissionEntry* restated);
  books::Reason reason_of_factor(const model::Account& account, const model::EmissionEntry& known,
                                 const model::EmissionEntry& restated) const;
  bool follows_from_late(const WindowReadings& window, model::AccountId account, const model::EmissionEntry& entry,
                         bool is_closed, std::uint64_t behind);
  const WithoutLate& without_late(const WindowReadings& window, std::uint64_t behind);
  Figures booked_figures(model::AccountId account, Instant begin) const;

  const model::Site& site_;
  const LiveHistory& live_;
  Replay& replay_;
  const WindowOfAccount& window_of_account_;
  std::span<const model::AccountEntry> booked_;
  std::map<EntryKey, std::uint64_t> corrected_at_;                 // readings that a restatement considered
  std::set<std::pair<model::AccountId, std::string>> configured_;  // notes of corrections of that cause
  std::map<const WindowReadings*, std::uint64_t> restated_last_;   // the newest of these
  std::map<const WindowReadings*, std::map<std::uint64_t, WithoutLate>> without_late_;
  std::set<const WindowReadings*> contradicted_;  // the books have something else than what follows without them
};

}  // namespace carbongate::app

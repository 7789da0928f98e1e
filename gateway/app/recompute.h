// What the accounts should be by the stored readings, against what is booked.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "gateway/app/repairs.h"
#include "gateway/books/restate.h"
#include "gateway/model/errors.h"
#include "gateway/model/site.h"
#include "gateway/pipeline/factor_registry.h"
#include "gateway/store/history.h"

namespace carbongate::app {

// Of one point's accounts.
struct Window {
  PointId point{};
  Instant from{};               // entries that begin at or after this...
  Instant to = Instant::max();  // ...and before this
  Instant closed_until{};       // and end by then: what is still open is not compared
  bool widen = false;  // late data: begin earlier, where the readings before `from` lie, whose steps they divide
  // Late data of a counter, up to where it counts by now: its live state. By another one it goes on otherwise.
  std::optional<model::PointState> live = {};
};

// The oldest slice of a point's late data, which bounds the memory: kLateSlice of readings, of closed quarter hours
// where there are any.
inline constexpr Duration kLateSlice = std::chrono::hours(48);
struct LateSlice {
  Window window;
  model::LateDataSettled settled;  // once its corrections are booked...
  bool closed = false;             // ...if everything in it is closed; else it is to be looked at again
};
// `state`: of the point, which has late data.
LateSlice late_slice(PointId point, const model::PointState& state, Instant counted_until);

// Of late data in doubt: once the point is counted up to here, it is worth to look again. The longer the doubt lasts,
// the later.
Instant look_again_at(const model::LateData& late, Instant counted_until);

// What was found in front of windows, of the windows that follow: window_readings.h.
struct KnownLead;
using KnownLeads = std::map<PointId, KnownLead>;

struct Recomputation {
  std::vector<books::Difference> differences;
  std::vector<model::AccountEntry> booked;  // all revisions of the entries that were compared
  std::uint64_t readings = 0;               // computed again
  std::uint64_t entries = 0;                // compared
  std::uint64_t not_repaired = 0;           // readings from which the right value does not follow
  std::vector<PointId> in_doubt;   // readings that may still come decide part, or the live counter is on another course
  std::uint64_t out_of_reach = 0;  // entries left as they are: their readings are no longer kept
  std::optional<Instant> reach;    // from when on readings are kept, where that cut something off
};

// Readings in the order of their own times, each judged as if it had been heard when it was measured, go through a
// fresh pipeline of this site and these factors:
//   - one that came too late gets its place, and a repeated one is recognised by its instant: of several values of one
//     instant the one heard first counts, as ever;
//   - one out of `min`..`max` is judged by the limits of now;
//   - one whose stamp was not believed (in the future, from a clock that was never set) is still not believed;
//   - points are known by name. A reading in another unit of the same dimension is converted;
//   - a live factor is what the readings of its point say, of which those that came late have their place; where they
//     are no longer kept, what the gateway remembers of them;
//   - a derived point is computed again from the readings of its inputs: what was repaired there, or came late, reaches
//     its accounts too. Readings of one instant count as heard together.
//
// A fresh pipeline needs readings from before the window until its state is the one that the whole history would give:
// at least the hour before it, and what lead.h asks for. Where a device is silent for long they may lie far back in the
// journal, which is then read backwards as far as needed. Behind the window, readings until it is closed; what a
// counter in doubt leaves open for two months, or at the journal's end, is not compared. What is derived from several
// inputs needs all of them as far around the window as the slowest one has a few readings, within two months.
//
// A difference is late data where the same without the readings that came late since gives what is booked, or where
// that cannot be told; else it is by the configuration. For that windows with such differences are played again, up to
// eight times.
//
// Memory: the readings of all windows, 40 bytes each, of derived points their results, 24 each, and their entries; the
// caller groups. One thread, which may be
// any: `history` is the only thing it touches besides constants.
//
// `stop`: gives up soon after it has become true, with a fault.
// `leads`: of the calls before, for the same site and repairs; filled. One call at a time.
inline const std::atomic<bool> kNeverStop{false};
model::Result<Recomputation> recompute(store::History& history, const model::Site& site,
                                       const pipeline::FactorRegistry& factors, std::span<const Repair> repairs,
                                       std::span<const Window> windows, Instant now,
                                       const std::atomic<bool>& stop = kNeverStop, KnownLeads* leads = nullptr);

// The stored rollups, as known now, of the periods that contain corrected quarter hours, and of the parts of these.
// `before`: or as known before that row of the journal.
model::Result<std::vector<model::AccountRollup>> rollups_of(store::History& history, const model::Site& site,
                                                            std::span<const model::Amendment> amendments,
                                                            const std::atomic<bool>& stop = kNeverStop,
                                                            std::uint64_t before = UINT64_MAX);

// Corrections of one transaction, while readings wait.
inline constexpr std::size_t kAmendmentsPerCommit = 2'000;

// And where none do: of an account the quarter hours of a year and more. Each transaction revises the sums of months
// and years, and those in between would be told to platforms as if they were true.
inline constexpr std::size_t kAmendmentsOfOneBooking = 40'000;

}  // namespace carbongate::app

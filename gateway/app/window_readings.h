// The stored readings that it takes to compute the accounts of one point again.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

#include "gateway/app/recompute.h"
#include "gateway/app/repairs.h"
#include "gateway/model/site.h"
#include "gateway/pipeline/calendar.h"
#include "gateway/pipeline/lead.h"
#include "gateway/pipeline/rounds.h"
#include "gateway/store/history.h"

namespace carbongate::app {

struct StoredReading {
  PointId point{};
  Instant at{};
  std::uint64_t sequence = 0;
  double value = 0;  // in the point's unit, repaired; NaN: it was not a value
  bool late = false;
  bool left_out = false;   // of the live accounts: it came too late
  char hj212_flag = '\0';  // that it was marked with
};

inline bool earlier(const StoredReading& a, const StoredReading& b) {
  return std::tie(a.at, a.sequence) < std::tie(b.at, b.sequence);
}

// What a late reading may have changed.
struct LateSpan {
  Instant from{};
  Instant to{};
  std::uint64_t sequence = 0;  // of the reading
  Instant at{};                // likewise
  bool left_out = false;       // likewise
  Instant rounded_to{};        // up to there by what rounding left over alone
};

// What was found of a point in front of a place in the journal. Who restates one window after the other keeps it, so
// that of a register that stands still for a year no reading is looked at again for each of them. Of one configuration;
// a few hundred readings of a point, up to 20,000 of one that is out of its limits for long.
struct KnownLead {
  std::uint64_t through = 0;  // the newest reading in front of that place, of whichever point
  std::vector<StoredReading> readings;
  std::vector<StoredReading> rejected;
  pipeline::Lead found;
};

// The readings of one point in and around a window. 40 bytes each.
class Track {
 public:
  // `counted`: the point has accounts, which take no amount or rate below 0 unless its limits allow it.
  Track(const Point& point, std::span<const Repair> repairs, bool counted = false);

  const Point& point() const { return point_; }
  std::span<const Repair* const> repairs() const { return repairs_; }
  std::span<const StoredReading> readings() const { return readings_; }
  // What was no value, likewise in its order: it says that the one before it holds no longer.
  std::span<const StoredReading> rejected() const { return rejected_; }
  std::span<const LateSpan> late() const { return late_; }
  std::uint64_t not_repaired() const { return not_repaired_; }

  void begin(Instant start, Instant to);  // forgets what was found

  // One behind the place of `start` in the journal; those of before `start` serve as lead.
  void take(const store::History::RawReading& reading);
  // One in front of it, newest first.
  void take_lead(const store::History::RawReading& reading);
  // What is known in front of a place that those taken so far lie behind.
  void take_lead(const KnownLead& known);
  // Whether more in front of it is of use.
  bool wants_lead() const { return !lead_known_ && !has_lead(); }
  // Whether what was found in front of it is enough for the state that the whole history would give.
  bool has_lead() const { return lead_found_.is_enough(); }
  KnownLead lead(std::uint64_t through) const { return {through, front_, front_rejected_, lead_found_}; }
  // The same without what was left out behind a place in the journal. `begin`: of the window.
  bool has_lead_without(std::uint64_t behind, Instant begin) const;
  // Nothing taken at or after this instant is wanted any more. max(): who knows.
  Instant enough_from();
  // Everything is found: brings it in its order.
  void settle();
  // That one, as if it had not been heard yet.
  void leave_out(Instant at);

  // Came too far behind another input of what is derived from them, the newest reading of which is of that instant: up
  // to there it was closed as it was.
  void note_late(const StoredReading& reading, Instant newest);
  // Came behind results that were made of what it had said before: those and the steps around them.
  void note_late(LateSpan span);

  // What a late reading at `from` divides: the step from the readings before it. nullopt: there are none.
  std::optional<Instant> divided_from(Instant from) const;

  // When the last readings before and the first ones at or behind an instant were taken: as many as it takes to be sure
  // of a state. max(): there are not so many behind it.
  Instant reaches_back(Instant from) const;
  Instant reaches_on(Instant to) const;
  // Of what lies behind the window some may have been left out after this instant.
  Instant complete_until() const;
  // From when on what is kept tells the state, where has_lead() is false. max(): nothing is kept.
  Instant first_kept() const;

 private:
  std::optional<StoredReading> usable(const store::History::RawReading& reading);
  bool counts(double value) const;
  void keep_in_front(const StoredReading& reading);
  std::optional<StoredReading> rejected(const store::History::RawReading& reading) const;
  void keep_rejected_in_front(const StoredReading& reading);
  LateSpan around(std::size_t reading);
  LateSpan around_rejected(const StoredReading& reading) const;
  std::size_t stands_until(std::size_t reading);
  void trim_lead();
  void trim_behind();

  const Point& point_;
  bool counted_;
  std::vector<const Repair*> repairs_;
  Instant start_{};
  Instant to_{};
  std::vector<StoredReading> rejected_;
  std::size_t rejected_around_ = 0;  // of before the window and behind it
  std::vector<StoredReading> readings_;
  std::vector<StoredReading> lead_;            // of before `start`, but behind its place in the journal
  std::vector<StoredReading> front_;           // in front of that place, newest first
  std::vector<StoredReading> front_rejected_;  // likewise, of those in a row the ends
  std::size_t rejected_in_row_ = 0;
  std::size_t run_ = 0;  // of a counter: where the last of these that are equal begin
  bool lead_known_ = false;
  std::vector<StoredReading> behind_;
  bool trimmed_behind_ = false;
  pipeline::Lead lead_found_;
  std::vector<LateSpan> late_;
  struct Standstill {
    std::size_t first = 1;
    std::size_t last = 0;  // none
  };
  Standstill stands_;  // the one looked up last
  std::uint64_t not_repaired_ = 0;
};

// The stored results of a derived point in and around a window, as the gateway made them, and when those are that
// follow in the order of time: what is late may have the rounds of a sum end otherwise. 40 bytes each.
class Results {
 public:
  Results(const Point& result, Duration apart, std::vector<PointId> inputs)
      : result_(result), apart_(apart), inputs_(std::move(inputs)) {}

  const Point& result() const { return result_; }
  void begin(Instant start, Instant to);                 // forgets what was found
  void take(const store::History::RawReading& reading);  // in the order of the journal
  void settle();                                         // everything is found
  void played(std::span<const Instant> usable);          // in the order of time; ascending
  bool is_made_of(PointId point) const;                  // directly or not
  std::optional<Instant> newest() const;                 // also one that is missing

  // Asked of readings in the order of the journal: when the newest result was taken that had been made without this
  // one, and would be another with it. nullopt: none.
  std::optional<Instant> made_without(const StoredReading& reading);

  // The usable ones before and behind that time, of either kind whichever is farther off; where there is none behind
  // it, `to` itself.
  std::pair<Instant, Instant> around(Instant from, Instant to) const;
  std::optional<Instant> before(Instant at) const;  // the usable one as it was made; nullopt: there is none
  // What rounding left over goes into what is counted next, up to the first one of another quarter hour: which results
  // count otherwise, and which are others, where one is another.
  Instant counted_with(Instant at) const;
  Instant made_with(Instant at) const;

 private:
  struct Row {
    std::uint64_t sequence = 0;
    Instant at{};
    bool usable = false;
  };
  const Point& result_;
  Duration apart_;
  std::vector<PointId> inputs_;
  Instant start_{};
  Instant to_{};
  std::vector<Row> rows_;
  std::vector<Instant> usable_;    // by time
  std::vector<Instant> in_order_;  // likewise
  std::size_t next_ = 0;           // of the rows, for made_without()
  Instant made_until_ = Instant::min();
  Instant usable_until_ = Instant::min();
};

// How far the readings in and around a window were counted.
struct Played {
  Instant until{};                   // for good
  bool in_doubt = false;             // there: a counter waits for its next readings
  bool open_at_end = false;          // likewise at the window's end
  bool may_be_wrong = false;         // what was counted last until then: it is in doubt, and nothing is counted behind
  std::optional<bool> as_live = {};  // whether the counter goes on as the live one does; nullopt: not compared
  std::map<PointId, std::vector<Instant>> results = {};  // of what is computed: when the usable ones were taken
};

// The readings from which the accounts of one point follow: its own, or of a derived point those of everything that it
// is computed from.
class WindowReadings {
 public:
  WindowReadings(const Window& window, const model::Site& site, std::span<const Repair> repairs,
                 pipeline::Calendar& calendar);

  const Window& window() const { return window_; }
  const Point& point() const { return point_; }
  // Of a derived point: its own results, and those that it is computed from.
  bool makes(PointId point) const;
  bool is_computed() const { return tracks_.size() != 1 || tracks_.front().point().id != point_.id; }
  Instant begin() const { return begin_; }  // of the first entry that is compared
  Instant start() const { return start_; }  // readings from here on are all there
  // Behind it nothing hangs on what was heard until `at`, but for counters (pipeline::RoundsBehind).
  Instant settled(Instant at) const { return rounds_.settled(at); }
  std::span<Track> tracks() { return tracks_; }
  std::span<const Track> tracks() const { return tracks_; }
  std::span<Results> results() { return results_; }  // of what it is computed by, and its own

  bool has_lead() const;
  // Whether a late reading that lies behind that place in the journal may have changed what begins and ends there.
  bool late_touches(Instant begin, Instant end, std::uint64_t behind) const;
  // The points that these are of, in the order of `tracks`.
  std::vector<const Point*> late_points(Instant begin, Instant end, std::uint64_t behind) const;
  // Whether the live accounts did not just leave out one that did. It was rejected, which changes what counts as
  // watched; or counted while the counter was in doubt.
  bool late_counted(Instant begin, Instant end, std::uint64_t behind) const;
  // Whether without what was left out behind that place there is enough lead.
  bool has_lead_without(std::uint64_t behind) const;
  // Whether a late reading is of that time.
  bool holds_late(Instant begin, Instant end) const;
  // All of the tracks are there: a reading that waits for the other inputs of its result is left out.
  void leave_out_waiting();
  // They were played: which inputs came farther apart than a result allows, or too late for it.
  void find_late_inputs(const Played& played);
  std::uint64_t not_repaired() const;
  // The first repair of any of them that touches that time, or a step that began in it: as of an hour later; nullptr:
  // none.
  const Repair* repair_of(Instant begin, Instant end) const;
  std::vector<StoredReading> in_order() const;  // of time, then of arrival
  // From when on the readings of all of them are kept. max(): of one there are none.
  Instant first_kept() const;

  // Late data divide the step from the reading before them. False: that one lies where not all readings are there; look
  // again from there.
  bool widen(pipeline::Calendar& calendar);

  // The readings were counted up to there. False: a counter is in doubt for longer than readings were looked for behind
  // the window; look again, further on. What is open even then is not compared: not computed is not nothing. Nor is
  // what a counter that is `in_doubt` leaves open at the journal's end, or late inputs of a derived point: then
  // awaits_more().
  // And where the newest value that was counted may be found wrong by more readings that there are.
  // What a late reading puts in doubt at the window's end is decided behind it, and belongs to the window: look again.
  bool counted(const Played& played, pipeline::Calendar& calendar);
  // Readings that may still come decide part of the window.
  bool awaits_more() const { return awaits_more_; }

  // Of several inputs all need readings as far around the window as the slowest of them. False: look again.
  bool reach_around();

 private:
  // A result that follows one input and takes what the others say.
  struct Joined {
    const model::Derived* by = nullptr;
    std::size_t result = 0;  // of results_
  };
  // When the two newest readings of an input were taken, of those that were heard so far.
  struct Newest {
    Instant last = Instant::min();
    Instant before = Instant::min();
  };

  std::optional<Instant> heard_until(PointId point) const;
  bool takes_later(const Joined& joined, Instant at, const std::map<PointId, Newest>& newest) const;
  void note_late(Track& track, const StoredReading& reading, Results& results, Instant until);
  bool any_late(Instant begin, Instant end, std::uint64_t behind, bool left_out_too) const;
  bool touches(const LateSpan& late, Instant begin, Instant end, std::uint64_t behind) const;
  Instant end_at(Duration behind) const;
  void begin_at(Instant at, pipeline::Calendar& calendar);
  void begin_tracks();

  Window window_;
  const Point& point_;
  Instant begin_{};
  Instant start_{};
  Instant end_{};  // readings of before are all there
  bool reached_around_ = false;
  bool awaits_more_ = false;
  bool is_late_ = false;
  pipeline::RoundsBehind rounds_;
  Duration max_age_ = Duration::max();  // of inputs; the shortest on the way
  std::set<PointId> followed_;          // inputs whose stamps results have: the first of each, and all terms of sums
  std::vector<Joined> joined_;
  std::vector<Track> tracks_;
  std::vector<Results> results_;
};

// Reads the journal at once for those that lie near each other, and not what lies between others. `stop`: gives up soon
// after it has become true.
model::Result<void> collect(store::History& history, std::span<WindowReadings* const> windows, KnownLeads& leads,
                            const std::atomic<bool>& stop);

}  // namespace carbongate::app

// Reading a store from outside: beside a running gateway, or after it has stopped.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "gateway/model/checkpoint.h"
#include "gateway/model/errors.h"
#include "gateway/model/rows.h"
#include "gateway/model/site.h"
#include "gateway/store/entry_figures.h"

namespace carbongate::store {

// A read-only connection. Nothing is ever held for long: rows are read in short transactions, so that a slow consumer
// neither stops the gateway nor makes its write-ahead log grow. One thread.
class History {
 public:
  // Fault: no store there, damaged, or of another version.
  static model::Result<std::unique_ptr<History>> open(const std::filesystem::path& directory);
  ~History();

  enum class What { readings, intervals, entries, rollups, alerts, reports };

  // Of readings, the time they were taken; of all others, the time they begin.
  struct Range {
    std::optional<Instant> from;  // included
    std::optional<Instant> to;    // excluded
  };

  using Visit = std::function<bool(const model::StoredRow&)>;  // false: enough

  // Calls `visit` for every row there is now, in an order that depends on the content alone, not on how it was
  // committed: by time, then series (user, device, point, carrier, rule), then period, then the order in which they
  // arose. Rollups include the periods that are still open, with sequence 0.
  //
  // Memory: the rows that begin at one instant, and a block of readings. Readings are sorted in a temporary file
  // (where: SQLITE_TMPDIR, else /var/tmp) of about 40 bytes each.
  model::Result<void> each(What what, const Range& range, const Visit& visit);

  // Readings of some series only. Blocks in which there is none of them, or nothing of the time, are not opened.
  using Wanted = std::function<bool(const model::Series&)>;
  model::Result<void> each_reading(const Range& range, const Wanted& wanted, const Visit& visit);

  // The same for written entries or intervals of some series only. Asked before a row is read, which is what takes the
  // time: rows of other series are passed over in an index.
  enum class Choice { take, skip, enough };
  using Choose = std::function<Choice(const model::Series&)>;
  model::Result<void> each_of(What what, const Range& range, const Choose& choose, const Visit& visit);

  // Of written entries of some series only what can be added up, by time and then in the order of the journal.
  struct Booked {
    const model::Series* series = nullptr;  // during the visit
    EntryFigures figures;
  };
  using VisitBooked = std::function<bool(const Booked&)>;  // false: enough
  model::Result<void> each_booked(const Range& range, const Wanted& wanted, const VisitBooked& visit);

  // What follows is for computing again what was computed from the readings.

  struct RawReading {
    std::uint64_t sequence = 0;
    const model::Series* series = nullptr;  // during the visit
    Instant at{};
    double value = 0;  // NaN: none; its bits as they were stored
    model::Quality quality;
  };
  using VisitReading = std::function<bool(const RawReading&)>;  // false: enough
  // Asked before each quarter hour of the journal: whether nothing is wanted of it. `oldest`: of its readings, those
  // left out whose stamp is not believed.
  using Skip = std::function<bool(Instant oldest)>;

  // Readings as they lie in the journal, which is as they were heard. There is no index on them: a place is found by
  // marks a quarter hour apart, and from there one row after the other is looked at. Before that place no usable
  // reading is as new as `at`; behind it any may come, for some come late.
  model::Result<void> readings_behind(Instant at, const VisitReading& visit,
                                      const Skip& skip = {});                    // forwards, to the end of the journal
  model::Result<void> readings_in_front(Instant at, const VisitReading& visit);  // backwards, to its beginning

  // Those with a sequence greater than this, as they lie in the journal.
  model::Result<void> readings_after(std::uint64_t sequence, const VisitReading& visit);

  // The number of the newest row of the journal.
  model::Result<std::uint64_t> last_sequence();

  // Whether readings have been dropped, for their age or the store's size.
  model::Result<bool> is_thinned();

  // The closed rollups of the series wanted that begin at these instants, all revisions, each instant's in the order of
  // the journal.
  model::Result<void> rollups_at(std::span<const Instant> begins, const Wanted& wanted, const Visit& visit);

  // As ports::Store::checkpoint(). One short transaction.
  model::Result<model::Checkpoint> checkpoint(const model::Site& site);

 private:
  class Impl;
  explicit History(std::unique_ptr<Impl> impl);

  std::filesystem::path directory_;
  std::unique_ptr<Impl> impl_;
};

}  // namespace carbongate::store

// What may go, and when: old rows that every sink has, and the oldest ones when the file would outgrow its limit.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "gateway/store/block_table.h"
#include "gateway/store/cursor_table.h"
#include "gateway/store/database.h"
#include "gateway/store/store_config.h"

namespace carbongate::store {

// Works along the journal from its oldest row, in steps of bounded work that ride with commits. Readings and running
// totals go, each after its own time, readings in blocks a block at a time; intervals only if they are not kept for
// ever. Entries and rollups stay: the chain over them has no holes. One thread.
//
// A disk that could not hold `size_max` is a smaller limit: then a little of it is kept free, down to an eighth of
// size_max for the file, below which something else fills the disk.
//
// Time is the data's own: a reading is old when it lies keep_readings before the newest usable one. So a recording of
// last year can be replayed today and keeps as much as it would have kept then.
class Retention {
 public:
  Retention(Database& database, BlockTable& blocks, const StoreConfig& config);

  struct Situation {
    std::int64_t last_sequence = 0;                 // of the journal, this commit included; that row always stays
    std::int64_t settled_by_all = 0;                // every sink has the rows up to here; without sinks last_sequence
    std::optional<std::int64_t> newest_ms;          // of the newest usable reading
    std::int64_t appended = 0;                      // rows of this commit: the more come, the more may go
    std::vector<Gap> waiting = {};                  // for some sink that asks
    std::vector<std::vector<Gap>> waiting_of = {};  // for each sink, also those that do not ask
  };
  struct Outcome {
    std::int64_t swept = 0;                  // up to this sequence there are no readings left
    std::int64_t swept_totals = 0;           // and no running totals
    std::uint64_t thinned = 0;               // rows dropped that some sink had not seen
    std::uint64_t early = 0;                 // readings dropped for the size that are to be kept longer
    std::uint64_t held_to = 0;               // bytes: the limit, if the disk makes it smaller than size_max; else 0
    std::vector<std::uint64_t> missed = {};  // by each of `waiting_of`
  };

  // Call within the transaction of a commit. What it returns holds once that has succeeded: then hand it to accept().
  Outcome step(const Situation& now);
  Outcome nothing() const { return {.swept = readings_.swept, .swept_totals = totals_.swept}; }
  void accept(const Outcome& outcome);
  std::int64_t swept() const { return readings_.swept; }  // up to this sequence there are no readings left

 private:
  // How far rows of a kind are gone, and how far it is known already that nothing in between keeps the next ones.
  struct Sweep {
    std::int64_t keep_ms;
    std::int64_t swept;           // they are gone up to here
    std::int64_t old = swept;     // may go up to here
    std::int64_t looked = swept;  // what is behind `old` decides nothing up to here
  };

  std::optional<std::int64_t> horizon(std::int64_t keep_ms, const Situation& now) const;  // nullopt: for ever
  std::int64_t sweep_old(Sweep& sweep, const Situation& now, std::int64_t budget);
  std::int64_t whole_blocks(std::int64_t upto, const Situation& now);
  std::uint64_t count(std::int64_t after, std::int64_t upto, RowKind kind);
  void note_missed(std::int64_t swept, std::int64_t upto, RowKind kind, const Situation& now, Outcome& outcome);
  void drop_readings(std::int64_t upto, const Situation& now, Outcome& outcome);
  void drop_totals(std::int64_t upto, const Situation& now, Outcome& outcome);
  void drop_intervals(const Situation& now, Outcome& outcome);
  std::int64_t limit() const;
  void give_back_pages(std::int64_t pages, std::int64_t free_pages, std::int64_t limit);

  Database& database_;
  BlockTable& blocks_;
  Sweep readings_;
  Sweep totals_;
  std::int64_t keep_intervals_ms_;
  std::int64_t page_bytes_;
  std::int64_t pages_max_;
  DiskRoom room_;
  std::filesystem::path file_;
  Statement page_count_;
  Statement freelist_count_;
  Statement walk_;
  Statement drop_;
  Statement count_;
  Statement old_intervals_;
  Statement drop_row_;
  Statement save_;
};

}  // namespace carbongate::store

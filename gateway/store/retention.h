// What may go, and when: old readings that every sink has, and the oldest ones when the file would outgrow its limit.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "gateway/store/cursor_table.h"
#include "gateway/store/database.h"
#include "gateway/store/store_config.h"

namespace carbongate::store {

// Works along the journal from its oldest row, in steps of bounded work that ride with commits. Only readings and
// running totals go; the rows between them stay. One thread.
//
// Time is the data's own: a reading is old when it lies keep_readings before the newest usable one. So a recording of
// last year can be replayed today and keeps as much as it would have kept then.
class Retention {
 public:
  Retention(Database& database, const StoreConfig& config);

  struct Situation {
    std::int64_t last_sequence = 0;                 // of the journal, this commit included; that row always stays
    std::int64_t settled_by_all = 0;                // every sink has the rows up to here; without sinks last_sequence
    std::optional<std::int64_t> newest_ms;          // of the newest usable reading
    std::int64_t appended = 0;                      // rows of this commit: the more come, the more may go
    std::vector<Gap> waiting = {};                  // for some sink that asks
    std::vector<std::vector<Gap>> waiting_of = {};  // for each sink, also those that do not ask
  };
  struct Outcome {
    std::int64_t swept = 0;                  // up to this sequence nothing is left to drop
    std::uint64_t thinned = 0;               // rows dropped that some sink had not seen
    std::vector<std::uint64_t> missed = {};  // by each of `waiting_of`
  };

  // Call within the transaction of a commit. What it returns holds once that has succeeded: then hand it to accept().
  Outcome step(const Situation& now);
  void accept(const Outcome& outcome) { swept_ = outcome.swept; }
  std::int64_t swept() const { return swept_; }  // up to this sequence nothing is left to drop

 private:
  std::int64_t sweep_old(const Situation& now, std::int64_t budget);
  Outcome drop(std::int64_t upto, const Situation& now);
  std::uint64_t to_drop(const std::vector<Gap>& gaps, std::int64_t upto);
  void give_back_pages(std::int64_t pages, std::int64_t free_pages);

  Database& database_;
  std::int64_t keep_ms_;
  std::int64_t pages_max_;
  std::int64_t swept_;
  Statement page_count_;
  Statement freelist_count_;
  Statement walk_;
  Statement drop_;
  Statement count_;
  Statement save_;
};

}  // namespace carbongate::store

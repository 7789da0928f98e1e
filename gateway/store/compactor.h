// Moves readings from rows into blocks, a stretch of the journal at a time.
#pragma once

#include <cstdint>
#include <optional>

#include "gateway/store/database.h"
#include "gateway/store/reading_walk.h"
#include "gateway/store/store_config.h"

namespace carbongate::store {

// Works along the journal behind the sinks, in steps of bounded work that ride with commits: a step makes one block of
// the next StoreConfig::block_rows numbers, in the transaction that takes the rows and the small blocks of single
// commits away. One thread.
//
// Time is the data's own, as in Retention.
class Compactor {
 public:
  Compactor(Database& database, BlockTable& blocks, const StoreConfig& config);

  struct Situation {
    std::int64_t last_sequence = 0;         // of the journal, this commit included
    std::int64_t settled_by_all = 0;        // every sink has the rows up to here; without sinks last_sequence
    std::int64_t swept = 0;                 // up to this sequence there are no readings any more
    std::optional<std::int64_t> newest_ms;  // of the newest usable reading
  };
  struct Outcome {
    std::int64_t compacted = 0;  // up to this sequence all readings lie in blocks, but for a few
    std::optional<std::int64_t> at_ms;
  };

  // Call within the transaction of a commit. What it returns holds once that has succeeded: then hand it to accept().
  Outcome step(const Situation& now);
  void accept(const Outcome& outcome);

 private:
  std::int64_t end_of_step(std::int64_t from, const Situation& now) const;
  std::int64_t whole_blocks(std::int64_t from, std::int64_t upto);
  bool is_one_block(std::int64_t from, std::int64_t upto, std::size_t readings);

  std::int64_t block_rows_;
  BlockTable& blocks_;
  ReadingWalk walk_;
  Statement drop_rows_;
  Statement save_;
  std::int64_t compacted_;
  std::optional<std::int64_t> compacted_at_ms_;  // the newest reading's time when the last block was made
};

}  // namespace carbongate::store

// The journal as it was written: rows and the readings in blocks, in the order of their numbers.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "gateway/store/block_table.h"
#include "gateway/store/database.h"
#include "gateway/store/record.h"

namespace carbongate::store {

// Everything that reads readings reads them through this: where they lie is known here alone. What is visited by one
// call is of one moment if the caller has a transaction open. One thread.
class ReadingWalk {
 public:
  enum class Kinds : std::uint8_t { all, readings };
  ReadingWalk(Database& database, BlockTable& blocks, Kinds kinds);

  struct Row {
    std::int64_t sequence = 0;
    std::int64_t series = 0;
    RecordColumns columns;  // of a reading: its value with all bits
  };
  using Visit = std::function<bool(const Row&)>;               // false: enough
  using Skip = std::function<bool(const BlockTable::Block&)>;  // true: nothing is wanted of this block

  // Those with sequences (after, upto]. False: the visitor has enough.
  bool forwards(std::int64_t after, std::int64_t upto, const Visit& visit, const Skip& skip = {});
  bool backwards(std::int64_t after, std::int64_t upto, const Visit& visit);

  // The row of that number. `visit` is called at most once.
  bool find(std::int64_t sequence, const Visit& visit);

  std::uint64_t count(std::int64_t after, std::int64_t upto);  // of the kinds

 private:
  template <class Direction>
  bool walk(const Direction& direction, std::int64_t after, std::int64_t upto, const Visit& visit, const Skip& skip);

  BlockTable& blocks_;
  Statement forwards_;
  Statement backwards_;
  Statement count_;
};

}  // namespace carbongate::store

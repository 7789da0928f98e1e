// Written rows of one kind by time: what the index of the books is for.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include "gateway/store/database.h"
#include "gateway/store/record.h"

namespace carbongate::store {

// Page by page, each in one short transaction, so that whoever takes long over a page holds up nobody. One thread.
class BookWalk {
 public:
  struct Range {
    RowKind kind = RowKind::entry;
    std::int64_t from_ms = INT64_MIN;  // of the time where a row begins
    std::int64_t to_ms = INT64_MAX;    // excluded
    std::int64_t upto = 0;             // the last sequence
  };

  // `database` outlives it. Only rows that are taken are read; of others the index is.
  BookWalk(Database& database, const Range& range);

  // Those of some series alone, at least one. `others`: how many series there may be rows of beside them; where they
  // are many, they are not even looked at in the index, but leapt over from instant to instant.
  BookWalk(Database& database, const Range& range, std::span<const std::int64_t> series, std::size_t others);

  // All rows: each is read at once.
  static BookWalk of_all(Database& database, const Range& range);

  struct Row {
    std::int64_t sequence = 0;
    std::int64_t series = 0;
    RecordColumns columns;  // during the visit
  };
  enum class Choice : std::uint8_t { take, skip, enough };
  using Choose = std::function<Choice(std::int64_t series)>;  // asked for each row that is not of other series
  using Take = std::function<void(const Row&)>;

  // By time, then by series, then in the order of the journal. False: that was the last page, or enough.
  bool page(const Choose& choose, const Take& take);

  bool has_enough() const { return has_enough_; }

 private:
  enum class Bodies : std::uint8_t { at_once, when_taken };
  BookWalk(Database& database, const Range& range, Bodies bodies, const std::string& filter);
  std::int64_t read(Statement& rows, const Choose& choose, const Take& take);
  std::int64_t leap(std::int64_t most, const Choose& choose, const Take& take);

  Database& database_;
  Range range_;
  Bodies bodies_;
  Statement behind_;  // what begins with the row looked at last, and comes after it
  Statement later_;
  std::optional<Statement> next_instant_;  // leaps
  Statement body_;
  std::int64_t at_ms_;  // of the row looked at last
  std::int64_t series_ = 0;
  std::int64_t sequence_ = 0;
  bool is_cut_ = false;  // there may be more that begins with that row
  bool has_enough_ = false;
};

}  // namespace carbongate::store

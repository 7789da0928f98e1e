// The books of a store: intervals, entries, rollups, and beside them alerts and reports.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "gateway/store/book_walk.h"
#include "gateway/store/history.h"
#include "gateway/store/history_snapshot.h"
#include "gateway/store/row_merge.h"

namespace carbongate::store {

// What History says of all rows but readings. `snapshot` outlives it. One thread.
class BookHistory {
 public:
  explicit BookHistory(HistorySnapshot& snapshot) : snapshot_(snapshot) {}

  void each(History::What what, const Bounds& bounds, const History::Visit& visit);
  void each_of(History::What what, const Bounds& bounds, const History::Choose& choose, const History::Visit& visit);
  void each_booked(const Bounds& bounds, const History::Wanted& wanted, const History::VisitBooked& visit);
  void rollups_at(std::span<const Instant> begins, const History::Wanted& wanted, const History::Visit& visit);

 private:
  void walk_through(BookWalk& walk, std::vector<RankedRow> open, const History::Choose& choose,
                    const History::Visit& visit);
  std::vector<RankedRow> open_rollups(const Bounds& bounds);
  BookWalk::Range range_of(RowKind kind, const Bounds& bounds) const;
  RankedRow ranked(const BookWalk::Row& row) const;
  RankedRow ranked(std::int64_t series, model::StoredRow row) const;

  HistorySnapshot& snapshot_;
};

}  // namespace carbongate::store

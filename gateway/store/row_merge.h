// Written rows and the periods still open, in an order that depends on the content alone.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "gateway/model/rows.h"

namespace carbongate::store {

struct RankedRow {
  std::int64_t at_ms = 0;
  std::int64_t rank = 0;  // of the series
  std::int64_t period = 0;
  model::StoredRow row;
};

// Hands rows out in order: written ones come in by time, open ones are known from the start, and what begins at one
// instant is sorted by series and period.
class RowMerge {
 public:
  using Visit = std::function<bool(const model::StoredRow&)>;  // false: enough

  // `visit` outlives it.
  RowMerge(std::vector<RankedRow> open, const Visit& visit);

  // Not earlier than the one before. False: the visitor has enough.
  bool add(RankedRow row);

  void finish();

 private:
  void take_open(std::int64_t at_ms);
  bool hand_out_group();

  std::vector<RankedRow> open_;
  std::vector<RankedRow> group_;
  const Visit& visit_;
};

}  // namespace carbongate::store

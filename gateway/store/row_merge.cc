#include "gateway/store/row_merge.h"

#include <algorithm>
#include <functional>
#include <tuple>
#include <utility>

namespace carbongate::store {

RowMerge::RowMerge(std::vector<RankedRow> open, const Visit& visit) : open_(std::move(open)), visit_(visit) {
  std::ranges::sort(open_, std::ranges::greater(), &RankedRow::at_ms);  // the earliest at the back
}

bool RowMerge::add(RankedRow row) {
  if (!group_.empty() && group_.front().at_ms != row.at_ms && !hand_out_group()) return false;
  while (!open_.empty() && open_.back().at_ms < row.at_ms) {
    take_open(open_.back().at_ms);
    if (!hand_out_group()) return false;
  }
  group_.push_back(std::move(row));
  return true;
}

void RowMerge::finish() {
  if (!group_.empty() && !hand_out_group()) return;
  while (!open_.empty()) {
    take_open(open_.back().at_ms);
    if (!hand_out_group()) return;
  }
}

void RowMerge::take_open(std::int64_t at_ms) {
  for (; !open_.empty() && open_.back().at_ms == at_ms; open_.pop_back()) group_.push_back(std::move(open_.back()));
}

bool RowMerge::hand_out_group() {
  take_open(group_.front().at_ms);
  // Sequence 0 is an open period: less 1 it comes last.
  std::ranges::sort(group_, {}, [](const RankedRow& r) { return std::tuple(r.rank, r.period, r.row.sequence - 1); });
  const bool more = std::ranges::all_of(group_, [this](const RankedRow& r) { return visit_(r.row); });
  group_.clear();
  return more;
}

}  // namespace carbongate::store

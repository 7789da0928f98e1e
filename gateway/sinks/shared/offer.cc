#include "gateway/sinks/shared/offer.h"

#include <algorithm>
#include <iterator>
#include <limits>

namespace carbongate::sinks::shared {

void Offer::refused(const std::string& words, std::optional<std::size_t> dropped) {
  const Range range = *plan_.next();
  if (!plan_.refused(dropped)) return;
  for (std::size_t i = range.begin; i < range.end; ++i) rejected_.push_back({sequences_[i], words});
}

model::Result<ports::Delivery> Offer::finish(const std::optional<model::Fault>& fault,
                                             ports::SinkStatus& status) const {
  ports::Delivery delivery;
  delivery.settled_through = fault ? first_open() - 1 : rows_.back().sequence;
  if (fault && delivery.settled_through < rows_.front().sequence) return *fault;

  const auto is_settled = [&](std::uint64_t sequence) { return sequence <= delivery.settled_through; };
  const auto keep_settled = [&](const std::vector<ports::RejectedRow>& rows) {
    const auto before = delivery.rejected.size();
    std::ranges::copy_if(rows, std::back_inserter(delivery.rejected), is_settled, &ports::RejectedRow::sequence);
    return delivery.rejected.size() - before;
  };
  const auto sent = static_cast<std::size_t>(std::ranges::count_if(sequences_, is_settled));
  status.rows_accepted += sent - keep_settled(rejected_);
  keep_settled(unsent_);
  std::ranges::sort(delivery.rejected, {}, &ports::RejectedRow::sequence);
  std::ranges::copy_if(left_out_, std::back_inserter(delivery.skipped), is_settled);
  status.rows_skipped += delivery.skipped.size();
  status.rows_rejected += delivery.rejected.size();
  return delivery;
}

// The first row of which something is pending.
std::uint64_t Offer::first_open() const {
  std::uint64_t first = std::numeric_limits<std::uint64_t>::max();
  for (const Range& range : plan_.pending()) {
    for (std::size_t i = range.begin; i < range.end; ++i) first = std::min(first, sequences_[i]);
  }
  return first;
}

}  // namespace carbongate::sinks::shared

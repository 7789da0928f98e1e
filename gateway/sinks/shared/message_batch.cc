#include "gateway/sinks/shared/message_batch.h"

#include <algorithm>

namespace carbongate::sinks::shared {

model::Result<ports::Delivery> MessageBatch::finish(std::size_t settled, const std::string& trouble,
                                                    Health& health) && {
  std::uint64_t through = rows_.back().sequence;
  if (settled == sequences_.size()) {
    health.success();
  } else {
    const model::Fault fault{make_error_code(boost::system::errc::connection_aborted), trouble};
    health.fault(fault);
    through = sequences_.at(settled) - 1;
    if (through < rows_.front().sequence) return fault;
  }
  std::erase_if(rejected_, [&](const ports::RejectedRow& row) { return row.sequence > through; });
  std::ranges::sort(rejected_, {}, &ports::RejectedRow::sequence);
  const auto end = std::ranges::upper_bound(rows_, through, {}, &model::StoredRow::sequence);
  health.status().rows_accepted += static_cast<std::uint64_t>(end - rows_.begin()) - rejected_.size();
  health.status().rows_rejected += rejected_.size();
  return ports::Delivery{through, std::move(rejected_)};
}

}  // namespace carbongate::sinks::shared

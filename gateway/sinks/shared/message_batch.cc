#include "gateway/sinks/shared/message_batch.h"

#include <algorithm>

#include "gateway/sinks/shared/json_row.h"

namespace carbongate::sinks::shared {

// A message that was refused has its words among `rejected_`; of those behind the one with trouble nothing is known.
void MessageBatch::note(std::size_t settled, const std::string& trouble) const {
  using Outcome = ports::Attempt::Outcome;
  for (std::size_t i = 0; i < sequences_.size() && i <= settled; ++i) {
    const auto row = std::ranges::lower_bound(rows_, sequences_[i], {}, &model::StoredRow::sequence);
    if (!is_recorded(*row)) continue;
    ports::Attempt attempt{
        .sequence = row->sequence, .id = row_key(noting_.store, row->sequence), .sent = noting_.sent};
    if (i == settled) {
      attempt.answer = trouble;
    } else {
      const auto refused = std::ranges::find(rejected_, row->sequence, &ports::RejectedRow::sequence);
      attempt.answered = noting_.now;
      attempt.outcome = refused == rejected_.end() ? Outcome::received : Outcome::refused;
      if (refused != rejected_.end()) attempt.answer = refused->reason;
    }
    noting_.log->add(std::move(attempt));
  }
  // What could not be a message.
  const std::uint64_t open = settled < sequences_.size() ? sequences_[settled] : rows_.back().sequence + 1;
  for (const ports::RejectedRow& refused : rejected_) {
    const auto row = std::ranges::lower_bound(rows_, refused.sequence, {}, &model::StoredRow::sequence);
    if (refused.sequence >= open || !is_recorded(*row)) continue;
    if (std::ranges::binary_search(sequences_, refused.sequence)) continue;
    noting_.log->add({.sequence = refused.sequence,
                      .id = row_key(noting_.store, refused.sequence),
                      .sent = noting_.sent,
                      .outcome = Outcome::refused,
                      .answer = refused.reason});
  }
}

model::Result<ports::Delivery> MessageBatch::finish(std::size_t settled, const std::string& trouble,
                                                    Health& health) && {
  if (noting_.log != nullptr) note(settled, trouble);
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

// One delivery of a sink that sends a message for each row: which rows those are, and what becomes of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/model/errors.h"
#include "gateway/model/rows.h"
#include "gateway/ports/sink.h"
#include "gateway/sinks/shared/attempt_log.h"
#include "gateway/sinks/shared/health.h"

namespace carbongate::sinks::shared {

// Use: add() or refuse() each row, in order; send, in order; finish(). `rows`, ascending and not empty, live through
// it.
class MessageBatch {
 public:
  explicit MessageBatch(std::span<const model::StoredRow> rows) : rows_(rows) {}

  void add(std::uint64_t sequence) { sequences_.push_back(sequence); }  // message i is of this row
  void refuse(std::uint64_t sequence, std::string reason) { rejected_.push_back({sequence, std::move(reason)}); }
  void refuse_message(std::size_t message, std::string reason) { refuse(sequences_.at(message), std::move(reason)); }
  bool has_messages() const { return !sequences_.empty(); }

  // What is sent of alerts and reports, by finish().
  struct Noting {
    AttemptLog* log = nullptr;
    std::string_view store = {};  // its id; theirs are the rows' keys (json_row.h)
    Instant sent{};
    Instant now{};  // of the answer
  };
  void note_in(const Noting& noting) { noting_ = noting; }

  // The first `settled` messages are sent, or refused; `trouble` says why the rest is not, if there is one. What comes
  // before it is settled all the same.
  model::Result<ports::Delivery> finish(std::size_t settled, const std::string& trouble, Health& health) &&;

 private:
  void note(std::size_t settled, const std::string& trouble) const;

  std::span<const model::StoredRow> rows_;
  std::vector<std::uint64_t> sequences_;
  std::vector<ports::RejectedRow> rejected_;
  Noting noting_;
};

}  // namespace carbongate::sinks::shared

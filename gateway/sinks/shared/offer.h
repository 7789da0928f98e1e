// One delivery of a sink: the rows offered, as items that go out in requests, and what becomes of each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "gateway/model/errors.h"
#include "gateway/model/rows.h"
#include "gateway/ports/sink.h"
#include "gateway/sinks/shared/delivery_plan.h"

namespace carbongate::sinks::shared {

// Use: add(), refuse() or leave_out() each row, in any order, then begin(); while next() gives a range of items, send
// them and say accepted() or refused(); at last finish(). `rows`, ascending and not empty, must live through it. Not
// thread-safe.
class Offer {
 public:
  using Range = DeliveryPlan::Range;

  explicit Offer(std::span<const model::StoredRow> rows) : rows_(rows) {}

  void add(std::uint64_t sequence) { sequences_.push_back(sequence); }  // item size() - 1 is of this row
  void refuse(std::uint64_t sequence, std::string reason) { unsent_.push_back({sequence, std::move(reason)}); }
  void leave_out(std::uint64_t sequence) { left_out_.push_back(sequence); }  // there is nothing to send for it
  std::size_t size() const { return sequences_.size(); }

  void begin() { plan_ = DeliveryPlan(size()); }
  std::optional<Range> next() const { return plan_.next(); }
  void accepted() { plan_.accepted(); }

  // As DeliveryPlan::refused(): a range that is given up is rejected with the server's words.
  void refused(const std::string& words, std::optional<std::size_t> dropped = std::nullopt);

  // What to report when all is settled, or when `fault` ended it. A fault half-way leaves the beginning settled; the
  // rest, and what was refused in it, is offered again. Adds to the counts of rows in `status`.
  model::Result<ports::Delivery> finish(const std::optional<model::Fault>& fault, ports::SinkStatus& status) const;

 private:
  std::uint64_t first_open() const;

  std::span<const model::StoredRow> rows_;
  std::vector<std::uint64_t> sequences_;    // of the row that became item i
  std::vector<ports::RejectedRow> unsent_;  // refused here
  std::vector<std::uint64_t> left_out_;
  std::vector<ports::RejectedRow> rejected_;  // refused by the server
  DeliveryPlan plan_{0};
};

}  // namespace carbongate::sinks::shared

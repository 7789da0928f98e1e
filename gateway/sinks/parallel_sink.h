// Several connections to one destination, as one sink.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "gateway/ports/sink.h"

namespace carbongate::sinks {

// Parts the rows of a delivery among sinks that deliver at the same time. Rows about the same point or account go the
// same way, in their order: a later one takes the place of an earlier one at the far end, and some destinations refuse
// what is older than what they have. What is settled is what all have settled: rows beyond the first that is open are
// offered again, also if they have arrived.
class ParallelSink final : public ports::Sink {
 public:
  // `sinks`: at least one, of the same destination and name.
  explicit ParallelSink(std::vector<std::unique_ptr<ports::Sink>> sinks);

  const std::string& name() const override { return sinks_.front()->name(); }
  std::size_t batch_rows() const override { return sinks_.front()->batch_rows() * sinks_.size() * kBatches; }
  boost::asio::awaitable<model::Result<ports::Delivery>> deliver(std::span<const model::StoredRow> rows) override;
  boost::asio::awaitable<model::Result<ports::Delivery>> deliver_again(std::span<const model::StoredRow> rows) override;
  std::vector<ports::Attempt> take_attempts() override;
  ports::SinkStatus status() const override;

 private:
  // Each connection sends so many batches of a delivery one after the other: who is done waits for the others only
  // then.
  static constexpr std::size_t kBatches = 4;

  struct Share;
  boost::asio::awaitable<model::Result<ports::Delivery>> deliver_shares(std::span<const model::StoredRow> rows,
                                                                        bool is_again);
  boost::asio::awaitable<void> deliver_from(std::size_t number, std::vector<Share>& shares, bool is_again);
  std::vector<Share> part(std::span<const model::StoredRow> rows) const;
  model::Result<ports::Delivery> sum_up(std::span<const model::StoredRow> rows, std::vector<Share> shares);

  std::vector<std::unique_ptr<ports::Sink>> sinks_;
  std::uint64_t rows_accepted_ = 0;
  std::uint64_t rows_rejected_ = 0;
  std::uint64_t rows_skipped_ = 0;
};

}  // namespace carbongate::sinks

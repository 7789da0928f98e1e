#include "gateway/sinks/parallel_sink.h"

#include <algorithm>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <functional>
#include <iterator>
#include <optional>
#include <unordered_map>
#include <utility>

#include "gateway/sinks/in_batches.h"

namespace carbongate::sinks {

namespace asio = boost::asio;

struct ParallelSink::Share {
  std::vector<model::StoredRow> rows;
  model::Result<ports::Delivery> delivery = ports::Delivery{};

  // The first row that is to be offered again.
  std::optional<std::uint64_t> first_open() const {
    const std::uint64_t settled = delivery ? delivery->settled_through : 0;
    const auto open = std::ranges::upper_bound(rows, settled, {}, &model::StoredRow::sequence);
    return open == rows.end() ? std::nullopt : std::optional(open->sequence);
  }
};

namespace {

// By what it is about, not by how that is described at the time.
std::size_t hash_of(const model::Series& series) {
  std::size_t hash = 0;
  for (const std::string* text : {&series.device, &series.point, &series.user}) {
    hash = hash * 31 + std::hash<std::string>()(*text);
  }
  return hash;
}

}  // namespace

ParallelSink::ParallelSink(std::vector<std::unique_ptr<ports::Sink>> sinks) : sinks_(std::move(sinks)) {}

asio::awaitable<model::Result<ports::Delivery>> ParallelSink::deliver(std::span<const model::StoredRow> rows) {
  return deliver_shares(rows, false);
}

asio::awaitable<model::Result<ports::Delivery>> ParallelSink::deliver_again(std::span<const model::StoredRow> rows) {
  return deliver_shares(rows, true);
}

asio::awaitable<model::Result<ports::Delivery>> ParallelSink::deliver_shares(std::span<const model::StoredRow> rows,
                                                                             bool is_again) {
  if (rows.empty()) co_return ports::Delivery{};
  std::vector<Share> shares = part(rows);
  co_await deliver_from(0, shares, is_again);
  co_return sum_up(rows, std::move(shares));
}

// All at the same time; a fault of one leaves the others alone.
asio::awaitable<void> ParallelSink::deliver_from(std::size_t number, std::vector<Share>& shares, bool is_again) {
  using namespace asio::experimental::awaitable_operators;
  if (number == shares.size()) co_return;
  const auto one = [](ports::Sink& sink, Share& share, bool again) -> asio::awaitable<void> {
    share.delivery = co_await deliver_in_batches(sink, share.rows, again);
  };
  co_await (one(*sinks_[number], shares[number], is_again) && deliver_from(number + 1, shares, is_again));
}

std::vector<ParallelSink::Share> ParallelSink::part(std::span<const model::StoredRow> rows) const {
  std::vector<Share> shares(sinks_.size());
  std::unordered_map<const model::Series*, std::size_t> known;
  for (const model::StoredRow& row : rows) {
    const auto [place, is_new] = known.try_emplace(row.series.get(), 0);
    if (is_new) place->second = hash_of(*row.series) % shares.size();
    shares[place->second].rows.push_back(row);
  }
  return shares;
}

model::Result<ports::Delivery> ParallelSink::sum_up(std::span<const model::StoredRow> rows, std::vector<Share> shares) {
  std::optional<std::uint64_t> first_open;
  for (const Share& share : shares) {
    const auto open = share.first_open();
    if (open && (!first_open || *open < *first_open)) first_open = open;
  }
  ports::Delivery sum{.settled_through = rows.back().sequence, .rejected = {}};
  if (first_open) {
    const auto open = std::ranges::lower_bound(rows, *first_open, {}, &model::StoredRow::sequence);
    if (open == rows.begin()) {
      for (Share& share : shares) {
        if (!share.delivery) return std::move(share.delivery).error();
      }
      return ports::Delivery{};
    }
    sum.settled_through = std::prev(open)->sequence;
  }
  for (Share& share : shares) {
    if (!share.delivery) continue;
    for (ports::RejectedRow& row : share.delivery->rejected) {
      if (row.sequence <= sum.settled_through) sum.rejected.push_back(std::move(row));
    }
    std::ranges::copy_if(share.delivery->skipped, std::back_inserter(sum.skipped),
                         [&](std::uint64_t sequence) { return sequence <= sum.settled_through; });
  }
  std::ranges::sort(sum.rejected, {}, &ports::RejectedRow::sequence);
  const auto settled =
      std::ranges::upper_bound(rows, sum.settled_through, {}, &model::StoredRow::sequence) - rows.begin();
  rows_rejected_ += sum.rejected.size();
  rows_skipped_ += sum.skipped.size();
  rows_accepted_ += static_cast<std::uint64_t>(settled) - sum.rejected.size() - sum.skipped.size();
  return sum;
}

std::vector<ports::Attempt> ParallelSink::take_attempts() {
  std::vector<ports::Attempt> all;
  for (const auto& sink : sinks_) std::ranges::move(sink->take_attempts(), std::back_inserter(all));
  return all;
}

// Healthy while no connection has trouble; one that was never used has none.
ports::SinkStatus ParallelSink::status() const {
  ports::SinkStatus sum = sinks_.front()->status();
  for (std::size_t i = 1; i < sinks_.size(); ++i) {
    const ports::SinkStatus one = sinks_[i]->status();
    const bool was_used = one.healthy || one.failures != 0;
    const bool is_first_used = !sum.healthy && sum.failures == 0;
    if (was_used && (is_first_used || (sum.healthy && !one.healthy))) {
      sum.healthy = one.healthy;
      sum.since = one.since;
      sum.detail = one.detail;
    }
    sum.requests += one.requests;
    sum.failures += one.failures;
  }
  sum.rows_accepted = rows_accepted_;
  sum.rows_rejected = rows_rejected_;
  sum.rows_skipped = rows_skipped_;
  return sum;
}

}  // namespace carbongate::sinks

#include "gateway/sinks/in_batches.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace carbongate::sinks {

void append(ports::Delivery& sum, ports::Delivery next) {
  sum.settled_through = next.settled_through;
  std::ranges::move(next.rejected, std::back_inserter(sum.rejected));
  sum.skipped.insert(sum.skipped.end(), next.skipped.begin(), next.skipped.end());
  sum.rows += next.rows;
  std::ranges::move(next.attempts, std::back_inserter(sum.attempts));
}

boost::asio::awaitable<model::Result<ports::Delivery>> deliver_in_batches(ports::Sink& sink,
                                                                          std::span<const model::StoredRow> rows,
                                                                          bool is_again) {
  ports::Delivery sum;
  for (std::span<const model::StoredRow> open = rows; !open.empty();) {
    const auto batch = open.first(std::min(open.size(), sink.batch_rows()));
    auto next = is_again ? co_await sink.deliver_again(batch) : co_await sink.deliver(batch);
    if (!next || next->settled_through < batch.front().sequence) {
      if (open.size() == rows.size()) co_return next;
      break;
    }
    append(sum, std::move(*next));
    if (sum.settled_through < batch.back().sequence) break;
    open = open.subspan(batch.size());
  }
  co_return sum;
}

}  // namespace carbongate::sinks

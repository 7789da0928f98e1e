// Which items (lines, rows, samples) go into the next request, when the server may refuse some of them without saying
// which.
//
// Starts with all items at once. A request of which items were refused is sent again in halves, until a single item is
// to blame: a server that took the good ones takes them once more, and one that dropped them with the bad ones, as
// Prometheus does, must get them again. k bad items among n cost about 2 k log2(n / k) requests, and far fewer if they
// stand together and the server says how many it dropped, because a request of which it dropped all is not taken apart.
//
// Prometheus does not say. Without a window for samples out of order it refuses what it has already, and n items sent
// again after a lost answer cost 2 n requests: giving them up at once would lose the new ones among them.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

namespace carbongate::sinks::shared {

class DeliveryPlan {
 public:
  struct Range {
    std::size_t begin = 0;
    std::size_t end = 0;  // exclusive
    std::size_t size() const { return end - begin; }
    friend bool operator==(const Range&, const Range&) = default;
  };

  explicit DeliveryPlan(std::size_t items) {
    if (items != 0) pending_.push_back({0, items});
  }

  // What to send next, in order of the items; nullopt: all is settled. Report its outcome with one of the calls below.
  std::optional<Range> next() const { return pending_.empty() ? std::nullopt : std::optional(pending_.back()); }

  void accepted() { pending_.pop_back(); }

  // Some of its items were refused. True: all of them are, for good; false: halves of it come next. `dropped` is the
  // server's count: the range is given up as a whole only if it covers every item.
  bool refused(std::optional<std::size_t> dropped);

  // What is neither accepted nor refused for good, in descending order.
  const std::vector<Range>& pending() const { return pending_; }

 private:
  std::vector<Range> pending_;  // the next one last
};

}  // namespace carbongate::sinks::shared

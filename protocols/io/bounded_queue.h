// A queue with a limit, between coroutines of one loop: pushing waits while it is full, popping waits while it is
// empty.
//
// Why not asio::experimental::channel: closing one may discard what is buffered, and here whatever was accepted must
// come out again.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "protocols/io/event.h"

namespace carbongate::io {

// Items have a weight (readings of a batch, say) and the limit is on their sum; an item heavier than the whole limit is
// accepted when the queue is empty. Not thread-safe; all calls on the executor given.
template <class T>
class BoundedQueue {
 public:
  BoundedQueue(boost::asio::any_io_executor executor, std::size_t weight_max)
      : weight_max_(weight_max), room_(executor), items_ready_(executor) {}

  // False: the queue is closed and `item` is untouched.
  boost::asio::awaitable<bool> push(T& item, std::size_t weight) {
    while (!closed_ && (held_ || (weight_ != 0 && weight_ + weight > weight_max_))) {
      if (!held_) ++waits_;
      co_await room_.wait();
    }
    if (closed_) co_return false;
    weight_ += weight;
    items_.push_back(std::move(item));
    items_ready_.notify_all();
    co_return true;
  }

  // All that waits, at once. nullopt: closed and drained.
  boost::asio::awaitable<std::optional<std::vector<T>>> pop_all() {
    while (items_.empty() && !closed_) co_await items_ready_.wait();
    if (items_.empty()) co_return std::nullopt;
    std::vector<T> all = std::exchange(items_, {});
    weight_ = 0;
    room_.notify_all();
    co_return all;
  }

  // While held, pushing waits as if there were no room; what was accepted can be popped.
  void hold(bool on) {
    held_ = on;
    if (!on) room_.notify_all();
  }

  // Nothing more is accepted; what was accepted can still be popped.
  void close() {
    closed_ = true;
    room_.notify_all();
    items_ready_.notify_all();
  }

  std::size_t weight() const { return weight_; }
  std::uint64_t waits() const { return waits_; }  // times a push had to wait because the limit was met

 private:
  std::size_t weight_max_;
  std::size_t weight_ = 0;
  std::uint64_t waits_ = 0;
  bool held_ = false;
  bool closed_ = false;
  std::vector<T> items_;
  Event room_;
  Event items_ready_;
};

}  // namespace carbongate::io

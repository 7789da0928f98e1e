// One after the other: coroutines on one loop that share what serves one of them at a time.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <utility>

#include "protocols/io/event.h"

namespace carbongate::io {

// Not thread-safe: on the executor given. Who waits longest need not come first.
class Turns {
 public:
  explicit Turns(boost::asio::any_io_executor executor) : free_(std::move(executor)) {}

  // Ends with the object; the turns outlive it.
  class Turn {
   public:
    explicit Turn(Turns& turns) : turns_(&turns) { turns.is_taken_ = true; }
    Turn(Turn&& other) noexcept : turns_(std::exchange(other.turns_, nullptr)) {}
    Turn& operator=(Turn&&) = delete;
    ~Turn() {
      if (turns_ == nullptr) return;
      turns_->is_taken_ = false;
      turns_->free_.notify_all();
    }

   private:
    Turns* turns_;
  };

  boost::asio::awaitable<Turn> take() {
    while (is_taken_) co_await free_.wait();
    co_return Turn(*this);
  }

 private:
  Event free_;
  bool is_taken_ = false;
};

}  // namespace carbongate::io

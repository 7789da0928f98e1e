// Questions to the store, away from the loop: a few at a time, and a few that wait.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>

#include "gateway/ops/problem.h"
#include "protocols/io/elsewhere.h"

namespace carbongate::ops {

// Call on the loop thread; `work` runs on another one, and must not touch what the loop owns.
class Workers {
 public:
  Workers(std::size_t threads, std::size_t waiting_max)
      : threads_(threads), waiting_max_(waiting_max), pool_(threads) {}

  // Throws a Refusal (503) if too many wait already. `Value` must be default-constructible.
  template <class Value>
  boost::asio::awaitable<Value> run(std::function<Value()> work) {
    const Place place(*this);
    co_return co_await io::elsewhere<Value>(
        [this](std::function<void()> task) { boost::asio::post(pool_, std::move(task)); }, std::move(work));
  }

  // Throws that Refusal.
  void refuse_if_full() {
    if (busy_ < threads_ + waiting_max_) return;
    ++refused_;
    throw Refusal{503, "too many questions at a time; ask again in a moment"};
  }

  std::size_t busy() const { return busy_; }
  std::uint64_t refused() const { return refused_; }

 private:
  class Place {
   public:
    explicit Place(Workers& workers) : workers_(workers) {
      workers_.refuse_if_full();
      ++workers_.busy_;
    }
    ~Place() { --workers_.busy_; }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

   private:
    Workers& workers_;
  };

  std::size_t threads_;
  std::size_t waiting_max_;
  std::size_t busy_ = 0;
  std::uint64_t refused_ = 0;
  boost::asio::thread_pool pool_;
};

}  // namespace carbongate::ops

// Coroutines that belong together: spawned one by one, cancelled together, joined before their owner goes away.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/multiple_exceptions.hpp>
#include <exception>
#include <functional>
#include <list>
#include <utility>

#include "protocols/io/event.h"

namespace carbongate::io {

// Not thread-safe: every call, and every task, on the executor given. Destroy only after join() has completed, or when
// the executor's context will never run again.
class TaskGroup {
 public:
  explicit TaskGroup(boost::asio::any_io_executor executor) : executor_(std::move(executor)), ended_(executor_) {}

  // Starts `task`. `on_end` is called when it has ended, with the exception that escaped it, or null. Ending by
  // cancellation counts as null.
  void spawn(boost::asio::awaitable<void> task, std::function<void(std::exception_ptr)> on_end = {}) {
    const auto signal = signals_.emplace(signals_.end());
    auto handler = [this, signal, on_end = std::move(on_end)](std::exception_ptr error) {
      signals_.erase(signal);
      if (on_end) on_end(is_cancellation(error) ? nullptr : error);
      ended_.notify_all();
    };
    boost::asio::co_spawn(executor_, std::move(task),
                          boost::asio::bind_cancellation_slot(signal->slot(), std::move(handler)));
  }

  void cancel() {
    for (auto signal = signals_.begin(); signal != signals_.end();) {
      (signal++)->emit(boost::asio::cancellation_type::terminal);  // the task may end, and erase its signal, in here
    }
  }

  boost::asio::awaitable<void> join() {
    while (!signals_.empty()) co_await ended_.wait();
  }

  std::size_t size() const { return signals_.size(); }

 private:
  static bool is_cancellation(const std::exception_ptr& error) {
    if (!error) return false;
    try {
      std::rethrow_exception(error);
    } catch (const boost::system::system_error& e) {
      return e.code() == boost::asio::error::operation_aborted;
    } catch (const boost::asio::multiple_exceptions& several) {  // of awaitables joined by && or ||
      return is_cancellation(several.first_exception());
    } catch (...) {
      return false;
    }
  }

  boost::asio::any_io_executor executor_;
  std::list<boost::asio::cancellation_signal> signals_;
  Event ended_;
};

}  // namespace carbongate::io

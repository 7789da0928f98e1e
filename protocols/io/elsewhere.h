// Waiting on the loop for work that blocks on another thread.
#pragma once

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <functional>
#include <memory>
#include <utility>

namespace carbongate::io {

// Has `post` run a function somewhere, which calls `work`, and completes on the caller's executor with what that
// returned or threw. What has begun always finishes; `cancel`, if there is one, is called on the caller's thread when
// the caller is cancelled, and should make it finish soon. `Value` must be default-constructible.
template <class Value, class Post, class Work>
boost::asio::awaitable<Value> elsewhere(Post post, Work work, std::function<void()> cancel = {}) {
  namespace asio = boost::asio;
  auto initiation = [](auto handler, Post to, Work mine, std::function<void()> on_cancel) {
    auto slot = asio::get_associated_cancellation_slot(handler);
    const bool can_cancel = on_cancel && slot.is_connected();
    if (can_cancel) slot.assign([on_cancel = std::move(on_cancel)](asio::cancellation_type) { on_cancel(); });
    // Keeps the caller's loop running although it has nothing to do meanwhile.
    auto caller = asio::make_work_guard(asio::get_associated_executor(handler));
    auto task = [slot, can_cancel, handler = std::move(handler), mine = std::move(mine),
                 caller = std::move(caller)]() mutable {
      std::exception_ptr escaped;
      Value value;
      try {
        value = mine();
      } catch (...) {
        escaped = std::current_exception();
      }
      const auto executor = caller.get_executor();
      asio::post(executor,
                 [slot, can_cancel, handler = std::move(handler), escaped, value = std::move(value)]() mutable {
                   if (can_cancel) slot.clear();
                   std::move(handler)(escaped, std::move(value));
                 });
    };
    // std::function, which queues are made of, asks for what can be copied.
    auto held = std::make_shared<decltype(task)>(std::move(task));
    to(std::function<void()>([held] { (*held)(); }));
  };
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<>, void(std::exception_ptr, Value)>(
      std::move(initiation), asio::use_awaitable, std::move(post), std::move(work), std::move(cancel));
}

}  // namespace carbongate::io

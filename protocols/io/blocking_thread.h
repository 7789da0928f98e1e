// A thread for a library that blocks, and may be stuck when it is time to stop.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

namespace carbongate::io {

// Runs tasks one after the other. They ask is_to_end() now and then.
class BlockingThread {
 public:
  class Queue {
   public:
    // Any thread.
    void post(std::function<void()> task) {
      const std::lock_guard lock(mutex_);
      cancelled_ = false;
      tasks_.push_back(std::move(task));
      changed_.notify_all();
    }
    void cancel() {  // the task under way, until the next post()
      const std::lock_guard lock(mutex_);
      cancelled_ = true;
    }
    bool is_to_end() {
      const std::lock_guard lock(mutex_);
      return stop_ || cancelled_;
    }

   private:
    friend class BlockingThread;

    std::optional<std::function<void()>> next() {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return stop_ || !tasks_.empty(); });
      if (tasks_.empty()) return std::nullopt;
      auto task = std::move(tasks_.front());
      tasks_.pop_front();
      return task;
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<std::function<void()>> tasks_;
    bool stop_ = false;
    bool cancelled_ = false;
    bool ended_ = false;
  };

  // `at_end`: the last task.
  explicit BlockingThread(std::function<void()> at_end)
      : queue_(std::make_shared<Queue>()), thread_([queue = queue_, at_end = std::move(at_end)]() mutable {
          while (auto task = queue->next()) {
            (*task)();
            task.reset();
          }
          at_end();
          at_end = nullptr;
          const std::lock_guard lock(queue->mutex_);
          queue->ended_ = true;
          queue->changed_.notify_all();
        }) {}

  // Waits at most `kStopLimit`, and then leaves the thread to itself.
  ~BlockingThread() {
    std::unique_lock lock(queue_->mutex_);
    queue_->stop_ = true;
    queue_->changed_.notify_all();
    const bool has_ended = queue_->changed_.wait_for(lock, kStopLimit, [this] { return queue_->ended_; });
    lock.unlock();
    if (has_ended) {
      thread_.join();
    } else {
      thread_.detach();
    }
  }
  BlockingThread(const BlockingThread&) = delete;
  BlockingThread& operator=(const BlockingThread&) = delete;

  const std::shared_ptr<Queue>& queue() const { return queue_; }

 private:
  static constexpr std::chrono::milliseconds kStopLimit{1500};

  std::shared_ptr<Queue> queue_;
  std::thread thread_;
};

}  // namespace carbongate::io

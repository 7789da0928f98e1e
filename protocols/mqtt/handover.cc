#include "protocols/mqtt/handover.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace carbongate::mqtt {
namespace {

std::size_t bytes_of(const Message& message) {
  return message.topic.size() + message.payload.size();
}

}  // namespace

Handover::Verdict Handover::offer(Message message, std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  ++messages_;
  if (message.qos == 0) {
    enqueue(std::move(message));
    return Verdict::acknowledge;
  }
  if (refusing_) {
    ++abandoned_;
    return Verdict::abandon;
  }
  auto wait = std::make_shared<Wait>();
  message.receipt =
      std::make_shared<Receipt>([self = shared_from_this(), wait](bool committed) { self->settled(*wait, committed); });
  ++unsettled_;
  enqueue(std::move(message));
  return await(wait, patience, lock);
}

Handover::Verdict Handover::await(const std::shared_ptr<Wait>& wait, std::chrono::milliseconds patience,
                                  std::unique_lock<std::mutex>& lock) {
  changed_.wait_for(lock, patience, [&] { return wait->state != Wait::State::pending || refusing_; });
  if (wait->state == Wait::State::committed) return Verdict::acknowledge;
  ++abandoned_;
  // What the loop has not taken yet must not be counted now and again when it is delivered again. Its receipt locks the
  // mutex when it is dropped, so it is dropped after the lock.
  std::deque<Message> untaken;
  const auto mine = std::ranges::find_if(queue_, [](const Message& m) { return m.receipt != nullptr; });
  if (mine != queue_.end()) {
    queued_bytes_ -= bytes_of(*mine);
    untaken.push_back(std::move(*mine));
    queue_.erase(mine);
  }
  lock.unlock();
  return Verdict::abandon;
}

void Handover::settled(Wait& wait, bool committed) {
  const std::lock_guard lock(mutex_);
  wait.state = committed ? Wait::State::committed : Wait::State::lost;
  --unsettled_;
  changed_.notify_all();
}

void Handover::enqueue(Message message) {
  const bool was_empty = queue_.empty();
  queued_bytes_ += bytes_of(message);
  if (message.qos == 0) ++queued_qos0_;
  queue_.push_back(std::move(message));
  while (queued_qos0_ > limits_.messages || (queued_bytes_ > limits_.bytes && queued_qos0_ > 1))
    drop_oldest_unacknowledged();
  if (was_empty) wake_();
}

void Handover::drop_oldest_unacknowledged() {
  const auto oldest = std::ranges::find_if(queue_, [](const Message& m) { return m.qos == 0; });
  queued_bytes_ -= bytes_of(*oldest);
  --queued_qos0_;
  ++dropped_;
  queue_.erase(oldest);  // at the front, or one behind it: at most one QoS 1 or 2 message is inside
}

std::vector<Message> Handover::take() {
  const std::lock_guard lock(mutex_);
  std::vector<Message> all(std::make_move_iterator(queue_.begin()), std::make_move_iterator(queue_.end()));
  queue_.clear();
  queued_qos0_ = 0;
  queued_bytes_ = 0;
  return all;
}

void Handover::refuse() {
  const std::lock_guard lock(mutex_);
  refusing_ = true;
  changed_.notify_all();
}

void Handover::accept() {
  const std::lock_guard lock(mutex_);
  refusing_ = false;
}

bool Handover::wait_settled(std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, patience, [&] { return unsettled_ == 0 || refusing_; });
  return unsettled_ == 0;
}

std::uint64_t Handover::messages() const {
  const std::lock_guard lock(mutex_);
  return messages_;
}

std::uint64_t Handover::dropped() const {
  const std::lock_guard lock(mutex_);
  return dropped_;
}

std::uint64_t Handover::abandoned() const {
  const std::lock_guard lock(mutex_);
  return abandoned_;
}

}  // namespace carbongate::mqtt

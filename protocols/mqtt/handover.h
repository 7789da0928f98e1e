// The door between Paho's thread and the loop: QoS 0 messages queue up, a QoS 1 or 2 message waits until it is
// committed.
//
// Why a wait. Paho acknowledges a message as its callback returns, and has no other way to say when. So the callback
// must not return before the message is on our disk, and the thread on which it runs, the one receive thread of all
// Paho clients of the process, stands still meanwhile. Hence at most one QoS 1 or 2 message is ever inside, the rate of
// such messages is that of the store's commits, and the wait has a limit: a thread that stands still sends no PINGREQ
// either.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "protocols/mqtt/session.h"

namespace carbongate::mqtt {

// Thread-safe. Held by shared_ptr, since receipts of messages that are still on their way to the store may outlive the
// session.
class Handover : public std::enable_shared_from_this<Handover> {
 public:
  struct Limits {
    std::size_t messages = 10'000;         // of QoS 0, waiting
    std::size_t bytes = 16 * 1024 * 1024;  // of their topics and payloads
  };

  // `wake` is called, on the offering thread, when there is something to take where there was nothing.
  Handover(Limits limits, std::function<void()> wake) : limits_(limits), wake_(std::move(wake)) {}

  enum class Verdict {
    acknowledge,  // return from the callback: Paho may acknowledge
    abandon,      // the message is not safe: break the connection before returning, so that the broker sends it again
  };

  // On Paho's thread. QoS 0 never waits: when the queue is full the oldest QoS 0 message is dropped and counted,
  // because of telemetry the newest is worth most, and a counter's next value makes up for the lost one. QoS 1 and 2
  // wait for their receipt, at most `patience`.
  Verdict offer(Message message, std::chrono::milliseconds patience);

  // On the loop: all that waits, in order of arrival.
  std::vector<Message> take();

  // From now on no QoS 1 or 2 message is waited for, the present one included: shutdown. accept() takes it back.
  void refuse();
  void accept();

  // Waits until every message taken has been settled, at most `patience`, or until refuse(). A session that had to
  // abandon a message comes back only then: before, the same message would join the queue a second time.
  bool wait_settled(std::chrono::milliseconds patience);

  std::uint64_t messages() const;
  std::uint64_t dropped() const;
  std::uint64_t abandoned() const;

 private:
  struct Wait {
    enum class State { pending, committed, lost } state = State::pending;
  };

  void enqueue(Message message);      // mutex_ held
  void drop_oldest_unacknowledged();  // mutex_ held
  void settled(Wait& wait, bool committed);
  Verdict await(const std::shared_ptr<Wait>& wait, std::chrono::milliseconds patience,
                std::unique_lock<std::mutex>& lock);

  const Limits limits_;
  const std::function<void()> wake_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Message> queue_;
  std::size_t queued_qos0_ = 0;
  std::size_t queued_bytes_ = 0;
  std::size_t unsettled_ = 0;
  bool refusing_ = false;
  std::uint64_t messages_ = 0;
  std::uint64_t dropped_ = 0;
  std::uint64_t abandoned_ = 0;
};

}  // namespace carbongate::mqtt

// Those who have asked for a poll out of turn, until it is over: what a driver needs to be a PollPort.
#pragma once

#include <algorithm>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <cstddef>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "drivers/api/poll_port.h"
#include "protocols/io/event.h"

namespace carbongate {

// Loop thread. Whoever waits must have ended, or never run again, before it is destroyed.
class PollWaiters {
 public:
  explicit PollWaiters(boost::asio::any_io_executor executor) : answered_(std::move(executor)) {}

  // Completes with what answer() is given for this device.
  boost::asio::awaitable<PollAnswer> wait(std::size_t device) {
    const auto mine = std::make_shared<Waiter>(Waiter{.device = device, .answer = std::nullopt});
    waiting_.push_back(mine);
    const Leave leave{*this, mine};
    while (!mine->answer) co_await answered_.wait();
    co_return std::move(*mine->answer);
  }

  // To all who wait for this device.
  void answer(std::size_t device, const PollAnswer& answer) {
    for (const auto& waiter : waiting_) {
      if (waiter->device == device && !waiter->answer) waiter->answer = answer;
    }
    answered_.notify_all();
  }

  // There will be no more polls.
  void give_up(std::string trouble) {
    for (const auto& waiter : waiting_) {
      if (!waiter->answer) waiter->answer = PollAnswer{.readings = {}, .trouble = trouble};
    }
    answered_.notify_all();
  }

 private:
  struct Waiter {
    std::size_t device;
    std::optional<PollAnswer> answer;
  };
  struct Leave {
    PollWaiters& all;
    const std::shared_ptr<Waiter>& mine;
    ~Leave() { std::erase(all.waiting_, mine); }
  };

  std::vector<std::shared_ptr<Waiter>> waiting_;
  io::Event answered_;
};

}  // namespace carbongate

// POST /devices/{id}/read: a poll out of turn, for somebody who waits for what the device says.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstddef>

#include "gateway/ops/access/login_limit.h"
#include "gateway/ops/facts.h"
#include "gateway/ops/request.h"
#include "protocols/io/clock.h"
#include "protocols/io/http_server.h"

namespace carbongate::ops {

// On the loop thread. A line has other work to do: a device is asked so only now and then, and few are at a time.
class ReadNow {
 public:
  static constexpr std::chrono::seconds kWithin{20};  // then the answer is that there was none
  static constexpr std::size_t kAtOnceMax = 16;
  static constexpr access::BucketSize kOfDevice{.tries = 5, .each = std::chrono::seconds(2)};

  // All outlive it.
  ReadNow(io::Clock& clock, const Facts& facts, Devices& devices) : clock_(clock), facts_(facts), devices_(devices) {}

  // Of the device that the path names.
  boost::asio::awaitable<io::HttpAnswer> answer(const Request& request);

 private:
  bool is_there(const std::string& device) const;

  io::Clock& clock_;
  const Facts& facts_;
  Devices& devices_;
  access::Buckets tries_{kOfDevice, access::LoginLimit::kKeysMax};
  std::size_t under_way_ = 0;
};

}  // namespace carbongate::ops

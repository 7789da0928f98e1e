// The one door from the drivers to the gateway.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "drivers/api/reading.h"

namespace carbongate {

class Inbox {
 public:
  virtual ~Inbox() = default;

  // Hands the batch over. Completes at once while there is room, else when there is room again: this wait is the
  // backpressure that slows a driver down. False: the inbox was closed; the batch's `settled` has been called with false.
  // Call on the loop thread. An empty batch is settled at once.
  virtual boost::asio::awaitable<bool> push(Batch batch) = 0;
};

}  // namespace carbongate

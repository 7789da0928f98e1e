// The way to ask a device now, beside the polls that its interval gives it.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>
#include <vector>

#include "drivers/api/reading.h"

namespace carbongate {

// What a poll came to.
struct PollAnswer {
  std::vector<Reading> readings;  // the inbox gets them too, as those of any poll
  std::string trouble;            // why there are none, or not all; "": all is well
};

class PollPort {
 public:
  virtual ~PollPort() = default;

  // One more poll of this device, on the connection that the driver has, before whatever else waits for it; the usual
  // polls keep their times. Who asks while others wait for the same device shares their poll. Loop thread, beside
  // Driver::run(), with which it ends. How long it takes is the line's affair: cancel it when that is too long.
  virtual boost::asio::awaitable<PollAnswer> poll(std::string device) = 0;
};

}  // namespace carbongate

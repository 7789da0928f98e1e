// Our seam to an MQTT broker for what goes out: messages of QoS 1, and what became of them.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstddef>
#include <string>
#include <vector>

namespace carbongate::mqtt {

struct Outgoing {
  std::string topic;
  std::string payload;
  bool retained = false;  // the broker keeps it, the last one of each topic, for who subscribes later
};

struct Published {
  std::size_t settled = 0;  // of the messages, from the first on: acknowledged by the broker, or among `refused`
  struct Refused {
    std::size_t message = 0;
    std::string words;  // the broker's
  };
  std::vector<Refused> refused;  // never taken by this broker, ascending
  std::string trouble;           // why the rest is not; empty: there is no rest
};

class Publisher {
 public:
  virtual ~Publisher() = default;

  // Connects if there is no connection, and sends. What is not settled may have arrived all the same: it is to be
  // published again, after a pause. One call at a time; one that is cancelled completes soon, with `trouble`.
  virtual boost::asio::awaitable<Published> publish(std::vector<Outgoing> messages) = 0;
};

}  // namespace carbongate::mqtt

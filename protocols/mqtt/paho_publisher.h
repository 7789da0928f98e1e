// A publisher through Eclipse Paho.
#pragma once

#include <cstddef>
#include <memory>

#include "protocols/io/blocking_thread.h"
#include "protocols/mqtt/publisher.h"
#include "protocols/mqtt/session.h"

namespace carbongate::mqtt {

// Everything that calls Paho happens on a thread of its own: Paho's functions share one mutex, which is held during
// name resolution, and while a message that came in waits for its commit.
class PahoPublisher final : public Publisher {
 public:
  // `options`: subscriptions and what concerns messages that come in are ignored. At most `in_flight` messages are sent
  // without having been acknowledged, fewer if the broker wants fewer. Connects at the first publish().
  PahoPublisher(SessionOptions options, std::size_t in_flight);
  ~PahoPublisher() override;  // hangs up; leaves a thread behind that a name server holds

  boost::asio::awaitable<Published> publish(std::vector<Outgoing> messages) override;

 private:
  class Worker;

  std::shared_ptr<Worker> worker_;
  io::BlockingThread thread_;
};

}  // namespace carbongate::mqtt

// A session with a broker through Eclipse Paho. <mqtt/...> is included by the .cc files of this name, and nowhere else.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <memory>

#include "protocols/io/clock.h"
#include "protocols/mqtt/session.h"

namespace carbongate::mqtt {

// QoS 1 and 2 messages are acknowledged when their receipt is settled, at most 3/4 of keep_alive after they came; one
// that takes longer costs the connection, and comes again. QoS 2 over 3.1.1 is subscribed as QoS 1, with a log line:
// there Paho acknowledges a QoS 2 message before it shows it to us.
class PahoSession final : public Session {
 public:
  // `executor` is the loop's; `clock` outlives the session, and its now() and ticks() may be called from any thread.
  PahoSession(SessionOptions options, boost::asio::any_io_executor executor, io::Clock& clock);
  ~PahoSession() override;

  boost::asio::awaitable<void> run(Handler handler) override;
  SessionStatus status() const override;

 private:
  struct Loop;  // what Paho's side posts to: alive as long as anything may still be posted

  SessionOptions options_;
  boost::asio::any_io_executor executor_;
  io::Clock& clock_;
  std::shared_ptr<Loop> loop_;
};

}  // namespace carbongate::mqtt

// An MQTT session without a broker: a test publishes, and sees which messages were acknowledged.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "protocols/io/event.h"
#include "protocols/mqtt/session.h"
#include "protocols/mqtt/topic_filter.h"

namespace carbongate::testing {

// The broker's side of every ScriptedSession made with it; outlives them. One loop thread.
struct ScriptedBroker {
  explicit ScriptedBroker(boost::asio::any_io_executor executor) : arrived(std::move(executor)) {}

  // As if published now, at `at`. QoS 1 and 2 get a receipt; what becomes of it is appended to `settled`.
  void publish(std::string topic, std::string payload, int qos = 1, io::WallTime at = {}, bool retained = false) {
    mqtt::Message message{.topic = topic,
                          .payload = std::move(payload),
                          .payload_bytes = 0,
                          .qos = qos,
                          .retained = retained,
                          .duplicate = false,
                          .arrived = at,
                          .receipt = nullptr};
    message.payload_bytes = message.payload.size();
    if (qos > 0) {
      message.receipt =
          std::make_shared<mqtt::Receipt>([this, topic](bool committed) { settled.emplace_back(topic, committed); });
    }
    waiting.push_back(std::move(message));
    arrived.notify_all();
  }

  std::vector<mqtt::SessionOptions> sessions;  // as they were asked for
  std::deque<mqtt::Message> waiting;
  std::vector<std::pair<std::string, bool>> settled;  // topic, acknowledged
  mqtt::SessionStatus status{.connected = true, .since = {}, .detail = {}, .protocol = "5"};
  io::Event arrived;
};

class ScriptedSession final : public mqtt::Session {
 public:
  ScriptedSession(ScriptedBroker& broker, mqtt::SessionOptions options) : broker_(broker) {
    broker_.sessions.push_back(std::move(options));
  }

  boost::asio::awaitable<void> run(Handler handler) override {
    const auto leave = [](mqtt::SessionStatus* status) { *status = {}; };
    const std::unique_ptr<mqtt::SessionStatus, decltype(leave)> leaving(&broker_.status, leave);
    for (;;) {
      std::vector<mqtt::Message> messages;
      for (; !broker_.waiting.empty(); broker_.waiting.pop_front())
        messages.push_back(std::move(broker_.waiting.front()));
      if (messages.empty()) {
        co_await broker_.arrived.wait();
      } else {
        co_await handler(std::move(messages));
      }
    }
  }

  mqtt::SessionStatus status() const override { return broker_.status; }

 private:
  ScriptedBroker& broker_;
};

}  // namespace carbongate::testing

// Rows of the journal to an MQTT broker.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "gateway/ports/sink.h"
#include "gateway/ports/store.h"
#include "gateway/sinks/mqtt/config.h"
#include "gateway/sinks/mqtt/message.h"
#include "gateway/sinks/shared/attempt_log.h"
#include "gateway/sinks/shared/health.h"
#include "protocols/io/clock.h"
#include "protocols/mqtt/publisher.h"

namespace carbongate::sinks::mqtt {

// Settles rows when the broker has acknowledged them. What was not acknowledged is published again, with the same key.
// Paho does not say what the broker acknowledged and dropped, because nobody has subscribed (MQTT 5: code 16).
class MqttSink final : public ports::Sink {
 public:
  // `store`: its id; `journal`: the store itself, asked for what was sent before this start, if messages are retained;
  // outlives the sink. nullptr: nothing was.
  MqttSink(Config config, std::string store, std::unique_ptr<carbongate::mqtt::Publisher> publisher, io::Clock& clock,
           ports::Store* journal = nullptr);

  const std::string& name() const override { return config_.name; }
  std::size_t batch_rows() const override { return config_.batch_rows; }
  boost::asio::awaitable<model::Result<ports::Delivery>> deliver(std::span<const model::StoredRow> rows) override {
    return publish(rows, false);
  }
  boost::asio::awaitable<model::Result<ports::Delivery>> deliver_again(
      std::span<const model::StoredRow> rows) override {
    return publish(rows, true);
  }
  std::vector<ports::Attempt> take_attempts() override { return log_.take(); }
  ports::SinkStatus status() const override { return health_.status(); }

 private:
  boost::asio::awaitable<model::Result<ports::Delivery>> publish(std::span<const model::StoredRow> rows, bool are_old);
  boost::asio::awaitable<model::Result<void>> look_back(std::uint64_t before);

  const Config config_;
  const std::string store_;
  io::Clock& clock_;
  std::unique_ptr<carbongate::mqtt::Publisher> publisher_;
  MessageWriter writer_;
  shared::Health health_;
  shared::AttemptLog log_;
  ports::Store* journal_;  // nullptr: it is not asked, or not any more
};

}  // namespace carbongate::sinks::mqtt

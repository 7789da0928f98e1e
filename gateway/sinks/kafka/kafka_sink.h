// Rows of the journal to Kafka.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "gateway/ports/sink.h"
#include "gateway/sinks/kafka/config.h"
#include "gateway/sinks/kafka/producer.h"
#include "gateway/sinks/shared/attempt_log.h"
#include "gateway/sinks/shared/health.h"
#include "gateway/sinks/shared/json_row.h"
#include "protocols/io/clock.h"

namespace carbongate::sinks::kafka {

// Settles rows when all in-sync replicas have them. The key of a record is the row's point, "device.point": rows of a
// point stay in order.
class KafkaSink final : public ports::Sink {
 public:
  KafkaSink(Config config, std::string store, io::Clock& clock);

  const std::string& name() const override { return config_.name; }
  std::size_t batch_rows() const override { return config_.batch_rows; }
  boost::asio::awaitable<model::Result<ports::Delivery>> deliver(std::span<const model::StoredRow> rows) override;
  std::vector<ports::Attempt> take_attempts() override { return log_.take(); }
  ports::SinkStatus status() const override { return health_.status(); }

 private:
  Config config_;
  const std::string store_;
  io::Clock& clock_;
  shared::JsonRow json_;
  shared::Health health_;
  shared::AttemptLog log_;
  Producer producer_;
};

}  // namespace carbongate::sinks::kafka

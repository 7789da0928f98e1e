// Rows of the journal to Kafka.
#pragma once

#include <span>
#include <string>

#include "gateway/ports/sink.h"
#include "gateway/sinks/kafka/config.h"
#include "gateway/sinks/kafka/producer.h"
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
  ports::SinkStatus status() const override { return health_.status(); }

 private:
  Config config_;
  shared::JsonRow json_;
  shared::Health health_;
  Producer producer_;
};

}  // namespace carbongate::sinks::kafka

// Rows of the journal to a store that takes Prometheus remote write 1.0.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "gateway/ports/sink.h"
#include "gateway/sinks/remote_write/answer.h"
#include "gateway/sinks/remote_write/config.h"
#include "gateway/sinks/shared/health.h"
#include "gateway/sinks/shared/offer.h"
#include "protocols/io/clock.h"
#include "protocols/io/http_client.h"

namespace carbongate::sinks::remote_write {

// One request at a time, so that the samples of a series arrive in the order of the journal, and within a request in
// the order of time. What the server refuses for good is searched for by halves, down to a row, and rejected with its
// words; everything else is a fault. Not thread-safe: on the executor given; `clock` outlives it.
class RemoteWriteSink final : public ports::Sink {
 public:
  static constexpr std::size_t kMessageBytesMax = 4 * 1024 * 1024;  // before compression; beyond it, halves

  RemoteWriteSink(Config config, boost::asio::any_io_executor executor, io::Clock& clock);

  const std::string& name() const override { return config_.name; }
  std::size_t batch_rows() const override { return config_.batch_rows; }
  boost::asio::awaitable<model::Result<ports::Delivery>> deliver(std::span<const model::StoredRow> rows) override;
  ports::SinkStatus status() const override { return health_.status(); }

 private:
  using Rows = std::span<const model::StoredRow* const>;

  boost::asio::awaitable<std::optional<model::Fault>> send_all(Rows rows, shared::Offer& offer);
  boost::asio::awaitable<model::Result<Answer>> send(Rows rows);
  model::Result<Answer> judge(const io::HttpResponse& response);

  Config config_;
  io::Clock& clock_;
  io::HttpClient client_;
  std::string authorization_;
  std::optional<io::SteadyTime> not_before_;  // the server asked to be left alone until then
  shared::Health health_;
};

}  // namespace carbongate::sinks::remote_write

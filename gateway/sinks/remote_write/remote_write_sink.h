// Rows of the journal to a store that takes Prometheus remote write 1.0.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <optional>
#include <span>
#include <string>

#include "gateway/ports/sink.h"
#include "gateway/sinks/remote_write/config.h"
#include "gateway/sinks/remote_write/series.h"
#include "gateway/sinks/shared/http_store.h"
#include "protocols/io/clock.h"
#include "protocols/io/http_client.h"

namespace carbongate::sinks::remote_write {

// One request at a time, as shared/http_store.h says, so that the samples of a series arrive in the order of the
// journal, and within a request in the order of time.
class RemoteWriteSink final : public ports::Sink {
 public:
  static constexpr std::size_t kMessageBytesMax = 4 * 1024 * 1024;  // before compression; beyond it, halves

  RemoteWriteSink(Config config, boost::asio::any_io_executor executor, io::Clock& clock);

  const std::string& name() const override { return config_.name; }
  std::size_t batch_rows() const override { return config_.batch_rows; }
  boost::asio::awaitable<model::Result<ports::Delivery>> deliver(std::span<const model::StoredRow> rows) override;
  ports::SinkStatus status() const override { return store_.status(); }

 private:
  std::optional<io::HttpRequest> make_request(SeriesSet set) const;

  Config config_;
  shared::HttpStore store_;
};

}  // namespace carbongate::sinks::remote_write

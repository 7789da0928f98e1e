// Rows of the journal to a time-series store, as InfluxDB line protocol over HTTP.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "gateway/ports/sink.h"
#include "gateway/sinks/line_protocol/config.h"
#include "gateway/sinks/shared/http_store.h"
#include "protocols/io/clock.h"
#include "protocols/io/http_client.h"

namespace carbongate::sinks::line_protocol {

// Sends at most batch_rows lines in one request, one request at a time, as shared/http_store.h says.
class LineProtocolSink final : public ports::Sink {
 public:
  // A body beyond this, before compression, is sent in halves.
  static constexpr std::size_t kBodyBytesMax = 8 * 1024 * 1024;

  LineProtocolSink(Config config, boost::asio::any_io_executor executor, io::Clock& clock);

  const std::string& name() const override { return config_.name; }
  std::size_t batch_rows() const override { return config_.batch_rows; }
  boost::asio::awaitable<model::Result<ports::Delivery>> deliver(std::span<const model::StoredRow> rows) override;
  ports::SinkStatus status() const override { return store_.status(); }

 private:
  struct Lines;

  std::optional<io::HttpRequest> make_request(std::string_view lines) const;

  Config config_;
  shared::HttpStore store_;
};

}  // namespace carbongate::sinks::line_protocol

// Rows of the journal to a time-series store, as InfluxDB line protocol over HTTP.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "gateway/ports/sink.h"
#include "gateway/sinks/line_protocol/config.h"
#include "gateway/sinks/shared/health.h"
#include "protocols/io/clock.h"
#include "protocols/io/http_client.h"

namespace carbongate::sinks::line_protocol {

// Sends at most batch_rows lines in one request, one request at a time. What the server did not take is tried again;
// what it refused in words about lines is searched for by halves and rejected with those words; everything else is a
// fault: nothing is given up because a server, a password or a database is missing.
class LineProtocolSink final : public ports::Sink {
 public:
  // A body beyond this, before compression, is sent in halves.
  static constexpr std::size_t kBodyBytesMax = 8 * 1024 * 1024;

  LineProtocolSink(Config config, boost::asio::any_io_executor executor, io::Clock& clock);

  const std::string& name() const override { return config_.name; }
  std::size_t batch_rows() const override { return config_.batch_rows; }
  boost::asio::awaitable<model::Result<ports::Delivery>> deliver(std::span<const model::StoredRow> rows) override;
  ports::SinkStatus status() const override { return health_.status(); }

 private:
  struct Lines;
  enum class Outcome { accepted, refused, too_large };
  struct Reply {
    Outcome outcome = Outcome::accepted;
    std::string words;
    std::optional<std::size_t> dropped;
  };

  boost::asio::awaitable<std::optional<model::Fault>> send_all(Lines& lines);
  boost::asio::awaitable<model::Result<Reply>> send(std::string_view lines);
  model::Result<Reply> judge(const io::HttpResponse& response);
  io::HttpRequest make_request(std::string_view lines) const;

  Config config_;
  io::Clock& clock_;
  io::HttpClient client_;
  std::string authorization_;
  std::optional<io::SteadyTime> not_before_;  // the server asked to be left alone until then
  shared::Health health_;
};

}  // namespace carbongate::sinks::line_protocol

// Alerts and reports to whoever has an address for them, one request each.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "gateway/ports/sink.h"
#include "gateway/sinks/shared/attempt_log.h"
#include "gateway/sinks/shared/health.h"
#include "gateway/sinks/shared/json_row.h"
#include "gateway/sinks/webhook/config.h"
#include "gateway/sinks/webhook/event.h"
#include "protocols/io/clock.h"
#include "protocols/io/http_client.h"

namespace carbongate::sinks::webhook {

// In the order of the journal, one at a time, each until there is a receipt: an answer 2xx, or 409 from one that has it
// already. What the receiver calls wrong (400, 410, 413, 415, 422) is rejected for good with its words; everything else
// is a fault, and the same is sent again: a password, a path or a server that is missing loses nothing.
class WebhookSink final : public ports::Sink {
 public:
  // `store`: the store's id.
  WebhookSink(Config config, std::string store, boost::asio::any_io_executor executor, io::Clock& clock);

  const std::string& name() const override { return config_.name; }
  std::size_t batch_rows() const override { return config_.batch_rows; }
  boost::asio::awaitable<model::Result<ports::Delivery>> deliver(std::span<const model::StoredRow> rows) override;
  std::vector<ports::Attempt> take_attempts() override { return log_.take(); }
  ports::SinkStatus status() const override { return health_.status(); }

 private:
  // What became of a request. Both empty: it is received.
  struct Answer {
    std::string refused;
    std::string trouble;
    std::string words = {};  // of the server; empty: there is no answer
    Instant sent{};
  };

  bool write(const model::StoredRow& row, Event& event);
  boost::asio::awaitable<Answer> send(const Event& event);
  Answer judge(const io::HttpResponse& response);
  void note(const model::StoredRow& row, const Event& event, const Answer& answer);

  Config config_;
  std::string store_;
  io::Clock& clock_;
  io::HttpClient client_;
  std::string authorization_;
  std::optional<io::SteadyTime> not_before_;  // the server asked to be left alone until then
  shared::JsonRow json_;
  shared::Health health_;
  shared::AttemptLog log_;
};

}  // namespace carbongate::sinks::webhook

// Alerts and reports to whoever has an address for them, one request each.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "gateway/ports/sink.h"
#include "gateway/ports/store.h"
#include "gateway/sinks/shared/attempt_log.h"
#include "gateway/sinks/shared/health.h"
#include "gateway/sinks/shared/json_row.h"
#include "gateway/sinks/webhook/config.h"
#include "gateway/sinks/webhook/event.h"
#include "gateway/sinks/webhook/firing_alerts.h"
#include "protocols/io/clock.h"
#include "protocols/io/http_client.h"
#include "protocols/io/turns.h"

namespace carbongate::sinks::webhook {

// In the order of the journal, one at a time, each until there is a receipt: an answer 2xx, or 409 from one that has it
// already. What the receiver calls wrong (400, 410, 413, 415, 422) is rejected for good with its words; everything else
// is a fault, and the same is sent again: a password, a path or a server that is missing loses nothing.
//
// Alertmanager's receipt holds for as long as it runs: what fires is told it again, every Config::repeat_every, as
// Prometheus does, by attend(). That is no delivery, and recorded nowhere; what is told again is kept in the store, so
// that a restart does not forget it, but for what this sink is no longer offered the end of: its rule or subject has
// left the configuration, or `select` leaves it out. What is not told again for kIntervalsToEnd of them ends there.
class WebhookSink final : public ports::Sink {
 public:
  static constexpr int kIntervalsToEnd = 4;
  static constexpr std::size_t kToldAtOnce = 100;          // alerts, in one request
  static constexpr std::chrono::seconds kFirstRepeat{10};  // after a start: what waits in the journal goes first
  static constexpr const char* kFiringName = "firing";     // of what is kept in the store
  static constexpr Duration kFiringFor = std::chrono::hours(24 * 366);  // what is not told again, there being too many

  using IsOffered = std::function<bool(const model::Series&)>;

  // `store_id`: the store's. `store` and `clock` outlive it. `store` nullptr: nothing is kept. `is_offered`: whether
  // what becomes of such an alert is; empty: of each.
  WebhookSink(Config config, std::string store_id, boost::asio::any_io_executor executor, io::Clock& clock,
              ports::Store* store, IsOffered is_offered);

  const std::string& name() const override { return config_.name; }
  std::size_t batch_rows() const override { return config_.batch_rows; }
  boost::asio::awaitable<void> attend() override;
  boost::asio::awaitable<model::Result<ports::Delivery>> deliver(std::span<const model::StoredRow> rows) override;
  // What fires of them is not told again: its end may have been told already.
  boost::asio::awaitable<model::Result<ports::Delivery>> deliver_again(std::span<const model::StoredRow> rows) override;
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

  boost::asio::awaitable<model::Result<ports::Delivery>> deliver(std::span<const model::StoredRow> rows, bool is_news);
  bool write(const model::StoredRow& row, Event& event);
  Instant end_of_firing(const model::StoredRow& row) const;
  boost::asio::awaitable<Answer> send(const Event& event);
  void remember(const model::StoredRow& row, const Event& event, const Answer& answer);
  boost::asio::awaitable<void> tell_again();
  boost::asio::awaitable<model::Result<void>> read_firing();
  boost::asio::awaitable<model::Result<void>> keep_firing();
  Answer judge(const io::HttpResponse& response);
  void note(const model::StoredRow& row, const Event& event, const Answer& answer);

  Config config_;
  std::string store_id_;
  io::Clock& clock_;
  ports::Store* store_;
  IsOffered is_offered_;
  io::HttpClient client_;
  std::string authorization_;
  std::optional<io::SteadyTime> not_before_;  // the server asked to be left alone until then
  io::Turns sending_;
  FiringAlerts firing_;
  bool has_read_firing_ = false;
  std::string repeat_trouble_;  // as logged
  shared::JsonRow json_;
  shared::Health health_;
  shared::AttemptLog log_;
};

}  // namespace carbongate::sinks::webhook

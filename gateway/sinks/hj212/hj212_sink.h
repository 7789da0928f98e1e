// Reports of one station, and alerts, to a supervisory platform by HJ 212.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "gateway/ports/sink.h"
#include "gateway/ports/store.h"
#include "gateway/sinks/hj212/config.h"
#include "gateway/sinks/hj212/platform_link.h"
#include "gateway/sinks/shared/attempt_log.h"
#include "gateway/sinks/shared/health.h"
#include "protocols/io/clock.h"

namespace carbongate::sinks::hj212 {

// A row is a packet, or several if it is long, and is settled when the platform has answered all of it (9014); without
// receipts, when it is written. What was not answered is sent again, with the same DataTime. A row that gets no answer
// kRoundsMax times, while others do, is refused for good.
class Hj212Sink final : public ports::Sink {
 public:
  static constexpr std::size_t kBatchRows = 256;
  static constexpr int kRoundsMax = 5;
  static constexpr std::chrono::seconds kReconnectPatience{15};  // of a delivery whose connection has ended

  // `clock` and `store` outlive it.
  Hj212Sink(Config config, boost::asio::any_io_executor executor, io::Clock& clock, ports::Store* store);

  const std::string& name() const override { return config_.name; }
  std::size_t batch_rows() const override { return kBatchRows; }
  boost::asio::awaitable<void> attend() override { return link_.run(); }
  boost::asio::awaitable<model::Result<ports::Delivery>> deliver(std::span<const model::StoredRow> rows) override;
  std::vector<ports::Attempt> take_attempts() override { return log_.take(); }
  ports::SinkStatus status() const override;

 private:
  enum class Fate : std::uint8_t { skipped, arrived, refused, sent, waiting };
  struct Packet {
    std::uint64_t sequence = 0;
    Fate fate = Fate::waiting;
    PlatformLink::Ticket ticket = 0;
    std::string id = {};  // "2061 20260801000000"; empty: it is not recorded
    Instant sent{};
    Instant arrived{};
  };
  class Packets;

  bool is_wanted(const model::StoredRow& row) const;
  Data data_of(const model::StoredRow& row, bool marks_unknown) const;
  boost::asio::awaitable<bool> wait_for(io::SteadyTime deadline);
  boost::asio::awaitable<void> send(std::span<const model::StoredRow> rows, Packets& packets);
  model::Result<ports::Delivery> finish(std::span<const model::StoredRow> rows, Packets& packets);
  void ask_by_repeat(std::span<const model::StoredRow> rows, Packets& packets);
  bool is_given_up(std::uint64_t sequence, bool others_arrive);
  void note(const Packets& packets);

  const Config config_;
  io::Clock& clock_;
  StationClock station_clock_;
  PlatformLink link_;
  shared::Health health_;
  shared::AttemptLog log_;
  std::set<std::uint64_t> arrived_ahead_;  // behind a row that is not settled
  std::set<std::uint64_t> unanswered_;     // rows of the last delivery
  std::uint64_t stuck_ = 0;                // the row that got no answer last
  int rounds_ = 0;                         // it did not, while others did
};

}  // namespace carbongate::sinks::hj212

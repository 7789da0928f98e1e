// Reports of one station, and alerts, to a supervisory platform by HJ 212.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
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
// kRoundsMax times, while others do, is refused for good; one that was refused before, when it gets none once.
//
// A packet that waits for its answer holds back what is settled, and not what is sent: as soon as a report or an alert
// stands in the journal behind the rows offered, a delivery ends (shared/under_way.h), and the next one has it among
// its rows. What is open, or arrived behind an open one, is remembered from one delivery to the next. Of the window one
// place is kept for alerts, or one goes beyond a window of less than kWindowWithPlace; alerts go before data, and what
// is sent another time takes no more than half. An alert waits until what came before it of its watch has arrived: the
// platform's last word of it is the last one.
//
// Nor does an alert wait behind a backlog: those behind the rows offered are read from the journal, and go before the
// data in these rows; the sink remembers which have arrived until they are offered. Where many come, no more than
// kAlertsInARow go while data wait and none are under way.
//
// Each time that a packet is sent is in the record of deliveries by the next look, though nothing is settled. By that
// record what has arrived is not sent again after a restart, either, while something before it is open.
//
// A round is the time until the connection is given up, because something was not answered, or is away for long.
class Hj212Sink final : public ports::Sink {
 public:
  static constexpr std::size_t kBatchRows = 256;
  static constexpr std::size_t kAheadMax = 1024;   // alerts behind what is offered; then they wait for it
  static constexpr std::size_t kAheadAtOnce = 64;  // that are read of them
  static constexpr std::size_t kRememberedMax = 4 * kBatchRows + kAheadMax;  // the oldest go: their rows are gone
  static constexpr int kAlertsInARow = 4;
  static constexpr int kRoundsMax = 5;
  static constexpr std::chrono::seconds kReconnectPatience{15};  // of a delivery whose connection has ended
  // While packets wait for answers: for rows behind them, and at what is not recorded yet.
  static constexpr std::chrono::milliseconds kLookAgain{500};

  // `clock` and `store` outlive it. `may_go_ahead`: as in SinkContext.
  Hj212Sink(Config config, boost::asio::any_io_executor executor, io::Clock& clock, ports::Store* store,
            std::function<bool(const model::StoredRow&)> may_go_ahead = {});

  const std::string& name() const override { return config_.name; }
  std::size_t batch_rows() const override { return kBatchRows; }
  boost::asio::awaitable<void> attend() override { return link_.run(); }
  boost::asio::awaitable<model::Result<ports::Delivery>> deliver(std::span<const model::StoredRow> rows) override {
    return deliver_rows(rows, false);
  }
  boost::asio::awaitable<model::Result<ports::Delivery>> deliver_again(
      std::span<const model::StoredRow> rows) override {
    return deliver_rows(rows, true);
  }
  std::vector<ports::Attempt> take_attempts() override { return log_.take(); }
  ports::SinkStatus status() const override;

 private:
  enum class Fate : std::uint8_t { waiting, sent, arrived, refused };
  enum class End : std::uint8_t { done, round_over, cut_short };  // of a delivery
  struct Packet {                                                 // of a row that is not settled
    Fate fate = Fate::waiting;
    PlatformLink::Ticket ticket = 0;
    std::string id = {};             // "2061 20260801000000"; empty: it is not recorded
    std::vector<Instant> sent = {};  // each time that is not noted yet
    std::optional<Instant> last_sent = {};
    io::SteadyTime sent_at{};
    bool is_repeat = false;  // was not answered in a round before
    bool is_again = false;   // was refused before
    int rounds = 0;          // it was not, while others were
    std::string why = {};    // it is refused
  };

  bool is_wanted(const model::StoredRow& row) const;
  Data data_of(const model::StoredRow& row) const;
  std::uint64_t last_notice() const { return store_ ? store_->status().last_notice : 0; }
  bool is_round_over() const;
  model::Fault told(model::Fault fault);
  boost::asio::awaitable<bool> wait_for(io::SteadyTime deadline);
  boost::asio::awaitable<model::Result<ports::Delivery>> deliver_rows(std::span<const model::StoredRow> rows,
                                                                      bool are_again);
  void follow_again(std::span<const model::StoredRow> rows);
  boost::asio::awaitable<void> recall(std::span<const model::StoredRow> rows);
  boost::asio::awaitable<bool> recall(std::uint64_t first, std::uint64_t last);
  boost::asio::awaitable<void> look_ahead(std::uint64_t offered);
  boost::asio::awaitable<End> send(std::span<const model::StoredRow> rows, bool are_again);
  bool send_what_fits(std::span<const model::StoredRow> rows, bool are_again);
  bool do_data_wait(std::span<const model::StoredRow> rows, std::size_t repeats) const;
  bool has_place(const Packet& packet, std::size_t repeats) const;
  void send(const model::StoredRow& row, Packet& packet);
  void ask_by_repeat(std::span<const model::StoredRow> rows);
  void look_for_answers();
  void end_round();
  model::Result<ports::Delivery> finish(std::span<const model::StoredRow> rows, End end);
  void note(std::uint64_t sequence, Packet& packet);
  boost::asio::awaitable<void> record_what_is_open();

  const Config config_;
  io::Clock& clock_;
  ports::Store* store_;
  const std::function<bool(const model::StoredRow&)> may_go_ahead_;
  StationClock station_clock_;
  PlatformLink link_;
  shared::Health health_;
  shared::AttemptLog log_;
  std::map<std::uint64_t, Packet> packets_;          // by the row's sequence
  std::map<std::uint64_t, model::StoredRow> ahead_;  // alerts behind what is offered, by sequence
  std::uint64_t ahead_through_ = 0;                  // the newest alert that was read ahead
  std::optional<std::uint64_t> ahead_notice_;        // all up to this notice are; nullopt: there are more
  int alerts_in_a_row_ = 0;                          // since data were sent
  std::uint64_t recalled_ = 0;                       // up to this row it is known what a former run had receipts of
  std::uint64_t before_ = 0;                         // the journal's last row at the start
  std::uint64_t noticed_ = 0;                        // the newest report or alert when a delivery was cut short last
  std::uint64_t round_ = 0;                          // connections given up before it
  bool has_answered_ = false;                        // the platform, anything of this round
  std::optional<io::SteadyTime> told_at_;            // since nothing arrives: when the pump was last told so
  std::uint64_t repeated_row_ = 0;
  PlatformLink::Ticket repeated_ = 0;  // asks in this round whether it answers anything
};

}  // namespace carbongate::sinks::hj212

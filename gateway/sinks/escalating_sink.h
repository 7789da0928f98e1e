// A sink that is offered what another one has had no receipt for.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "gateway/ports/sink.h"
#include "gateway/ports/store.h"
#include "gateway/sinks/escalation.h"
#include "protocols/io/clock.h"

namespace carbongate::sinks {

// An alert or report is passed on when the other sink has been refused it, or has had no receipt for Escalation::after
// since it was first sent, or since it was first seen in the journal; what is done without a receipt (Outcome::sent)
// has none. When it was seen is kept in the store, for every sixteenth of Escalation::after, so that a restart does not
// begin the wait again; the time of the alert itself says nothing, for data may be of the past. What that sink has a
// receipt for, or is not meant to get, is skipped. Once an alert was passed on, its later changes are too: who was told
// of it also hears its end, also after a restart, for which its id is kept before it is passed on. Rows keep their
// order, so those behind one that may still get its receipt wait with it.
class EscalatingSink final : public ports::Sink {
 public:
  static constexpr std::chrono::milliseconds kLookAgain{1'000};
  static constexpr std::size_t kEndsMax = 4'096;    // remembered; beyond that every second one is forgotten
  static constexpr int kKeptParts = 16;             // of `after`, in each of which an end is kept in the store
  static constexpr const char* kSeenName = "seen";  // there, under the sink's name: lines of "1024 1767225600000"
  static constexpr const char* kFollowedName = "followed";  // likewise: ids of alerts
  static constexpr std::size_t kFollowedMax =
      10'000;  // alerts whose later changes are passed on; the oldest are forgotten

  // `store` and `clock` outlive it.
  EscalatingSink(std::unique_ptr<ports::Sink> sink, Escalation escalation, ports::Store& store, io::Clock& clock);

  const std::string& name() const override { return sink_->name(); }
  std::size_t batch_rows() const override { return sink_->batch_rows(); }
  boost::asio::awaitable<void> attend() override { return sink_->attend(); }
  boost::asio::awaitable<model::Result<ports::Delivery>> deliver(std::span<const model::StoredRow> rows) override;
  boost::asio::awaitable<model::Result<ports::Delivery>> deliver_again(
      std::span<const model::StoredRow> rows) override {
    return sink_->deliver_again(rows);
  }
  std::vector<ports::Attempt> take_attempts() override { return sink_->take_attempts(); }
  ports::SinkStatus status() const override;

 private:
  struct Choice;
  enum class Fate : std::uint8_t { waits, skipped, passed_on };

  boost::asio::awaitable<model::Result<Choice>> choose(std::span<const model::StoredRow> rows);
  void look_at_end(std::uint64_t last);
  io::SteadyTime seen_at(std::uint64_t sequence) const;
  std::optional<Instant> kept_at(std::uint64_t sequence) const;
  boost::asio::awaitable<model::Result<void>> read_kept();
  boost::asio::awaitable<void> keep_end(std::span<const model::StoredRow> rows, const ports::StoreStatus& store);
  Fate fate_of(const model::StoredRow& row, const ports::Recorded* recorded,
               const ports::StoreStatus::Cursor* other) const;
  boost::asio::awaitable<void> follow(std::span<const model::StoredRow> rows);
  void add_followed(const std::string& id);

  std::unique_ptr<ports::Sink> sink_;
  Escalation escalation_;
  ports::Store& store_;
  io::Clock& clock_;

  std::map<std::uint64_t, io::SteadyTime> ends_;  // of the journal, and when that was seen first
  std::map<std::uint64_t, Instant> kept_ends_;    // the same over restarts: some of them
  bool has_read_kept_ = false;
  std::set<std::string> followed_;  // alerts, by id
  std::deque<std::string> followed_in_order_;
  bool is_followed_kept_ = true;
  bool is_waiting_ = false;
  std::uint64_t rows_skipped_ = 0;
  bool was_offered_ = false;  // anything to the sink itself
};

}  // namespace carbongate::sinks

// One queue of records to the key-energy-user platform: quarter hours, days, or months and years.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "gateway/ports/sink.h"
#include "gateway/sinks/energy_platform/caller.h"
#include "gateway/sinks/energy_platform/enrolment.h"
#include "gateway/sinks/energy_platform/records.h"
#include "gateway/sinks/shared/attempt_log.h"
#include "gateway/sinks/shared/health.h"
#include "protocols/io/clock.h"

namespace carbongate::sinks::energy_platform {

// A record is delivered when the platform has answered with success; after anything else it is sent again, and before
// that the device registers anew. An item that is refused kRoundsMax times while the platform takes others is sent
// apart from then on, and what is refused of it for good are dead letters, with the platform's words: a wrong code or a
// value out of the platform's limits holds up nothing else. As long as nothing at all is taken, everything waits; but
// what was a dead letter before, and is refused again after it has registered anew, is one again. Rows
// that are not due yet hold up this queue, and nothing else.
class EnergyPlatformSink final : public ports::Sink {
 public:
  static constexpr std::size_t kBatchRows = 2'000;
  static constexpr int kRoundsMax = 5;
  static constexpr int kRequestsMax = 64;     // of one delivery, when records are looked for that are refused
  static constexpr int kRefusedAloneMax = 3;  // of an item of which none is taken: then all are
  static constexpr std::chrono::seconds kReadyPatience{5};
  static constexpr std::chrono::seconds kLookAtClock{1};  // the wall clock may be set while a slot is waited for
  static constexpr double kCompleteness = 0.9;            // of a day: less is logged

  // The one of real-time data keeps the enrolment up. `clock` outlives it.
  EnergyPlatformSink(std::string name, std::shared_ptr<Enrolment> enrolment, Cadence cadence,
                     boost::asio::any_io_executor executor, io::Clock& clock);

  const std::string& name() const override { return name_; }
  std::size_t batch_rows() const override { return kBatchRows; }
  boost::asio::awaitable<void> attend() override;
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
  using ItemKey = std::pair<std::string, carbongate::energy_platform::StatType>;  // digits of the code
  enum class Fate : std::uint8_t { open, accepted, refused };

  // What goes out in one delivery.
  struct Batch {
    std::vector<carbongate::energy_platform::Record> records;
    std::vector<std::uint64_t> sequences;  // of the row of each, ascending
    std::uint64_t through = 0;             // settled, if all of them are
    std::optional<Instant> due;            // of the row behind it, which has to wait
  };
  struct Sent {
    explicit Sent(std::size_t records) : fates(records, Fate::open) {}
    std::vector<Fate> fates;
    std::map<std::uint64_t, std::string> words;  // of the platform, on refused rows
    std::string trouble;                         // what it said last that was no success
    int requests = 0;
    bool has_arrived = false;  // a record, any
    bool is_refusal = false;   // the platform has answered, and took nothing
  };
  enum class Reply : std::uint8_t { success, refusal, none };

  Batch collect(std::span<const model::StoredRow> rows);
  boost::asio::awaitable<void> wait_until(Instant due);
  boost::asio::awaitable<model::Result<ports::Delivery>> deliver_rows(std::span<const model::StoredRow> rows,
                                                                      bool are_again);
  boost::asio::awaitable<Sent> send(const Batch& batch, bool are_again);
  boost::asio::awaitable<Reply> post(const Batch& batch, std::vector<std::size_t> records, Sent& sent);
  boost::asio::awaitable<Reply> post_by_items(const Batch& batch, const std::vector<std::size_t>& records, Sent& sent);
  boost::asio::awaitable<Reply> find_wrong(const Batch& batch, const std::vector<std::size_t>& records, Sent& sent);
  model::Result<ports::Delivery> finish(std::span<const model::StoredRow> rows, const Batch& batch, const Sent& sent);
  void note(const Batch& batch, const Sent& sent, Instant begun);
  void warn_of_gaps(const model::StoredRow& row);

  const std::string name_;
  std::shared_ptr<Enrolment> enrolment_;
  const Cadence cadence_;
  io::Clock& clock_;
  Caller caller_;
  RecordMaker maker_;
  shared::Health health_;
  shared::AttemptLog log_;
  std::optional<Instant> waits_for_;
  int unanswered_ = 0;               // deliveries in a row
  int refusals_ = 0;                 // deliveries in a row of which nothing was taken
  std::uint64_t refused_front_ = 0;  // the first row of a delivery that was refused as a whole
  std::map<ItemKey, int> rounds_;    // of items: how often they were refused while others were not
};

}  // namespace carbongate::sinks::energy_platform

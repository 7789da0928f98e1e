// One queue of records to the key-energy-user platform: quarter hours, days, or months and years.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "gateway/ports/sink.h"
#include "gateway/ports/store.h"
#include "gateway/sinks/energy_platform/caller.h"
#include "gateway/sinks/energy_platform/enrolment.h"
#include "gateway/sinks/energy_platform/records.h"
#include "gateway/sinks/energy_platform/sums_under_way.h"
#include "gateway/sinks/shared/attempt_log.h"
#include "gateway/sinks/shared/health.h"
#include "protocols/io/clock.h"
#include "protocols/io/event.h"
#include "protocols/io/turns.h"

namespace carbongate::sinks::energy_platform {

// A record is delivered when the platform has answered with success; after anything else it is sent again, and before
// that the device registers anew. An item that is refused kRoundsMax times while the platform takes others is sent
// apart from then on, and what is refused of it for good are dead letters, with the platform's words: a wrong code or a
// value out of the platform's limits holds up nothing else. As long as nothing at all is taken, everything waits; but
// what was a dead letter before, and is refused again after it has registered anew, is one again. Rows that are not due
// yet hold up this queue, and nothing else. Sums of what is entered by hand while their periods are not over do not:
// they count as skipped, are kept in the store, and the newest of each is sent when it is due, by attend().
class EnergyPlatformSink final : public ports::Sink {
 public:
  static constexpr std::size_t kBatchRows = 2'000;
  static constexpr int kRoundsMax = 5;
  static constexpr int kRequestsMax = 64;     // of one delivery, when records are looked for that are refused
  static constexpr int kRefusedAloneMax = 3;  // of an item of which none is taken: then all are
  static constexpr std::chrono::seconds kReadyPatience{5};
  static constexpr std::chrono::seconds kLookAtClock{1};     // the wall clock may be set while a slot is waited for
  static constexpr double kCompleteness = 0.9;               // of a day: less is logged
  static constexpr const char* kUnderWayName = "under-way";  // of the sums that are kept in the store
  static constexpr std::chrono::seconds kSendAgain{30};      // of those, what was not taken

  // The one of real-time data keeps the enrolment up. `clock` and `store` outlive it. `store` nullptr: nothing is kept.
  EnergyPlatformSink(std::string name, std::shared_ptr<Enrolment> enrolment, Cadence cadence,
                     boost::asio::any_io_executor executor, io::Clock& clock, ports::Store* store);

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
  void learn(const Batch& batch, const Sent& sent);
  void drop_sums(const Batch& batch, const Sent& sent);
  boost::asio::awaitable<void> send_sums();
  boost::asio::awaitable<void> sleep_towards(Instant due);
  std::optional<Instant> next_sum() const;
  Batch due_sums() const;
  boost::asio::awaitable<model::Result<void>> read_sums();
  boost::asio::awaitable<model::Result<void>> keep_sums();
  void warn_of_gaps(const model::StoredRow& row);

  const std::string name_;
  std::shared_ptr<Enrolment> enrolment_;
  const Cadence cadence_;
  io::Clock& clock_;
  ports::Store* store_;
  Caller caller_;
  RecordMaker maker_;
  SumsUnderWay sums_;
  bool has_read_sums_ = false;
  io::Event sums_changed_;
  io::Turns sending_;
  shared::Health health_;
  shared::AttemptLog log_;
  std::optional<Instant> waits_for_;
  int unanswered_ = 0;                      // deliveries in a row
  int refusals_ = 0;                        // deliveries in a row of which nothing was taken
  std::set<std::uint64_t> refused_fronts_;  // the first rows of deliveries that were refused as a whole
  std::map<ItemKey, int> rounds_;           // of items: how often they were refused while others were not
};

}  // namespace carbongate::sinks::energy_platform

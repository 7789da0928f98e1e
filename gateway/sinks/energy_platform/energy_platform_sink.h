// One queue of records to the key-energy-user platform: quarter hours, days, or months and years.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "gateway/ports/sink.h"
#include "gateway/sinks/energy_platform/caller.h"
#include "gateway/sinks/energy_platform/enrolment.h"
#include "gateway/sinks/energy_platform/records.h"
#include "gateway/sinks/shared/health.h"
#include "protocols/io/clock.h"

namespace carbongate::sinks::energy_platform {

// A record is delivered when the platform has answered with success; after anything else it is sent again, and after a
// refusal it registers anew first. A record that the platform refuses kRoundsMax times while it takes others is refused
// for good, with the platform's words. Rows that are not due yet hold up the queue, and nothing else.
class EnergyPlatformSink final : public ports::Sink {
 public:
  static constexpr std::size_t kBatchRows = 2'000;
  static constexpr int kRoundsMax = 5;
  static constexpr int kRequestsMax = 64;     // of one delivery, when records are looked for that are refused
  static constexpr int kRefusedAloneMax = 8;  // before any is taken: then it is not the records
  static constexpr std::chrono::seconds kReadyPatience{5};
  static constexpr std::chrono::seconds kLookAtClock{1};  // the wall clock may be set while a slot is waited for
  static constexpr double kCompleteness = 0.9;            // of a day: less is logged

  // The one of real-time data keeps the enrolment up. `clock` outlives it.
  EnergyPlatformSink(std::string name, std::shared_ptr<Enrolment> enrolment, Cadence cadence,
                     boost::asio::any_io_executor executor, io::Clock& clock);

  const std::string& name() const override { return name_; }
  std::size_t batch_rows() const override { return kBatchRows; }
  boost::asio::awaitable<void> attend() override;
  boost::asio::awaitable<model::Result<ports::Delivery>> deliver(std::span<const model::StoredRow> rows) override;
  ports::SinkStatus status() const override;

 private:
  // What goes out of one delivery: records of rows, and up to which row it settles if all of them are taken.
  struct Batch {
    std::vector<carbongate::energy_platform::Record> records;
    std::vector<std::uint64_t> sequences;  // of the row of each
    std::uint64_t through = 0;
    std::uint64_t skipped = 0;
    std::optional<Instant> due;  // of the row behind it, which has to wait
  };
  struct Sent {
    std::uint64_t first_open = 0;  // the row that is not settled; 0: all are
    std::string trouble;           // why
    std::string words;             // of the platform on `refused`
    std::uint64_t refused = 0;     // the first row with a record that was refused alone; 0: none
    bool has_arrived = false;      // a record, any
    bool is_refusal = false;       // the platform has answered
  };

  Batch collect(std::span<const model::StoredRow> rows);
  boost::asio::awaitable<void> wait_until(Instant due);
  boost::asio::awaitable<Sent> send(const Batch& batch);
  model::Result<ports::Delivery> finish(std::span<const model::StoredRow> rows, const Batch& batch, const Sent& sent);
  void warn_of_gaps(const model::StoredRow& row);

  const std::string name_;
  std::shared_ptr<Enrolment> enrolment_;
  const Cadence cadence_;
  io::Clock& clock_;
  Caller caller_;
  RecordMaker maker_;
  shared::Health health_;
  std::optional<Instant> waits_for_;
  std::uint64_t refused_front_ = 0;  // the first row of a delivery that was refused as a whole
  std::uint64_t stuck_ = 0;          // the row that was refused while others were not
  int rounds_ = 0;
};

}  // namespace carbongate::sinks::energy_platform

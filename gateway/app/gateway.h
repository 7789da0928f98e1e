// The gateway: drivers -> inbox -> pipeline -> store -> sinks, started downstream first and stopped upstream first.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "drivers/api/driver.h"
#include "gateway/app/gateway_config.h"
#include "gateway/pipeline/pipeline.h"
#include "gateway/ports/sink.h"
#include "gateway/ports/store.h"
#include "protocols/io/bounded_queue.h"
#include "protocols/io/clock.h"
#include "protocols/io/event.h"
#include "protocols/io/task_group.h"

namespace carbongate::app {

struct GatewayStatus {
  std::vector<DriverStatus> drivers;
  std::vector<ports::SinkStatus> sinks;
  ports::StoreStatus store;
  std::uint64_t readings = 0;        // accepted from drivers since the process began
  std::size_t inbox_readings = 0;    // waiting for the pipeline
  std::uint64_t inbox_waits = 0;     // times a driver had to wait because the inbox was full
  std::uint64_t commit_retries = 0;  // commits that failed and were tried again
  std::string store_trouble;         // why the last commit failed; empty: it did not
};

// One per process. Every call on the loop thread.
class Gateway final : private Inbox {
 public:
  // Readings that may wait for the pipeline before drivers have to: 24 bytes each.
  static constexpr std::size_t kInboxReadings = 100'000;
  // Rows that one transaction should hold at most; one batch may exceed it, for it is never cut. A device that wakes
  // after a month brings thousands of quarter hours with one reading, so the rows are foreseen, not the readings
  // counted.
  static constexpr std::size_t kRowsPerCommit = 50'000;
  // Since stop(): when drivers are no longer waited for, and when sinks are not. The rest of the 5 s is the store's.
  static constexpr std::chrono::milliseconds kDriversStopWithin{3'500};
  static constexpr std::chrono::milliseconds kSinksDrainWithin{4'200};

  Gateway(GatewayConfig config, std::unique_ptr<ports::Store> store, boost::asio::any_io_executor executor,
          io::Clock& clock);

  // Runs until stop(), or until the pipeline or the store fails in a way that is ours to mend: then the exception is
  // thrown after an orderly stop. `on_ready` is called once everything is started.
  boost::asio::awaitable<void> run(std::function<void()> on_ready);

  // Cancels the drivers, lets the pipeline drain the inbox and commit, gives the sinks a moment. Not blocking: run()
  // completes within 5 s, also when something outside (a name server) keeps a driver from ending.
  void stop();

  // After run(): closes the store. Only destruction may follow.
  void close() { store_.reset(); }

  GatewayStatus status() const;
  const model::Site& site() const { return config_.site; }
  const model::Checkpoint& accounts() const { return pipeline_.state(); }

 private:
  void fail(std::exception_ptr error);
  boost::asio::awaitable<bool> push(Batch batch) override;
  boost::asio::awaitable<void> ingest();
  boost::asio::awaitable<bool> ingest_slice(std::span<const Batch> batches);
  std::span<const Batch> next_slice(std::span<const Batch> batches) const;
  std::size_t rows_foreseen(const Reading& reading, std::optional<Instant> counted_until) const;
  boost::asio::awaitable<bool> commit(model::Effects effects);
  boost::asio::awaitable<void> supervise(Driver& driver);
  boost::asio::awaitable<void> ended(const io::TaskGroup& tasks, io::SteadyTime deadline);
  boost::asio::awaitable<void> seal_quarter_hours();
  boost::asio::awaitable<void> seal();
  boost::asio::awaitable<void> drain(io::SteadyTime deadline);
  boost::asio::awaitable<void> shut_down();

  GatewayConfig config_;
  boost::asio::any_io_executor executor_;
  io::Clock& clock_;
  std::unique_ptr<ports::Store> store_;
  pipeline::Pipeline pipeline_;
  std::vector<std::size_t> accounts_of_;  // by point: how many accounts it feeds
  std::vector<std::unique_ptr<ports::Sink>> sinks_;
  std::vector<std::unique_ptr<Driver>> drivers_;
  io::BoundedQueue<Batch> inbox_;
  io::Event rows_committed_;
  io::Event stop_requested_;
  io::TaskGroup sink_tasks_;
  io::TaskGroup ingest_tasks_;
  io::TaskGroup seal_tasks_;
  io::TaskGroup driver_tasks_;
  std::exception_ptr failure_;  // what escaped the pipeline, the store or a sink
  bool stopping_ = false;
  io::SteadyTime stopping_since_{};
  std::uint64_t readings_ = 0;
  std::uint64_t commit_retries_ = 0;
  std::string store_trouble_;
  std::string seal_trouble_;  // as logged last
};

}  // namespace carbongate::app

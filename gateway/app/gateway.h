// The gateway: drivers -> inbox -> pipeline -> store -> sinks, started downstream first and stopped upstream first.
#pragma once

#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "drivers/api/driver.h"
#include "gateway/app/conservation.h"
#include "gateway/app/device_health.h"
#include "gateway/app/gateway_config.h"
#include "gateway/app/late_alerts.h"
#include "gateway/app/late_reports.h"
#include "gateway/app/memory.h"
#include "gateway/app/recompute.h"
#include "gateway/app/restamp.h"
#include "gateway/app/window_readings.h"
#include "gateway/pipeline/pipeline.h"
#include "gateway/ports/sink.h"
#include "gateway/ports/store.h"
#include "protocols/io/bounded_queue.h"
#include "protocols/io/clock.h"
#include "protocols/io/event.h"
#include "protocols/io/task_group.h"

namespace carbongate::app {

// What became of the readings that a driver handed over since the process began: each is in one of these.
struct SourceAccount {
  std::uint64_t received = 0;
  std::uint64_t committed = 0;  // in the journal, each with the rule that judged it
  std::uint64_t given_up = 0;   // could not be written before the end; whoever can send again was told
  std::uint64_t waiting() const { return received - committed - given_up; }
};

struct GatewayStatus {
  std::vector<DriverStatus> drivers;
  std::vector<ports::SinkStatus> sinks;
  std::map<std::string, sinks::Pace> paces;  // by sink
  ports::StoreStatus store;
  std::uint64_t readings = 0;                // accepted from drivers since the process began
  std::size_t inbox_readings = 0;            // waiting for the pipeline
  std::uint64_t inbox_waits = 0;             // times a driver had to wait because the inbox was full
  std::uint64_t commit_retries = 0;          // commits that failed and were tried again
  std::string store_trouble;                 // why the last commit failed; empty: it did not
  std::uint64_t corrections = 0;             // booked for late data since the process began
  std::uint64_t entries_without_factor = 0;  // booked, as of pipeline::Statistics
  std::uint64_t entries_without_coal_factor = 0;
  std::uint64_t entries_without_market_factor = 0;
  std::map<std::string, SourceAccount> sources;   // by Batch::source
  std::vector<ports::SinkAccount> sink_accounts;  // as audited last, at most a minute ago
  std::uint64_t audits = 0;
  std::uint64_t breaches = 0;      // audits that did not balance: each is a defect of this program
  bool balances = true;            // the last audit did
  std::uint64_t memory = 0;        // bytes in memory, at most a second ago
  std::uint64_t memory_holds = 0;  // times the drivers had to wait because of it
  bool time_is_known = true;       // false: readings are kept, and not counted yet
};

// One per process. Every call on the loop thread.
class Gateway final : private Inbox {
 public:
  // Readings that may wait for the pipeline before drivers have to: 24 bytes each.
  // By the default of GatewayConfig::memory_max; with another it is more or fewer in proportion.
  static constexpr std::size_t kInboxReadings = 100'000;
  // Rows that one transaction should hold at most; one batch may exceed it, for it is never cut. A device that wakes
  // after a month brings thousands of quarter hours with one reading, so the rows are foreseen, not the readings
  // counted.
  static constexpr std::size_t kRowsPerCommit = 50'000;
  // Since stop(): when drivers are no longer waited for, and when sinks are not. The rest of the 5 s is the store's.
  static constexpr std::chrono::milliseconds kDriversStopWithin{3'500};
  static constexpr std::chrono::milliseconds kSinksDrainWithin{4'200};

  // `memory`: bytes of this process in memory.
  Gateway(GatewayConfig config, std::unique_ptr<ports::Store> store, boost::asio::any_io_executor executor,
          io::Clock& clock, std::function<std::uint64_t()> memory = resident_bytes);

  // Runs until stop(), or until the pipeline or the store fails in a way that is ours to mend: then the exception is
  // thrown after an orderly stop. `on_ready` is called once everything is started.
  boost::asio::awaitable<void> run(std::function<void()> on_ready);

  // Cancels the drivers, lets the pipeline drain the inbox and commit, gives the sinks a moment. Not blocking: run()
  // completes within 5 s, also when something outside (a name server) keeps a driver from ending.
  void stop();

  // What is pending for a sink is counted row by row up to this many; with more, the audit waits until there are fewer.
  static constexpr std::uint64_t kCountedMax = 1'000'000;

  // After run(): closes the store. Only destruction may follow.
  void close() { store_.reset(); }

  // Called with what was committed, right after it was; before run(). Must not block or throw.
  void observe(std::function<void(const model::Effects&)> observer) { observer_ = std::move(observer); }

  GatewayStatus status() const;

  // Behind which a device is; it lives as long as the gateway. nullptr: none has it.
  Driver* driver_of(std::string_view device);
  const GatewayConfig& config() const { return config_; }  // without its devices: the drivers have them
  const model::Site& site() const { return config_.site; }
  const model::Checkpoint& accounts() const { return pipeline_.state(); }

 private:
  // Points whose late data are restated together.
  struct LateWork {
    std::vector<Window> windows;
    std::vector<std::pair<PointId, model::LateData>> all;
    std::vector<model::LateDataSettled> done;  // of them: the slice is closed
    std::vector<pipeline::LateWatch> watches;
    std::vector<pipeline::LateStation> stations;
    bool ends_round = false;  // no point and no watch behind them is left
  };
  // A slice of a point's late data that was looked at and is not settled.
  struct Restated {
    model::LateData late;
    Instant again = Instant::min();  // not before the point is counted up to here: look_again_at()
  };
  // Restated at once, a slice of each. As many watches are judged.
  static constexpr std::size_t kLatePointsAtOnce = 16;

  void fail(std::exception_ptr error);
  boost::asio::awaitable<bool> push(Batch batch) override;
  boost::asio::awaitable<void> catch_up_with_journal();
  boost::asio::awaitable<void> ingest();
  boost::asio::awaitable<void> ingest_slice(std::span<const Batch> batches);
  std::span<const Batch> next_slice(std::span<const Batch> batches) const;
  void find_results();
  std::size_t rows_foreseen(const Reading& reading, std::map<PointId, Instant>& reached) const;
  std::size_t rows_foreseen(PointId point, Instant at, std::map<PointId, Instant>& reached) const;
  boost::asio::awaitable<bool> commit(model::Effects effects);
  boost::asio::awaitable<void> watch_memory();
  boost::asio::awaitable<void> watch_clock();
  boost::asio::awaitable<void> watch_alerts();
  void listen_again(Instant now);
  boost::asio::awaitable<void> look_at_alerts();
  boost::asio::awaitable<void> take_acknowledgements();
  boost::asio::awaitable<void> tell_health();
  boost::asio::awaitable<void> count_heard_again();
  model::Effects keep_apart(std::span<const Batch> batches);
  std::vector<Batch> restamped(std::span<const Batch> batches) const;
  void warn_of_lacking_factors();
  void tell_found_wrong(std::span<const model::FoundWrong> found) const;
  boost::asio::awaitable<void> take_turn();
  void pass_turn();
  boost::asio::awaitable<void> restate_late_data();
  void tell_out_of_reach(const LateWork& work, Instant reach);
  boost::asio::awaitable<void> restate(LateWork& work);
  boost::asio::awaitable<bool> book(std::span<const model::Amendment> amendments,
                                    std::span<const model::LateDataSettled> settled);
  boost::asio::awaitable<LateWork> late_work();
  boost::asio::awaitable<void> judge_late(std::span<const pipeline::LateWatch> watches);
  boost::asio::awaitable<void> judge_late(std::span<const pipeline::LateStation> stations);
  template <class Judgement>
  boost::asio::awaitable<void> tell_late(std::span<const Judgement> judgements);
  void find_substituted();
  void substitute_again(std::span<const model::Amendment> amendments);
  boost::asio::awaitable<bool> substitute_closed_hours();  // false: not all of them yet
  boost::asio::awaitable<void> supervise(Driver& driver);
  boost::asio::awaitable<void> ended(const io::TaskGroup& tasks, io::SteadyTime deadline);
  boost::asio::awaitable<void> audit_each_minute();
  boost::asio::awaitable<std::optional<Conservation>> audit(std::uint64_t count_max);
  boost::asio::awaitable<void> tell(const Conservation& found);
  void log_thinning();
  boost::asio::awaitable<void> seal_quarter_hours();
  boost::asio::awaitable<void> seal();
  boost::asio::awaitable<void> drain(io::SteadyTime deadline);
  boost::asio::awaitable<void> shut_down();

  GatewayConfig config_;
  boost::asio::any_io_executor executor_;
  io::Clock& clock_;
  std::unique_ptr<ports::Store> store_;
  pipeline::Pipeline pipeline_;
  DeviceHealth health_;
  std::vector<std::size_t> accounts_of_;          // by point: how many accounts it feeds
  std::vector<std::vector<PointId>> results_of_;  // by point: the derived points that a reading of it moves
  std::vector<std::unique_ptr<ports::Sink>> sinks_;
  std::vector<sinks::Pace> paces_;  // of each
  std::vector<std::unique_ptr<Driver>> drivers_;
  io::BoundedQueue<Batch> inbox_;
  io::Event rows_committed_;
  io::Event stop_requested_;
  io::TaskGroup sink_tasks_;
  io::TaskGroup ingest_tasks_;
  io::TaskGroup seal_tasks_;
  io::TaskGroup audit_tasks_;
  io::TaskGroup watch_tasks_;
  io::TaskGroup driver_tasks_;
  io::TaskGroup correction_tasks_;
  io::Event turn_passed_;
  bool turn_taken_ = false;     // the pipeline's effects are under way to the store: the two agree again after that
  bool committing_ = true;      // false: a commit was given up, the pipeline stands ahead of the store
  std::exception_ptr failure_;  // what escaped the pipeline, the store or a sink
  bool stopping_ = false;
  io::SteadyTime stopping_since_{};
  std::function<std::uint64_t()> resident_bytes_;
  std::function<void(const model::Effects&)> observer_;
  std::uint64_t memory_ = 0;
  std::uint64_t memory_holds_ = 0;
  std::optional<model::UnknownTime> unknown_time_;               // as committed last
  std::optional<std::pair<Restamp, io::SteadyTime>> under_way_;  // stamps of unknown time that may come until then
  std::uint64_t readings_ = 0;
  std::uint64_t commit_retries_ = 0;
  std::string store_trouble_;
  std::string seal_trouble_;  // as logged last
  std::uint64_t corrections_ = 0;
  bool warned_of_no_factor_ = false;
  bool warned_of_no_coal_factor_ = false;
  bool warned_of_no_market_factor_ = false;
  std::map<std::string, SourceAccount> sources_;
  std::size_t readings_under_way_ = 0;  // between inbox and commit
  std::vector<ports::SinkAccount> sink_accounts_;
  std::uint64_t audits_ = 0;
  std::uint64_t breaches_ = 0;
  std::string breach_;                                  // as logged last
  ports::StoreStatus thinned_before_;                   // a minute ago
  std::optional<ports::StoreStatus> thinning_;          // as it was when readings began to be dropped
  std::map<PointId, Restated> restated_;                // restated as far as it is closed and decided
  std::map<PointId, std::uint32_t> told_out_of_reach_;  // how many late readings of a point there were then
  std::size_t next_late_point_ = 0;                     // of the round under way: those before it had their turn
  std::size_t next_late_watch_ = 0;
  std::map<PointId, Instant> substituted_;   // by source of accounts with a rule: hours before this are done
  std::optional<Instant> alerts_looked_at_;  // nullopt: nobody has known the time yet
  KnownLeads known_leads_;                   // on the worker's thread
  std::atomic<bool> stop_recomputing_{false};
  boost::asio::thread_pool worker_{1};  // reads the store again; first to be destroyed
};

}  // namespace carbongate::app

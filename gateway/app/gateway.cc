#include "gateway/app/gateway.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <ranges>
#include <utility>

#include "gateway/app/catch_up.h"
#include "gateway/app/make_drivers.h"
#include "gateway/model/entry_name.h"
#include "gateway/pipeline/energy.h"
#include "gateway/sinks/registry.h"
#include "gateway/sinks/sink_pump.h"
#include "protocols/io/backoff.h"

namespace carbongate::app {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

std::string text_of(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    return e.what();
  } catch (...) {
    return "an exception of unknown type";
  }
}

}  // namespace

Gateway::Gateway(GatewayConfig config, std::unique_ptr<ports::Store> store, asio::any_io_executor executor,
                 io::Clock& clock, std::function<std::uint64_t()> memory)
    : config_(std::move(config)),
      executor_(executor),
      clock_(clock),
      store_(std::move(store)),
      pipeline_(config_.site, config_.factors, store_->checkpoint()),
      health_(config_.site),
      accounts_of_(config_.site.points.size()),
      results_of_(config_.site.points.size()),
      inbox_(executor, config_.memory_max * kInboxReadings / kMemoryMax),
      rows_committed_(executor),
      stop_requested_(executor),
      sink_tasks_(executor),
      ingest_tasks_(executor),
      seal_tasks_(executor),
      audit_tasks_(executor),
      watch_tasks_(executor),
      driver_tasks_(executor),
      correction_tasks_(executor),
      turn_passed_(executor),
      resident_bytes_(std::move(memory)),
      unknown_time_(pipeline_.state().unknown_time) {
  for (const model::Account& account : config_.site.accounts) ++accounts_of_.at(index(account.source));
  find_results();
  find_substituted();
  for (const auto& plan : config_.sinks) {
    sinks_.push_back(plan->make({executor_, clock_, store_.get()}));
    paces_.push_back(plan->pace());
  }
  drivers_ = make_drivers(std::move(config_.devices), {executor_, clock_});
}

// Results stand behind their inputs in the configuration, so the results of a result are found before it is.
void Gateway::find_results() {
  for (const model::Derived& derived : config_.site.derived | std::views::reverse) {
    for (const model::DerivedInput& input : model::followed(derived)) {
      if (!input.point) continue;
      std::vector<PointId>& results = results_of_.at(index(*input.point));
      results.push_back(derived.result);
      const std::vector<PointId>& further = results_of_.at(index(derived.result));
      results.insert(results.end(), further.begin(), further.end());
      std::ranges::sort(results);
      results.erase(std::ranges::unique(results).begin(), results.end());
    }
  }
}

// Before anything else is committed: with states of an earlier time readings would be counted twice.
asio::awaitable<void> Gateway::catch_up_with_journal() {
  auto effects = catch_up(pipeline_, config_.site, config_.store.path);
  if (!effects) throw std::runtime_error(effects.error().text);
  spdlog::warn(
      "the states of points and accounts were those of row {} of the journal: what lies behind is counted again",
      *pipeline_.state().behind);
  committing_ = co_await commit(std::move(*effects));
}

asio::awaitable<void> Gateway::run(std::function<void()> on_ready) {
  if (pipeline_.state().behind) co_await catch_up_with_journal();
  co_await take_acknowledgements();  // of before what is heard now, which may end the alerts
  const auto on_end = [this](std::exception_ptr error) {
    if (error) fail(error);
  };
  const std::size_t rows_max = sinks::rows_at_once_max(config_.memory_max, sinks_.size());
  for (std::size_t i = 0; i < sinks_.size(); ++i) {
    sink_tasks_.spawn(sinks_[i]->attend(), on_end);
    sink_tasks_.spawn(sinks::pump(*sinks_[i], *store_, rows_committed_, clock_, paces_[i], rows_max), on_end);
  }
  ingest_tasks_.spawn(ingest(), on_end);
  seal_tasks_.spawn(seal_quarter_hours(), on_end);
  audit_tasks_.spawn(audit_each_minute(), on_end);
  watch_tasks_.spawn(watch_clock(), on_end);
  watch_tasks_.spawn(watch_memory(), on_end);
  watch_tasks_.spawn(watch_alerts(), on_end);
  for (const auto& driver : drivers_) driver_tasks_.spawn(supervise(*driver), on_end);
  driver_tasks_.spawn(tell_health(), on_end);
  if (!config_.store.path.empty()) correction_tasks_.spawn(restate_late_data(), on_end);
  on_ready();
  while (!stopping_) co_await stop_requested_.wait();
  co_await shut_down();
  if (failure_) std::rethrow_exception(failure_);
}

void Gateway::fail(std::exception_ptr error) {
  if (!failure_) failure_ = error;
  stop();
}

void Gateway::stop() {
  if (!stopping_) stopping_since_ = clock_.ticks();
  stopping_ = true;
  stop_requested_.notify_all();
}

asio::awaitable<void> Gateway::shut_down() {
  stop_recomputing_ = true;
  correction_tasks_.cancel();
  driver_tasks_.cancel();
  co_await ended(driver_tasks_, stopping_since_ + kDriversStopWithin);
  if (driver_tasks_.size() != 0)
    spdlog::warn("stopping: {} drivers did not end in time and are left", driver_tasks_.size());
  co_await ended(correction_tasks_, stopping_since_ + kDriversStopWithin);
  inbox_.close();
  seal_tasks_.cancel();
  audit_tasks_.cancel();
  watch_tasks_.cancel();
  co_await ingest_tasks_.join();
  co_await seal_tasks_.join();
  co_await audit_tasks_.join();
  co_await watch_tasks_.join();
  co_await seal();
  co_await drain(stopping_since_ + kSinksDrainWithin);
  sink_tasks_.cancel();
  co_await ended(sink_tasks_, stopping_since_ + kSinksDrainWithin + 300ms);
  if (const auto found = co_await audit(kCountedMax)) co_await tell(*found);
}

asio::awaitable<void> Gateway::ended(const io::TaskGroup& tasks, io::SteadyTime deadline) {
  while (tasks.size() != 0 && clock_.ticks() < deadline) co_await clock_.sleep_until(clock_.ticks() + 10ms);
}

// Half a minute after the quarter hour, when the meters have been read and what it held is booked. Asked once a minute,
// because the wall clock may be set.
asio::awaitable<void> Gateway::seal_quarter_hours() {
  const auto quarter_hour = [this] { return (clock_.now() - 30s).time_since_epoch() / 15min; };
  for (auto sealed = quarter_hour(); true;) {
    co_await clock_.sleep_until(clock_.ticks() + 1min);
    if (quarter_hour() == sealed) continue;
    sealed = quarter_hour();
    co_await seal();
  }
}

// What cannot be sealed now is sealed by the next one: the chain goes on meanwhile.
asio::awaitable<void> Gateway::seal() {
  if (!clock_.is_known()) co_return;  // a seal says when
  const auto result = co_await store_->seal(clock_.now());
  std::string trouble = result.has_error() ? result.error().text : std::string();
  if (!trouble.empty() && trouble != seal_trouble_) spdlog::error("{}", trouble);
  seal_trouble_ = std::move(trouble);
}

// Waits until every sink has what the journal holds; what it does not get in time waits in the journal for the next
// start. A sink that is out of reach, or waits for a time, is not waited for.
asio::awaitable<void> Gateway::drain(io::SteadyTime deadline) {
  const auto pending = [this] {
    const ports::StoreStatus store = store_->status();
    return std::ranges::any_of(sinks_, [&](const auto& sink) {
      const ports::SinkStatus status = sink->status();
      if (!status.healthy || status.is_waiting_for_time) return false;
      const auto cursor = std::ranges::find(store.cursors, sink->name(), &ports::StoreStatus::Cursor::sink);
      return cursor == store.cursors.end() || cursor->live() < store.last_sequence;
    });
  };
  while (pending() && clock_.ticks() < deadline) co_await clock_.sleep_until(clock_.ticks() + 20ms);
}

asio::awaitable<bool> Gateway::push(Batch batch) {
  if (batch.readings.empty()) {
    if (batch.settled) batch.settled(true);
    co_return true;
  }
  const std::size_t readings = batch.readings.size();
  const std::string source = batch.source;
  bool accepted = false;
  try {
    accepted = co_await inbox_.push(batch, readings);
  } catch (...) {  // cancelled while it waited for room
    if (batch.settled) batch.settled(false);
    throw;
  }
  if (!accepted) {
    if (batch.settled) batch.settled(false);
    co_return false;
  }
  readings_ += readings;
  sources_[source].received += readings;
  co_return true;
}

// Once a commit was given up or something escaped, nothing more is counted: the pipeline stands ahead of the store, and
// what followed would leave out what was lost. Sources that can send again are told so; they will after the restart.
asio::awaitable<void> Gateway::ingest() {
  std::uint64_t lost = 0;
  std::uint64_t sent_again = 0;
  while (auto batches = co_await inbox_.pop_all()) {  // all that waits, at once: one fsync for all of it
    for (const Batch& batch : *batches) readings_under_way_ += batch.readings.size();
    for (std::span<const Batch> rest = *batches; !rest.empty();) {
      const std::span<const Batch> slice = next_slice(rest);
      try {
        if (committing_) co_await ingest_slice(slice);
      } catch (...) {
        fail(std::current_exception());
      }
      for (const Batch& batch : slice) {
        SourceAccount& source = sources_[batch.source];
        (committing_ ? source.committed : source.given_up) += batch.readings.size();
        readings_under_way_ -= batch.readings.size();
        if (!committing_) (batch.settled ? sent_again : lost) += batch.readings.size();
        if (batch.settled) batch.settled(committing_);
      }
      rest = rest.subspan(slice.size());
    }
  }
  if (sent_again != 0) {
    spdlog::warn("store: {} readings could not be written and were not acknowledged: their sources send them again",
                 sent_again);
  }
  if (lost != 0) {
    spdlog::critical("store: {} readings could not be written and are lost: no source sends them again", lost);
  }
}

// Whether it went well stands in committing_ before the turn is passed on.
asio::awaitable<void> Gateway::ingest_slice(std::span<const Batch> batches) {
  co_await take_turn();
  try {
    if (committing_) {  // else a correction was given up meanwhile
      if (clock_.is_known() && unknown_time_) co_await count_heard_again();
      const std::vector<Batch> changed = restamped(batches);
      model::Effects effects =
          clock_.is_known() ? pipeline_.ingest(changed.empty() ? batches : changed, clock_.now()) : keep_apart(batches);
      tell_found_wrong(effects.found_wrong);
      committing_ = committing_ && co_await commit(std::move(effects));  // states and journal rows, one transaction
      warn_of_lacking_factors();
    }
  } catch (...) {
    committing_ = false;
    pass_turn();
    throw;
  }
  pass_turn();
  rows_committed_.notify_all();
}

// Not only in the journal: what was booked by it is corrected later.
void Gateway::tell_found_wrong(std::span<const model::FoundWrong> found) const {
  for (const model::FoundWrong& wrong : found) {
    spdlog::warn("{}: what it showed at {} was wrong, as the readings after it say; what was booked by it is corrected",
                 config_.site.points.at(index(wrong.point)).full_name(), model::format_utc(wrong.first));
  }
}

// Once in the life of the process for each rule; /metrics counts on.
void Gateway::warn_of_lacking_factors() {
  const pipeline::Statistics& now = pipeline_.statistics();
  const auto warn = [](std::uint64_t count, bool& warned, std::string_view what) {
    if (count == 0 || std::exchange(warned, true)) return;
    spdlog::warn("{}; 'carbongate check' and 'carbongate factors list' say which", what);
  };
  warn(now.entries_without_factor, warned_of_no_factor_,
       "no emission factor applies to an account: its CO2e is missing");
  warn(now.entries_without_coal_factor, warned_of_no_coal_factor_,
       "no coefficient of standard coal applies to an account: its standard coal is missing");
  warn(now.entries_without_market_factor, warned_of_no_market_factor_,
       "a market-based factor does not apply any more, or not yet: the next one in the hierarchy stands in for it");
}

// Readings and corrections change the same accounts. Whoever has the turn finds pipeline and store in agreement.
asio::awaitable<void> Gateway::take_turn() {
  while (turn_taken_) co_await turn_passed_.wait();
  turn_taken_ = true;
}

void Gateway::pass_turn() {
  turn_taken_ = false;
  turn_passed_.notify_all();
}

std::span<const Batch> Gateway::next_slice(std::span<const Batch> batches) const {
  std::map<PointId, Instant> reached;  // by the readings of this slice
  std::size_t rows = 0;
  for (std::size_t count = 0; count < batches.size(); ++count) {
    for (const Reading& reading : batches[count].readings) {
      rows += rows_foreseen(reading, reached);
    }
    if (rows > kRowsPerCommit && count != 0) return batches.first(count);
  }
  return batches;
}

// Of the reading and of what is computed from it: a result whose other inputs were silent for a month wakes with a
// reading of a point that was not silent at all.
std::size_t Gateway::rows_foreseen(const Reading& reading, std::map<PointId, Instant>& reached) const {
  const std::vector<PointId>& results = results_of_.at(index(reading.point));
  if (!std::isfinite(reading.value)) return 1 + results.size();
  std::size_t rows = rows_foreseen(reading.point, reading.at, reached);
  for (const PointId result : results) rows += rows_foreseen(result, reading.at, reached);
  return rows;
}

// Its own row and its accounts' running totals; and for each quarter hour since the point was counted last an interval,
// and per account an entry, its sum and a share of the longer periods' sums. `reached`: how far earlier readings of the
// same slice have counted.
std::size_t Gateway::rows_foreseen(PointId point, Instant at, std::map<PointId, Instant>& reached) const {
  const std::size_t accounts = accounts_of_.at(index(point));
  if (accounts == 0) return 1;
  const model::PointState& state = pipeline_.state().points.at(index(point));
  std::optional<Instant> counted_until = state.counter.baseline ? state.counter.baseline->first : state.last_at;
  const auto [before, is_first] = reached.try_emplace(point, at);
  if (!is_first) counted_until = std::exchange(before->second, std::max(before->second, at));
  if (!counted_until || at <= *counted_until) return 1 + accounts;
  const Duration silence = std::min(at - *counted_until, pipeline::kSpreadMax);
  return 1 + accounts + static_cast<std::size_t>(silence / 15min) * (1 + 3 * accounts);
}

// A store in trouble (disk full, I/O error) is tried again until it recovers or we are told to stop; meanwhile the
// inbox fills up and the drivers wait. False: given up because of stopping; nothing of these effects is on disk.
asio::awaitable<bool> Gateway::commit(model::Effects effects) {
  io::Backoff backoff(100ms, 5s);
  while (true) {
    model::Effects attempt = effects;
    const auto result = co_await store_->commit(std::move(attempt));
    const std::string damage = store_->status().damage;  // whatever operation met it
    if (result.has_value()) {
      if (!store_trouble_.empty()) spdlog::warn("store: writing again after {} failed attempts", backoff.attempts());
      store_trouble_.clear();
      if (observer_) observer_(effects);
      if (!damage.empty()) fail(std::make_exception_ptr(std::runtime_error(damage)));  // these effects are on disk
      co_return true;
    }
    // No number of attempts mends that; the next start does.
    if (!damage.empty()) throw std::runtime_error(damage);
    ++commit_retries_;
    if (store_trouble_ != result.error().text) spdlog::error("store: {}; trying again", result.error().text);
    store_trouble_ = result.error().text;
    if (stopping_) {
      spdlog::error("store: stopping while it cannot be written; {} rows are given up: {}", effects.rows.size(),
                    store_trouble_);
      co_return false;
    }
    const auto wait_until = clock_.ticks() + backoff.next();
    while (!stopping_ && clock_.ticks() < wait_until) co_await clock_.sleep_until(clock_.ticks() + 100ms);
  }
}

// An exception that escapes a driver is a defect of that driver: it is started again, and the others never notice.
asio::awaitable<void> Gateway::supervise(Driver& driver) {
  io::Backoff backoff(1s, 30s);
  while (true) {
    std::exception_ptr error;
    try {
      co_await driver.run(*this);
      co_return;
    } catch (...) {
      error = std::current_exception();
    }
    if (stopping_) co_return;
    // A driver that shuts down in peace has switched cancellation off, for this whole chain of coroutines.
    co_await asio::this_coro::reset_cancellation_state(asio::enable_terminal_cancellation());
    const auto pause = backoff.next();
    spdlog::error("{}: ended unexpectedly ({}); starting it again in {} ms", driver.status().name, text_of(error),
                  pause.count());
    co_await clock_.sleep_until(clock_.ticks() + pause);
    if (stopping_) co_return;
  }
}

Driver* Gateway::driver_of(std::string_view device) {
  const auto has_it = [&](const std::unique_ptr<Driver>& driver) {
    const DriverStatus status = driver->status();
    return std::ranges::find(status.devices, device, &DeviceStatus::device) != status.devices.end();
  };
  const auto found = std::ranges::find_if(drivers_, has_it);
  return found == drivers_.end() ? nullptr : found->get();
}

GatewayStatus Gateway::status() const {
  GatewayStatus status;
  for (const auto& driver : drivers_) status.drivers.push_back(driver->status());
  for (std::size_t i = 0; i < sinks_.size(); ++i) {
    status.sinks.push_back(sinks_[i]->status());
    status.paces[sinks_[i]->name()] = paces_[i];
  }
  status.store = store_->status();
  status.readings = readings_;
  status.inbox_readings = inbox_.weight();
  status.inbox_waits = inbox_.waits();
  status.commit_retries = commit_retries_;
  status.store_trouble = store_trouble_;
  status.corrections = corrections_;
  status.entries_without_factor = pipeline_.statistics().entries_without_factor;
  status.entries_without_coal_factor = pipeline_.statistics().entries_without_coal_factor;
  status.entries_without_market_factor = pipeline_.statistics().entries_without_market_factor;
  status.sources = sources_;
  status.sink_accounts = sink_accounts_;
  status.audits = audits_;
  status.breaches = breaches_;
  status.balances = breach_.empty();
  status.memory = memory_;
  status.memory_holds = memory_holds_;
  status.time_is_known = clock_.is_known();
  return status;
}

}  // namespace carbongate::app

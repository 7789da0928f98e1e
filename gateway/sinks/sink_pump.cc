#include "gateway/sinks/sink_pump.h"

#include <fmt/chrono.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "protocols/io/backoff.h"

namespace carbongate::sinks {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::minutes kRejectionLogEvery{1};

std::uint64_t rows_waiting(const ports::StoreStatus& store, const std::string& sink) {
  const auto cursor = std::ranges::find(store.cursors, sink, &ports::StoreStatus::Cursor::sink);
  const std::uint64_t settled = cursor == store.cursors.end() ? 0 : cursor->settled;
  return store.last_sequence - std::min(settled, store.last_sequence);
}

// Turns the outcome of every attempt into few log lines: one when trouble begins or changes its kind, one when it ends.
class PumpLog {
 public:
  PumpLog(const ports::Sink& sink, const ports::Store& store, const io::Clock& clock)
      : name_(sink.name()), store_(store), clock_(clock) {}

  void trouble(const model::Fault& fault) {
    const bool news = !trouble_since_ || fault.code != code_;
    if (!trouble_since_) trouble_since_ = clock_.ticks();
    code_ = fault.code;
    if (news) {
      spdlog::warn("sink {}: {}; {} rows wait in the journal, trying again", name_, fault.text,
                   rows_waiting(store_.status(), name_));
    }
  }

  void success() {
    if (!trouble_since_) return;
    const auto lasted = std::chrono::round<std::chrono::seconds>(clock_.ticks() - *trouble_since_);
    spdlog::info("sink {}: delivering again after {} of trouble; {} rows wait", name_, lasted,
                 rows_waiting(store_.status(), name_));
    trouble_since_.reset();
  }

  void rejected(const std::vector<ports::RejectedRow>& rows) {
    if (rows.empty()) return;
    unlogged_ += rows.size();
    if (rejection_logged_ && clock_.ticks() - *rejection_logged_ < kRejectionLogEvery) return;
    spdlog::warn("sink {}: {} rows rejected for good and kept in the dead-letter list, such as row {}: {}", name_,
                 std::exchange(unlogged_, 0), rows.front().sequence, rows.front().reason);
    rejection_logged_ = clock_.ticks();
  }

 private:
  std::string name_;
  const ports::Store& store_;
  const io::Clock& clock_;
  std::optional<io::SteadyTime> trouble_since_;
  boost::system::error_code code_;
  std::uint64_t unlogged_ = 0;
  std::optional<io::SteadyTime> rejection_logged_;
};

// Offers `rows` once. A value: whether the cursor moved.
asio::awaitable<model::Result<bool>> offer(ports::Sink& sink, ports::Store& store,
                                           const std::vector<model::StoredRow>& rows, PumpLog& log) {
  auto delivery = co_await sink.deliver(rows);
  if (!delivery) co_return std::move(delivery).error();
  if (delivery->settled_through < rows.front().sequence) co_return false;
  log.rejected(delivery->rejected);
  auto settled = co_await store.settle(sink.name(), std::move(*delivery));
  if (!settled) co_return std::move(settled).error();
  co_return true;
}

}  // namespace

asio::awaitable<void> pump(ports::Sink& sink, ports::Store& store, io::Event& rows_committed, io::Clock& clock) {
  io::Backoff backoff(kRetryFirst, kRetryCap);
  PumpLog log(sink, store, clock);
  while (true) {
    // Rows may be committed while peek() is under way; its answer counts only for the journal as it was before.
    const std::uint64_t seen = store.status().last_sequence;
    auto rows = co_await store.peek(sink.name(), sink.batch_rows());
    std::optional<model::Fault> fault;
    if (!rows) {
      fault = std::move(rows).error();
    } else if (rows->empty()) {
      if (store.status().last_sequence != seen) continue;
      co_await rows_committed.wait();
      co_await clock.sleep_until(clock.ticks() + kGatherTime);
      continue;
    } else {
      auto moved = co_await offer(sink, store, *rows, log);
      if (!moved) {
        fault = std::move(moved).error();
      } else if (*moved) {
        log.success();
        backoff.reset();
        continue;
      }
    }
    if (fault) log.trouble(*fault);
    co_await clock.sleep_until(clock.ticks() + backoff.next());
  }
}

}  // namespace carbongate::sinks

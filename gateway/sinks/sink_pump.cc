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

  void retried(const ports::Retried& outcome) {
    spdlog::info(
        "sink {}: {} dead letters offered again: {} accepted, {} back in the list{}{}", name_,
        outcome.accepted.size() + outcome.rejected.size(), outcome.accepted.size(), outcome.rejected.size(),
        outcome.rejected.empty() ? "" : ", such as: ", outcome.rejected.empty() ? "" : outcome.rejected.front().reason);
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

enum class Step { moved, stuck, idle };  // the cursor moved; what was offered is to be offered again; nothing was there

asio::awaitable<model::Result<Step>> offer_journal(ports::Sink& sink, ports::Store& store, PumpLog& log) {
  auto rows = co_await store.peek(sink.name(), sink.batch_rows());
  if (!rows) co_return std::move(rows).error();
  if (rows->empty()) co_return Step::idle;
  auto delivery = co_await sink.deliver(*rows);
  if (!delivery) co_return std::move(delivery).error();
  if (delivery->settled_through < rows->front().sequence) co_return Step::stuck;
  log.rejected(delivery->rejected);
  delivery->rows = static_cast<std::uint64_t>(
      std::ranges::upper_bound(*rows, delivery->settled_through, {}, &model::StoredRow::sequence) - rows->begin());
  auto settled = co_await store.settle(sink.name(), std::move(*delivery));
  if (!settled) co_return std::move(settled).error();
  co_return Step::moved;
}

// The dead letters that somebody wants to be offered once more. They stay in the list until the sink has accepted them.
asio::awaitable<model::Result<Step>> offer_retries(ports::Sink& sink, ports::Store& store, PumpLog& log) {
  auto rows = co_await store.peek_retries(sink.name(), sink.batch_rows());
  if (!rows) co_return std::move(rows).error();
  if (rows->empty()) co_return Step::idle;
  auto delivery = co_await sink.deliver_again(*rows);
  if (!delivery) co_return std::move(delivery).error();
  std::ranges::sort(delivery->rejected, {}, &ports::RejectedRow::sequence);
  ports::Retried outcome;
  auto rejected = delivery->rejected.begin();
  for (const model::StoredRow& row : *rows) {
    if (row.sequence > delivery->settled_through) break;
    while (rejected != delivery->rejected.end() && rejected->sequence < row.sequence) ++rejected;
    if (rejected != delivery->rejected.end() && rejected->sequence == row.sequence) {
      outcome.rejected.push_back(*rejected);
    } else {
      outcome.accepted.push_back(row.sequence);
    }
  }
  if (outcome.accepted.empty() && outcome.rejected.empty()) co_return Step::stuck;
  auto settled = co_await store.settle_retries(sink.name(), outcome);
  if (!settled) co_return std::move(settled).error();
  log.retried(outcome);
  co_return Step::moved;
}

}  // namespace

asio::awaitable<void> pump(ports::Sink& sink, ports::Store& store, io::Event& rows_committed, io::Clock& clock) {
  io::Backoff backoff(kRetryFirst, kRetryCap);
  PumpLog log(sink, store, clock);
  bool has_retries = true;  // only what was in the list when the store was opened: asked until there is none
  while (true) {
    // Rows may be committed while peek() is under way; its answer counts only for the journal as it was before.
    const std::uint64_t seen = store.status().last_sequence;
    auto step = has_retries ? co_await offer_retries(sink, store, log) : co_await offer_journal(sink, store, log);
    std::optional<model::Fault> fault;
    if (!step) {
      fault = std::move(step).error();
    } else if (*step == Step::moved) {
      log.success();
      backoff.reset();
      continue;
    } else if (*step == Step::idle) {
      if (std::exchange(has_retries, false) || store.status().last_sequence != seen) continue;
      co_await rows_committed.wait();
      co_await clock.sleep_until(clock.ticks() + kGatherTime);
      continue;
    }
    if (fault) log.trouble(*fault);
    co_await clock.sleep_until(clock.ticks() + backoff.next());
  }
}

}  // namespace carbongate::sinks

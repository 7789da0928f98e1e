#include "gateway/sinks/sink_pump.h"

#include <algorithm>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/this_coro.hpp>
#include <exception>
#include <iterator>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "gateway/sinks/in_batches.h"
#include "gateway/sinks/pump_log.h"
#include "gateway/sinks/rows_in_time.h"
#include "gateway/sinks/shared/under_way.h"
#include "protocols/io/backoff.h"

namespace carbongate::sinks {

namespace asio = boost::asio;

namespace {

// A commit writes how far sinks are, too. Where none comes for so long, what speaks to people has it written.
constexpr std::chrono::seconds kSaveAfter{2};

// While the live lane always has rows, one batch of this many is of the backlog.
constexpr int kBacklogShare = 5;

// Of dead letters: a rollup comes with its newest revision, an alert with its last change (Journal::peek_retries()),
// and without that one it is not done, for it would stand in its place at the far end.
std::uint64_t settled_with_revisions(std::span<const model::StoredRow> rows, std::uint64_t through) {
  using Name = std::tuple<const model::Series*, int, Instant>;
  std::set<Name> open;
  for (std::size_t i = rows.size(); i > 0; --i) {
    const model::StoredRow& row = rows[i - 1];
    const auto* rollup = row.body.get_if<model::RollupRow>();
    const auto* alert = row.body.get_if<model::Alert>();
    if (rollup == nullptr && alert == nullptr) continue;
    const Name name = rollup != nullptr ? Name{row.series.get(), static_cast<int>(rollup->period), rollup->begin}
                                        : Name{row.series.get(), -1, alert->since};
    if (row.sequence > through) {
      open.insert(name);
    } else if (open.contains(name)) {
      through = row.sequence - 1;
    }
  }
  return through;
}

// Of dead letters that were offered again, which are accepted and which are refused once more.
ports::Retried outcome_of(std::span<const model::StoredRow> rows, ports::Delivery delivery) {
  const std::uint64_t through = settled_with_revisions(rows, delivery.settled_through);
  std::ranges::sort(delivery.rejected, {}, &ports::RejectedRow::sequence);
  ports::Retried outcome;
  auto rejected = delivery.rejected.begin();
  for (const model::StoredRow& row : rows) {
    if (row.sequence > through) break;
    while (rejected != delivery.rejected.end() && rejected->sequence < row.sequence) ++rejected;
    if (rejected != delivery.rejected.end() && rejected->sequence == row.sequence) {
      outcome.rejected.push_back(*rejected);
    } else {
      outcome.accepted.push_back(row.sequence);
    }
  }
  return outcome;
}

enum class Step { moved, stuck, idle };  // the cursor moved; what was offered is to be offered again; nothing was there

class Pump {
 public:
  Pump(ports::Sink& sink, ports::Store& store, io::Event& rows_committed, io::Clock& clock, Pace pace,
       std::size_t rows_max)
      : sink_(sink),
        store_(store),
        rows_committed_(rows_committed),
        clock_(clock),
        pace_(pace),
        rows_max_(rows_max),
        log_(sink, store, clock),
        retries_due_(clock.ticks()),
        backlog_due_(clock.ticks()) {}

  // Delivers until cancelled, and settles before it ends what was delivered until then.
  asio::awaitable<void> run();

 private:
  ports::StoreStatus::Cursor cursor() const { return cursor_of(store_.status(), sink_.name()); }
  std::size_t batch_rows() const { return std::min(sink_.batch_rows(), rows_max_); }
  std::size_t limit() const { return std::min(batch_rows(), rows_in_time_.limit()); }
  bool has_two_lanes() const { return pace_.order == Order::live_first && !cursor().ahead.empty(); }

  asio::awaitable<void> deliver();
  asio::awaitable<model::Result<Step>> offer_journal();
  asio::awaitable<model::Result<Step>> offer_in_order();
  asio::awaitable<model::Result<void>> settle();
  asio::awaitable<model::Result<void>> settle_retries();
  asio::awaitable<void> record_attempts();
  asio::awaitable<void> gather(std::uint64_t seen);
  asio::awaitable<model::Result<void>> settle_and_fetch(std::uint64_t after, std::size_t limit);
  void learn(std::span<const model::StoredRow> rows, io::SteadyTime begun,
             const model::Result<ports::Delivery>& delivery);
  void count_rows(std::span<const model::StoredRow> rows, ports::Delivery& delivery);
  asio::awaitable<model::Result<Step>> offer_lane(ports::Lane lane, std::size_t limit);
  asio::awaitable<model::Result<Step>> offer_retries();
  asio::awaitable<model::Result<void>> part_lanes();

  ports::Sink& sink_;
  ports::Store& store_;
  io::Event& rows_committed_;
  io::Clock& clock_;
  Pace pace_;
  std::size_t rows_max_;
  RowsInTime rows_in_time_;
  bool is_smaller_ = false;  // the next offer, than the last one, which was not taken in time
  PumpLog log_;
  bool has_retries_ = true;     // only what was in the list when the store was opened: asked until there is none
  io::SteadyTime retries_due_;  // meanwhile the journal
  io::Backoff retries_backoff_{kRetryFirst, kRetryCap};
  io::SteadyTime backlog_due_;  // beside a live lane
  io::Backoff backlog_backoff_{kRetryFirst, kRetryCap};
  int live_in_a_row_ = 0;
  std::uint64_t settled_rows_ = 0;  // by the last offer
  bool is_saved_ = true;            // how far it is, or a commit has been since

  // Delivered, and not settled yet: nothing before it is offered again.
  std::optional<ports::Delivery> unsettled_;
  std::optional<ports::Retried> unsettled_retries_;

  // In order of the journal alone: while a batch is under way the store works for the one before and the one behind.
  std::vector<model::StoredRow> next_;  // behind `unsettled_`, and no more than twice what is offered
};

// While rows are on their way, those before them are settled and those behind them fetched. What is not taken of them
// comes next, if it makes a batch with what was fetched: else the store is asked what there is by then.
asio::awaitable<model::Result<Step>> Pump::offer_in_order() {
  using namespace asio::experimental::awaitable_operators;
  const std::size_t wanted = limit();
  std::vector<model::StoredRow> rows = std::exchange(next_, {});
  if (rows.empty()) {
    auto oldest = co_await store_.peek(sink_.name(), wanted);
    if (!oldest) co_return std::move(oldest).error();
    rows = std::move(*oldest);
  }
  if (rows.empty()) co_return Step::idle;
  const std::span<const model::StoredRow> offered(rows.data(), std::min(rows.size(), wanted));
  const std::size_t to_fetch = rows.size() < wanted ? 0 : wanted - std::min(rows.size() - wanted, wanted);
  const io::SteadyTime begun = clock_.ticks();
  auto [delivery, stored] = co_await (sink_.deliver(offered) && settle_and_fetch(rows.back().sequence, to_fetch));
  learn(offered, begun, delivery);
  const bool is_moved = delivery && delivery->settled_through >= offered.front().sequence;
  if (!stored || !is_moved) next_.clear();
  if (!is_moved) co_await record_attempts();
  if (is_moved) {
    count_rows(offered, *delivery);
    const auto open = std::ranges::upper_bound(rows, delivery->settled_through, {}, &model::StoredRow::sequence);
    const auto left = static_cast<std::size_t>(rows.end() - open);
    if (left != 0 && left + next_.size() < wanted) next_.clear();
    if (!next_.empty()) next_.insert(next_.begin(), std::move_iterator(open), std::move_iterator(rows.end()));
    if (unsettled_) {  // it could not be, just now
      append(*unsettled_, std::move(*delivery));
    } else {
      unsettled_ = std::move(*delivery);
    }
  }
  if (!stored) co_return std::move(stored).error();
  if (!delivery) co_return std::move(delivery).error();
  if (!is_moved) co_return Step::stuck;
  if (next_.empty()) stored = co_await settle();
  if (!stored) co_return std::move(stored).error();
  co_return Step::moved;
}

// What the store cannot write now is kept: it was delivered.
asio::awaitable<model::Result<void>> Pump::settle() {
  if (!unsettled_) co_return model::Result<void>();
  ports::Delivery delivery = *unsettled_;
  auto settled = co_await store_.settle(sink_.name(), std::move(delivery));
  if (settled) unsettled_.reset();
  co_return settled;
}

asio::awaitable<model::Result<void>> Pump::settle_retries() {
  ports::Retried outcome = *unsettled_retries_;
  auto settled = co_await store_.settle_retries(sink_.name(), std::move(outcome));
  if (settled) log_.retried(*std::exchange(unsettled_retries_, std::nullopt));
  co_return settled;
}

// What was sent although nothing is settled by it.
asio::awaitable<void> Pump::record_attempts() {
  std::vector<ports::Attempt> attempts = sink_.take_attempts();
  if (attempts.empty()) co_return;
  if (auto kept = co_await store_.record(sink_.name(), std::move(attempts)); !kept) log_.trouble(kept.error());
}

// `limit`: of the rows behind `after`; 0: none are wanted. Its cancellation must not take with it what deliver() says.
asio::awaitable<model::Result<void>> Pump::settle_and_fetch(std::uint64_t after, std::size_t limit) {
  co_await asio::this_coro::throw_if_cancelled(false);
  if (auto settled = co_await settle(); !settled) co_return settled;
  if (limit == 0) co_return model::Result<void>();
  auto rows = co_await store_.peek_behind(sink_.name(), after, limit);
  if (rows) next_ = std::move(*rows);  // a fault is told when they are asked for again
  co_return model::Result<void>();
}

void Pump::learn(std::span<const model::StoredRow> rows, io::SteadyTime begun,
                 const model::Result<ports::Delivery>& delivery) {
  const auto within = clock_.ticks() - begun;
  if (!delivery) {
    if (delivery.error().code == boost::system::errc::timed_out) {
      rows_in_time_.not_taken(rows.size(), within);
      is_smaller_ = rows.size() > 1;
    }
  } else if (delivery->settled_through >= rows.back().sequence) {
    rows_in_time_.taken(rows.size(), within, batch_rows());
  }
}

void Pump::count_rows(std::span<const model::StoredRow> rows, ports::Delivery& delivery) {
  log_.rejected(delivery.rejected);
  const auto open = std::ranges::upper_bound(rows, delivery.settled_through, {}, &model::StoredRow::sequence);
  delivery.rows = static_cast<std::uint64_t>(open - rows.begin());
  delivery.attempts = sink_.take_attempts();
}

// The live lane while it has rows, but for the backlog's share.
asio::awaitable<model::Result<Step>> Pump::offer_journal() {
  if (unsettled_ && next_.empty()) {
    if (auto settled = co_await settle(); !settled) co_return std::move(settled).error();
    co_return Step::moved;
  }
  if (pace_.order == Order::journal) co_return co_await offer_in_order();
  if (!has_two_lanes()) co_return co_await offer_lane(ports::Lane::backlog, limit());
  const io::SteadyTime now = clock_.ticks();
  const bool is_due = now >= backlog_due_;
  if (!is_due || live_in_a_row_ + 1 < kBacklogShare) {
    auto live = co_await offer_lane(ports::Lane::live, limit());
    ++live_in_a_row_;
    if (!live || *live != Step::idle || !is_due) co_return live;
  }
  live_in_a_row_ = 0;
  auto step = co_await offer_lane(ports::Lane::backlog, std::min<std::size_t>(limit(), pace_.backfill_rate));
  if (!step && (unsettled_ || shared::is_under_way(step.error()))) co_return step;
  if (!step || *step == Step::stuck) {  // the live lane goes on without it
    log_.backlog_trouble(step ? "nothing of it is taken" : step.error().text);
    if (std::exchange(is_smaller_, false)) backlog_backoff_.reset();
    backlog_due_ = clock_.ticks() + backlog_backoff_.next();
    co_return Step::idle;
  }
  log_.backlog_moves();
  backlog_backoff_.reset();
  backlog_due_ = now + std::chrono::milliseconds(settled_rows_ * 1000 / pace_.backfill_rate);
  if (!has_two_lanes()) log_.joined();
  co_return step;
}

asio::awaitable<model::Result<Step>> Pump::offer_lane(ports::Lane lane, std::size_t limit) {
  settled_rows_ = 0;
  auto rows = lane == ports::Lane::live ? co_await store_.peek_live(sink_.name(), limit)
                                        : co_await store_.peek(sink_.name(), limit);
  if (!rows) co_return std::move(rows).error();
  if (rows->empty()) co_return Step::idle;
  const io::SteadyTime begun = clock_.ticks();
  auto delivery = co_await sink_.deliver(*rows);
  learn(*rows, begun, delivery);
  if (!delivery || delivery->settled_through < rows->front().sequence) co_await record_attempts();
  if (!delivery) co_return std::move(delivery).error();
  if (delivery->settled_through < rows->front().sequence) co_return Step::stuck;
  count_rows(*rows, *delivery);
  delivery->lane = lane;
  settled_rows_ = delivery->rows;
  unsettled_ = std::move(*delivery);
  if (auto settled = co_await settle(); !settled) co_return std::move(settled).error();
  co_return Step::moved;
}

// Something arrived, so that the far end is there: if much waits, the newest rows are next.
asio::awaitable<model::Result<void>> Pump::part_lanes() {
  const ports::StoreStatus store = store_.status();
  const auto before = cursor_of(store, sink_.name());
  const std::uint64_t waiting = store.last_sequence - std::min(before.live(), store.last_sequence);
  const bool is_far_behind = waiting > std::max<std::uint64_t>(pace_.live_after, batch_rows());
  if (pace_.order == Order::journal || !is_far_behind || before.ahead.size() >= ports::Store::kAheadMax) {
    co_return model::Result<void>();
  }
  auto opened = co_await store_.open_live(sink_.name(), batch_rows());
  if (opened && cursor().ahead.size() > before.ahead.size()) log_.parted(cursor(), pace_.backfill_rate);
  co_return opened;
}

// The dead letters that somebody wants to be offered once more. They stay in the list until the sink has accepted them.
// While they are not, the journal has as much of the time as they have.
asio::awaitable<model::Result<Step>> Pump::offer_retries() {
  const io::SteadyTime begun = clock_.ticks();
  if (!unsettled_retries_) {
    auto rows = co_await store_.peek_retries(sink_.name(), limit());
    if (!rows) co_return std::move(rows).error();
    if (rows->empty()) co_return Step::idle;
    auto delivery = co_await sink_.deliver_again(*rows);
    learn(*rows, begun, delivery);
    if (!delivery || delivery->settled_through < rows->front().sequence) co_await record_attempts();
    if (!delivery) co_return std::move(delivery).error();
    ports::Retried outcome = outcome_of(*rows, std::move(*delivery));
    if (outcome.accepted.empty() && outcome.rejected.empty()) co_return Step::stuck;
    outcome.attempts = sink_.take_attempts();
    unsettled_retries_ = std::move(outcome);
  }
  const bool is_none_accepted = unsettled_retries_->accepted.empty();
  if (auto settled = co_await settle_retries(); !settled) co_return std::move(settled).error();
  retries_backoff_.reset();
  if (is_none_accepted) retries_due_ = clock_.ticks() + (clock_.ticks() - begun);
  co_return Step::moved;
}

// Until rows were committed, and a moment for more of them. `seen`: the end of the journal when it was looked at last.
asio::awaitable<void> Pump::gather(std::uint64_t seen) {
  using namespace asio::experimental::awaitable_operators;
  if (pace_.is_prompt && !std::exchange(is_saved_, true)) {
    const auto first = co_await (rows_committed_.wait() || clock_.sleep_until(clock_.ticks() + kSaveAfter));
    if (first.index() == 1) {
      if (auto kept = co_await store_.record(sink_.name(), {}); !kept) log_.trouble(kept.error());
      if (store_.status().last_sequence == seen) co_await rows_committed_.wait();
    }
  } else {
    co_await rows_committed_.wait();
  }
  const io::SteadyTime due = clock_.ticks() + kGatherTime;
  while (clock_.ticks() < due) {
    if (!pace_.is_prompt) co_return co_await clock_.sleep_until(due);
    if (store_.status().last_notice > seen) co_return;
    co_await (rows_committed_.wait() || clock_.sleep_until(due));
  }
}

asio::awaitable<void> Pump::run() {
  std::exception_ptr end;
  try {
    co_await deliver();
  } catch (...) {
    end = std::current_exception();
  }
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  if (auto settled = co_await settle(); !settled) log_.trouble(settled.error());
  if (unsettled_retries_) {
    if (auto settled = co_await settle_retries(); !settled) log_.retries_wait(settled.error().text);
  }
  if (end) std::rethrow_exception(end);
}

asio::awaitable<void> Pump::deliver() {
  using namespace asio::experimental::awaitable_operators;
  io::Backoff backoff(kRetryFirst, kRetryCap);
  while (true) {
    // Rows may be committed while peek() is under way; its answer counts only for the journal as it was before.
    const std::uint64_t seen = store_.status().last_sequence;
    const bool cannot_settle = unsettled_ && next_.empty();
    const bool are_retries = has_retries_ && !cannot_settle && clock_.ticks() >= retries_due_;
    auto step = are_retries ? co_await offer_retries() : co_await offer_journal();
    if (are_retries) is_smaller_ = false;  // what was learned of them says nothing of the pause of the journal
    if (are_retries && (!step || *step == Step::stuck)) {
      if (!step && !shared::is_under_way(step.error())) log_.retries_wait(step.error().text);
      retries_due_ = clock_.ticks() + retries_backoff_.next();
      continue;
    }
    std::optional<model::Fault> fault;
    if (!step && shared::is_under_way(step.error())) {  // at once, with what has come behind them
      backoff.reset();
      continue;
    }
    if (!step) {
      fault = std::move(step).error();
    } else if (*step == Step::moved) {
      is_saved_ = false;
      log_.success();
      backoff.reset();
      if (auto parted = co_await part_lanes(); !parted) log_.trouble(parted.error());
      continue;
    } else if (*step == Step::idle) {
      if (are_retries) has_retries_ = false;
      if (are_retries || store_.status().last_sequence != seen) continue;
      if (has_two_lanes()) {
        co_await clock_.sleep_until(std::min(backlog_due_, clock_.ticks() + kGatherTime));
        continue;
      }
      if (has_retries_) {
        co_await (gather(seen) || clock_.sleep_until(retries_due_));
      } else {
        co_await gather(seen);
      }
      continue;
    }
    if (fault) log_.trouble(*fault);
    if (std::exchange(is_smaller_, false)) backoff.reset();  // the time that was too short was a pause long enough
    co_await clock_.sleep_until(clock_.ticks() + backoff.next());
  }
}

}  // namespace

std::size_t rows_at_once_max(std::uint64_t memory_max, std::size_t sinks) {
  constexpr std::uint64_t kShare = 8;
  constexpr std::uint64_t kRowBytes = 1024;  // four times a reading, and here and there an entry
  constexpr std::uint64_t kRowsMin = 100;
  return std::max(kRowsMin, memory_max / kShare / kRowBytes / std::max<std::size_t>(sinks, 1));
}

asio::awaitable<void> pump(ports::Sink& sink, ports::Store& store, io::Event& rows_committed, io::Clock& clock,
                           Pace pace, std::size_t rows_max) {
  Pump pumping(sink, store, rows_committed, clock, pace, rows_max);
  co_await pumping.run();
}

}  // namespace carbongate::sinks

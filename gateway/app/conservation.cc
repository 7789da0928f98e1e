#include "gateway/app/conservation.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/this_coro.hpp>
#include <chrono>
#include <utility>

#include "gateway/app/conservation_rule.h"
#include "gateway/app/gateway.h"

namespace carbongate::app {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

std::uint64_t distance(std::uint64_t a, std::uint64_t b) {
  return a > b ? a - b : b - a;
}

std::string breach_of(const ports::SinkAccount& account) {
  return fmt::format(
      "sink {}: {} rows were meant for it, but {} accepted + {} left out + {} refused + {} dropped before it had them "
      "+ {} lost with damaged pages + {} waiting are {}",
      account.sink, account.received, account.accepted, account.skipped, account.refused, account.missed, account.lost,
      account.pending.value_or(0), account.accounted());
}

// "tsdb 4711, archive 12": what each sink has missed since then.
std::string missed_since(const ports::StoreStatus& then, const ports::StoreStatus& now) {
  std::string text;
  for (const ports::StoreStatus::Cursor& cursor : now.cursors) {
    const auto before = std::ranges::find(then.cursors, cursor.sink, &ports::StoreStatus::Cursor::sink);
    const std::uint64_t count = cursor.missed - (before == then.cursors.end() ? 0 : before->missed);
    if (count != 0) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", cursor.sink, count);
  }
  return text;
}

}  // namespace

Conservation conservation_of(std::span<const ports::SinkAccount> accounts, std::uint64_t waiting,
                             std::uint64_t in_hand) {
  Conservation result;
  for (const ports::SinkAccount& account : accounts) {
    // A sink that was taken out of the configuration never moves: what waits for it soon is too much to count, for
    // ever.
    if (!account.pending && account.is_active) result.is_known = false;
    if (account.balances()) continue;
    result.breach += (result.breach.empty() ? "" : "; ") + breach_of(account);
    result.difference += distance(account.received, account.accounted());
  }
  if (waiting != in_hand) {
    result.breach += fmt::format("{}drivers: {} readings are neither committed nor given up, {} wait",
                                 result.breach.empty() ? "" : "; ", waiting, in_hand);
    result.difference += distance(waiting, in_hand);
  }
  return result;
}

// Not cancelled while it tells: the pipeline would stand ahead of the store.
asio::awaitable<void> Gateway::audit_each_minute() {
  thinned_before_ = store_->status();
  while (true) {
    const std::optional<Conservation> found = co_await audit(kCountedMax);
    if (found) {
      co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
      co_await tell(*found);
      co_await asio::this_coro::reset_cancellation_state(asio::enable_terminal_cancellation());
    }
    if (stopping_) co_return;
    log_thinning();
    co_await clock_.sleep_until(clock_.ticks() + 1min);
  }
}

// One line when readings begin to go before their time, or before a sink has got them, one when a minute has passed
// without.
void Gateway::log_thinning() {
  ports::StoreStatus now = store_->status();
  const auto dropped_since = [&now](const ports::StoreStatus& then) {
    const std::string missed = missed_since(then, now);
    return fmt::format("{} readings younger than 'store.keep_readings', {} rows that a sink has not got{}",
                       now.readings_dropped_early - then.readings_dropped_early, now.rows_thinned - then.rows_thinned,
                       missed.empty() ? "" : " (" + missed + ")");
  };
  const bool drops = now.rows_thinned != thinned_before_.rows_thinned ||
                     now.readings_dropped_early != thinned_before_.readings_dropped_early;
  if (drops && !thinning_) {
    spdlog::warn(
        "store: it is as large as {} allows: the oldest readings and running totals go, in this minute {}; intervals "
        "and entries stay",
        now.held_to_bytes == 0 ? "'store.size_max'" : "its disk, which is smaller than 'store.size_max',",
        dropped_since(thinned_before_));
    thinning_ = thinned_before_;
  } else if (!drops && thinning_) {
    spdlog::info("store: no more is dropped; it was {}", dropped_since(*thinning_));
    thinning_.reset();
  }
  thinned_before_ = std::move(now);
}

// nullopt: the store is in trouble, which whoever needs it says already.
asio::awaitable<std::optional<Conservation>> Gateway::audit(std::uint64_t count_max) {
  auto accounts = co_await store_->audit(count_max);
  if (accounts.has_error()) co_return std::nullopt;
  sink_accounts_ = std::move(*accounts);
  ++audits_;
  std::uint64_t waiting = 0;
  for (const auto& [name, source] : sources_) waiting += source.waiting();
  Conservation found = conservation_of(sink_accounts_, waiting, inbox_.weight() + readings_under_way_);
  if (!found.holds()) ++breaches_;
  if (!found.holds() && found.breach != breach_) {
    spdlog::critical("conservation is broken, which is a defect: {}", found.breach);
  }
  breach_ = found.breach;
  co_return found;
}

// An alert begins with the first breach and ends when the equation holds again, whichever process finds it. One that is
// found while nobody knows the time is told by a later audit.
asio::awaitable<void> Gateway::tell(const Conservation& found) {
  const std::optional<model::WatchId> watch = conservation_watch(config_.site);
  if (!watch || !clock_.is_known() || (found.holds() && !found.is_known)) co_return;
  co_await take_turn();
  try {
    const bool fires = pipeline_.state().alerts.at(model::index(*watch)).since.has_value();
    if (committing_ && fires == found.holds()) {
      model::Effects effects =
          pipeline_.tell(*watch, static_cast<double>(found.difference), found.breach, clock_.now());
      const bool is_told = !effects.rows.empty();
      if (!effects.empty()) committing_ = co_await commit(std::move(effects));
      if (is_told) rows_committed_.notify_all();
    }
  } catch (...) {
    committing_ = false;
    pass_turn();
    throw;
  }
  pass_turn();
}

}  // namespace carbongate::app

// Of class Gateway: what came in is somewhere, always. Numbers that were counted in different places must agree.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>

#include "gateway/app/gateway.h"

namespace carbongate::app {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

std::string breach_of(const ports::SinkAccount& account) {
  return fmt::format(
      "sink {}: {} rows were meant for it, but {} accepted + {} left out + {} refused + {} dropped before it had them "
      "+ {} "
      "lost with damaged pages + {} waiting are {}",
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

asio::awaitable<void> Gateway::audit_each_minute() {
  co_await audit(kCountedMax);
  thinned_before_ = store_->status();
  while (true) {
    co_await clock_.sleep_until(clock_.ticks() + 1min);
    co_await audit(kCountedMax);
    log_thinning();
  }
}

// One line when readings begin to be dropped that a sink has not got, one when a minute has passed without.
void Gateway::log_thinning() {
  ports::StoreStatus now = store_->status();
  const std::uint64_t dropped = now.rows_thinned - thinned_before_.rows_thinned;
  if (dropped != 0 && !thinning_) {
    spdlog::warn(
        "store: it is as large as store.size_max allows: the oldest readings and running totals go before every sink "
        "has them, {} in this minute (not sent: {}); intervals and entries stay",
        dropped, missed_since(thinned_before_, now));
    thinning_ = thinned_before_;
  } else if (dropped == 0 && thinning_) {
    spdlog::info("store: no more readings are dropped; {} were (not sent: {})",
                 now.rows_thinned - thinning_->rows_thinned, missed_since(*thinning_, now));
    thinning_.reset();
  }
  thinned_before_ = std::move(now);
}

// A store in trouble is not audited: whoever needs it says so already.
asio::awaitable<void> Gateway::audit(std::uint64_t count_max) {
  auto accounts = co_await store_->audit(count_max);
  if (accounts.has_error()) co_return;
  sink_accounts_ = std::move(*accounts);
  ++audits_;
  std::string breach;
  for (const ports::SinkAccount& account : sink_accounts_) {
    if (!account.balances()) breach += (breach.empty() ? "" : "; ") + breach_of(account);
  }
  std::uint64_t waiting = 0;
  for (const auto& [name, source] : sources_) waiting += source.waiting();
  if (waiting != inbox_.weight() + readings_under_way_) {
    breach += fmt::format("{}drivers: {} readings are neither committed nor given up, {} wait",
                          breach.empty() ? "" : "; ", waiting, inbox_.weight() + readings_under_way_);
  }
  if (!breach.empty()) ++breaches_;
  if (!breach.empty() && breach != breach_) spdlog::critical("conservation is broken, which is a defect: {}", breach);
  breach_ = std::move(breach);
}

}  // namespace carbongate::app

// Of class Gateway: what came in is somewhere, always. Numbers that were counted in different places must agree.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

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

}  // namespace

asio::awaitable<void> Gateway::audit_each_minute() {
  co_await audit(kCountedMax);
  while (true) {
    co_await clock_.sleep_until(clock_.ticks() + 1min);
    co_await audit(kCountedMax);
  }
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

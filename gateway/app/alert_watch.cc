// Of class Gateway: what time alone decides of alerts and of silent stations, and what people say of alerts.
#include <spdlog/spdlog.h>

#include <boost/asio/this_coro.hpp>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gateway/app/gateway.h"
#include "gateway/store/acknowledgement.h"

namespace carbongate::app {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

constexpr auto kLookEvery = 1s;
// Behind the grace: the machine has slept, or its clock was set, or the store stood still.
constexpr auto kLateLook = 5s;

}  // namespace

// The clock passes for alerts, stations and what derived points wait for also while nothing is heard. Not cancelled on
// the way: the pipeline would stand ahead of the store.
asio::awaitable<void> Gateway::watch_alerts() {
  if (config_.site.watches.empty() && config_.site.stations.empty() && config_.site.derived.empty()) co_return;
  if (clock_.is_known()) listen_again(clock_.now());
  while (!stopping_) {
    co_await asio::this_coro::reset_cancellation_state(asio::enable_terminal_cancellation());
    co_await clock_.sleep_until(clock_.ticks() + kLookEvery);
    if (!clock_.is_known()) continue;
    co_await take_turn();
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    try {
      if (committing_) co_await look_at_alerts();
    } catch (...) {
      committing_ = false;
      pass_turn();
      throw;
    }
    pass_turn();
  }
}

void Gateway::listen_again(Instant now) {
  std::map<std::string, std::string> sources;
  for (const auto& driver : drivers_) {
    const DriverStatus status = driver->status();
    for (const DeviceStatus& device : status.devices) sources[device.device] = status.name;
  }
  pipeline_.resume(now, sources);
  alerts_looked_at_ = now;
}

// Whoever calls has the turn.
asio::awaitable<void> Gateway::look_at_alerts() {
  const Instant now = clock_.now();
  if (!alerts_looked_at_ || now - *alerts_looked_at_ > config_.site.alert_grace + kLateLook) listen_again(now);
  alerts_looked_at_ = now;
  model::Effects effects = pipeline_.pass(now, inbox_.weight() + readings_under_way_ == 0);
  if (!effects.empty()) {
    const bool is_told = !effects.rows.empty();
    committing_ = co_await commit(std::move(effects));
    if (is_told) rows_committed_.notify_all();
  }
  co_await take_acknowledgements();
}

// Whoever calls has the turn, or nothing else runs yet.
asio::awaitable<void> Gateway::take_acknowledgements() {
  if (config_.store.path.empty()) co_return;
  std::string trouble;
  const std::vector<store::Acknowledgement> waiting = store::waiting_acknowledgements(config_.store.path, trouble);
  if (!trouble.empty()) spdlog::warn("{}", trouble);
  for (const store::Acknowledgement& said : waiting) {
    if (!committing_) co_return;
    model::Effects answer = pipeline_.acknowledge(said.alert, said.by, said.note, said.at);
    if (answer.empty()) {
      spdlog::info("alert {}: acknowledged by {}, but it does not fire any longer, or was acknowledged before",
                   said.alert, said.by);
    } else {
      committing_ = co_await commit(std::move(answer));
      if (!committing_) co_return;
      rows_committed_.notify_all();
    }
    store::forget_acknowledgement(config_.store.path, said.alert);
  }
}

}  // namespace carbongate::app

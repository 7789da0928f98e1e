#include "gateway/app/ops_facts.h"

#include <utility>

#include "gateway/app/version.h"

namespace carbongate::app {

OpsFacts::OpsFacts(const Gateway& gateway, const io::Clock& clock, Instant begun) : gateway_(gateway), clock_(clock) {
  const GatewayConfig& config = gateway.config();
  fixed_.version = version();
  fixed_.version_text = version_text();
  fixed_.started = begun;
  fixed_.memory_max_bytes = config.memory_max;
  fixed_.store = config.store.path;
  fixed_.store_bytes_max = config.store.size_max;
  fixed_.gwp = config.factors.gwp();
  fixed_.driver_of = config.driver_of;
  for (const auto& plan : config.sinks) fixed_.sinks.push_back(plan->name());
}

ops::State OpsFacts::state() const {
  GatewayStatus status = gateway_.status();
  ops::State state;
  state.now = clock_.now();
  state.time_is_known = status.time_is_known;
  state.machine_ahead = clock_.machine_now() - state.now;
  state.clock_is_synchronised = clock_.is_synchronised();
  state.is_started = is_started_;
  state.drivers = std::move(status.drivers);
  state.sinks = std::move(status.sinks);
  state.store = std::move(status.store);
  state.store_trouble = std::move(status.store_trouble);
  state.readings = status.readings;
  state.inbox_readings = status.inbox_readings;
  state.inbox_waits = status.inbox_waits;
  state.commit_retries = status.commit_retries;
  state.corrections = status.corrections;
  state.entries_without_factor = status.entries_without_factor;
  state.entries_without_coal_factor = status.entries_without_coal_factor;
  state.entries_without_market_factor = status.entries_without_market_factor;
  for (const auto& [name, source] : status.sources) {
    state.sources.push_back({.name = name,
                             .received = source.received,
                             .committed = source.committed,
                             .given_up = source.given_up,
                             .waiting = source.waiting()});
  }
  state.sink_accounts = std::move(status.sink_accounts);
  state.audits = status.audits;
  state.breaches = status.breaches;
  state.balances = status.balances;
  state.memory_bytes = status.memory;
  state.memory_holds = status.memory_holds;
  return state;
}

}  // namespace carbongate::app

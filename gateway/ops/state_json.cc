#include "gateway/ops/state_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <chrono>
#include <set>

#include "gateway/ops/json.h"
#include "gateway/ops/live.h"
#include "gateway/ops/names.h"

namespace carbongate::ops {

namespace json = boost::json;

namespace {

json::object account_json(const ports::SinkAccount& account) {
  json::value pending = nullptr;
  if (account.pending) pending = *account.pending;
  return {{"received", account.received}, {"accepted", account.accepted},  {"skipped", account.skipped},
          {"refused", account.refused},   {"missed", account.missed},      {"lost", account.lost},
          {"pending", pending},           {"balances", account.balances()}};
}

const ports::SinkAccount* account_of(const State& state, const std::string& sink) {
  const auto found = std::ranges::find(state.sink_accounts, sink, &ports::SinkAccount::sink);
  return found == state.sink_accounts.end() ? nullptr : &*found;
}

const ports::StoreStatus::Cursor* cursor_of(const State& state, const std::string& sink) {
  const auto found = std::ranges::find(state.store.cursors, sink, &ports::StoreStatus::Cursor::sink);
  return found == state.store.cursors.end() ? nullptr : &*found;
}

json::object point_json(const Point& point) {
  return {{"id", point.full_name()}, {"name", point.name}, {"unit", point.unit.symbol}, {"kind", word_of(point.kind)}};
}

json::array accounts_of(const model::Site& site, const std::string& user) {
  json::array list;
  for (const model::Account& account : site.accounts) {
    if (account.user != user) continue;
    list.push_back(json::object{{"carrier", account.carrier->id},
                                {"point", site.points.at(index(account.source)).full_name()},
                                {"scope", scope_number(account.scope)},
                                {"flow", to_string(account.flow)},
                                {"supply", supply_of(account)}});
  }
  return list;
}

json::array quotas_of(const model::Site& site) {
  json::array list;
  for (const model::Watch& watch : site.watches) {
    const model::AlertRule& rule = site.alert_rules.at(watch.rule_place);
    const bool has_quota = rule.measure == model::Measure::quota_share || rule.measure == model::Measure::quota_pace;
    if (!has_quota || rule.quota <= 0) continue;
    const bool by_co2e = rule.sum == model::AlertSum::co2e || !watch.carrier;
    const std::int64_t per_unit = by_co2e ? model::kMilligramsPerKilogram : watch.carrier->quanta_per_display;
    list.push_back(json::object{{"rule", rule.id},
                                {"name", rule.name},
                                {"name_zh", rule.name_zh},
                                {"energy_user", watch.user},
                                {"carrier", optional_text(watch.carrier ? watch.carrier->id : std::string_view())},
                                {"measure", by_co2e ? "co2e" : "amount"},
                                {"period", word_of(rule.period)},
                                {"quota", static_cast<double>(rule.quota) / static_cast<double>(per_unit)},
                                {"unit", by_co2e ? std::string_view("kg") : watch.carrier->display.symbol}});
  }
  return list;
}

json::value tls_json(const io::HttpServerStatus& http) {
  if (!http.tls_expires) return nullptr;
  return json::object{{"certificate_expires", model::format_utc(*http.tls_expires)},
                      {"reloads", http.tls_reloads},
                      {"reload_failures", http.tls_reload_failures},
                      {"trouble", http.tls_trouble}};
}

}  // namespace

void SinkRates::note(const State& state) {
  for (const ports::StoreStatus::Cursor& cursor : state.store.cursors) {
    auto& samples = settled_[cursor.sink];
    const std::uint64_t done =
        state.store.last_sequence - std::min(cursor.waiting(state.store.last_sequence), state.store.last_sequence);
    if (!samples.empty() && state.now < samples.back().first) samples.clear();  // the clock was set back
    samples.emplace_back(state.now, done);
    while (samples.size() > 2 && samples.front().first + kWindow < state.now) samples.pop_front();
  }
}

double SinkRates::rows_per_s(const std::string& sink) const {
  const auto found = settled_.find(sink);
  if (found == settled_.end() || found->second.size() < 2) return 0;
  const auto& [begin, before] = found->second.front();
  const auto& [end, after] = found->second.back();
  const double seconds = std::chrono::duration<double>(end - begin).count();
  return seconds <= 0 || after < before ? 0 : static_cast<double>(after - before) / seconds;
}

std::vector<std::string> not_ready(const State& state) {
  std::vector<std::string> why;
  if (!state.is_started) why.emplace_back("the gateway is starting");
  if (!state.store_trouble.empty()) why.push_back("the store cannot be written: " + state.store_trouble);
  if (!state.store.damage.empty()) why.push_back("the store is damaged: " + state.store.damage);
  if (!state.balances) why.emplace_back("conservation is broken: the gateway's log says where");
  return why;
}

json::object status_json(const Facts& facts, const State& state, const ServerFacts& server) {
  const Fixed& fixed = facts.fixed();
  json::array trouble;
  for (const std::string& why : not_ready(state)) trouble.push_back(json::string(why));
  json::array sources;
  for (const SourceFacts& source : state.sources) {
    sources.push_back(json::object{{"name", source.name},
                                   {"received", source.received},
                                   {"committed", source.committed},
                                   {"given_up", source.given_up},
                                   {"waiting", source.waiting}});
  }
  json::array sinks;
  for (const ports::SinkAccount& account : state.sink_accounts) {
    sinks.push_back(json::object{{"name", account.sink}, {"account", account_json(account)}});
  }
  const bool is_ready = trouble.empty();
  return {
      {"version", fixed.version_text},
      {"started", model::format_utc(fixed.started)},
      {"uptime_s", std::chrono::duration<double>(std::max(state.now - fixed.started, Duration::zero())).count()},
      {"memory_bytes", state.memory_bytes},
      {"memory_max_bytes", fixed.memory_max_bytes},
      {"readings", state.readings},
      {"ready", is_ready},
      {"trouble", std::move(trouble)},
      {"inbox",
       json::object{
           {"waiting", state.inbox_readings}, {"waits", state.inbox_waits}, {"memory_holds", state.memory_holds}}},
      {"store", json::object{{"id", state.store.id},
                             {"path", fixed.store.string()},
                             {"bytes", state.store.bytes},
                             {"bytes_max", store_bytes_max(fixed, state)},
                             {"last_sequence", state.store.last_sequence},
                             {"commits", state.store.commits},
                             {"commit_retries", state.commit_retries},
                             {"rows_thinned", state.store.rows_thinned},
                             {"trouble", state.store_trouble},
                             {"damage", state.store.damage},
                             {"repaired", state.store.repaired},
                             {"set_aside", json::array(state.store.set_aside.begin(), state.store.set_aside.end())}}},
      {"ledger", json::object{{"entries", state.store.entries},
                              {"sealed", state.store.sealed},
                              {"trouble", state.store.seal_trouble},
                              {"corrections", state.corrections}}},
      {"conservation", json::object{{"audits", state.audits},
                                    {"breaches", state.breaches},
                                    {"holds", state.balances},
                                    {"sources", std::move(sources)},
                                    {"sinks", std::move(sinks)}}},
      {"clock", json::object{{"now", model::format_utc(state.now)},
                             {"is_known", state.time_is_known},
                             {"is_synchronised", state.clock_is_synchronised},
                             {"machine_ahead_s", std::chrono::duration<double>(state.machine_ahead).count()}}},
      {"server", json::object{{"connections", server.http.connections},
                              {"requests", server.http.requests},
                              {"refused", server.http.refused + server.http.malformed},
                              {"tls", tls_json(server.http)},
                              {"streams", server.streams},
                              {"streams_dropped", server.streams_dropped}}}};
}

json::object sink_json(const State& state, const ports::SinkStatus& sink, const SinkRates& rates) {
  const auto* cursor = cursor_of(state, sink.name);
  const auto* account = account_of(state, sink.name);
  json::value audited = nullptr;
  if (account) audited = account_json(*account);
  return {{"name", sink.name},
          {"healthy", sink.healthy},
          {"since", optional_time(sink.since)},
          {"detail", sink.detail},
          {"is_waiting_for_time", sink.is_waiting_for_time},
          {"rows_accepted", sink.rows_accepted},
          {"rows_rejected", sink.rows_rejected},
          {"rows_skipped", sink.rows_skipped},
          {"requests", sink.requests},
          {"failures", sink.failures},
          {"waiting", cursor ? cursor->waiting(state.store.last_sequence) : 0},
          {"rows_per_s", rates.rows_per_s(sink.name)},
          {"oldest", optional_time(account ? account->oldest : std::nullopt)},
          {"lanes", cursor && !cursor->ahead.empty() ? 2 : 1},
          {"account", audited}};
}

json::object device_json(const DriverStatus& driver, const DeviceStatus& device) {
  const auto trip = device.round_trip == Duration::zero()
                        ? std::nullopt
                        : std::optional(static_cast<double>(device.round_trip.count()));
  return {{"id", device.device},
          {"driver", driver.name},
          {"state", word_of(device.state)},
          {"since", optional_time(device.since)},
          {"detail", device.detail},
          {"heard", optional_time(device.heard)},
          {"round_trip_ms", optional_number(trip)},
          {"polls", device.polls},
          {"errors", device.errors},
          {"error_rate_percent", percent_of(static_cast<double>(device.errors), static_cast<double>(device.polls))},
          {"skipped", device.skipped}};
}

json::value occupancy_of(const DriverStatus& driver) {
  return driver.busy ? percent_of(*driver.busy, 1) : json::value(nullptr);
}

json::object driver_json(const DriverStatus& driver) {
  json::array devices;
  for (const DeviceStatus& device : driver.devices) devices.push_back(device_json(driver, device));
  return {{"name", driver.name},
          {"connected", driver.connected},
          {"since", optional_time(driver.since)},
          {"detail", driver.detail},
          {"reconnects", driver.reconnects},
          {"late_answers", driver.late_answers},
          {"noise_bytes", driver.noise_bytes},
          {"dropped", driver.dropped},
          {"unclaimed", driver.unclaimed},
          {"occupancy_percent", occupancy_of(driver)},
          {"devices", std::move(devices)}};
}

json::object site_json(const Facts& facts) {
  const model::Site& site = facts.site();
  json::array users;
  for (const UserText& user : users_of(site)) {
    users.push_back(json::object{{"id", user.id},
                                 {"name", user.name},
                                 {"part_of", optional_text(user.part_of)},
                                 {"accounts", accounts_of(site, user.id)}});
  }
  json::array carriers;
  json::array sources;
  std::set<std::string_view> known;
  std::set<std::string> known_sources;
  for (const model::Account& account : site.accounts) {
    const model::Carrier& carrier = *account.carrier;
    if (known.insert(carrier.id).second) {
      carriers.push_back(json::object{{"id", carrier.id},
                                      {"name_zh", carrier.name_zh},
                                      {"unit", carrier.display.symbol},
                                      {"category", word_of(carrier.category)}});
    }
    if (account.flow != model::Flow::consumed || !known_sources.insert(supply_of(account)).second) continue;
    const SourceText source = source_text(account);
    sources.push_back(json::object{{"id", source.id},
                                   {"carrier", source.carrier},
                                   {"kind", source.kind},
                                   {"name", source.name},
                                   {"name_zh", source.name_zh},
                                   {"renewable", source.renewable}});
  }
  std::vector<std::pair<std::string, json::array>> devices;
  for (const Point& point : site.points) {
    auto device = std::ranges::find(devices, point.device, &std::pair<std::string, json::array>::first);
    if (device == devices.end()) device = devices.insert(devices.end(), {point.device, json::array()});
    device->second.push_back(point_json(point));
  }
  json::array device_list;
  for (auto& [id, points] : devices) {
    const auto driver = facts.fixed().driver_of.find(id);
    const std::string_view type =
        driver == facts.fixed().driver_of.end() ? "derived" : std::string_view(driver->second);
    device_list.push_back(json::object{{"id", id}, {"driver", type}, {"points", std::move(points)}});
  }
  json::array rules;
  for (const model::AlertRule& rule : site.alert_rules) {
    rules.push_back(json::object{
        {"id", rule.id}, {"name", rule.name}, {"name_zh", rule.name_zh}, {"severity", to_string(rule.severity)}});
  }
  json::array sinks;
  for (const std::string& name : facts.fixed().sinks) sinks.push_back(json::string(name));
  return {{"id", site.id},
          {"name", site.name},
          {"time_zone", site.time_zone},
          {"grid_region", site.grid_region},
          {"gwp", facts.fixed().gwp},
          {"languages", json::array{"en", "zh"}},
          {"energy_users", std::move(users)},
          {"carriers", std::move(carriers)},
          {"sources", std::move(sources)},
          {"devices", std::move(device_list)},
          {"quotas", quotas_of(site)},
          {"alert_rules", std::move(rules)},
          {"sinks", std::move(sinks)}};
}

json::array latest_readings(const Facts& facts, const std::string& device) {
  json::array list;
  for (const Point& point : facts.site().points) {
    if (point.device != device) continue;
    const model::PointState& state = facts.accounts().points.at(index(point.id));
    json::object one = point_json(point);
    one["point"] = one.at("id");
    one.erase("id");
    one["at"] = optional_time(state.last_at);
    one["value"] = state.last_at ? optional_number(state.last_value) : nullptr;
    one["quality"] = state.last_at ? json::value(to_string(state.last_quality.origin)) : json::value(nullptr);
    one["rule"] = to_string(state.last_quality.rule);
    list.push_back(std::move(one));
  }
  return list;
}

}  // namespace carbongate::ops

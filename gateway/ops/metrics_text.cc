#include "gateway/ops/metrics_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <iterator>
#include <string_view>
#include <utility>

#include "gateway/books/live_sums.h"

namespace carbongate::ops {
namespace {

constexpr double kJoulesPerKwh = 3.6e6;
constexpr double kMilligramsPerGram = 1000;
constexpr double kGramsPerKilogram = 1000;

// A label's value: backslash, quotes and line feeds escaped.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out;
}

class Metrics {
 public:
  // A family: all its samples follow.
  void family(std::string_view name, std::string_view type, std::string_view help) {
    name_ = name;
    fmt::format_to(std::back_inserter(text_), "# HELP carbongate_{0} {2}\n# TYPE carbongate_{0} {1}\n", name, type,
                   help);
  }
  void sample(auto value, std::initializer_list<std::pair<std::string_view, std::string_view>> labels = {}) {
    fmt::format_to(std::back_inserter(text_), "carbongate_{}", name_);
    std::string_view separator = "{";
    for (const auto& [label, text] : labels) {
      fmt::format_to(std::back_inserter(text_), "{}{}=\"{}\"", separator, label, escaped(text));
      separator = ",";
    }
    fmt::format_to(std::back_inserter(text_), "{} {}\n", labels.size() == 0 ? "" : "}", value);
  }
  void gauge(std::string_view name, std::string_view help, auto value) {
    family(name, "gauge", help);
    sample(value);
  }
  void counter(std::string_view name, std::string_view help, auto value) {
    family(name, "counter", help);
    sample(value);
  }
  std::string text() && { return std::move(text_); }

 private:
  std::string text_;
  std::string_view name_;
};

double unix_seconds(Instant at) {
  return std::chrono::duration<double>(at.time_since_epoch()).count();
}

void append_process(Metrics& out, const Facts& facts, const State& state) {
  const Fixed& fixed = facts.fixed();
  out.family("build_info", "gauge", "What runs: always 1.");
  out.sample(1, {{"version", fixed.version}});
  out.gauge("start_time_seconds", "When the process began, since 1970 UTC.", unix_seconds(fixed.started));
  out.gauge("ready", "1: as /readyz says.", not_ready(state).empty() ? 1 : 0);
  out.gauge("time_known", "1: the clock is believed; 0: readings are kept apart until it is.",
            state.time_is_known ? 1 : 0);
  out.gauge("memory_bytes", "Of the process, resident.", state.memory_bytes);
  out.gauge("memory_max_bytes", "Beyond it drivers wait.", fixed.memory_max_bytes);
  out.counter("memory_holds_total", "Times that drivers had to wait for memory.", state.memory_holds);
  out.counter("readings_total", "Readings accepted from drivers.", state.readings);
  out.gauge("inbox_readings", "Readings that wait for the pipeline.", state.inbox_readings);
  out.counter("inbox_waits_total", "Times that a driver had to wait for a full inbox.", state.inbox_waits);
}

void append_store(Metrics& out, const Facts& facts, const State& state) {
  out.gauge("store_up", "0: the last commit failed, or the store is damaged.",
            state.store_trouble.empty() && state.store.damage.empty() ? 1 : 0);
  out.gauge("store_set_aside", "Folders with what starts found damaged and repaired, and nobody has removed yet.",
            state.store.set_aside.size());
  out.gauge("store_bytes", "Of the store's database file.", state.store.bytes);
  out.gauge("store_max_bytes", "Beyond it the oldest readings go.", store_bytes_max(facts.fixed(), state));
  out.counter("store_commits_total", "Transactions.", state.store.commits);
  out.counter("store_commit_retries_total", "Commits that failed and were tried again.", state.commit_retries);
  out.counter("store_rows_total", "Rows appended to the journal.", state.store.rows_appended);
  out.counter("store_rows_thinned_total", "Readings dropped before every sink had them.", state.store.rows_thinned);
  out.counter("store_readings_dropped_early_total", "Readings dropped for the size, younger than they are to be kept.",
              state.store.readings_dropped_early);
  out.counter("journal_sequence_total", "Number of the newest row of the journal, since the store was made.",
              state.store.last_sequence);
  out.counter("ledger_entries_total", "Entries in the ledger, since the store was made.", state.store.entries);
  out.counter("ledger_sealed_total", "Those of them that a seal covers.", state.store.sealed);
  out.counter("corrections_total", "Corrections booked for late data.", state.corrections);
  out.family("entries_without_factor_total", "counter",
             "Entries for which a chosen factor did not apply, by their rule.");
  out.sample(state.entries_without_factor, {{"rule", to_string(model::Rule::no_factor)}});
  out.sample(state.entries_without_coal_factor, {{"rule", to_string(model::Rule::no_coal_factor)}});
  out.sample(state.entries_without_market_factor, {{"rule", to_string(model::Rule::no_market_factor)}});
  out.counter("conservation_audits_total", "Audits of what became of every row.", state.audits);
  out.counter("conservation_breaches_total", "Audits that did not balance: each is a defect.", state.breaches);
}

void append_sources(Metrics& out, const State& state) {
  out.family("source_readings_total", "counter", "What became of the readings of a driver.");
  for (const SourceFacts& source : state.sources) {
    out.sample(source.committed, {{"driver", source.name}, {"state", "committed"}});
    out.sample(source.given_up, {{"driver", source.name}, {"state", "given_up"}});
  }
  out.family("source_readings_waiting", "gauge", "Readings of a driver that are not committed yet.");
  for (const SourceFacts& source : state.sources) out.sample(source.waiting, {{"driver", source.name}});
}

void append_drivers(Metrics& out, const State& state) {
  const auto each = [&](std::string_view name, std::string_view type, std::string_view help, auto value) {
    out.family(name, type, help);
    for (const DriverStatus& driver : state.drivers) out.sample(value(driver), {{"driver", driver.name}});
  };
  const auto sum = [](auto member) {
    return [member](const DriverStatus& driver) {
      std::uint64_t total = 0;
      for (const DeviceStatus& device : driver.devices) total += device.*member;
      return total;
    };
  };
  each("driver_connected", "gauge", "1: its line, broker or server is reached.",
       [](const DriverStatus& driver) { return driver.connected ? 1 : 0; });
  each("driver_reconnects_total", "counter", "Connections made again.",
       [](const DriverStatus& driver) { return driver.reconnects; });
  each("driver_polls_total", "counter", "Requests sent, or messages received.", sum(&DeviceStatus::polls));
  each("driver_errors_total", "counter", "Of them: failed.", sum(&DeviceStatus::errors));
  each("driver_skipped_total", "counter", "Polls left out because the one before was under way.",
       sum(&DeviceStatus::skipped));
  each("driver_late_answers_total", "counter", "Answers to nothing any more.",
       [](const DriverStatus& driver) { return driver.late_answers; });
  each("driver_noise_bytes_total", "counter", "Bytes on the line that are part of no frame.",
       [](const DriverStatus& driver) { return driver.noise_bytes; });
  each("driver_dropped_total", "counter",
       "Messages without a promise that found a full queue, and connections beyond a limit.",
       [](const DriverStatus& driver) { return driver.dropped; });
  each("driver_unclaimed_total", "counter", "Messages of no device of the configuration.",
       [](const DriverStatus& driver) { return driver.unclaimed; });
  each("driver_round_trip_seconds", "gauge", "The longest last round trip of its devices.",
       [](const DriverStatus& driver) {
         Duration longest{};
         for (const DeviceStatus& device : driver.devices) longest = std::max(longest, device.round_trip);
         return std::chrono::duration<double>(longest).count();
       });
  out.family("driver_busy_ratio", "gauge", "Share of the last minute in which requests were under way on a line.");
  for (const DriverStatus& driver : state.drivers) {
    if (driver.busy) out.sample(*driver.busy, {{"driver", driver.name}});
  }
  out.family("devices", "gauge", "Devices of a driver by state.");
  for (const DriverStatus& driver : state.drivers) {
    constexpr std::array<std::string_view, 3> kStates{"starting", "online", "offline"};
    for (std::size_t i = 0; i < kStates.size(); ++i) {
      const auto count = std::ranges::count(driver.devices, static_cast<DeviceStatus::State>(i), &DeviceStatus::state);
      out.sample(count, {{"driver", driver.name}, {"state", kStates[i]}});
    }
  }
}

void append_sinks(Metrics& out, const State& state) {
  out.family("sink_healthy", "gauge", "1: its last delivery arrived.");
  for (const auto& sink : state.sinks) out.sample(sink.healthy ? 1 : 0, {{"sink", sink.name}});
  out.family("sink_rows_total", "counter", "Rows by what became of them.");
  for (const auto& sink : state.sinks) {
    out.sample(sink.rows_accepted, {{"sink", sink.name}, {"state", "accepted"}});
    out.sample(sink.rows_rejected, {{"sink", sink.name}, {"state", "rejected"}});
    out.sample(sink.rows_skipped, {{"sink", sink.name}, {"state", "skipped"}});
  }
  out.family("sink_requests_total", "counter", "Deliveries tried.");
  for (const auto& sink : state.sinks) out.sample(sink.requests, {{"sink", sink.name}});
  out.family("sink_failures_total", "counter", "Of them: failed.");
  for (const auto& sink : state.sinks) out.sample(sink.failures, {{"sink", sink.name}});
  out.family("sink_waiting_rows", "gauge", "Rows of the journal that it has not got.");
  for (const auto& cursor : state.store.cursors) {
    out.sample(cursor.waiting(state.store.last_sequence), {{"sink", cursor.sink}});
  }
  out.family(
      "sink_account_rows", "gauge",
      "Rows of the journal meant for a sink, as audited last: received are the sum of the other states. Pending is "
      "absent where there are too many to count.");
  for (const auto& account : state.sink_accounts) {
    if (!account.is_active) continue;
    const auto rows = [&](const char* name, std::uint64_t count) {
      out.sample(count, {{"sink", account.sink}, {"state", name}});
    };
    rows("received", account.received);
    rows("accepted", account.accepted);
    rows("skipped", account.skipped);
    rows("refused", account.refused);
    rows("missed", account.missed);
    rows("lost", account.lost);
    if (account.pending) rows("pending", *account.pending);
  }
  out.family("sink_oldest_waiting_timestamp_seconds", "gauge", "Time of the oldest row that waits; absent: none does.");
  for (const auto& account : state.sink_accounts) {
    if (account.is_active && account.oldest) out.sample(unix_seconds(*account.oldest), {{"sink", account.sink}});
  }
}

void append_accounts(Metrics& out, const Facts& facts, const Live::Totals& totals) {
  const model::Site& site = facts.site();
  if (totals.power_kw) {
    out.gauge("site_power_watts", "Electricity consumed at this moment, by the meters that are heard.",
              *totals.power_kw * 1000);
  }
  if (totals.co2e_kg_per_h) {
    out.gauge("site_co2e_grams_per_second", "Emitted at this moment, location-based, by the meters that are heard.",
              *totals.co2e_kg_per_h * kGramsPerKilogram / 3600);
  }
  out.gauge("site_stale_points", "Accounted points that are silent: what they measure is not in power and CO2e now.",
            totals.stale_points);
  out.counter("site_electricity_joules_total",
              "Electricity consumed since the first reading; corrections may lower it.",
              totals.electricity_kwh * kJoulesPerKwh);
  out.counter("site_co2e_grams_total", "CO2e since the first reading, location-based; corrections may lower it.",
              totals.co2e_kg * kGramsPerKilogram);
  const books::LiveSum sum = books::site_sum(site, facts.accounts());
  if (sum.stated != model::Stated::none) {
    out.gauge("site_co2e_uncertainty_grams",
              "Half-width of the 95 % interval of site_co2e_grams_total; a lower bound where some of it states none.",
              static_cast<double>(sum.u95.quanta()) / kMilligramsPerGram);
  }
  if (sum.elapsed > Duration::zero()) {
    out.gauge("site_coverage_ratio", "Share of the time since the first reading that readings watched.",
              static_cast<double>(sum.covered.count()) / static_cast<double>(sum.elapsed.count()));
  }
  std::array<std::uint64_t, model::kSeverityCount> firing{};
  for (const model::Watch& watch : site.watches) {
    if (!facts.accounts().alerts.at(model::index(watch.id)).since) continue;
    ++firing.at(static_cast<std::size_t>(site.alert_rules.at(watch.rule_place).severity));
  }
  out.family("alerts_firing", "gauge", "Alerts that fire.");
  for (std::size_t i = 0; i < firing.size(); ++i) {
    out.sample(firing.at(i), {{"severity", to_string(static_cast<model::Severity>(i))}});
  }
}

void append_logins(Metrics& out, const LoginFacts& logins) {
  const access::Counters& counters = logins.counters;
  out.family("logins_total", "counter", "Tries to log in, by what became of them.");
  out.sample(counters.logins, {{"outcome", "done"}});
  out.sample(counters.logins_wrong, {{"outcome", "wrong"}});
  out.sample(counters.logins_limited, {{"outcome", "limited"}});
  out.family("http_refused_requests_total", "counter", "Requests that were not admitted, by why not.");
  out.sample(counters.no_credentials, {{"reason", "no_credentials"}});
  out.sample(counters.bad_credentials, {{"reason", "bad_credentials"}});
  out.sample(counters.from_elsewhere, {{"reason", "from_elsewhere"}});
  out.sample(counters.not_allowed, {{"reason", "role"}});
  out.gauge("sessions", "Of users who are logged in.", logins.sessions);
  out.counter("sessions_pushed_out_total", "Ended early, for there were too many.", logins.sessions_pushed_out);
  out.counter(
      "audit_lost_total",
      "What has no entry of its own in the audit log: refused requests that an entry counts, and what could not "
      "be written.",
      logins.audit_lost);
}

void append_server(Metrics& out, const ServerFacts& server) {
  out.gauge("http_connections", "Open now.", server.http.connections);
  out.counter("http_requests_total", "Requests answered by a handler.", server.http.requests);
  out.counter("http_refused_connections_total", "Closed at once: there were too many.", server.http.refused);
  out.counter("http_malformed_requests_total", "Refused for what they looked like.", server.http.malformed);
  out.counter("http_timeouts_total", "Connections that were too slow.", server.http.timeouts);
  out.counter("http_failures_total", "Requests that failed inside.", server.http.failures);
  if (server.http.tls_expires) {
    out.gauge("tls_certificate_expiry_timestamp_seconds",
              "When the certificate that is served expires, since 1970 UTC.", unix_seconds(*server.http.tls_expires));
    out.gauge("tls_certificate_current", "0: its files have changed and cannot be used; the one before is served.",
              server.http.tls_trouble.empty() ? 1 : 0);
    out.family("tls_reloads_total", "counter", "Changes of the certificate's files, by what became of them.");
    out.sample(server.http.tls_reloads, {{"outcome", "done"}});
    out.sample(server.http.tls_reload_failures, {{"outcome", "failed"}});
  }
  out.gauge("http_streams", "Clients of the stream of live values.", server.streams);
  out.counter("http_streams_dropped_total", "Those of them that did not read.", server.streams_dropped);
}

}  // namespace

std::string metrics_text(const Facts& facts, const State& state, const ServerFacts& server,
                         const Live::Totals& totals) {
  Metrics out;
  append_process(out, facts, state);
  append_store(out, facts, state);
  append_sources(out, state);
  append_drivers(out, state);
  append_sinks(out, state);
  append_accounts(out, facts, totals);
  append_server(out, server);
  append_logins(out, server.logins);
  return std::move(out).text();
}

}  // namespace carbongate::ops

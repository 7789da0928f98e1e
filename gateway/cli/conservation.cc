#include "gateway/cli/conservation.h"

#include <fmt/format.h>
#include <sysexits.h>

#include <algorithm>
#include <boost/json.hpp>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "gateway/app/offline_config.h"
#include "gateway/cli/fault_status.h"
#include "gateway/store/cursor_table.h"
#include "gateway/store/known_damage.h"
#include "gateway/tables/local_time.h"

namespace carbongate::cli {
namespace {

// What the numbers of rows do not tell: that there was damage at all.
struct Damage {
  std::optional<std::string> known;    // and not repaired yet
  std::vector<std::string> set_aside;  // folders with what earlier starts found
};

void write_table(const std::vector<ports::SinkAccount>& accounts, std::ostream& out) {
  constexpr const char* kRow = "{:<20} {:>12} = {:>12} + {:>9} + {:>9} + {:>9} + {:>9} + {:>12}  {}\n";
  out << fmt::format(kRow, "SINK", "RECEIVED", "ACCEPTED", "LEFT OUT", "REFUSED", "DROPPED", "DAMAGED", "WAITING", "");
  for (const ports::SinkAccount& account : accounts) {
    out << fmt::format(kRow, account.sink, account.received, account.accepted, account.skipped, account.refused,
                       account.missed, account.lost, account.pending.value_or(0),
                       account.balances() ? "" : fmt::format("DOES NOT BALANCE: {}", account.accounted()));
  }
}

// Where a sink is, in words.
void write_places(const std::vector<ports::SinkAccount>& accounts, const app::GatewayConfig& config,
                  std::ostream& out) {
  tables::LocalTime local(config.site.time_zone);
  for (const ports::SinkAccount& account : accounts) {
    const ports::StoreStatus::Cursor& cursor = account.cursor;
    if (account.oldest) {
      out << fmt::format("{}: of what waits the oldest is of {}\n", account.sink, local(*account.oldest));
    }
    if (!cursor.ahead.empty()) {
      const auto plan = std::ranges::find(config.sinks, account.sink, [](const auto& sink) { return sink->name(); });
      const std::string rate = plan == config.sinks.end()
                                   ? std::string()
                                   : fmt::format(", at most {} a second", (*plan)->pace().backfill_rate);
      out << fmt::format("{}: the newest rows go first, row {} is sent; the backlog is at row {}, {} rows to go{}\n",
                         account.sink, cursor.live(), cursor.settled, cursor.behind(), rate);
    }
    if (account.missed != 0) {
      out << fmt::format("{}: {} readings and running totals were dropped before it had them\n", account.sink,
                         account.missed);
    }
  }
}

void write_json(const std::vector<ports::SinkAccount>& accounts, const std::string& time_zone, const Damage& damage,
                std::ostream& out) {
  tables::LocalTime local(time_zone);
  boost::json::array all;
  for (const ports::SinkAccount& account : accounts) {
    boost::json::value oldest;
    if (account.oldest) oldest = local(*account.oldest);
    all.push_back({{"sink", account.sink},
                   {"received", account.received},
                   {"accepted", account.accepted},
                   {"left_out", account.skipped},
                   {"refused", account.refused},
                   {"dropped", account.missed},
                   {"damaged", account.lost},
                   {"waiting", account.pending.value_or(0)},
                   {"balances", account.balances()},
                   {"oldest_waiting", std::move(oldest)},
                   {"backlog_row", account.cursor.settled},
                   {"live_row", account.cursor.live()},
                   {"backlog", account.cursor.behind()}});
  }
  boost::json::value found;
  if (damage.known) found = *damage.known;
  const boost::json::object whole{{"sinks", std::move(all)},
                                  {"damage", std::move(found)},
                                  {"set_aside", boost::json::value_from(damage.set_aside)}};
  out << boost::json::serialize(whole) << "\n";
}

void write_damage(const Damage& damage, const std::filesystem::path& directory, std::ostream& out) {
  if (damage.known) {
    out << fmt::format("the store is damaged: {}. A start of the gateway repairs it, and counts what is gone\n",
                       *damage.known);
  }
  for (const std::string& folder : damage.set_aside) {
    out << fmt::format(
        "the store was damaged before: {} says what is gone; delete the folder when nobody needs it any more\n",
        (directory / folder / "report.txt").string());
  }
}

}  // namespace

int run_conservation(const ConservationOptions& options, std::ostream& out, std::ostream& err) {
  if (options.format != "table" && options.format != "json") {
    err << "--format is table or json, not " << options.format << "\n";
    return EX_USAGE;
  }
  config::Problems problems;
  app::GatewayConfig config = app::load_offline_config(options.config, problems);
  if (problems.has_errors()) {
    err << problems.to_text();
    return EX_CONFIG;
  }
  const std::filesystem::path directory = options.store.empty() ? config.store.path : options.store;
  const auto accounts = store::audit_store(directory);
  if (accounts.has_error()) {
    err << accounts.error().text << "\n";
    return status_of(accounts.error(), EX_NOINPUT);
  }
  const Damage damage{store::known_damage(directory), store::set_aside(directory)};
  if (options.format == "json") {
    write_json(*accounts, config.site.time_zone, damage, out);
  } else {
    write_table(*accounts, out);
    write_places(*accounts, config, out);
    write_damage(damage, directory, out);
  }
  return std::ranges::all_of(*accounts, &ports::SinkAccount::balances) ? 0 : 1;
}

}  // namespace carbongate::cli

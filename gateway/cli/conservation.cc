#include "gateway/cli/conservation.h"

#include <fmt/format.h>
#include <sysexits.h>

#include <algorithm>
#include <boost/json.hpp>
#include <ostream>

#include "gateway/app/gateway_config.h"
#include "gateway/store/cursor_table.h"

namespace carbongate::cli {
namespace {

void write_table(const std::vector<ports::SinkAccount>& accounts, std::ostream& out) {
  constexpr const char* kRow = "{:<20} {:>12} = {:>12} + {:>9} + {:>9} + {:>9} + {:>9} + {:>12}  {}\n";
  out << fmt::format(kRow, "SINK", "RECEIVED", "ACCEPTED", "LEFT OUT", "REFUSED", "DROPPED", "DAMAGED", "WAITING", "");
  for (const ports::SinkAccount& account : accounts) {
    out << fmt::format(kRow, account.sink, account.received, account.accepted, account.skipped, account.refused,
                       account.missed, account.lost, account.pending.value_or(0),
                       account.balances() ? "" : fmt::format("DOES NOT BALANCE: {}", account.accounted()));
  }
}

void write_json(const std::vector<ports::SinkAccount>& accounts, std::ostream& out) {
  boost::json::array all;
  for (const ports::SinkAccount& account : accounts) {
    all.push_back({{"sink", account.sink},
                   {"received", account.received},
                   {"accepted", account.accepted},
                   {"left_out", account.skipped},
                   {"refused", account.refused},
                   {"dropped", account.missed},
                   {"damaged", account.lost},
                   {"waiting", account.pending.value_or(0)},
                   {"balances", account.balances()}});
  }
  out << boost::json::serialize(all) << "\n";
}

}  // namespace

int run_conservation(const ConservationOptions& options, std::ostream& out, std::ostream& err) {
  if (options.format != "table" && options.format != "json") {
    err << "--format is table or json, not " << options.format << "\n";
    return EX_USAGE;
  }
  config::Problems problems;
  app::GatewayConfig config = app::load_config(options.config, problems);
  if (problems.has_errors()) {
    err << problems.to_text();
    return EX_CONFIG;
  }
  const auto accounts = store::audit_store(options.store.empty() ? config.store.path : options.store);
  if (accounts.has_error()) {
    err << accounts.error().text << "\n";
    return EX_NOINPUT;
  }
  if (options.format == "json") {
    write_json(*accounts, out);
  } else {
    write_table(*accounts, out);
  }
  return std::ranges::all_of(*accounts, &ports::SinkAccount::balances) ? 0 : 1;
}

}  // namespace carbongate::cli

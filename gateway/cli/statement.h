// `carbongate statement`: what the books say about a day, a month or a year, as CSV, JSON or a table.
//
// What the lines add up, and how uncertainty, coverage and quality of a total come about: gateway/books/statement.h.
// Their columns: statement_columns.h. An account that the configuration has and the store knows nothing of is a line
// too, not covered. Only closed quarter hours are entries: of a period that is not over, what is there is stated, and
// the coverage says of how much of it.
#pragma once

#include <filesystem>
#include <iosfwd>
#include <string>

namespace carbongate::app {
struct GatewayConfig;
}

namespace carbongate::cli {

struct StatementOptions {
  std::string period = {};           // day, month or year
  std::string of = {};               // 2026-11-28, 2026-11 or 2026: in the site's time zone
  std::string user = {};             // this energy user alone; empty: all, and the site
  std::string by = "user";           // user, scope, carrier or gas
  std::string format = "csv";        // csv, json or table
  std::string lang = "en";           // header of CSV and table: en or zh
  std::filesystem::path store = {};  // instead of the configured one
  std::string output = {};           // a file, which appears when it is complete; empty: `out`
};

// Reads beside a running gateway as well as after it has stopped; memory does not depend on how much there is.
//
// Exit status: 0; 65 (EX_DATAERR) for options that mean nothing, or a damaged store; 74 (EX_IOERR) when the store
// cannot be read or the output cannot be written; 78 (EX_CONFIG) for a configuration with errors.
int run_statement(const std::filesystem::path& config, const StatementOptions& options, std::ostream& out,
                  std::ostream& err);

// The same of a configuration that was read already; `directory` is where its data files are. Any thread.
int run_statement(const app::GatewayConfig& site, const std::filesystem::path& directory,
                  const StatementOptions& options, std::ostream& out, std::ostream& err);

}  // namespace carbongate::cli

// `carbongate alerts`: which alerts fire, wait to fire, and were there lately; and to acknowledge one.
//
//   state      pending: the condition holds, not long enough yet, or another alert or announced work holds it back;
//              firing, acknowledged, resolved, withdrawn
//   severity   info, warning or critical
//   rule       its id, and name: its name for people
//   subject    DEVICE.POINT, DEVICE, USER or USER/CARRIER
//   since      when its condition began to hold; changed: when it became what it is
//   value, limit, unit
//   suppressed alerts that depend on this one, and were held back while it fires
//   by, note   of an acknowledgement
//   id         by which it is acknowledged
#pragma once

#include <filesystem>
#include <iosfwd>
#include <string>

namespace carbongate::cli {

struct AlertsOptions {
  std::filesystem::path config = {};
  std::filesystem::path store = {};  // directory; empty: the configured one
  std::string format = "table";      // csv or json
  std::string lang = "en";           // of the table: en or zh
  std::string recent = "24h";        // what ended is shown this long, by the newest change there is
  std::string acknowledge = {};      // an id: acknowledge it, instead of showing anything
  std::string by = {};
  std::string note = {};
};

// Shows alerts on `out`, beside a running gateway or after it. An acknowledgement is left beside the store, where the
// gateway takes it up within a second, or when it starts.
//
// Exit status: 0; 64 (EX_USAGE) for options that do not go together; 65 (EX_DATAERR) for an option that means nothing,
// a name or note that is no line of at most 1000 characters, an alert that does not fire, or a damaged store; 73
// (EX_CANTCREAT) if the acknowledgement cannot be left; 74 (EX_IOERR) if the store cannot be read; 78 (EX_CONFIG).
int run_alerts(const AlertsOptions& options, std::ostream& out, std::ostream& err);

}  // namespace carbongate::cli

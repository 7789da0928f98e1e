// `carbongate dead-letters`: the rows that sinks refused for good, in their own words; to be offered again, or given
// up.
//
//   sink      its name
//   time      of the row: when read, or where it begins; ISO 8601 with the site's UTC offset
//   kind      reading, interval, entry, rollup, total or alert; empty if the journal does not keep the row any longer
//   device, point, user, carrier   what it is about; user and carrier are those of accounts
//   value, unit   of a reading its value as in `export`, of all others the amount in the carrier's display unit
//   reason    the far end's words
//   sequence  the row's place in the journal
//   state     refused; waits: to be offered again when the gateway runs; gone: not in the journal any longer
#pragma once

#include <filesystem>
#include <iosfwd>
#include <string>

namespace carbongate::cli {

struct DeadLetterOptions {
  std::filesystem::path config = {};
  std::filesystem::path store = {};  // directory; empty: the configured one
  std::string sink = {};             // empty: all
  std::string format = "table";      // or csv or json
  bool retry = false;                // mark them to be offered again, instead of showing them
  bool drop = false;                 // empty the list, instead of showing it
};

// Shows the list on `out`, beside a running gateway or after it. What retry and drop did goes to `err`; both need the
// store for themselves.
//
// Exit status: 0; 64 (EX_USAGE) for options that do not go together; 65 (EX_DATAERR) for a sink or format that is not
// there, or a damaged store; 73 (EX_CANTCREAT) if the store cannot be changed, as while the gateway runs; 74 (EX_IOERR)
// if it cannot be read; 78 (EX_CONFIG).
int run_dead_letters(const DeadLetterOptions& options, std::ostream& out, std::ostream& err);

}  // namespace carbongate::cli

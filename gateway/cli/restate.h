// `carbongate restate`: computes a stretch of time again from the stored readings, with the present configuration,
// repairs and factors, and shows how the accounts would change; with --book, corrects them.
//
// One line for each energy user, point, carrier, day and cause: the amount and CO2e as first published, as known now
// (with the corrections booked since), as restated, and the difference. Nothing that was published is changed: a
// correction is a further entry that names its cause. Booking twice changes nothing more, also after a kill in the
// middle: each transaction holds whole entries with the sums that contain them, and what is left is found again.
#pragma once

#include <filesystem>
#include <iosfwd>
#include <optional>
#include <string>

namespace carbongate::cli {

struct RestateOptions {
  std::filesystem::path config;
  std::optional<std::filesystem::path> store;   // instead of the configuration's store.path
  std::optional<std::filesystem::path> manual;  // manual_file.h; then the time is that of its lines, and no `from`
  std::string from;                             // as parse_time() reads it
  std::string to;                               // excluded; empty: to the end of what is closed
  std::string factor_set;                       // "NEW" or "NEW=OLD": as if the configuration said NEW (instead of OLD)
  std::string user;                             // only this energy user; empty: all
  bool book = false;
  std::string reason;            // with `book`: goes into every correction's note
  std::string format = "table";  // or csv, json
};

// Without --book it reads beside a running gateway; booking needs the store for itself.
//
// Three more passes over the books follow: substitutes for hours without valid data (app/substitute.h), certificates
// (app/certify.h), which may reach beyond the time asked for, and, instead of computing anything again, amounts that a
// person enters with `manual` (app/manual.h).
//
// Exit status: 0, with or without differences; 64 (EX_USAGE) for options that mean nothing; 65 (EX_DATAERR) for a
// damaged store, a bad line of `manual` or a certificate that the books match already elsewhere; nothing was booked
// then; 66 (EX_NOINPUT) when `manual` cannot be read; 74 (EX_IOERR) when the store cannot be read or written; 75
// (EX_TEMPFAIL) when a gateway runs on it; 78 for a configuration with errors.
int run_restate(const RestateOptions& options, std::ostream& out, std::ostream& err);

}  // namespace carbongate::cli

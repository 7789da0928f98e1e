// `carbongate deliveries`: what was sent of alerts and reports, to whom and when, what was answered, and what waits.
//
//   sink        its name
//   state       received: there is a receipt; open: sent, and none yet; refused: for good, a dead letter; sent: where
//               there are no receipts to be had (HJ 212 without them, syslog whose server does not end the stream)
//   kind        alert, report, or data: days, months and years of accounts, to a platform of key energy users
//   time        of the alert's change, or where the rest begins; ISO 8601 with the site's UTC offset
//   what        of an alert rule, subject and stage; of a report station and period; of data user, carrier and period
//   first_sent, sent   the first and the last attempt
//   attempts    how often; of an instant at which the program was killed one may lack
//   answered    when the answer to the last attempt came; empty: none did
//   seconds     from the first attempt to the receipt
//   answer      the far end's words; without an answer why there is none
//   id          by which the far end knows a repeat: of a mail its Message-ID, which another one has if more was added
//               to it; an alert's own id is in its text
//   sequence    the row's place in the journal
#pragma once

#include <filesystem>
#include <iosfwd>
#include <string>

namespace carbongate::cli {

struct DeliveriesOptions {
  std::filesystem::path config = {};
  std::filesystem::path store = {};  // directory; empty: the configured one
  std::string sink = {};             // empty: all
  std::string from = {};             // by the last attempt; as parse_time() reads it; empty: no limit
  std::string to = {};               // that instant not included
  bool open = false;                 // only what has no receipt
  std::string format = "table";      // or csv or json
  std::string lang = "en";           // of the table; or zh
};

// Shows the record on `out`, beside a running gateway or after it. Below a table stands how many rows wait for each
// sink.
//
// Exit status: 0; 65 (EX_DATAERR) for an option that is not understood, a sink that is not there, or a damaged store;
// 74 (EX_IOERR) if it cannot be read; 78 (EX_CONFIG).
int run_deliveries(const DeliveriesOptions& options, std::ostream& out, std::ostream& err);

}  // namespace carbongate::cli

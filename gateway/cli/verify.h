// `carbongate verify`: whether a ledger is what it was when it was sealed. Reads a store, or what `export --what
// ledger` wrote; needs neither the gateway nor a network.
#pragma once

#include <filesystem>
#include <iosfwd>
#include <string>

namespace carbongate::cli {

struct VerifyOptions {
  std::filesystem::path ledger = {};  // a file, or a store's directory
  std::filesystem::path key = {};     // public key as PEM; empty: that of the store, or of the first seal
  std::string expected_head = {};     // "NUMBER:HASH"; empty: nothing is known from before
  bool all_sealed = false;            // entries that no seal stands for yet are a finding, and so is no seal at all
};

// Findings go to `out`, one a line, before the summary; by which key the seals were checked goes to `err`.
//
// Exit status: 0, all is well; 1, there are findings; 2, there are none, because there is neither entry nor seal:
// nothing that could be proven intact; 65 (EX_DATAERR), it cannot be read as a ledger, or the key or the head cannot be
// read; 66 (EX_NOINPUT), there is no such file; or what fault_status.h says.
int run_verify(const VerifyOptions& options, std::ostream& out, std::ostream& err);

}  // namespace carbongate::cli

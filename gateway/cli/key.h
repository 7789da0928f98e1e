// `carbongate key`: the public key that whoever verifies the ledger needs, and its replacement.
#pragma once

#include <filesystem>
#include <iosfwd>

namespace carbongate::cli {

struct KeyOptions {
  std::filesystem::path config = {};
  std::filesystem::path store = {};  // directory; empty: the configured one
  bool rotate = false;
  bool lost = false;  // with rotate: there is no old key to announce the new one
};

// Prints the public key as PEM to `out`, its fingerprint to `err`.
//
// Exit status: 0; 64 (EX_USAGE) for options that do not go together; 66 (EX_NOINPUT) if there is no key yet; 73
// (EX_CANTCREAT) if it cannot be replaced, or what fault_status.h says; 78 (EX_CONFIG).
int run_key(const KeyOptions& options, std::ostream& out, std::ostream& err);

}  // namespace carbongate::cli

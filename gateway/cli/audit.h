// `carbongate audit`: who did what over HTTP and by the command line, the newest first.
#pragma once

#include <cstdint>
#include <filesystem>
#include <iosfwd>
#include <string>

namespace carbongate::cli {

struct AuditOptions {
  std::filesystem::path config = {};
  std::filesystem::path store = {};  // directory; empty: the configured one
  std::size_t last = 50;             // how many
  std::uint64_t before = 0;          // only entries of numbers below it; 0: all
  std::string format = "table";      // or csv or jsonl
};

// Exit status: 0; 64 (EX_USAGE) for an option that is not understood; 74 (EX_IOERR) if the log cannot be read; 78
// (EX_CONFIG).
int run_audit(const AuditOptions& options, std::ostream& out, std::ostream& err);

}  // namespace carbongate::cli

// `carbongate conservation`: for each sink, what became of every row of the journal that was meant for it.
#pragma once

#include <filesystem>
#include <iosfwd>
#include <string>

namespace carbongate::cli {

struct ConservationOptions {
  std::filesystem::path config;
  std::filesystem::path store;   // instead of the configured one; empty: that
  std::string format = "table";  // or json
};

// Exit status: 0 when every account balances; 1 when one does not, which is a defect; 64 for another format; 66 if
// there is no store, or what fault_status.h says; 78 for a configuration with errors.
int run_conservation(const ConservationOptions& options, std::ostream& out, std::ostream& err);

}  // namespace carbongate::cli

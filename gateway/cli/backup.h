// `carbongate backup` and `carbongate repair`: a copy of the store, and what is left of a damaged one.
#pragma once

#include <filesystem>
#include <iosfwd>

namespace carbongate::cli {

struct BackupOptions {
  std::filesystem::path config;
  std::filesystem::path to;
  std::filesystem::path store;  // instead of the configured one; empty: that
  bool with_key = false;
};

// Exit status: 0 when the copy is complete and on disk; 73 (EX_CANTCREAT) if not, or what fault_status.h
// says; 78 for a configuration with errors.
int run_backup(const BackupOptions& options, std::ostream& out, std::ostream& err);

struct RepairOptions {
  std::filesystem::path config;
  std::filesystem::path store;  // instead of the configured one; empty: that
  bool check = false;           // look only
};

// Exit status: 0 when the store is sound, or was repaired; 1 when `check` found damage; 73 if it cannot be read or
// repaired (a gateway runs, no space), or what fault_status.h says; 78 for a configuration with errors.
int run_repair(const RepairOptions& options, std::ostream& out, std::ostream& err);

}  // namespace carbongate::cli

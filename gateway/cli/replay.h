// `carbongate replay`: plays recorded readings through the same pipeline into a store, in the data's own time.
#pragma once

#include <filesystem>
#include <iosfwd>
#include <optional>

namespace carbongate::cli {

struct ReplayOptions {
  std::filesystem::path config;
  std::filesystem::path input;                 // CSV with the header time,point,value[,flag]
  std::optional<std::filesystem::path> store;  // instead of the configuration's store.path
};

// The store must hold no accounts yet: a replay is not mixed into live data. The input is read twice: first to find
// every fault in it, with its line, before anything is written; then to play it; and once more where rows were out of
// order, to find those that stand in it twice. Rows are played in the order of the file. The same input and
// configuration give byte-equal exports.
//
// Exit status: 0; 65 (EX_DATAERR) for a faulty input; 66 (EX_NOINPUT) when it cannot be read; 73 (EX_CANTCREAT) for a
// store that cannot be opened or is in use by other data, or what fault_status.h says; 74 (EX_IOERR) when writing
// failed; 78 for a configuration with errors.
int run_replay(const ReplayOptions& options, std::ostream& out, std::ostream& err);

}  // namespace carbongate::cli

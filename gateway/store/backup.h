// A copy of a store, of one moment, also while a gateway writes to it.
#pragma once

#include <cstdint>
#include <filesystem>

#include "gateway/model/errors.h"
#include "gateway/store/store_config.h"

namespace carbongate::store {

struct BackupReport {
  std::uint64_t bytes = 0;    // of the copy
  std::uint64_t rows = 0;     // number of the journal's last row in it
  std::uint64_t entries = 0;  // of the ledger
  bool has_key = false;       // the ledger's private key is in it
};

// Makes the directory `to` (it must not be there, or be empty), and in it what a gateway needs to go on from that
// moment: point `store.path` at it. The copy is a store with an id of its own: what it writes from then on is not
// mistaken for rows that the original wrote under the same numbers. It is on disk and was checked by SQLite when this
// returns; after a fault, or a crash, there is no carbongate.db in it. `with_key`: also the ledger's private key, if it
// lies in a file. The gateway is held up by nothing; its write-ahead log grows while the copy is made.
model::Result<BackupReport> back_up(const StoreConfig& config, const std::filesystem::path& to, bool with_key);

}  // namespace carbongate::store

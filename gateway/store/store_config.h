// Where the journal lies, and how much of it is kept.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>

#include "config/reader/secret.h"
#include "drivers/api/reading.h"

namespace carbongate::store {

struct StoreConfig {
  std::filesystem::path path;  // a directory of the store's own; made with mode 0750 if missing

  // Limit of the database file. Beyond it the oldest readings and running totals are dropped, also those that no sink
  // has yet (counted in StoreStatus::rows_thinned). Intervals, entries and rollups are never dropped.
  std::uint64_t size_max = 8ull << 30;

  // Readings and running totals this much older than the newest reading are dropped once every sink that asks has
  // them. Duration::max(): never.
  Duration keep_readings = std::chrono::hours(24 * 190);

  // The private key that seals the ledger, as PEM: in a file of its own, or as it is (from the environment). Both
  // empty: kLedgerKeyFile in `path`, made at the first start.
  std::filesystem::path ledger_key_file = {};
  config::Secret ledger_key = {};
};

// Files of the store, all in StoreConfig::path. SQLite keeps "-wal" and "-shm" beside the database.
inline constexpr const char* kDatabaseFile = "carbongate.db";
inline constexpr const char* kLockFile = "carbongate.lock";
inline constexpr const char* kLedgerKeyFile = "ledger.key";     // private: mode 0600
inline constexpr const char* kLedgerPublicFile = "ledger.pub";  // for whoever verifies

}  // namespace carbongate::store

// Where the journal lies, and how much of it is kept.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>

#include "config/reader/secret.h"
#include "drivers/api/reading.h"

namespace carbongate::store {

// Of the file system a directory lies on, in bytes; `available` to this process. nullopt: nobody knows.
struct Room {
  std::uint64_t capacity = 0;
  std::uint64_t available = 0;
};
using DiskRoom = std::function<std::optional<Room>(const std::filesystem::path&)>;
std::optional<Room> disk_room(const std::filesystem::path& directory);

struct StoreConfig {
  std::filesystem::path path;  // a directory of the store's own; made with mode 0750 if missing

  // Limit of the database file. Beyond it the oldest readings and running totals are dropped, also those that no sink
  // has yet (counted in StoreStatus::rows_thinned).
  std::uint64_t size_max = 8ull << 30;
  DiskRoom room = disk_room;  // asked at every commit

  // What is this much older than the newest reading is dropped once every sink that asks has it. Duration::max():
  // never. Entries and rollups are the books: they are never dropped.
  Duration keep_readings = std::chrono::hours(24 * 190);
  Duration keep_totals =
      std::chrono::hours(24);  // running totals: they are for live screens, nothing is computed from them
  Duration keep_intervals = Duration::max();

  // The record of deliveries: what was sent this much before the newest that a sink sent.
  Duration keep_deliveries = std::chrono::hours(24 * 400);

  // Numbers of the journal whose readings become one block. Larger blocks are smaller per reading, and take longer to
  // make.
  std::int64_t block_rows = 65'536;

  // So many readings of one commit are written as a block at once; fewer take less as rows, which are small and fill
  // pages together.
  std::int64_t block_at_once = 64;

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

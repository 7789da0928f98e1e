// SQLite's log (carbongate.db-wal) read without SQLite, to see where it really ends. SQLite itself takes the first
// frame whose checksum does not follow for the end: what was confirmed behind a damaged one would be gone without a
// word.
//
// A transaction is only begun when the one before it is on disk. So where two of them lie behind a frame that is not as
// it was written, it was not a power cut that spoiled it. And the index beside the log (carbongate.db-shm) says how far
// the log was confirmed, as long as it is of the same generation of the log; after a power cut it may say less.
// Formats: SQLite's "Database File Format", section 4, and "WAL-mode File Format", section 2.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace carbongate::store {

// What was confirmed and is not in the log as SQLite reads it, in words; nullopt: nothing. Reads only, also beside a
// gateway that runs; but before anything opens a database that nobody has open, because that makes the index anew.
std::optional<std::string> find_log_damage(const std::filesystem::path& database);

struct MendedLog {
  bool reads_on = false;             // it goes on behind the place where SQLite would end
  std::uint32_t pages_in_doubt = 0;  // frames that are not as they were written: their pages read as damaged
};

// Makes `copy`, the database by another name (a second link where the file system has them), with a log that is sound:
// that of the database up to its real end. nullopt: there is nothing to mend. To be read only, while nobody writes to
// the database, and to be removed with remove_copy(). Throws SqliteError where there is no space.
std::optional<MendedLog> mend_log(const std::filesystem::path& database, const std::filesystem::path& copy);

}  // namespace carbongate::store

// What can still be read of a damaged database, in a new one; the damaged files are set aside, never deleted.
//
// SQLite's log has checksums: a power cut costs at most what was not committed. This is for what no log can heal: a
// disk that lies about what it has written, a bad block, also one of the log (log_damage.h), a file cut short.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "gateway/store/database.h"

namespace carbongate::store {

// Rows of one table. Rows of a damaged page are not known one by one: what is known is between which keys they lay.
struct TableSalvage {
  struct Gap {
    std::int64_t first = 0;  // a key that could not be reached
    std::int64_t last = 0;   // INT64_MAX: to the end of the table
  };
  std::string table;
  std::uint64_t kept = 0;
  std::uint64_t undecodable = 0;  // read, but not what this program writes: left out
  std::int64_t restored = 0;      // names that could not be read, from kTablesFile
  bool is_broken = false;         // some of it could not be read
  std::vector<Gap> gaps;          // of tables whose key is a number, ascending

  bool is_whole() const { return !is_broken && undecodable == 0; }
};

struct SalvageReport {
  std::filesystem::path set_aside;              // the directory with the damaged files and report.txt
  std::string cause;                            // why somebody thought so
  bool is_reopened = false;                     // a page was gone by which others are found, such as the first one
  std::optional<std::uint32_t> pages_in_doubt;  // of what lay behind damage in the log; nullopt: there was none to read
  std::vector<TableSalvage> tables;
  std::int64_t last_kept = 0;                      // number that the journal ends with
  std::int64_t confirmed = 0;                      // up to which number rows were confirmed; 0: nobody says
  std::uint64_t rechained = 0;                     // entries whose hash was worked out again: all before it was there
  std::uint64_t states_dropped = 0;                // which cannot be told of any place of the journal
  std::optional<std::int64_t> states_behind = {};  // they are those of this place: the next start counts what follows
  std::string to_text() const;                     // several lines, for people
};

// Repairs what mark_damaged() noted; also goes on where a repair was cut off. nullopt: nothing was noted. The caller
// holds the StoreLock. Throws SqliteError or Refused if there is no place for the new database; all is as before then.
std::optional<SalvageReport> salvage_if_marked(const std::filesystem::path& directory);

// The two for people at a terminal.

// Reads all there is, beside a gateway that may be running: SQLite's own check, and every row and state decoded. One
// line per finding, at most 100; empty: it is sound. Fault: it cannot be opened at all, and not because it is damaged.
model::Result<std::vector<std::string>> find_damage(const std::filesystem::path& directory);

// As the next start would. Fault: a gateway runs, or there is no place for the new database.
model::Result<SalvageReport> repair(const std::filesystem::path& directory, const std::string& cause);

}  // namespace carbongate::store

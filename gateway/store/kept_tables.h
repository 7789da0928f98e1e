// What a store cannot be read without, once more beside it: the list of its tables, and the names of what its rows are
// about. Both are small, and lie in few pages of the database; whoever loses one of those would lose everything.
//
// The file (kTablesFile) is UTF-8, lines that end with LF, cells separated by TAB; within cells TAB, LF and backslash
// are \t, \n and \\.
//
//   file    = "carbongate-tables" TAB "1" LF
//             "database" TAB page-size TAB auto-vacuum TAB schema-version TAB id LF      ; id of the store, 0: none
//             *( "schema" TAB type TAB name TAB table TAB root-page TAB sql LF )         ; as sqlite_schema has them
//             *( "columns" TAB table *( TAB column ) LF *( "row" TAB table *( TAB value ) LF ) )
//             "end" TAB number-of-lines ":" hash LF          ; SHA-256 over 32 zero bytes and all lines before, in hex
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/store/database.h"

namespace carbongate::store {

inline constexpr const char* kTablesFile = "carbongate.tables";

struct KeptTables {
  struct Schema {
    std::string type;  // "table" or "index"
    std::string name;
    std::string table;
    std::int64_t root = 0;  // its first page, from 1
    std::string sql;        // empty: NULL
  };
  struct Names {
    std::string table;
    std::vector<std::string> columns;
    std::vector<std::vector<std::string>> rows;
  };
  std::int64_t page_size = 0;
  std::int64_t auto_vacuum = 0;  // as PRAGMA auto_vacuum says it
  std::int64_t version = 0;      // of the schema
  std::int64_t id = 0;           // of the store; 0: not known
  std::vector<Schema> schema;
  std::vector<Names> names;  // subject and series
};

// Writes it anew where it is not as the database has it. A disk that does not take it costs nothing but this help.
void keep_tables(Database& database, const std::filesystem::path& directory) noexcept;

// nullopt: it is not there, or not whole.
std::optional<KeptTables> kept_tables(const std::filesystem::path& directory);

// Puts rows of `table`, subject or series, that are not there into a database; the count of them. 0 also where others
// are not as they are kept: then it is not the same store, and a wrong name is worse than none.
std::int64_t add_names(Database& database, std::string_view table, const KeptTables& tables);

// As the database has them now, without names.
KeptTables tables_of(Database& database);

// Of a store that is made now, without names. A database that vacuums itself has the first pages of all tables at its
// beginning, in the order in which they were made, whatever they hold: so every store since pages are of 512 bytes has
// its tables in the same places. `scratch`: a file that is made and removed.
KeptTables tables_of_a_new_store(const std::filesystem::path& scratch);

}  // namespace carbongate::store

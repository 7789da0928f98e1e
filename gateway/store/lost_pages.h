// The first page of a database says what it is and where its tables are, inner pages of a table say where its rows are.
// Where such a page is gone, others are there and cannot be found: so a copy is made in which it is written anew.
#pragma once

#include <filesystem>
#include <memory>

#include "gateway/store/database.h"
#include "gateway/store/kept_tables.h"

namespace carbongate::store {

// `file` is read, with its log; `copy` is written, as large as the file, and outlives the connection that is returned:
// remove_copy() takes it away. nullptr: the file is not one that has these tables in these places. Throws SqliteError
// where there is no space for a copy.
std::unique_ptr<Database> reopen(const std::filesystem::path& file, const std::filesystem::path& copy,
                                 const KeptTables& tables);

void remove_copy(const std::filesystem::path& copy) noexcept;

// Whether every table of the schema can be found.
bool has_all_tables(Database& database);

}  // namespace carbongate::store

// Reads a table that may be damaged: row by row, round the pages that cannot be read.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/store/database.h"
#include "gateway/store/salvage.h"

namespace carbongate::store {

// A table and the key that it lies ordered by.
struct TableShape {
  const char* name;
  const char* key;         // one column, or several separated by commas
  bool is_numbered;        // one whole number: can be searched for
  int since = 1;           // version of the schema
  bool has_names = false;  // of what rows of other tables are about
};

// Every table of the schema, those that others refer to first.
const std::vector<TableShape>& tables_of_the_schema();

// Names of the table's columns in this database, in its order. Empty: there is no such table, or it cannot be known.
std::vector<std::string> columns_of(Database& database, const TableShape& table);

// Calls `visit` with every row that can be reached, its columns as columns_of() gives them; each row once. Numbered
// tables are entered again behind and before each damaged place, others are read from both ends. `visit` says whether
// the row is one of this program's; rows that lie out of order count as damage.
TableSalvage walk(Database& database, const TableShape& table, const std::function<bool(const Statement&)>& visit);

}  // namespace carbongate::store

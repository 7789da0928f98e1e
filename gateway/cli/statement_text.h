// A statement as text: CSV, JSON, or a table for people.
#pragma once

#include <string>
#include <vector>

#include "gateway/cli/statement_columns.h"

namespace carbongate::cli {

struct StatementText {
  const StatementContext& context;
  const std::vector<books::Line>& lines;  // in the order of books::Statement::lines
  model::Period period{};
  bool zh = false;  // the header, and the words of a table, in Chinese
};

std::string statement_csv(const StatementText& statement);

// {"statement": {...}, "users": [{"user": ..., "accounts": [...], "carriers": [...], "scopes": [...], "total": {...},
// "exported": {...}, "net": {...}}, ...], "carriers": [...], "scopes": [...], "total": {...}, "exported": {...},
// "net": {...}}: members only where there are such lines. Numbers are exact decimals.
std::string statement_json(const StatementText& statement);

std::string statement_table(const StatementText& statement);

// One row for each line and each gas of which it has any: level, sum, user, scope, gas and its mass. As table or CSV,
// or as JSON: {"statement": {...}, "gases": [...]}.
std::string statement_by_gas(const StatementText& statement, std::string_view format);

}  // namespace carbongate::cli

#include "gateway/store/table_walk.h"

#include <sqlite3.h>

#include <algorithm>
#include <limits>
#include <optional>

#include "gateway/store/key_order.h"

namespace carbongate::store {
namespace {

constexpr std::int64_t kFirstKey = 0;  // none is negative
constexpr std::int64_t kLastKey = std::numeric_limits<std::int64_t>::max();

bool is_damage(const SqliteError& error) {
  return error.code() == SQLITE_CORRUPT || error.code() == SQLITE_NOTADB || error.code() == SQLITE_IOERR;
}

std::string list(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

// The rows of a table whose key is one number. Between two damaged places all rows are visited in order.
class NumberedWalk {
 public:
  NumberedWalk(Database& database, const TableShape& table, const std::function<bool(const Statement&)>& visit)
      : table_(table),
        visit_(visit),
        columns_(columns_of(database, table)),
        forwards_(database, query(list(columns_), ">=", "", "")),
        ahead_(database, query(table.key, ">=", "", "")),
        seek_(database, query(table.key, ">=", "", " LIMIT 1")),
        backwards_(database, query(table.key, "<", " DESC", "")) {
    result_.table = table.name;
  }

  TableSalvage run() {
    std::int64_t next = std::numeric_limits<std::int64_t>::min();
    while (!read_on(next)) {
      result_.is_broken = true;
      const auto found = find_behind(next);
      result_.gaps.push_back({.first = std::max(next, kFirstKey), .last = found ? *found - 1 : kLastKey});
      if (!found) break;
      next = *found;
    }
    return std::move(result_);
  }

 private:
  std::string query(const std::string& what, const char* relation, const char* order, const char* limit) const {
    return "SELECT " + what + " FROM " + table_.name + " WHERE " + table_.key + " " + relation + " ?1 ORDER BY " +
           table_.key + order + limit;
  }

  // From the key `next` on, which is moved. False: up to a damaged place. A second reader goes ahead and looks at the
  // keys alone: one that is wrong must not be taken for the place where the table goes on.
  bool read_on(std::int64_t& next) {
    KeyOrder order(next);
    Rows ahead(ahead_.bind(1, next));
    const auto look_ahead = [&] {
      try {
        while (order.wants_more()) ahead.next() ? order.add(ahead_.integer(0)) : order.end();
      } catch (const SqliteError& error) {
        if (!is_damage(error)) throw;
        order.end();
      }
    };
    forwards_.bind(1, next);
    try {
      for (Rows rows(forwards_); rows.next();) {
        look_ahead();
        if (!order.has_next()) return false;  // a place that the second reader could not read
        const bool is_in_order = order.judge();
        ++(is_in_order && visit_(forwards_) ? result_.kept : result_.undecodable);
        next = order.next();
      }
      return true;
    } catch (const SqliteError& error) {
      if (!is_damage(error)) throw;
      return false;
    }
  }

  // The least key that can be read behind `from`. Strides get longer: a damaged inner page hides thousands of rows.
  // They begin where keys do, or the first page of rows would take all others with it.
  std::optional<std::int64_t> find_behind(std::int64_t from) {
    std::optional<std::int64_t> found;
    for (std::int64_t stride = 1; !found; stride *= 2) {
      std::int64_t probe = 0;
      if (__builtin_add_overflow(std::max(from, kFirstKey), stride, &probe)) return std::nullopt;
      try {
        Rows rows(seek_.bind(1, probe));
        if (!rows.next()) return std::nullopt;  // read to the end: nothing is there
        if (seek_.integer(0) >= probe) found = seek_.integer(0);
      } catch (const SqliteError& error) {
        if (!is_damage(error)) throw;
      }
      if (stride > kLastKey / 2) break;
    }
    if (!found) return std::nullopt;
    try {  // what lies between the damage and there
      for (Rows rows(backwards_.bind(1, *found)); rows.next();) {
        const std::int64_t key = backwards_.integer(0);
        if (key >= *found || key <= from) break;  // `from` may be a key whose row cannot be read
        found = key;
      }
    } catch (const SqliteError& error) {
      if (!is_damage(error)) throw;
    }
    return found;
  }

  const TableShape& table_;
  const std::function<bool(const Statement&)>& visit_;
  std::vector<std::string> columns_;
  Statement forwards_;
  Statement ahead_;
  Statement seek_;
  Statement backwards_;
  TableSalvage result_;
};

// Tables of a page or two: from the beginning as far as it goes, then from the end.
TableSalvage walk_from_both_ends(Database& database, const TableShape& table,
                                 const std::function<bool(const Statement&)>& visit) {
  TableSalvage result;
  result.table = table.name;
  const std::string columns = list(columns_of(database, table));
  const auto read = [&](const std::string& order) {
    try {
      Statement statement(database, "SELECT " + columns + " FROM " + table.name + " ORDER BY " + order);
      for (Rows rows(statement); rows.next();) ++(visit(statement) ? result.kept : result.undecodable);
      return true;
    } catch (const SqliteError& error) {
      if (!is_damage(error)) throw;
      return false;
    }
  };
  if (read(table.key)) return result;
  result.is_broken = true;
  std::string descending(table.key);
  for (std::size_t at = 0; (at = descending.find(',', at)) != std::string::npos; at += 6)
    descending.insert(at, " DESC");
  read(descending + " DESC");
  return result;
}

}  // namespace

const std::vector<TableShape>& tables_of_the_schema() {
  static const std::vector<TableShape> tables = {
      {"subject", "id", true, 1, true},          {"series", "id", true, 1, true},  {"journal", "seq", true},
      {"reading_block", "first_seq", true, 8},   {"ledger", "number", true},       {"seal", "number", true},
      {"checkpoint", "subject", true},           {"state_log", "number", true, 9}, {"cursor", "sink", false},
      {"settled_ahead", "sink,begun", false, 6}, {"kept", "sink,name", false, 11}, {"dead_letter", "sink,seq", false},
      {"delivery", "sink,seq", false, 12},       {"reading_mark", "seq", true, 2}, {"meta", "name", false},
  };
  return tables;
}

std::vector<std::string> columns_of(Database& database, const TableShape& table) {
  std::vector<std::string> names;
  try {
    Statement statement(database, "SELECT name FROM pragma_table_info(?1)");
    statement.bind(1, std::string_view(table.name));
    for (Rows rows(statement); rows.next();) names.emplace_back(statement.text(0));
  } catch (const SqliteError& error) {
    if (!is_damage(error)) throw;
    names.clear();
  }
  return names;
}

TableSalvage walk(Database& database, const TableShape& table, const std::function<bool(const Statement&)>& visit) {
  TableSalvage lost;
  lost.table = table.name;
  lost.is_broken = true;
  if (columns_of(database, table).empty()) return lost;
  try {
    return table.is_numbered ? NumberedWalk(database, table, visit).run() : walk_from_both_ends(database, table, visit);
  } catch (const SqliteError& error) {
    if (!is_damage(error)) throw;
    return lost;  // not even the statement could be made
  }
}

}  // namespace carbongate::store

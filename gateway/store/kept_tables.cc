#include "gateway/store/kept_tables.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <string_view>
#include <system_error>
#include <utility>

#include "gateway/ledger/chain.h"
#include "gateway/store/migrations.h"
#include "gateway/store/table_walk.h"

namespace carbongate::store {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kFirstLine = "carbongate-tables\t1\n";
constexpr const char* kUnfinished = "carbongate.tables.part";

void append_cell(std::string& line, std::string_view cell) {
  line += '\t';
  for (const char c : cell) {
    if (c == '\t') {
      line += "\\t";
    } else if (c == '\n') {
      line += "\\n";
    } else if (c == '\\') {
      line += "\\\\";
    } else {
      line += c;
    }
  }
}

std::vector<std::string> cells_of(std::string_view line) {
  std::vector<std::string> cells(1);
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\t') {
      cells.emplace_back();
    } else if (line[i] == '\\' && i + 1 < line.size()) {
      const char c = line[++i];
      cells.back() += c == 't' ? '\t' : c == 'n' ? '\n' : c;
    } else {
      cells.back() += line[i];
    }
  }
  return cells;
}

std::int64_t number_of(const std::string& cell) {
  std::int64_t number = 0;
  std::from_chars(cell.data(), cell.data() + cell.size(), number);
  return number;
}

std::string text_of(Database& database) {
  const KeptTables tables = tables_of(database);
  std::string text(kFirstLine);
  text += fmt::format("database\t{}\t{}\t{}\t{}\n", tables.page_size, tables.auto_vacuum, tables.version, tables.id);
  for (const KeptTables::Schema& one : tables.schema) {
    text += "schema";
    for (const std::string& cell : {one.type, one.name, one.table, std::to_string(one.root), one.sql}) {
      append_cell(text, cell);
    }
    text += '\n';
  }
  for (const TableShape& table : tables_of_the_schema()) {
    if (!table.has_names) continue;
    const std::vector<std::string> columns = columns_of(database, table);
    text += fmt::format("columns\t{}", table.name);
    for (const std::string& column : columns) append_cell(text, column);
    text += '\n';
    Statement all(database,
                  fmt::format("SELECT {} FROM {} ORDER BY {}", fmt::join(columns, ","), table.name, table.key));
    for (Rows rows(all); rows.next();) {
      text += fmt::format("row\t{}", table.name);
      for (std::size_t i = 0; i < columns.size(); ++i) append_cell(text, all.text(static_cast<int>(i)));
      text += '\n';
    }
  }
  const auto lines = static_cast<std::uint64_t>(std::ranges::count(text, '\n'));
  return text + "end\t" + ledger::to_string(ledger::Head{lines, ledger::next_hash({}, text)}) + "\n";
}

std::string content_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// What a power cut leaves is the old file or the new one.
void write_over(const fs::path& directory, const std::string& text) {
  const fs::path unfinished = directory / kUnfinished;
  const int descriptor = ::open(unfinished.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
  if (descriptor < 0) return;
  std::string_view rest = text;
  while (!rest.empty()) {
    const ssize_t written = ::write(descriptor, rest.data(), rest.size());
    if (written <= 0) break;
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  const bool is_there = rest.empty() && ::fsync(descriptor) == 0;
  ::close(descriptor);
  std::error_code ignored;
  if (!is_there) {
    fs::remove(unfinished, ignored);
    return;
  }
  fs::rename(unfinished, directory / kTablesFile, ignored);
}

// The lines before "end", if that says that they are all there.
std::optional<std::string_view> checked(std::string_view text) {
  const std::size_t end = text.rfind("end\t");
  if (!text.starts_with(kFirstLine) || !text.ends_with('\n') || end == std::string_view::npos) return std::nullopt;
  const std::string_view lines = text.substr(0, end);
  const auto head = ledger::parse_head(text.substr(end + 4, text.size() - end - 5));
  if (!head || head->hash != ledger::next_hash({}, lines)) return std::nullopt;
  return lines;
}

}  // namespace

KeptTables tables_of(Database& database) {
  KeptTables tables;
  tables.page_size = database.integer("PRAGMA page_size");
  tables.auto_vacuum = database.integer("PRAGMA auto_vacuum");
  tables.version = database.integer("PRAGMA user_version");
  try {
    tables.id = database.integer("SELECT value FROM meta WHERE name = 'id'");
  } catch (const SqliteError&) {  // its page is damaged
  }
  Statement schema(database, "SELECT type, name, tbl_name, rootpage, sql FROM sqlite_master ORDER BY rowid");
  for (Rows rows(schema); rows.next();) {
    tables.schema.push_back({.type = std::string(schema.text(0)),
                             .name = std::string(schema.text(1)),
                             .table = std::string(schema.text(2)),
                             .root = schema.integer(3),
                             .sql = std::string(schema.text(4))});
  }
  return tables;
}

void keep_tables(Database& database, const fs::path& directory) noexcept {
  try {
    const std::string text = text_of(database);
    if (text != content_of(directory / kTablesFile)) write_over(directory, text);
  } catch (const std::exception&) {  // the database says itself what is wrong with it
  }
}

std::optional<KeptTables> kept_tables(const fs::path& directory) {
  const std::string text = content_of(directory / kTablesFile);
  const auto lines = checked(text);
  if (!lines) return std::nullopt;
  KeptTables tables;
  for (std::string_view rest = *lines; !rest.empty();) {
    const std::size_t end = rest.find('\n');
    std::vector<std::string> cells = cells_of(rest.substr(0, end));
    rest.remove_prefix(end + 1);
    if (cells[0] == "database" && cells.size() == 5) {
      tables.page_size = number_of(cells[1]);
      tables.auto_vacuum = number_of(cells[2]);
      tables.version = number_of(cells[3]);
      tables.id = number_of(cells[4]);
    } else if (cells[0] == "schema" && cells.size() == 6) {
      tables.schema.push_back({cells[1], cells[2], cells[3], number_of(cells[4]), cells[5]});
    } else if (cells[0] == "columns" && cells.size() > 2) {
      tables.names.push_back({.table = cells[1], .columns = {cells.begin() + 2, cells.end()}, .rows = {}});
    } else if (cells[0] == "row" && !tables.names.empty() && cells.size() == tables.names.back().columns.size() + 2) {
      tables.names.back().rows.emplace_back(cells.begin() + 2, cells.end());
    }
  }
  constexpr std::int64_t kPageMin = 512;  // of SQLite
  return tables.page_size >= kPageMin ? std::optional(std::move(tables)) : std::nullopt;
}

std::int64_t add_names(Database& database, std::string_view table, const KeptTables& tables) {
  const auto names = std::ranges::find(tables.names, table, &KeptTables::Names::table);
  if (names == tables.names.end()) return 0;
  std::string values;
  std::string same;
  for (std::size_t i = 0; i < names->columns.size(); ++i) {
    values += fmt::format("{}?{}", i == 0 ? "" : ",", i + 1);
    same += fmt::format("{}{} IS ?{}", i == 0 ? "" : " AND ", names->columns[i], i + 1);
  }
  Statement other(database,
                  fmt::format("SELECT 1 FROM {} WHERE {} = ?1 AND NOT ({})", table, names->columns.front(), same));
  Statement insert(
      database, fmt::format("INSERT OR IGNORE INTO {}({}) VALUES({})", table, fmt::join(names->columns, ","), values));
  const auto bind = [](Statement& statement, const std::vector<std::string>& row) -> Statement& {
    for (std::size_t i = 0; i < row.size(); ++i) statement.bind(static_cast<int>(i) + 1, std::string_view(row[i]));
    return statement;
  };
  for (const std::vector<std::string>& row : names->rows) {
    if (Rows rows(bind(other, row)); rows.next()) return 0;
  }
  std::int64_t added = 0;
  Transaction transaction(database);
  for (const std::vector<std::string>& row : names->rows) {
    bind(insert, row).run();
    added += database.changes();
  }
  transaction.commit();
  return added;
}

KeptTables tables_of_a_new_store(const fs::path& scratch) {
  const auto remove = [&] {
    std::error_code ignored;
    for (const char* suffix : {"", "-wal", "-shm"}) fs::remove(scratch.string() + suffix, ignored);
  };
  remove();
  KeptTables tables;
  try {
    Database database(scratch, Database::Mode::read_write);
    migrate(database);
    tables = tables_of(database);
  } catch (...) {
    remove();
    throw;
  }
  remove();
  return tables;
}

}  // namespace carbongate::store

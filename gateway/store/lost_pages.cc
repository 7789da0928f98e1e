#include "gateway/store/lost_pages.h"

#include <sqlite3.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <string>
#include <system_error>
#include <vector>

#include "gateway/store/migrations.h"
#include "gateway/store/orphans.h"
#include "gateway/store/table_walk.h"

namespace carbongate::store {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kHeaderBytes = 100;
constexpr std::string_view kMagic("SQLite format 3\0", 16);
constexpr char kTableLeaf = 0x0d;  // SQLite's file format, section 1.6: the first byte of a page of a table
constexpr char kTableInner = 0x05;
constexpr char kIndexLeaf = 0x0a;
constexpr char kIndexInner = 0x02;

void put(std::string& bytes, std::size_t at, std::uint64_t value, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) bytes.at(at + i) = static_cast<char>(value >> (8 * (size - 1 - i)));
}

// Section 1.3 of the file format, and an empty list of tables. How many pages there are and which are free is left to
// be seen: the two counters at 24 and 92 differ.
std::string first_page(const KeptTables& tables) {
  const auto page_size = static_cast<std::size_t>(tables.page_size);
  std::int64_t last_root = 0;
  for (const KeptTables::Schema& one : tables.schema) last_root = std::max(last_root, one.root);
  std::string page(page_size, '\0');
  page.replace(0, kMagic.size(), kMagic);
  put(page, 16, page_size == 65'536 ? 1 : page_size, 2);
  put(page, 18, 0x0202, 2);    // a log is written ahead
  put(page, 21, 0x402020, 3);  // fixed by the format
  put(page, 24, 1, 4);
  put(page, 40, 1, 4);  // of the schema
  put(page, 44, 4, 4);  // its format
  if (tables.auto_vacuum != 0) put(page, 52, static_cast<std::uint64_t>(last_root), 4);
  put(page, 56, 1, 4);  // UTF-8
  put(page, 60, static_cast<std::uint64_t>(tables.version), 4);
  put(page, 64, tables.auto_vacuum == 2 ? 1 : 0, 4);
  put(page, 68, kApplicationId, 4);
  page.at(kHeaderBytes) = kTableLeaf;
  put(page, kHeaderBytes + 5, page_size == 65'536 ? 0 : page_size, 2);  // where its content begins: at the end
  return page;
}

// Whether most of the first pages of tables look like that. Those that are lost say nothing.
bool fits(const fs::path& file, const KeptTables& tables) {
  std::ifstream in(file, std::ios::binary);
  int alike = 0;
  int others = 0;
  for (const KeptTables::Schema& one : tables.schema) {
    in.clear();
    in.seekg((one.root - 1) * tables.page_size);
    char kind = 0;
    if (!in.get(kind) || kind == 0) continue;
    const bool is_tree = kind == kTableLeaf || kind == kTableInner;
    const bool is_index = kind == kIndexLeaf || kind == kIndexInner;
    const bool may_be_index = one.type == "index" || one.sql.find("WITHOUT ROWID") != std::string::npos;
    ++((may_be_index ? is_index : is_tree) ? alike : others);
  }
  return alike > others;
}

void write_first_page(const fs::path& file, const KeptTables& tables) {
  std::fstream out(file, std::ios::in | std::ios::out | std::ios::binary);
  const std::string page = first_page(tables);
  if (!out.write(page.data(), static_cast<std::streamsize>(page.size())).flush()) {
    throw SqliteError(SQLITE_FULL, file.string() + " cannot be written");
  }
}

bool is_database(const fs::path& file) {
  std::string magic(kMagic.size(), '\0');
  return std::ifstream(file, std::ios::binary).read(magic.data(), static_cast<std::streamsize>(magic.size())) &&
         magic == kMagic;
}

// What the disk does not give back is zeros in the copy: a page that is damaged.
void copy_over(const fs::path& from, const fs::path& to) {
  constexpr std::size_t kBlockBytes = 4096;
  std::error_code error;
  const std::uintmax_t size = fs::file_size(from, error);
  std::ifstream in(from, std::ios::binary);
  std::ofstream out(to, std::ios::binary | std::ios::trunc);
  std::vector<char> block(kBlockBytes);
  for (std::uintmax_t at = 0; at < size && out; at += block.size()) {
    block.resize(static_cast<std::size_t>(std::min<std::uintmax_t>(kBlockBytes, size - at)));
    if (!in.read(block.data(), static_cast<std::streamsize>(block.size()))) {
      std::ranges::fill(block, '\0');
      in.clear();
      in.seekg(static_cast<std::streamoff>(at + block.size()));
    }
    out.write(block.data(), static_cast<std::streamsize>(block.size()));
  }
  if (error || !out.flush()) throw SqliteError(SQLITE_FULL, to.string() + " cannot be written");
}

void list_tables(const fs::path& file, const KeptTables& tables) {
  Database database(file, Database::Mode::read_write);
  database.execute("PRAGMA synchronous = OFF; PRAGMA writable_schema = ON");
  Transaction transaction(database);
  Statement insert(database,
                   "INSERT INTO sqlite_master(type, name, tbl_name, rootpage, sql) VALUES(?1, ?2, ?3, ?4, ?5)");
  for (const KeptTables::Schema& one : tables.schema) {
    insert.bind(1, std::string_view(one.type)).bind(2, std::string_view(one.name));
    insert.bind(3, std::string_view(one.table)).bind(4, one.root);
    if (one.sql.empty()) {
      insert.bind_null(5);
    } else {
      insert.bind(5, std::string_view(one.sql));
    }
    insert.run();
  }
  transaction.commit();
}

// nullptr: it cannot be read, or lacks tables.
std::unique_ptr<Database> open_complete(const fs::path& file) {
  try {
    auto database = std::make_unique<Database>(file, Database::Mode::read_write);
    database->execute("PRAGMA writable_schema = ON");  // so that SQLite opens a file that was cut short
    database->execute("PRAGMA wal_checkpoint(TRUNCATE)");
    if (has_all_tables(*database)) return database;
  } catch (const SqliteError& error) {
    if (error.code() == SQLITE_FULL) throw;
  }
  return nullptr;
}

}  // namespace

bool has_all_tables(Database& database) {
  const std::int64_t version = database.integer("PRAGMA user_version");
  return version > 0 && std::ranges::all_of(tables_of_the_schema(), [&](const TableShape& table) {
           return table.since > version || !columns_of(database, table).empty();
         });
}

void remove_copy(const fs::path& copy) noexcept {
  std::error_code ignored;
  for (const char* suffix : {"", "-wal", "-shm"}) fs::remove(copy.string() + suffix, ignored);
}

std::unique_ptr<Database> reopen(const fs::path& file, const fs::path& copy, const KeptTables& tables) {
  if (!fits(file, tables)) return nullptr;
  remove_copy(copy);
  copy_over(file, copy);
  if (!is_database(copy)) write_first_page(copy, tables);
  std::error_code ignored;
  if (const fs::path log = file.string() + "-wal"; fs::exists(log, ignored)) copy_over(log, copy.string() + "-wal");
  if (!open_complete(copy)) {  // else the log held the page as it was
    for (const char* suffix : {"-wal", "-shm"}) fs::remove(copy.string() + suffix, ignored);
    write_first_page(copy, tables);  // what else the log held is in the copy now
    list_tables(copy, tables);
  }
  adopt_orphans(copy, tables);
  return open_complete(copy);
}

}  // namespace carbongate::store

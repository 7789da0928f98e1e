#include "gateway/store/database.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <boost/system/errc.hpp>
#include <cerrno>
#include <cstring>
#include <limits>
#include <mutex>
#include <set>
#include <utility>

namespace carbongate::store {
namespace {

namespace errc = boost::system::errc;

struct Explanation {
  int code;  // primary
  errc::errc_t meaning;
  const char* text;    // what it means
  const char* remedy;  // what to do
};

constexpr Explanation kExplanations[] = {
    {SQLITE_FULL, errc::no_space_on_device, "the disk is full", "free some space, or lower store.size_max"},
    {SQLITE_IOERR, errc::io_error, "the disk reports an error", "check the disk and the kernel's log"},
    {SQLITE_READONLY, errc::read_only_file_system, "it cannot be written",
     "check the mount and who owns the directory"},
    {SQLITE_PERM, errc::permission_denied, "access is denied", "check who owns the directory"},
    {SQLITE_CANTOPEN, errc::no_such_file_or_directory, "it cannot be opened", "check the path and who owns it"},
    {SQLITE_CORRUPT, errc::bad_message, "the database is damaged",
     "a gateway that meets this sets it aside when it starts again and goes on with what can be read; by hand: "
     "'carbongate repair'"},
    {SQLITE_NOTADB, errc::bad_message, "carbongate.db is not a database, or damaged at its beginning",
     "a gateway that meets this sets it aside when it starts again and goes on with what can be read; by hand: "
     "'carbongate repair'"},
    {SQLITE_BUSY, errc::device_or_resource_busy, "another program holds the database",
     "end whatever has carbongate.db open for writing"},
    {SQLITE_NOMEM, errc::not_enough_memory, "there is not enough memory", "give the machine more"},
    {kFilesDenied, errc::too_many_files_open, "the system denies further open files",
     "allow the process more (ulimit -n, LimitNOFILE=)"},
};

model::Fault make_fault(errc::errc_t meaning, const std::filesystem::path& directory, const std::string& text) {
  return {errc::make_error_code(meaning), "store " + directory.string() + ": " + text};
}

}  // namespace

model::Fault to_fault(const SqliteError& error, const std::filesystem::path& directory) {
  for (const Explanation& explanation : kExplanations) {
    if (explanation.code != error.code()) continue;
    return make_fault(explanation.meaning, directory,
                      std::string(explanation.text) + " (" + error.what() + "); " + explanation.remedy);
  }
  return make_fault(errc::io_error, directory, error.what());
}

model::Fault to_fault(const DamagedRecord& error, const std::filesystem::path& directory) {
  return make_fault(errc::bad_message, directory,
                    std::string(error.what()) + "; the database is damaged, or was written by another version");
}

model::Fault to_fault(const Refused& error, const std::filesystem::path& directory) {
  return make_fault(error.meaning(), directory, error.what());
}

int sqlite_code_of(int system_error) {
  switch (system_error) {
    case ENOSPC:
    case EDQUOT: return SQLITE_FULL;
    case EROFS: return SQLITE_READONLY;
    case EACCES:
    case EPERM: return SQLITE_PERM;
    case EMFILE:
    case ENFILE: return kFilesDenied;
    default: return SQLITE_CANTOPEN;
  }
}

namespace {

// What went wrong on this connection. SQLite tells a full disk from a broken one where it writes a database, but not
// where it makes the files beside one, as it does at the very start.
SqliteError error_of(sqlite3* database, int extended_code) {
  const int code = extended_code & 0xff;
  if (code == SQLITE_IOERR || code == SQLITE_CANTOPEN) {
    const int system_error = sqlite3_system_errno(database);
    const int known = sqlite_code_of(system_error);
    if (known == SQLITE_FULL) return {known, sqlite3_errstr(known)};
    if (known == kFilesDenied) return {known, std::strerror(system_error)};
  }
  return {extended_code, sqlite3_errmsg(database)};
}

// SQLite keeps count of its memory under a lock, at every allocation. Nobody asks for the count.
void configure_once() {
  static const int done = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  static_cast<void>(done);
}

std::mutex g_open_mutex;
std::multiset<std::filesystem::path> g_open;

}  // namespace

bool SqliteError::is_unreadable() const {
  return code_ == SQLITE_IOERR_READ || code_ == SQLITE_IOERR_CORRUPTFS || code_ == SQLITE_IOERR_SHORT_READ;
}

Database::Database(const std::filesystem::path& file, Mode mode) : file_(std::filesystem::absolute(file)) {
  configure_once();
  int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_URI;
  flags |= mode == Mode::read_write ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
  if (mode == Mode::read_write) {
    // SQLite would make it readable by everyone. The files beside it take over its mode.
    const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (descriptor < 0) {
      const int error = errno;
      throw SqliteError(sqlite_code_of(error), file.string() + ": " + std::strerror(error));
    }
    ::close(descriptor);
  }
  std::string name = file.string();
  if (mode == Mode::immutable) {
    std::string escaped;  // RFC 3986 section 2.1, for the characters that end a path
    for (const char c : std::filesystem::absolute(file).string()) {
      if (c == '%')
        escaped += "%25";
      else if (c == '?')
        escaped += "%3f";
      else if (c == '#')
        escaped += "%23";
      else
        escaped += c;
    }
    name = "file:" + escaped + "?immutable=1";
  } else if (name.starts_with("file:")) {
    name = "./" + name;  // a path, not a URI
  }
  const int code = sqlite3_open_v2(name.c_str(), &handle_, flags, nullptr);
  if (code != SQLITE_OK) {
    const SqliteError error = handle_ ? error_of(handle_, code) : SqliteError(code, sqlite3_errstr(code));
    sqlite3_close(handle_);
    throw SqliteError(error.extended_code(), file.string() + ": " + error.what());
  }
  sqlite3_busy_timeout(handle_, 5'000);
  const std::scoped_lock lock(g_open_mutex);
  g_open.insert(file_);
}

Database::~Database() {
  sqlite3_close(handle_);
  const std::scoped_lock lock(g_open_mutex);
  if (const auto found = g_open.find(file_); found != g_open.end()) g_open.erase(found);
}

bool Database::is_open(const std::filesystem::path& file) {
  const std::scoped_lock lock(g_open_mutex);
  return g_open.contains(std::filesystem::absolute(file));
}

void Database::execute(const std::string& sql) {
  const int code = sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) throw error_of(handle_, code);
}

std::int64_t Database::integer(const std::string& sql) {
  Statement statement(*this, sql);
  return statement.step() ? statement.integer(0) : 0;
}

std::string Database::text(const std::string& sql) {
  Statement statement(*this, sql);
  return statement.step() ? std::string(statement.text(0)) : std::string();
}

std::int64_t Database::changes() const {
  return sqlite3_changes64(handle_);
}

void Database::require_in_place() const {
  int has_moved = 0;
  if (sqlite3_file_control(handle_, "main", SQLITE_FCNTL_HAS_MOVED, &has_moved) != SQLITE_OK || has_moved == 0) return;
  throw SqliteError(SQLITE_CANTOPEN, file_.string() +
                                         " was removed or moved away under the gateway, which can write nothing that "
                                         "lasts: put it back, or start the gateway again");
}

bool Database::in_transaction() const {
  return sqlite3_get_autocommit(handle_) == 0;
}

Statement::Statement(Database& database, std::string_view sql) : database_(database.handle()) {
  check(sqlite3_prepare_v3(database_, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &handle_,
                           nullptr));
}

Statement::~Statement() {
  sqlite3_finalize(handle_);
}

Statement::Statement(Statement&& other) noexcept
    : database_(other.database_), handle_(std::exchange(other.handle_, nullptr)) {}

void Statement::fail() const {
  throw error_of(database_, sqlite3_extended_errcode(database_));
}

void Statement::check(int code) const {
  if (code != SQLITE_OK) fail();
}

Statement& Statement::bind(int parameter, std::int64_t value) {
  check(sqlite3_bind_int64(handle_, parameter, value));
  return *this;
}

Statement& Statement::bind(int parameter, double value) {
  check(sqlite3_bind_double(handle_, parameter, value));
  return *this;
}

Statement& Statement::bind(int parameter, std::string_view text) {
  check(sqlite3_bind_text64(handle_, parameter, text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8));
  return *this;
}

Statement& Statement::bind_blob(int parameter, std::string_view bytes) {
  // A null pointer would bind NULL, and an empty record is not the same as none.
  check(sqlite3_bind_blob64(handle_, parameter, bytes.data() ? bytes.data() : "", bytes.size(), SQLITE_STATIC));
  return *this;
}

Statement& Statement::bind_null(int parameter) {
  check(sqlite3_bind_null(handle_, parameter));
  return *this;
}

Statement& Statement::bind(int parameter, const Statement& row, int column) {
  check(sqlite3_bind_value(handle_, parameter, sqlite3_column_value(row.handle_, column)));
  return *this;
}

bool Statement::step() {
  const int code = sqlite3_step(handle_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) {
    sqlite3_reset(handle_);
    return false;
  }
  const SqliteError error = error_of(database_, code);
  sqlite3_reset(handle_);
  throw error;
}

void Statement::run() {
  while (step()) {
  }
}

void Statement::reset() noexcept {
  sqlite3_reset(handle_);
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(handle_, column);
}

double Statement::real(int column) const {
  if (is_null(column)) return std::numeric_limits<double>::quiet_NaN();
  return sqlite3_column_double(handle_, column);
}

std::string_view Statement::text(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(handle_, column));
  return {text ? text : "", static_cast<std::size_t>(sqlite3_column_bytes(handle_, column))};
}

std::string_view Statement::blob(int column) const {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(handle_, column));
  return {bytes ? bytes : "", static_cast<std::size_t>(sqlite3_column_bytes(handle_, column))};
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(handle_, column) == SQLITE_NULL;
}

Transaction::Transaction(Database& database, Kind kind) : database_(database) {
  database_.execute(kind == Kind::write ? "BEGIN IMMEDIATE" : "BEGIN");
}

Transaction::~Transaction() {
  // Some errors have rolled back already (disk full, for one); then there is nothing left to do.
  if (database_.in_transaction()) sqlite3_exec(database_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
}

void Transaction::commit() {
  database_.execute("COMMIT");
}

}  // namespace carbongate::store

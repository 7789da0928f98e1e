#include "gateway/store/backup.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>

#include "gateway/store/block_table.h"
#include "gateway/store/database.h"
#include "gateway/store/kept_tables.h"
#include "gateway/store/key_file.h"
#include "gateway/store/migrations.h"

namespace carbongate::store {
namespace {

namespace fs = std::filesystem;

constexpr int kPagesPerStep = 4'096;
constexpr const char* kUnfinished = "carbongate.db.part";

void make_empty_directory(const fs::path& directory) {
  std::error_code error;
  if (fs::exists(directory, error) && (!fs::is_directory(directory) || !fs::is_empty(directory))) {
    throw Refused(directory.string() + " is there already and not empty; name a directory that is not there");
  }
  fs::create_directories(directory, error);
  if (error) throw Refused(directory.string() + " cannot be made: " + error.message());
  ::chmod(directory.c_str(), 0750);
}

// Whether what went wrong between the two is about the original.
bool is_of_original(const SqliteError& error) {
  return error.code() == SQLITE_CORRUPT || error.code() == SQLITE_NOTADB || error.extended_code() == SQLITE_IOERR_READ;
}

// Pages of one moment: the transaction holds it while others write.
void copy_pages(Database& from, Database& to) {
  const Transaction one_moment(from, Transaction::Kind::read);
  from.integer("SELECT count(*) FROM sqlite_master");
  sqlite3_backup* backup = sqlite3_backup_init(to.handle(), "main", from.handle(), "main");
  if (!backup) throw SqliteError(sqlite3_extended_errcode(to.handle()), sqlite3_errmsg(to.handle()));
  int code = SQLITE_OK;
  while (code == SQLITE_OK) code = sqlite3_backup_step(backup, kPagesPerStep);
  const int finished = sqlite3_backup_finish(backup);
  if (code != SQLITE_DONE || finished != SQLITE_OK) {
    throw SqliteError(code == SQLITE_DONE ? finished : code, sqlite3_errstr(code));
  }
}

void sync_to_disk(const fs::path& path, int flags) {
  const int descriptor = ::open(path.c_str(), flags | O_CLOEXEC);
  if (descriptor < 0 || ::fsync(descriptor) != 0) {
    const int error = errno;
    if (descriptor >= 0) ::close(descriptor);
    throw Refused(path.string() + " cannot be written to disk: " + std::strerror(error));
  }
  ::close(descriptor);
}

void remove_database(const fs::path& file) {
  std::error_code ignored;
  for (const char* suffix : {"", "-wal", "-shm", "-journal"}) fs::remove(file.string() + suffix, ignored);
}

void copy_file(const fs::path& from, const fs::path& to, mode_t mode) {
  std::error_code error;
  fs::copy_file(from, to, error);
  if (error) throw Refused(from.string() + " cannot be copied to " + to.string() + ": " + error.message());
  ::chmod(to.c_str(), mode);
  sync_to_disk(to, O_RDONLY);
}

}  // namespace

model::Result<BackupReport> back_up(const StoreConfig& config, const fs::path& to, bool with_key) {
  fs::path at_work = config.path;  // whose name a fault is told with
  return guarded(at_work, [&] {
    BackupReport report;
    const auto source = open_for_reading(config.path / kDatabaseFile);
    if (with_key && !fs::exists(key_file_of(config))) throw Refused(key_file_of(config).string() + " is not there");
    at_work = to;
    make_empty_directory(to);
    const fs::path unfinished = to / kUnfinished;
    try {
      Database target(unfinished, Database::Mode::read_write);
      copy_pages(*source, target);
      target.execute("DELETE FROM meta WHERE name = 'id'");
      target.execute("PRAGMA wal_checkpoint(TRUNCATE)");
      if (const std::string verdict = target.text("PRAGMA integrity_check(1)"); verdict != "ok") {
        throw SqliteError(SQLITE_CORRUPT, verdict);
      }
      report.rows = static_cast<std::uint64_t>(newest_sequence(target));
      report.entries = static_cast<std::uint64_t>(target.integer("SELECT max(number) FROM ledger"));
      keep_tables(target, to);
    } catch (const SqliteError& error) {
      remove_database(unfinished);
      if (is_of_original(error)) at_work = config.path;
      throw;
    } catch (...) {
      remove_database(unfinished);
      throw;
    }
    sync_to_disk(unfinished, O_RDONLY);
    if (const fs::path key = config.path / kLedgerPublicFile; fs::exists(key))
      copy_file(key, to / kLedgerPublicFile, 0644);
    if (with_key) {
      copy_file(key_file_of(config), to / kLedgerKeyFile, 0600);
      report.has_key = true;
    }
    fs::rename(unfinished, to / kDatabaseFile);
    sync_to_disk(to, O_RDONLY | O_DIRECTORY);
    report.bytes = fs::file_size(to / kDatabaseFile);
    return report;
  });
}

}  // namespace carbongate::store

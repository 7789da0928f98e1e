#include "gateway/store/salvage.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <map>
#include <memory>
#include <system_error>

#include "gateway/store/block_table.h"
#include "gateway/store/confirmed.h"
#include "gateway/store/cursor_table.h"
#include "gateway/store/kept_tables.h"
#include "gateway/store/known_damage.h"
#include "gateway/store/log_damage.h"
#include "gateway/store/lost_pages.h"
#include "gateway/store/migrations.h"
#include "gateway/store/orphans.h"
#include "gateway/store/reading_walk.h"
#include "gateway/store/rechain.h"
#include "gateway/store/row_judge.h"
#include "gateway/store/state_log.h"
#include "gateway/store/store_config.h"
#include "gateway/store/store_lock.h"
#include "gateway/store/table_walk.h"

namespace carbongate::store {
namespace {

namespace fs = std::filesystem;

constexpr const char* kUnfinished = "carbongate.db.salvaging";
constexpr const char* kFinished = "carbongate.db.salvaged";  // complete and on disk
constexpr const char* kReopened = "carbongate.db.reopened";  // a copy of the damaged one, with first pages
constexpr const char* kMended = "carbongate.db.mended";      // the damaged one with a log that is sound
constexpr const char* kScratch = "carbongate.db.scratch";
constexpr const char* kBeside[] = {"", "-wal", "-shm"};
constexpr std::int64_t kRowsPerCommit = 100'000;
constexpr std::size_t kFindingsMax = 100;

// Numbers that rows of a lost end may have had, or of a log that could not be read: a sink that has seen them must not
// meet them on other rows.
constexpr std::int64_t kNumbersLeftOut = 1'000'000;

void move_file(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::rename(from, to, error);
  if (error) throw Refused(from.string() + " cannot be moved to " + to.string() + ": " + error.message());
}

// Rows into a table of the new database, in transactions of a size that the log bears.
class Copier {
 public:
  Copier(Database& target, const TableShape& table, const std::vector<std::string>& columns)
      : target_(target), columns_(static_cast<int>(columns.size())), insert_(target, insert_into(table, columns)) {
    target_.execute("BEGIN IMMEDIATE");
  }
  void add(const Statement& row) {
    for (int i = 0; i < columns_; ++i) insert_.bind(i + 1, row, i);
    insert_.run();
    if (++rows_ % kRowsPerCommit == 0) target_.execute("COMMIT; BEGIN IMMEDIATE");
  }
  void finish() { target_.execute("COMMIT"); }

 private:
  static std::string insert_into(const TableShape& table, const std::vector<std::string>& columns) {
    std::string names;
    std::string values;
    for (const std::string& column : columns) {
      names += (names.empty() ? "" : ", ") + column;
      values += values.empty() ? "?" : ", ?";
    }
    return fmt::format("INSERT OR REPLACE INTO {}({}) VALUES({})", table.name, names, values);
  }

  Database& target_;
  int columns_;
  Statement insert_;
  std::int64_t rows_ = 0;
};

// The damaged database, with its log if that can be read. nullptr: nothing of it can be read.
std::unique_ptr<Database> open_damaged(const fs::path& file) {
  for (const auto mode : {Database::Mode::read_only, Database::Mode::immutable}) {
    try {
      auto database = std::make_unique<Database>(file, mode);
      database->execute("PRAGMA writable_schema = ON");  // so that SQLite opens a file that was cut short
      if (database->integer("PRAGMA user_version") > kSchemaVersion) {
        throw Refused("it was written by a newer carbongate; run that one to repair it",
                      Refused::Meaning::not_supported);
      }
      if (database->integer("SELECT count(*) FROM sqlite_master") >= 0) return database;
    } catch (const SqliteError& error) {  // then the other way
      const bool is_damage =
          error.code() == SQLITE_CORRUPT || error.code() == SQLITE_NOTADB || error.code() == SQLITE_IOERR;
      if (!is_damage) throw;  // it may be all there: no reason to go on without it
    }
  }
  return nullptr;
}

// A disk that lied about what it had written may hold readings as rows and in a block, or in two blocks.
void drop_doubles(Database& database) {
  database.execute(
      "DELETE FROM reading_block WHERE EXISTS (SELECT 1 FROM reading_block o WHERE o.first_seq <= "
      "reading_block.last_seq "
      "AND o.last_seq >= reading_block.first_seq AND (o.last_seq - o.first_seq > reading_block.last_seq - "
      "reading_block.first_seq OR (o.last_seq - o.first_seq = reading_block.last_seq - reading_block.first_seq AND "
      "o.first_seq < reading_block.first_seq)))");
  database.execute(
      "DELETE FROM journal WHERE kind = 0 AND EXISTS (SELECT 1 FROM reading_block b WHERE b.first_seq <= journal.seq "
      "AND "
      "b.last_seq >= journal.seq)");
}

void leave_numbers_out(Database& database, const fs::path& directory, SalvageReport& report) {
  const std::int64_t id = database.integer("SELECT value FROM meta WHERE name = 'id'");
  report.confirmed = confirmed_sequence(directory, id).value_or(0);
  report.last_kept = last_sequence_of(database);
  const std::int64_t last = std::max(
      {report.last_kept, report.confirmed,
       database.integer("SELECT max((SELECT ifnull(max(settled), 0) FROM cursor), (SELECT ifnull(max(settled), 0) FROM "
                        "settled_ahead), (SELECT ifnull(max(seq), 0) FROM ledger), (SELECT ifnull(max(seq), 0) FROM "
                        "reading_mark))")});
  Statement save(database, "INSERT OR REPLACE INTO meta(name, value) VALUES(?1, ?2)");
  save.bind(1, std::string_view(kSequenceFloor)).bind(2, last + kNumbersLeftOut).run();
  save.bind(1, std::string_view(kLeftOut + std::to_string(last))).bind(2, last + kNumbersLeftOut).run();
  // What no sink will get any more; numbers that no row had do not count.
  // Where more is accounted for than there was, for want of what was settled ahead, the count begins later.
  BlockTable blocks(database);
  ReadingWalk journal(database, blocks, ReadingWalk::Kinds::all);
  const auto rows_in = [&journal](std::int64_t after, std::int64_t upto) {
    return after < upto ? static_cast<std::int64_t>(journal.count(after, upto)) : 0;
  };
  std::map<std::string, std::pair<std::int64_t, std::int64_t>> waiting;  // by sink: settled, and rows that wait
  Statement cursors(database, "SELECT sink, settled FROM cursor");
  for (Rows rows(cursors); rows.next();) {
    const std::int64_t settled = cursors.integer(1);
    waiting[std::string(cursors.text(0))] = {settled, rows_in(settled, last)};
  }
  Statement ahead(database, "SELECT sink, begun, settled FROM settled_ahead");
  for (Rows rows(ahead); rows.next();) {
    const auto of = waiting.find(std::string(ahead.text(0)));
    if (of == waiting.end()) continue;
    of->second.second -= rows_in(std::max(ahead.integer(1), of->second.first), ahead.integer(2));
  }
  Statement account(
      database,
      "UPDATE cursor SET lost = lost + max(0, u.rows), begun = begun + ?2 + min(0, u.rows) FROM (SELECT "
      "c.sink AS of, ?1 - begun - accepted - skipped - refused - missed - lost - ?3 AS rows FROM cursor c "
      "WHERE c.sink = ?4) AS u WHERE u.of = cursor.sink");
  for (const auto& [sink, of] : waiting) {
    account.bind(1, last).bind(2, kNumbersLeftOut).bind(3, of.second).bind(4, std::string_view(sink)).run();
  }
}

// Rows that are in the new database already.
void learn(RowJudge& judge, Database& target, const TableShape& table) {
  const auto columns = columns_of(target, table);
  walk(target, table, [&](const Statement& row) { return judge.accepts(table, columns, row); });
}

// One that is gone is repaired like one that is empty.
void make_sure_of(const fs::path& file) {
  const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640);
  if (descriptor < 0) throw Refused(file.string() + ": " + std::strerror(errno));
  ::close(descriptor);
}

// The damaged database as far as it can be opened.
struct Source {
  std::unique_ptr<Database> database;  // nullptr: nothing of it can be read
  std::optional<KeptTables> kept;      // beside it
  bool is_reopened = false;            // a page that others are found by was gone
  std::optional<MendedLog> log;        // what lay behind damage in it is there
  std::int64_t version = kSchemaVersion;
};

Source open_source(const fs::path& directory) {
  fs::path file = directory / kDatabaseFile;
  Source source;
  source.log = mend_log(file, directory / kMended);
  if (source.log) file = directory / kMended;
  source.database = open_damaged(file);
  source.kept = kept_tables(directory);
  std::vector<KeptTables> layouts;
  if (!source.database || !has_all_tables(*source.database)) {
    if (source.kept) layouts.push_back(*source.kept);
    layouts.push_back(tables_of_a_new_store(directory / kScratch));
  } else if (KeptTables own = tables_of(*source.database); has_orphans(file, own)) {
    layouts.push_back(std::move(own));
  }
  for (const KeptTables& tables : layouts) {
    if (source.is_reopened) break;
    if (auto reopened = reopen(file, directory / kReopened, tables)) {
      source.database = std::move(reopened);
      source.is_reopened = true;
    }
  }
  if (!source.database) return source;
  source.version = source.database->integer("PRAGMA user_version");
  try {
    const std::int64_t id = source.database->integer("SELECT value FROM meta WHERE name = 'id'");
    if (source.kept && id != 0 && source.kept->id != 0 && id != source.kept->id) source.kept.reset();
  } catch (const SqliteError&) {  // nobody knows whose it is: what names there are must agree
  }
  return source;
}

constexpr std::string_view kStateLog = "state_log";

// Whether the last record of the log of states is there. Without it nobody knows which states it changed.
struct LogEnd {
  std::int64_t seen = 0;  // the last number of a record that could be reached
  std::int64_t kept = 0;  // and be read
  bool is_broken = false;
  bool is_there() const { return !is_broken && seen == kept; }
};

bool ends_readable(const TableSalvage& outcome) {
  return !outcome.gaps.empty() && outcome.gaps.back().last != INT64_MAX;
}

void copy_readable(const fs::path& directory, const fs::path& to, SalvageReport& report) {
  Database target(to, Database::Mode::read_write);
  migrate(target);
  target.execute("PRAGMA synchronous = OFF");  // one sync at the end is enough: an unfinished copy is thrown away
  const Source opened = open_source(directory);
  const std::unique_ptr<Database>& source = opened.database;
  report.is_reopened = opened.is_reopened;
  if (opened.log && opened.log->reads_on) report.pages_in_doubt = opened.log->pages_in_doubt;
  RowJudge judge;
  bool are_links_lost = false;
  bool are_entries_lost = false;
  LogEnd log_end;
  const std::int64_t version = opened.version;
  for (const TableShape& table : tables_of_the_schema()) {
    if (version > 0 && table.since > version) continue;
    TableSalvage outcome{.table = table.name, .is_broken = true, .gaps = {}};
    if (source) {
      const auto columns = columns_of(*source, table);
      std::optional<Copier> copier;
      if (!columns.empty()) copier.emplace(target, table, columns);
      outcome = walk(*source, table, [&](const Statement& row) {
        if (table.name == kStateLog) log_end.seen = std::max(log_end.seen, row.integer(0));
        if (!judge.accepts(table, columns, row)) return false;
        if (table.name == kStateLog) log_end.kept = row.integer(0);
        copier->add(row);
        return true;
      });
      if (copier) copier->finish();
    }
    const bool is_newer = source && version < kSchemaVersion;
    if (is_newer && columns_of(*source, table).empty()) outcome.is_broken = false;  // there was no such table yet
    if (table.has_names && opened.kept && !outcome.is_whole()) {
      outcome.restored = add_names(target, table.name, *opened.kept);
      learn(judge, target, table);
    }
    if (outcome.table == "journal") are_entries_lost = !outcome.is_whole();
    if (outcome.table == "ledger") are_links_lost = !outcome.is_whole();
    if (table.name == kStateLog) log_end.is_broken = outcome.is_broken && !ends_readable(outcome);
    report.tables.push_back(std::move(outcome));
  }
  if (are_links_lost) report.rechained = rechain(target, !are_entries_lost);
  go_on_from_the_seal(target);
  if (source && version < 5) {
    target.execute("UPDATE cursor SET begun = settled WHERE begun = 0");  // as the migration to version 5 would
  }
  drop_doubles(target);
  const StateReader::Salvaged states = salvage_states(target, log_end.is_there());
  report.states_dropped = states.left_out;
  report.states_behind = states.behind;
  leave_numbers_out(target, directory, report);
  target.execute("PRAGMA wal_checkpoint(TRUNCATE)");
}

void build(const fs::path& directory, SalvageReport& report) {
  const fs::path unfinished = directory / kUnfinished;
  const auto remove = [&] {
    std::error_code ignored;
    for (const char* suffix : kBeside) fs::remove(unfinished.string() + suffix, ignored);
    remove_copy(directory / kReopened);
    remove_copy(directory / kMended);
  };
  remove();
  try {
    copy_readable(directory, unfinished, report);
    remove_copy(directory / kReopened);
    remove_copy(directory / kMended);
    std::error_code error;
    fs::create_directory(report.set_aside, error);
    std::ofstream text(report.set_aside / "report.txt");
    if (!(text << report.to_text() << std::flush)) {
      throw SqliteError(SQLITE_FULL, report.set_aside.string() + " cannot be written");
    }
  } catch (...) {
    remove();
    throw;
  }
  sync_path(unfinished, O_RDONLY);
  move_file(unfinished, directory / kFinished);
  sync_path(directory, O_RDONLY | O_DIRECTORY);
}

}  // namespace

std::string SalvageReport::to_text() const {
  std::string text =
      fmt::format("{}\nThe damaged files are in {}. What could be read of them:\n", cause, set_aside.string());
  if (is_reopened) {
    text +=
        "  its first page, or one that leads to others, could not be read: it was written anew in a copy, in which "
        "what "
        "follows was found\n";
  }
  if (pages_in_doubt) {
    text += fmt::format("  what lay behind the damage in its log was read, but for {} pages that it held\n",
                        *pages_in_doubt);
  }
  for (const TableSalvage& table : tables) {
    text += fmt::format("  {}: {} rows kept", table.table, table.kept);
    if (table.undecodable != 0) text += fmt::format(", {} left out that cannot be decoded", table.undecodable);
    if (table.restored != 0) text += fmt::format(", {} more from {}", table.restored, kTablesFile);
    if (table.is_broken && table.gaps.empty()) text += ", some could not be read";
    for (const TableSalvage::Gap& gap : table.gaps) {
      text += gap.last == INT64_MAX ? fmt::format(", none from number {} on", gap.first)
                                    : fmt::format(", none of the numbers {} to {}", gap.first, gap.last);
    }
    text += "\n";
  }
  if (confirmed > last_kept) {
    text += fmt::format("  journal: the rows behind number {} up to {} were confirmed and are gone\n", last_kept,
                        confirmed);
  }
  if (states_dropped != 0) {
    text +=
        fmt::format("  {} states could not be told any more: these points and accounts begin anew\n", states_dropped);
  }
  if (states_behind) {
    text += fmt::format(
        "  the states of points and accounts are known as of row {}: the gateway counts the readings behind it again "
        "when "
        "it starts\n",
        *states_behind);
  }
  if (rechained != 0) text += fmt::format("  {} links of the ledger were worked out again\n", rechained);
  return text;
}

std::optional<SalvageReport> salvage_if_marked(const fs::path& directory) {
  const auto mark = damage_mark(directory);
  if (!mark) return std::nullopt;
  SalvageReport report;
  report.cause = mark->cause;
  report.set_aside = directory / mark->folder;

  const bool is_done = !fs::exists(directory / kFinished) && fs::exists(report.set_aside / kDatabaseFile);
  if (!is_done) {
    if (!fs::exists(directory / kFinished)) {
      make_sure_of(directory / kDatabaseFile);
      build(directory, report);
    }
    for (const char* suffix : kBeside) {
      const fs::path file = directory / (std::string(kDatabaseFile) + suffix);
      if (fs::exists(file)) move_file(file, report.set_aside / file.filename());
    }
    sync_path(report.set_aside, O_RDONLY | O_DIRECTORY);
    move_file(directory / kFinished, directory / kDatabaseFile);
  }
  sync_path(directory, O_RDONLY | O_DIRECTORY);
  std::error_code ignored;
  fs::remove(directory / kDamageMark, ignored);
  sync_path(directory, O_RDONLY | O_DIRECTORY);
  return report;
}

namespace {

std::vector<std::string> damage_of(const fs::path& file) {
  std::vector<std::string> findings;
  if (auto known = known_damage(file.parent_path())) {
    const bool would_be_forgotten = !damage_mark(file.parent_path());  // opened, the log says nothing any more
    findings.push_back(std::move(*known));
    if (would_be_forgotten || find_log_damage(file)) return findings;
  }
  std::unique_ptr<Database> database;
  try {
    database = open_as_it_is(file);
    Statement check(*database, fmt::format("PRAGMA integrity_check({})", kFindingsMax));
    for (Rows rows(check); rows.next();) {
      if (check.text(0) != "ok") findings.emplace_back(check.text(0));
    }
  } catch (const SqliteError& error) {
    if (error.code() != SQLITE_CORRUPT && error.code() != SQLITE_NOTADB && !error.is_unreadable()) throw;
    findings.emplace_back(error.what());
  }
  if (!database) return findings;
  RowJudge judge;
  for (const TableShape& table : tables_of_the_schema()) {
    const auto columns = columns_of(*database, table);
    const TableSalvage outcome =
        walk(*database, table, [&](const Statement& row) { return judge.accepts(table, columns, row); });
    if (outcome.is_broken) findings.push_back(std::string(table.name) + ": some rows cannot be read");
    if (outcome.undecodable != 0) {
      findings.push_back(fmt::format("{}: {} rows are not what this program writes", table.name, outcome.undecodable));
    }
  }
  try {
    BlockTable blocks(*database);
    const Transaction one_moment(*database, Transaction::Kind::read);
    StateReader(*database, blocks).read();
  } catch (const DamagedRecord& error) {
    if (findings.empty()) findings.push_back(std::string("states: ") + error.what());
  } catch (const SqliteError& error) {
    if (findings.empty()) throw;
  }
  if (findings.size() > kFindingsMax) findings.resize(kFindingsMax);
  return findings;
}

}  // namespace

model::Result<std::vector<std::string>> find_damage(const fs::path& directory) {
  return guarded(directory, [&] { return damage_of(directory / kDatabaseFile); });
}

model::Result<SalvageReport> repair(const fs::path& directory, const std::string& cause) {
  return guarded(directory, [&] {
    const StoreLock lock(directory);
    mark_damaged(directory, cause);
    auto report = salvage_if_marked(directory);
    if (!report) throw Refused("nothing can be written there");
    return std::move(*report);
  });
}

}  // namespace carbongate::store

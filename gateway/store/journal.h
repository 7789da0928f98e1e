// The store without its thread: journal, checkpoint and cursors on one SQLite connection.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gateway/model/checkpoint.h"
#include "gateway/model/site.h"
#include "gateway/ports/store.h"
#include "gateway/store/appender.h"
#include "gateway/store/block_table.h"
#include "gateway/store/compactor.h"
#include "gateway/store/confirmed.h"
#include "gateway/store/cursor_table.h"
#include "gateway/store/database.h"
#include "gateway/store/dead_letter_table.h"
#include "gateway/store/delivery_table.h"
#include "gateway/store/ledger_table.h"
#include "gateway/store/reading_walk.h"
#include "gateway/store/record.h"
#include "gateway/store/retention.h"
#include "gateway/store/salvage.h"
#include "gateway/store/series_table.h"
#include "gateway/store/state_log.h"
#include "gateway/store/store_config.h"
#include "gateway/store/store_lock.h"

namespace carbongate::store {

// Reports found so far, and behind which row the search goes on.
struct ReportSearch {
  std::vector<model::StoredRow> found = {};
  std::int64_t at_ms = std::numeric_limits<std::int64_t>::min();
  std::int64_t sequence = 0;
  bool is_done = false;
};

// Throws SqliteError, DamagedRecord and Refused; an operation that throws has changed nothing, and the next one may
// succeed. One thread at a time.
class Journal {
 public:
  // Opens or creates the store, and checks that its checkpoint and its last rows can be read. Repairs it first if
  // mark_damaged() says so.
  Journal(const StoreConfig& config, const model::Site& site);
  ~Journal();  // saves how far the sinks came

  model::Checkpoint checkpoint();
  void commit(const model::Effects& effects);
  std::vector<model::StoredRow> peek(const std::string& sink, std::size_t limit);
  std::vector<model::StoredRow> peek_behind(const std::string& sink, std::uint64_t after, std::size_t limit);
  std::vector<model::StoredRow> alerts_behind(std::uint64_t after, std::size_t limit);
  void open_live(const std::string& sink, std::uint64_t rows);
  std::vector<model::StoredRow> peek_live(const std::string& sink, std::size_t limit);

  std::vector<model::StoredRow> readings_before(std::uint64_t before, std::uint64_t rows);

  // A cursor that only moves forward is written with the next commit, not for itself: a crash before that makes the
  // sink see some rows again, which it must bear anyway. Rejections and attempts are written at once.
  void settle(const std::string& sink, const ports::Delivery& delivery);

  std::vector<model::StoredRow> peek_retries(const std::string& sink, std::size_t limit);
  void settle_retries(const std::string& sink, const ports::Retried& outcome);
  void record(const std::string& sink, const std::vector<ports::Attempt>& attempts);
  std::vector<ports::Recorded> recorded(const std::string& sink, std::uint64_t from, std::uint64_t to) {
    return deliveries_.recorded(sink, from, to);
  }

  void keep(const std::string& sink, const std::string& name, const std::string& value);
  std::optional<std::string> kept(const std::string& sink, const std::string& name);
  // Goes on with a search for reports, by kLookedAtMax rows: a wide one holds up nothing else for long.
  static constexpr std::int64_t kLookedAtMax = 2'000;
  ReportSearch search(const ports::ReportQuery& query, ReportSearch search);

  std::vector<ports::SinkAccount> audit(std::uint64_t count_max);  // and saves how far the sinks came

  void seal(Instant at);  // throws Refused without the ledger's key

  ports::StoreStatus status() const { return status_; }

  // The schema's, as this start found it; kSchemaVersion: nothing had to be done.
  int found_version() const { return found_version_; }

 private:
  void load();
  enum class Closing : std::uint8_t { no, yes };
  void save_progress(Closing closing) noexcept;
  void read_tail();
  std::string identify();
  CursorTable::Cursor& cursor_of(const std::string& sink);
  model::StoredRow stored(const ReadingWalk::Row& row);
  std::vector<model::StoredRow> rows_between(std::int64_t after, std::int64_t upto, std::size_t limit);
  std::vector<model::StoredRow> revised_between(std::int64_t after, std::int64_t upto, std::size_t limit);
  std::optional<model::StoredRow> newest_revision(const ReadingWalk::Row& row);  // nullopt: it is that, or has none
  std::vector<model::StoredRow> peek_revisions(CursorTable::Cursor& cursor, std::size_t limit);
  void count(CursorTable::Cursor& cursor, const ports::Delivery& delivery, const Gap& moved);
  template <class F>
  void save(CursorTable::Cursor& cursor, const CursorTable::Cursor& before, F&& change);
  // The last sequence.
  void commit_all(const model::Effects& effects);
  std::int64_t append(const std::vector<model::JournalRow>& rows, std::optional<std::int64_t> newest_ms);
  void put_states(const model::Effects& effects, std::int64_t last_sequence);
  struct Mark {
    std::int64_t sequence = 0;
    std::int64_t oldest_ms = INT64_MAX;  // of the readings behind it
  };
  // What the last mark is after this commit; nullopt: as before.
  std::optional<Mark> mark_time(std::int64_t sequence, std::optional<std::int64_t> newest_ms, std::int64_t oldest_ms);
  void describe_ledger();
  std::uint64_t bytes_on_disk() const;

  std::filesystem::path file_;
  std::int64_t block_at_once_;
  StoreLock lock_;
  std::optional<SalvageReport> salvaged_;  // by this start
  int found_version_ = 0;
  std::unique_ptr<Database> owner_;  // opened and brought up to date before the statements are made
  Database& database_;
  SeriesTable series_;
  std::size_t points_;
  std::size_t accounts_;
  std::size_t watches_;
  std::size_t stations_;
  RecordCodec codec_;
  BlockTable blocks_;
  ReadingWalk rows_;
  ReadingWalk readings_;
  std::optional<Retention> retention_;
  Compactor compactor_;
  Appender appender_;
  std::vector<BlockReading> together_;  // readings of a commit that become a block
  LedgerTable ledger_;
  StateLog states_;
  std::vector<const model::JudgedReading*> last_readings_;  // of the points, in a commit; nullptr between commits
  Statement peek_revised_;
  Statement alerts_behind_;
  Statement later_rollups_;
  Statement later_changes_;
  DeadLetterTable dead_letters_;
  DeliveryTable deliveries_;
  Statement mark_;
  Statement lower_mark_;
  CursorTable cursors_;
  std::int64_t last_sequence_ = 0;
  std::uint64_t last_notice_ = 0;          // of the commit under way
  std::optional<std::int64_t> newest_ms_;  // of the newest usable reading
  std::optional<ConfirmedFile> confirmed_;
  std::optional<Mark> last_mark_;          // nullopt: there is none, or what lies behind it is not known
  std::optional<std::int64_t> marked_ms_;  // `newest` of the last mark
  ports::StoreStatus status_;
};

}  // namespace carbongate::store

#include "gateway/store/journal.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <string>
#include <utility>
#include <variant>

#include "gateway/store/kept_tables.h"
#include "gateway/store/known_damage.h"
#include "gateway/store/migrations.h"
#include "gateway/store/unknown_time.h"

namespace carbongate::store {
namespace {

constexpr std::int64_t kTailRows = 1'000;  // read at the start, to see whether they can be

constexpr std::int64_t kLogBytes = 16 << 20;
constexpr std::int64_t kLogBytesMin = 1 << 20;
constexpr std::int64_t kLogShare = 16;  // of a small disk

constexpr std::int64_t kMarkEveryMs = 15 * 60'000;

// Until its pages go to the file.
std::int64_t log_bytes(const std::filesystem::path& directory) {
  std::error_code error;
  const std::uintmax_t disk = std::filesystem::space(directory, error).capacity;
  if (error) return kLogBytes;
  return std::clamp(static_cast<std::int64_t>(disk / kLogShare), kLogBytesMin, kLogBytes);
}

std::unique_ptr<Database> open_database(const std::filesystem::path& file, int& found_version) {
  auto database = std::make_unique<Database>(file, Database::Mode::read_write);
  found_version = migrate(*database);
  // Pages are written again and again: the file has them once for so many bytes of the log.
  const std::int64_t bytes = log_bytes(file.parent_path());
  const std::int64_t pages = bytes / database->integer("PRAGMA page_size");
  database->execute("PRAGMA wal_autocheckpoint = " + std::to_string(pages) +
                    "; PRAGMA journal_size_limit = " + std::to_string(4 * bytes));
  database->execute("PRAGMA cache_size = -8192");
  database->execute("PRAGMA max_page_count = 4294967294");  // by default a quarter of that: 512 GiB of small pages
  database->execute("PRAGMA secure_delete = OFF");          // some builds write zeros over what is dropped
  return database;
}

std::optional<SalvageReport> salvaged(const std::filesystem::path& directory) {
  if (const auto damage = known_damage(directory)) mark_damaged(directory, *damage);
  return salvage_if_marked(directory);
}

// Of the readings whose stamp is believed; INT64_MAX: none.
std::int64_t oldest_of(const std::vector<model::JournalRow>& rows) {
  std::int64_t oldest_ms = INT64_MAX;
  for (const model::JournalRow& row : rows) {
    const auto* reading = row.body.get_if<model::JudgedReading>();
    if (!reading || !stamp_believed(reading->quality)) continue;
    oldest_ms = std::min<std::int64_t>(oldest_ms, reading->at.time_since_epoch().count());
  }
  return oldest_ms;
}

std::optional<std::int64_t> newest_of(const std::vector<model::JournalRow>& rows,
                                      std::optional<std::int64_t> newest_ms) {
  for (const model::JournalRow& row : rows) {
    const auto* reading = row.body.get_if<model::JudgedReading>();
    if (!reading || !model::usable(reading->quality)) continue;
    newest_ms = std::max(newest_ms.value_or(INT64_MIN), reading->at.time_since_epoch().count());
  }
  return newest_ms;
}

}  // namespace

Journal::Journal(const StoreConfig& config, const model::Site& site)
    : file_(config.path / kDatabaseFile),
      block_at_once_(config.block_at_once),
      lock_(config.path),
      salvaged_(salvaged(config.path)),
      owner_(open_database(file_, found_version_)),
      database_(*owner_),
      series_(database_),
      points_(site.points.size()),
      accounts_(site.accounts.size()),
      watches_(site.watches.size()),
      stations_(site.stations.size()),
      blocks_(database_),
      rows_(database_, blocks_, ReadingWalk::Kinds::all),
      readings_(database_, blocks_, ReadingWalk::Kinds::readings),
      compactor_(database_, blocks_, config),
      appender_(database_),
      ledger_(database_, config, site.id),
      states_(database_, blocks_),
      last_readings_(points_),
      peek_revised_(database_,
                    "SELECT seq, series, at, quality, body, kind FROM journal NOT INDEXED "
                    "WHERE seq > ?1 AND seq <= ?3 AND kind IN (4, 5) ORDER BY seq LIMIT ?2"),
      alerts_behind_(database_,
                     "SELECT seq, series, at, quality, body FROM journal INDEXED BY journal_alerts "
                     "WHERE kind = 5 AND seq > ?1 ORDER BY seq LIMIT ?2"),
      later_rollups_(database_,
                     "SELECT seq, at, quality, body FROM journal INDEXED BY journal_books "
                     "WHERE kind > 1 AND kind = 4 AND at = ?1 AND series = ?2 AND seq > ?3 ORDER BY seq DESC"),
      later_changes_(database_,
                     "SELECT j.seq, j.at, j.quality, j.body FROM (SELECT seq, series FROM journal INDEXED BY "
                     "journal_books WHERE kind > 1 AND kind = 5 AND at >= ?1 ORDER BY at LIMIT 5000) near "
                     "JOIN journal j ON j.seq = near.seq WHERE near.series = ?2 AND near.seq > ?3 ORDER BY j.seq DESC"),
      dead_letters_(database_, rows_),
      deliveries_(database_, config),
      mark_(database_, "INSERT OR REPLACE INTO reading_mark(seq, newest, oldest) VALUES(?1, ?2, ?3)"),
      lower_mark_(database_, "UPDATE reading_mark SET oldest = ?2 WHERE seq = ?1"),
      cursors_(database_, blocks_) {
  Transaction transaction(database_);
  series_.enrol(site);
  transaction.commit();
  retention_.emplace(database_, blocks_, config);
  load();
  keep_tables(database_, config.path);
}

Journal::~Journal() {
  save_progress(Closing::yes);
}

// A store that is full or broken keeps what it knew: then the sinks see a few rows again after a crash.
void Journal::save_progress(Closing closing) noexcept {
  try {
    const bool write_states = closing == Closing::yes && !states_.is_whole();
    if (!cursors_.has_unsaved() && !write_states) return;
    cursors_.forget();
    if (write_states) states_.begin();
    Transaction transaction(database_);
    cursors_.save();
    if (write_states) states_.write_whole(last_sequence_);
    transaction.commit();
    cursors_.saved();
  } catch (const SqliteError&) {  // tried again with the next commit
  }
}

void Journal::load() {
  last_sequence_ = last_sequence_of(database_);
  read_tail();
  cursors_.load(last_sequence_);
  states_.load();
  Statement kind(database_, "SELECT kind FROM subject WHERE id = ?1");
  states_.each([&](std::int64_t subject, std::string_view state) {
    Rows rows(kind.bind(1, subject));
    if (!rows.next()) return;
    if (kind.integer(0) == 3) {
      codec_.decode_station(state);
    } else if (kind.integer(0) == 2) {
      codec_.decode_alert(state);
    } else if (kind.integer(0) == 1) {
      codec_.decode_account(state);
    } else if (const auto last_at = codec_.decode_point(state).last_at) {
      newest_ms_ = std::max(newest_ms_.value_or(INT64_MIN), last_at->time_since_epoch().count());
    }
  });
  Statement last_mark(database_, "SELECT newest, seq, oldest FROM reading_mark ORDER BY seq DESC LIMIT 1");
  if (Rows rows(last_mark); rows.next()) {
    marked_ms_ = last_mark.integer(0);
    if (!last_mark.is_null(2)) last_mark_ = {.sequence = last_mark.integer(1), .oldest_ms = last_mark.integer(2)};
    newest_ms_ = std::max(newest_ms_.value_or(INT64_MIN), *marked_ms_);  // marks only ascend
  }
  status_.id = identify();
  status_.last_sequence = static_cast<std::uint64_t>(last_sequence_);
  status_.bytes = bytes_on_disk();
  if (salvaged_) status_.repaired = salvaged_->to_text();
  status_.set_aside = set_aside(file_.parent_path());
  confirmed_.emplace(file_.parent_path(), database_.integer("SELECT value FROM meta WHERE name = 'id'"));
  confirmed_->write(last_sequence_);
  describe_ledger();
}

// What a power cut damages first, on a disk that says it has written what it has not.
void Journal::read_tail() {
  std::int64_t count = 0;
  rows_.backwards(0, last_sequence_, [&](const ReadingWalk::Row& row) {
    stored(row);
    return ++count < kTailRows;
  });
}

// Drawn when the store is opened for the first time.
std::string Journal::identify() {
  Statement known(database_, "SELECT value FROM meta WHERE name = 'id'");
  std::optional<std::int64_t> id;
  if (Rows rows(known); rows.next()) id = known.integer(0);
  if (!id) {
    std::random_device random;
    id = static_cast<std::int64_t>((std::uint64_t{random()} << 32U | random()) >> 1U);
    Statement draw(database_, "INSERT INTO meta(name, value) VALUES('id', ?1)");
    draw.bind(1, *id).run();
  }
  return fmt::format("{:016x}", *id);
}

model::Checkpoint Journal::checkpoint() {
  model::Checkpoint checkpoint;
  for (std::size_t i = 0; i < points_; ++i) {
    checkpoint.points.push_back(codec_.decode_point(states_.state(series_.ids(static_cast<PointId>(i)).subject)));
  }
  for (std::size_t i = 0; i < accounts_; ++i) {
    checkpoint.accounts.push_back(
        codec_.decode_account(states_.state(series_.ids(static_cast<model::AccountId>(i)).subject)));
  }
  for (std::size_t i = 0; i < watches_; ++i) {
    checkpoint.alerts.push_back(
        codec_.decode_alert(states_.state(series_.ids(static_cast<model::WatchId>(i)).subject)));
  }
  for (std::size_t i = 0; i < stations_; ++i) {
    checkpoint.stations.push_back(
        codec_.decode_station(states_.state(series_.ids(static_cast<model::StationId>(i)).subject)));
  }
  checkpoint.unknown_time = load_unknown_time(database_);
  if (const auto behind = states_behind(database_)) checkpoint.behind = static_cast<std::uint64_t>(*behind);
  return checkpoint;
}

void Journal::commit(const model::Effects& effects) {
  if (effects.empty()) return;
  database_.require_in_place();
  try {
    commit_all(effects);
  } catch (...) {
    blocks_.forget();  // the next one may give the same numbers to other readings
    std::ranges::fill(last_readings_, nullptr);
    throw;
  }
}

void Journal::commit_all(const model::Effects& effects) {
  const auto appended = static_cast<std::int64_t>(effects.rows.size());
  const std::optional<std::int64_t> newest_ms = newest_of(effects.rows, newest_ms_);
  cursors_.forget();
  states_.begin();
  Transaction transaction(database_);
  const std::int64_t sequence = append(effects.rows, newest_ms);
  put_states(effects, sequence);
  const std::optional<Mark> mark = mark_time(sequence, newest_ms, oldest_of(effects.rows));
  // What is counted again after a repair is committed before a sink has said that it is there.
  const auto outcome = effects.caught_up
                           ? retention_->nothing()
                           : retention_->step({.last_sequence = sequence,
                                               .settled_by_all = std::min(cursors_.settled_by_all(), sequence),
                                               .newest_ms = newest_ms,
                                               .appended = appended,
                                               .waiting = cursors_.waiting_for_any(),
                                               .waiting_of = cursors_.waiting()});
  cursors_.missed(outcome.missed);
  const auto compacted = compactor_.step({.last_sequence = sequence,
                                          .settled_by_all = cursors_.settled_by_all(),
                                          .swept = outcome.swept,
                                          .newest_ms = newest_ms});
  cursors_.save();
  states_.settle(outcome.swept, sequence);
  transaction.commit();
  confirmed_->write(sequence);

  retention_->accept(outcome);
  compactor_.accept(compacted);
  states_.accept();
  ledger_.accept();
  describe_ledger();
  last_sequence_ = sequence;
  newest_ms_ = newest_ms;
  if (mark && (!last_mark_ || last_mark_->sequence != mark->sequence)) marked_ms_ = newest_ms;
  if (mark) last_mark_ = mark;
  cursors_.saved();
  status_.rows_appended += static_cast<std::uint64_t>(appended);
  ++status_.commits;
  status_.rows_thinned += outcome.thinned;
  status_.readings_dropped_early += outcome.early;
  status_.held_to_bytes = outcome.held_to;
  status_.last_sequence = static_cast<std::uint64_t>(sequence);
  status_.last_notice = std::max(status_.last_notice, last_notice_);
  status_.bytes = bytes_on_disk();
}

std::optional<Journal::Mark> Journal::mark_time(std::int64_t sequence, std::optional<std::int64_t> newest_ms,
                                                std::int64_t oldest_ms) {
  std::optional<Mark> mark;
  if (last_mark_ && oldest_ms < last_mark_->oldest_ms) {
    mark = Mark{last_mark_->sequence, oldest_ms};
    lower_mark_.bind(1, mark->sequence).bind(2, oldest_ms).run();
  }
  std::int64_t since_ms = 0;
  const bool soon = !newest_ms || (marked_ms_ && !__builtin_sub_overflow(*newest_ms, *marked_ms_, &since_ms) &&
                                   since_ms < kMarkEveryMs);
  if (soon) return mark;
  mark = Mark{.sequence = sequence, .oldest_ms = INT64_MAX};
  mark_.bind(1, sequence).bind(2, *newest_ms).bind(3, mark->oldest_ms).run();
  return mark;
}

// Many readings of one commit are a block at once: that is written quicker, and wears the disk less, than rows.
std::int64_t Journal::append(const std::vector<model::JournalRow>& rows, std::optional<std::int64_t> newest_ms) {
  std::int64_t sequence = last_sequence_;
  const auto readings = std::ranges::count_if(
      rows, [](const model::JournalRow& row) { return row.body.get_if<model::JudgedReading>() != nullptr; });
  const bool at_once = readings >= block_at_once_;
  const auto make_block = [&] {
    if (!together_.empty()) blocks_.insert(together_, newest_ms.value_or(INT64_MIN));
    together_.clear();
  };
  together_.clear();
  appender_.forget();
  ledger_.forget();
  last_notice_ = 0;
  for (const model::JournalRow& row : rows) {
    const std::int64_t series = series_.ids(row.subject).series;
    ++sequence;
    const bool is_notice = row.body.get_if<model::Alert>() != nullptr || row.body.get_if<model::Report>() != nullptr;
    if (is_notice) last_notice_ = static_cast<std::uint64_t>(sequence);
    if (const auto* reading = row.body.get_if<model::JudgedReading>(); reading && at_once) {
      together_.push_back({.sequence = sequence,
                           .series = series,
                           .at_ms = reading->at.time_since_epoch().count(),
                           .value = reading->value,
                           .quality = encode_quality(reading->quality)});
      if (together_.size() == kBlockReadingsMax) make_block();
      continue;
    }
    if (const auto* entry = row.body.get_if<model::EmissionEntry>()) {
      model::EmissionEntry written = *entry;
      written.names_part_of = true;  // it may be made of others that do not
      appender_.append(sequence, series, codec_.encode(written));
      ledger_.append(sequence, *series_.series(series), written);
      continue;
    }
    appender_.append(sequence, series, codec_.encode(row.body));
  }
  appender_.flush();
  make_block();
  return sequence;
}

void Journal::put_states(const model::Effects& effects, std::int64_t last_sequence) {
  for (const model::JournalRow& row : effects.rows) {
    const auto* point = std::get_if<PointId>(&row.subject);
    const auto* reading = row.body.get_if<model::JudgedReading>();
    if (point && reading) last_readings_.at(index(*point)) = reading;
  }
  std::string of_reading;
  for (const auto& [point, state] : effects.points) {
    of_reading.clear();
    if (const model::JudgedReading* reading = last_readings_.at(index(point))) {
      model::PointState only;
      only.last_at = reading->at;
      only.last_value = reading->value;
      of_reading = codec_.encode(only);
    }
    states_.put(series_.ids(point).subject, codec_.encode(state), of_reading);
  }
  std::uint64_t readings = 0;
  for (const model::JournalRow& row : effects.rows) {
    if (row.body.get_if<model::JudgedReading>() != nullptr) ++readings;
    if (const auto* point = std::get_if<PointId>(&row.subject)) last_readings_[index(*point)] = nullptr;
  }
  for (const auto& [account, state] : effects.accounts) {
    states_.put(series_.ids(account).subject, codec_.encode(state), {});
  }
  for (const auto& [watch, state] : effects.alerts) {
    states_.put(series_.ids(watch).subject, codec_.encode(state), {});
  }
  for (const auto& [station, state] : effects.stations) {
    states_.put(series_.ids(station).subject, codec_.encode(state), {});
  }
  states_.write(last_sequence_, last_sequence, readings);
  if (effects.unknown_time) save_unknown_time(database_, *effects.unknown_time);
  if (effects.caught_up) note_caught_up(database_);
}

std::vector<model::StoredRow> Journal::readings_before(std::uint64_t before, std::uint64_t rows) {
  const auto from = static_cast<std::int64_t>(before - std::min(rows, before));
  std::vector<model::StoredRow> found;
  readings_.forwards(from - 1, static_cast<std::int64_t>(before) - 1, [&](const ReadingWalk::Row& row) {
    found.push_back(stored(row));
    return true;
  });
  return found;
}

model::StoredRow Journal::stored(const ReadingWalk::Row& row) {
  return {static_cast<std::uint64_t>(row.sequence), series_.series(row.series), codec_.decode_row(row.columns)};
}

void Journal::keep(const std::string& sink, const std::string& name, const std::string& value) {
  cursors_.forget();
  Transaction transaction(database_);
  Statement save(database_, "INSERT OR REPLACE INTO kept(sink, name, value) VALUES(?1, ?2, ?3)");
  save.bind(1, std::string_view(sink)).bind(2, std::string_view(name)).bind(3, std::string_view(value)).run();
  cursors_.save();
  transaction.commit();
  cursors_.saved();
}

std::optional<std::string> Journal::kept(const std::string& sink, const std::string& name) {
  Statement find(database_, "SELECT value FROM kept WHERE sink = ?1 AND name = ?2");
  Rows rows(find.bind(1, std::string_view(sink)).bind(2, std::string_view(name)));
  return rows.next() ? std::optional(std::string(find.text(0))) : std::nullopt;
}

ReportSearch Journal::search(const ports::ReportQuery& query, ReportSearch search) {
  Statement find(database_,
                 "SELECT seq, series, at, quality, body FROM journal INDEXED BY journal_books "
                 "WHERE kind > 1 AND kind = 6 AND at >= ?1 AND at <= ?2 AND (at > ?3 OR seq > ?4) "
                 "ORDER BY at, seq LIMIT ?5");
  const auto ms = [](Instant at) { return at.time_since_epoch().count(); };
  const std::int64_t from = query.after ? std::max(ms(*query.after) + 1, ms(query.from)) : ms(query.from);
  find.bind(1, std::max(from, search.at_ms)).bind(2, ms(query.to)).bind(3, search.at_ms).bind(4, search.sequence);
  find.bind(5, kLookedAtMax);
  std::int64_t looked_at = 0;
  bool is_full = false;
  for (Rows rows(find); !is_full && rows.next(); ++looked_at) {
    search.sequence = find.integer(0);
    search.at_ms = find.integer(2);
    const auto& series = series_.series(find.integer(1));
    if (series->device != query.station) continue;
    const RecordColumns columns{
        .kind = RowKind::report, .at_ms = search.at_ms, .value = 0, .quality = find.integer(3), .body = find.blob(4)};
    model::StoredRow row{static_cast<std::uint64_t>(search.sequence), series, codec_.decode_row(columns)};
    const auto& report = row.body.get<model::Report>();
    if (report.kind != query.kind) continue;
    if (!search.found.empty() && search.found.back().body.get<model::Report>().begin == report.begin) {
      search.found.back() = std::move(row);  // told again with other values
    } else if (search.found.size() == query.limit) {
      is_full = true;
    } else {
      search.found.push_back(std::move(row));
    }
  }
  search.is_done = is_full || looked_at < kLookedAtMax;
  return search;
}

std::vector<ports::SinkAccount> Journal::audit(std::uint64_t count_max) {
  save_progress(Closing::no);  // nothing may be measured for long, and others look from outside
  status_.set_aside = set_aside(file_.parent_path());
  return cursors_.audit(last_sequence_, static_cast<std::int64_t>(std::min<std::uint64_t>(count_max, INT64_MAX)));
}

void Journal::seal(Instant at) {
  ledger_.seal(at);
  describe_ledger();
}

void Journal::describe_ledger() {
  status_.entries = ledger_.head().number;
  status_.sealed = ledger_.sealed();
  status_.seal_trouble = ledger_.trouble();
}

CursorTable::Cursor& Journal::cursor_of(const std::string& sink) {
  CursorTable::Cursor& cursor = cursors_.of(sink, last_sequence_);
  status_.cursors = cursors_.describe();
  return cursor;
}

std::uint64_t Journal::bytes_on_disk() const {
  std::uint64_t bytes = 0;
  for (const char* suffix : {"", "-wal"}) {
    std::error_code error;
    const auto size = std::filesystem::file_size(file_.string() + suffix, error);
    if (!error) bytes += size;
  }
  return bytes;
}

}  // namespace carbongate::store

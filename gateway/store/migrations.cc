#include "gateway/store/migrations.h"

#include <sqlite3.h>

#include <string>

#include "gateway/store/known_damage.h"
#include "gateway/store/store_lock.h"

namespace carbongate::store {
namespace {

// Migrations[n] leads from version n to n + 1. Released ones are never changed.
constexpr const char* kMigrations[] = {
    // 1: the first schema.
    R"sql(
-- What has a state: a point, or an account (user, carrier and metering point). Names, so that it outlives any one
-- configuration. A point whose unit or carrier changes is another one: its old state would be misread.
CREATE TABLE subject(
  id INTEGER PRIMARY KEY,
  kind INTEGER NOT NULL,   -- 0 point, 1 account
  device TEXT NOT NULL,
  point TEXT NOT NULL,
  unit TEXT NOT NULL,      -- '' for accounts
  user TEXT NOT NULL,      -- '' for points
  carrier TEXT NOT NULL,
  flow INTEGER NOT NULL,   -- model::Flow; 0 for points
  UNIQUE(kind, device, point, unit, user, carrier, flow));

-- How rows are described: a subject, as the configuration described it when they were written.
CREATE TABLE series(
  id INTEGER PRIMARY KEY,
  subject INTEGER NOT NULL REFERENCES subject(id),
  site TEXT NOT NULL,
  unit TEXT NOT NULL,
  user_name TEXT NOT NULL,
  region TEXT NOT NULL,
  scope INTEGER NOT NULL,  -- model::Scope
  UNIQUE(subject, site, unit, user_name, region, scope));

-- The log. Readings, nearly all of it, have no body and no index: appending is all that is done to them, and sinks and
-- retention walk along `seq`. Numbers of `kind` and `quality`: record.h.
CREATE TABLE journal(
  seq INTEGER PRIMARY KEY,
  kind INTEGER NOT NULL,
  series INTEGER NOT NULL REFERENCES series(id),
  at INTEGER NOT NULL,     -- ms since 1970 UTC: when read, or where the row begins
  value REAL,              -- of a reading; NULL: not a number
  quality INTEGER NOT NULL,
  body BLOB);              -- record.proto; NULL for readings, but for the bits of what is no number

-- The books are asked for by time; readings and running totals are not in it.
CREATE INDEX journal_books ON journal(kind, at) WHERE kind > 1;

-- The hash chain over the entries (gateway/ledger/chain.h), appended in the transaction that appends the entry.
CREATE TABLE ledger(
  number INTEGER PRIMARY KEY,  -- from 1 without gaps
  seq INTEGER NOT NULL REFERENCES journal(seq),
  hash BLOB NOT NULL);

-- What was signed (gateway/ledger/seal.h).
CREATE TABLE seal(
  number INTEGER PRIMARY KEY,  -- from 1 without gaps
  line TEXT NOT NULL,
  signature BLOB NOT NULL);

CREATE TABLE checkpoint(
  subject INTEGER PRIMARY KEY REFERENCES subject(id),
  state BLOB NOT NULL);    -- record.proto: PointState or AccountState

CREATE TABLE cursor(
  sink TEXT PRIMARY KEY,
  settled INTEGER NOT NULL,
  rejected INTEGER NOT NULL) WITHOUT ROWID;

-- What a sink refused for good, in its own words. `at` is the row's.
CREATE TABLE dead_letter(
  sink TEXT NOT NULL,
  seq INTEGER NOT NULL,
  at INTEGER NOT NULL,
  reason TEXT NOT NULL,
  PRIMARY KEY(sink, seq)) WITHOUT ROWID;

CREATE TABLE meta(
  name TEXT PRIMARY KEY,
  value INTEGER NOT NULL) WITHOUT ROWID;
)sql",
    // 2: where in the journal a time begins, for who reads readings again.
    R"sql(
-- Up to `seq` every usable reading was taken at or before `newest` (ms since 1970 UTC). One row for each quarter hour of
-- the data's time; readings themselves have no index.
CREATE TABLE reading_mark(
  seq INTEGER PRIMARY KEY,
  newest INTEGER NOT NULL);
)sql",
    // 3: which stretches of the journal hold nothing of a time.
    R"sql(
-- Of the readings, whose stamp is believed, from here to the next mark, the oldest (ms since 1970 UTC): late ones lie far from their time.
-- NULL: not known. 9223372036854775807: there are none.
ALTER TABLE reading_mark ADD COLUMN oldest INTEGER;
)sql",
    // 4: dead letters are offered again.
    R"sql(
-- 1: to be offered again, before the journal's rows. A row leaves the list only when its sink has accepted it.
ALTER TABLE dead_letter ADD COLUMN retry INTEGER NOT NULL DEFAULT 0;
CREATE INDEX dead_letter_retry ON dead_letter(sink, seq) WHERE retry = 1;

-- Dead letters that made room for newer ones.
ALTER TABLE cursor ADD COLUMN dropped INTEGER NOT NULL DEFAULT 0;
)sql",
    // 5: what became of the rows on the way of each cursor.
    R"sql(
ALTER TABLE cursor ADD COLUMN begun INTEGER NOT NULL DEFAULT 0;     -- before the first row that is counted
ALTER TABLE cursor ADD COLUMN accepted INTEGER NOT NULL DEFAULT 0;
ALTER TABLE cursor ADD COLUMN skipped INTEGER NOT NULL DEFAULT 0;   -- left out by the sink's configuration
ALTER TABLE cursor ADD COLUMN refused INTEGER NOT NULL DEFAULT 0;   -- when first offered
ALTER TABLE cursor ADD COLUMN missed INTEGER NOT NULL DEFAULT 0;    -- dropped by retention before the sink had them
ALTER TABLE cursor ADD COLUMN lost INTEGER NOT NULL DEFAULT 0;      -- with damaged pages
UPDATE cursor SET begun = settled, missed = (SELECT ifnull(max(seq), 0) FROM journal) - settled
  - (SELECT count(*) FROM journal WHERE seq > cursor.settled);
)sql",
    // 6: the newest rows first, after an outage.
    R"sql(
-- Stretches of the journal that a sink has beyond its cursor, while its backlog is still being sent.
CREATE TABLE settled_ahead(
  sink TEXT NOT NULL,
  begun INTEGER NOT NULL,    -- before the first row of the stretch
  settled INTEGER NOT NULL,  -- its last row
  PRIMARY KEY(sink, begun)) WITHOUT ROWID;
)sql",
    // 7: rows say what contains them.
    R"sql(
-- `part_of`: the user in whose consumption an account's is contained; '' for points, for what is in none, and before.
CREATE TABLE series_7(
  id INTEGER PRIMARY KEY,
  subject INTEGER NOT NULL REFERENCES subject(id),
  site TEXT NOT NULL,
  unit TEXT NOT NULL,
  user_name TEXT NOT NULL,
  region TEXT NOT NULL,
  scope INTEGER NOT NULL,
  part_of TEXT NOT NULL DEFAULT '',
  UNIQUE(subject, site, unit, user_name, region, scope, part_of));
INSERT INTO series_7(id, subject, site, unit, user_name, region, scope)
  SELECT id, subject, site, unit, user_name, region, scope FROM series;
DROP TABLE series;
ALTER TABLE series_7 RENAME TO series;
)sql",
    // 8: readings in blocks.
    R"sql(
-- All readings of a stretch of the journal, in place of their rows (reading_block.h). Stretches do not overlap.
CREATE TABLE reading_block(
  first_seq INTEGER PRIMARY KEY,
  last_seq INTEGER NOT NULL,
  readings INTEGER NOT NULL,
  oldest INTEGER NOT NULL,   -- ms since 1970 UTC, of all of them
  newest INTEGER NOT NULL,
  decides INTEGER,           -- the newest time that says whether the block is old; NULL: none does
  directory BLOB NOT NULL,   -- read without what lies behind it
  body BLOB NOT NULL);
)sql",
    // 9: states as they change.
    R"sql(
-- What each commit changed of the states since they were last written to `checkpoint` (state_log.h).
CREATE TABLE state_log(
  number INTEGER PRIMARY KEY,  -- from 1 without gaps
  before INTEGER NOT NULL,     -- the commit's rows have sequences behind this one,
  last INTEGER NOT NULL,       -- up to this one
  body BLOB NOT NULL);
)sql",
    // 10: alerts.
    R"sql(
-- A watch is a subject too: kind 2, with the id of its `rule`; device, point, user and carrier are those it is about,
-- '' where it is about none. Its state in `checkpoint` is record.proto's AlertState. Rows of kind 5 are changes of alerts.
CREATE TABLE subject_10(
  id INTEGER PRIMARY KEY,
  kind INTEGER NOT NULL,   -- 0 point, 1 account, 2 watch
  device TEXT NOT NULL,
  point TEXT NOT NULL,
  unit TEXT NOT NULL,      -- of points
  user TEXT NOT NULL,
  carrier TEXT NOT NULL,
  flow INTEGER NOT NULL,   -- model::Flow; 0 but for accounts
  rule TEXT NOT NULL DEFAULT '',
  UNIQUE(kind, device, point, unit, user, carrier, flow, rule));
INSERT INTO subject_10(id, kind, device, point, unit, user, carrier, flow)
  SELECT id, kind, device, point, unit, user, carrier, flow FROM subject;
DROP TABLE subject;
ALTER TABLE subject_10 RENAME TO subject;
)sql",
    // 11: stations, and what sinks keep.
    R"sql(
-- A station is a subject too: kind 3, with its id as `device`. Its state in `checkpoint` is record.proto's StationState.
-- Rows of kind 6 are its minutes, hours and days, those of kind 7 its instants.

-- What a sink remembers beside its cursor, such as what a platform has set.
CREATE TABLE kept(
  sink TEXT NOT NULL,
  name TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY(sink, name)) WITHOUT ROWID;
)sql",
    // 12: the record of deliveries.
    R"sql(
-- What was sent of alerts and reports, by the last attempt. Times are ms since 1970 UTC.
CREATE TABLE delivery(
  sink TEXT NOT NULL,
  seq INTEGER NOT NULL,         -- of the row
  id TEXT NOT NULL,             -- by which the far end knows a repeat
  first_sent INTEGER NOT NULL,
  sent INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  answered INTEGER,             -- NULL: there was no answer
  outcome INTEGER NOT NULL,     -- ports::Attempt::Outcome
  answer TEXT NOT NULL,
  PRIMARY KEY(sink, seq)) WITHOUT ROWID;
)sql",
    // 13: the books of some series among those of many.
    R"sql(
-- Rows of others are passed over in the index: two bytes a row, and no page more than before, for what begins together is
-- written together. An index that begins with the series would be read quicker still, and have a page written for each row.
DROP INDEX IF EXISTS journal_books;
CREATE INDEX journal_books ON journal(kind, at, series) WHERE kind > 1;
)sql",
    // 14: alerts in the order of the journal.
    R"sql(
-- So those behind a row are found without a look at those before it.
CREATE INDEX IF NOT EXISTS journal_alerts ON journal(kind) WHERE kind = 5;
)sql",
};
static_assert(std::size(kMigrations) == kSchemaVersion);

void require_ours(Database& database, std::int64_t version) {
  if (database.integer("PRAGMA application_id") != kApplicationId) {
    throw Refused("carbongate.db was made by another program; give the gateway a directory of its own",
                  Refused::Meaning::not_supported);
  }
  if (version > kSchemaVersion) {
    throw Refused("carbongate.db has schema version " + std::to_string(version) + ", this program knows up to " +
                      std::to_string(kSchemaVersion) +
                      "; it was written by a newer carbongate: run that one, or give this "
                      "one another directory",
                  Refused::Meaning::not_supported);
  }
}

}  // namespace

int migrate(Database& database) {
  const bool empty = database.integer("SELECT count(*) FROM sqlite_master") == 0;
  std::int64_t version = database.integer("PRAGMA user_version");
  if (empty && version == 0) {
    // Both only possible before there is anything in the file. A commit writes every page that it touches whole, most
    // of them for a few bytes.
    database.execute("PRAGMA page_size = 512; PRAGMA auto_vacuum = INCREMENTAL");
  } else {
    require_ours(database, version);
  }
  database.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");  // a commit is on disk when it completes
  if (version == kSchemaVersion) return kSchemaVersion;
  const int found = empty ? kSchemaVersion : static_cast<int>(version);
  Transaction transaction(database);
  for (; version < kSchemaVersion; ++version) database.execute(kMigrations[version]);
  database.execute("PRAGMA application_id = " + std::to_string(kApplicationId));
  database.execute("PRAGMA user_version = " + std::to_string(kSchemaVersion));
  transaction.commit();
  return found;
}

void require_readable(Database& database) {
  const std::int64_t version = database.integer("PRAGMA user_version");
  if (version == 0 && database.integer("SELECT count(*) FROM sqlite_master") == 0) {
    throw Refused("carbongate.db is empty; the gateway has not run on it yet", Refused::Meaning::not_supported);
  }
  require_ours(database, version);
  if (version < kSchemaVersion) {
    throw Refused("carbongate.db has schema version " + std::to_string(version) + ", this program reads version " +
                      std::to_string(kSchemaVersion) + "; start the gateway once, it brings the store up to date",
                  Refused::Meaning::not_supported);
  }
}

std::unique_ptr<Database> open_for_reading(const std::filesystem::path& file) {
  if (const auto directory = file.parent_path(); !Database::is_open(file) && !is_locked(directory)) {
    // A gateway that started meanwhile, and repaired it, is not to be told.
    if (const auto damage = known_damage(directory); damage && !is_locked(directory)) {
      mark_damaged(directory, *damage);
      throw SqliteError(SQLITE_CORRUPT, *damage);
    }
  }
  return open_as_it_is(file);
}

// A reader that may not write beside the database cannot take part in its locking; when the gateway has stopped there
// is nobody to lock against.
std::unique_ptr<Database> open_as_it_is(const std::filesystem::path& file) {
  try {
    auto database = std::make_unique<Database>(file, Database::Mode::read_only);
    require_readable(*database);
    return database;
  } catch (const SqliteError& error) {
    std::error_code ignored;
    const bool stopped =
        std::filesystem::exists(file, ignored) && !std::filesystem::exists(file.string() + "-wal", ignored);
    if (!stopped || (error.code() != SQLITE_CANTOPEN && error.code() != SQLITE_READONLY)) throw;
  }
  auto database = std::make_unique<Database>(file, Database::Mode::immutable);
  require_readable(*database);
  return database;
}

}  // namespace carbongate::store

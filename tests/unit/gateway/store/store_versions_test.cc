#include <gtest/gtest.h>

#include "gateway/store/database.h"
#include "gateway/store/migrations.h"
#include "sqlite_store_fixture.h"

namespace carbongate::store {
namespace {

using namespace store_test;

class StoreVersions : public SqliteStoreTest {};

TEST_F(StoreVersions, RefusesAStoreOfANewerVersionAndLeavesItAsItIs) {
  open();
  store_.reset();
  Database(file(), Database::Mode::read_write).execute("PRAGMA user_version = 99");
  const std::string text = why_not();
  EXPECT_NE(text.find("schema version 99, this program knows up to " + std::to_string(kSchemaVersion)),
            std::string::npos)
      << text;
  EXPECT_EQ(Database(file(), Database::Mode::read_write).integer("PRAGMA user_version"), 99);
}

TEST_F(StoreVersions, BringsAStoreFromBeforeTheLanesUpToDate) {
  open();
  ASSERT_TRUE(commit_readings(kStart, 10).has_value());
  run(store_->settle("vm", {4, {}})).value();
  store_.reset();
  Database(file(), Database::Mode::read_write)
      .execute(
          "DROP TABLE settled_ahead; DROP TABLE delivery; DROP TABLE kept; DROP TABLE reading_block; DROP TABLE "
          "state_log; PRAGMA "
          "user_version = 5");
  open();
  EXPECT_EQ(peek("vm").size(), 6u);
  run(store_->open_live("vm", 2)).value();
  EXPECT_EQ(run(store_->peek_live("vm", 10)).value().size(), 2u);
  EXPECT_EQ(peek("vm").size(), 4u);
}

TEST_F(StoreVersions, BringsAStoreOfVersion9UpToDateAndTakesAlerts) {
  open();
  ASSERT_FALSE(commit_readings(kStart, 3).has_error());
  run(store_->commit({.rows = {entry(kStart, 5, 7)},
                      .points = {{kPress, full_point_state()}},
                      .accounts = {{kPressShop, full_account_state()}}}))
      .value();
  store_.reset();
  Database(file(), Database::Mode::read_write).execute(R"sql(
CREATE TABLE old(
  id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, device TEXT NOT NULL, point TEXT NOT NULL, unit TEXT NOT NULL,
  user TEXT NOT NULL, carrier TEXT NOT NULL, flow INTEGER NOT NULL,
  UNIQUE(kind, device, point, unit, user, carrier, flow));
INSERT INTO old SELECT id, kind, device, point, unit, user, carrier, flow FROM subject;
DROP TABLE subject;
DROP TABLE delivery;
DROP TABLE kept;
ALTER TABLE old RENAME TO subject;
PRAGMA user_version = 9)sql");
  // Two rules over one point are two subjects.
  site_.watches = {watch_of(0, "overload", "press", "energy"), watch_of(1, "silent", "press", "energy")};
  open();
  EXPECT_EQ(Database(file(), Database::Mode::read_only).integer("PRAGMA user_version"), kSchemaVersion);
  EXPECT_EQ(store_->checkpoint().points[1], full_point_state());
  EXPECT_EQ(store_->checkpoint().accounts[0], full_account_state());
  run(store_->commit({.rows = {{model::WatchId{0}, full_alert()}, {model::WatchId{1}, full_alert()}},
                      .points = {},
                      .accounts = {},
                      .alerts = {{model::WatchId{0}, full_alert_state()}}}))
      .value();
  open();
  const auto rows = peek("db");
  ASSERT_EQ(rows.size(), 6u);
  EXPECT_EQ(rows[3].series->user, "press-shop");
  EXPECT_EQ(rows[4].series->rule, "overload");
  EXPECT_EQ(rows[5].series->rule, "silent");
  EXPECT_EQ(store_->checkpoint().alerts[0], full_alert_state());
  EXPECT_EQ(store_->checkpoint().alerts[1], model::AlertState{});
}

TEST_F(StoreVersions, BringsTheIndexOfAStoreOfVersion12UpToDate) {
  open();
  run(store_->commit({.rows = {entry(kStart, 5, 7), entry(kStart + 15min, 6, 8)}, .points = {}, .accounts = {}}))
      .value();
  store_.reset();
  Database(file(), Database::Mode::read_write)
      .execute(
          "DROP INDEX journal_books; CREATE INDEX journal_books ON journal(kind, at) WHERE kind > 1; "
          "PRAGMA user_version = 12");
  open();
  EXPECT_EQ(peek("db").size(), 2u);
  ASSERT_FALSE(commit_readings(kStart, 1).has_error());
  store_.reset();
  Database database(file(), Database::Mode::read_only);
  EXPECT_EQ(database.integer("PRAGMA user_version"), kSchemaVersion);
  EXPECT_EQ(database.text("PRAGMA integrity_check"), "ok");
  Statement plan(database,
                 "EXPLAIN QUERY PLAN SELECT seq, series, at FROM journal WHERE kind > 1 AND kind = 3 AND at > 0");
  Rows rows(plan);
  ASSERT_TRUE(rows.next());
  EXPECT_NE(plan.text(3).find("COVERING INDEX journal_books"), std::string_view::npos) << plan.text(3);
}

TEST_F(StoreVersions, GivesTheAlertsOfAStoreOfVersion13AnIndex) {
  site_.watches = {watch_of(0, "overload", "press", "energy")};
  open();
  ASSERT_FALSE(commit_readings(kStart, 2).has_error());
  for (int n = 0; n < 3; ++n) {
    model::Alert alert = full_alert();
    alert.at = kStart + n * 1min;
    run(store_->commit({.rows = {{model::WatchId{0}, alert}}, .points = {}, .accounts = {}})).value();
  }
  store_.reset();
  Database(file(), Database::Mode::read_write).execute("DROP INDEX journal_alerts; PRAGMA user_version = 13");
  open();
  const auto found = run(store_->alerts_behind(3, 10)).value();
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].sequence, 4u);
  EXPECT_EQ(found[1].body.get<model::Alert>().at, kStart + 2min);
  store_.reset();
  Database database(file(), Database::Mode::read_only);
  EXPECT_EQ(database.integer("PRAGMA user_version"), kSchemaVersion);
  EXPECT_EQ(database.text("PRAGMA integrity_check"), "ok");
  Statement plan(database,
                 "EXPLAIN QUERY PLAN SELECT seq, series, at, quality, body FROM journal INDEXED BY journal_alerts "
                 "WHERE kind = 5 AND seq > 3 ORDER BY seq LIMIT 10");
  Rows rows(plan);
  ASSERT_TRUE(rows.next());
  EXPECT_EQ(plan.text(3), "SEARCH journal USING INDEX journal_alerts (kind=? AND rowid>?)");
  EXPECT_FALSE(rows.next()) << "nothing is sorted";
}

TEST_F(StoreVersions, BringsAStoreOfVersion5UpToDateWithItsRowsAndStates) {
  open();
  ASSERT_FALSE(commit_readings(kStart, 3).has_error());
  run(store_->commit({.rows = {entry(kStart, 5, 7)}, .points = {}, .accounts = {{kPressShop, {}}}})).value();
  store_.reset();
  Database(file(), Database::Mode::read_write).execute(R"sql(
CREATE TABLE old(
  id INTEGER PRIMARY KEY,
  subject INTEGER NOT NULL REFERENCES subject(id),
  site TEXT NOT NULL, unit TEXT NOT NULL, user_name TEXT NOT NULL, region TEXT NOT NULL, scope INTEGER NOT NULL,
  UNIQUE(subject, site, unit, user_name, region, scope));
INSERT INTO old SELECT id, subject, site, unit, user_name, region, scope FROM series;
DROP TABLE series;
DROP TABLE settled_ahead;
DROP TABLE delivery;
DROP TABLE kept;
DROP TABLE reading_block;
DROP TABLE state_log;
ALTER TABLE old RENAME TO series;
PRAGMA user_version = 5)sql");
  open();
  EXPECT_EQ(Database(file(), Database::Mode::read_only).integer("PRAGMA user_version"), kSchemaVersion);
  const auto rows = peek("db");
  ASSERT_EQ(rows.size(), 4u);
  EXPECT_EQ(rows[3].series->user, "press-shop");
  EXPECT_EQ(rows[3].series->part_of, "");
  ASSERT_FALSE(commit_readings(kStart + 1min, 1).has_error());
  EXPECT_EQ(peek("db")[4].series, peek("db")[0].series) << "described as before";
  EXPECT_TRUE(store_->status().repaired.empty()) << store_->status().repaired;
}

}  // namespace
}  // namespace carbongate::store

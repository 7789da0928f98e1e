#include "gateway/store/sqlite_store.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/detached.hpp>
#include <cerrno>
#include <fstream>
#include <thread>

#include "gateway/store/database.h"
#include "gateway/store/migrations.h"
#include "store_fixtures.h"
#include "tests/support/temporary_directory.h"

namespace carbongate::store {
namespace {

namespace asio = boost::asio;
using namespace store_test;

class SqliteStoreTest : public ::testing::Test {
 protected:
  void open() {
    store_.reset();
    store_ = SqliteStore::open(config_, site_).value();
  }
  std::string why_not() {
    auto store = SqliteStore::open(config_, site_);
    return store.has_error() ? store.error().text : "it opened";
  }

  // One commit of `count` readings of the incomer, `step` apart, the first at `begin`.
  model::Result<void> commit_readings(Instant begin, int count, Duration step = 1s, model::Quality quality = {}) {
    model::Effects effects;
    for (int i = 0; i < count; ++i) effects.rows.push_back(reading(kIncomer, begin + i * step, i, quality));
    return run(store_->commit(std::move(effects)));
  }
  std::vector<model::StoredRow> peek(const std::string& sink, std::size_t limit = 1'000'000) {
    return run(store_->peek(sink, limit)).value();
  }
  void settle_all(const std::string& sink) { run(store_->settle(sink, {store_->status().last_sequence, {}})).value(); }

  std::filesystem::path file() const { return config_.path / kDatabaseFile; }

  TemporaryDirectory directory_;
  StoreConfig config_{.path = directory_.path() / "var" / "store", .block_at_once = 1 << 20};  // as rows
  model::Site site_ = small_site();
  std::unique_ptr<SqliteStore> store_;
};

TEST_F(SqliteStoreTest, MakesItsDirectoryForItselfAlone) {
  open();
  struct stat info{};
  ASSERT_EQ(::stat(config_.path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0750u);
  ASSERT_EQ(::stat(file().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0007, 0u) << "not for everyone's eyes";
}

TEST_F(SqliteStoreTest, RefusesASecondWriterAndSaysWhoTheFirstIs) {
  open();
  const std::string text = why_not();
  EXPECT_NE(text.find("in use by process " + std::to_string(::getpid())), std::string::npos) << text;
  store_.reset();
  EXPECT_EQ(why_not(), "it opened");
}

TEST_F(SqliteStoreTest, AWideRequestForReportsLetsOthersIn) {
  site_.stations = {{.id = model::StationId{0}, .name = "stack", .factors = {}}};
  open();
  model::Effects effects;
  for (int minute = 0; minute < 5'000; ++minute) {
    const Instant begin = kStart + std::chrono::minutes(minute);
    effects.rows.push_back({model::StationId{0}, full_report(model::ReportKind::minute, begin, 1min)});
    effects.rows.push_back({model::StationId{0}, full_report(model::ReportKind::real_time, begin, {})});
  }
  effects.rows.push_back({model::StationId{0}, full_report(model::ReportKind::day, kStart + 5'000min, 24h)});
  run(store_->commit(std::move(effects))).value();
  asio::io_context loop(1);
  std::vector<std::string> order;
  std::vector<model::StoredRow> found;
  const auto ask = [&]() -> asio::awaitable<void> {
    found =
        (co_await store_->reports(
             {.station = "stack", .kind = model::ReportKind::day, .from = kStart - 24h, .to = kStart + 24h * 365 * 70}))
            .value();
    order.emplace_back("found");
  };
  const auto commit = [&]() -> asio::awaitable<void> {
    (co_await store_->commit({.rows = {reading(kIncomer, kStart, 1)}, .points = {}, .accounts = {}})).value();
    order.emplace_back("committed");
  };
  asio::co_spawn(loop, ask(), asio::detached);
  asio::co_spawn(loop, commit(), asio::detached);
  loop.run();
  EXPECT_EQ(order, (std::vector<std::string>{"committed", "found"}));
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].body.get<model::Report>().begin, kStart + 5'000min);
}

TEST_F(SqliteStoreTest, OfReportsOfOneInstantTheNewestIsFoundWhereverTheSearchPauses) {
  site_.stations = {{.id = model::StationId{0}, .name = "stack", .factors = {}},
                    {.id = model::StationId{1}, .name = "drain", .factors = {}}};
  open();
  model::Effects effects;
  for (int i = 0; i < 10'000; ++i) {  // of both stations, in turn; of two instants
    const Instant begin = kStart + std::chrono::hours(i / 5'000);
    effects.rows.push_back({model::StationId{std::uint32_t(i % 2)}, full_report(model::ReportKind::hour, begin, 1h)});
  }
  run(store_->commit(std::move(effects))).value();
  const auto found =
      run(store_->reports({.station = "stack", .from = kStart, .to = kStart + 1h, .limit = 10'000})).value();
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].sequence, 4'999u);
  EXPECT_EQ(found[1].sequence, 9'999u);
}

TEST_F(SqliteStoreTest, RefusesADirectoryThatIsAFile) {
  std::ofstream(directory_.path() / "var") << "x";
  EXPECT_NE(why_not().find(config_.path.string()), std::string::npos) << why_not();
}

TEST_F(SqliteStoreTest, RefusesAStoreOfANewerVersionAndLeavesItAsItIs) {
  open();
  store_.reset();
  Database(file(), Database::Mode::read_write).execute("PRAGMA user_version = 99");
  const std::string text = why_not();
  EXPECT_NE(text.find("schema version 99, this program knows up to " + std::to_string(kSchemaVersion)),
            std::string::npos)
      << text;
  EXPECT_EQ(Database(file(), Database::Mode::read_write).integer("PRAGMA user_version"), 99);
}

TEST_F(SqliteStoreTest, BringsAStoreFromBeforeTheLanesUpToDate) {
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

TEST_F(SqliteStoreTest, BringsAStoreOfVersion9UpToDateAndTakesAlerts) {
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

TEST_F(SqliteStoreTest, BringsTheIndexOfAStoreOfVersion12UpToDate) {
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

TEST_F(SqliteStoreTest, GivesTheAlertsOfAStoreOfVersion13AnIndex) {
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

TEST_F(SqliteStoreTest, SaysOfRowsInWhoseConsumptionTheirAccountsIsContained) {
  const auto commit = [&](int quarter) {
    run(store_->commit({.rows = {entry(kStart + quarter * 15min, 1, 1)}, .points = {}, .accounts = {}})).value();
  };
  open();
  commit(0);
  model::Account whole = site_.accounts.front();
  whole.id = model::AccountId{1};
  whole.user = "park";
  whole.source = kIncomer;
  site_.accounts.push_back(whole);
  site_.containments.push_back({.user = "press-shop", .carrier = "electricity", .own_supply = false, .of = "park"});
  open();
  commit(1);
  const auto rows = peek("db");
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].series->part_of, "") << "as it was when the row was written";
  EXPECT_EQ(rows[1].series->part_of, "park");
  open();
  EXPECT_EQ(peek("db")[1].series->part_of, "park");
}

TEST_F(SqliteStoreTest, BringsAStoreOfVersion5UpToDateWithItsRowsAndStates) {
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

TEST_F(SqliteStoreTest, RefusesTheDatabaseOfAnotherProgram) {
  std::filesystem::create_directories(config_.path);
  Database(file(), Database::Mode::read_write).execute("CREATE TABLE theirs(x)");
  EXPECT_NE(why_not().find("made by another program"), std::string::npos) << why_not();
}

TEST_F(SqliteStoreTest, SetsAFileAsideThatIsNoDatabase) {
  std::filesystem::create_directories(config_.path);
  std::ofstream(file()) << std::string(10'000, 'x');
  open();
  EXPECT_NE(store_->status().repaired.find("is not a database"), std::string::npos) << store_->status().repaired;
  EXPECT_EQ(std::filesystem::file_size(config_.path / "damaged-1" / kDatabaseFile), 10'000u);
}

TEST_F(SqliteStoreTest, GoesOnWithWhatIsLeftOfADamagedDatabase) {
  open();
  ASSERT_TRUE(commit_readings(kStart, 10'000).has_value());
  store_.reset();
  std::fstream damaged(file(), std::ios::in | std::ios::out | std::ios::binary);
  damaged.seekp(4096);
  damaged << std::string(200'000, '\xff');
  damaged.close();
  open();
  EXPECT_NE(store_->status().repaired.find("the database is damaged"), std::string::npos) << store_->status().repaired;
}

TEST_F(SqliteStoreTest, BeginsAnewWithAStateThatCannotBeRead) {
  open();
  run(store_->commit({{}, {{kPress, full_point_state()}, {kIncomer, full_point_state()}}, {}})).value();
  store_.reset();
  Database(file(), Database::Mode::read_write)
      .execute("UPDATE checkpoint SET state = x'ffff' WHERE subject = (SELECT id FROM subject WHERE device = 'press')");
  open();
  EXPECT_NE(store_->status().repaired.find("checkpoint: 1 rows kept, 1 left out"), std::string::npos)
      << store_->status().repaired;
  EXPECT_EQ(store_->checkpoint().points[1], model::PointState());
  EXPECT_EQ(store_->checkpoint().points[0], full_point_state());
}

TEST_F(SqliteStoreTest, FinishesACommitWhoseCallerIsCancelled) {
  open();
  asio::io_context loop(1);
  asio::cancellation_signal cancel;
  bool committed = false;
  auto task = [&]() -> asio::awaitable<void> {
    model::Effects effects;
    effects.rows.push_back(reading(kIncomer, kStart, 1));
    committed = (co_await store_->commit(std::move(effects))).has_value();
  };
  asio::co_spawn(loop, task, asio::bind_cancellation_slot(cancel.slot(), [](std::exception_ptr) {}));
  loop.poll();  // the commit has been handed over
  cancel.emit(asio::cancellation_type::terminal);
  loop.run();
  EXPECT_TRUE(committed);
  EXPECT_EQ(peek("vm").size(), 1u);
}

TEST_F(SqliteStoreTest, FinishesWhatWasAskedForBeforeItCloses) {
  open();
  asio::io_context loop(1);
  int done = 0;
  for (int i = 0; i < 20; ++i) {
    model::Effects effects;
    effects.rows.push_back(reading(kIncomer, kStart, i));
    asio::co_spawn(loop, store_->commit(std::move(effects)), [&](std::exception_ptr, model::Result<void>) { ++done; });
  }
  loop.poll();
  store_.reset();
  loop.run();
  EXPECT_EQ(done, 20);
  open();
  const auto read = values(peek("vm"));
  ASSERT_EQ(read.size(), 20u);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(read[static_cast<std::size_t>(i)], i) << "in the order of the calls";
}

// A disk with room for so many more writes of SQLite's, while this lives.
class NearlyFullDisk {
 public:
  explicit NearlyFullDisk(int writes) {
    writes_left = writes;
    set(reinterpret_cast<sqlite3_syscall_ptr>(&write), reinterpret_cast<sqlite3_syscall_ptr>(&write_at));
  }
  ~NearlyFullDisk() { set(nullptr, nullptr); }  // the system's own again

 private:
  static void set(sqlite3_syscall_ptr sequential, sqlite3_syscall_ptr positioned) {
    sqlite3_vfs* files = sqlite3_vfs_find(nullptr);
    files->xSetSystemCall(files, "write", sequential);
    for (const char* name : {"pwrite", "pwrite64"}) files->xSetSystemCall(files, name, positioned);
  }
  static bool has_room() {
    if (writes_left-- > 0) return true;
    errno = ENOSPC;
    return false;
  }
  static ssize_t write(int file, const void* bytes, std::size_t count) {
    return has_room() ? ::write(file, bytes, count) : -1;
  }
  static ssize_t write_at(int file, const void* bytes, std::size_t count, off_t offset) {
    return has_room() ? ::pwrite(file, bytes, count, offset) : -1;
  }

  static inline int writes_left = 0;
};

TEST_F(SqliteStoreTest, SaysThatTheDiskIsFullWhereverThatStopsTheStart) {
  int writes = 0;
  for (;; ++writes) {
    const TemporaryDirectory directory;
    config_.path = directory.path() / "store";
    const NearlyFullDisk disk(writes);
    const auto store = SqliteStore::open(config_, site_);
    if (store.has_value()) break;
    ASSERT_EQ(store.error().code, boost::system::errc::no_space_on_device) << writes << ": " << store.error().text;
    ASSERT_NE(store.error().text.find("the disk is full"), std::string::npos) << store.error().text;
  }
  EXPECT_GT(writes, 5) << "the disk was never full";
}

TEST_F(SqliteStoreTest, SaysThatTheDiskIsFullAndGoesOnWhenItIsNot) {
  open();
  ASSERT_TRUE(commit_readings(kStart, 10).has_value());
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto old_handler = ::signal(SIGXFSZ, SIG_IGN);
  rlimit tight = before;
  tight.rlim_cur = 256 * 1024;  // of any file: the log beside the database meets it
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &tight), 0);
  int committed = 10;
  auto result = commit_readings(kStart, 100);
  for (; result.has_value() && committed < 1'000'000; result = commit_readings(kStart, 100)) committed += 100;
  ::setrlimit(RLIMIT_FSIZE, &before);
  ::signal(SIGXFSZ, old_handler);
  ASSERT_TRUE(result.has_error());
  EXPECT_NE(result.error().text.find(config_.path.string()), std::string::npos) << result.error().text;
  EXPECT_TRUE(result.error().code);
  EXPECT_EQ(peek("vm").size(), static_cast<std::size_t>(committed)) << "nothing is half written";

  ASSERT_TRUE(commit_readings(kStart, 100).has_value());
  EXPECT_EQ(peek("vm").size(), static_cast<std::size_t>(committed) + 100);
  EXPECT_EQ(store_->status().last_sequence, static_cast<std::uint64_t>(committed) + 100);
}

TEST_F(SqliteStoreTest, DropsOldReadingsThatEverySinkHas) {
  config_.keep_readings = 24h;
  open();
  peek("vm");
  peek("influx");
  for (int day = 0; day < 3; ++day) {
    ASSERT_TRUE(commit_readings(kStart + day * 24h, 24, 1h).has_value());
    run(store_->commit({{interval(kPress, kStart + day * 24h, 1), entry(kStart + day * 24h, 1, 1)}, {}, {}})).value();
  }
  EXPECT_EQ(peek("late").size(), 78u) << "no sink has seen anything yet";
  settle_all("vm");
  settle_all("late");
  ASSERT_TRUE(commit_readings(kStart + 72h, 1).has_value());
  EXPECT_EQ(peek("influx").size(), 79u) << "one still needs them";
  settle_all("influx");
  ASSERT_TRUE(commit_readings(kStart + 73h, 1).has_value());
  store_.reset();
  open();
  const auto kept = peek("new");
  std::size_t books = 0;
  for (const model::StoredRow& row : kept) {
    if (const auto* read = row.body.get_if<model::JudgedReading>())
      EXPECT_GE(read->at, kStart + 49h);
    else
      ++books;
  }
  EXPECT_EQ(books, 6u) << "intervals and entries stay for good";
  EXPECT_EQ(kept.size(), 6u + 23u + 2u);
  EXPECT_EQ(store_->status().rows_thinned, 0u);
}

TEST_F(SqliteStoreTest, KeepsReadingsForEverIfToldSo) {
  config_.keep_readings = Duration::max();
  open();
  ASSERT_TRUE(commit_readings(kStart - 24h * 365 * 70, 10).has_value());
  ASSERT_TRUE(commit_readings(kStart, 10).has_value());
  EXPECT_EQ(peek("vm").size(), 20u);
}

TEST_F(SqliteStoreTest, DoesNotLetARejectedTimeDecideWhatIsOld) {
  config_.keep_readings = 24h;
  open();
  const model::Quality rejected{model::Origin::missing, model::Rule::future};
  ASSERT_TRUE(commit_readings(kStart, 10).has_value());
  ASSERT_TRUE(commit_readings(kStart + 100'000h, 10, 1s, rejected).has_value());
  EXPECT_EQ(peek("vm").size(), 20u) << "a wrong clock must not make everything old";
  settle_all("vm");
  ASSERT_TRUE(commit_readings(kStart + 48h, 10).has_value());
  EXPECT_EQ(peek("vm").size(), 10u);
  settle_all("vm");
  ASSERT_TRUE(commit_readings(kStart + 49h, 1).has_value());
  EXPECT_EQ(peek("new").size(), 10u + 10u + 1u) << "what was rejected is kept as long as what came after it";
  settle_all("vm");
  settle_all("new");
  ASSERT_TRUE(commit_readings(kStart + 96h, 10).has_value());
  EXPECT_EQ(peek("newer").size(), 10u) << "nor must it keep its neighbours for ever";
}

TEST_F(SqliteStoreTest, KeepsARejectedReadingThatIsTheFirstOfAll) {
  open();
  ASSERT_TRUE(commit_readings(kStart + 8h, 2, 1s, {model::Origin::missing, model::Rule::future}).has_value());
  ASSERT_TRUE(commit_readings(kStart, 10).has_value());
  ASSERT_TRUE(commit_readings(kStart + 1h, 10).has_value());
  EXPECT_EQ(peek("vm").size(), 22u);
}

TEST_F(SqliteStoreTest, SinksThatNoLongerAskDoNotKeepReadings) {
  config_.keep_readings = 24h;
  open();
  ASSERT_TRUE(commit_readings(kStart, 10).has_value());
  run(store_->settle("gone", {1, {{1, "x"}}})).value();
  open();
  EXPECT_TRUE(store_->status().cursors.empty());
  ASSERT_TRUE(commit_readings(kStart + 48h, 10).has_value());
  EXPECT_EQ(peek("vm").size(), 10u);
}

TEST_F(SqliteStoreTest, DropsTheOldestReadingsWhenTheFileWouldOutgrowItsLimit) {
  config_.size_max = 1 << 20;
  open();
  peek("vm");
  std::uint64_t books = 0;
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(commit_readings(kStart + i * 1000s, 1'000).has_value());
    run(store_->commit({{interval(kPress, kStart + i * 1000s, 1)}, {}, {}})).value();
    ++books;
  }
  const ports::StoreStatus status = store_->status();
  EXPECT_GT(status.rows_thinned, 100'000u);
  store_.reset();
  EXPECT_LT(std::filesystem::file_size(file()), config_.size_max * 3 / 2);
  open();
  const auto kept = peek("new");
  EXPECT_EQ(kept.size(), status.rows_appended - status.rows_thinned);
  std::uint64_t books_kept = 0;
  for (const model::StoredRow& row : kept) books_kept += row.body.get_if<model::EnergyInterval>() != nullptr ? 1u : 0u;
  EXPECT_EQ(books_kept, books);
  EXPECT_EQ(values(kept).back(), 999) << "the newest are there";
}

TEST_F(SqliteStoreTest, DropsTheOldestReadingsWhenTheDiskIsFullBeforeItsLimitIsReached) {
  config_.size_max = 8 << 20;
  std::uint64_t disk = 2 << 20;  // all of it this file's
  config_.room = [&](const std::filesystem::path&) {
    const std::uint64_t used = std::filesystem::file_size(file());
    return Room{.capacity = disk, .available = disk - std::min(used, disk)};
  };
  open();
  peek("vm");
  for (int i = 0; i < 400; ++i) ASSERT_TRUE(commit_readings(kStart + i * 1000s, 1'000, 1s).has_value());
  ports::StoreStatus status = store_->status();
  EXPECT_GT(status.rows_thinned, 0u);
  EXPECT_EQ(status.readings_dropped_early, status.rows_thinned) << "half a year is not over";
  EXPECT_LT(status.held_to_bytes, disk);
  EXPECT_GT(status.held_to_bytes, disk / 2);
  disk = 64 << 20;  // there is room again
  const std::uint64_t dropped = status.rows_thinned;
  for (int i = 400; i < 410; ++i) ASSERT_TRUE(commit_readings(kStart + i * 1000s, 1'000, 1s).has_value());
  status = store_->status();
  EXPECT_EQ(status.rows_thinned, dropped);
  EXPECT_EQ(status.held_to_bytes, 0u);
  EXPECT_EQ(peek("new").size(), status.rows_appended - status.rows_thinned);
}

TEST_F(SqliteStoreTest, DropsNoReadingForADiskThatSomethingElseFills) {
  config_.size_max = 8 << 20;
  config_.room = [](const std::filesystem::path&) { return Room{.capacity = 1 << 30, .available = 4'096}; };
  open();
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(commit_readings(kStart + i * 1000s, 1'000, 1s).has_value());
  EXPECT_EQ(store_->status().rows_thinned, 0u);
  EXPECT_EQ(store_->status().held_to_bytes, config_.size_max / 8);
}

// A day of a clock that nobody believes is more than one step looks at.
TEST_F(SqliteStoreTest, SweepsBehindAnyNumberOfReadingsThatDecideNothing) {
  config_.keep_readings = 24h;
  open();
  const model::Quality unknown{model::Origin::missing, model::Rule::future};
  ASSERT_TRUE(commit_readings(kStart, 10).has_value());
  for (int i = 0; i < 9; ++i) ASSERT_TRUE(commit_readings(kStart + 100'000h + i * 1h, 40, 1s, unknown).has_value());
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(commit_readings(kStart + 200'000h + i * 1h, 4'000, 1s, unknown).has_value());
  for (int i = 0; i < 60; ++i) ASSERT_TRUE(commit_readings(kStart + 48h + i * 1h, 1).has_value());
  for (int i = 0; i < 60; ++i) ASSERT_TRUE(commit_readings(kStart + 120h + i * 1min, 1).has_value());
  EXPECT_EQ(peek("new").size(), 60u + 11u) << "what is a day old, and all that was rejected before it, is gone";
}

TEST_F(SqliteStoreTest, TheFileShrinksWhenItsLimitIsLowered) {
  open();
  for (int i = 0; i < 40; ++i) ASSERT_TRUE(commit_readings(kStart, 5'000).has_value());
  config_.size_max = 1 << 20;
  open();
  for (int i = 0; i < 60; ++i) ASSERT_TRUE(commit_readings(kStart, 1).has_value());
  store_.reset();
  EXPECT_LT(std::filesystem::file_size(file()), config_.size_max * 3 / 2);
}

TEST_F(SqliteStoreTest, KeepsTheLastRowSoThatNoSequenceComesTwice) {
  config_.size_max = 1;  // everything is too much
  open();
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(commit_readings(kStart, 100).has_value());
  open();
  ASSERT_TRUE(commit_readings(kStart, 1).has_value());
  EXPECT_EQ(store_->status().last_sequence, 501u);
}

TEST_F(SqliteStoreTest, KeepsWhatASinkRefusedWithItsReason) {
  open();
  ASSERT_TRUE(commit_readings(kStart, 3).has_value());
  run(store_->settle("vm", {3, {{2, "invalid field name"}}})).value();
  run(store_->settle("vm", {3, {{2, "again"}}})).value();
  store_.reset();
  Database database(file(), Database::Mode::read_only);
  EXPECT_EQ(database.integer("SELECT count(*) FROM dead_letter"), 1);
  EXPECT_EQ(database.text("SELECT sink || ' ' || seq || ' ' || reason FROM dead_letter"), "vm 2 invalid field name");
  EXPECT_EQ(database.integer("SELECT at FROM dead_letter"), (kStart + 1s).time_since_epoch().count());
}

TEST_F(SqliteStoreTest, ShowsItsStatusToAnyThread) {
  open();
  std::jthread reader([this](std::stop_token stop) {
    while (!stop.stop_requested()) ASSERT_LE(store_->status().commits, 50u);
  });
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(commit_readings(kStart, 1).has_value());
  EXPECT_EQ(store_->status().commits, 50u);
  EXPECT_GT(store_->status().bytes, 4096u);
}

}  // namespace
}  // namespace carbongate::store

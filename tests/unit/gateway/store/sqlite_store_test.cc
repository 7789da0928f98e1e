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
#include "sqlite_store_fixture.h"

namespace carbongate::store {
namespace {

namespace asio = boost::asio;
using namespace store_test;

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

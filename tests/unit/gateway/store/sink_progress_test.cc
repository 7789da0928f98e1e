#include "gateway/store/sink_progress.h"

#include <gtest/gtest.h>

#include "gateway/store/database.h"
#include "gateway/store/sqlite_store.h"
#include "gateway/store/store_config.h"
#include "store_fixtures.h"
#include "tests/support/temporary_directory.h"

namespace carbongate::store {
namespace {

using namespace store_test;

class Progress : public ::testing::Test {
 protected:
  Progress() {
    model::Effects effects;
    for (int i = 0; i < 10; ++i) effects.rows.push_back(reading(kIncomer, kStart + i * 1s, i));
    run(store_->commit(std::move(effects))).value();
    run(store_->peek("platform", 1)).value();  // it is there from now on
  }
  // A cursor that only moves forward is written with the next commit.
  void commit() {
    model::Effects effects;
    effects.rows.push_back(reading(kIncomer, kStart + 100s, 1));
    run(store_->commit(std::move(effects))).value();
  }
  SinkProgress progress(const std::string& sink = "platform") { return sink_progress(config_.path, sink).value(); }
  std::string delivered() {
    std::string text;
    const SinkProgress now = progress();
    for (std::uint64_t sequence = 1; sequence <= 10; ++sequence) text += now.is_delivered(sequence) ? 'x' : '.';
    return text;
  }

  TemporaryDirectory directory_;
  StoreConfig config_{.path = directory_.path() / "store"};
  model::Site site_ = small_site();
  std::unique_ptr<SqliteStore> store_ = SqliteStore::open(config_, site_).value();
};

TEST_F(Progress, TellsWhatWasDeliveredBehindAnOutageToo) {
  EXPECT_EQ(delivered(), "..........");
  run(store_->settle("platform", {.settled_through = 3, .rejected = {}})).value();
  run(store_->open_live("platform", 3)).value();
  run(store_->settle("platform", {.settled_through = 9, .rejected = {}, .lane = ports::Lane::live})).value();
  commit();
  EXPECT_EQ(delivered(), "xxx....xx.");
}

TEST_F(Progress, TellsThatWhatWasRefusedIsNotDelivered) {
  run(store_->settle("platform", {.settled_through = 5, .rejected = {{2, "unknown code"}, {4, "unknown code"}}}))
      .value();
  EXPECT_EQ(delivered(), "x.x.x.....");
  EXPECT_EQ(progress().rejected, 2);
  EXPECT_TRUE(progress("other").dead.empty());
}

TEST_F(Progress, HasWhatTheSinkKeeps) {
  run(store_->keep("platform", "deviceId", "4711")).value();
  EXPECT_EQ(progress().kept.at("deviceId"), "4711");
  EXPECT_TRUE(progress("other").kept.empty());
}

TEST_F(Progress, IsAsOfTheLastWriteWhateverThatWas) {
  run(store_->settle("platform", {.settled_through = 3, .rejected = {}})).value();
  EXPECT_EQ(delivered(), "..........") << "a cursor that only moves forward waits for a write";
  run(store_->keep("platform", "deviceId", "4711")).value();
  EXPECT_EQ(delivered(), "xxx.......");
  run(store_->settle("platform", {.settled_through = 5, .rejected = {}})).value();
  run(store_->record("platform", {{.sequence = 6, .id = "x", .sent = kStart}})).value();
  EXPECT_EQ(delivered(), "xxxxx.....");

  const auto ago = std::filesystem::file_time_type::clock::now() - std::chrono::hours(1);
  for (const auto& file : std::filesystem::directory_iterator(config_.path)) {
    std::filesystem::last_write_time(file.path(), ago);
  }
  const Instant before = written_at(config_.path).value();
  EXPECT_LE(before, std::chrono::system_clock::now() - std::chrono::minutes(59));
  commit();
  EXPECT_GE(written_at(config_.path).value(), before + std::chrono::minutes(59));
  store_.reset();  // and with it the log
  EXPECT_GE(written_at(config_.path).value(), before + std::chrono::minutes(59));
}

TEST_F(Progress, GoesOnInMemoryWhileItCannotBeWritten) {
  model::Effects effects;
  for (int i = 0; i < 20'000; ++i) effects.rows.push_back(reading(kIncomer, kStart + i * 1s, i));
  run(store_->commit(std::move(effects))).value();
  const auto next = [&] { return run(store_->peek("platform", 1)).value().front().sequence; };
  const auto elsewhere = [&](const char* sql) {
    Database(config_.path / kDatabaseFile, Database::Mode::read_write).execute(sql);
  };
  elsewhere("CREATE TRIGGER full BEFORE INSERT ON cursor BEGIN SELECT RAISE(ABORT, 'the disk is full'); END");
  ASSERT_TRUE(run(store_->settle("platform", {.settled_through = 15'000, .rejected = {}})));
  EXPECT_EQ(next(), 15'001u) << "sent, and not sent again";
  EXPECT_FALSE(run(store_->settle("platform", {.settled_through = 15'002, .rejected = {{15'002, "unknown code"}}})));
  EXPECT_EQ(next(), 15'001u) << "a dead letter that cannot be kept is offered again";
  elsewhere("DROP TRIGGER full");
  EXPECT_FALSE(progress().is_delivered(15'000));
  commit();
  EXPECT_TRUE(progress().is_delivered(15'000));
  EXPECT_FALSE(progress().is_delivered(15'001));
}

TEST_F(Progress, OfNoStoreIsAFault) {
  EXPECT_TRUE(written_at(directory_.path() / "nowhere").has_error());
  EXPECT_TRUE(sink_progress(directory_.path() / "nowhere", "platform").has_error());
}

}  // namespace
}  // namespace carbongate::store

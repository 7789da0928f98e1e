#include <gtest/gtest.h>

#include "gateway/store/database.h"
#include "sqlite_store_fixture.h"

namespace carbongate::store {
namespace {

using namespace store_test;

class Retention : public SqliteStoreTest {};

TEST_F(Retention, DropsOldReadingsThatEverySinkHas) {
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

TEST_F(Retention, KeepsReadingsForEverIfToldSo) {
  config_.keep_readings = Duration::max();
  open();
  ASSERT_TRUE(commit_readings(kStart - 24h * 365 * 70, 10).has_value());
  ASSERT_TRUE(commit_readings(kStart, 10).has_value());
  EXPECT_EQ(peek("vm").size(), 20u);
}

TEST_F(Retention, DoesNotLetARejectedTimeDecideWhatIsOld) {
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

TEST_F(Retention, KeepsARejectedReadingThatIsTheFirstOfAll) {
  open();
  ASSERT_TRUE(commit_readings(kStart + 8h, 2, 1s, {model::Origin::missing, model::Rule::future}).has_value());
  ASSERT_TRUE(commit_readings(kStart, 10).has_value());
  ASSERT_TRUE(commit_readings(kStart + 1h, 10).has_value());
  EXPECT_EQ(peek("vm").size(), 22u);
}

TEST_F(Retention, SinksThatNoLongerAskDoNotKeepReadings) {
  config_.keep_readings = 24h;
  open();
  ASSERT_TRUE(commit_readings(kStart, 10).has_value());
  run(store_->settle("gone", {1, {{1, "x"}}})).value();
  open();
  EXPECT_TRUE(store_->status().cursors.empty());
  ASSERT_TRUE(commit_readings(kStart + 48h, 10).has_value());
  EXPECT_EQ(peek("vm").size(), 10u);
}

TEST_F(Retention, DropsTheOldestReadingsWhenTheFileWouldOutgrowItsLimit) {
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

TEST_F(Retention, DropsTheOldestReadingsWhenTheDiskIsFullBeforeItsLimitIsReached) {
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

TEST_F(Retention, DropsNoReadingForADiskThatSomethingElseFills) {
  config_.size_max = 8 << 20;
  config_.room = [](const std::filesystem::path&) { return Room{.capacity = 1 << 30, .available = 4'096}; };
  open();
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(commit_readings(kStart + i * 1000s, 1'000, 1s).has_value());
  EXPECT_EQ(store_->status().rows_thinned, 0u);
  EXPECT_EQ(store_->status().held_to_bytes, config_.size_max / 8);
}

// A day of a clock that nobody believes is more than one step looks at.
TEST_F(Retention, SweepsBehindAnyNumberOfReadingsThatDecideNothing) {
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

TEST_F(Retention, TheFileShrinksWhenItsLimitIsLowered) {
  open();
  for (int i = 0; i < 40; ++i) ASSERT_TRUE(commit_readings(kStart, 5'000).has_value());
  config_.size_max = 1 << 20;
  open();
  for (int i = 0; i < 60; ++i) ASSERT_TRUE(commit_readings(kStart, 1).has_value());
  store_.reset();
  EXPECT_LT(std::filesystem::file_size(file()), config_.size_max * 3 / 2);
}

TEST_F(Retention, KeepsTheLastRowSoThatNoSequenceComesTwice) {
  config_.size_max = 1;  // everything is too much
  open();
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(commit_readings(kStart, 100).has_value());
  open();
  ASSERT_TRUE(commit_readings(kStart, 1).has_value());
  EXPECT_EQ(store_->status().last_sequence, 501u);
}

}  // namespace
}  // namespace carbongate::store

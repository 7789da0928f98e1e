#include "gateway/store/dead_letters.h"

#include <gtest/gtest.h>

#include "gateway/store/database.h"
#include "gateway/store/dead_letter_table.h"
#include "gateway/store/sqlite_store.h"
#include "store_fixtures.h"
#include "tests/support/temporary_directory.h"

namespace carbongate::store {
namespace {

using namespace store_test;

class DeadLetters : public ::testing::Test {
 protected:
  DeadLetters() { open(); }

  void open() { store_ = SqliteStore::open(config_, site_).value(); }
  void close() { store_.reset(); }

  void commit(int readings) {
    model::Effects effects;
    for (int i = 0; i < readings; ++i) effects.rows.push_back(reading(kIncomer, kStart + i * 1s, i));
    run(store_->commit(std::move(effects))).value();
  }
  void reject(const std::string& sink, std::initializer_list<std::uint64_t> sequences,
              std::string reason = "bad name") {
    ports::Delivery delivery{store_->status().last_sequence, {}};
    for (const auto s : sequences) delivery.rejected.push_back({s, reason});
    run(store_->settle(sink, std::move(delivery))).value();
  }
  std::vector<model::StoredRow> retries(const std::string& sink, std::size_t limit = 100) {
    return run(store_->peek_retries(sink, limit)).value();
  }
  ports::StoreStatus::Cursor counts(const std::string& sink) {
    run(store_->peek(sink, 1)).value();
    for (const auto& cursor : store_->status().cursors) {
      if (cursor.sink == sink) return cursor;
    }
    return {};
  }

  // "vm 2 bad name", with '!' where it is to be offered again, and '-' where the row is gone.
  std::vector<std::string> list(const std::string& sink = "") {
    std::vector<std::string> lines;
    const auto visited = each_dead_letter(config_.path, sink, [&](const DeadLetter& letter) {
      lines.push_back(letter.sink + " " + std::to_string(letter.sequence) + " " + letter.reason +
                      (letter.retry ? "!" : "") + (letter.row ? "" : "-"));
      return true;
    });
    EXPECT_TRUE(visited.has_value());
    return lines;
  }

  using Lines = std::vector<std::string>;

  TemporaryDirectory directory_;
  StoreConfig config_{.path = directory_.path() / "store"};
  model::Site site_ = small_site();
  std::unique_ptr<SqliteStore> store_;
};

TEST_F(DeadLetters, AreReadBesideTheGatewayWithTheirRows) {
  commit(3);
  reject("vm", {2});
  reject("pg", {3, 1}, "no such column");
  EXPECT_EQ(list(), (Lines{"pg 1 no such column", "pg 3 no such column", "vm 2 bad name"}));
  EXPECT_EQ(list("vm"), Lines{"vm 2 bad name"});
  EXPECT_EQ(list("tsdb"), Lines{});
  (void)each_dead_letter(config_.path, "vm", [](const DeadLetter& letter) {
    EXPECT_EQ(letter.at, kStart + 1s);
    EXPECT_EQ(letter.row->body.get<model::JudgedReading>().value, 1);
    EXPECT_EQ(letter.row->series->device, "incomer");
    return true;
  });
}

TEST_F(DeadLetters, NeedTheStoreForThemselvesToBeChanged) {
  commit(1);
  reject("vm", {1});
  EXPECT_NE(retry_dead_letters(config_.path, "").error().text.find("in use"), std::string::npos);
  EXPECT_NE(drop_dead_letters(config_.path, "").error().text.find("in use"), std::string::npos);
  close();
  EXPECT_NE(retry_dead_letters(directory_.path() / "nowhere", "").error().text.find("no carbongate.db"),
            std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(directory_.path() / "nowhere"));
  EXPECT_EQ(list(), Lines{"vm 1 bad name"});
}

TEST_F(DeadLetters, AreOfferedAgainUntilTheirSinkHasAcceptedThem) {
  commit(4);
  reject("vm", {1, 2, 4});
  reject("pg", {1});
  EXPECT_TRUE(retries("vm").empty()) << "nobody asked for it";
  close();
  EXPECT_EQ(retry_dead_letters(config_.path, "vm")->rows, 3U);
  EXPECT_EQ(list(), (Lines{"pg 1 bad name", "vm 1 bad name!", "vm 2 bad name!", "vm 4 bad name!"}));
  open();
  EXPECT_TRUE(retries("pg").empty());
  EXPECT_EQ(values(retries("vm", 2)), (std::vector<double>{0, 1}));
  close();  // a crash while they are under way
  open();
  EXPECT_EQ(values(retries("vm")), (std::vector<double>{0, 1, 3})) << "neither lost nor given up";

  EXPECT_EQ(counts("vm").rejected, 3U);
  run(store_->settle_retries("vm", {.accepted = {1}, .rejected = {{2, "still bad"}}})).value();
  EXPECT_EQ(list("vm"), (Lines{"vm 2 still bad", "vm 4 bad name!"}));
  EXPECT_EQ(values(retries("vm")), std::vector<double>{3});
  EXPECT_EQ(counts("vm").rejected, 2U);
  close();
  open();
  EXPECT_EQ(counts("vm").rejected, 2U);
}

TEST_F(DeadLetters, HoldTheJournalBackWhileTheirSinkIsBusyWithThem) {
  commit(3);
  reject("vm", {1});
  close();
  ASSERT_TRUE(retry_dead_letters(config_.path, "").has_value());
  open();
  EXPECT_TRUE(store_->status().cursors.empty());
  EXPECT_EQ(retries("vm").size(), 1U);
  ASSERT_EQ(store_->status().cursors.size(), 1U) << "a cursor that asks keeps its rows from being dropped";
  EXPECT_EQ(store_->status().cursors[0].settled, 3U);
}

TEST_F(DeadLetters, ComeWithTheNewestRevisionOfARollup) {
  const auto rollup = [](model::Period period, Instant begin, std::uint32_t revision) {
    model::RollupRow row;
    row.period = period;
    row.begin = begin;
    row.revision = revision;
    return model::JournalRow{kPressShop, row};
  };
  const auto sequences = [&](std::size_t limit) {
    std::vector<std::uint64_t> found;
    for (const auto& row : retries("vm", limit)) found.push_back(row.sequence);
    return found;
  };
  using model::Period;
  model::Effects effects;
  effects.rows = {rollup(Period::hour, kStart, 0), rollup(Period::day, kStart, 0), rollup(Period::hour, kStart + 1h, 0),
                  rollup(Period::hour, kStart, 1), reading(kIncomer, kStart, 1),   rollup(Period::hour, kStart, 2)};
  run(store_->commit(std::move(effects))).value();
  reject("vm", {1, 2, 3, 5});
  close();
  ASSERT_TRUE(retry_dead_letters(config_.path, "").has_value());
  open();
  EXPECT_EQ(sequences(100), (std::vector<std::uint64_t>{1, 2, 3, 5, 6}));
  EXPECT_EQ(retries("vm").back().body.get<model::RollupRow>().revision, 2U);
  EXPECT_EQ(sequences(3), (std::vector<std::uint64_t>{1, 2, 6}));
  EXPECT_EQ(sequences(1), (std::vector<std::uint64_t>{1, 6}));
  run(store_->settle_retries("vm", {.accepted = {1, 2, 6}, .rejected = {}})).value();
  EXPECT_EQ(sequences(100), (std::vector<std::uint64_t>{3, 5}));
  EXPECT_EQ(counts("vm").rejected, 2U);
}

TEST_F(DeadLetters, ComeWithTheLastChangeOfAnAlert) {
  const auto change = [](model::WatchId watch, Instant since, Duration after, std::uint32_t revision) {
    model::Alert alert = full_alert();
    alert.since = since;
    alert.at = since + after;
    alert.revision = revision;
    return model::JournalRow{watch, alert};
  };
  constexpr model::WatchId kOther{1};
  close();
  site_.watches = {watch_of(0, "overload", "press", "energy"), watch_of(1, "silent", "press", "energy")};
  open();
  model::Effects effects;
  effects.rows = {change(model::WatchId{0}, kStart, 0s, 0), change(kOther, kStart, 0s, 0),
                  change(model::WatchId{0}, kStart, 5min, 1), change(model::WatchId{0}, kStart + 1h, 0s, 0),
                  change(model::WatchId{0}, kStart, 2h, 2)};
  run(store_->commit(std::move(effects))).value();
  reject("vm", {1, 2, 4});
  close();
  ASSERT_TRUE(retry_dead_letters(config_.path, "").has_value());
  open();
  std::vector<std::uint64_t> found;
  for (const auto& row : retries("vm")) found.push_back(row.sequence);
  EXPECT_EQ(found, (std::vector<std::uint64_t>{1, 2, 4, 5})) << "the end of the first, and no more";
}

TEST_F(DeadLetters, StayWhenTheirRowIsGoneFromTheJournal) {
  commit(2);
  reject("vm", {1, 2});
  close();
  Database(config_.path / kDatabaseFile, Database::Mode::read_write).execute("DELETE FROM journal WHERE seq = 1");
  const auto change = retry_dead_letters(config_.path, "").value();
  EXPECT_EQ(change.rows, 1U);
  EXPECT_EQ(change.gone, 1U);
  EXPECT_EQ(list(), (Lines{"vm 1 bad name-", "vm 2 bad name!"}));
}

TEST_F(DeadLetters, AreDroppedForGoodOnRequest) {
  commit(2);
  reject("vm", {1, 2});
  reject("pg", {1});
  close();
  EXPECT_EQ(drop_dead_letters(config_.path, "vm")->rows, 2U);
  EXPECT_EQ(list(), Lines{"pg 1 bad name"});
  EXPECT_EQ(drop_dead_letters(config_.path, "")->rows, 1U);
  open();
  EXPECT_EQ(counts("vm").rejected, 2U) << "they were never delivered";
}

TEST_F(DeadLetters, MakeRoomAtTheirLimitAndAreCounted) {
  const auto limit = static_cast<std::uint64_t>(DeadLetterTable::kLettersMax);
  const int rows = static_cast<int>(limit) + 5;
  commit(rows);
  ports::Delivery delivery{store_->status().last_sequence, {}};
  for (std::uint64_t s = 1; s <= limit + 5; ++s) delivery.rejected.push_back({s, "x"});
  run(store_->settle("vm", std::move(delivery))).value();
  EXPECT_EQ(counts("vm").rejected, limit + 5);
  EXPECT_EQ(counts("vm").dropped, 5U);
  close();
  open();
  EXPECT_EQ(counts("vm").dropped, 5U);
  const Lines lines = list();
  ASSERT_EQ(lines.size(), limit);
  EXPECT_EQ(lines.front(), "vm 6 x") << "the oldest went";
}

}  // namespace
}  // namespace carbongate::store

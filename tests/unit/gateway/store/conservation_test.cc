// Each row of the journal that is meant for a sink is in exactly one account: Store::audit().
#include <gtest/gtest.h>

#include <span>

#include "gateway/store/cursor_table.h"
#include "gateway/store/dead_letters.h"
#include "gateway/store/salvage.h"
#include "gateway/store/sqlite_store.h"
#include "store_fixtures.h"
#include "tests/support/temporary_directory.h"

namespace carbongate::store {
namespace {

using namespace store_test;

class Conservation : public ::testing::Test {
 protected:
  void open() {
    store_.reset();
    store_ = SqliteStore::open(config_, site_).value();
  }
  void commit(int readings) {
    model::Effects effects;
    for (int i = 0; i < readings; ++i) {
      ++written_;
      effects.rows.push_back(reading(kIncomer, kStart + written_ * 1s, written_));
    }
    effects.rows.push_back(interval(kPress, kStart + written_ * 1s, 1));
    run(store_->commit(std::move(effects))).value();
  }
  // As the pump does: what is there is offered, the first `rejects` of it are refused for good, the last `skips` are
  // left out.
  void deliver(const std::string& sink, std::size_t rows, std::size_t rejects = 0, std::size_t skips = 0) {
    const auto offered = run(store_->peek(sink, rows)).value();
    ASSERT_FALSE(offered.empty());
    ports::Delivery delivery{
        .settled_through = offered.back().sequence, .rejected = {}, .skipped = {}, .rows = offered.size()};
    for (std::size_t i = 0; i < rejects; ++i) delivery.rejected.push_back({offered[i].sequence, "no"});
    for (const auto& row : std::span(offered).last(skips)) delivery.skipped.push_back(row.sequence);
    run(store_->settle(sink, std::move(delivery))).value();
  }
  void deliver_live(const std::string& sink, std::size_t rows, std::size_t rejects = 0) {
    const auto offered = run(store_->peek_live(sink, rows)).value();
    ASSERT_FALSE(offered.empty());
    ports::Delivery delivery{
        .settled_through = offered.back().sequence, .rejected = {}, .rows = offered.size(), .lane = ports::Lane::live};
    for (std::size_t i = 0; i < rejects; ++i) delivery.rejected.push_back({offered[i].sequence, "no"});
    run(store_->settle(sink, std::move(delivery))).value();
  }
  ports::SinkAccount account(const std::string& sink) {
    for (const ports::SinkAccount& account : run(store_->audit(1'000'000)).value()) {
      if (account.sink == sink) return account;
    }
    ADD_FAILURE() << "no account of " << sink;
    return {};
  }

  TemporaryDirectory directory_;
  StoreConfig config_{.path = directory_.path() / "store", .block_at_once = 1 << 20};  // as rows
  model::Site site_ = small_site();
  std::unique_ptr<SqliteStore> store_;
  int written_ = 0;
};

TEST_F(Conservation, EveryRowIsAcceptedLeftOutRefusedOrWaits) {
  open();
  commit(99);
  deliver("tsdb", 60, 2, 10);
  const auto before = account("tsdb");
  EXPECT_EQ(before.received, 100u);
  EXPECT_EQ(before.accepted, 48u);
  EXPECT_EQ(before.skipped, 10u);
  EXPECT_EQ(before.refused, 2u);
  EXPECT_EQ(before.pending, 40u);
  EXPECT_TRUE(before.balances());

  deliver("tsdb", 10);  // no rejection: this one is on disk with the next commit, or when the store is closed
  open();
  EXPECT_EQ(account("tsdb").accepted, 58u);
  EXPECT_TRUE(account("tsdb").balances());
}

TEST_F(Conservation, WhatIsAcceptedLaterIsRefusedNoLonger) {
  open();
  commit(99);
  deliver("tsdb", 60, 3);
  store_.reset();
  ASSERT_EQ(retry_dead_letters(config_.path, "").value().rows, 3u);
  open();
  const auto again = run(store_->peek_retries("tsdb", 10)).value();
  ASSERT_EQ(again.size(), 3u);
  run(store_->settle_retries("tsdb", {.accepted = {again[0].sequence, again[1].sequence, 50},  // 50 was no dead letter
                                      .rejected = {{again[2].sequence, "still not"}}}))
      .value();
  for (int round = 0; round < 2; ++round) {
    const auto now = account("tsdb");
    EXPECT_EQ(now.refused, 1u);
    EXPECT_EQ(now.accepted, 59u);
    EXPECT_TRUE(now.balances());
    open();
  }
}

TEST_F(Conservation, WhatIsRefusedWhenItIsSentOnceMoreWasNotAcceptedAfterAll) {
  open();
  commit(99);
  run(store_->peek("tsdb", 1)).value();
  run(store_->open_live("tsdb", 50)).value();
  model::RollupRow revision;
  revision.begin = kStart;
  revision.revision = 1;
  model::Effects effects;
  effects.rows = {{kPressShop, revision}};
  run(store_->commit(std::move(effects))).value();
  deliver_live("tsdb", 100);
  deliver("tsdb", 100);
  EXPECT_EQ(account("tsdb").refused, 0u);
  deliver("tsdb", 100, 1);  // the revision, in the wake of the backlog
  const auto now = account("tsdb");
  EXPECT_EQ(now.refused, 1u);
  EXPECT_EQ(now.accepted + 1, now.received);
  EXPECT_TRUE(now.balances());
}

TEST_F(Conservation, RowsThatRetentionDropsAreCountedForEachSinkThatHadThemNot) {
  config_.size_max = 1 << 20;
  open();
  for (int i = 0; i < 60; ++i) {
    commit(1'000);
    deliver("quick", 10'000);
    if (i == 0) deliver("slow", 500);
    if (i == 40) deliver("late", 100);
  }
  for (const char* sink : {"quick", "slow", "late"}) {
    const auto now = account(sink);
    EXPECT_TRUE(now.balances()) << sink << ": " << now.received << " received, " << now.accounted() << " accounted for";
  }
  EXPECT_EQ(account("quick").missed, 0u);
  EXPECT_GT(account("slow").missed, 10'000u);
  EXPECT_GT(account("late").missed, 1'000u);

  // One that is no longer configured keeps its account, and goes on with it when it is back.
  open();
  for (int i = 0; i < 20; ++i) commit(1'000);
  EXPECT_FALSE(account("slow").is_active);
  EXPECT_TRUE(account("slow").balances());
  deliver("slow", 1'000);
  EXPECT_TRUE(account("slow").balances());
  EXPECT_TRUE(audit_store(config_.path).has_value());
}

TEST_F(Conservation, HoldsWithTwoLanes) {
  open();
  commit(999);
  deliver("tsdb", 100);
  run(store_->open_live("tsdb", 50)).value();
  deliver_live("tsdb", 30, 1);
  commit(99);
  deliver("tsdb", 200, 2, 10);
  for (int round = 0; round < 2; ++round) {
    const auto now = account("tsdb");
    EXPECT_EQ(now.received, 1'100u);
    EXPECT_EQ(now.accepted, 100u + 29u + 188u);
    EXPECT_EQ(now.refused, 3u);
    EXPECT_EQ(now.skipped, 10u);
    EXPECT_EQ(now.pending, 650u + 20u + 100u);
    EXPECT_TRUE(now.balances());
    EXPECT_EQ(now.cursor.behind(), 650u);
    EXPECT_EQ(now.oldest, kStart + 301s);
    open();
  }
  deliver("tsdb", 1'000);
  EXPECT_EQ(account("tsdb").pending, 120u);
  deliver("tsdb", 1'000);
  EXPECT_EQ(account("tsdb").pending, 0u) << "the lanes have joined";
  EXPECT_TRUE(account("tsdb").balances());
}

TEST_F(Conservation, RetentionCountsWhatEachLaneMisses) {
  config_.size_max = 1 << 20;
  open();
  for (int i = 0; i < 12; ++i) commit(1'000);
  deliver("tsdb", 100);
  run(store_->open_live("tsdb", 500)).value();
  for (int i = 0; i < 40; ++i) {
    deliver_live("tsdb", 5'000);
    commit(1'000);
    EXPECT_TRUE(account("tsdb").balances()) << account("tsdb").received << " " << account("tsdb").accounted();
  }
  const auto now = account("tsdb");
  EXPECT_GT(now.missed, 10'000u) << "of the backlog";
  EXPECT_LE(now.missed, 11'500u) << "what the live lane has was not missed";
  EXPECT_EQ(store_->status().rows_thinned, now.missed);
  while (run(store_->peek("tsdb", 1)).value().size() != 0) deliver("tsdb", 5'000);
  EXPECT_TRUE(account("tsdb").balances());
  EXPECT_TRUE(store_->status().cursors.front().ahead.empty());
}

TEST_F(Conservation, ARevisionIsSentOnceMoreBehindWhatItReplaces) {
  open();
  const auto rollup = [](std::int64_t quanta, std::uint32_t revision) {
    model::RollupRow row;
    row.period = model::Period::day;
    row.begin = kStart;
    row.end = kStart + 24h;
    row.amount = model::Activity::of(quanta);
    row.revision = revision;
    return model::JournalRow{kPressShop, row};
  };
  commit(99);
  run(store_->commit({.rows = {rollup(1, 0)}, .points = {}, .accounts = {}})).value();
  commit(99);
  deliver("tsdb", 50);
  run(store_->open_live("tsdb", 10)).value();
  run(store_->commit({.rows = {rollup(2, 1)}, .points = {}, .accounts = {}})).value();
  commit(9);
  deliver_live("tsdb", 100);
  const std::uint64_t accepted = account("tsdb").accepted;
  deliver("tsdb", 1'000);
  const auto again = run(store_->peek("tsdb", 100)).value();
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].body.get<model::RollupRow>().revision, 1u);
  open();  // a crash, or a restart, here
  EXPECT_EQ(run(store_->peek("tsdb", 100)).value().size(), 1u);
  deliver("tsdb", 100);
  EXPECT_TRUE(run(store_->peek("tsdb", 100)).value().empty());
  EXPECT_TRUE(store_->status().cursors.front().ahead.empty());
  EXPECT_EQ(account("tsdb").accepted, accepted + 141u) << "counted once";
  EXPECT_TRUE(account("tsdb").balances());
}

TEST_F(Conservation, AlertsAreSentOnceMoreBehindThoseThatAreOlder) {
  site_.watches = {watch_of(0, "overload", "press", "energy")};
  open();
  const auto tell = [&](model::AlertStage stage, std::uint32_t revision) {
    model::Alert alert = full_alert();
    alert.stage = stage;
    alert.revision = revision;
    run(store_->commit({.rows = {{model::WatchId{0}, alert}}, .points = {}, .accounts = {}})).value();
  };
  commit(99);
  tell(model::AlertStage::firing, 0);
  commit(99);
  deliver("broker", 50);
  run(store_->open_live("broker", 10)).value();
  tell(model::AlertStage::resolved, 1);
  commit(9);
  deliver_live("broker", 100);
  deliver("broker", 1'000);  // the older one
  const auto again = run(store_->peek("broker", 100)).value();
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].body.get<model::Alert>().stage, model::AlertStage::resolved) << "the last word";
  deliver("broker", 100);
  EXPECT_TRUE(run(store_->peek("broker", 100)).value().empty());
  EXPECT_TRUE(store_->status().cursors.front().ahead.empty());
  EXPECT_TRUE(account("broker").balances());
}

TEST_F(Conservation, IsSeenFromOutsideThoughNothingIsMeasuredAnyMore) {
  open();
  commit(99);
  deliver("tsdb", 100);
  account("tsdb");  // as the gateway does each minute
  const auto seen = audit_store(config_.path).value().at(0);
  EXPECT_EQ(seen.pending, 0u);
  EXPECT_EQ(seen.accepted, 100u);
}

TEST_F(Conservation, StretchesThatARepairCannotReadAreSentAgain) {
  open();
  commit(999);
  deliver("tsdb", 100);
  run(store_->open_live("tsdb", 50)).value();
  deliver_live("tsdb", 30);
  store_.reset();
  Database(config_.path / kDatabaseFile, Database::Mode::read_write).execute("DELETE FROM settled_ahead");
  ASSERT_TRUE(repair(config_.path, "as if a page were gone").has_value());
  open();
  const auto now = audit_store(config_.path).value().at(0);  // it counts everything
  EXPECT_EQ(now.pending, 900u);
  EXPECT_TRUE(now.balances()) << now.received << " " << now.accounted();
}

TEST_F(Conservation, RowsThatAreDroppedWhileTheyAreUnderWayWereNotMissed) {
  config_.size_max = 1 << 20;
  open();
  for (int i = 0; i < 40; ++i) commit(1'000);
  const auto offered = run(store_->peek("slow", 5'000)).value();
  for (int i = 0; i < 40; ++i) commit(1'000);
  EXPECT_GT(account("slow").missed, 5'000u);
  run(store_->settle("slow", {.settled_through = offered.back().sequence, .rejected = {}, .rows = offered.size()}))
      .value();
  EXPECT_TRUE(account("slow").balances()) << account("slow").received << " " << account("slow").accounted();
  EXPECT_EQ(account("slow").accepted, 5'000u);
}

TEST_F(Conservation, ARowThatIsGoneIsABreach) {
  open();
  commit(99);
  deliver("tsdb", 10);
  store_.reset();
  Database(config_.path / kDatabaseFile, Database::Mode::read_write).execute("DELETE FROM journal WHERE seq = 50");
  const auto accounts = audit_store(config_.path).value();
  ASSERT_EQ(accounts.size(), 1u);
  EXPECT_FALSE(accounts[0].balances());
  EXPECT_EQ(accounts[0].accounted() + 1, accounts[0].received);
}

TEST_F(Conservation, WhatWasLostWithDamagedPagesIsAccountedFor) {
  open();
  commit(9'999);
  deliver("tsdb", 1'000);
  store_.reset();
  Database(config_.path / kDatabaseFile, Database::Mode::read_write)
      .execute("DELETE FROM journal WHERE seq BETWEEN 5000 AND 5099");
  ASSERT_TRUE(repair(config_.path, "as if a page were gone").has_value());
  open();
  EXPECT_EQ(account("tsdb").lost, 100u);
  EXPECT_TRUE(account("tsdb").balances());
}

TEST_F(Conservation, NumbersThatARepairLeftOutAreNoRowsThatANewSinkMissed) {
  open();
  commit(9'999);
  for (int i = 0; i < 2; ++i) {
    store_.reset();
    ASSERT_TRUE(repair(config_.path, "as if a page were gone").has_value());
    open();
    commit(10);
  }
  deliver("new", 1'000);
  EXPECT_EQ(account("new").missed, 0u);
  EXPECT_EQ(account("new").lost, 0u);
  EXPECT_EQ(account("new").received, 10'022u);
  EXPECT_TRUE(account("new").balances());
}

TEST_F(Conservation, TooManyToCountIsNoBreach) {
  open();
  commit(999);
  deliver("tsdb", 10);
  const auto accounts = run(store_->audit(100)).value();
  EXPECT_FALSE(accounts[0].pending);
  EXPECT_TRUE(accounts[0].balances());
}

}  // namespace
}  // namespace carbongate::store

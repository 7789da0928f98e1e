// kill -9 in the middle of commits: what is there afterwards is exactly what some number of whole commits leaves.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <random>

#include "gateway/store/history.h"
#include "gateway/store/sqlite_store.h"
#include "store_fixtures.h"
#include "tests/support/temporary_directory.h"

namespace carbongate::store {
namespace {

using namespace store_test;

// Commit number n, from 1: n % 97 + 1 readings with value n, then states that say so.
model::Effects numbered(std::int64_t n, std::int64_t rows_before) {
  model::Effects effects;
  const std::int64_t rows = n % 97 + 1;
  for (std::int64_t i = 0; i < rows; ++i)
    effects.rows.push_back(reading(kPress, kStart + n * 1s, static_cast<double>(n)));
  model::PointState point;
  point.last_value = static_cast<double>(n);
  point.integration_remainder = rows_before + rows;
  model::AccountState account;
  account.amount = model::Activity::of(rows_before + rows);
  effects.points.emplace_back(kPress, point);
  effects.accounts.emplace_back(kPressShop, account);
  return effects;
}

// Commits for ever, going on where the store stands; says so with a byte after each one.
[[noreturn]] void commit_until_killed(const StoreConfig& config, const model::Site& site, int report) {
  auto store = SqliteStore::open(config, site).value();
  const model::PointState state = store->checkpoint().points[1];
  auto n = static_cast<std::int64_t>(state.last_value);
  std::int64_t rows = state.integration_remainder;
  while (true) {
    ++n;
    model::Effects effects = numbered(n, rows);
    rows += static_cast<std::int64_t>(effects.rows.size());
    run(store->commit(std::move(effects))).value();
    (void)!::write(report, "c", 1);
    auto seen = run(store->peek("sink", 50)).value();
    if (!seen.empty()) run(store->settle("sink", {seen.back().sequence, {}})).value();
  }
}

std::int64_t run_and_kill(const StoreConfig& config, const model::Site& site, int commits) {
  int report[2];
  if (::pipe(report) != 0) return -1;
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(report[0]);
    commit_until_killed(config, site, report[1]);
  }
  ::close(report[1]);
  std::int64_t heard = 0;
  char byte = 0;
  while (heard < commits && ::read(report[0], &byte, 1) == 1) ++heard;
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  while (::read(report[0], &byte, 1) == 1) ++heard;
  ::close(report[0]);
  return heard;
}

std::int64_t count_exported(const StoreConfig& config) {
  std::int64_t rows = 0;
  auto history = History::open(config.path).value();
  history->each(History::What::readings, {}, [&](const model::StoredRow&) { return ++rows > 0; }).value();
  return rows;
}

TEST(Crash, JournalAndCheckpointAgreeAfterEveryKill) {
  const TemporaryDirectory directory;
  const StoreConfig config{.path = directory.path() / "store"};
  const model::Site site = small_site();
  std::mt19937 random(20260101);
  std::int64_t acknowledged = 0;
  std::uint64_t settled = 0;
  for (int kill = 0; kill < 20; ++kill) {
    const int commits = std::uniform_int_distribution(1, 60)(random);
    const std::int64_t heard = run_and_kill(config, site, commits);
    ASSERT_GE(heard, commits) << "the child ended by itself";
    acknowledged += heard;
    const std::int64_t exported = count_exported(config);

    auto store = SqliteStore::open(config, site).value();
    const model::Checkpoint checkpoint = store->checkpoint();
    const auto last = static_cast<std::int64_t>(checkpoint.points[1].last_value);
    ASSERT_GE(last, acknowledged) << "an acknowledged commit is gone";
    ASSERT_LE(last, acknowledged + kill + 1) << "at most one commit per life is not acknowledged yet";

    std::int64_t rows = 0;
    const auto journal = run(store->peek("checker", 1'000'000)).value();
    for (const model::StoredRow& row : journal) ASSERT_EQ(row.sequence, static_cast<std::uint64_t>(++rows));
    ASSERT_EQ(checkpoint.points[1].integration_remainder, rows);
    ASSERT_EQ(exported, rows) << "what a reader finds before the gateway is back";
    ASSERT_EQ(checkpoint.accounts[0].amount.quanta(), rows);
    std::size_t next = 0;
    for (std::int64_t n = 1; n <= last; ++n) {
      for (std::int64_t i = 0; i <= n % 97; ++i) ASSERT_EQ(values({journal[next++]})[0], static_cast<double>(n));
    }
    ASSERT_EQ(next, journal.size());

    (void)run(store->peek("sink", 1));
    for (const auto& cursor : store->status().cursors) {
      if (cursor.sink != "sink") continue;
      ASSERT_GE(cursor.settled, settled) << "a cursor went back";
      ASSERT_LE(cursor.settled, journal.size());
      settled = cursor.settled;
    }
  }
  EXPECT_GT(settled, 0u);
}

}  // namespace
}  // namespace carbongate::store

#include "gateway/store/state_log.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "gateway/store/history.h"
#include "gateway/store/salvage.h"
#include "gateway/store/sqlite_store.h"
#include "gateway/store/state_delta.h"
#include "store_fixtures.h"
#include "tests/support/temporary_directory.h"

namespace carbongate::store {
namespace {

namespace fs = std::filesystem;
using namespace store_test;

constexpr int kPoints = 200;

model::Site many_points() {
  model::Site site = small_site();
  for (std::uint32_t i = 2; i < kPoints; ++i) site.points.push_back(point(i, "meter" + std::to_string(i), "power"));
  return site;
}

TEST(StateDelta, TellsAStateByWhatChanged) {
  RecordCodec codec;
  model::AccountState state = full_account_state();
  const std::string before(codec.encode(state));
  state.amount = model::Activity::of(-1);
  state.amount_per_hour = 1.75;
  state.open[2]->amount += model::Activity::of(1'000);
  state.emissions[model::Basis::primary].co2e_remainder -= 500;
  const std::string after(codec.encode(state));
  const auto delta = state_delta(before, after);
  ASSERT_TRUE(delta.has_value());
  EXPECT_LT(delta->size(), after.size() / 2);
  EXPECT_EQ(apply_state_delta(before, *delta), after);

  const std::string point(codec.encode(full_point_state()));
  EXPECT_EQ(apply_state_delta(point, state_delta(point, point).value()), point);
}

TEST(StateDelta, IsNoneBetweenStatesOfDifferentFields) {
  RecordCodec codec;
  model::AccountState state = full_account_state();
  const std::string before(codec.encode(state));
  state.open[4].reset();
  const std::string after(codec.encode(state));
  EXPECT_FALSE(state_delta(before, after).has_value());
  EXPECT_THROW(apply_state_delta(after, state_delta(before, before).value()), DamagedRecord);
  EXPECT_THROW(apply_state_delta(before, "\x01"), DamagedRecord);
  EXPECT_FALSE(state_delta("\x07", "\x07").has_value()) << "no message";
}

class StateLogTest : public ::testing::Test {
 protected:
  void open(const fs::path& path) {
    store_.reset();
    store_ = SqliteStore::open({.path = path}, site_).value();
  }

  // A round of readings of all points, and the states that they lead to.
  void commit_round() {
    model::Effects effects;
    ++round_;
    for (std::uint32_t i = 0; i < kPoints; ++i) {
      const Instant at = kStart + round_ * 15s + std::chrono::milliseconds(i);
      const double value = round_ * 0.1 + i;
      effects.rows.push_back(reading(PointId{i}, at, value));
      model::PointState state;
      state.last_at = at;
      state.last_value = i == 3 ? value + 1 : value;  // of one, another than its reading's
      if (i % 10 == 0) {
        state.counter.baseline = {at, model::Cumulative<model::Activity>::at(model::Activity::of(round_ * 1'000 + i))};
        state.open = model::OpenInterval{kStart, kStart + 15min, model::Activity::of(round_), round_ * 15s, {}};
      }
      effects.points.emplace_back(PointId{i}, state);
    }
    model::AccountState account = full_account_state();
    account.amount = model::Activity::of(round_);
    effects.accounts = {{kPressShop, account}};
    run(store_->commit(effects)).value();
    expected_points_ = std::move(effects.points);
    expected_account_ = account;
  }

  void expect_states(const model::Checkpoint& checkpoint) {
    for (const auto& [point, state] : expected_points_) ASSERT_EQ(checkpoint.points.at(index(point)), state);
    EXPECT_EQ(checkpoint.accounts.at(0), expected_account_);
  }

  // As a process leaves it that is killed.
  fs::path killed() {
    const fs::path copy = directory_.path() / ("killed" + std::to_string(++copies_));
    fs::create_directory(copy);
    for (const char* suffix : {"", "-wal"}) {
      const std::string name = std::string(kDatabaseFile) + suffix;
      fs::copy_file(path_ / name, copy / name);
    }
    return copy;
  }

  std::int64_t records(const fs::path& path) {
    return Database(path / kDatabaseFile, Database::Mode::read_only).integer("SELECT count(*) FROM state_log");
  }

  TemporaryDirectory directory_;
  fs::path path_ = directory_.path() / "store";
  model::Site site_ = many_points();
  std::unique_ptr<SqliteStore> store_;
  int round_ = 0;
  int copies_ = 0;
  std::vector<std::pair<PointId, model::PointState>> expected_points_;
  model::AccountState expected_account_;
};

TEST_F(StateLogTest, WritesFewBytesOfStatesThatFollowFromTheirReadings) {
  open(path_);
  for (int i = 0; i < 20; ++i) commit_round();
  Database database(path_ / kDatabaseFile, Database::Mode::read_only);
  EXPECT_EQ(database.integer("SELECT count(*) FROM checkpoint"), 0);
  EXPECT_EQ(database.integer("SELECT count(*) FROM state_log"), 20);
  EXPECT_LT(database.integer("SELECT max(length(body)) FROM state_log"), 1'000) << "200 states of 16 bytes and more";
}

// A disk wears by the pages that a commit touches.
TEST_F(StateLogTest, WritesFewPagesForACommit) {
  open(path_);
  constexpr int kRounds = 100;
  for (int i = 0; i < 5; ++i) commit_round();  // the series' first one
  const auto size = [&] { return fs::file_size(path_ / (std::string(kDatabaseFile) + "-wal")); };
  const std::uintmax_t before = size();
  for (int i = 0; i < kRounds; ++i) commit_round();
  EXPECT_LT((size() - before) / kRounds, 4'500u) << "of 200 readings and their states";
}

TEST_F(StateLogTest, TellsTheStatesAfterAKillAndBesideTheGateway) {
  open(path_);
  for (int i = 0; i < 300; ++i) {  // past the length at which they are written whole
    commit_round();
    if (i % 37 != 0 && i < 297) continue;
    expect_states(History::open(path_).value()->checkpoint(site_).value());
    const fs::path copy = killed();
    const auto after = SqliteStore::open({.path = copy}, site_).value();
    EXPECT_EQ(after->status().repaired, "");
    expect_states(after->checkpoint());
  }
  EXPECT_LT(records(path_), 256);
  EXPECT_GT(records(path_), 0);
  store_.reset();
  EXPECT_EQ(records(path_), 0) << "a stop writes them whole";
  open(path_);
  expect_states(store_->checkpoint());
}

TEST_F(StateLogTest, DoesNotReferToReadingsThatAreDropped) {
  store_ = SqliteStore::open({.path = path_, .keep_readings = 30s, .block_at_once = 1 << 20}, site_).value();
  for (int i = 0; i < 8; ++i) commit_round();
  const auto before = expected_points_;
  for (int i = 0; i < 40; ++i) {  // one point alone goes on: the states of the others are old
    ++round_;
    model::Effects effects;
    effects.rows = {reading(kPress, kStart + round_ * 15s, round_)};
    run(store_->commit(effects)).value();
  }
  EXPECT_GT(
      Database(path_ / kDatabaseFile, Database::Mode::read_only).integer("SELECT value FROM meta WHERE name = 'swept'"),
      8 * kPoints);
  const auto after = SqliteStore::open({.path = killed()}, site_).value();
  EXPECT_EQ(after->status().repaired, "");
  expect_states(after->checkpoint());
}

TEST_F(StateLogTest, GoesBackToTheRecordBeforeAMissingOne) {
  open(path_);
  for (int i = 0; i < 4; ++i) commit_round();
  const auto points = expected_points_;
  const auto account = expected_account_;
  const std::uint64_t place = store_->status().last_sequence;
  commit_round();
  model::Effects effects;
  effects.points = {{kPress, full_point_state()}};
  run(store_->commit(effects)).value();
  const fs::path copy = killed();
  Database(copy / kDatabaseFile, Database::Mode::read_write).execute("DELETE FROM state_log WHERE number = 5");
  EXPECT_FALSE(find_damage(copy).value().empty());
  const auto after = SqliteStore::open({.path = copy}, site_).value();
  EXPECT_NE(after->status().repaired.find("known as of row"), std::string::npos) << after->status().repaired;
  EXPECT_EQ(after->checkpoint().behind, place);
  expected_points_ = points;
  expected_account_ = account;
  expect_states(after->checkpoint());

  model::Effects caught_up;
  caught_up.points = {{kPress, full_point_state()}};
  caught_up.caught_up = true;
  run(after->commit(caught_up)).value();
  EXPECT_FALSE(after->checkpoint().behind);
  EXPECT_EQ(after->checkpoint().points.at(index(kPress)), full_point_state());
}

TEST_F(StateLogTest, TakesNoOtherReadingForALastOneThatIsGone) {
  store_ = SqliteStore::open({.path = path_, .block_at_once = 1 << 20}, site_).value();
  model::Effects effects;
  model::PointState state;
  for (int i = 1; i <= 2; ++i) {
    state.last_at = kStart + i * 1s;
    state.last_value = i;
    effects.rows.push_back(reading(kPress, *state.last_at, state.last_value));
  }
  effects.points = {{kPress, state}};
  run(store_->commit(effects)).value();
  const fs::path copy = killed();
  Database(copy / kDatabaseFile, Database::Mode::read_write).execute("DELETE FROM journal WHERE seq = 2");
  const auto after = SqliteStore::open({.path = copy}, site_).value();
  EXPECT_NE(after->status().repaired, "");
  EXPECT_EQ(after->checkpoint().points.at(1), model::PointState()) << "counting from the first one would count twice";
}

TEST_F(StateLogTest, GoesBackFromALastRecordThatTellsNothingMore) {
  open(path_);
  for (int i = 0; i < 2; ++i) commit_round();
  const auto points = expected_points_;
  const auto account = expected_account_;
  const std::uint64_t place = store_->status().last_sequence;
  commit_round();
  const fs::path copy = killed();
  Database(copy / kDatabaseFile, Database::Mode::read_write)
      .execute("UPDATE state_log SET body = x'01ff' WHERE number = 3");
  EXPECT_FALSE(find_damage(copy).value().empty());
  const auto after = SqliteStore::open({.path = copy}, site_).value();
  EXPECT_NE(after->status().repaired.find("state_log: 2 rows kept, 1 left out"), std::string::npos)
      << after->status().repaired;
  EXPECT_EQ(after->checkpoint().behind, place);
  expected_points_ = points;
  expected_account_ = account;
  expect_states(after->checkpoint());
}

}  // namespace
}  // namespace carbongate::store

#include "gateway/store/log_damage.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <random>
#include <thread>
#include <utility>

#include "gateway/store/backup.h"
#include "gateway/store/confirmed.h"
#include "gateway/store/cursor_table.h"
#include "gateway/store/database.h"
#include "gateway/store/dead_letters.h"
#include "gateway/store/history.h"
#include "gateway/store/key_rotation.h"
#include "gateway/store/known_damage.h"
#include "gateway/store/lost_pages.h"
#include "gateway/store/salvage.h"
#include "gateway/store/sqlite_store.h"
#include "store_fixtures.h"
#include "tests/support/rounds.h"
#include "tests/support/temporary_directory.h"

namespace carbongate::store {
namespace {

namespace fs = std::filesystem;
using namespace store_test;

constexpr std::size_t kHeaderBytes = 32;  // SQLite's "Database File Format", section 4.1
constexpr std::size_t kFrameBytes = 24 + 512;
constexpr int kCommits = 60;

// What kill -9 leaves: a database, its log and the log's index; of the commits most are in the log alone.
class LogDamage : public ::testing::Test {
 protected:
  void SetUp() override {
    {
      auto store = SqliteStore::open({.path = lived_}, small_site()).value();  // and ended in order
      run(store->commit({{reading(kIncomer, kStart - 1s, -1)}, {}, {}})).value();
    }
    auto store = SqliteStore::open({.path = lived_}, small_site()).value();
    for (int i = 0; i < kCommits; ++i) {
      model::Effects effects;
      for (int j = 0; j < 20; ++j) effects.rows.push_back(reading(kIncomer, kStart + (20 * i + j) * 1s, 20 * i + j));
      effects.rows.push_back(entry(kStart + i * 15min, i, 2 * i));
      effects.accounts = {{kPressShop, full_account_state()}};
      run(store->commit(std::move(effects))).value();
      ends_.push_back((fs::file_size(log(lived_)) - kHeaderBytes) / kFrameBytes);
      if (i == kCommits / 2) run(store->settle("tsdb", {.settled_through = 300, .rejected = {}, .rows = 300})).value();
    }
    last_ = store->status().last_sequence;
    take(lived_, killed_);
    bytes_ = content(log(killed_));
    ASSERT_EQ(ends_.back(), (bytes_.size() - kHeaderBytes) / kFrameBytes) << "the log was not begun anew";
  }

  static fs::path file(const fs::path& store) { return store / kDatabaseFile; }
  static fs::path log(const fs::path& store) { return file(store).string() + "-wal"; }
  static fs::path index(const fs::path& store) { return file(store).string() + "-shm"; }
  static std::string content(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  static void write(const fs::path& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
  }
  static void take(const fs::path& from, const fs::path& to) {
    fs::remove_all(to);
    fs::copy(from, to, fs::copy_options::recursive);
  }

  // The store with this log. Without its index: as a power cut may leave it.
  void given(const std::string& bytes, bool with_index) {
    take(killed_, given_);
    write(log(given_), bytes);
    if (!with_index) fs::remove(index(given_));
  }
  std::string flipped(std::size_t at) const {
    std::string bytes = bytes_;
    bytes.at(at) = static_cast<char>(bytes.at(at) ^ 0x10);
    return bytes;
  }
  static constexpr std::size_t frame_begin(std::size_t frame) { return kHeaderBytes + (frame - 1) * kFrameBytes; }

  // What a sink that starts anew is given, each as it was written; and what comes next has a number of its own.
  std::size_t rows_after_a_start() {
    auto store = SqliteStore::open({.path = given_}, small_site()).value();
    EXPECT_NE(store->status().repaired, "");
    std::size_t count = 0;
    for (const model::StoredRow& row : run(store->peek("audit", 1'000'000)).value()) {
      ++count;
      if (const auto* body = row.body.get_if<model::JudgedReading>()) {
        EXPECT_EQ(body->at, kStart + std::chrono::seconds(static_cast<int>(body->value)));
      } else if (const auto* emitted = row.body.get_if<model::EmissionEntry>()) {
        EXPECT_EQ(emitted->begin, kStart + emitted->amount.quanta() * 15min);
      }
    }
    EXPECT_GT(store->status().last_sequence, last_) << "numbers that a sink has seen are used again";
    store.reset();
    EXPECT_TRUE(find_damage(given_).value().empty());
    return count;
  }

  TemporaryDirectory directory_;
  fs::path lived_ = directory_.path() / "lived";
  fs::path killed_ = directory_.path() / "killed";
  fs::path given_ = directory_.path() / "given";
  std::string bytes_;
  std::vector<std::size_t> ends_;  // frames in the log after each commit
  std::uint64_t last_ = 0;
};

TEST_F(LogDamage, ALogThatAKillLeftIsSound) {
  for (const bool with_index : {true, false}) {
    given(bytes_, with_index);
    EXPECT_EQ(find_log_damage(file(given_)), std::nullopt);
    EXPECT_EQ(mend_log(file(given_), given_ / "copy"), std::nullopt);
    auto store = SqliteStore::open({.path = given_}, small_site()).value();
    EXPECT_EQ(store->status().repaired, "");
    EXPECT_EQ(store->status().last_sequence, last_);
  }
}

// Of the last transaction a power cut may leave any sector or none: it was not confirmed yet.
TEST_F(LogDamage, ATransactionThatAPowerCutToreIsNoDamage) {
  std::mt19937 random(3);
  const std::size_t begin = frame_begin(ends_[kCommits - 2] + 1);
  for (int round = 0; round < 60; ++round) {
    std::string bytes = bytes_;
    for (std::size_t sector = begin; sector < bytes.size(); sector += 512) {
      if (random() % 2 == 0)
        bytes.replace(sector, 512, std::string(std::min<std::size_t>(512, bytes.size() - sector), '\0'));
    }
    if (random() % 2 == 0) bytes.resize(begin + random() % (bytes.size() - begin));
    given(bytes, false);
    EXPECT_EQ(find_log_damage(file(given_)), std::nullopt);
  }
}

TEST_F(LogDamage, OlderGenerationsBehindTheEndAreNoDamage) {
  std::string older = bytes_.substr(frame_begin(ends_[10] + 1));
  for (std::size_t at = 0; at < older.size(); at += kFrameBytes) ++older.at(at + 8 + 3);  // of the salts
  given(bytes_.substr(0, frame_begin(ends_[10] + 1)) + older, false);
  EXPECT_EQ(find_log_damage(file(given_)), std::nullopt);
}

// A transaction that failed when it was to be confirmed, and a shorter one written over its beginning.
TEST_F(LogDamage, WhatATransactionThatFailedLeftIsNoDamage) {
  const std::size_t from = ends_[kCommits - 2] + 1;
  ASSERT_GT(ends_.back(), from + 1);
  std::string bytes = bytes_;
  bytes.replace(frame_begin(from), kFrameBytes, bytes.substr(frame_begin(2), kFrameBytes));
  given(bytes, false);
  EXPECT_EQ(find_log_damage(file(given_)), std::nullopt);
}

TEST_F(LogDamage, OneByteCostsOnePageAtMost) {
  std::mt19937 random(11);
  std::size_t least = last_;
  const int rounds = kSanitized ? 6 : 24;
  for (int round = 0; round < rounds; ++round) {
    const bool with_index = round % 2 == 0;
    const std::size_t until = frame_begin((with_index ? ends_.back() : ends_[kCommits - 3]) + 1);
    const std::size_t at = kHeaderBytes + random() % (until - kHeaderBytes);
    SCOPED_TRACE("byte " + std::to_string(at));
    given(flipped(at), with_index);
    ASSERT_TRUE(find_log_damage(file(given_)));
    const auto findings = find_damage(given_).value();
    ASSERT_FALSE(findings.empty());
    EXPECT_TRUE(findings.front().starts_with("carbongate.db-wal: frame ")) << findings.front();
    least = std::min(least, rows_after_a_start());
    EXPECT_TRUE(fs::exists(given_ / "damaged-1" / "carbongate.db-wal"));
    EXPECT_FALSE(fs::exists(given_ / "carbongate.db.mended"));
  }
  EXPECT_GE(least, last_ - 60) << "of " << last_;
}

TEST_F(LogDamage, TheBeginningOfTheLogCostsNothing) {
  for (std::size_t at = 0; at < kHeaderBytes; ++at) {
    SCOPED_TRACE("byte " + std::to_string(at));
    given(flipped(at), at % 2 == 0);
    ASSERT_TRUE(find_log_damage(file(given_)));
    if (at % (kSanitized ? 8 : 4) != 0) continue;
    EXPECT_EQ(rows_after_a_start(), last_);
  }
}

TEST_F(LogDamage, SeveralPlacesCostAPageEach) {
  std::string bytes = bytes_;
  for (const int commit : {10, 20, 21, 45}) bytes.at(frame_begin(ends_[commit]) + 100) ^= 1;
  given(bytes, false);
  EXPECT_GE(rows_after_a_start(), last_ - 120);
}

TEST_F(LogDamage, AHoleCostsThePagesInIt) {
  for (const char byte : {'\0', '\xff'}) {
    for (const std::size_t at : {std::size_t{4096}, bytes_.size() / 2 / 4096 * 4096}) {
      std::string bytes = bytes_;
      bytes.replace(at, 4096, std::string(4096, byte));
      for (const bool with_index : {true, false}) {
        SCOPED_TRACE("at " + std::to_string(at) + (with_index ? ", with an index" : ""));
        given(bytes, with_index);
        EXPECT_GE(rows_after_a_start(), last_ - 200);
      }
    }
  }
}

// Nothing of it but a first page is in the database yet.
TEST_F(LogDamage, OfAStoreThatWasNeverClosedTheLogIsMissed) {
  const fs::path young = directory_.path() / "young";
  {
    auto store = SqliteStore::open({.path = young}, small_site()).value();
    for (int i = 0; i < 10; ++i) run(store->commit({{reading(kIncomer, kStart + i * 1s, i)}, {}, {}})).value();
    take(young, given_);
  }
  fs::remove(log(given_));
  auto store = SqliteStore::open({.path = given_}, small_site()).value();
  EXPECT_NE(store->status().repaired, "");
  EXPECT_GT(store->status().last_sequence, 10u);
}

// Half of what is there, without a word, would be worse than nothing: as a backup, or as a statement.
TEST_F(LogDamage, AReaderBeforeTheStartSaysSo) {
  given(bytes_.substr(0, bytes_.size() / 2), true);
  const auto history = History::open(given_);
  ASSERT_TRUE(history.has_error());
  EXPECT_NE(history.error().text.find("is cut short"), std::string::npos) << history.error().text;
  EXPECT_TRUE(back_up({.path = given_}, directory_.path() / "copy", false).has_error());
  EXPECT_TRUE(audit_store(given_).has_error());
  EXPECT_TRUE(find_log_damage(file(given_))) << "who looks makes nobody forget it";
  EXPECT_LT(rows_after_a_start(), last_);
}

// The list of tables is gone, and nearly all rows are in the log alone.
TEST_F(LogDamage, APageOfTheListOfTablesTakesNoRowsOfTheLogWithIt) {
  for (const bool with_index : {true, false}) {
    given(bytes_, with_index);
    std::string database = content(file(given_));
    ASSERT_EQ(database.at(100), 0x05) << "the list lies on several pages";  // SQLite's format, section 1.6
    const auto page = static_cast<std::size_t>(static_cast<unsigned char>(database.at(110)) * 256u +
                                               static_cast<unsigned char>(database.at(111)));  // the last of them
    ASSERT_GT(page, 1u);
    database.replace((page - 1) * 512, 512, std::string(512, '\0'));
    write(file(given_), database);
    EXPECT_GE(rows_after_a_start(), last_ - 10);
  }
}

TEST_F(LogDamage, ALogThatWasCutIsNoticedByItsIndex) {
  std::mt19937 random(5);
  for (int round = 0; round < 12; ++round) {
    const std::size_t size = round == 0 ? 0 : random() % bytes_.size();
    SCOPED_TRACE("cut to " + std::to_string(size));
    given(bytes_.substr(0, size), true);
    EXPECT_EQ(find_damage(given_).value().size(), 1u);
    const auto damage = find_log_damage(file(given_));
    ASSERT_TRUE(damage) << "who looks makes nobody forget it";
    EXPECT_NE(damage->find(size == 0 ? "is empty or missing" : "is cut short"), std::string::npos) << *damage;
    const auto whole = static_cast<std::size_t>(
        std::ranges::count_if(ends_, [&](std::size_t end) { return frame_begin(end + 1) <= size; }));
    EXPECT_EQ(rows_after_a_start(), 1 + 21 * whole);
  }
  given(bytes_, true);
  fs::remove(log(given_));
  EXPECT_TRUE(find_log_damage(file(given_)));
}

// Nothing is left of them, but how many were confirmed stands beside the database.
TEST_F(LogDamage, RowsThatAreGoneWithTheEndOfTheLogAreCounted) {
  std::mt19937 random(6);
  const int rounds = kSanitized ? 4 : 12;
  for (int round = 0; round < rounds; ++round) {
    const std::size_t size = round == 0 ? 0 : random() % frame_begin(ends_[kCommits - 2] + 1);
    SCOPED_TRACE("cut to " + std::to_string(size));
    given(bytes_.substr(0, size), false);
    ASSERT_EQ(find_log_damage(file(given_)), std::nullopt) << "the log alone does not tell";
    const auto findings = find_damage(given_).value();
    ASSERT_EQ(findings.size(), 1u);
    EXPECT_NE(findings[0].find(std::to_string(last_) + " were confirmed"), std::string::npos) << findings[0];
    EXPECT_EQ(known_damage(given_), findings[0]);
    const std::size_t kept = rows_after_a_start();
    EXPECT_LE(kept, last_ - 21);
    EXPECT_EQ(known_damage(given_), std::nullopt);
    for (const ports::SinkAccount& account : audit_store(given_).value()) {
      if (account.sink != "tsdb") continue;
      EXPECT_EQ(account.received, last_);
      EXPECT_EQ(account.lost, last_ - kept);
      EXPECT_TRUE(account.balances());
    }
    auto store = SqliteStore::open({.path = given_}, small_site()).value();
    EXPECT_EQ(store->status().repaired, "") << "once is enough";
    EXPECT_EQ(store->status().set_aside, std::vector<std::string>{"damaged-1"});
  }
}

TEST_F(LogDamage, WhatIsSaidOfAnotherStoreOrIsNotWholeSaysNothing) {
  const std::string whole = content(killed_ / kConfirmedFile);
  ASSERT_EQ(confirmed_sequence(killed_, 0), static_cast<std::int64_t>(last_));
  EXPECT_EQ(confirmed_sequence(killed_, 4711), std::nullopt);
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string bytes = whole;
    bytes[at] = static_cast<char>(bytes[at] ^ 1);
    write(killed_ / kConfirmedFile, bytes);
    EXPECT_EQ(confirmed_sequence(killed_, 0), std::nullopt) << "byte " << at;
    write(killed_ / kConfirmedFile, whole.substr(0, at));
    EXPECT_EQ(confirmed_sequence(killed_, 0), std::nullopt) << at << " bytes";
  }
  given(bytes_.substr(0, bytes_.size() / 2), false);
  EXPECT_EQ(find_lost_rows(given_), std::nullopt);
}

// It would write behind the place where SQLite takes the log to end, and empty the log when it closes it.
TEST_F(LogDamage, ACommandThatWritesLeavesTheStoreToARepair) {
  for (const bool is_noted : {false, true}) {
    given(flipped(bytes_.size() / 2), true);
    if (is_noted) mark_damaged(given_, "as a reader notes it");
    const auto refused = retry_dead_letters(given_, "");
    ASSERT_TRUE(refused.has_error());
    EXPECT_NE(refused.error().text.find("carbongate repair"), std::string::npos) << refused.error().text;
    EXPECT_TRUE(rotate_key({.path = given_}, "edz-1", false, kStart).has_error());
    EXPECT_GE(rows_after_a_start(), last_ - 60);
    EXPECT_TRUE(retry_dead_letters(given_, "").has_value());
  }
}

// A connection may be open in this process: closing the files beside it would release its locks.
TEST_F(LogDamage, OfADatabaseThatIsOpenHereNothingIsRead) {
  given(bytes_, true);
  EXPECT_FALSE(Database::is_open(file(given_)));
  const auto history = History::open(given_);
  ASSERT_TRUE(history.has_value());
  EXPECT_TRUE(Database::is_open(file(given_)));
  write(log(given_), flipped(bytes_.size() / 2));  // no such thing happens: it shows who looks
  ASSERT_TRUE(find_log_damage(file(given_)));
  ASSERT_TRUE(History::open(given_).has_value());
  EXPECT_FALSE(fs::exists(given_ / "carbongate.db.damaged"));
}

TEST_F(LogDamage, AnIndexThatKnowsLessOrNothingSaysNothing) {
  const std::string whole = content(index(killed_));
  for (const std::string& bytes :
       {std::string(), whole.substr(0, 40), std::string(whole.size(), '\0'), std::string(whole.size(), 'x')}) {
    given(bytes_, true);
    write(index(given_), bytes);
    EXPECT_EQ(find_log_damage(file(given_)), std::nullopt);
  }
  given("", false);
  EXPECT_EQ(find_log_damage(file(given_)), std::nullopt) << "it ended in order";
  EXPECT_EQ(find_log_damage(directory_.path() / "nothing" / kDatabaseFile), std::nullopt);
}

TEST_F(LogDamage, ALogThatIsBeingWrittenAndBegunAnewIsSound) {
  fs::create_directory(given_);
  std::atomic<bool> is_enough = false;
  std::atomic<int> commits = 0;
  std::thread writer([&] {
    Database database(file(given_), Database::Mode::read_write);
    database.execute("PRAGMA page_size = 512; PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF");
    database.execute("PRAGMA wal_autocheckpoint = 40; CREATE TABLE t(a INTEGER PRIMARY KEY, b BLOB)");
    while (!is_enough) {
      database.execute("INSERT INTO t(b) VALUES(randomblob(3000))");
      ++commits;
    }
  });
  int looks = 0;
  while (commits < 2'000 || looks < 300) {
    EXPECT_EQ(find_log_damage(file(given_)), std::nullopt) << "look " << looks << ", commit " << commits;
    ++looks;
  }
  is_enough = true;
  writer.join();
}

}  // namespace
}  // namespace carbongate::store

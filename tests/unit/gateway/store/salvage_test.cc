#include "gateway/store/salvage.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <random>
#include <utility>

#include "gateway/store/backup.h"
#include "gateway/store/confirmed.h"
#include "gateway/store/database.h"
#include "gateway/store/kept_tables.h"
#include "gateway/store/known_damage.h"
#include "gateway/store/sqlite_store.h"
#include "store_fixtures.h"
#include "tests/support/rounds.h"
#include "tests/support/temporary_directory.h"

namespace carbongate::store {
namespace {

namespace fs = std::filesystem;
using namespace store_test;

constexpr std::size_t kPageBytes = 512;
constexpr int kReadings = 20'000;
constexpr int kEntries = 500;

class Salvage : public ::testing::Test {
 protected:
  // A day's worth: readings, entries among them, states, and a sink that has most of it.
  void SetUp() override {
    open();
    model::Effects effects;
    for (int i = 0; i < kEntries; ++i) {
      for (int j = 0; j < kReadings / kEntries; ++j) {
        const int number = i * (kReadings / kEntries) + j;
        effects.rows.push_back(reading(kIncomer, kStart + number * 1s, number));
      }
      effects.rows.push_back(entry(kStart + i * 15min, i, 2 * i));
      if (i % 10 != 9) continue;
      effects.points = {{kPress, full_point_state()}};
      effects.accounts = {{kPressShop, full_account_state()}};
      run(store_->commit(std::exchange(effects, {}))).value();
    }
    run(store_->settle("tsdb", {kSettled, {}})).value();
    run(store_->commit({{reading(kIncomer, kStart + kReadings * 1s, kReadings)}, {}, {}})).value();
    run(store_->seal(kStart + 24h)).value();
    last_ = store_->status().last_sequence;
    store_.reset();
  }

  void open() {
    store_.reset();
    store_ = SqliteStore::open(config_, site_).value();
  }

  fs::path file() const { return config_.path / kDatabaseFile; }
  std::size_t pages() const { return fs::file_size(file()) / kPageBytes; }

  std::string content() const {
    std::ifstream in(file(), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  std::size_t root_of(const std::string& table) {
    Database database(file(), Database::Mode::read_only);
    return static_cast<std::size_t>(
        database.integer("SELECT rootpage FROM sqlite_master WHERE name = '" + table + "'"));
  }
  // Of an inner page of a table: SQLite's file format, section 1.6.
  std::vector<std::size_t> children_of(std::size_t page) const {
    const std::string bytes = content().substr((page - 1) * kPageBytes, kPageBytes);
    const auto number = [&bytes](std::size_t at, std::size_t size) {
      std::size_t value = 0;
      for (std::size_t i = 0; i < size; ++i) value = value << 8 | static_cast<unsigned char>(bytes.at(at + i));
      return value;
    };
    EXPECT_EQ(bytes.at(0), 0x05);
    std::vector<std::size_t> children{number(8, 4)};
    for (std::size_t i = 0; i < number(3, 2); ++i) children.push_back(number(number(12 + 2 * i, 2), 4));
    return children;
  }
  std::vector<std::string> files_beside() const {
    std::vector<std::string> names;
    for (const auto& one : fs::directory_iterator(config_.path)) {
      if (one.is_regular_file()) names.push_back(one.path().filename().string());
    }
    std::ranges::sort(names);
    return names;
  }

  // `page`: from 0.
  void overwrite(std::size_t page, char byte) {
    std::fstream out(file(), std::ios::in | std::ios::out | std::ios::binary);
    out.seekp(static_cast<std::streamoff>(page * kPageBytes));
    out << std::string(kPageBytes, byte);
  }

  // What a sink that starts anew is given: each row must be one that was written.
  std::size_t rows_there() {
    const auto rows = run(store_->peek("audit", 1'000'000)).value();
    for (const model::StoredRow& row : rows) {
      if (const auto* body = row.body.get_if<model::JudgedReading>()) {
        EXPECT_EQ(body->at, kStart + std::chrono::seconds(static_cast<int>(body->value)));
      } else if (const auto* emitted = row.body.get_if<model::EmissionEntry>()) {
        EXPECT_EQ(emitted->begin, kStart + emitted->amount.quanta() * 15min);
      }
    }
    return rows.size();
  }

  static constexpr std::uint64_t kSettled = 15'000;
  TemporaryDirectory directory_;
  StoreConfig config_{.path = directory_.path() / "store", .block_at_once = 1 << 20};  // as rows
  model::Site site_ = small_site();
  std::unique_ptr<SqliteStore> store_;
  std::uint64_t last_ = 0;
};

TEST_F(Salvage, LeavesASoundStoreAlone) {
  EXPECT_TRUE(find_damage(config_.path).value().empty());
  open();
  EXPECT_EQ(store_->status().repaired, "");
  EXPECT_EQ(rows_there(), last_);
}

TEST_F(Salvage, KeepsAllButThePagesThatCannotBeRead) {
  std::mt19937 random(7);
  std::size_t lost_by_a_leaf = 0;
  const std::string whole = content();
  const int tries = kSanitized ? 6 : 24;
  for (int round = 0; round < tries; ++round) {
    std::ofstream(file(), std::ios::binary | std::ios::trunc) << whole;
    const std::size_t page = 1 + random() % (pages() - 1);
    SCOPED_TRACE("page " + std::to_string(page + 1));
    overwrite(page, round % 2 == 0 ? '\0' : '\xff');

    const auto findings = find_damage(config_.path).value();
    ASSERT_FALSE(findings.empty());
    const auto report = repair(config_.path, findings.front()).value();
    EXPECT_TRUE(find_damage(config_.path).value().empty());
    EXPECT_TRUE(fs::exists(report.set_aside / kDatabaseFile));
    open();
    EXPECT_EQ(store_->status().repaired, "") << "it has been repaired already";
    EXPECT_GT(store_->status().last_sequence, last_) << "numbers that a sink has seen come on no other row";
    const std::size_t lost = last_ - rows_there();
    if (lost != 0 && lost < 300) ++lost_by_a_leaf;
    EXPECT_LT(lost, last_ / 2) << "no page takes all others with it";

    // It goes on: new rows get numbers that no sink has seen, new entries are chained and sealed.
    const std::uint64_t before = store_->status().last_sequence;
    run(store_->commit({{entry(kStart + 1000h, 1, 2)}, {}, {}})).value();
    run(store_->seal(kStart + 2000h)).value();
    EXPECT_EQ(store_->status().last_sequence, before + 1);
    EXPECT_EQ(store_->status().sealed, store_->status().entries);
    EXPECT_GT(store_->status().sealed, static_cast<std::uint64_t>(kEntries)) << "what was sealed stays counted";
    store_.reset();
    fs::remove_all(report.set_aside);
  }
  EXPECT_GE(lost_by_a_leaf * 2, static_cast<std::size_t>(tries)) << "most pages are leaves of the journal";
}

// The key can be read, the record behind it cannot: there is nothing between the damage and the next readable key.
TEST_F(Salvage, LeavesARecordOutWhoseHeaderIsWrong) {
  std::string bytes = content();
  std::size_t page = pages() / 2 * kPageBytes;
  while (bytes.at(page) != 0x0d) page += kPageBytes;  // a leaf of a table
  const auto at = [&](std::size_t offset) { return static_cast<unsigned char>(bytes.at(page + offset)); };
  std::size_t cell = at(8) * 256u + at(9);  // SQLite's file format, section 1.6: the first cell
  const auto skip_number = [&] {
    while (at(cell++) >= 0x80) {
    }
  };
  skip_number();                   // size of the record
  skip_number();                   // key
  bytes.at(page + cell) = '\x7f';  // size of its header
  std::ofstream(file(), std::ios::binary | std::ios::trunc) << bytes;

  ASSERT_FALSE(find_damage(config_.path).value().empty());
  ASSERT_TRUE(repair(config_.path, "a bit is wrong").has_value());
  EXPECT_TRUE(find_damage(config_.path).value().empty());
  open();
  EXPECT_GE(rows_there(), last_ - 200);
}

TEST_F(Salvage, OfARowWhoseNumberIsWrongCostsThatRow) {
  std::mt19937 random(13);
  const std::string whole = content();
  const int rounds = kSanitized ? 6 : 24;
  for (int round = 0; round < rounds; ++round) {
    std::string bytes = whole;
    std::size_t page = 0;
    const auto at = [&](std::size_t offset) { return static_cast<unsigned char>(bytes.at(page + offset)); };
    const auto cells = [&] { return bytes.at(page) == 0x0d ? at(3) * 256u + at(4) : 0; };  // of a leaf
    do page = (1 + random() % (pages() - 1)) * kPageBytes;
    while (cells() == 0);
    const std::size_t pointer = 8 + 2 * (random() % cells());
    std::size_t key = at(pointer) * 256u + at(pointer + 1);
    while (at(key++) >= 0x80) {  // the size of the record
    }
    bytes.at(page + key) = static_cast<char>(bytes.at(page + key) ^ (1 << (random() % 7)));
    SCOPED_TRACE("byte " + std::to_string(page + key));
    std::ofstream(file(), std::ios::binary | std::ios::trunc) << bytes;
    const auto report = repair(config_.path, "a bit is wrong").value();
    EXPECT_TRUE(find_damage(config_.path).value().empty());
    open();
    EXPECT_GE(rows_there(), last_ - 100);  // what hangs on one that is lost is a page at most
    store_.reset();
    fs::remove_all(report.set_aside);
    fs::remove(config_.path / kConfirmedFile);
  }
}

TEST_F(Salvage, StartsByItselfWithATornTail) {
  fs::resize_file(file(), fs::file_size(file()) - 3 * kPageBytes - 100);
  open();
  EXPECT_NE(store_->status().repaired.find("journal:"), std::string::npos) << store_->status().repaired;
  EXPECT_GT(rows_there(), last_ * 9 / 10);
  EXPECT_TRUE(fs::exists(config_.path / "damaged-1" / "report.txt"));
}

TEST_F(Salvage, StartsByItselfWhereTheFileIsNoDatabaseAnyMore) {
  for (std::size_t page = 0; page < pages(); ++page) overwrite(page, 'x');
  open();
  EXPECT_NE(store_->status().repaired.find("not a database"), std::string::npos) << store_->status().repaired;
  EXPECT_EQ(rows_there(), 0u);
  EXPECT_TRUE(run(store_->commit({{reading(kIncomer, kStart, 1)}, {}, {}})).has_value());
  store_.reset();
  EXPECT_EQ(fs::file_size(config_.path / "damaged-1" / kDatabaseFile) % kPageBytes, 0u) << "set aside, not deleted";
}

TEST_F(Salvage, LosesNothingWithTheFirstPage) {
  const std::string whole = content();
  for (const char byte : {'\0', 'x'}) {
    for (const bool with_kept_tables : {true, false}) {
      SCOPED_TRACE(std::to_string(byte) + (with_kept_tables ? " with" : " without"));
      std::ofstream(file(), std::ios::binary | std::ios::trunc) << whole;
      overwrite(0, byte);
      if (!with_kept_tables) fs::remove(config_.path / kTablesFile);
      const auto report = repair(config_.path, "the first page is gone").value();
      EXPECT_TRUE(report.is_reopened);
      for (const TableSalvage& table : report.tables) EXPECT_TRUE(table.is_whole()) << table.table;
      EXPECT_TRUE(find_damage(config_.path).value().empty());
      open();
      EXPECT_EQ(rows_there(), last_);
      EXPECT_EQ(store_->status().entries, static_cast<std::uint64_t>(kEntries));
      EXPECT_EQ(store_->checkpoint().points[1], full_point_state());
      store_.reset();
      EXPECT_EQ(files_beside(), (std::vector<std::string>{"carbongate.confirmed", "carbongate.db", "carbongate.lock",
                                                          kTablesFile, "ledger.key", "ledger.pub"}));
      fs::remove_all(report.set_aside);
    }
  }
}

// What the log has of the first page is newer than the page.
TEST_F(Salvage, LosesNothingWithTheFirstPageWhileTheLogIsThere) {
  open();
  run(store_->commit({{reading(kIncomer, kStart + (kReadings + 1) * 1s, kReadings + 1)}, {}, {}})).value();
  const fs::path copy = directory_.path() / "crashed";  // as kill -9 leaves it
  fs::copy(config_.path, copy, fs::copy_options::recursive);
  store_.reset();
  fs::remove_all(config_.path);
  fs::rename(copy, config_.path);
  ASSERT_GT(fs::file_size(file().string() + "-wal"), 0u);
  overwrite(0, '\0');
  repair(config_.path, "the first page is gone").value();
  open();
  EXPECT_EQ(rows_there(), last_ + 1);
}

// A disk loses sectors of 4,096 bytes: that is the list of tables, the names of everything and the journal's root.
TEST_F(Salvage, LosesNoReadingWithTheFirstSectorOfTheDisk) {
  for (std::size_t page = 0; page < 8; ++page) overwrite(page, '\0');
  const auto report = repair(config_.path, "the first sector is gone").value();
  EXPECT_TRUE(report.is_reopened);
  open();
  EXPECT_EQ(rows_there(), last_) << report.to_text();
  EXPECT_EQ(store_->status().entries, static_cast<std::uint64_t>(kEntries));
}

TEST_F(Salvage, LosesNothingWithTheFirstPageOfTheJournalAlone) {
  overwrite(root_of("journal") - 1, '\0');
  const auto report = repair(config_.path, "the root of the journal is gone").value();
  open();
  EXPECT_EQ(rows_there(), last_) << report.to_text();
}

TEST_F(Salvage, LosesItsOwnRowsAloneWithTheFirstLeafOfTheJournal) {
  std::size_t page = root_of("journal");
  while (content().at((page - 1) * kPageBytes) == 0x05) page = children_of(page).at(1);  // the leftmost; 0 is the last
  overwrite(page - 1, '\0');
  const auto report = repair(config_.path, "the oldest rows are gone").value();
  open();
  EXPECT_GT(rows_there(), last_ - 100) << report.to_text();
}

TEST_F(Salvage, LosesNoLinkWithTheFirstPageOfTheLedger) {
  overwrite(root_of("ledger") - 1, '\0');
  const auto report = repair(config_.path, "the root of the ledger is gone").value();
  EXPECT_EQ(report.rechained, 0u);
  open();
  EXPECT_EQ(store_->status().entries, static_cast<std::uint64_t>(kEntries));
}

TEST_F(Salvage, TakesNamesFromBesideTheDatabase) {
  overwrite(root_of("series") - 1, '\0');
  const auto report = repair(config_.path, "the names are gone").value();
  EXPECT_EQ(report.tables[1].restored, 3) << report.to_text();
  open();
  EXPECT_EQ(rows_there(), last_);
}

TEST_F(Salvage, DoesNotTakeNamesOfAnotherStore) {
  const std::string names = [&] {
    std::ifstream in(config_.path / kTablesFile, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
  }();
  std::string changed = names;
  changed.replace(changed.find("press-shop"), 10, "paintworks");
  std::ofstream(config_.path / kTablesFile, std::ios::binary) << changed;
  overwrite(root_of("series") - 1, '\0');
  const auto report = repair(config_.path, "the names are gone").value();
  EXPECT_EQ(report.tables[1].restored, 0) << "its hash is not that of its lines";
}

TEST_F(Salvage, NotesDamageThatItMeetsOnTheWayForTheNextStart) {
  for (std::size_t page = pages() / 3; page < pages() / 3 + 20; ++page) overwrite(page, '\0');
  open();
  EXPECT_EQ(store_->status().repaired, "") << "the start looks at the end only";
  EXPECT_TRUE(run(store_->peek("new", 1'000'000)).has_error());
  EXPECT_NE(store_->status().damage, "");
  open();
  EXPECT_NE(store_->status().repaired, "");
  EXPECT_EQ(store_->status().damage, "");
  EXPECT_GT(rows_there(), last_ / 2);
}

TEST_F(Salvage, GoesOnWhereARepairWasCutOff) {
  overwrite(pages() / 2, '\0');
  mark_damaged(config_.path, "a page is gone");
  // As after a power cut: a copy that is not complete, and one moved file.
  std::ofstream(config_.path / "carbongate.db.salvaging") << "half of it";
  fs::create_directory(config_.path / "damaged-1");
  open();
  EXPECT_NE(store_->status().repaired.find("a page is gone"), std::string::npos);
  const std::size_t kept = rows_there();
  EXPECT_GT(kept, last_ / 2);
  store_.reset();

  // Complete, but not yet in its place.
  fs::rename(file(), config_.path / "carbongate.db.salvaged");
  mark_damaged(config_.path, "again");
  open();
  EXPECT_GE(rows_there(), kept);
  EXPECT_FALSE(fs::exists(config_.path / "carbongate.db.damaged"));
}

TEST_F(Salvage, WorksOutLostLinksOfTheLedger) {
  const auto hashes = [&] {
    Database database(file(), Database::Mode::read_only);
    return database.text("SELECT group_concat(number || ':' || seq || ':' || hex(hash)) FROM ledger");
  };
  const std::string before = hashes();
  for (const std::size_t page : children_of(root_of("ledger"))) overwrite(page - 1, '\0');
  const auto report = repair(config_.path, "the ledger is gone").value();
  EXPECT_EQ(report.rechained, static_cast<std::uint64_t>(kEntries));
  EXPECT_EQ(hashes(), before);
}

TEST_F(Salvage, DoesNotMakeUpLinksThatSomebodyTookOut) {
  {
    Database database(file(), Database::Mode::read_write);
    database.execute("DELETE FROM ledger WHERE number BETWEEN 100 AND 120");
    database.execute("UPDATE checkpoint SET state = x'ff' WHERE subject = 2");
  }
  const auto findings = find_damage(config_.path).value();
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_EQ(findings.front(), "checkpoint: 1 rows are not what this program writes");
  EXPECT_EQ(repair(config_.path, findings.front()).value().rechained, 0u) << "verify shall find that they are missing";
}

TEST(Backup, IsOneMomentOfAStoreThatGoesOn) {
  TemporaryDirectory directory;
  const StoreConfig config{.path = directory.path() / "store"};
  const model::Site site = small_site();
  auto store = SqliteStore::open(config, site).value();
  run(store->commit({{reading(kIncomer, kStart, 1), entry(kStart, 1, 2)}, {{kPress, full_point_state()}}, {}})).value();
  run(store->settle("tsdb", {1, {}})).value();
  run(store->commit({{reading(kIncomer, kStart + 1s, 2)}, {}, {}})).value();

  const auto report = back_up(config, directory.path() / "copy", true).value();
  EXPECT_EQ(report.rows, 3u);
  EXPECT_EQ(report.entries, 1u);
  run(store->commit({{reading(kIncomer, kStart + 2s, 3)}, {}, {}})).value();
  EXPECT_TRUE(back_up(config, directory.path() / "copy", true).has_error()) << "never over another one";

  // Another gateway goes on from the copy, also where the first one still runs.
  const StoreConfig restored{.path = directory.path() / "copy"};
  auto second = SqliteStore::open(restored, site).value();
  EXPECT_EQ(second->status().last_sequence, 3u);
  EXPECT_EQ(second->checkpoint().points[1], full_point_state());
  EXPECT_NE(second->status().id, store->status().id) << "rows that the two write from now on are not the same ones";
  EXPECT_EQ(values(run(second->peek("tsdb", 10)).value()), std::vector<double>{2}) << "its cursor is there";
  EXPECT_EQ(run(second->seal(kStart + 1h)).has_value(), true);
  EXPECT_EQ(second->status().seal_trouble, "");
}

TEST(Backup, LeavesNothingHalfDone) {
  TemporaryDirectory directory;
  const StoreConfig config{.path = directory.path() / "store"};
  EXPECT_TRUE(back_up(config, directory.path() / "copy", false).has_error()) << "no store";
  auto store = SqliteStore::open(config, small_site()).value();
  std::ofstream(directory.path() / "file") << "x";
  const auto refused = back_up(config, directory.path() / "file", false);
  ASSERT_TRUE(refused.has_error());
  EXPECT_NE(refused.error().text.find("there already"), std::string::npos) << refused.error().text;
  EXPECT_FALSE(fs::exists(directory.path() / "copy" / kDatabaseFile));
}

TEST_F(Salvage, OfAFileThatLostAllOfItsBytesSaysSo) {
  fs::resize_file(file(), 0);
  open();
  EXPECT_TRUE(fs::exists(config_.path / "damaged-1" / kDatabaseFile));
  EXPECT_TRUE(fs::exists(config_.path / "damaged-1" / "report.txt"));
  EXPECT_GE(store_->status().last_sequence, last_) << "no number is used twice";
  open();
  EXPECT_FALSE(fs::exists(config_.path / "damaged-2")) << "once";
}

TEST_F(Salvage, OfAFileThatIsNotThereSaysSo) {
  fs::remove(file());
  open();
  EXPECT_NE(store_->status().repaired.find("carbongate.db is missing, and a gateway has run here"), std::string::npos)
      << store_->status().repaired;
  EXPECT_GT(store_->status().last_sequence, last_) << "no number is used twice";
  store_.reset();
  for (const auto& one : fs::directory_iterator(config_.path)) fs::remove_all(one);
  open();
  EXPECT_EQ(store_->status().repaired, "") << "it was begun anew";
}

TEST_F(Salvage, WhatIsMovedAwayUnderTheGatewayTakesNoMoreRows) {
  open();
  const fs::path away = config_.path.string() + ".away";
  fs::rename(config_.path, away);
  const auto refused = run(store_->commit({{entry(kStart + 1000h, 1, 2)}, {}, {}}));
  ASSERT_TRUE(refused.has_error());
  EXPECT_NE(refused.error().text.find("moved away under the gateway"), std::string::npos) << refused.error().text;
  fs::rename(away, config_.path);
  EXPECT_TRUE(run(store_->commit({{entry(kStart + 1000h, 1, 2)}, {}, {}})).has_value());
  fs::remove(file());
  EXPECT_TRUE(run(store_->commit({{entry(kStart + 2000h, 1, 2)}, {}, {}})).has_error());
}

}  // namespace
}  // namespace carbongate::store

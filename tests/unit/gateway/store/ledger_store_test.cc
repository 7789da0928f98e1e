// The ledger as the store keeps it: chained with the entries, sealed, and any change in the database is found and
// named.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <random>

#include "gateway/ledger/canonical.h"
#include "gateway/ledger/verify.h"
#include "gateway/model/entry_name.h"
#include "gateway/store/database.h"
#include "gateway/store/key_file.h"
#include "gateway/store/key_rotation.h"
#include "gateway/store/ledger_reader.h"
#include "gateway/store/record.h"
#include "gateway/store/series_table.h"
#include "gateway/store/sqlite_store.h"
#include "store_fixtures.h"
#include "tests/support/rounds.h"
#include "tests/support/temporary_directory.h"

namespace carbongate::store {
namespace {

using namespace store_test;
using ::testing::HasSubstr;
using Kind = ledger::Finding::Kind;

class LedgerStoreTest : public ::testing::Test {
 protected:
  void open() {
    store_.reset();
    store_ = SqliteStore::open(config_, site_).value();
  }
  void close() { store_.reset(); }

  // One commit: a reading, and `count` entries after those that are there.
  void book(int count) {
    model::Effects effects;
    effects.rows.push_back(reading(kIncomer, kStart, 1));
    for (int i = 0; i < count; ++i, ++booked_) {
      effects.rows.push_back(entry(kStart + booked_ * 15min, 1'000 + booked_, 500 + booked_));
      effects.rows.push_back(interval(kPress, kStart + booked_ * 15min, 1'000 + booked_));
    }
    run(store_->commit(std::move(effects))).value();
  }
  void seal() { run(store_->seal(kStart + booked_ * 15min)).value(); }

  void sql(const std::string& text) { Database(file(), Database::Mode::read_write).execute(text); }
  std::int64_t number(const std::string& text) { return Database(file(), Database::Mode::read_only).integer(text); }
  std::string sequence_of(std::int64_t n) {
    return "(SELECT seq FROM ledger WHERE number = " + std::to_string(n) + ")";
  }
  std::string name_of(std::int64_t n) {
    return "press-shop/electricity/press.energy@" + model::format_utc(kStart + (n - 1) * 15min) + "#0";
  }

  std::vector<ledger::Row> rows(const LedgerReader::Range& range = {}) {
    std::vector<ledger::Row> result;
    LedgerReader::open(config_.path)
        .value()
        ->each(range,
               [&](const ledger::Row& row) {
                 result.push_back(row);
                 return true;
               })
        .value();
    return result;
  }
  ledger::Summary verified(const LedgerReader::Range& range = {}) {
    ledger::Verifier verifier({read_public_key(config_.path / kLedgerPublicFile), {}});
    for (const ledger::Row& row : rows(range)) verifier.take(row);
    return verifier.finish();
  }
  static std::string text_of(const ledger::Summary& summary) {
    std::string text;
    for (const auto& f : summary.findings) text += f.text + "\n";
    return text;
  }

  // A store of twenty entries, sealed after 8 and 16, closed.
  void make_ledger() {
    open();
    for (int i = 0; i < 5; ++i) {
      book(4);
      if (i % 2 == 1) seal();
    }
    close();
    ASSERT_EQ(verified().findings_total, 0u) << text_of(verified());
  }

  TemporaryDirectory directory_;
  StoreConfig config_{.path = directory_.path() / "store"};
  model::Site site_ = small_site();
  std::unique_ptr<SqliteStore> store_;
  std::int64_t booked_ = 0;

  std::filesystem::path file() const { return config_.path / kDatabaseFile; }
};

TEST_F(LedgerStoreTest, ChainsEveryEntryAndNothingElse) {
  make_ledger();
  const ledger::Summary summary = verified();
  EXPECT_EQ(summary.entries, 20u);
  EXPECT_EQ(summary.proven, 16u);
  EXPECT_EQ(number("SELECT count(*) FROM ledger"), 20);
  open();
  EXPECT_EQ(store_->status().entries, 20u);
  EXPECT_EQ(store_->status().sealed, 16u);
  EXPECT_EQ(store_->status().seal_trouble, "");
}

TEST_F(LedgerStoreTest, GoesOnWhereItStoodAfterARestart) {
  make_ledger();
  open();
  book(3);
  seal();
  EXPECT_EQ(verified().findings_total, 0u) << "beside the running store: " << text_of(verified());
  close();
  EXPECT_EQ(verified().proven, 23u);
}

TEST_F(LedgerStoreTest, DoesNotChainACommitThatFailed) {
  open();
  book(2);
  {  // the disk says no to the journal's next row
    Database database(file(), Database::Mode::read_write);
    database.execute(
        "CREATE TRIGGER no BEFORE INSERT ON journal WHEN new.kind = 2 BEGIN SELECT RAISE(ABORT, 'no'); END");
  }
  EXPECT_TRUE(run(store_->commit({{entry(kStart, 1, 1), interval(kPress, kStart, 1)}, {}, {}})).has_error());
  sql("DROP TRIGGER no");
  book(2);
  seal();
  const ledger::Summary summary = verified();
  EXPECT_EQ(summary.findings_total, 0u) << text_of(summary);
  EXPECT_EQ(summary.proven, 4u);
}

TEST_F(LedgerStoreTest, SealsOnlyWhatIsNew) {
  open();
  seal();
  EXPECT_EQ(number("SELECT count(*) FROM seal"), 0);
  book(1);
  seal();
  seal();
  EXPECT_EQ(number("SELECT count(*) FROM seal"), 1);
}

TEST_F(LedgerStoreTest, GivesTheSameBytesForTheSameKeyAndEntries) {
  const auto key = directory_.path() / "shared.key";
  config_.ledger_key_file = key;
  make_ledger();
  const auto first = rows();
  config_.path = directory_.path() / "again";
  booked_ = 0;
  make_ledger();
  EXPECT_EQ(rows(), first);
}

TEST_F(LedgerStoreTest, ReadsAStretchThatProvesItself) {
  make_ledger();
  const LedgerReader::Range range{kStart + 10 * 15min, kStart + 13 * 15min};
  const ledger::Summary summary = verified(range);
  EXPECT_EQ(summary.findings_total, 0u) << text_of(summary);
  EXPECT_EQ(summary.first, 11u);
  EXPECT_EQ(summary.head.number, 16u) << "on to the end of the seal";
  EXPECT_EQ(summary.proven, 16u);
  EXPECT_TRUE(rows({kStart - 2h, kStart - 1h}).empty());
  EXPECT_EQ(verified({kStart + 18 * 15min, {}}).entries, 2u) << "not sealed yet";
}

TEST_F(LedgerStoreTest, StaysWholeWhenReadingsAreDropped) {
  config_.size_max = 1;  // everything that may be dropped is
  make_ledger();
  EXPECT_EQ(number("SELECT count(*) FROM journal WHERE kind = 0"), 0);
  EXPECT_EQ(verified().entries, 20u);
}

TEST_F(LedgerStoreTest, NamesAnEntryWhoseRecordWasChanged) {
  make_ledger();
  sql("UPDATE journal SET body = CAST(replace(CAST(body AS TEXT), '2023', '2024') AS BLOB) WHERE seq = " +
      sequence_of(5));
  const ledger::Summary summary = verified();
  ASSERT_EQ(summary.findings_total, 1u) << text_of(summary);
  EXPECT_EQ(summary.findings[0].text, "entry 5 (" + name_of(5) + ") was changed");
}

TEST_F(LedgerStoreTest, NamesAnEntryWhoseColumnsWereChanged) {
  make_ledger();
  sql("UPDATE journal SET quality = 2 WHERE seq = " + sequence_of(6));
  sql("UPDATE journal SET at = at + 60000 WHERE seq = " + sequence_of(9));
  const ledger::Summary summary = verified();
  ASSERT_EQ(summary.findings_total, 2u) << text_of(summary);
  EXPECT_EQ(summary.findings[0].number, 6u);
  EXPECT_EQ(summary.findings[1].number, 9u);
}

TEST_F(LedgerStoreTest, NamesAllEntriesOfAnAccountThatWasRenamed) {
  make_ledger();
  sql("UPDATE subject SET user = 'paint-shop' WHERE kind = 1");
  EXPECT_EQ(verified().findings_total, 20u);
  EXPECT_THAT(verified().findings[0].text,
              HasSubstr("entry 1 (paint-shop/electricity/press.energy@2026-01-01T00:00:00Z#0)"));
}

TEST_F(LedgerStoreTest, NamesAllEntriesOfAnAccountThatWasMovedIntoAnother) {
  make_ledger();
  sql("UPDATE series SET part_of = 'works' WHERE scope <> 0 OR user_name <> ''");
  const auto summary = verified();
  EXPECT_EQ(summary.findings_total, 20u);
  EXPECT_THAT(text_of(summary), HasSubstr("entry 3 (" + name_of(3) + ") was changed"));
}

// As a store of an earlier version has them, and what a correction makes of them.
TEST_F(LedgerStoreTest, GoesOnBehindEntriesThatDoNotNameWhatContainsThem) {
  open();
  book(2);
  close();
  const model::Series series = describe(site_, site_.accounts.at(0));
  ledger::Hash before = ledger::genesis(site_.id);
  {
    Database database(file(), Database::Mode::read_write);
    RecordCodec codec;
    for (int n = 1; n <= 2; ++n) {
      model::EmissionEntry old;
      {
        Statement read(database, "SELECT at, quality, body FROM journal WHERE seq = " + sequence_of(n));
        Rows one(read);
        one.next();
        old = codec
                  .decode_row({.kind = RowKind::entry,
                               .at_ms = read.integer(0),
                               .value = 0,
                               .quality = read.integer(1),
                               .body = read.blob(2)})
                  .get<model::EmissionEntry>();
      }
      EXPECT_TRUE(old.names_part_of);
      old.names_part_of = false;
      Statement body(database, "UPDATE journal SET body = ?1 WHERE seq = " + sequence_of(n));
      body.bind_blob(1, codec.encode(model::RowBody(old)).body).run();
      before = ledger::next_hash(before, ledger::canonical_line(series, old));
      Statement hash(database, "UPDATE ledger SET hash = ?1 WHERE number = ?2");
      hash.bind_blob(1, {reinterpret_cast<const char*>(before.data()), before.size()}).bind(2, std::int64_t{n}).run();
    }
  }
  open();
  model::Effects effects;
  auto row = entry(kStart, 7, 7);
  row.body.get<model::EmissionEntry>().names_part_of = false;
  row.body.get<model::EmissionEntry>().revision = 1;
  effects.rows.push_back(row);
  run(store_->commit(std::move(effects))).value();
  book(1);
  seal();
  close();
  const auto all = rows();
  std::string formats;
  for (const ledger::Row& one : all) {
    if (const auto* kept = std::get_if<ledger::EntryRow>(&one)) formats += kept->line.at(17);
  }
  EXPECT_EQ(formats, "1133");
  EXPECT_EQ(verified().findings_total, 0u) << text_of(verified());
}

TEST_F(LedgerStoreTest, NamesAnEntryThatIsGoneFromTheJournal) {
  make_ledger();
  sql("DELETE FROM journal WHERE seq = " + sequence_of(7));
  const ledger::Summary summary = verified();
  ASSERT_EQ(summary.findings_total, 1u) << text_of(summary);
  EXPECT_EQ(summary.findings[0].kind, Kind::entry_missing);
  EXPECT_THAT(summary.findings[0].text, HasSubstr("entry 7: its row "));
  EXPECT_THAT(summary.findings[0].text, HasSubstr("of the journal is missing, after entry 6 (" + name_of(6) + ")"));
}

TEST_F(LedgerStoreTest, NamesAnEntryThatIsGoneFromJournalAndLedger) {
  make_ledger();
  sql("DELETE FROM journal WHERE seq = " + sequence_of(7) + "; DELETE FROM ledger WHERE number = 7");
  const ledger::Summary summary = verified();
  ASSERT_EQ(summary.findings_total, 1u) << text_of(summary);
  EXPECT_THAT(summary.findings[0].text, HasSubstr("entry 7 is missing, after entry 6 (" + name_of(6)));
}

TEST_F(LedgerStoreTest, NamesAnEntryThatWasPutIntoTheJournal) {
  make_ledger();
  sql("INSERT INTO journal SELECT 9999, kind, series, at, value, quality, body FROM journal WHERE seq = " +
      sequence_of(3));
  const ledger::Summary summary = verified();
  ASSERT_EQ(summary.findings_total, 1u) << text_of(summary);
  EXPECT_EQ(summary.findings[0].kind, Kind::entry_unlinked) << "behind the last link: perhaps the next was lost";
  EXPECT_THAT(summary.findings[0].text, HasSubstr("entry " + name_of(3) + " (row 9999 of the journal)"));
}

TEST_F(LedgerStoreTest, NamesEntriesThatWereExchanged) {
  make_ledger();
  const auto third = number("SELECT seq FROM ledger WHERE number = 3");
  const auto eleventh = number("SELECT seq FROM ledger WHERE number = 11");
  sql("UPDATE ledger SET seq = " + std::to_string(eleventh) +
      " WHERE number = 3; UPDATE ledger SET seq = " + std::to_string(third) + " WHERE number = 11");
  const ledger::Summary summary = verified();
  ASSERT_EQ(summary.findings_total, 2u) << text_of(summary);
  EXPECT_EQ(summary.findings[0].text, "entry 3 is not in its place: it stands as entry 11 (" + name_of(3) + ")");
}

TEST_F(LedgerStoreTest, FindsSealsThatWereChangedOrTakenOut) {
  make_ledger();
  sql("UPDATE seal SET line = replace(line, '2026-01-01T02', '2026-01-01T03') WHERE number = 1");
  EXPECT_EQ(verified().findings_total, 1u);
  sql("DELETE FROM seal WHERE number = 1");
  EXPECT_EQ(verified().findings[0].kind, Kind::seal_missing);
  sql("UPDATE seal SET line = 'x'");
  EXPECT_EQ(verified().findings[0].kind, Kind::unreadable);
}

// Random changes of any stored value of an entry, an account or the ledger, of the kind that sqlite3 makes easy.
TEST_F(LedgerStoreTest, FindsAnyRandomChangeOfTheDatabase) {
  make_ledger();
  const auto original = directory_.path() / "original.db";
  std::filesystem::copy_file(file(), original);
  std::mt19937 random(7);
  const auto any = [&](std::int64_t limit) { return std::uniform_int_distribution<std::int64_t>(1, limit)(random); };
  for (int round = 0; round < rounds(500); ++round) {
    std::filesystem::copy_file(original, file(), std::filesystem::copy_options::overwrite_existing);
    const auto n = any(20);
    const auto sealed = any(16);
    const std::string at = sequence_of(n);
    std::string change;
    bool named = true;
    switch (any(10)) {
      case 1: {  // any octet of the record
        Database database(file(), Database::Mode::read_write);
        std::string body;
        {
          Statement read(database, "SELECT body FROM journal WHERE seq = " + at);
          Rows one(read);
          one.next();
          body = read.blob(0);
        }
        const auto place = static_cast<std::size_t>(any(static_cast<std::int64_t>(body.size())) - 1);
        body[place] = static_cast<char>(body[place] ^ static_cast<char>(1 << (any(8) - 1)));
        Statement write(database, "UPDATE journal SET body = ?1 WHERE seq = " + at);
        write.bind_blob(1, body).run();
        break;
      }
      case 2: change = "UPDATE journal SET quality = quality + 1 WHERE seq = " + at; break;
      case 3: change = "UPDATE journal SET at = at - 1 WHERE seq = " + at; break;
      case 4: change = "UPDATE journal SET kind = 2 WHERE seq = " + at; break;
      case 5: change = "UPDATE journal SET series = 1 WHERE seq = " + at; break;
      case 6: change = "UPDATE journal SET body = NULL WHERE seq = " + at; break;
      case 7:
        change = "DELETE FROM ledger WHERE number = " + std::to_string(sealed);
        named = false;
        break;
      case 8: change = "UPDATE ledger SET hash = randomblob(32) WHERE number = " + std::to_string(n); break;
      case 9: change = "UPDATE ledger SET seq = seq + 1 WHERE number = " + std::to_string(n); break;
      case 10: change = "DELETE FROM journal WHERE seq = " + at; break;
      default: break;
    }
    if (!change.empty()) sql(change);
    const ledger::Summary summary = verified();
    ASSERT_NE(summary.findings_total, 0u) << change;
    if (!named) continue;
    ASSERT_TRUE(std::ranges::any_of(summary.findings,
                                    [&](const ledger::Finding& f) {
                                      return f.number <= static_cast<std::uint64_t>(n) &&
                                             static_cast<std::uint64_t>(n) <= f.last;
                                    }))
        << "entry " << n << " is not named after " << change << "\n"
        << text_of(summary);
  }
}

// ---- keys

TEST_F(LedgerStoreTest, MakesAKeyForItsOwnEyesAndPublishesTheOtherHalf) {
  open();
  struct stat info{};
  ASSERT_EQ(::stat((config_.path / kLedgerKeyFile).c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  EXPECT_TRUE(read_public_key(config_.path / kLedgerPublicFile));
  EXPECT_FALSE(read_public_key(config_.path / kLedgerKeyFile));
}

TEST_F(LedgerStoreTest, GoesOnChainingWithoutItsKeyAndSaysSo) {
  make_ledger();
  std::filesystem::rename(config_.path / kLedgerKeyFile, directory_.path() / "kept.key");
  open();
  EXPECT_THAT(store_->status().seal_trouble, HasSubstr("put the key back"));
  EXPECT_FALSE(std::filesystem::exists(config_.path / kLedgerKeyFile)) << "a new key would break the row of seals";
  book(2);
  EXPECT_TRUE(run(store_->seal(kStart)).has_error());
  close();
  std::filesystem::rename(directory_.path() / "kept.key", config_.path / kLedgerKeyFile);
  open();
  seal();
  EXPECT_EQ(verified().findings_total, 0u) << text_of(verified());
  EXPECT_EQ(verified().proven, 22u);
}

TEST_F(LedgerStoreTest, DoesNotSealWithAKeyThatNobodyAnnounced) {
  make_ledger();
  write_key(config_.path / kLedgerKeyFile, ledger::SigningKey::generate(), true);
  open();
  EXPECT_THAT(store_->status().seal_trouble, HasSubstr("holds another key"));
}

TEST_F(LedgerStoreTest, SaysThatAFileHoldsNoKey) {
  open();
  close();
  std::ofstream(config_.path / kLedgerKeyFile) << "nonsense";
  open();
  EXPECT_THAT(store_->status().seal_trouble, HasSubstr("holds no Ed25519 private key"));
}

TEST_F(LedgerStoreTest, TakesItsKeyFromTheEnvironmentToo) {
  const auto key = ledger::SigningKey::generate();
  config_.ledger_key = config::Secret(key.pem());
  make_ledger();
  EXPECT_EQ(read_public_key(config_.path / kLedgerPublicFile), key.public_key());
  EXPECT_FALSE(std::filesystem::exists(config_.path / kLedgerKeyFile));
  EXPECT_TRUE(rotate_key(config_, "edz-1", false, kStart).has_error());
}

TEST_F(LedgerStoreTest, HandsTheLedgerOverToANewKey) {
  make_ledger();
  const auto first = read_public_key(config_.path / kLedgerPublicFile);
  const auto second = rotate_key(config_, "edz-1", false, kStart + 6h).value();
  EXPECT_EQ(read_public_key(config_.path / kLedgerPublicFile), second);
  open();
  book(2);
  seal();
  close();
  for (const auto& key : {*first, second}) {
    ledger::Verifier verifier({key, {}});
    for (const ledger::Row& row : rows()) verifier.take(row);
    const ledger::Summary summary = verifier.finish();
    EXPECT_EQ(summary.findings_total, 0u) << text_of(summary);
    EXPECT_EQ(summary.proven, 22u);
  }
}

TEST_F(LedgerStoreTest, FinishesAHandOverThatWasInterrupted) {
  make_ledger();
  const auto key = config_.path / kLedgerKeyFile;
  std::filesystem::copy_file(key, directory_.path() / "old.key");
  const auto second = rotate_key(config_, "edz-1", false, kStart + 6h).value();
  std::filesystem::rename(key, next_key_file_of(config_));  // as it was before the last step
  std::filesystem::copy_file(directory_.path() / "old.key", key);
  open();
  EXPECT_EQ(store_->status().seal_trouble, "");
  book(1);
  seal();
  EXPECT_EQ(verified().key, second);
  EXPECT_EQ(verified().findings_total, 0u) << text_of(verified());
}

TEST_F(LedgerStoreTest, BeginsAgainWithALostKeyAndVerificationSaysSo) {
  make_ledger();
  std::filesystem::remove(config_.path / kLedgerKeyFile);
  EXPECT_TRUE(rotate_key(config_, "edz-1", false, kStart + 6h).has_error());
  ASSERT_TRUE(rotate_key(config_, "edz-1", true, kStart + 6h).has_value());
  const ledger::Summary summary = verified();
  ASSERT_EQ(summary.findings_total, 1u) << text_of(summary);
  EXPECT_EQ(summary.findings[0].kind, Kind::seal_foreign);
}

TEST_F(LedgerStoreTest, DoesNotReplaceTheKeyUnderARunningGateway) {
  open();
  const auto result = rotate_key(config_, "edz-1", false, kStart);
  ASSERT_TRUE(result.has_error());
  EXPECT_THAT(result.error().text, HasSubstr("in use by process"));
}

}  // namespace
}  // namespace carbongate::store

// Readings in blocks are the readings that were rows: every way to read them gives the same.
#include <gtest/gtest.h>

#include <bit>
#include <fstream>
#include <random>
#include <sstream>

#include "gateway/store/block_table.h"
#include "gateway/store/database.h"
#include "gateway/store/dead_letters.h"
#include "gateway/store/history.h"
#include "gateway/store/journal.h"
#include "gateway/store/migrations.h"
#include "gateway/store/salvage.h"
#include "store_fixtures.h"
#include "tests/support/temporary_directory.h"

namespace carbongate::store {
namespace {

using namespace store_test;
using What = History::What;

std::string text_of(const model::StoredRow& row) {
  std::ostringstream out;
  out << row.sequence << " " << row.series->device << " " << row.body.index();
  if (const auto* reading = row.body.get_if<model::JudgedReading>()) {
    out << " " << reading->at.time_since_epoch().count() << " " << std::hex
        << std::bit_cast<std::uint64_t>(reading->value) << " " << encode_quality(reading->quality);
  }
  return out.str();
}

std::vector<std::string> texts(const std::vector<model::StoredRow>& rows) {
  std::vector<std::string> result;
  for (const model::StoredRow& row : rows) result.push_back(text_of(row));
  return result;
}

class Compaction : public ::testing::Test {
 protected:
  Compaction() {
    blocks_.block_rows = 100;
    blocks_.block_at_once = rows_.block_at_once = kNever;
    rows_.block_rows = kNever;
  }

  static constexpr std::int64_t kNever = 1 << 20;

  static std::int64_t number(const StoreConfig& config, const std::string& sql) {
    return Database(config.path / kDatabaseFile, Database::Mode::read_only).integer(sql);
  }

  // Readings of both points, books among them, some readings odd or late.
  model::Effects effects(std::size_t readings) {
    model::Effects effects;
    for (std::size_t i = 0; i < readings; ++i) {
      at_ += 1s;
      Instant at = at_;
      double value = static_cast<double>(random_() % 1000) / 10;
      model::Quality quality;
      if (random_() % 50 == 0) at -= 2h;
      if (random_() % 50 == 0) value = std::bit_cast<double>(0x7ff8'0000'0000'0000ULL | random_());
      if (random_() % 50 == 0) {
        quality = {model::Origin::missing, model::Rule::future};
        at += 100'000h;
      }
      effects.rows.push_back(reading(random_() % 3 == 0 ? kPress : kIncomer, at, value, quality));
      if (random_() % 20 == 0) effects.rows.push_back(interval(kPress, at_, 5));
      if (random_() % 40 == 0) effects.rows.push_back(entry(at_, 1, 2));
    }
    return effects;
  }

  static std::vector<std::string> exported(const StoreConfig& config, const History::Range& range = {}) {
    std::vector<std::string> rows;
    const auto history = History::open(config.path).value();
    history
        ->each(What::readings, range,
               [&](const model::StoredRow& row) {
                 rows.push_back(text_of(row).substr(0, text_of(row).rfind(' ')));
                 return true;
               })
        .value();
    return rows;
  }

  static std::vector<std::string> raw(const StoreConfig& config, Instant at, bool forwards) {
    std::vector<std::string> rows;
    const auto history = History::open(config.path).value();
    const auto visit = [&](const History::RawReading& reading) {
      std::ostringstream out;
      out << reading.sequence << " " << reading.series->device << " " << reading.at.time_since_epoch().count() << " "
          << std::bit_cast<std::uint64_t>(reading.value);
      rows.push_back(out.str());
      return true;
    };
    (forwards ? history->readings_behind(at, visit) : history->readings_in_front(at, visit)).value();
    return rows;
  }

  void expect_same(Journal& in_blocks, Journal& in_rows) {
    for (const std::string sink : {"ahead", "behind"}) {
      EXPECT_EQ(texts(in_blocks.peek(sink, 150)), texts(in_rows.peek(sink, 150)));
    }
    const std::uint64_t last = in_rows.status().last_sequence;
    ASSERT_EQ(in_blocks.status().last_sequence, last);
    const std::uint64_t before = 1 + random_() % last;
    EXPECT_EQ(texts(in_blocks.readings_before(before, 170)), texts(in_rows.readings_before(before, 170)));
    const auto audited = in_blocks.audit(UINT64_MAX);
    const auto expected = in_rows.audit(UINT64_MAX);
    ASSERT_EQ(audited.size(), expected.size());
    for (std::size_t i = 0; i < audited.size(); ++i) {
      EXPECT_EQ(audited[i].pending, expected[i].pending);
      EXPECT_EQ(audited[i].missed, expected[i].missed);
      EXPECT_TRUE(audited[i].balances());
    }
  }

  TemporaryDirectory directory_;
  StoreConfig blocks_{.path = directory_.path() / "blocks"};
  StoreConfig rows_{.path = directory_.path() / "rows"};
  model::Site site_ = small_site();
  Instant at_ = kStart;
  std::mt19937 random_{17};
};

TEST_F(Compaction, ChangesNothingForWhoeverReads) {
  blocks_.block_at_once = 60;  // of some commits
  blocks_.keep_readings = rows_.keep_readings = Duration::max();
  auto in_blocks = std::make_unique<Journal>(blocks_, site_);
  auto in_rows = std::make_unique<Journal>(rows_, site_);
  for (int round = 0; round < 60; ++round) {
    const model::Effects made = effects(random_() % 120);
    in_blocks->commit(made);
    in_rows->commit(made);
    expect_same(*in_blocks, *in_rows);
    for (const std::string sink : {"ahead", "behind"}) {
      if (sink == "behind" && random_() % 4 != 0) continue;
      const auto offered = in_rows->peek(sink, 1 + random_() % 150);
      if (offered.empty()) continue;
      ports::Delivery delivery{offered.back().sequence, {}};
      delivery.rows = offered.size();
      if (random_() % 5 == 0) delivery.rejected = {{offered.front().sequence, "no"}, {offered.back().sequence, "no"}};
      in_blocks->settle(sink, delivery);
      in_rows->settle(sink, delivery);
    }
    if (round % 20 == 19) {
      in_blocks.reset();
      in_rows.reset();
      EXPECT_EQ(exported(blocks_), exported(rows_));
      const History::Range range{kStart + 10min, kStart + 20min};
      EXPECT_EQ(exported(blocks_, range), exported(rows_, range));
      EXPECT_EQ(raw(blocks_, kStart + 30min, true), raw(rows_, kStart + 30min, true));
      EXPECT_EQ(raw(blocks_, kStart + 30min, false), raw(rows_, kStart + 30min, false));
      in_blocks = std::make_unique<Journal>(blocks_, site_);
      in_rows = std::make_unique<Journal>(rows_, site_);
    }
  }
  EXPECT_EQ(texts(in_blocks->peek("new", 1'000'000)), texts(in_rows->peek("new", 1'000'000)));
  in_blocks.reset();
  in_rows.reset();
  EXPECT_GT(number(blocks_, "SELECT count(*) FROM reading_block"), 20);
  EXPECT_LT(number(blocks_, "SELECT count(*) FROM journal WHERE kind = 0"), 700);
  EXPECT_EQ(number(rows_, "SELECT count(*) FROM reading_block"), 0);
  EXPECT_TRUE(find_damage(blocks_.path).value().empty());

  std::vector<std::string> letters[2];
  for (const auto& [config, list] : {std::pair(&blocks_, &letters[0]), std::pair(&rows_, &letters[1])}) {
    each_dead_letter(config->path, "", [&](const DeadLetter& letter) {
      list->push_back(letter.sink + " " + text_of(letter.row.value()) + " " +
                      std::to_string(letter.at.time_since_epoch().count()));
      return true;
    }).value();
    const auto change = retry_dead_letters(config->path, "").value();
    EXPECT_EQ(change.rows, list->size());
    EXPECT_EQ(change.gone, 0u);
    Journal journal(*config, site_);
    for (const model::StoredRow& row : journal.peek_retries("ahead", 1000)) list->push_back(text_of(row));
  }
  EXPECT_GT(letters[0].size(), 10u);
  EXPECT_EQ(letters[0], letters[1]);
}

TEST_F(Compaction, ReadsOnlyTheSeriesAskedFor) {
  {
    Journal journal(blocks_, site_);
    for (int i = 0; i < 10; ++i) journal.commit(effects(100));
  }
  const auto history = History::open(blocks_.path).value();
  std::size_t press = 0;
  const auto wanted = [](const model::Series& series) { return series.device == "press"; };
  history
      ->each_reading({}, wanted,
                     [&](const model::StoredRow& row) {
                       EXPECT_EQ(row.series->device, "press");
                       ++press;
                       return true;
                     })
      .value();
  std::size_t all = 0;
  history
      ->each(What::readings, {},
             [&](const model::StoredRow& row) { return all += row.series->device == "press", true; })
      .value();
  EXPECT_EQ(press, all);
  EXPECT_GT(press, 200u);
}

TEST_F(Compaction, WaitsForSinksButNotForEver) {
  Journal journal(blocks_, site_);
  journal.peek("vm", 1);
  journal.commit(effects(300));
  journal.commit(effects(1));
  EXPECT_EQ(number(blocks_, "SELECT count(*) FROM reading_block"), 0) << "the sink has none of it";
  for (int i = 0; i < 5; ++i) journal.commit(effects(100));
  EXPECT_GT(number(blocks_, "SELECT count(*) FROM reading_block"), 0) << "it may be down for weeks";
}

TEST_F(Compaction, MakesASmallBlockOfWhatWaitedLong) {
  blocks_.block_rows = 10'000;
  Journal journal(blocks_, site_);
  journal.commit(effects(1000));
  EXPECT_EQ(number(blocks_, "SELECT count(*) FROM reading_block"), 0);
  at_ += 7h;
  journal.commit(effects(10));
  EXPECT_EQ(number(blocks_, "SELECT count(*) FROM reading_block"), 1);
  at_ += 7h;
  journal.commit(effects(10));
  EXPECT_EQ(number(blocks_, "SELECT count(*) FROM reading_block"), 1) << "a few rows are no block";
}

TEST_F(Compaction, DropsWholeBlocksThatAreOld) {
  blocks_.keep_readings = 24h;
  Journal journal(blocks_, site_);
  for (int hour = 0; hour < 72; ++hour) {
    at_ = kStart + hour * 1h;
    journal.commit(effects(120));
  }
  const auto rows = journal.peek("new", 1'000'000);
  std::size_t readings = 0;
  for (const model::StoredRow& row : rows) {
    if (const auto* kept = row.body.get_if<model::JudgedReading>()) {
      ++readings;
      EXPECT_GE(kept->at, kStart + 43h) << "a day, a block of an hour and the late ones in it";
    }
  }
  EXPECT_GE(readings, 24u * 120);
  EXPECT_LE(readings, 27u * 120);
  EXPECT_EQ(number(blocks_, "SELECT count(*) FROM reading_block WHERE newest < " +
                                std::to_string((kStart + 40h).time_since_epoch().count())),
            0);
}

TEST_F(Compaction, CountsWhatASinkMissesOfABlockItIsInTheMiddleOf) {
  blocks_.keep_readings = 24h;
  std::vector<model::JournalRow> made;
  for (int i = 0; i < 600; ++i) made.push_back(reading(kIncomer, kStart + i * 1s, i));
  {
    Journal journal(blocks_, site_);
    journal.commit({made, {}, {}});
    ASSERT_FALSE(journal.peek("gone", 1).empty());
    ports::Delivery delivery{150, {}};
    delivery.rows = 150;
    journal.settle("gone", delivery);
    for (int i = 0; i < 4; ++i) journal.commit({{reading(kIncomer, kStart + 1h, i)}, {}, {}});
  }
  Journal journal(blocks_, site_);  // a sink that is no longer configured holds nothing back
  for (int i = 0; i < 4; ++i) journal.commit({{reading(kIncomer, kStart + 1h, i)}, {}, {}});
  ASSERT_GE(number(blocks_, "SELECT count(*) FROM reading_block WHERE first_seq < 150 AND last_seq > 150"), 1);
  for (int i = 0; i < 4; ++i) journal.commit({{reading(kIncomer, kStart + 100h, i)}, {}, {}});
  EXPECT_EQ(number(blocks_, "SELECT count(*) FROM reading_block"), 0);
  const auto accounts = journal.audit(UINT64_MAX);
  ASSERT_EQ(accounts.size(), 1u);
  EXPECT_EQ(accounts[0].accepted, 150u);
  EXPECT_EQ(accounts[0].missed, 458u);
  EXPECT_TRUE(accounts[0].balances());
}

TEST_F(Compaction, ABlockOfATransactionThatFailedIsForgotten) {
  {
    Journal made(blocks_, site_);
  }
  Database database(blocks_.path / kDatabaseFile, Database::Mode::read_write);
  BlockTable table(database);
  const auto value_of_a_block = [&](double value) {
    std::vector<BlockReading> readings(10);
    for (std::size_t i = 0; i < readings.size(); ++i) {
      readings[i] = {.sequence = static_cast<std::int64_t>(i) + 1, .series = 1, .at_ms = 1'000, .value = value};
    }
    table.insert(readings, 1'000);
    return table.find(5)->value;
  };
  {
    const Transaction fails(database);
    EXPECT_EQ(value_of_a_block(1), 1);
  }
  table.forget();
  const Transaction transaction(database);
  EXPECT_EQ(value_of_a_block(2), 2);
}

TEST_F(Compaction, DropsTheOldestBlocksFirstWhenTheFileWouldOutgrowItsLimit) {
  blocks_.size_max = 400 << 10;
  blocks_.block_rows = 1000;
  Journal journal(blocks_, site_);
  journal.peek("vm", 1);
  for (int i = 0; i < 200; ++i) {
    model::Effects made;
    for (int j = 0; j < 1000; ++j) {
      made.rows.push_back(reading(kIncomer, at_ += 1s, static_cast<double>(random_()) / 1024));
    }
    journal.commit(made);
  }
  const ports::StoreStatus status = journal.status();
  EXPECT_GT(status.rows_thinned, 50'000u);
  const auto kept = journal.peek("new", 1'000'000);
  EXPECT_EQ(kept.size(), status.rows_appended - status.rows_thinned);
  EXPECT_EQ(kept.back().sequence, kept.front().sequence + kept.size() - 1) << "the newest ones, without a hole";
  for (const ports::SinkAccount& account : journal.audit(UINT64_MAX)) EXPECT_TRUE(account.balances()) << account.sink;
}

TEST_F(Compaction, KeepsRunningTotalsAndIntervalsAsLongAsEachIsToBeKept) {
  blocks_.keep_readings = 24h * 365;
  blocks_.keep_totals = 24h;
  blocks_.keep_intervals = 48h;
  Journal journal(blocks_, site_);
  for (int hour = 0; hour < 96; ++hour) {
    const Instant at = kStart + hour * 1h;
    model::RunningTotal total;
    total.at = at;
    journal.commit({{reading(kIncomer, at, hour),
                     {kPressShop, total},
                     interval(kPress, at, 1),
                     entry(at, 1, 1),
                     rollup(model::Period::hour, at, 1h, 1)},
                    {},
                    {}});
  }
  std::array<std::size_t, model::RowBody::kCount> kinds{};
  for (const model::StoredRow& row : journal.peek("new", 1'000'000)) ++kinds.at(row.body.index());
  EXPECT_EQ(kinds, (std::array<std::size_t, model::RowBody::kCount>{96, 49, 96, 96, 25}))
      << "readings, intervals, entries, rollups, totals";
  for (const ports::SinkAccount& account : journal.audit(UINT64_MAX)) EXPECT_TRUE(account.balances()) << account.sink;
}

TEST_F(Compaction, LosesADamagedBlockAndNothingElse) {
  std::size_t all = 0;
  {
    Journal journal(blocks_, site_);
    for (int i = 0; i < 10; ++i) journal.commit(effects(100));
    const auto rows = journal.peek("vm", 1'000'000);
    all = rows.size();
    ports::Delivery delivery{250, {}};
    delivery.rows = 250;
    journal.settle("vm", delivery);
  }
  Database(blocks_.path / kDatabaseFile, Database::Mode::read_write)
      .execute(
          "UPDATE reading_block SET body = substr(body, 1, 40) || x'00' || substr(body, 42) WHERE first_seq = "
          "(SELECT first_seq FROM reading_block WHERE first_seq > 400 LIMIT 1)");
  const auto lost =
      static_cast<std::uint64_t>(number(blocks_, "SELECT readings FROM reading_block WHERE first_seq > 400 LIMIT 1"));
  const auto findings = find_damage(blocks_.path).value();
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_NE(findings[0].find("reading_block"), std::string::npos) << findings[0];
  EXPECT_THROW(Journal(blocks_, site_), DamagedRecord) << "it is among what the start looks at";
  const auto report = repair(blocks_.path, findings[0]).value();
  EXPECT_NE(report.to_text().find("reading_block"), std::string::npos);
  Journal journal(blocks_, site_);
  EXPECT_EQ(journal.peek("new", 1'000'000).size(), all - lost);
  for (const ports::SinkAccount& account : journal.audit(UINT64_MAX)) {
    if (account.sink == "vm") EXPECT_EQ(account.lost, lost);
    EXPECT_TRUE(account.balances()) << account.sink;
  }
}

// As version 5 of the schema left it.
TEST_F(Compaction, TakesOverAStoreOfVersion5) {
  blocks_.block_rows = 150;
  std::filesystem::create_directories(blocks_.path);
  std::ifstream in(CARBONGATE_SOURCE_DIR "/tests/unit/gateway/store/store_version_5.sql");
  const std::string sql((std::istreambuf_iterator<char>(in)), {});
  ASSERT_FALSE(sql.empty());
  std::vector<std::string> expected;
  {
    Database database(blocks_.path / kDatabaseFile, Database::Mode::read_write);
    database.execute(sql);
    EXPECT_EQ(database.integer("PRAGMA user_version"), 5);
    Statement rows(database,
                   "SELECT j.seq, t.device, j.at, j.value FROM journal j JOIN series s ON s.id = j.series "
                   "JOIN subject t ON t.id = s.subject WHERE j.kind = 0 ORDER BY j.at, t.device, j.seq");
    for (Rows reset(rows); reset.next();) {
      std::ostringstream out;
      out << rows.integer(0) << " " << rows.text(1) << " 0 " << rows.integer(2) << " " << std::hex
          << std::bit_cast<std::uint64_t>(rows.real(3));
      expected.push_back(out.str());
    }
  }
  ASSERT_EQ(expected.size(), 300u);
  EXPECT_NE(History::open(blocks_.path).error().text.find("version 5"), std::string::npos)
      << "a reader changes nothing";
  {
    Journal journal(blocks_, site_);
    EXPECT_EQ(journal.found_version(), 5);
    EXPECT_EQ(exported(blocks_), expected);
    const auto before = texts(journal.peek("new", 1'000'000));
    for (int i = 0; i < 6; ++i) journal.commit({{interval(kPress, kStart, 1)}, {}, {}});
    EXPECT_EQ(number(blocks_, "SELECT count(*) FROM reading_block"), 0) << "the new sink has nothing yet";
    ports::Delivery delivery{journal.status().last_sequence, {}};
    journal.settle("new", delivery);
    for (int i = 0; i < 6; ++i) journal.commit({{interval(kPress, kStart, 1)}, {}, {}});
    auto after = texts(journal.peek("newer", 1'000'000));
    after.resize(before.size());
    EXPECT_EQ(after, before);
  }
  EXPECT_EQ(Journal(blocks_, site_).found_version(), kSchemaVersion);
  EXPECT_EQ(number(blocks_, "SELECT count(*) FROM reading_block"), 3);
  EXPECT_LT(number(blocks_, "SELECT count(*) FROM journal WHERE kind = 0"), 100);
  EXPECT_EQ(exported(blocks_), expected);
  EXPECT_TRUE(find_damage(blocks_.path).value().empty());
}

}  // namespace
}  // namespace carbongate::store

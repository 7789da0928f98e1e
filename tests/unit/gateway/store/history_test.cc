#include "gateway/store/history.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "gateway/store/sqlite_store.h"
#include "store_fixtures.h"
#include "tests/support/temporary_directory.h"

namespace carbongate::store {
namespace {

using namespace store_test;
using What = History::What;

class HistoryTest : public ::testing::Test {
 protected:
  void open() {
    store_.reset();
    store_ = SqliteStore::open(config_, site_).value();
  }
  void commit(std::vector<model::JournalRow> rows) { run(store_->commit({std::move(rows), {}, {}})).value(); }

  std::vector<model::StoredRow> all(What what, History::Range range = {}) {
    std::vector<model::StoredRow> rows;
    auto history = History::open(config_.path);
    const auto result = history.value()->each(what, range, [&](const model::StoredRow& row) {
      rows.push_back(row);
      return true;
    });
    EXPECT_TRUE(result.has_value()) << result.error().text;
    return rows;
  }

  static Instant begin_of(const model::StoredRow& row) {
    return row.body.visit([](const auto& body) {
      if constexpr (requires { body.begin; })
        return body.begin;
      else
        return body.at;
    });
  }

  TemporaryDirectory directory_;
  StoreConfig config_{.path = directory_.path() / "store"};
  model::Site site_ = small_site();
  std::unique_ptr<SqliteStore> store_;
};

TEST_F(HistoryTest, ReadsBesideARunningStoreAndAfterIt) {
  open();
  commit({reading(kIncomer, kStart, 1)});
  EXPECT_EQ(all(What::readings).size(), 1u);
  commit({reading(kIncomer, kStart + 1s, 2)});
  EXPECT_EQ(all(What::readings).size(), 2u);
  store_.reset();
  EXPECT_EQ(all(What::readings).size(), 2u);
}

TEST_F(HistoryTest, SaysThatThereIsNoStore) {
  const auto history = History::open(config_.path);
  ASSERT_TRUE(history.has_error());
  EXPECT_NE(history.error().text.find(config_.path.string()), std::string::npos) << history.error().text;
}

TEST_F(HistoryTest, OrdersReadingsByTimeThenNameThenArrival) {
  open();
  commit({reading(kPress, kStart + 1s, 1), reading(kIncomer, kStart + 1s, 2)});
  commit({reading(kPress, kStart, 3), reading(kIncomer, kStart + 1s, 4)});
  EXPECT_EQ(values(all(What::readings)), (std::vector<double>{3, 2, 4, 1}));
}

TEST_F(HistoryTest, OrdersBooksByTimeThenNameThenPeriod) {
  open();
  commit({rollup(model::Period::day, kStart, 24h, 3), rollup(model::Period::hour, kStart, 1h, 2),
          rollup(model::Period::hour, kStart + 1h, 1h, 4), rollup(model::Period::quarter_hour, kStart, 15min, 1)});
  std::vector<std::int64_t> amounts;
  for (const auto& row : all(What::rollups)) amounts.push_back(row.body.get<model::RollupRow>().amount.quanta());
  EXPECT_EQ(amounts, (std::vector<std::int64_t>{1, 2, 3, 4}));
  commit({interval(kPress, kStart, 1), interval(kIncomer, kStart, 2)});
  EXPECT_EQ(all(What::intervals)[0].series->device, "incomer");
}

TEST_F(HistoryTest, KeepsToTheRangeItsBeginIncludedItsEndNot) {
  open();
  for (int i = 0; i < 10; ++i)
    commit({reading(kIncomer, kStart + i * 15min, i), interval(kPress, kStart + i * 15min, i)});
  const History::Range range{kStart + 30min, kStart + 75min};
  EXPECT_EQ(values(all(What::readings, range)), (std::vector<double>{2, 3, 4}));
  const auto intervals = all(What::intervals, range);
  ASSERT_EQ(intervals.size(), 3u);
  EXPECT_EQ(begin_of(intervals.front()), kStart + 30min);
}

TEST_F(HistoryTest, ReadsMoreThanOnePageAndManyRowsOfOneInstant) {
  open();
  std::vector<model::JournalRow> rows;
  for (int i = 0; i < 5'000; ++i) rows.push_back(interval(i % 2 == 0 ? kPress : kIncomer, kStart, i));
  for (int i = 0; i < 10'000; ++i) rows.push_back(interval(kPress, kStart + (10'000 - i) * 15min, i));
  commit(std::move(rows));
  const auto read = all(What::intervals);
  ASSERT_EQ(read.size(), 15'000u);
  for (std::size_t i = 1; i < read.size(); ++i) ASSERT_LE(begin_of(read[i - 1]), begin_of(read[i]));
  EXPECT_EQ(read[2'499].series->device, "incomer");
  EXPECT_EQ(read[2'500].series->device, "press");
}

TEST_F(HistoryTest, ShowsOpenPeriodsAmongTheClosedOnes) {
  open();
  model::AccountState state;
  const auto open_period = [](Instant begin, Duration length) {
    model::OpenPeriod period;
    period.begin = begin;
    period.end = begin + length;
    period.amount = model::Activity::of(9);
    period.emitted[model::Basis::primary] = emitted(1);
    period.covered = 1s;
    return period;
  };
  state.open[1] = open_period(kStart + 1h, 1h);
  state.open[2] = open_period(kStart, 24h);
  model::OpenPeriod& year = state.open[4].emplace();  // nothing happened in it
  year.begin = kStart;
  year.end = kStart + 8760h;
  run(store_->commit({{rollup(model::Period::hour, kStart, 1h, 5)}, {}, {{kPressShop, state}}})).value();
  const auto rows = all(What::rollups);
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0].sequence, 1u);
  EXPECT_EQ(rows[1].sequence, 0u) << "the day that is still open begins with the hour that is not";
  EXPECT_EQ(rows[1].body.get<model::RollupRow>().period, model::Period::day);
  EXPECT_EQ(begin_of(rows[2]), kStart + 1h);
  EXPECT_EQ(rows[2].series->user, "press-shop");
  EXPECT_EQ(all(What::rollups, {kStart + 1h, std::nullopt}).size(), 1u);
}

TEST_F(HistoryTest, TellsAccountsApartThatDifferInTheirFlowAlone) {
  const auto commit_state = [&](model::Flow flow, std::int64_t amount) {
    site_.accounts[0].flow = flow;
    open();
    model::AccountState state;
    state.amount = model::Activity::of(amount);
    run(store_->commit({{}, {}, {{kPressShop, state}}})).value();
  };
  const auto amount_of = [&](model::Flow flow) {
    site_.accounts[0].flow = flow;
    const auto history = History::open(config_.path);
    return history.value()->checkpoint(site_).value().accounts.at(0).amount.quanta();
  };
  commit_state(model::Flow::consumed, 7);
  commit_state(model::Flow::exported, 9);
  EXPECT_EQ(amount_of(model::Flow::consumed), 7);
  EXPECT_EQ(amount_of(model::Flow::exported), 9);
  EXPECT_EQ(amount_of(model::Flow::produced), 0) << "it has none yet";
}

TEST_F(HistoryTest, StopsWhenTheVisitorHasEnough) {
  open();
  for (int i = 0; i < 10; ++i) commit({reading(kIncomer, kStart, i), interval(kPress, kStart + i * 15min, i)});
  auto history = History::open(config_.path).value();
  for (const What what : {What::readings, What::intervals}) {
    int seen = 0;
    ASSERT_TRUE(history->each(what, {}, [&](const model::StoredRow&) { return ++seen < 3; }).has_value());
    EXPECT_EQ(seen, 3);
  }
}

TEST_F(HistoryTest, SkipsQuarterHoursOfTheJournalThatHoldNothingOfATime) {
  open();
  const auto at_minute = [](int minute) { return kStart + minute * 1min; };
  constexpr model::Quality kLate{model::Origin::missing, model::Rule::out_of_order};
  constexpr model::Quality kRejected{model::Origin::missing, model::Rule::range};
  for (int minute = 0; minute < 300; minute += 5) {
    if (minute == 150) open();  // the marks outlive a restart
    std::vector<model::JournalRow> rows{reading(kIncomer, at_minute(minute), minute)};
    if (minute == 200) rows.push_back(reading(kIncomer, at_minute(40), 40, kLate));
    if (minute == 250) rows.push_back(reading(kIncomer, at_minute(62), 62, kRejected));
    commit(std::move(rows));
  }
  std::vector<double> seen;
  auto history = History::open(config_.path).value();
  const auto visit = [&](const History::RawReading& reading) {
    seen.push_back(reading.value);
    return true;
  };
  const auto skip = [&](Instant oldest) { return oldest >= at_minute(70); };
  ASSERT_TRUE(history->readings_behind(at_minute(30), visit, skip).has_value());
  EXPECT_EQ(std::ranges::count(seen, 40), 2) << "in time, and late";
  EXPECT_EQ(std::ranges::count(seen, 62), 1) << "a rejected one may count by other limits";
  for (int minute = 30; minute < 70; minute += 5) EXPECT_GE(std::ranges::count(seen, minute), 1) << minute;
  EXPECT_LT(seen.size(), 35u) << "of 62";
  seen.clear();
  ASSERT_TRUE(history->readings_behind(at_minute(30), visit).has_value());
  EXPECT_GE(seen.size(), 55u);
}

TEST_F(HistoryTest, LeavesOutSeriesHoweverManyOfTheirRowsLieBetween) {
  open();
  std::vector<model::JournalRow> rows{interval(kIncomer, kStart, 1)};
  for (int i = 0; i < 10'000; ++i) rows.push_back(interval(kPress, kStart + i * 15min, 2));
  rows.push_back(interval(kIncomer, kStart + 10'000 * 15min, 3));
  commit(std::move(rows));
  auto history = History::open(config_.path).value();
  std::vector<std::int64_t> seen;
  std::size_t asked = 0;
  const auto visit = [&](const model::StoredRow& row) {
    seen.push_back(row.body.get<model::EnergyInterval>().amount.quanta());
    return true;
  };
  const auto incomer_only = [&](const model::Series& series) {
    ++asked;
    return series.device == "incomer" ? History::Choice::take : History::Choice::skip;
  };
  ASSERT_TRUE(history->each_of(What::intervals, {}, incomer_only, visit).has_value());
  EXPECT_EQ(seen, (std::vector<std::int64_t>{1, 3}));
  EXPECT_EQ(asked, 10'002u);

  asked = 0;
  const auto enough = [&](const model::Series&) {
    return ++asked == 5 ? History::Choice::enough : History::Choice::skip;
  };
  ASSERT_TRUE(history->each_of(What::intervals, {}, enough, visit).has_value());
  EXPECT_EQ(asked, 5u);
  EXPECT_EQ(seen.size(), 2u);
}

TEST_F(HistoryTest, TellsWhatOfEntriesCanBeAddedUpInTheOrderOfTheJournal) {
  model::Account& account = site_.accounts.front();
  const auto commit_as = [&](const char* user_name, std::int64_t quanta, std::uint32_t revision) {
    account.user_name = user_name;
    open();
    model::EmissionEntry one = full_entry();
    one.amount = model::Activity::of(quanta);
    one.revision = revision;
    commit({{kPressShop, one}, interval(kPress, kStart, 1), rollup(model::Period::hour, kStart, 1h, 1)});
  };
  // Three descriptions of one account, of which the first comes back: by their numbers it would stand before the
  // second.
  commit_as("Press", 1, 0);
  commit_as("Press shop", 10, 1);
  commit_as("Press", 100, 2);
  commit({entry(kStart + 15min, 1'000, 7), entry(kStart + 30min, 10'000, 8), entry(kStart - 15min, 100'000, 9)});
  auto history = History::open(config_.path).value();
  std::vector<std::int64_t> amounts;
  std::vector<EntryFigures> figures;
  std::size_t most = SIZE_MAX;
  const auto visit = [&](const History::Booked& booked) {
    EXPECT_EQ(booked.series->user, account.user);
    amounts.push_back(booked.figures.amount.quanta());
    figures.push_back(booked.figures);
    return amounts.size() < most;
  };
  const auto any = [](const model::Series&) { return true; };
  ASSERT_TRUE(history->each_booked({}, any, visit).has_value());
  EXPECT_EQ(amounts, (std::vector<std::int64_t>{100'000, 1, 10, 100, 1'000, 10'000}));
  const model::EmissionEntry whole = full_entry();
  EXPECT_EQ(figures[3].begin, whole.begin);
  EXPECT_EQ(figures[3].coal, whole.coal);
  EXPECT_EQ(figures[3].co2e[model::Basis::primary], whole.primary.emitted.co2e);
  EXPECT_EQ(figures[3].co2e[model::Basis::market], whole.market->emitted.co2e);
  EXPECT_EQ(figures[3].covered, whole.covered);
  EXPECT_EQ(figures[3].revision, 2u);
  EXPECT_EQ(figures[4].co2e[model::Basis::market], model::Co2e{}) << "it has none";

  amounts.clear();
  ASSERT_TRUE(history->each_booked({kStart, kStart + 30min}, any, visit).has_value());
  EXPECT_EQ(amounts, (std::vector<std::int64_t>{1, 10, 100, 1'000}));
  amounts.clear();
  const auto renamed = [](const model::Series& series) { return series.user_name == "Press shop"; };
  ASSERT_TRUE(history->each_booked({}, renamed, visit).has_value());
  EXPECT_EQ(amounts, std::vector<std::int64_t>{10});
  amounts.clear();
  most = 2;
  ASSERT_TRUE(history->each_booked({}, any, visit).has_value());
  EXPECT_EQ(amounts, (std::vector<std::int64_t>{100'000, 1}));
}

TEST_F(HistoryTest, TellsWhatCanBeAddedUpOfOneAmongMany) {
  constexpr int kOthers = 70;
  for (int i = 0; i < kOthers; ++i) {
    model::Account other = site_.accounts.front();
    other.id = static_cast<model::AccountId>(site_.accounts.size());
    other.user = "other-" + std::to_string(i);
    site_.accounts.push_back(std::move(other));
  }
  open();
  constexpr int kInstants = 3'000;  // with what else is looked at more than a page
  std::vector<std::int64_t> expected;
  std::vector<model::JournalRow> rows;
  for (int i = 0; i < kInstants; ++i) {
    model::JournalRow other = entry(kStart + i * 15min, -1, 1);
    other.subject = static_cast<model::AccountId>(1 + i % kOthers);
    rows.push_back(std::move(other));
    if (i % 3 == 0) continue;
    for (int n = 0; n < (i == 1'000 ? 5'000 : 1); ++n) {
      rows.push_back(entry(kStart + i * 15min, i * 10'000 + n, 1));
      expected.push_back(i * 10'000 + n);
    }
  }
  commit(std::move(rows));
  auto history = History::open(config_.path).value();
  std::vector<std::int64_t> amounts;
  const auto visit = [&](const History::Booked& booked) {
    amounts.push_back(booked.figures.amount.quanta());
    return true;
  };
  const auto one = [&](const model::Series& series) { return series.user == site_.accounts.front().user; };
  ASSERT_TRUE(history->each_booked({}, one, visit).has_value());
  EXPECT_EQ(amounts, expected);
  amounts.clear();
  ASSERT_TRUE(history->each_booked({kStart + 2 * 15min, kStart + 5 * 15min}, one, visit).has_value());
  EXPECT_EQ(amounts, (std::vector<std::int64_t>{20'000, 40'000}));
  amounts.clear();
  ASSERT_TRUE(history->each_booked({}, [](const model::Series&) { return false; }, visit).has_value());
  EXPECT_TRUE(amounts.empty());
}

TEST_F(HistoryTest, FindsBooksBehindAnyNumberOfOthersThatBeginWithThem) {
  open();
  std::vector<model::JournalRow> rows;
  for (int i = 0; i < 5'000; ++i) rows.push_back(interval(kPress, kStart, i));  // more than a page
  rows.push_back(interval(kIncomer, kStart, 7));
  for (int i = 0; i < 5'000; ++i) rows.push_back(interval(kPress, kStart + 15min, i));
  commit(std::move(rows));
  EXPECT_EQ(all(What::intervals).size(), 10'001u);
  auto history = History::open(config_.path).value();
  std::int64_t sum = 0;
  const auto incomer_only = [&](const model::Series& series) {
    return series.device == "incomer" ? History::Choice::take : History::Choice::skip;
  };
  const auto add = [&](const model::StoredRow& row) {
    sum += row.body.get<model::EnergyInterval>().amount.quanta();
    return true;
  };
  ASSERT_TRUE(history->each_of(What::intervals, {}, incomer_only, add).has_value());
  EXPECT_EQ(sum, 7);
}

TEST_F(HistoryTest, FindsRollupsThatBeginAtSomeInstantsInTheOrderOfTheJournal) {
  open();
  using model::Period;
  commit({rollup(Period::hour, kStart, 1h, 1), rollup(Period::day, kStart, 24h, 2), entry(kStart, 3, 3),
          rollup(Period::hour, kStart + 1h, 1h, 4), rollup(Period::hour, kStart + 2h, 1h, 5)});
  commit({rollup(Period::hour, kStart, 1h, 6)});
  auto history = History::open(config_.path).value();
  const auto amounts = [&](const std::vector<Instant>& begins, bool is_wanted, std::size_t most = SIZE_MAX) {
    std::vector<std::int64_t> found;
    const auto visit = [&](const model::StoredRow& row) {
      found.push_back(row.body.get<model::RollupRow>().amount.quanta());
      return found.size() < most;
    };
    EXPECT_TRUE(history->rollups_at(begins, [&](const model::Series&) { return is_wanted; }, visit).has_value());
    return found;
  };
  EXPECT_EQ(amounts({kStart + 2h, kStart, kStart + 30min}, true), (std::vector<std::int64_t>{5, 1, 2, 6}));
  EXPECT_EQ(amounts({kStart}, false), std::vector<std::int64_t>{});
  EXPECT_EQ(amounts({kStart, kStart + 1h}, true, 2), (std::vector<std::int64_t>{1, 2}));
}

TEST_F(HistoryTest, CommitsGoOnWhileRowsAreBeingRead) {
  open();
  for (int i = 0; i < 3; ++i) commit({interval(kPress, kStart + i * 15min, i), reading(kIncomer, kStart, i)});
  auto history = History::open(config_.path).value();
  for (const What what : {What::readings, What::intervals}) {
    int seen = 0;
    ASSERT_TRUE(history
                    ->each(what, {},
                           [&](const model::StoredRow&) {
                             commit({interval(kPress, kStart + 100h, 1), reading(kIncomer, kStart + 1h, 1)});
                             return ++seen < 100;
                           })
                    .has_value());
    EXPECT_LT(seen, 10) << "what is committed meanwhile is not part of it";
  }
}

}  // namespace
}  // namespace carbongate::store

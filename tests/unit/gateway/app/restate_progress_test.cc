// What is corrected in a period that goes on is in the row that closes it, also where nothing had opened it.
#include <gtest/gtest.h>

#include "tests/unit/gateway/app/restate_fixture.h"

namespace carbongate::app::restating {
namespace {

using model::Period;

constexpr std::int64_t kKwh = 1'000'000;
constexpr Duration kMidnight = 16h;             // of the first of March in Shanghai, which began 8 h before kStart
constexpr Duration kMonthEnd = 16h + 30 * 24h;  // of March

// With and without a restart after the correction.
class PeriodsInProgress : public ::testing::TestWithParam<bool> {
 protected:
  PeriodsInProgress() {
    meter_ = site_.add("hall", Kind::cumulative, "kWh");
    site_.site.points[0].limits.interval = 15min;
    site_.site.points[0].limits.gap_max = 2h;
  }

  // The meter is read each quarter hour, and moves 12.5 kWh in it.
  static std::vector<Reading> from_to(PointId point, Duration from, Duration to, double kwh) {
    std::vector<Reading> readings;
    for (Duration time = from; time <= to; time += 15min, kwh += 12.5) readings.push_back(at(point, time, kwh));
    return readings;
  }

  // One row, of the whole sum as first published.
  static void expect_closed_once(Books& books, const std::string& user, Period period, std::int64_t amount) {
    std::vector<model::RollupRow> rows = books.rows_of(user, period);
    std::erase_if(rows, [&](const model::RollupRow& row) { return row.begin != rows.front().begin; });
    ASSERT_EQ(rows.size(), 1u) << to_string(period);
    EXPECT_EQ(rows.front().revision, 0u) << to_string(period);
    EXPECT_EQ(rows.front().amount.quanta(), amount) << to_string(period);
  }
  static void expect_open(Books& books, const std::string& user, std::span<const Period> periods, std::int64_t amount) {
    for (const Period period : periods) {
      const std::vector<model::RollupRow> rows = books.rows_of(user, period);
      ASSERT_EQ(rows.size(), 1u) << to_string(period);
      EXPECT_EQ(rows.front().amount.quanta(), amount) << to_string(period);
      for (const model::AccountState& account : books.state().accounts) {
        EXPECT_TRUE(account.open[static_cast<std::size_t>(period)]) << to_string(period);
      }
    }
  }

  void restart_if_asked(Books& books) {
    if (GetParam()) books.open();
  }

  TestSite site_;
  PointId meter_{};
};
INSTANTIATE_TEST_SUITE_P(Restarts, PeriodsInProgress, ::testing::Bool());

// A logger that sends its newest value first, and then what it had kept.
TEST_P(PeriodsInProgress, OpenWithWhatComesBehindTheFirstReading) {
  Books books(site_);
  books.hear(std::vector{at(meter_, 2h, 1'000)});
  books.hear(std::vector{at(meter_, 1h, 950)});
  EXPECT_EQ(books.restate_late_data(), 4u);
  EXPECT_EQ(books.state().accounts[0].since, kStart + 1h);
  expect_open(books, "hall-user", std::vector{Period::day, Period::month, Period::year}, 50 * kKwh);
  EXPECT_EQ(books.rows_of("hall-user", Period::hour).size(), 1u);
  books.expect_sums_of_entries();

  restart_if_asked(books);
  books.hear(from_to(meter_, 2h + 15min, kMidnight, 1'012.5));
  expect_closed_once(books, "hall-user", Period::day, 750 * kKwh);
  expect_open(books, "hall-user", std::vector{Period::month, Period::year}, 750 * kKwh);
  EXPECT_EQ(books.rows_of("hall-user", Period::day).front().valid_hours, 15u);
  EXPECT_EQ(books.rows_of("hall-user", Period::day).front().covered, 15h);
  books.expect_sums_of_entries();
  EXPECT_EQ(books.look(books.everything()).differences.size(), 0u);

  restart_if_asked(books);
  books.hear(from_to(meter_, kMidnight + 15min, kMonthEnd, 1'712.5));
  expect_closed_once(books, "hall-user", Period::month, (750 + 30 * 1'200) * kKwh);
  expect_open(books, "hall-user", std::vector{Period::year}, (750 + 30 * 1'200) * kKwh);
  books.expect_sums_of_entries();
}

// The hour of the first reading goes on, too.
TEST_P(PeriodsInProgress, OpenFromTheHourOn) {
  Books books(site_);
  books.hear(std::vector{at(meter_, 2h + 45min, 1'000)});
  books.hear(std::vector{at(meter_, 1h + 45min, 950)});
  EXPECT_EQ(books.restate_late_data(), 4u);
  EXPECT_EQ(books.rows_of("hall-user", Period::hour).size(), 2u) << "one is closed";
  restart_if_asked(books);
  books.hear(from_to(meter_, 3h, 4h, 1'012.5));
  const std::vector<model::RollupRow> hours = books.rows_of("hall-user", Period::hour);
  ASSERT_EQ(hours.size(), 3u);
  EXPECT_EQ(hours[1].amount.quanta(), 50 * kKwh);
  EXPECT_EQ(hours[1].validity, model::Validity::valid);
  EXPECT_EQ(hours[1].revision, 0u);
  EXPECT_EQ(books.state().accounts[0].open[static_cast<std::size_t>(Period::day)]->valid_hours, 2u);
  books.expect_sums_of_entries();
}

// An energy user that is new on a meter that has run all morning has its morning by `restate`.
TEST_P(PeriodsInProgress, OpenOfAUserThatIsNewOnAPoint) {
  Books books(site_);
  books.hear(from_to(meter_, 0h, 4h, 1'000));
  model::Account press = site_.site.accounts[0];
  press.id = model::AccountId{1};
  press.user = "press";
  site_.site.accounts.push_back(press);
  books.open();
  EXPECT_EQ(books.book(books.everything()), 16u);
  EXPECT_EQ(books.state().accounts[1].since, books.state().accounts[0].since);

  restart_if_asked(books);
  books.hear(from_to(meter_, 4h + 15min, kMidnight, 1'212.5));
  for (const std::string user : {"press", "hall-user"}) {
    SCOPED_TRACE(user);
    expect_closed_once(books, user, Period::day, 800 * kKwh);
    expect_open(books, user, std::vector{Period::month, Period::year}, 800 * kKwh);
    EXPECT_EQ(books.rows_of(user, Period::day).front().valid_hours, 16u);
  }
  EXPECT_EQ(books.state().accounts[1].covered, books.state().accounts[0].covered);
  EXPECT_EQ(books.state().accounts[1].amount, books.state().accounts[0].amount);
  const auto co2e = [&](std::size_t account) {
    return books.state().accounts[account].emissions[model::Basis::primary].total.co2e;
  };
  EXPECT_EQ(co2e(1), co2e(0)) << "to the milligram";
  books.expect_sums_of_entries();
  EXPECT_EQ(books.look(books.everything()).differences.size(), 0u);
}

}  // namespace
}  // namespace carbongate::app::restating

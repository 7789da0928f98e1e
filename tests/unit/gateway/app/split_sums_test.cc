// Sums that a gateway of before published in two parts are made whole, once.
#include "gateway/app/split_sums.h"

#include <gtest/gtest.h>

#include "gateway/pipeline/calendar.h"
#include "tests/unit/gateway/app/restate_fixture.h"

namespace carbongate::app::restating {
namespace {

using model::Period;

constexpr std::int64_t kKwh = 1'000'000;
constexpr Duration kMidnight = 16h;  // of the first of March in Shanghai, which began 8 h before kStart

class SplitSums : public ::testing::Test {
 protected:
  SplitSums() {
    meter_ = site_.add("hall", Kind::cumulative, "kWh");
    site_.site.points[0].limits.interval = 15min;
    site_.site.points[0].limits.gap_max = 2h;
    books_.emplace(site_);
  }

  // As they were booked before: the quarter hour, and each sum that it is in as if that were over.
  void publish_at_once(std::int64_t kwh) {
    model::EmissionEntry entry;
    entry.begin = kStart + 1h + 45min;
    entry.end = kStart + 2h;
    entry.amount = model::Activity::of(kwh * kKwh);
    entry.covered = 15min;
    entry.revision = ++corrections_;
    entry.correction = model::Correction{model::Cause::late_data, "late readings of meter.hall", entry.end};
    model::Effects effects;
    effects.rows.push_back({model::AccountId{0}, entry});
    amount_ += kwh;
    pipeline::Calendar calendar(site_.site.time_zone);
    for (const Period period : {Period::hour, Period::day, Period::month, Period::year}) {
      const pipeline::Span span = calendar.period(period, entry.begin);
      model::RollupRow row;
      row.period = period;
      row.begin = span.begin;
      row.end = span.end;
      row.amount = model::Activity::of(amount_ * kKwh);
      row.covered = 15min;
      row.revision = corrections_;
      row.valid_hours = period == Period::hour ? 0 : 1;
      effects.rows.push_back({model::AccountId{0}, row});
    }
    books_->commit(std::move(effects));
  }
  void hear(Duration from, Duration to, double kwh) {
    std::vector<Reading> readings;
    for (Duration time = from; time <= to; time += 15min, kwh += 12.5) readings.push_back(at(meter_, time, kwh));
    books_->hear(readings);
  }
  std::vector<model::RollupRow> join(Duration from = 0h) {
    const auto history = store::History::open(books_->path());
    const auto found = join_split_sums(**history, site_.site, kStart + from, kStart + 400 * 24h);
    EXPECT_TRUE(found.has_value());
    model::Effects effects;
    std::vector<model::RollupRow> rows;
    for (const model::AccountRollup& sum : *found) {
      effects.rows.push_back({sum.account, sum.row});
      rows.push_back(sum.row);
    }
    books_->commit(std::move(effects));
    return rows;
  }

  TestSite site_;
  PointId meter_{};
  std::optional<Books> books_;
  std::uint32_t corrections_ = 0;
  std::int64_t amount_ = 0;
};

TEST_F(SplitSums, AreMadeWholeOnceAPeriodIsClosed) {
  hear(2h, 2h, 1'000);
  publish_at_once(30);
  publish_at_once(20);
  hear(2h + 15min, kMidnight, 1'012.5);
  const std::vector<model::RollupRow> joined = join();
  ASSERT_EQ(joined.size(), 1u) << "the hour was whole, month and year go on";
  EXPECT_EQ(joined[0].period, Period::day);
  EXPECT_EQ(joined[0].amount.quanta(), 750 * kKwh);
  EXPECT_EQ(joined[0].revision, 3u);
  EXPECT_EQ(joined[0].covered, 14h + 15min);
  EXPECT_EQ(joined[0].valid_hours, 15u);
  EXPECT_TRUE(join().empty()) << "once";

  hear(kMidnight + 15min, kMidnight + 30 * 24h, 1'712.5);
  const std::vector<model::RollupRow> months = join(40h);
  ASSERT_EQ(months.size(), 1u) << "which has a part in the time asked for";
  EXPECT_EQ(months[0].period, Period::month);
  EXPECT_EQ(months[0].amount.quanta(), (750 + 30 * 1'200) * kKwh);
  EXPECT_TRUE(join().empty());
}

TEST_F(SplitSums, AreFoundAlsoWhereTheyWereCorrectedSince) {
  hear(2h, 2h, 1'000);
  publish_at_once(50);
  hear(2h + 15min, kMidnight, 1'012.5);
  publish_at_once(10);
  const std::vector<model::RollupRow> joined = join();
  ASSERT_EQ(joined.size(), 1u);
  EXPECT_EQ(joined[0].amount.quanta(), 760 * kKwh);
  EXPECT_EQ(joined[0].revision, 3u);
  EXPECT_TRUE(join().empty());
}

TEST_F(SplitSums, AreNoSumsThatAgreeWithTheirEntries) {
  hear(2h, 3h, 1'000);
  hear(3h + 30min, kMidnight, 1'075);
  books_->hear(std::vector{at(meter_, 3h + 15min, 1'060)});
  EXPECT_GT(books_->restate_late_data(), 0u);
  EXPECT_GT(books_->rows_of("hall-user", Period::day).size(), 1u);
  EXPECT_TRUE(join().empty());
  publish_at_once(5);
  EXPECT_TRUE(join().empty()) << "what it lacks, no other row of it has";
}

}  // namespace
}  // namespace carbongate::app::restating

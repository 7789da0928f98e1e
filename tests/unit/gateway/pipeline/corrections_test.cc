// What a correction adds to: closed periods get a revision, one that goes on is corrected before it is published.
#include "gateway/pipeline/corrections.h"

#include <gtest/gtest.h>

#include <array>

#include "tests/unit/gateway/pipeline/pipeline_fixture.h"

namespace carbongate::pipeline {
namespace {

using model::Activity;
using model::Period;
using model::RollupRow;
using namespace std::chrono_literals;

constexpr std::int64_t kKwh = 1'000'000;
constexpr std::array kLonger{Period::day, Period::month, Period::year};

class CorrectionsOfOneMeter : public ::testing::Test {
 protected:
  CorrectionsOfOneMeter() {
    site_.site.time_zone = "UTC";
    meter_ = site_.add_point("energy", Kind::cumulative, "kWh");
    account_ = site_.add_account(meter_);
  }

  std::vector<model::JournalRow> correct(Pipeline& pipeline, std::string_view begin, std::int64_t kwh) {
    model::Amendment amendment;
    amendment.account = account_;
    model::EmissionEntry& entry = amendment.correction;
    entry.begin = utc(begin);
    entry.end = entry.begin + 15min;
    entry.amount = Activity::of(kwh * kKwh);
    entry.covered = 15min;
    entry.revision = 1;
    entry.correction = model::Correction{model::Cause::late_data, "", entry.end};
    return pipeline.correct({&amendment, 1}, {}, {}).rows;
  }
  const std::optional<model::OpenPeriod>& open(const Pipeline& pipeline, Period period) const {
    return pipeline.state().accounts[model::index(account_)].open[static_cast<std::size_t>(period)];
  }

  TestSite site_;
  PointId meter_{};
  model::AccountId account_{};
};

TEST_F(CorrectionsOfOneMeter, OpenThePeriodsThatGoOn) {
  Pipeline pipeline = site_.pipeline();
  feed(pipeline, {reading(meter_, utc("2023-06-01 10:00"), 1'000)});
  const auto rows = correct(pipeline, "2023-06-01 09:45", 50);
  for (const Period closed : {Period::quarter_hour, Period::hour}) {
    EXPECT_EQ(rollups(rows, closed).size(), 1u) << "the reading of 10:00 is its end";
    EXPECT_FALSE(open(pipeline, closed));
  }
  for (const Period period : kLonger) {
    EXPECT_TRUE(rollups(rows, period).empty()) << to_string(period);
    ASSERT_TRUE(open(pipeline, period)) << to_string(period);
    EXPECT_EQ(open(pipeline, period)->amount, Activity::of(50 * kKwh));
    EXPECT_EQ(open(pipeline, period)->covered, 15min);
  }
  EXPECT_EQ(pipeline.state().accounts[0].since, utc("2023-06-01 09:45"));

  Pipeline restarted = site_.pipeline(pipeline.state());
  for (Pipeline* going_on : {&pipeline, &restarted}) {
    const auto more = feed(*going_on, {reading(meter_, utc("2023-06-02 00:00"), 1'010)});
    const std::vector<RollupRow> days = rollups(more, Period::day);
    ASSERT_EQ(days.size(), 1u);
    EXPECT_EQ(days[0].amount, Activity::of(60 * kKwh));
    EXPECT_EQ(days[0].revision, 0u);
  }
}

TEST_F(CorrectionsOfOneMeter, OpenAnHourThatGoesOn) {
  Pipeline pipeline = site_.pipeline();
  feed(pipeline, {reading(meter_, utc("2023-06-01 10:20"), 1'000)});
  EXPECT_TRUE(rollups(correct(pipeline, "2023-06-01 10:00", 5), Period::hour).empty());
  const auto rows = feed(pipeline, {reading(meter_, utc("2023-06-01 11:00"), 1'010)});
  const std::vector<RollupRow> hours = rollups(rows, Period::hour);
  ASSERT_EQ(hours.size(), 1u);
  EXPECT_EQ(hours[0].amount, Activity::of(15 * kKwh));
}

TEST_F(CorrectionsOfOneMeter, ReviseWhatIsClosed) {
  Pipeline pipeline = site_.pipeline();
  feed(pipeline, {reading(meter_, utc("2023-06-01 10:00"), 1'000)});
  const auto rows = correct(pipeline, "2023-05-31 23:45", 50);
  EXPECT_EQ(rollups(rows, Period::day).size(), 1u);
  EXPECT_EQ(rollups(rows, Period::month).size(), 1u);
  EXPECT_FALSE(open(pipeline, Period::month));
  EXPECT_TRUE(rollups(rows, Period::year).empty());
  EXPECT_TRUE(open(pipeline, Period::year));
}

// Nothing ever closes their periods: each sum is told as far as it goes.
TEST_F(CorrectionsOfOneMeter, OfAPointThatIsNotMeasuredAreToldAtOnce) {
  Pipeline pipeline = site_.pipeline();
  const auto rows = correct(pipeline, "2023-06-01 09:45", 50);
  for (const Period period : kPeriods) {
    ASSERT_EQ(rollups(rows, period).size(), 1u) << to_string(period);
    EXPECT_EQ(rollups(rows, period)[0].revision, 1u);
    EXPECT_FALSE(open(pipeline, period));
  }
  EXPECT_FALSE(pipeline.state().accounts[0].since);
}

TEST_F(CorrectionsOfOneMeter, DoNotSayWhenTotalsOfBeforeBegan) {
  Pipeline first = site_.pipeline();
  feed(first, {reading(meter_, utc("2023-06-01 10:00"), 1'000)});
  model::Checkpoint from_before = first.state();
  ASSERT_TRUE(from_before.accounts[0].live_at);
  from_before.accounts[0].since.reset();  // by a program that did not note it
  Pipeline pipeline = site_.pipeline(from_before);
  correct(pipeline, "2023-06-01 09:45", 50);
  EXPECT_FALSE(pipeline.state().accounts[0].since);
}

}  // namespace
}  // namespace carbongate::pipeline

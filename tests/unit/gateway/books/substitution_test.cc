#include "gateway/books/substitution.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace carbongate::books {
namespace {

using model::Activity;
using model::Rule;
using namespace std::chrono_literals;

const Instant kStart = std::chrono::sys_days(std::chrono::year(2026) / 1 / 1);

// Valid hours that count up from 1 mWh, so that every maximum tells which hours it looked at.
std::vector<Hour> hours(std::size_t count) {
  std::vector<Hour> list;
  for (std::size_t i = 0; i < count; ++i) {
    list.push_back({.begin = kStart + i * 1h, .amount = Activity::of(static_cast<std::int64_t>(i) + 1), .valid = true});
  }
  return list;
}

void lose(std::vector<Hour>& list, std::size_t from, std::size_t count) {
  for (std::size_t i = from; i < from + count; ++i) {
    list[i].amount = {};
    list[i].valid = false;
  }
}

Substitution fill(const std::vector<Hour>& list, SubstitutionMethod method = SubstitutionMethod::hj75) {
  pipeline::Calendar calendar("UTC");
  return substitute(list, list.front().begin, list.back().begin + 1h, method, calendar);
}

TEST(Substitution, TakesTheGreatestOf180HoursForAGapUpToADay) {
  auto list = hours(1'000);
  list[10].amount = Activity::of(99'999);   // longer ago than 180 hours
  list[900].amount = Activity::of(77'777);  // within them
  lose(list, 960, 24);
  const Substitution result = fill(list);
  ASSERT_EQ(result.hours.size(), 24u);
  EXPECT_EQ(result.hours[0].begin, list[960].begin);
  EXPECT_EQ(result.hours[23].amount.quanta(), 77'777);
  EXPECT_EQ(result.hours[23].rule, Rule::max_180h);
  EXPECT_EQ(result.hours[23].from, std::vector{list[900].begin});
}

TEST(Substitution, TakesTheGreatestOf720HoursForALongerGap) {
  auto list = hours(1'000);
  list[300].amount = Activity::of(88'888);
  lose(list, 960, 25);
  const Substitution result = fill(list);
  ASSERT_EQ(result.hours.size(), 25u);
  EXPECT_EQ(result.hours[0].amount.quanta(), 88'888);
  EXPECT_EQ(result.hours[0].rule, Rule::max_720h);
}

TEST(Substitution, LooksBackAQuarterWhenLessThanNineTenthsWereValid) {
  auto list = hours(2'000);
  list[1].amount = Activity::of(66'666);
  for (std::size_t i = 100; i < 2'000; i += 8) lose(list, i, 1);  // an eighth is missing
  const Substitution result = fill(list);
  EXPECT_EQ(result.hours.back().rule, Rule::max_2160h);
  EXPECT_EQ(result.hours.back().amount.quanta(), 66'666);
}

TEST(Substitution, RefusesWhereLessThanThreeQuartersWereValidOrNothingWas) {
  auto list = hours(400);
  for (std::size_t i = 0; i < 400; i += 3) lose(list, i, 1);
  const Substitution result = fill(list);
  EXPECT_FALSE(result.refused.empty());
  EXPECT_EQ(result.refused.back(), list[399].begin);
  auto nothing = hours(3);
  lose(nothing, 0, 3);
  EXPECT_EQ(fill(nothing).refused.size(), 3u);
}

// The first quarter of 2026 has 2160 hours. What it gets changes when it is over, and not by what comes behind it.
TEST(Substitution, JudgesByTheCalendarsQuarterOnceItIsOver) {
  auto list = hours(2'159);
  list[50].amount = Activity::of(55'555);
  lose(list, 500, 10);
  const auto of_the_gap = [&](const Substitution& result) {
    EXPECT_EQ(result.hours.front().begin, list[500].begin);
    return result.hours.front();
  };
  lose(list, 1'500, 300);
  EXPECT_EQ(of_the_gap(fill(list)).rule, Rule::max_180h) << "of those until then nearly all are valid";
  EXPECT_EQ(of_the_gap(fill(list)).amount.quanta(), 500);
  for (const int behind : {1, 2'000}) {
    auto over = hours(static_cast<std::size_t>(2'159 + behind));
    std::ranges::copy(list, over.begin());
    if (behind > 1) lose(over, 2'500, 1'500);
    const Substitution result = fill(over);
    EXPECT_EQ(of_the_gap(result).rule, Rule::max_2160h) << "1850 of 2160 are valid";
    EXPECT_EQ(of_the_gap(result).amount.quanta(), 55'555);
    EXPECT_EQ(result.hours[10].begin, list[1'500].begin);
    EXPECT_EQ(result.hours[10].rule, Rule::max_2160h);
  }
  lose(list, 1'800, 250);
  list.push_back({.begin = kStart + 2'159 * 1h, .amount = Activity::of(1), .valid = true});
  const Substitution refused = fill(list);
  EXPECT_TRUE(refused.hours.empty()) << "1600 of 2160 are valid";
  EXPECT_EQ(refused.refused.size(), 560u);
}

TEST(Substitution, TakesThreeQuartersAndNineTenthsOfAQuarterForEnough) {
  const auto rule_of_a_gap = [](std::size_t lost) {
    auto list = hours(2'160);
    lose(list, 1'000, lost - 1);
    lose(list, 2'100, 1);
    const Substitution result = fill(list);
    return result.hours.empty() ? Rule::none : result.hours.back().rule;
  };
  EXPECT_EQ(rule_of_a_gap(216), Rule::max_180h);
  EXPECT_EQ(rule_of_a_gap(217), Rule::max_2160h);
  EXPECT_EQ(rule_of_a_gap(540), Rule::max_2160h);
  EXPECT_EQ(rule_of_a_gap(541), Rule::none);
}

// In Shanghai it begins at four in the afternoon UTC, on the last day of the one before.
TEST(Substitution, TheQuarterIsThatOfTheSite) {
  auto list = hours(2'160 - 8);
  lose(list, 300, 1);
  lose(list, 1'000, 1'000);
  EXPECT_EQ(fill(list).hours.front().begin, list[300].begin) << "in London it goes on";
  pipeline::Calendar calendar("Asia/Shanghai");
  const Instant until = list.back().begin + 1h;
  EXPECT_EQ(substitute(list, kStart, until, SubstitutionMethod::hj75, calendar).refused.size(), 1'001u);
}

TEST(Substitution, NeverUnderstatesWhatWasMeasuredInTheHour) {
  auto list = hours(300);
  lose(list, 299, 1);
  list[299].amount = Activity::of(1'000'000);  // twenty valid minutes of a very busy hour
  const Substitution result = fill(list);
  ASSERT_EQ(result.hours.size(), 1u);
  EXPECT_EQ(result.hours[0].amount.quanta(), 1'000'000);
}

TEST(Substitution, LeavesAPlantThatStoodStillAlone) {
  auto list = hours(300);
  lose(list, 280, 20);
  for (std::size_t i = 280; i < 300; ++i) list[i].operating = false;
  EXPECT_TRUE(fill(list).hours.empty());
}

TEST(Substitution, MayTakeTheMeanOfTheSameHourOfTheWeek) {
  auto list = hours(500);
  lose(list, 400, 1);
  const Substitution result = fill(list, SubstitutionMethod::same_weekday);
  ASSERT_EQ(result.hours.size(), 1u);
  EXPECT_EQ(result.hours[0].amount.quanta(), (233 + 65 + 1) / 2)
      << "hours 232 and 64 count from 1; the mean is rounded up";
  EXPECT_EQ(result.hours[0].rule, Rule::same_weekday);
}

// A shift that begins at six by the clock on the wall: in winter at 5:00 UTC, from 29 March on at 4:00.
TEST(Substitution, MeansTheHourOfTheClockOnTheWall) {
  const Instant march = std::chrono::sys_days(std::chrono::year(2026) / 3 / 1);
  const auto hour_of = [&](Duration after) { return static_cast<std::size_t>(after / 1h); };
  pipeline::Calendar calendar("Europe/Berlin");
  std::vector<Hour> list;
  for (Instant at = march; at < march + 24h * 56; at += 1h) {
    const bool works = (at + calendar.utc_offset(at)).time_since_epoch() % 24h >= 6h;
    list.push_back({.begin = at, .amount = Activity::of(works ? 1'000 : 10), .valid = true});
  }
  lose(list, hour_of(24h * 29 + 3h), 2);  // on 30 March 5:00 and 6:00 by the clock
  lose(list, hour_of(24h * 35 + 0h), 1);  // on 5 April 2:00, which was skipped a week before
  const Substitution result = substitute(list, march, march + 24h * 56, SubstitutionMethod::same_weekday, calendar);
  ASSERT_EQ(result.hours.size(), 3u);
  EXPECT_EQ(result.hours[0].amount.quanta(), 10);
  EXPECT_EQ(result.hours[1].amount.quanta(), 1'000);
  EXPECT_EQ(result.hours[1].from.front(), march + 24h * 22 + 5h) << "6:00 in winter";
  EXPECT_EQ(result.hours[2].from.front(), march + 24h * 21 + 1h) << "two weeks before";
}

TEST(Substitution, OfAValidHourTakesTheMeanForWhatItLacks) {
  EXPECT_EQ(by_mean(Activity::of(766'666'667), 46min, 14min).quanta(), 233'333'333);
  EXPECT_EQ(by_mean(Activity::of(-766'666'667), 46min, 14min).quanta(), -233'333'333);
  EXPECT_EQ(by_mean(Activity::of(3), 2min, 1min).quanta(), 2) << "to the nearest";
  EXPECT_EQ(by_mean(Activity::of(4'000'000'000'000'000'000), 60min, 15min).quanta(), 1'000'000'000'000'000'000);
  EXPECT_EQ(by_mean(Activity::of(5), 60min, 0min), Activity{});
  EXPECT_EQ(by_mean(Activity::of(5), 0min, 60min), Activity{});
}

TEST(Substitution, FillsTheWindowAloneAndKnowsNothingOfWhatComesAfter) {
  auto list = hours(400);
  lose(list, 200, 2);
  lose(list, 300, 2);
  list[399].amount = Activity::of(1'000'000);
  pipeline::Calendar calendar("UTC");
  const Substitution result = substitute(list, list[300].begin, list[301].begin, SubstitutionMethod::hj75, calendar);
  ASSERT_EQ(result.hours.size(), 1u);
  EXPECT_EQ(result.hours[0].amount.quanta(), 300);
}

}  // namespace
}  // namespace carbongate::books

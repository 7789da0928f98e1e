#include "gateway/sinks/energy_platform/records.h"

#include <gtest/gtest.h>

namespace carbongate::sinks::energy_platform {
namespace {

using namespace std::chrono_literals;
using carbongate::energy_platform::parse_data_code;
using carbongate::energy_platform::StatType;
using model::Period;

const Instant kMidnight = std::chrono::sys_days(std::chrono::year(2026) / 7 / 31) + 16h;  // 2026-08-01 in Shanghai

Item item_of(std::int64_t quanta_per_unit) {
  Item item;
  item.user = "hall";
  item.point = "incomer.import";
  item.carrier = model::find_carrier("electricity");
  item.code = *parse_data_code("0000000002330011");
  item.periods = {StatType::real_time, StatType::day, StatType::month};
  item.quanta_per_unit = quanta_per_unit;
  return item;
}

model::RollupRow rollup(std::int64_t quanta, Period period = Period::quarter_hour) {
  model::RollupRow row;
  row.period = period;
  row.begin = kMidnight;
  row.end = kMidnight + (period == Period::day     ? Duration(24h)
                         : period == Period::month ? Duration(31 * 24h)
                                                   : Duration(15min));
  row.amount = model::Activity::of(quanta);
  return row;
}

TEST(EnergyPlatformValue, IsExactWhereItCanBe) {
  EXPECT_EQ(value_of(item_of(1'000'000), rollup(1'234'567)), "1.234567");
  EXPECT_EQ(value_of(item_of(10'000'000'000), rollup(1)), "0.0000000001");
  EXPECT_EQ(value_of(item_of(1'000'000), rollup(-1'500'000)), "-1.5");
  EXPECT_EQ(value_of(item_of(1'000'000), rollup(INT64_MAX)), "9223372036854.775807");
}

TEST(EnergyPlatformValue, IsRoundedHalfAwayFromZeroElsewhere) {
  Item item = item_of(1'000'000);
  item.decimals = 2;
  EXPECT_EQ(value_of(item, rollup(1'235'000)), "1.24");
  EXPECT_EQ(value_of(item, rollup(-1'235'000)), "-1.24");
  EXPECT_EQ(value_of(item, rollup(1'234'999)), "1.23");
  item.decimals = 0;
  EXPECT_EQ(value_of(item, rollup(499'999)), "0");
  Item joule = item_of(3'600);  // no power of ten
  EXPECT_EQ(value_of(joule, rollup(1'200)), "0.333333");
}

TEST(EnergyPlatformValue, OfARateIsTheMeanOfThePeriod) {
  Item item = item_of(1'000'000);
  item.is_rate = true;
  EXPECT_EQ(value_of(item, rollup(25'000'000)), "100") << "25 kWh in a quarter hour";
  EXPECT_EQ(value_of(item, rollup(2'400'000'000, Period::day)), "100");
}

Instant due_of(const model::RollupRow& row, std::chrono::seconds upload_time, std::uint32_t month_day) {
  return due(row.period, row.end, upload_time, month_day);
}

TEST(EnergyPlatformDue, IsTheSlotOfThePlatform) {
  EXPECT_EQ(due_of(rollup(1), 8h + 30min, 2), kMidnight + 15min);
  EXPECT_EQ(due_of(rollup(1, Period::day), 8h + 30min, 2), kMidnight + 24h + 8h + 30min);
  EXPECT_EQ(due_of(rollup(1, Period::month), 8h, 2), kMidnight + 31 * 24h + 24h + 8h) << "on the 2nd";
  EXPECT_EQ(due_of(rollup(1, Period::month), 8h, 1), kMidnight + 31 * 24h + 8h);
}

class EnergyPlatformRecords : public testing::Test {
 protected:
  EnergyPlatformRecords() {
    config_.time_zone = "Asia/Shanghai";
    config_.items = {item_of(1'000'000)};
    auto series = std::make_shared<model::Series>();
    series->device = "incomer";
    series->point = "import";
    series->user = "hall";
    series->carrier = "electricity";
    series_ = series;
  }
  auto records(model::RollupRow row, Cadence cadence) {
    RecordMaker maker(config_, cadence);
    return maker.records_of({.sequence = 1, .series = series_, .body = row}, kMidnight + 16min + 7s + 999ms);
  }
  Config config_;
  std::shared_ptr<const model::Series> series_;
};

TEST_F(EnergyPlatformRecords, HaveEverythingThatIsMandatory) {
  const auto got = records(rollup(1'500'000), Cadence::real_time);
  ASSERT_EQ(got.size(), 1u);
  EXPECT_EQ(got[0].code.digits, "0000000002330011");
  EXPECT_EQ(got[0].value, "1.5");
  EXPECT_EQ(got[0].input_type, 4);
  EXPECT_EQ(got[0].stat_type, StatType::real_time);
  EXPECT_EQ(got[0].stat_date, "2026-08-01 00:00:00");
  EXPECT_EQ(got[0].upload_date, "2026-08-01 00:16:07");
  EXPECT_TRUE(got[0].is_valid);
}

TEST_F(EnergyPlatformRecords, AreOfOneQueueEach) {
  EXPECT_EQ(records(rollup(1), Cadence::days).size(), 0u);
  EXPECT_EQ(records(rollup(1, Period::day), Cadence::days).size(), 1u);
  EXPECT_EQ(records(rollup(1, Period::day), Cadence::real_time).size(), 0u);
  EXPECT_EQ(records(rollup(1, Period::month), Cadence::months).size(), 1u);
  EXPECT_EQ(records(rollup(1, Period::year), Cadence::months).size(), 0u) << "the item does not want it";
  EXPECT_EQ(records(rollup(1, Period::hour), Cadence::real_time).size(), 0u);
}

TEST_F(EnergyPlatformRecords, SayHowGoodTheyAre) {
  model::RollupRow row = rollup(1);
  row.quality = {model::Origin::manual, model::Rule::none};
  EXPECT_EQ(records(row, Cadence::real_time).at(0).input_type, 5) << "filled in by hand";
  row.quality = {model::Origin::missing, model::Rule::gap};
  EXPECT_FALSE(records(row, Cadence::real_time).at(0).is_valid);
  row.quality = {model::Origin::missing, model::Rule::no_factor};
  EXPECT_FALSE(records(row, Cadence::real_time).at(0).is_valid) << "nobody watched";
  row.covered = 14min;
  EXPECT_TRUE(records(row, Cadence::real_time).at(0).is_valid) << "the amount is known";
}

TEST_F(EnergyPlatformRecords, AreValidByTheirOrigin) {
  using enum model::Origin;
  const auto valid = [&](model::Origin origin) {
    model::RollupRow row = rollup(1);
    row.quality = {origin, model::Rule::none};
    return records(row, Cadence::real_time).at(0).is_valid;
  };
  EXPECT_TRUE(valid(measured));
  EXPECT_TRUE(valid(late));
  EXPECT_TRUE(valid(manual)) << "inputType says so";
  EXPECT_FALSE(valid(estimated)) << "over a gap";
  EXPECT_FALSE(valid(substituted));
  EXPECT_FALSE(valid(missing));
  config_.dialect.valid_origins = {"measured", "substituted"};
  EXPECT_TRUE(valid(substituted));
  EXPECT_FALSE(valid(late));
}

TEST_F(EnergyPlatformRecords, OfADayAreValidIfEnoughOfItWasWatched) {
  model::RollupRow day = rollup(1, Period::day);
  day.quality = {model::Origin::estimated, model::Rule::gap};
  day.covered = 22h;
  EXPECT_TRUE(records(day, Cadence::days).at(0).is_valid) << "what the counter moved is known";
  day.covered = 21h;
  EXPECT_FALSE(records(day, Cadence::days).at(0).is_valid);
  config_.dialect.valid_watched_percent = 80;
  EXPECT_TRUE(records(day, Cadence::days).at(0).is_valid);
  day.quality.origin = model::Origin::substituted;
  EXPECT_FALSE(records(day, Cadence::days).at(0).is_valid);
}

TEST_F(EnergyPlatformRecords, OfADayWhoseLackOfAFactorHidesAResetAreValidIfEnoughOfItWasWatched) {
  model::RollupRow day = rollup(1, Period::day);
  for (const model::Rule lack : {model::Rule::no_market_factor, model::Rule::no_coal_factor, model::Rule::no_factor}) {
    day.quality = {model::Origin::missing, lack};
    day.covered = 22h;
    EXPECT_TRUE(records(day, Cadence::days).at(0).is_valid) << to_string(lack);
    day.covered = 21h;
    EXPECT_FALSE(records(day, Cadence::days).at(0).is_valid) << to_string(lack);
  }
}

TEST_F(EnergyPlatformRecords, OfADayInWhichACounterWasResetAreValidIfEnoughOfItWasWatched) {
  model::RollupRow day = rollup(1, Period::day);
  day.quality = {model::Origin::missing, model::Rule::reset};
  day.covered = 23h;
  EXPECT_TRUE(records(day, Cadence::days).at(0).is_valid);
  day.covered = 21h;
  EXPECT_FALSE(records(day, Cadence::days).at(0).is_valid);
  model::RollupRow quarter = rollup(1);
  quarter.quality = day.quality;
  EXPECT_FALSE(records(quarter, Cadence::real_time).at(0).is_valid);
}

TEST_F(EnergyPlatformRecords, OfAFirstDayThatWasMeasuredInPartAreNotValid) {
  model::RollupRow day = rollup(1, Period::day);
  day.covered = 6h;
  EXPECT_FALSE(records(day, Cadence::days).at(0).is_valid);
  day.quality.origin = model::Origin::manual;
  EXPECT_TRUE(records(day, Cadence::days).at(0).is_valid) << "a person has said it";
  day.quality.origin = model::Origin::measured;
  day.covered = 23h;
  EXPECT_TRUE(records(day, Cadence::days).at(0).is_valid);
}

TEST_F(EnergyPlatformRecords, AreOfTheAccountsThatAreTold) {
  config_.items[0].user = "oven";
  EXPECT_EQ(records(rollup(1), Cadence::real_time).size(), 0u);
  config_.items[0] = item_of(1'000'000);
  config_.items.push_back(item_of(1'000'000));
  config_.items[1].code = *parse_data_code("0000000002330020");
  EXPECT_EQ(records(rollup(1), Cadence::real_time).size(), 2u) << "one account under two codes";
}

}  // namespace
}  // namespace carbongate::sinks::energy_platform

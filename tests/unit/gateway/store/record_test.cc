#include "gateway/store/record.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <string>

#include "drivers/api/kept_bits.h"
#include "gateway/store/database.h"
#include "store_fixtures.h"

namespace carbongate::store {
namespace {

using namespace store_test;

TEST(Record, KeepsEveryMemberOfAState) {
  RecordCodec codec;
  EXPECT_EQ(codec.decode_point(codec.encode(full_point_state())), full_point_state());
  EXPECT_EQ(codec.decode_account(codec.encode(full_account_state())), full_account_state());
  EXPECT_EQ(codec.decode_alert(codec.encode(full_alert_state())), full_alert_state());
  EXPECT_EQ(codec.decode_station(codec.encode(full_station_state())), full_station_state());
}

TEST(Record, KeepsEveryMemberOfAReport) {
  RecordCodec codec;
  const auto hour = full_report(model::ReportKind::hour, kStart, std::chrono::hours(1));
  EXPECT_EQ(codec.encode(hour).kind, RowKind::report);
  EXPECT_EQ(codec.decode_row(codec.encode(hour)).get<model::Report>(), hour);
  const auto instant = full_report(model::ReportKind::real_time, kStart, {});
  RecordColumns columns = codec.encode(instant);
  EXPECT_EQ(columns.kind, RowKind::instant) << "kept as long as readings";
  EXPECT_EQ(codec.decode_row(columns).get<model::Report>(), instant);
  columns.kind = RowKind::report;
  EXPECT_THROW(codec.decode_row(columns), DamagedRecord);
}

TEST(Record, KeepsEveryMemberOfAnAlert) {
  RecordCodec codec;
  EXPECT_EQ(codec.decode_row(codec.encode(full_alert())).get<model::Alert>(), full_alert());
  EXPECT_EQ(codec.decode_row(codec.encode(model::Alert{})).get<model::Alert>(), model::Alert{}) << "nothing is left";
  model::Alert unknown = full_alert();
  unknown.of->coverage.reset();
  EXPECT_EQ(codec.decode_row(codec.encode(unknown)).get<model::Alert>(), unknown);
}

// As it was written before alerts said what their value is a sum of.
TEST(Record, ReadsAnAlertThatDoesNotSayWhatItIsOf) {
  RecordCodec codec;
  const std::string with(codec.encode(full_alert()).body);
  model::Alert alert = full_alert();
  alert.of.reset();
  const RecordColumns without = codec.encode(alert);
  EXPECT_TRUE(with.starts_with(without.body)) << "all that is new is behind it";
  EXPECT_LT(without.body.size(), with.size());
  EXPECT_EQ(codec.decode_row(without).get<model::Alert>(), alert);
}

TEST(Record, KeepsEveryMemberOfAnEntry) {
  RecordCodec codec;
  const model::EmissionEntry entry = full_entry();
  const model::EmissionEntry decoded = codec.decode_row(codec.encode(entry)).get<model::EmissionEntry>();
  EXPECT_EQ(decoded, entry);
  const auto plain = store_test::entry(kStart, 1, 2).body.get<model::EmissionEntry>();
  EXPECT_EQ(codec.decode_row(codec.encode(plain)).get<model::EmissionEntry>(), plain);
}

TEST(Record, KeepsTheBitsOfAReadingThatIsNoNumber) {
  RecordCodec codec;
  const auto kept = [&](double value) {
    RecordColumns columns = codec.encode(model::JudgedReading{kStart, value, {}});
    columns.value = std::nan("");  // which is all that SQLite keeps
    return std::bit_cast<std::uint64_t>(codec.decode_row(columns).get<model::JudgedReading>().value);
  };
  EXPECT_EQ(kept(nan_that_keeps(0x7FC1'42C8)), 0x7FFC'0000'7FC1'42C8U);
  EXPECT_EQ(kept(std::bit_cast<double>(0xFFF4'0000'0001'4093U)), 0xFFF4'0000'0001'4093U);
  EXPECT_TRUE(codec.encode(model::JudgedReading{kStart, std::nan(""), {}}).body.empty()) << "nothing to keep";
  EXPECT_TRUE(codec.encode(model::JudgedReading{kStart, 1.5, {}}).body.empty());
  EXPECT_THROW(decode_value(std::nan(""), "12345678"), DamagedRecord);
  EXPECT_THROW(decode_value(std::nan(""), "\x7f\xfc"), DamagedRecord);
}

TEST(Record, LeavesNothingOfOneStateInTheNext) {
  RecordCodec codec;
  codec.encode(full_point_state());
  codec.encode(full_account_state());
  EXPECT_EQ(codec.decode_point(codec.encode(model::PointState{})), model::PointState{});
  EXPECT_EQ(codec.decode_account(codec.encode(model::AccountState{})), model::AccountState{});
  codec.encode(full_alert_state());
  EXPECT_EQ(codec.decode_alert(codec.encode(model::AlertState{})), model::AlertState{});
  codec.encode(full_station_state());
  EXPECT_EQ(codec.decode_station(codec.encode(model::StationState{})), model::StationState{});
}

TEST(Record, TakesNoBytesForAnEmptyState) {
  RecordCodec codec;
  EXPECT_TRUE(codec.encode(model::PointState{}).empty());
  EXPECT_TRUE(codec.encode(model::AccountState{}).empty());
  EXPECT_TRUE(codec.encode(model::AlertState{}).empty());
  EXPECT_TRUE(codec.encode(model::StationState{}).empty());
}

TEST(Record, KeepsEveryQualityThereIs) {
  for (int origin = 0; origin <= static_cast<int>(model::Origin::missing); ++origin) {
    for (std::size_t rule = 0; rule < model::kRuleCount; ++rule) {
      const model::Quality quality{static_cast<model::Origin>(origin), static_cast<model::Rule>(rule)};
      if (!model::is_known(quality.rule)) continue;
      EXPECT_EQ(decode_quality(encode_quality(quality)), quality);
    }
  }
  EXPECT_EQ(encode_quality({}), 0) << "the usual one takes no room in the file";
}

TEST(Record, RefusesQualitiesThatDoNotExist) {
  EXPECT_THROW(decode_quality(-1), DamagedRecord);
  EXPECT_THROW(decode_quality(15), DamagedRecord);
  EXPECT_THROW(decode_quality(static_cast<std::int64_t>(model::kRuleCount) << 4), DamagedRecord);
  EXPECT_THROW(decode_quality(static_cast<std::int64_t>(model::kRuleCount - 1) << 4), DamagedRecord);
}

TEST(Record, RefusesBytesThatAreNoRecord) {
  RecordCodec codec;
  const std::string garbage = "\xff\xff\xff";
  EXPECT_THROW(codec.decode_point(garbage), DamagedRecord);
  EXPECT_THROW(codec.decode_account(garbage), DamagedRecord);
  EXPECT_THROW(codec.decode_alert(garbage), DamagedRecord);
  for (const RowKind kind :
       {RowKind::running_total, RowKind::interval, RowKind::entry, RowKind::rollup, RowKind::alert}) {
    EXPECT_THROW(codec.decode_row({.kind = kind, .body = garbage}), DamagedRecord);
  }
}

TEST(Record, RefusesKindsAndPeriodsThatDoNotExist) {
  RecordCodec codec;
  EXPECT_THROW(codec.decode_row({.kind = static_cast<RowKind>(9)}), DamagedRecord);
  EXPECT_THROW(codec.decode_row({.kind = RowKind::rollup, .body = "\x20\x09"}), DamagedRecord) << "field 4, period 9";
  EXPECT_THROW(codec.decode_row({.kind = RowKind::alert, .body = ""}), DamagedRecord) << "no stage";
  EXPECT_THROW(codec.decode_row({.kind = RowKind::alert, .body = "\x10\x05"}), DamagedRecord) << "stage 5";
  EXPECT_THROW(codec.decode_row({.kind = RowKind::alert, .body = "\x10\x01\x18\x03"}), DamagedRecord) << "severity 3";
  EXPECT_THROW(codec.decode_row({.kind = RowKind::alert, .body = "\x10\x01\x58\x63"}), DamagedRecord) << "cause 99";
}

}  // namespace
}  // namespace carbongate::store

#include "gateway/sinks/line_protocol/schema.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace carbongate::sinks::line_protocol {
namespace {

using namespace std::chrono_literals;
using model::Origin;
using model::Rule;

constexpr Instant kNine{std::chrono::milliseconds(1'700'000'100'000)};

model::Series press_shop() {
  return {.site = "edz-1",
          .device = "press shop",
          .point = "active_energy_import",
          .unit = "Wh",
          .user = "press-shop",
          .user_name = "冲压车间",
          .carrier = "electricity",
          .region = "CN-SC",
          .scope = model::Scope::energy};
}

std::string line_of(model::RowBody body, const model::Series& series = press_shop()) {
  std::string out;
  std::string reason;
  const model::StoredRow row{7, std::make_shared<model::Series>(series), std::move(body)};
  switch (append_row(out, row, reason)) {
    case shared::Rendering::point: return out;
    case shared::Rendering::nothing: return "nothing";
    case shared::Rendering::refused: EXPECT_EQ(out, ""); return "refused: " + reason;
  }
  return "?";
}

model::EmissionEntry quarter() {
  model::EmissionEntry entry;
  entry.begin = kNine;
  entry.end = kNine + 15min;
  entry.amount = model::Activity::of(1'250'000);
  entry.primary.emitted.co2e = model::Co2e::of(663'250);
  entry.primary.emitted.gases[model::Gas::co2] = model::GasMass::of(663'250);
  entry.primary.emitted.u95_activity = model::Co2e::of(3'317);
  entry.market.emplace().emitted.co2e = model::Co2e::of(762'000);
  entry.coal = model::StandardCoal::of(153'625);
  entry.primary.factor_id = "cn-grid/CN-SC/average/2023";
  entry.primary.factor_version = "2025-12-31";
  entry.covered = 899'500ms;
  return entry;
}

TEST(LineProtocolSchema, NamesAReadingByItsPoint) {
  EXPECT_EQ(line_of(model::JudgedReading{kNine, 20013.5, {}}),
            "carbongate_reading,device=press\\ shop,point=active_energy_import,site=edz-1,unit=Wh "
            "value=20013.5,quality=0i,rule=0i 1700000100000\n");
}

TEST(LineProtocolSchema, SendsTheQualityAloneWhenAReadingIsNotANumber) {
  for (const double value : {std::nan(""), std::numeric_limits<double>::infinity()}) {
    EXPECT_EQ(line_of(model::JudgedReading{kNine, value, {Origin::missing, Rule::not_a_number}}),
              "carbongate_reading,device=press\\ shop,point=active_energy_import,site=edz-1,unit=Wh "
              "quality=5i,rule=1i 1700000100000\n");
  }
}

TEST(LineProtocolSchema, LeavesOutADuplicateThatWouldTakeTheFirstOnesPlace) {
  EXPECT_EQ(line_of(model::JudgedReading{kNine, 1.0, {Origin::missing, Rule::duplicate}}), "nothing");
}

TEST(LineProtocolSchema, LeavesOutWhatWasStampedWhileNobodyKnewTheTime) {
  for (const Rule rule : {Rule::clock, Rule::clock_stopped, Rule::clock_manual}) {
    EXPECT_EQ(line_of(model::JudgedReading{kNine, 1.0, {Origin::missing, rule}}), "nothing") << to_string(rule);
  }
  for (const Rule rule : {Rule::device_clock, Rule::device_clock_stopped, Rule::device_clock_manual}) {
    EXPECT_NE(line_of(model::JudgedReading{kNine, 1.0, {Origin::missing, rule}}), "nothing") << to_string(rule);
  }
}

TEST(LineProtocolSchema, DoesNotTouchTheQualityOfAReadingThatIsHeardAgainOutOfOrder) {
  EXPECT_EQ(line_of(model::JudgedReading{kNine, 1.5, {Origin::missing, Rule::out_of_order}}),
            "carbongate_reading,device=press\\ shop,point=active_energy_import,site=edz-1,unit=Wh value=1.5 "
            "1700000100000\n");
  EXPECT_EQ(line_of(model::JudgedReading{kNine, std::nan(""), {Origin::missing, Rule::out_of_order}}), "nothing");
}

TEST(LineProtocolSchema, StampsAnIntervalWithItsBegin) {
  EXPECT_EQ(
      line_of(
          model::EnergyInterval{kNine, kNine + 15min, model::Activity::of(-1), 0ms, {Origin::estimated, Rule::gap}}),
      "carbongate_interval,carrier=electricity,device=press\\ shop,point=active_energy_import,site=edz-1,unit=kWh "
      "amount=-0.000001,duration_s=900,covered_s=0,coverage_percent=0,quality=2i,rule=12i 1700000100000\n");
}

TEST(LineProtocolSchema, GivesAnEntryItsFactorAndExactAmounts) {
  EXPECT_EQ(line_of(quarter()),
            "carbongate_entry,carrier=electricity,device=press\\ shop,factor=cn-grid/CN-SC/average/2023,"
            "factor_version=2025-12-31,point=active_energy_import,scope=2,site=edz-1,unit=kWh,user=press-shop "
            "amount=1.25,co2e_kg=0.66325,u95_kg=0.003317,u95_stated=1i,co2_kg=0.66325,market_co2e_kg=0.762,coal_kgce=0."
            "153625,"
            "duration_s=900,covered_s=899.5,coverage_percent=99.94,quality=0i,rule=0i 1700000100000\n");
}

TEST(LineProtocolSchema, NamesTheGwpSetThatGasesWereAddedUpBy) {
  model::EmissionEntry entry = quarter();
  entry.primary.gwp_set = "AR5";
  EXPECT_NE(line_of(entry).find(",factor_version=2025-12-31,gwp_set=AR5,point="), std::string::npos) << line_of(entry);
}

TEST(LineProtocolSchema, SaysInWhoseConsumptionAnAccountsIsContained) {
  model::Series series = press_shop();
  series.part_of = "park";
  model::EmissionEntry corrected = quarter();
  corrected.correction = model::Correction{model::Cause::late_data, "", kNine};
  model::RollupRow rollup;
  rollup.end = rollup.begin + 15min;
  for (const model::RowBody& body : {model::RowBody(quarter()), model::RowBody(corrected), model::RowBody(rollup),
                                     model::RowBody(model::RunningTotal{})}) {
    const std::string line = line_of(body, series);
    EXPECT_NE(line.find(",part_of=park,p"), std::string::npos) << "before period and point: " << line;
    EXPECT_EQ(line_of(body).find("part_of"), std::string::npos) << "no tag without a value";
  }
}

TEST(LineProtocolSchema, PutsACorrectionBesideTheEntry) {
  model::EmissionEntry entry = quarter();
  entry.revision = 2;
  entry.correction = model::Correction{model::Cause::late_data, "two readings", kNine};
  EXPECT_EQ(line_of(entry),
            "carbongate_correction,carrier=electricity,cause=late-data,device=press\\ shop,"
            "factor=cn-grid/CN-SC/average/"
            "2023,factor_version=2025-12-31,point=active_energy_import,revision=2,scope=2,site=edz-1,"
            "unit=kWh,user=press-shop "
            "amount=1.25,co2e_kg=0.66325,u95_kg=0.003317,u95_stated=1i,co2_kg=0.66325,market_co2e_kg=0.762,coal_kgce=0."
            "153625,"
            "duration_s=900,"
            "covered_s=899.5,coverage_percent=99.94,quality=0i,rule=0i 1700000100000\n");
}

TEST(LineProtocolSchema, ClaimsNoEmissionWhereNoFactorApplied) {
  model::EmissionEntry entry = quarter();
  entry.primary.emitted = {};
  entry.market.reset();
  entry.primary.factor_id.clear();
  entry.primary.factor_version.clear();
  entry.quality = {Origin::missing, Rule::no_factor};
  EXPECT_EQ(
      line_of(entry),
      "carbongate_entry,carrier=electricity,device=press\\ shop,point=active_energy_import,scope=2,site=edz-1,unit=kWh,"
      "user=press-shop "
      "amount=1.25,coal_kgce=0.153625,duration_s=900,covered_s=899.5,coverage_percent=99.94,quality=5i,rule="
      "13i "
      "1700000100000\n");
}

TEST(LineProtocolSchema, ClaimsNoEmissionWithoutAFactorWhateverElseIsWrong) {
  model::EmissionEntry entry = quarter();
  entry.primary = {};
  entry.market = model::Emission{};
  entry.quality = {Origin::missing, Rule::gap};  // as programs before this one stored it
  EXPECT_EQ(line_of(entry).find("co2e_kg"), std::string::npos);

  model::RollupRow hour;
  hour.period = model::Period::hour;
  hour.begin = kNine;
  hour.end = kNine + 1h;
  hour.quality = model::worse({Origin::missing, Rule::gap}, {Origin::missing, Rule::no_factor});
  EXPECT_EQ(line_of(hour).find("co2e_kg"), std::string::npos);
  model::RunningTotal total;
  total.at = kNine;
  total.quality = hour.quality;
  EXPECT_EQ(line_of(total).find(",co2e_kg="), std::string::npos);
  total.emitted[model::Basis::primary].co2e = model::Co2e::of(1'000'000);
  EXPECT_NE(line_of(total).find(",co2e_kg=1,"), std::string::npos) << "of the time that had one";
}

TEST(LineProtocolSchema, ClaimsNoStandardCoalWithoutACoefficient) {
  model::EmissionEntry entry = quarter();
  entry.coal = {};
  entry.coal_factor_id.clear();
  EXPECT_NE(line_of(entry).find("coal_kgce=0,"), std::string::npos) << "none is asked for";
  entry.quality = {Origin::measured, Rule::no_coal_factor};
  EXPECT_EQ(line_of(entry).find("coal_kgce"), std::string::npos);
  EXPECT_NE(line_of(entry).find("rule=41i"), std::string::npos);
}

TEST(LineProtocolSchema, SaysOfAnAlertWhetherItFires) {
  model::Series series;
  series.site = "edz-1";
  series.device = "press shop";
  series.point = "power";
  series.rule = "overload";
  model::Alert alert{.at = kNine,
                     .since = kNine - 1500ms,
                     .severity = model::Severity::critical,
                     .id = "0123456789abcdef",
                     .name = "Overload",
                     .name_zh = "过载",
                     .value = 812.5,
                     .limit = 800,
                     .unit = "kW"};
  EXPECT_EQ(
      line_of(alert, series),
      "carbongate_alert,device=press\\ shop,point=power,rule=overload,severity=critical,site=edz-1 "
      "active=1i,state=1i,value=812.5,threshold=800,since_s=1700000098.5,revision=0i,suppressed=0i 1700000100000\n");
  alert.stage = model::AlertStage::resolved;
  alert.revision = 1;
  alert.value = std::nan("");
  EXPECT_EQ(line_of(alert, series),
            "carbongate_alert,device=press\\ shop,point=power,rule=overload,severity=critical,site=edz-1 "
            "active=0i,state=3i,threshold=800,since_s=1700000098.5,revision=1i,suppressed=0i 1700000100000\n");
  alert.of = model::SummedTime{.begin = kNine, .end = kNine + 24h, .coverage = 8750};
  EXPECT_TRUE(line_of(alert, series)
                  .ends_with(",suppressed=0i,period_begin_s=1700000100,period_end_s=1700086500,coverage_percent=87.5 "
                             "1700000100000\n"));
  alert.of->coverage.reset();
  EXPECT_TRUE(line_of(alert, series).ends_with(",period_end_s=1700086500 1700000100000\n"));
}

TEST(LineProtocolSchema, TellsThePeriodsOfRollupsApart) {
  model::RollupRow rollup;
  rollup.period = model::Period::day;
  rollup.begin = kNine;
  rollup.end = kNine + 24h;
  rollup.amount = model::Activity::of(9'007'199'254'740'993);  // beyond a double's 2^53
  rollup.emitted[model::Basis::primary].co2e = model::Co2e::of(1);
  rollup.emitted[model::Basis::market].co2e = model::Co2e::of(2);
  rollup.covered = 24h;
  EXPECT_EQ(line_of(rollup),
            "carbongate_rollup,carrier=electricity,device=press\\ "
            "shop,period=day,point=active_energy_import,scope=2,site=edz-1,"
            "unit=kWh,user=press-shop "
            "amount=9007199254.740993,co2e_kg=0.000001,market_co2e_kg=0.000002,coal_kgce=0,duration_s=86400,"
            "covered_s=86400,coverage_percent=100,"
            "quality=0i,rule=0i 1700000100000\n");
}

TEST(LineProtocolSchema, SendsRunningTotalsWithTheirPresentRates) {
  model::RunningTotal total{.at = kNine,
                            .amount = model::Activity::of(2'000'000),
                            .emitted = {},
                            .amount_per_hour = 48.5,
                            .co2e_kg_per_hour = 25.7341,
                            .since = {},
                            .quality = {}};
  total.emitted[model::Basis::primary].co2e = model::Co2e::of(1'061'200);
  EXPECT_EQ(
      line_of(total),
      "carbongate_total,carrier=electricity,device=press\\ shop,point=active_energy_import,scope=2,site=edz-1,unit=kWh,"
      "user=press-shop "
      "amount=2,co2e_kg=1.0612,market_co2e_kg=0,market_u95_kg=0,market_u95_stated=2i,quality=0i,rule=0i,amount_per_"
      "hour=48.5,"
      "co2e_kg_per_hour=25.7341 1700000100000\n");

  total.since = kNine - 40s;
  total.covered = 30s;
  total.quality = {model::Origin::estimated, model::Rule::gap};
  total.emitted[model::Basis::primary] = {model::Co2e::of(1'061'200), model::Co2e::of(30'000), model::Co2e::of(40'000)};
  total.emitted[model::Basis::market] = {model::Co2e::of(500'000), model::Co2e::of(6'000), model::Co2e::of(8'000)};
  EXPECT_EQ(
      line_of(total),
      "carbongate_total,carrier=electricity,device=press\\ shop,point=active_energy_import,scope=2,site=edz-1,unit=kWh,"
      "user=press-shop "
      "amount=2,co2e_kg=1.0612,u95_kg=0.05,u95_stated=2i,market_co2e_kg=0.5,market_u95_kg=0.01,market_u95_stated=2i,"
      "duration_s=40,covered_s=30,"
      "coverage_percent=75,quality=2i,rule=12i,amount_per_hour=48.5,co2e_kg_per_hour=25.7341 1700000100000\n");
}

TEST(LineProtocolSchema, LeavesOutTagsWithoutAValue) {
  model::Series series;
  series.device = "d";
  EXPECT_EQ(line_of(model::JudgedReading{kNine, 1.0, {}}, series),
            "carbongate_reading,device=d value=1,quality=0i,rule=0i 1700000100000\n");
}

TEST(LineProtocolSchema, SpellsOutWhatATagCannotHold) {
  model::Series series = press_shop();
  series.device = "a\\b,c=d\ne\\";
  EXPECT_EQ(line_of(model::JudgedReading{kNine, 1.0, {}}, series),
            "carbongate_reading,device=a%5Cb\\,c\\=d%0Ae%5C,point=active_energy_import,site=edz-1,unit=Wh "
            "value=1,quality=0i,rule=0i 1700000100000\n");
}

TEST(LineProtocolSchema, RefusesTimesThatNoServerHolds) {
  const Instant year_9999{std::chrono::milliseconds(253'370'764'800'000)};
  EXPECT_EQ(line_of(model::JudgedReading{year_9999, 1.0, {}}), "refused: its time is outside the years 1678 to 2261");
}

TEST(LineProtocolSchema, RefusesAnAmountOfAnUnknownCarrier) {
  model::Series series = press_shop();
  series.carrier = "phlogiston";
  EXPECT_EQ(line_of(quarter(), series), "refused: its energy carrier 'phlogiston' is not known");
}

TEST(LineProtocolSchema, TheSameRowGivesTheSameBytes) {
  EXPECT_EQ(line_of(quarter()), line_of(quarter()));
}

}  // namespace
}  // namespace carbongate::sinks::line_protocol

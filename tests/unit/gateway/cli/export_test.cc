#include "gateway/cli/export.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/json/parse.hpp>
#include <cmath>
#include <fstream>
#include <limits>
#include <sstream>

#include "gateway/store/database.h"
#include "gateway/store/sqlite_store.h"
#include "tests/support/temporary_directory.h"

namespace carbongate::cli {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

constexpr PointId kPoint{0};
constexpr model::AccountId kAccount{0};
const Instant kNewYear = Instant(std::chrono::seconds(1'672'502'400));  // 2023-01-01T00:00:00+08:00

class ExportTest : public ::testing::Test {
 protected:
  ExportTest() {
    site_.id = "edz-1";
    site_.points = {{.id = kPoint,
                     .device = "press",
                     .name = "energy",
                     .kind = Kind::cumulative,
                     .unit = *find_unit("kWh"),
                     .limits = {}}};
    site_.accounts = {{.id = kAccount,
                       .user = "press-shop",
                       .user_name = "冲压车间",
                       .carrier = model::find_carrier("electricity"),
                       .scope = model::Scope::energy,
                       .source = kPoint,
                       .factor = model::FactorChoice{"cn-grid", "CN-SC", "average"},
                       .market = {},
                       .coal = {}}};
    options_.store = directory_.path() / "store";
    options_.time_zone = "Asia/Shanghai";
    open();
  }

  void open() {
    store_.reset();
    store::StoreConfig config;
    config.path = options_.store;
    store_ = store::SqliteStore::open(config, site_).value();
  }

  void commit(model::Effects effects) {
    boost::asio::io_context loop(1);
    auto done = boost::asio::co_spawn(loop, store_->commit(std::move(effects)), boost::asio::use_future);
    loop.run();
    done.get().value();
  }
  void commit_reading(Instant at, double value, model::Quality quality = {}) {
    commit({{{kPoint, model::JudgedReading{at, value, quality}}}, {}, {}});
  }

  std::string text(std::string what, int expected_status = 0) {
    options_.what = std::move(what);
    std::ostringstream out;
    err_.str({});
    EXPECT_EQ(run_export(options_, out, err_), expected_status) << err_.str();
    return out.str();
  }

  TemporaryDirectory directory_;
  model::Site site_;
  std::unique_ptr<store::SqliteStore> store_;
  ExportOptions options_;
  std::ostringstream err_;
};

TEST_F(ExportTest, WritesReadingsInLocalTime) {
  commit_reading(kNewYear + 15min, 0.1);
  commit_reading(kNewYear + 15min + 250ms, 1e21, {model::Origin::missing, model::Rule::range});
  EXPECT_EQ(text("readings"),
            "time,device,point,value,unit,quality,rule,hj212_flag\n"
            "2023-01-01T00:15:00+08:00,press,energy,0.1,kWh,measured,,N\n"
            "2023-01-01T00:15:00.250+08:00,press,energy,1e+21,kWh,missing,range,T\n");
}

TEST_F(ExportTest, WritesIntervalsInTheCarriersUnit) {
  commit({{{kPoint, model::EnergyInterval{kNewYear, kNewYear + 15min, model::Activity::of(3'170'001), 899'500ms, {}}}},
          {},
          {}});
  EXPECT_EQ(text("intervals"),
            "begin,end,device,point,carrier,amount,unit,covered_s,quality,rule,coverage_percent,hj212_flag\n"
            "2023-01-01T00:00:00+08:00,2023-01-01T00:15:00+08:00,press,energy,electricity,3.170001,kWh,899.5,measured,,"
            "99.94,N\n");
}

TEST_F(ExportTest, WritesEntriesWithTheirFactorAndVersion) {
  model::EmissionEntry entry;
  entry.begin = kNewYear;
  entry.end = kNewYear + 15min;
  entry.amount = model::Activity::of(-1'000'000);
  entry.primary.emitted.co2e = model::Co2e::of(-156'400);
  entry.primary.emitted.gases[model::Gas::co2] = model::GasMass::of(-156'400);
  entry.primary.emitted.gases[model::Gas::ch4] = model::GasMass::of(1);
  entry.primary.emitted.u95_activity = model::Co2e::of(3);
  entry.primary.emitted.u95_factor = model::Co2e::of(4);
  entry.market.emplace().emitted.co2e = model::Co2e::of(-200'000);
  entry.market->factor_id = "cn-grid/CN/residual/2023";
  entry.market->factor_version = "2025-12-31";
  entry.coal = model::StandardCoal::of(-122'900);
  entry.coal_factor_id = "coal/electricity";
  entry.primary.factor_id = "cn-grid/CN-SC/average/2023";
  entry.primary.factor_version = "2025-12-31";
  entry.primary.gwp_set = "AR5";
  entry.covered = 15min;
  commit({{{kAccount, entry}}, {}, {}});
  EXPECT_EQ(
      text("entries"),
      "begin,end,user,device,point,carrier,amount,unit,co2e_kg,factor,factor_version,covered_s,quality,rule,"
      "scope,flow,u95_kg,gases_kg,market_co2e_kg,market_u95_kg,market_factor,market_factor_version,coal_kgce,coal_"
      "factor,revision,cause,note,booked_at,gwp_set,market_gwp_set,coverage_percent,u95_stated,market_u95_stated,part_"
      "of\n"
      "2023-01-01T00:00:00+08:00,2023-01-01T00:15:00+08:00,press-shop,press,energy,electricity,-1,kWh,-0.1564,"
      "cn-grid/CN-SC/average/2023,2025-12-31,900,measured,,2,consumed,0.000005,CO2:-0.1564;CH4:0.000001,-0.2,,cn-grid/"
      "CN/residual/2023,2025-12-31,-0.1229,"
      "coal/electricity,0,,,,AR5,,100,all,none,\n");
  EXPECT_EQ(text("corrections").find('\n') + 1, text("corrections").size()) << "the header alone";
}

TEST_F(ExportTest, WritesTheChangesOfAlerts) {
  site_.watches = {{.id = model::WatchId{0},
                    .rule = "overload",
                    .device = "press",
                    .point = "power",
                    .unit = "kW",
                    .user = {},
                    .user_name = {}},
                   {.id = model::WatchId{1},
                    .rule = "quota",
                    .device = {},
                    .point = {},
                    .unit = "%",
                    .user = "press-shop",
                    .user_name = "冲压车间",
                    .carrier = model::find_carrier("electricity")}};
  open();
  model::Alert alert{.at = kNewYear + 5min,
                     .since = kNewYear + 1min,
                     .severity = model::Severity::critical,
                     .id = "0123456789abcdef",
                     .name = "Transformer overload",
                     .name_zh = "变压器过载",
                     .value = 812.5,
                     .limit = 800,
                     .unit = "kW"};
  commit({{{model::WatchId{0}, alert}}, {}, {}});
  alert.stage = model::AlertStage::withdrawn;
  alert.revision = 1;
  alert.cause = model::Cause::late_data;
  alert.value = std::nan("");
  alert.unit = "%";
  alert.of = model::SummedTime{.begin = kNewYear, .end = kNewYear + 31 * 24h, .coverage = 8750};
  commit({{{model::WatchId{1}, alert}}, {}, {}});
  EXPECT_EQ(
      text("alerts"),
      "time,rule,device,point,user,carrier,severity,state,value,limit,unit,since,id,revision,cause,name,name_zh,by,"
      "note,suppressed,period_begin,period_end,coverage_percent\n"
      "2023-01-01T00:05:00+08:00,overload,press,power,,,critical,firing,812.5,800,kW,2023-01-01T00:01:00+08:00,"
      "0123456789abcdef,0,,Transformer overload,变压器过载,,,0,,,\n"
      "2023-01-01T00:05:00+08:00,quota,,,press-shop,electricity,critical,withdrawn,,800,%,2023-01-01T00:01:00+08:"
      "00,0123456789abcdef,1,late-data,Transformer "
      "overload,变压器过载,,,0,2023-01-01T00:00:00+08:00,2023-02-01T00:00:00+08:00,87.5\n");
}

TEST_F(ExportTest, WritesCorrectionsBesideWhatTheyCorrect) {
  model::EmissionEntry entry;
  entry.begin = kNewYear;
  entry.end = kNewYear + 15min;
  entry.amount = model::Activity::of(1'000'000);
  model::EmissionEntry correction = entry;
  correction.amount = model::Activity::of(-250'000);
  correction.revision = 1;
  correction.correction = model::Correction{model::Cause::late_data, "two readings", kNewYear + 48h};
  commit({{{kAccount, entry}, {kAccount, correction}}, {}, {}});
  EXPECT_THAT(text("entries"), HasSubstr(",1,kWh,,,,0,measured,,2,consumed,,,,,,,0,,0,,,,,,0,none,,\n"));
  EXPECT_THAT(text("entries"), HasSubstr(",-0.25,kWh,0,,,0,measured,,2,consumed,,,,,,,0,,1,late-data,two readings,"
                                         "2023-01-03T00:00:00+08:00,,,0,none,,\n"));
  EXPECT_THAT(text("corrections"), HasSubstr(",-0.25,kWh,"));
  EXPECT_EQ(text("corrections").find(",1,kWh,"), std::string::npos);
}

TEST_F(ExportTest, WritesTheNewestRevisionOfARollupWithWhatWasPublishedFirst) {
  const auto day = [](std::int64_t kwh, std::uint32_t revision) {
    model::RollupRow row;
    row.period = model::Period::day;
    row.begin = kNewYear;
    row.end = kNewYear + 24h;
    row.amount = model::Activity::of(kwh * 1'000'000);
    row.emitted[model::Basis::primary].co2e = model::Co2e::of(kwh * 500'000);
    row.covered = 24h;
    row.revision = revision;
    return row;
  };
  model::RollupRow month = day(7, 1);  // never published in time
  month.period = model::Period::month;
  commit({{{kAccount, day(1, 0)}, {kAccount, day(3, 1)}}, {}, {}});
  commit({{{kAccount, day(2, 2)}, {kAccount, month}}, {}, {}});
  const std::string rollups = text("rollups");
  EXPECT_EQ(std::ranges::count(rollups, '\n'), 3);
  EXPECT_THAT(rollups, HasSubstr(",2,kWh,1,86400,100,measured,,closed,2,consumed,,,0,0,0,0,,2,0.5,none,all,\n"));
  EXPECT_THAT(rollups, HasSubstr(",7,kWh,3.5,86400,100,measured,,closed,2,consumed,,,0,0,0,0,,1,0,none,all,\n"));
}

TEST_F(ExportTest, SaysInWhoseConsumptionARowIsContained) {
  site_.containments = {{.user = "press-shop", .carrier = "electricity", .of = "park"}};
  open();
  model::EmissionEntry entry;
  entry.begin = kNewYear;
  entry.end = kNewYear + 15min;
  model::RollupRow quarter;
  quarter.begin = kNewYear;
  quarter.end = kNewYear + 15min;
  commit({{{kAccount, entry}, {kAccount, quarter}}, {}, {}});
  EXPECT_THAT(text("entries"), HasSubstr(",park\n"));
  EXPECT_THAT(text("rollups"), HasSubstr(",park\n"));
}

TEST_F(ExportTest, WritesClosedAndOpenRollups) {
  model::AccountState state;
  model::OpenPeriod& day = state.open[2].emplace();
  day.begin = kNewYear;
  day.end = kNewYear + 24h;
  day.amount = model::Activity::of(500'000);
  day.emitted[model::Basis::primary].co2e = model::Co2e::of(78'200);
  day.covered = 8h;
  day.valid_hours = 7;
  day.quality = {model::Origin::estimated, model::Rule::gap};
  model::RollupRow quarter;
  quarter.begin = kNewYear;
  quarter.end = kNewYear + 15min;
  quarter.amount = model::Activity::of(500'000);
  quarter.emitted[model::Basis::primary].co2e = model::Co2e::of(78'200);
  quarter.covered = 10min;
  commit({{{kAccount, quarter}}, {}, {{kAccount, state}}});
  EXPECT_EQ(
      text("rollups"),
      "period,begin,end,user,device,point,carrier,amount,unit,co2e_kg,covered_s,coverage_percent,quality,rule,state,"
      "scope,flow,u95_kg,gases_kg,market_co2e_kg,market_u95_kg,coal_kgce,valid_hours,validity,revision,co2e_kg_first,"
      "u95_stated,market_u95_stated,part_of\n"
      "15min,2023-01-01T00:00:00+08:00,2023-01-01T00:15:00+08:00,press-shop,press,energy,electricity,0.5,kWh,0.0782,"
      "600,"
      "66.67,measured,,closed,2,consumed,,,0,0,0,,,0,0.0782,none,all,\n"
      "day,2023-01-01T00:00:00+08:00,2023-01-02T00:00:00+08:00,press-shop,press,energy,electricity,0.5,kWh,0.0782,"
      "28800,"
      "33.33,estimated,gap,open,2,consumed,,,0,0,0,7,,0,0.0782,none,all,\n");
}

TEST_F(ExportTest, StatesNoUncertaintyWhereNoFactorApplied) {
  options_.format = "jsonl";
  model::EmissionEntry entry;
  entry.begin = kNewYear;
  entry.end = kNewYear + 15min;
  entry.amount = model::Activity::of(1'000'000);
  entry.market.emplace();
  entry.quality = {model::Origin::missing, model::Rule::no_factor};
  model::RollupRow quarter;
  quarter.begin = kNewYear;
  quarter.end = kNewYear + 15min;
  quarter.amount = entry.amount;
  quarter.quality = entry.quality;
  commit({{{kAccount, entry}, {kAccount, quarter}}, {}, {}});
  for (const char* what : {"entries", "rollups"}) {
    const auto row = boost::json::parse(text(what));
    EXPECT_EQ(row.at("u95_stated"), "none") << what;
    EXPECT_TRUE(row.at("u95_kg").is_null()) << what;
    EXPECT_EQ(row.at("market_u95_stated"), "none") << what;
    EXPECT_TRUE(row.at("market_u95_kg").is_null()) << what;
    if (std::string_view(what) != "entries") continue;
    EXPECT_TRUE(row.at("co2e_kg").is_null()) << "no figure, as in stores";
    EXPECT_TRUE(row.at("market_co2e_kg").is_null());
  }
}

TEST_F(ExportTest, WritesOneJsonObjectALine) {
  options_.format = "jsonl";
  commit_reading(kNewYear, 0.1);
  commit_reading(kNewYear + 1s, std::numeric_limits<double>::quiet_NaN(),
                 {model::Origin::missing, model::Rule::not_a_number});
  commit_reading(kNewYear + 2s, std::numeric_limits<double>::infinity());
  std::istringstream lines(text("readings"));
  std::vector<boost::json::value> values;
  for (std::string line; std::getline(lines, line);) values.push_back(boost::json::parse(line));
  ASSERT_EQ(values.size(), 3u);
  EXPECT_EQ(values[0].at("time"), "2023-01-01T00:00:00+08:00");
  EXPECT_EQ(values[0].at("value").as_double(), 0.1);
  EXPECT_EQ(values[0].at("rule"), "");
  EXPECT_TRUE(values[1].at("value").is_null());
  EXPECT_EQ(values[1].at("rule"), "not-a-number");
  EXPECT_TRUE(values[2].at("value").is_null());
}

TEST_F(ExportTest, QuotesWhatWouldBreakALine) {
  site_.points[0].device = "press, \"old\"\nhall";
  site_.accounts.clear();
  open();
  commit_reading(kNewYear, 1);
  EXPECT_THAT(text("readings"), HasSubstr("+08:00,\"press, \"\"old\"\"\nhall\",energy,"));
  options_.format = "jsonl";
  EXPECT_EQ(boost::json::parse(text("readings")).at("device"), "press, \"old\"\nhall");
}

TEST_F(ExportTest, IsTheSameHoweverItWasCommitted) {
  std::vector<model::JournalRow> rows;
  for (int i = 0; i < 500; ++i) {
    rows.push_back({kPoint, model::JudgedReading{kNewYear + (i * 37 % 100) * 1s, i * 0.1, {}}});
    rows.push_back({kPoint, model::EnergyInterval{
                                kNewYear + i * 15min, kNewYear + (i + 1) * 15min, model::Activity::of(i), 1s, {}}});
  }
  commit({rows, {}, {}});
  const std::string readings = text("readings");
  const std::string intervals = text("intervals");
  options_.store = directory_.path() / "again";
  open();
  for (const model::JournalRow& row : rows) commit({{row}, {}, {}});
  EXPECT_EQ(text("readings"), readings);
  EXPECT_EQ(text("intervals"), intervals);
}

TEST_F(ExportTest, TakesDatesInTheSitesZone) {
  for (int hour = 0; hour < 72; ++hour) commit_reading(kNewYear + hour * 1h, hour);
  options_.from = "2023-01-02";
  options_.to = "2023-01-02T02:00";
  EXPECT_THAT(text("readings"),
              ::testing::MatchesRegex(
                  ".*rule,hj212_flag\n2023-01-02T00:00:00.08:00,[^\n]*\n2023-01-02T01:00:00.08:00,[^\n]*\n"));
}

TEST_F(ExportTest, ShowsTheOffsetThatHeldThen) {
  options_.time_zone = "Europe/Berlin";
  commit_reading(Instant(std::chrono::seconds(1'679'792'399)), 1);  // one second before summer time
  commit_reading(Instant(std::chrono::seconds(1'679'792'400)), 2);
  const std::string rows = text("readings");
  EXPECT_THAT(rows, HasSubstr("2023-03-26T01:59:59+01:00"));
  EXPECT_THAT(rows, HasSubstr("2023-03-26T03:00:00+02:00"));
}

TEST_F(ExportTest, ShowsTimesThatNoCalendarHasAsNumbers) {
  commit_reading(Instant(Duration(std::numeric_limits<std::int64_t>::max() - 1)), 1,
                 {model::Origin::missing, model::Rule::future});
  EXPECT_THAT(text("readings"), HasSubstr("\n9223372036854775806,press"));
}

TEST_F(ExportTest, WritesAFileThatAppearsWhenItIsComplete) {
  commit_reading(kNewYear, 1);
  options_.output = directory_.path() / "readings.csv";
  std::ofstream(options_.output) << "old";
  EXPECT_EQ(text("readings"), "");
  std::ifstream file(options_.output);
  const std::string written((std::istreambuf_iterator<char>(file)), {});
  EXPECT_THAT(written, HasSubstr("2023-01-01T00:00:00+08:00,press,energy,1,kWh"));
  EXPECT_FALSE(std::filesystem::exists(options_.output + ".part"));
}

TEST_F(ExportTest, SaysWhenTheOutputCannotBeWritten) {
  commit_reading(kNewYear, 1);
  options_.output = directory_.path() / "missing" / "readings.csv";
  text("readings", 74);
  EXPECT_THAT(err_.str(), HasSubstr("cannot be written: No such file or directory"));
  options_.output = "/dev/full";
  text("readings", 74);
  EXPECT_THAT(err_.str(), HasSubstr("/dev/full: cannot be written: No space left on device"));
}

TEST_F(ExportTest, WritesReadingsBySlotsOfTime) {
  commit_reading(kNewYear - 1s, 7);
  commit_reading(kNewYear, 1.5);
  commit_reading(kNewYear + 5min, 4);
  commit_reading(kNewYear + 6min, 1e9, {model::Origin::missing, model::Rule::range});
  commit_reading(kNewYear + 14min, 200'000);
  commit_reading(kNewYear + 46min, std::numeric_limits<double>::quiet_NaN(),
                 {model::Origin::missing, model::Rule::not_a_number});
  options_.every = "15min";
  EXPECT_EQ(text("readings"),
            "time,device,point,unit,count,first,last,min,max,mean,rejected\n"
            "2022-12-31T23:45:00+08:00,press,energy,kWh,1,7,7,7,7,7,0\n"
            "2023-01-01T00:00:00+08:00,press,energy,kWh,3,1.5,200000,1.5,200000,66668.5,1\n"
            "2023-01-01T00:45:00+08:00,press,energy,kWh,0,,,,,,1\n");
  options_.format = "jsonl";
  options_.from = "2023-01-01";
  options_.to = "2023-01-01T00:15";
  EXPECT_EQ(
      text("readings"),
      R"({"time":"2023-01-01T00:00:00+08:00","device":"press","point":"energy","unit":"kWh","count":3,"first":1.5,)"
      R"("last":200000,"min":1.5,"max":200000,"mean":66668.5,"rejected":1})"
      "\n");
}

TEST_F(ExportTest, WritesReadingsOfSomePointsOnly) {
  site_.points.push_back(site_.points[0]);
  site_.points[1].id = PointId{1};
  site_.points[1].name = "power";
  open();
  model::Effects effects;
  for (int i = 0; i < 200; ++i) {
    effects.rows.push_back({PointId(i % 2), model::JudgedReading{kNewYear + i * 1s, i * 1.0, {}}});
  }
  commit(std::move(effects));
  options_.points = {"press/power"};
  options_.every = "1h";
  EXPECT_EQ(text("readings"),
            "time,device,point,unit,count,first,last,min,max,mean,rejected\n"
            "2023-01-01T00:00:00+08:00,press,power,kWh,100,1,199,1,199,100,0\n");
  options_.points = {"press.power", "press/energy"};
  EXPECT_THAT(text("readings"), HasSubstr("press,energy,kWh,100,0,198,0,198,99,0\n"));
  options_.points = {"press/pwer"};
  EXPECT_EQ(text("readings", 65), "");
  EXPECT_THAT(err_.str(), HasSubstr("--point: the store has no point 'press/pwer'; did you mean 'press/power'?"));
}

TEST_F(ExportTest, RefusesOptionsThatMeanNothing) {
  options_.every = "fortnight";
  text("readings", 65);
  EXPECT_THAT(err_.str(), HasSubstr("--every: 'fortnight' is not a length of 1s to 366d"));
  options_.every = "15min";
  text("entries", 65);
  EXPECT_THAT(err_.str(), HasSubstr("--point and --every are for --what readings"));
  options_.every = {};
  text("entires", 65);
  EXPECT_THAT(err_.str(), HasSubstr("--what: 'entires' is not one of readings, intervals, entries, rollups, "
                                    "alerts, reports, corrections, ledger; did you mean 'entries'?"));
  options_.format = "xml";
  text("entries", 65);
  EXPECT_THAT(err_.str(), HasSubstr("--format: 'xml' is not one of csv, jsonl"));
  options_.format = "csv";
  options_.from = "yesterday";
  text("entries", 65);
  EXPECT_THAT(err_.str(), HasSubstr("--from: 'yesterday' is not a time; write 2026-11-01"));
  options_.from = "2023-01-02";
  options_.to = "2023-01-02";
  text("entries", 65);
  EXPECT_THAT(err_.str(), HasSubstr("is not before --to"));
  options_.from = options_.to = "";
  options_.time_zone = "Asia/Guangyuan";
  text("entries", 65);
  EXPECT_THAT(err_.str(), HasSubstr("'Asia/Guangyuan' is not a time zone"));
}

TEST_F(ExportTest, SaysThatThereIsNoStore) {
  options_.store = directory_.path() / "nowhere";
  text("readings", 74);
  EXPECT_THAT(err_.str(), HasSubstr((directory_.path() / "nowhere").string()));
}

TEST_F(ExportTest, SaysThatTheStoreIsDamaged) {
  commit({{{kPoint, model::EnergyInterval{kNewYear, kNewYear + 15min, model::Activity::of(1), 1s, {}}}}, {}, {}});
  store_.reset();
  store::Database(options_.store / store::kDatabaseFile, store::Database::Mode::read_write)
      .execute("UPDATE journal SET body = x'ff'");
  text("intervals", 65);
  EXPECT_THAT(err_.str(), HasSubstr("cannot be read"));
}

}  // namespace
}  // namespace carbongate::cli

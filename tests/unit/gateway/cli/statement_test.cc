// A month of a small park through a store, as CSV, JSON and table: tests/golden/statement. UPDATE_GOLDEN=1 writes what
// is stated now; the difference is the review.
#include "gateway/cli/statement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sysexits.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/json/parse.hpp>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>

#include "gateway/app/gateway_config.h"
#include "gateway/cli/explain.h"
#include "gateway/cli/restate.h"
#include "gateway/store/sqlite_store.h"
#include "tests/support/temporary_directory.h"

namespace carbongate::cli {
namespace {

using namespace std::chrono_literals;
using model::AccountId;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;

const std::filesystem::path kGolden = std::filesystem::path(CARBONGATE_SOURCE_DIR) / "tests/golden/statement";
const Instant kNovember = Instant(std::chrono::seconds(1'793'462'400));  // 2026-11-01T00:00:00+08:00

std::string read_file(const std::filesystem::path& file) {
  std::ostringstream text;
  text << std::ifstream(file, std::ios::binary).rdbuf();
  return text.str();
}

// In milligrams per quantum of 10^-6 of the unit: 0.5 kg/kWh is 0.5. Half-widths in millionths.
model::Emission emission(std::int64_t co2e_mg, std::int64_t meter_ppm, std::int64_t factor_ppm, const char* factor,
                         const char* version) {
  model::Emission emission;
  emission.emitted.co2e = model::Co2e::of(co2e_mg);
  emission.emitted.gases[model::Gas::co2] = model::GasMass::of(co2e_mg);
  emission.emitted.u95_activity = model::Co2e::of(co2e_mg * meter_ppm / 1'000'000);
  emission.emitted.u95_factor = model::Co2e::of(co2e_mg * factor_ppm / 1'000'000);
  emission.factor_id = factor;
  emission.factor_version = version;
  return emission;
}

class StatementCommand : public testing::Test {
 protected:
  explicit StatementCommand(const std::filesystem::path& golden = kGolden) : golden_(golden) {
    std::filesystem::copy(golden_, directory_.path(), std::filesystem::copy_options::recursive);
    options_.period = "month";
    options_.of = "2026-11";
    config::Problems problems;
    site_ = app::load_config(config(), problems);
    EXPECT_FALSE(problems.has_errors()) << problems.to_text();
  }

  std::filesystem::path config() const { return directory_.path() / "config.yaml"; }

  void fill() {
    model::Effects effects;
    for (int quarter = 0; quarter < 4; ++quarter) {
      effects.rows.push_back({AccountId{0}, electricity(quarter, 100'000'000)});
      effects.rows.push_back({AccountId{1}, electricity(quarter, 10'000'000)});
      effects.rows.push_back({AccountId{2}, gas(quarter, 5'000'000)});
    }
    // A quarter hour that was too high, put right afterwards; one of the month before, which is none of ours.
    model::EmissionEntry correction = electricity(1, -20'000'001);
    correction.revision = 1;
    correction.correction = model::Correction{model::Cause::configuration, "ratio", kNovember + 48h};
    correction.quality = {model::Origin::substituted, model::Rule::gap};
    effects.rows.push_back({AccountId{0}, correction});
    effects.rows.push_back({AccountId{0}, electricity(-1, 7'000'000)});
    commit(std::move(effects));
  }

  void commit(model::Effects effects) {
    auto store = store::SqliteStore::open(site_.store, site_.site).value();
    boost::asio::io_context loop(1);
    auto done = boost::asio::co_spawn(loop, store->commit(std::move(effects)), boost::asio::use_future);
    loop.run();
    done.get().value();
  }

  static model::EmissionEntry at(int quarter, std::int64_t amount) {
    model::EmissionEntry entry;
    entry.begin = kNovember + quarter * 15min;
    entry.end = entry.begin + 15min;
    entry.amount = model::Activity::of(amount);
    entry.covered = 15min;
    return entry;
  }
  static model::EmissionEntry electricity(int quarter, std::int64_t amount) {
    model::EmissionEntry entry = at(quarter, amount);
    entry.coal = model::StandardCoal::of(amount * 1'229 / 10'000);
    entry.primary = emission(amount / 2, 6'633, 50'000, "own-grid/CN-SC/average/2023", "2026-01-01");
    entry.market = emission(amount * 6 / 10, 6'633, 80'000, "own-grid/CN/residual/2023", "2026-01-01");
    return entry;
  }
  static model::EmissionEntry gas(int quarter, std::int64_t amount) {
    model::EmissionEntry entry = at(quarter, amount);
    entry.coal = model::StandardCoal::of(amount * 133 / 100);
    entry.primary = emission(amount * 22 / 10, 23'094, 30'000, "own-fuels/natural-gas/default/2011", "2");
    entry.primary.gwp_set = quarter == 3 ? "AR5" : "AR6";
    return entry;
  }

  std::string state(int expected_status = 0) {
    std::ostringstream out;
    err_.str({});
    EXPECT_EQ(run_statement(config(), options_, out, err_), expected_status) << err_.str();
    return out.str();
  }
  void expect_golden(const char* name) {
    const std::string stated = state();
    if (std::getenv("UPDATE_GOLDEN") != nullptr) std::ofstream(golden_ / name) << stated;
    EXPECT_EQ(stated, read_file(golden_ / name));
  }

  std::filesystem::path golden_;
  TemporaryDirectory directory_;
  app::GatewayConfig site_;
  StatementOptions options_;
  std::ostringstream err_;
};

TEST_F(StatementCommand, StatesAMonthAsCsv) {
  fill();
  expect_golden("month.csv");
}

TEST_F(StatementCommand, StatesAMonthAsJson) {
  fill();
  options_.format = "json";
  expect_golden("month.json");
  const auto json = boost::json::parse(state());
  EXPECT_EQ(json.at("users").as_array().size(), 2u);
  EXPECT_EQ(json.at("net").at("sum").as_string(), "net");
  // 379.999999 kWh at 0.5, 20 Nm3 at 2.2, less 40 kWh at 0.5.
  EXPECT_DOUBLE_EQ(json.at("net").at("co2e_kg").to_number<double>(), 190 + 44 - 20);
}

TEST_F(StatementCommand, StatesAMonthAsATableInChinese) {
  fill();
  options_.format = "table";
  options_.lang = "zh";
  expect_golden("month.zh.txt");
}

// tests/golden/statement_parts: an incomer of 100 kWh a quarter hour, a hall of 70 whose two machines count 30 and,
// once, too much.
class StatementOfParts : public StatementCommand {
 protected:
  StatementOfParts() : StatementCommand(kGolden.parent_path() / "statement_parts") {
    model::Effects effects;
    const auto add = [&](std::uint32_t account, const model::EmissionEntry& entry) {
      effects.rows.push_back({AccountId{account}, entry});
    };
    for (int quarter = 0; quarter < 4; ++quarter) {
      add(0, electricity(quarter, 100'000'000));
      add(1, electricity(quarter, 70'000'001));
      add(2, gas(quarter, 5'000'000));
      add(3, electricity(quarter, 30'000'000));
      if (quarter < 3) add(4, electricity(quarter, 20'000'000));
    }
    add(4, electricity(3, 103'000'000));
    model::EmissionEntry correction = electricity(3, -1'000'000);
    correction.revision = 1;
    correction.correction = model::Correction{model::Cause::configuration, "ratio", kNovember + 48h};
    add(4, correction);
    commit(std::move(effects));
  }
};

TEST_F(StatementOfParts, AreStatedBesideTheirWhole) {
  options_.format = "table";
  expect_golden("month.txt");
  options_.lang = "zh";
  expect_golden("month.zh.txt");
}

TEST_F(StatementOfParts, HaveTheirWholeAndWhatIsUnallocatedInJson) {
  options_.format = "json";
  expect_golden("month.json");
  const auto json = boost::json::parse(state());
  EXPECT_DOUBLE_EQ(json.at("total").at("co2e_kg").to_number<double>(), 200 + 44) << "the incomer, and the hall's gas";
  options_.format = "csv";
  EXPECT_THAT(state(), HasSubstr(",,-0.71,parts-exceed-whole,")) << "the hall's";
}

TEST_F(StatementOfParts, OfOneUserAloneKnowWhatTheOthersConsume) {
  options_.user = "hall";
  options_.by = "carrier";
  options_.format = "table";
  expect_golden("hall.txt");
}

TEST_F(StatementOfParts, AreExplainedByTheUncertaintyOfWhatIsInTheFigure) {
  ExplainOptions options;
  options.entry = "site@2026-11";
  options.json = true;
  std::ostringstream out;
  ASSERT_EQ(run_explain(config(), options, out, err_), 0) << err_.str();
  const auto site = boost::json::parse(out.str());
  const auto named = [&](const char* list, std::string_view name) {
    for (const auto& line : site.at(list).as_array()) {
      if (line.at("name").as_string() == name) return line.as_object();
    }
    ADD_FAILURE() << "no " << name;
    return boost::json::object();
  };
  // The hall's electricity is in the incomer's: of the hall there is its gas, and the gas's uncertainty.
  const auto hall = named("users", "hall@2026-11");
  const auto gas = named("accounts", "hall/natural-gas/meters.gas@2026-11");
  for (const char* key : {"co2e_kg", "u95_kg", "u95_stated"}) EXPECT_EQ(hall.at(key), gas.at(key)) << key;
  EXPECT_EQ(hall.at("u95_stated").as_string(), "all");
}

TEST_F(StatementOfParts, HaveTheMarketBasedTotalThatRestateHas) {
  options_.format = "json";
  const auto total = boost::json::parse(state()).at("total").as_object();
  EXPECT_DOUBLE_EQ(total.at("market_co2e_kg").to_number<double>(), 240 + 44) << "the gas has no market-based result";
  std::ostringstream out;
  RestateOptions restate;
  restate.config = config();
  restate.from = "2026-11-01";
  restate.to = "2026-12-01";
  restate.format = "json";
  ASSERT_EQ(run_restate(restate, out, err_), 0) << err_.str();
  const auto lines = boost::json::parse(out.str()).at("lines").as_array();
  const auto& restated = lines.back();
  ASSERT_EQ(restated.at("user").as_string(), "total");
  for (const char* figure : {"co2e_kg", "market_co2e_kg"}) {
    const std::string known(restated.at(std::string(figure) + "_known").as_string());
    EXPECT_DOUBLE_EQ(std::stod(known), total.at(figure).to_number<double>()) << figure;
  }
}

TEST_F(StatementOfParts, AreExplainedInSectionsThatAreNumberedOnce) {
  ExplainOptions options;
  options.entry = "hall@2026-11";
  std::ostringstream out;
  ASSERT_EQ(run_explain(config(), options, out, err_), 0) << err_.str();
  EXPECT_THAT(out.str(), ContainsRegex("\n1 Accounts[^\r]*\n2 Parts of electricity[^\r]*\n3 Days[^\r]*\n4 Entries"));
}

// Those that a gateway of before published in two parts.
TEST_F(StatementCommand, RestatingOneUserMakesTheSumsOfThatOneWhole) {
  model::Effects effects;
  for (const AccountId account : {AccountId{0}, AccountId{2}}) {
    for (const int quarter : {1, 0}) {  // a correction, and what was counted after it
      model::EmissionEntry entry = account == AccountId{0} ? electricity(quarter, 8'000'000) : gas(quarter, 5'000'000);
      model::RollupRow hour;
      hour.period = model::Period::hour;
      hour.begin = kNovember;
      hour.end = kNovember + 1h;
      hour.amount = entry.amount;
      hour.emitted[model::Basis::primary] = entry.primary.emitted;
      hour.covered = entry.covered;
      if (quarter == 1) {
        entry.revision = hour.revision = 1;
        entry.correction = model::Correction{model::Cause::late_data, "late", kNovember + 48h};
      }
      effects.rows.push_back({account, entry});
      effects.rows.push_back({account, hour});
    }
  }
  commit(std::move(effects));
  RestateOptions restate;
  restate.config = config();
  restate.from = "2026-11-01";
  restate.to = "2026-11-02";
  restate.book = true;
  restate.reason = "parts";
  const auto said = [&](const std::string& user) {
    restate.user = user;
    std::ostringstream out;
    std::ostringstream err;
    EXPECT_EQ(run_restate(restate, out, err), 0);
    return err.str();
  };
  EXPECT_THAT(said("boiler-house"), HasSubstr("1 sums of periods lack a part"));
  EXPECT_THAT(said("boiler-house"), ::testing::Not(HasSubstr("sums of periods")));
  EXPECT_THAT(said(""), HasSubstr("1 sums of periods lack a part"));
}

TEST_F(StatementCommand, TellsLinesOfOneAccountApartByTheirFactorInTheTable) {
  fill();
  model::Effects effects;
  model::EmissionEntry correction = electricity(0, 0);
  correction.primary = emission(-10'000'000, 6'633, 50'000, "own-grid/CN/residual/2023", "2026-01-01");
  correction.revision = 1;
  correction.correction = model::Correction{model::Cause::factor, "national", kNovember + 48h};
  effects.rows.push_back({AccountId{0}, correction});
  commit(std::move(effects));
  options_.format = "table";
  const std::string table = state();
  EXPECT_THAT(table, ContainsRegex("  incomer.import .* own-grid/CN-SC/average/2023@2026-01-01; superseded by "
                                   "correction: own-grid/CN/residual\n"));
  EXPECT_THAT(table, ContainsRegex("  incomer.import .* own-grid/CN/residual/2023@2026-01-01; by correction instead of "
                                   "own-grid/CN-SC/average\n"));
  options_.lang = "zh";
  EXPECT_THAT(state(), HasSubstr("; 经更正改用 own-grid/CN/residual\n"));
  options_.format = "csv";
  options_.lang = "en";
  const std::string csv = state();
  EXPECT_THAT(csv, HasSubstr(",superseded-by:own-grid/CN/residual,"));
  EXPECT_THAT(csv, HasSubstr(",supersedes:own-grid/CN-SC/average,"));
  options_.format = "json";
  EXPECT_THAT(state(), HasSubstr("\"remark\":\"superseded-by:own-grid/CN/residual\""));
}

TEST_F(StatementCommand, ShowsTheHeatingValueOfGasesThatAreGivenByHeat) {
  std::ofstream(directory_.path() / "factors/own_fuels.yaml")
      << "set: own-fuels\nversion: \"2\"\npublisher: nobody\nfactors:\n"
         "  - {carrier: natural-gas, year: 2011, gases: {CO2: 56100, CH4: 1}, unit: kg/TJ, ncv: 36.2, ncv_unit: "
         "MJ/Nm3, "
         "source: lab, publication: 2026-01-01, confidence: own_measurement}\n";
  fill();
  options_.format = "json";
  const auto json = boost::json::parse(state());
  const auto& gas = json.at("users").at(0).at("accounts").at(0);
  EXPECT_EQ(gas.at("amount").to_number<double>(), 20);
  EXPECT_EQ(gas.at("ncv").as_string(), "36.2");
  EXPECT_EQ(gas.at("ncv_unit").as_string(), "MJ/Nm3");
  EXPECT_EQ(gas.at("ncv_source").as_string(), "measured");
  EXPECT_EQ(gas.at("factor_value").as_string(), "CO2 56100, CH4 1");
  EXPECT_EQ(gas.at("factor_unit").as_string(), "kg/TJ");
  EXPECT_EQ(gas.as_object().count("carbon_t_per_gj"), 0u);
}

// 排放源: what a roof makes is not bought, and a kiln's clinker is no fuel, whatever the set of its factor is called.
TEST_F(StatementCommand, TellsOwnSupplyAndProcessesApartFromPurchasesAndFuels) {
  std::ofstream(directory_.path() / "factors/works_clinker.yaml")
      << "set: works-clinker\nversion: \"1\"\npublisher: nobody\nfactors:\n"
         "  - {carrier: clinker, year: 2020, value: 0.5, unit: tCO2/t, source: lab, publication: 2020-01-01, "
         "confidence: "
         "own_measurement}\n";
  std::string text = read_file(config());
  const auto replace = [&text](std::string_view what, std::string_view by) {
    ASSERT_NE(text.find(what), std::string::npos);
    text.replace(text.find(what), what.size(), by);
  };
  replace("own-fuels]", "own-fuels, works-clinker, own-generation]");
  replace("from: silent.energy}",
          "from: silent.energy, supply: own-renewable}\n      - {carrier: clinker, from: kiln.clinker}");
  replace("energy_users:",
          "  - id: kiln\n    driver: mqtt\n    broker: plant\n    topic: plant/kiln\n    qos: 0\n"
          "    points: [{name: clinker, json: /t, unit: t, kind: interval}]\nenergy_users:");
  std::ofstream(config()) << text;
  fill();
  options_.format = "json";
  const auto json = boost::json::parse(state());
  std::map<std::string, std::string> sources;
  for (const auto& user : json.at("users").as_array()) {
    for (const auto& line : user.at("accounts").as_array()) {
      if (!line.as_object().contains("source")) continue;
      sources[std::string(line.at("carrier").as_string()) + " " + std::string(line.at("point").as_string())] =
          line.at("source").as_string();
    }
  }
  EXPECT_EQ(sources, (std::map<std::string, std::string>{{"electricity import", "purchased-electricity"},
                                                         {"electricity export", "exported-electricity"},
                                                         {"electricity energy", "own-electricity"},
                                                         {"natural-gas gas", "combustion"},
                                                         {"clinker clinker", "process"}}));
}

// A new version of a set takes the place of the one by which the first half of the month was booked.
TEST_F(StatementCommand, ShowsFormerFactorsOrSaysWhichAreUnknown) {
  fill();
  const auto in_force = directory_.path() / "factors/own_fuels.yaml";
  const std::string former = read_file(in_force);
  std::string newer = former;
  newer.replace(newer.find("version: \"2\""), 12, "version: \"3\"");
  std::ofstream(in_force) << newer;
  options_.format = "json";
  const auto of_gas = [&] { return boost::json::parse(state()).at("users").at(0).at("accounts").at(0).as_object(); };
  const std::string unknown = "unknown: own-fuels/natural-gas/default/2011@2";
  for (const char* column : {"ncv", "factor_value", "carbon_t_per_gj", "oxidation_percent", "factor_source"}) {
    EXPECT_EQ(of_gas().at(column).as_string(), unknown) << column;
  }
  model::Effects effects;
  model::EmissionEntry later = gas(10, 5'000'000);
  later.primary.factor_version = "3";
  effects.rows.push_back({AccountId{2}, later});
  commit(std::move(effects));
  EXPECT_THAT(std::string(of_gas().at("ncv").as_string()), ContainsRegex("^[0-9.]+; " + unknown + "$"));

  std::filesystem::create_directories(directory_.path() / "factors/former");
  std::ofstream(directory_.path() / "factors/former/own_fuels_2.yaml") << former;
  EXPECT_THAT(std::string(of_gas().at("ncv").as_string()), ContainsRegex("^[0-9.]+$"));
  EXPECT_EQ(of_gas().count("ncv_source"), 1u);
}

TEST_F(StatementCommand, SaysSinceWhenAmountsAreNotClosed) {
  fill();
  options_.format = "table";
  EXPECT_EQ(state().find("not closed"), std::string::npos);
  model::Effects effects;
  model::AccountState account;  // of the incomer, in its fifth quarter hour
  auto& open = account.open[static_cast<std::size_t>(model::Period::quarter_hour)];
  open = model::OpenPeriod{.begin = kNovember + 60min,
                           .end = kNovember + 75min,
                           .amount = {},
                           .coal = {},
                           .emitted = {},
                           .covered = {},
                           .quality = {}};
  effects.accounts.emplace_back(AccountId{0}, account);
  commit(effects);
  EXPECT_EQ(state().find("not closed"), std::string::npos) << "nothing was counted in it yet";
  open->amount = model::Activity::of(4'000'000);
  effects.accounts = {{AccountId{0}, account}};
  commit(std::move(effects));
  const std::string words = "not closed yet, and in no line above: amounts since 2026-11-01T01:00:00+08:00\n";
  EXPECT_THAT(state(), HasSubstr(words));
  options_.by = "gas";
  EXPECT_THAT(state(), HasSubstr(words));
  options_.by = "user";
  options_.lang = "zh";
  EXPECT_THAT(state(), HasSubstr("尚未结账, 未计入上表: 自 2026-11-01T01:00:00+08:00 起的用量\n"));
  options_.lang = "en";
  options_.format = "json";
  const auto json = boost::json::parse(state());
  EXPECT_EQ(json.at("statement").at("open_since").as_string(), "2026-11-01T01:00:00+08:00");
  EXPECT_EQ(json.at("total").at("open_since").as_string(), "2026-11-01T01:00:00+08:00");
  EXPECT_EQ(json.at("users").at(0).at("total").as_object().count("open_since"), 0u) << "the boiler house";
  options_.format = "csv";
  options_.period = "day";
  options_.of = "2026-11-01";
  EXPECT_THAT(state(), ContainsRegex(",site,total,.*,2026-11-01T01:00:00\\+08:00\n"));
  options_.of = "2026-11-02";
  EXPECT_EQ(state().find("01:00:00+08:00"), std::string::npos) << "that day has none";
}

TEST_F(StatementCommand, HasFewerColumnsForADayAndAChineseHeaderOnDemand) {
  fill();
  options_.period = "day";
  options_.of = "2026-11-01";
  const std::string day = state();
  EXPECT_THAT(
      day,
      HasSubstr(",hcfc_22_kg,unsplit_co2e_kg,calculated_co2_kg,difference_percent,part_of,unallocated_percent,remark,"
                "open_since\n"));
  EXPECT_THAT(day, HasSubstr("day,2026-11-01T00:00:00+08:00,2026-11-02T00:00:00+08:00,park,"));
  options_.lang = "zh";
  const std::string zh = state();
  EXPECT_EQ(zh.substr(zh.find('\n')), day.substr(day.find('\n'))) << "the header alone is another";
  EXPECT_THAT(zh, HasSubstr("统计周期,开始时间,结束时间"));
}

TEST_F(StatementCommand, StatesGasesOfTheSite) {
  fill();
  options_.by = "gas";
  EXPECT_EQ(state(),
            "period,begin,end,site,level,sum,user,scope,gas,mass_kg,mass_first_kg\n"
            "month,2026-11-01T00:00:00+08:00,2026-12-01T00:00:00+08:00,park,scope,total,,1,CO2,44,44\n"
            "month,2026-11-01T00:00:00+08:00,2026-12-01T00:00:00+08:00,park,scope,total,,2,CO2,190,200\n"
            "month,2026-11-01T00:00:00+08:00,2026-12-01T00:00:00+08:00,park,site,total,,,CO2,234,244\n"
            "month,2026-11-01T00:00:00+08:00,2026-12-01T00:00:00+08:00,park,site,exported,,,CO2,20,20\n"
            "month,2026-11-01T00:00:00+08:00,2026-12-01T00:00:00+08:00,park,site,net,,,CO2,214,224\n");
  options_.format = "json";
  EXPECT_EQ(boost::json::parse(state()).at("gases").as_array().size(), 5u);
}

TEST_F(StatementCommand, StatesOneUserAlone) {
  fill();
  options_.user = "boiler-house";
  const std::string stated = state();
  EXPECT_EQ(stated.find("press-shop"), std::string::npos);
  EXPECT_EQ(stated.find(",site,total,"), std::string::npos);
  EXPECT_THAT(stated, HasSubstr(",user,total,boiler-house,"));
  options_.by = "scope";
  EXPECT_EQ(state().find(",account,"), std::string::npos);
  options_.user = "boilerhouse";
  state(EX_DATAERR);
  EXPECT_EQ(err_.str(), "--user: there is no energy user 'boilerhouse'; did you mean 'boiler-house'?\n");
}

TEST_F(StatementCommand, WritesAFileThatIsWhole) {
  fill();
  options_.output = (directory_.path() / "november.csv").string();
  EXPECT_EQ(state(), "");
  EXPECT_EQ(read_file(options_.output), read_file(kGolden / "month.csv"));
}

TEST_F(StatementCommand, RefusesOptionsThatMeanNothing) {
  fill();
  const auto complaint = [&](const std::function<void(StatementOptions&)>& change) {
    const StatementOptions before = options_;
    change(options_);
    EXPECT_EQ(state(EX_DATAERR), "");
    options_ = before;
    return err_.str();
  };
  EXPECT_EQ(complaint([](auto& o) { o.period = "week"; }), "--period: 'week' is not one of day, month, year\n");
  EXPECT_EQ(complaint([](auto& o) { o.of = "2026-13"; }), "--of: '2026-13' is not a month; write 2026-11\n");
  for (const char* of : {"", "2026", "2026-1", "2026-11-", "2026-11-01", "0026-11", "2026/11", "+026-11"}) {
    EXPECT_THAT(complaint([&](auto& o) { o.of = of; }), HasSubstr("is not a month")) << of;
  }
  EXPECT_THAT(complaint([](auto& o) { o.by = "users"; }), HasSubstr("did you mean 'user'?"));
  EXPECT_THAT(complaint([](auto& o) { o.format = "xlsx"; }), HasSubstr("--format"));
  EXPECT_THAT(complaint([](auto& o) { o.lang = "de"; }), HasSubstr("--lang"));
  EXPECT_THAT(complaint([](auto& o) { o.lang = "zh", o.format = "json"; }), HasSubstr("same names"));
}

TEST_F(StatementCommand, SaysWhereThereIsNoStore) {
  state(EX_IOERR);
  EXPECT_NE(err_.str(), "");
  std::ofstream(config(), std::ios::app) << "nonsense: 1\n";
  state(EX_CONFIG);
  EXPECT_THAT(err_.str(), HasSubstr("nonsense"));
}

}  // namespace
}  // namespace carbongate::cli

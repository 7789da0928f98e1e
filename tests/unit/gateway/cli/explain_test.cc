// Real stores, explained: tests/golden/explain, and the stack of tests/golden/replay. UPDATE_GOLDEN=1 writes what is
// explained now; the difference is the review.
#include "tests/unit/gateway/cli/explain_fixture.h"

namespace carbongate::cli {
namespace {

TEST_F(ExplainCommand, GoesFromAnEntryDownToItsRegisters) {
  fill();
  expect_golden(config(), kElectricity, "electricity.txt");
}

TEST_F(ExplainCommand, ShowsACorrectionAndTheGasesOfAFuel) {
  fill();
  hear_late_gas();
  expect_golden(config(), kGas, "corrected_gas.txt");
}

TEST_F(ExplainCommand, TakesADerivedPointApart) {
  replay(kStack, kStack.parent_path() / "input.csv");
  expect_golden(kStack, "boiler/natural-gas/auxiliary-gas.volume@2026-06-01T05:15:00Z", "derived.txt");
}

TEST_F(ExplainCommand, SaysTheFormulaOfAStackByWhatItsAnalyserMeasures) {
  std::filesystem::copy_file(kStack, config(), std::filesystem::copy_options::overwrite_existing);
  edit("config.yaml", "json: /co2, unit: \"%vol\", kind: instantaneous, min: 0, max: 25}",
       "json: /co2, unit: g/m3, kind: instantaneous}");
  replay(config(), kStack.parent_path() / "input.csv");
  const json::value e = explain_json(config(), "stack-1/co2/stack-1.co2@2026-06-01T04:15:00Z");
  const json::value& derived = e.at("point").at("derived");
  EXPECT_TRUE(derived.at("text").as_string().starts_with("concentration x Qsn; ")) << derived;
  EXPECT_EQ(derived.at("inputs").at(1).at("unit").as_string(), "g/m3");
  EXPECT_NEAR(std::stod(std::string(derived.at("computed").as_string())),
              std::stod(std::string(derived.at("result").as_string())), 2e-6);
  EXPECT_EQ(e.at("point").at("counted_again"), e.at("known").at("amount"));
}

TEST_F(ExplainCommand, TakesAMonthApart) {
  fill();
  options_.entries = 3;
  expect_golden(config(), "workshop@2026-01", "month.txt");
}

TEST_F(ExplainCommand, TakesADayOfOneAccountApart) {
  fill();
  options_.json = true;
  const json::value day = json::parse(explain("workshop/natural-gas/boiler.gas@2026-01-01"));
  EXPECT_EQ(day.at("period").as_string(), "day");
  EXPECT_EQ(day.at("total").at("entries").to_number<int>(), 3);
  EXPECT_EQ(day.at("accounts").as_array().size(), 1U);
  EXPECT_EQ(day.at("accounts").at(0).at("amount").as_string(), "23.5");
  EXPECT_EQ(day.at("entries").at(0).at("co2e_kg").as_string(), "20.768433");  // the largest first
  EXPECT_TRUE(day.at("parts").as_array().empty());
  // Names go on, down to the entry.
  const json::value entry = json::parse(explain(std::string(day.at("entries").at(0).at("name").as_string())));
  EXPECT_EQ(entry.at("known").at("amount").as_string(), "9.5");
}

TEST_F(ExplainCommand, AMonthIsTheSumOfItsDaysAndOfItsAccounts) {
  fill();
  hear_late_gas();
  options_.json = true;
  options_.entries = 0;
  const json::value month = json::parse(explain("workshop@2026-01"));
  const auto sum = [](const json::value& lines) {
    double total = 0;
    for (const json::value& line : lines.as_array()) total += std::stod(std::string(line.at("co2e_kg").as_string()));
    return total;
  };
  const double total = std::stod(std::string(month.at("total").at("co2e_kg").as_string()));
  EXPECT_NEAR(sum(month.at("accounts")), total, 1e-9);
  EXPECT_NEAR(sum(month.at("parts")), total, 1e-9);
  EXPECT_NEAR(sum(month.at("entries")), total, 1e-9);
}

TEST_F(ExplainCommand, SaysTheSameInJson) {
  fill();
  hear_late_gas();
  const json::value e = explain_json(config(), kGas);
  EXPECT_EQ(e.at("entry").as_string(), "workshop/natural-gas/boiler.gas@2025-12-31T16:15:00Z#1");
  EXPECT_EQ(e.at("published").at("amount").as_string(), "6.5");
  EXPECT_EQ(e.at("known").at("amount").as_string(), "7");
  EXPECT_EQ(e.at("revisions").at(1).at("cause").as_string(), "late-data");
  EXPECT_EQ(e.at("revisions").at(1).at("booked_at").as_string(), "2025-12-31T18:00:00Z");
  EXPECT_TRUE(e.at("revisions").at(0).at("ledger").at("seal").is_object());
  EXPECT_TRUE(e.at("revisions").at(1).at("ledger").at("seal").is_null());  // not sealed yet
  EXPECT_TRUE(e.at("revisions").at(1).at("ledger").at("hash_fits").as_bool());
  EXPECT_EQ(e.at("point").at("counted_again").as_string(), "7");
  const json::value& formula = e.at("formulas").at(0);
  for (const json::value& product : formula.at("products").as_array()) EXPECT_TRUE(product.at("fits").as_bool());
  EXPECT_EQ(formula.at("products").at(2).at("gwp").as_string(), "28");
  EXPECT_EQ(formula.at("factor").at("gwp_set").as_string(), "AR5");
}

TEST_F(ExplainCommand, ExplainsOneRevisionAsItWasKnownThen) {
  fill();
  hear_late_gas();
  const json::value first = explain_json(config(), std::string(kGas) + "#0");
  EXPECT_EQ(first.at("known").at("amount").as_string(), "6.5");
  EXPECT_EQ(first.at("point").at("counted_again").as_string(), "6.5") << "without what was heard later";
  for (const json::value& reading : first.at("point").at("readings").as_array()) {
    EXPECT_NE(reading.at("quality").at("rule"), "out-of-order") << reading;
  }
  EXPECT_FALSE(first.at("is_newest").as_bool());
  EXPECT_EQ(first.at("revisions").as_array().size(), 2U);
  EXPECT_EQ(explain_json(config(), std::string(kGas) + "#1").at("known").at("amount").as_string(), "7");
  explain(std::string(kGas) + "#2", EX_NOINPUT);
  EXPECT_THAT(err_.str(), HasSubstr("has no revision 2; it has 0, 1"));
}

// A substitute, data that took its place, and an amount that a person entered: each is told once.
TEST_F(ExplainCommand, TellsWhatIsInForceBesideTheReadings) {
  fill();
  const json::value before = explain_json(config(), kGas);
  const json::value& published = before.at("published");
  const auto correct = [&](std::uint32_t revision, model::Cause cause, std::int64_t amount, Duration covered) {
    model::EmissionEntry entry;
    entry.begin = kYear + 15min;
    entry.end = kYear + 30min;
    entry.amount = model::Activity::of(amount);
    entry.covered = covered;
    entry.revision = revision;
    const json::value& primary = published.at("location_based");
    entry.primary.emitted.co2e = model::Co2e::of(amount);
    entry.primary.factor_id = primary.at("factor_id").as_string();
    entry.primary.factor_version = primary.at("factor_version").as_string();
    entry.primary.gwp_set = primary.at("gwp_set").as_string();
    entry.correction = model::Correction{cause, "as " + std::string(to_string(cause)), kYear + 3h};
    book(model::AccountId{1}, entry);
  };
  const Duration covered(published.at("covered_ms").to_number<std::int64_t>());
  const auto adds_up = [](const json::value& e) {
    const auto number = [](const json::value& text) { return std::stod(std::string(text.as_string())); };
    const json::value& point = e.at("point");
    double amount = number(point.at("counted_again"));
    for (const json::value& one : point.at("beside").as_array()) amount += number(one.at("amount"));
    EXPECT_NEAR(amount, number(e.at("known").at("amount")), 1e-9);
    double kilograms = 0;
    for (const json::value& formula : e.at("formulas").as_array()) {
      if (formula.at("result") != "location_based") continue;
      kilograms += number(formula.at("beside_kg")) + number(formula.at("products").at(0).at("booked_kg"));
    }
    EXPECT_NEAR(kilograms, number(e.at("known").at("location_based").at("co2e_kg")), 1e-9);
  };

  correct(1, model::Cause::substitution, 2'000'000, covered);
  const json::value substituted = explain_json(config(), kGas);
  ASSERT_EQ(substituted.at("point").at("beside").as_array().size(), 1U);
  EXPECT_EQ(substituted.at("point").at("beside").at(0).at("cause"), "substitution");
  EXPECT_EQ(substituted.at("point").at("beside").at(0).at("amount"), "2");
  adds_up(substituted);
  EXPECT_THAT(flat(explain(kGas)), HasSubstr("with 2 Nm3 beside it equal to what is booked"));

  correct(2, model::Cause::late_data, -2'000'000, covered + 1s);
  const json::value replaced = explain_json(config(), kGas);
  EXPECT_TRUE(replaced.at("point").at("beside").as_array().empty()) << replaced.at("point").at("beside");
  adds_up(replaced);
  EXPECT_THAT(flat(explain(kGas)), Not(HasSubstr("Beside it")));
  EXPECT_EQ(explain_json(config(), std::string(kGas) + "#1").at("point").at("beside"),
            substituted.at("point").at("beside"));

  correct(3, model::Cause::manual, -1'000'000, covered + 1s);
  const json::value entered = explain_json(config(), kGas);
  ASSERT_EQ(entered.at("point").at("beside").as_array().size(), 1U);
  EXPECT_EQ(entered.at("point").at("beside").at(0).at("cause"), "manual");
  EXPECT_EQ(entered.at("point").at("beside").at(0).at("note"), "as manual");
  adds_up(entered);
}

TEST_F(ExplainCommand, EveryEntryOfAStoreCountsAgainToWhatIsBooked) {
  replay(kStack, kStack.parent_path() / "input.csv");
  options_.entries = 0;
  std::size_t entries = 0;
  for (const char* user : {"boiler", "stack-1"}) {
    const json::value day = explain_json(kStack, std::string(user) + "@2026-06-01");
    for (const json::value& line : day.at("entries").as_array()) {
      const json::value e = explain_json(kStack, std::string(line.at("name").as_string()));
      EXPECT_EQ(e.at("point").at("counted_again"), e.at("known").at("amount")) << e.at("entry");
      for (const json::value& formula : e.at("formulas").as_array()) {
        for (const json::value& product : formula.at("products").as_array()) {
          EXPECT_TRUE(product.at("fits").as_bool()) << e.at("entry");
        }
      }
      const json::value& derived = e.at("point").at("derived");
      if (derived.at("computed").is_string()) {
        const char* compared = derived.at("moved").is_string() ? "moved" : "result";
        EXPECT_NEAR(std::stod(std::string(derived.at("computed").as_string())),
                    std::stod(std::string(derived.at(compared).as_string())), 2e-6)
            << e.at("entry");
      }
      ++entries;
    }
  }
  EXPECT_EQ(entries, 24U);
}

TEST_F(ExplainCommand, SaysWhatIsNearWhereThereIsNothing) {
  fill();
  explain("worksop/electricity/incomer.energy@2025-12-31T16:15:00Z", EX_NOINPUT);
  EXPECT_THAT(err_.str(), HasSubstr("did you mean 'workshop/electricity/incomer.energy'?"));
  explain("workshop/electricity/incomer.energy@2025-12-31T16:07:00Z", EX_NOINPUT);
  EXPECT_THAT(err_.str(), HasSubstr("the one before begins at 2025-12-31T16:00:00Z"));
  EXPECT_THAT(err_.str(), HasSubstr("the next one at 2025-12-31T16:15:00Z"));
  EXPECT_THAT(err_.str(), HasSubstr("its quarter hour begins at 2025-12-31T16:00:00Z"));
  explain("workshop/electricity/incomer.energy@2025-12-31T16:45:00Z", EX_NOINPUT);
  EXPECT_THAT(err_.str(), HasSubstr("not complete yet"));
  explain("workshop@2026-02", EX_NOINPUT);
  EXPECT_THAT(err_.str(), HasSubstr("it has entries from 2025-12-31T15:45:00Z to 2025-12-31T16:30:00Z"));
  explain("workshp@2026-01", EX_NOINPUT);
  EXPECT_THAT(err_.str(), HasSubstr("did you mean 'workshop'?"));
}

TEST_F(ExplainCommand, RefusesWhatIsNoName) {
  fill();
  for (const char* wrong :
       {"", "workshop", "workshop@", "@2026-01", "workshop@2026-13", "workshop@2026-1", "workshop@2025-12-31T16:15:00Z",
        "workshop/electricity/incomer@2026-01", "workshop//incomer.energy@2026-01", "workshop@2026-01#0",
        "workshop/electricity/incomer.energy@2025-12-31T16:15:00Z#",
        "workshop/electricity/incomer.energy@2025-12-31T16:15:00Z#x",
        "workshop/electricity/incomer.energy@2025-12-31 16:15", "workshop/electricity/.energy@2026-01",
        "\x01\xff@2026-01-99"}) {
    EXPECT_EQ(explain(wrong, EX_USAGE), "") << wrong;
    EXPECT_THAT(err_.str(), HasSubstr("USER/CARRIER/DEVICE.POINT@")) << wrong;
  }
}

TEST_F(ExplainCommand, RefusesWhatIsNoStore) {
  EXPECT_EQ(explain(kElectricity, EX_IOERR), "");
  EXPECT_NE(err_.str(), "");
  std::filesystem::create_directories(options_.store);
  std::ofstream(options_.store / store::kDatabaseFile) << std::string(5'000, 'x');
  explain(kElectricity, EX_DATAERR);
  edit("config.yaml", "unit: 1", "unit: 999");
  explain(kElectricity, EX_CONFIG);
}

TEST_F(ExplainCommand, SaysWhatAChangedConfigurationDoesNotKnowAnyMore) {
  fill();
  edit("factors/own-grid.yaml", "version: \"2026-01-01\"", "version: \"2027-01-01\"");
  std::string text = flat(explain(kElectricity));
  EXPECT_THAT(text, HasSubstr("in version 2027-01-01, not in version 2026-01-01"));
  EXPECT_THAT(text, HasSubstr("cannot be shown: the factor is not known"));
  EXPECT_THAT(text, HasSubstr("1.396125 kg"));  // what is booked stays as it is
  EXPECT_THAT(text, HasSubstr("the file of the set own-grid in version 2026-01-01, put into factors/former/"));

  edit("factors/own-grid.yaml", "year: 2023, value: 0.6205", "year: 2024, value: 0.6");
  text = flat(explain(kElectricity));
  EXPECT_THAT(text, HasSubstr("have no own-grid/CN-SC/average/2023"));
  EXPECT_THAT(text, HasSubstr("own-grid/CN-SC/average/2024"));  // which would be chosen now

  edit("config.yaml", "{name: energy,", "{name: total,");
  edit("config.yaml", "from: incomer.energy", "from: incomer.total");
  text = flat(explain(kElectricity));
  EXPECT_THAT(text, HasSubstr("no point incomer.energy any more"));
  EXPECT_THAT(text, HasSubstr("no account of workshop and electricity"));
  EXPECT_THAT(text, HasSubstr("313.75"));  // the readings are there all the same
  EXPECT_THAT(text, Not(HasSubstr("43 9c")));
  const json::value e = explain_json(config(), kElectricity);
  EXPECT_TRUE(e.at("point").at("origin").is_null());
  EXPECT_TRUE(e.at("point").at("counted_again").is_null());
  EXPECT_TRUE(e.at("activity_u95_percent").is_null());
}

TEST_F(ExplainCommand, KnowsAFactorWhoseFileWasKept) {
  fill();
  const json::value before = explain_json(config(), kElectricity);
  std::filesystem::create_directory(directory_.path() / "factors" / "former");
  std::filesystem::copy_file(directory_.path() / "factors" / "own-grid.yaml",
                             directory_.path() / "factors" / "former" / "own-grid-2026-01-01.yaml");
  edit("factors/own-grid.yaml", "version: \"2026-01-01\"", "version: \"2027-01-01\"");
  edit("factors/own-grid.yaml", "value: 0.6205", "value: 0.6");
  const json::value after = explain_json(config(), kElectricity);
  EXPECT_EQ(after.at("formulas").at(0).at("products"), before.at("formulas").at(0).at("products"));
  EXPECT_EQ(after.at("formulas").at(0).at("factor").at("value").as_string(), "0.6205");
  EXPECT_THAT(flat(explain(kElectricity)),
              HasSubstr("a set or a version that the configuration does not count by now"));
}

// Of a set that the books name and the configuration does not.
TEST_F(ExplainCommand, KnowsAFactorWhoseSetIsNotInUse) {
  fill();
  edit("config.yaml", "[own-grid, own-fuels]", "[cn-grid, own-fuels]");
  EXPECT_THAT(flat(explain(kElectricity)), HasSubstr("x 0.6205 kgCO2e/kWh"));
}

TEST_F(ExplainCommand, SiteIsTheSumOfItsUsers) {
  fill();
  hear_late_gas();
  const json::value site = explain_json(config(), "site@2026-01");
  const json::value user = explain_json(config(), "workshop@2026-01");
  for (const char* key : {"co2e_kg", "co2e_first_kg", "u95_kg", "coverage_percent", "entries"}) {
    EXPECT_EQ(site.at("total").at(key), user.at("total").at(key)) << key;
    EXPECT_EQ(site.at("users").at(0).at(key), user.at("total").at(key)) << key;
  }
  EXPECT_NE(site.at("total").at("co2e_kg"), site.at("total").at("co2e_first_kg"));
  EXPECT_EQ(site.at("users").at(0).at("name").as_string(), "workshop@2026-01");
  EXPECT_EQ(site.at("accounts"), user.at("accounts"));
  const json::value scope = explain_json(config(), "site/scope-1@2026-01");
  EXPECT_EQ(scope.at("total").at("co2e_kg"),
            explain_json(config(), "workshop/natural-gas@2026-01").at("total").at("co2e_kg"));
  EXPECT_EQ(scope.at("users").at(0).at("name").as_string(), "workshop/scope-1@2026-01");
  EXPECT_EQ(scope.at("total"), [&] {
    json::value same = explain_json(config(), "workshop/scope-1@2026-01").at("total");
    same.as_object()["name"] = "site/scope-1@2026-01";
    return same;
  }());
  const std::string text = flat(explain("site@2026-01"));
  EXPECT_THAT(text, HasSubstr("1 Users"));
  EXPECT_THAT(text, HasSubstr("Uncertainty"));
  explain("site@2025-01", EX_NOINPUT);
  EXPECT_THAT(err_.str(), HasSubstr("no entry of site in that period"));
}

// A user in the hall's consumption: listed among the accounts, and told to be in none of the totals.
TEST_F(ExplainCommand, SaysWhichAccountsOfTheSiteAreContainedInOthers) {
  edit("config.yaml", "certificates:",
       "  - {id: press, part_of: workshop, consumes: [{carrier: natural-gas, from: press.gas}]}\ncertificates:");
  edit("config.yaml", "energy_users:",
       "  - {id: press, driver: mqtt, broker: plant, topic: plant/press, interval: 5min,\n"
       "     timestamp: {json: /time, format: iso8601}, points: [{name: gas, json: /gas, unit: Nm3, kind: interval}]}\n"
       "energy_users:");
  std::ofstream input(directory_.path() / "parts.csv");
  input << "time,point,value\n";
  for (int k = 1; k <= 8; ++k) {
    const std::string at = std::to_string((kYear + k * 5min).time_since_epoch().count());
    input << at << ",boiler.gas," << 2 + k << "\n" << at << ",press.gas,1.5\n";
  }
  input.close();
  replay(config(), directory_.path() / "parts.csv");
  const json::value site = explain_json(config(), "site@2026-01-01");
  double total = 0;
  std::size_t contained = 0;
  for (const json::value& account : site.at("accounts").as_array()) {
    if (account.at("part_of").is_null()) total += std::stod(std::string(account.at("co2e_kg").as_string()));
    if (account.at("part_of") == "workshop") ++contained;
  }
  EXPECT_EQ(contained, 1U);
  EXPECT_NEAR(total, std::stod(std::string(site.at("total").at("co2e_kg").as_string())), 1e-9);
  const std::string text = flat(explain("site@2026-01-01"));
  EXPECT_THAT(text, HasSubstr("in workshop"));
  EXPECT_THAT(text, HasSubstr("kg, without accounts that are in another user's consumption"));
  const json::value press = explain_json(config(), "press@2026-01-01");
  for (const json::value& account : press.at("accounts").as_array()) {
    EXPECT_TRUE(account.at("part_of").is_null()) << "it is all of its own sum";
  }
}

// In no total, and all the same with its figure and its coverage.
TEST_F(ExplainCommand, SaysOfAMeasuredStackWhatItMeasured) {
  const std::filesystem::path house =
      std::filesystem::path(CARBONGATE_SOURCE_DIR) / "config/examples/boiler_house.yaml";
  const std::filesystem::path input = directory_.path() / "stack.csv";
  {
    std::ofstream csv(input);
    csv << "time,point,value\n";
    for (int minute = 0; minute <= 30; ++minute) {
      const std::string at = model::format_utc(kYear + std::chrono::minutes(minute)) + ",cems.";
      for (const char* value : {"co2,9", "velocity,12", "temperature,120", "pressure,-50", "moisture,8"}) {
        csv << at << value << "\n";
      }
    }
  }
  replay(house, input);
  const json::value stack = explain_json(house, "stack-1@2026-01");
  EXPECT_EQ(stack.at("beside").as_string(), "measured");
  const json::value& total = stack.at("total");
  const json::value& account = stack.at("accounts").at(0);
  EXPECT_NE(account.at("co2e_kg").as_string(), "0");
  for (const char* key : {"co2e_kg", "co2e_first_kg", "amount", "unit", "flow", "entries", "covered_ms", "quality"}) {
    EXPECT_EQ(total.at(key), account.at(key)) << key;
  }
  EXPECT_EQ(total.at("coverage_percent").as_string(), "0.07") << "30 min of 31 days";
  EXPECT_EQ(stack.at("parts").as_array().size(), 1U) << "a day";
  EXPECT_EQ(stack.at("parts").at(0).at("co2e_kg"), total.at("co2e_kg"));
  const std::string text = flat(explain(house, "stack-1@2026-01", 0));
  EXPECT_THAT(text, HasSubstr("all of it is measured: it is in no total"));
  EXPECT_THAT(text, HasSubstr("0.07 % (1800 s of 2678400 s)"));
  EXPECT_EQ(text.find("without what is exported"), std::string::npos);
  const json::value site = explain_json(house, "site@2026-01");
  EXPECT_TRUE(site.at("accounts").at(0).at("part_of").is_null()) << "measured beside, in nobody's consumption";
  EXPECT_THAT(flat(explain(house, "site@2026-01")), HasSubstr("kg, without what is exported, produced or measured"));
}

TEST_F(ExplainCommand, SaysSoWhereTheFactorNowGivesAnotherProduct) {
  fill();
  edit("factors/own-grid.yaml", "value: 0.6205", "value: 0.6206");  // under the same version, which nobody should do
  EXPECT_THAT(flat(explain(kElectricity)), HasSubstr("NOT equal, by -0.000225 kgCO2e"));
}

TEST_F(ExplainCommand, KnowsTheFactorsThatWereHeard) {
  edit("config.yaml", "factors: {sets: [own-grid, own-fuels]}",
       "factors: {sets: [own-grid, own-fuels], live: [{set: grid-live, carrier: electricity, region: CN-SC, method: "
       "live, "
       "from: grid.intensity, unit: gCO2/kWh, source: the operator, fallback: {set: own-grid, region: CN-SC, method: "
       "average}}]}");
  edit("config.yaml", "  - id: boiler\n",
       "  - {id: grid, driver: mqtt, broker: plant, topic: plant/grid, timestamp: {json: /time, format: iso8601}, "
       "points: "
       "[{name: intensity, json: /i, unit: \"1\", kind: instantaneous}]}\n  - id: boiler\n");
  edit("config.yaml", "from: incomer.energy\n",
       "from: incomer.energy\n        factor_set: grid-live\n        method: live\n");
  edit("input.csv", "2026-01-01T00:20:00", "2026-01-01T00:18:00+08:00,grid.intensity,325\n2026-01-01T00:20:00");
  replay(config(), directory_.path() / "input.csv");
  std::string text = flat(explain(kElectricity));
  EXPECT_THAT(text, HasSubstr("2.25 kWh x 0.6205 kgCO2e/kWh"));
  EXPECT_THAT(text, HasSubstr("no value was in force then: its fallback applied"));
  text = flat(explain("workshop/electricity/incomer.energy@2025-12-31T16:30:00Z"));
  EXPECT_THAT(text, HasSubstr("grid-live/CN-SC/live/2025-12-31T16:18Z"));
  EXPECT_THAT(text, HasSubstr("2.5 kWh x 0.325 kgCO2e/kWh = 0.8125 kgCO2e booked 0.8125 kgCO2e: equal"));
  EXPECT_THAT(text, HasSubstr("learns its values from grid.intensity"));
}

TEST_F(ExplainCommand, SaysWhereReadingsAreNoLongerKept) {
  fill();
  edit("config.yaml", "store: {path: store}", "store: {path: store, keep_readings: 1d}");
  config::Problems problems;
  app::GatewayConfig site = app::load_config(config(), problems);
  site.store.path = options_.store;
  {
    auto store = store::SqliteStore::open(site.store, site.site).value();
    pipeline::Pipeline pipeline(site.site, site.factors, store->checkpoint());
    boost::asio::io_context loop(1);
    const Reading reading{.point = PointId{0}, .at = kYear + 24h * 9, .value = 400};
    const std::vector<Batch> batches{{.source = "test", .received = reading.at, .readings = {reading}, .settled = {}}};
    auto done =
        boost::asio::co_spawn(loop, store->commit(pipeline.ingest(batches, reading.at)), boost::asio::use_future);
    loop.run();
    done.get().value();
  }
  const std::string text = flat(explain(kElectricity));
  EXPECT_THAT(text, HasSubstr("2.25 kWh x 0.6205 kgCO2e/kWh"));
  EXPECT_THAT(text, HasSubstr("The readings of that time are no longer kept"));
  EXPECT_THAT(text, HasSubstr("input registers 342-343"));  // where they would have been read
}

TEST_F(ExplainCommand, ShowsAsManyReadingsAsAskedForAndSaysSo) {
  replay(kStack, kStack.parent_path() / "input.csv");
  options_.readings = 4;
  const json::value e = explain_json(kStack, "stack-1/co2/stack-1.co2@2026-06-01T05:15:00Z");
  EXPECT_EQ(e.at("point").at("readings_within").to_number<int>(), 15);
  EXPECT_EQ(e.at("point").at("readings_left_out").to_number<int>(), 11);
  ASSERT_EQ(e.at("point").at("readings").as_array().size(), 6U);  // one before and one after
  EXPECT_EQ(e.at("point").at("readings").at(2).at("quality").at("rule").as_string(), "input-missing");
  options_.readings = 0;
  EXPECT_THAT(explain(kStack, "stack-1/co2/stack-1.co2@2026-06-01T05:15:00Z"), HasSubstr("15 of 15 readings"));
}

}  // namespace
}  // namespace carbongate::cli

// Derived points taken apart: what is worked out again is what was stored, whatever their inputs went through.
#include <sysexits.h>

#include <boost/json/parse.hpp>
#include <map>

#include "gateway/cli/restate.h"
#include "tests/unit/gateway/cli/explain_fixture.h"

namespace carbongate::cli {
namespace {

TEST_F(ExplainCommand, GoesThroughDerivedPointsToTheRegistersOfTheirInputs) {
  edit("config.yaml", "float32, unit: kWh, kind: cumulative, power_max: 1 MW}\n",
       "float32, unit: kWh, kind: cumulative, power_max: 1 MW}\n"
       "      - {name: pumps, address: 0x0200, type: uint16, scale: 0.25, unit: kWh, kind: cumulative, power_max: 1 "
       "MW}\n");
  edit("config.yaml", "energy_users:",
       "derived:\n  - {id: rest, type: sum, terms: [{from: incomer.energy}, {from: incomer.pumps, weight: -1}]}\n"
       "  - {id: half, type: sum, terms: [{from: rest.value, weight: 0.5}]}\nenergy_users:");
  edit("config.yaml", "electricity\n        from: incomer.energy", "electricity\n        from: half.value");
  std::ofstream input(directory_.path() / "derived.csv");
  input << "time,point,value\n";
  for (int k = 0; k <= 8; ++k) {
    const std::string at = std::to_string((kYear + k * 5min).time_since_epoch().count());
    input << at << ",incomer.energy," << 300 + k << "\n" << at << ",incomer.pumps," << 10 + k * 0.25 << "\n";
  }
  input.close();
  replay(config(), directory_.path() / "derived.csv");
  const json::value e = explain_json(config(), "workshop/electricity/half.value@2025-12-31T16:15:00Z");
  EXPECT_EQ(e.at("known").at("amount").as_string(), "1.125");
  const json::value& half = e.at("point").at("derived");
  EXPECT_EQ(half.at("result").as_string(), "0.375");
  EXPECT_EQ(half.at("computed").as_string(), "0.375");
  const json::value& rest = half.at("inputs").at(0).at("point").at("derived");
  EXPECT_EQ(rest.at("computed").as_string(), "0.75");
  const json::value& pumps = rest.at("inputs").at(1);
  EXPECT_EQ(pumps.at("weight").as_string(), "-1");
  EXPECT_EQ(pumps.at("moved").as_string(), "0.25");
  const json::value& readings = pumps.at("point").at("readings");
  ASSERT_EQ(readings.as_array().size(), 2U);
  EXPECT_EQ(readings.at(0).at("bytes").as_string(), "00 2d");  // 45 x 0.25
  EXPECT_EQ(readings.at(1).at("bytes").as_string(), "00 2e");
  const std::string text = flat(explain("workshop/electricity/half.value@2025-12-31T16:15:00Z"));
  EXPECT_THAT(text, HasSubstr("holding register 512 (0x0200)"));
  EXPECT_THAT(text, HasSubstr("00 2e -> 11.5 kWh"));
}

TEST_F(ExplainCommand, CountsASumOfCountersOverAGapAsThePipelineDoes) {
  edit("config.yaml", "energy_users:",
       "derived:\n  - {id: both, type: sum, terms: [{from: incomer.energy, weight: 2}]}\nenergy_users:");
  edit("config.yaml", "electricity\n        from: incomer.energy", "electricity\n        from: both.value");
  std::ofstream input(directory_.path() / "gap.csv");
  input << "time,point,value\n";
  for (const int minute : {0, 5, 10, 55, 60, 65}) {
    input << (kYear + minute * 1min).time_since_epoch().count() << ",incomer.energy," << 300 + minute << "\n";
  }
  input.close();
  replay(config(), directory_.path() / "gap.csv");
  const json::value e = explain_json(config(), "workshop/electricity/both.value@2025-12-31T16:30:00Z");
  EXPECT_EQ(e.at("known").at("amount").as_string(), "30");
  EXPECT_EQ(e.at("point").at("counted_again").as_string(), "30");
}

// Exchanges, ratios, ends of registers, excursions and silences: each result is what its inputs moved since the one
// before, to the last digit of the books.
TEST_F(ExplainCommand, WorksOutADerivedPointAgainWhateverItsCountersWentThrough) {
  edit("config.yaml", "float32, unit: kWh, kind: cumulative, power_max: 1 MW}\n",
       "float32, unit: kWh, kind: cumulative, power_max: 1 MW, rollover_at: 1000}\n"
       "      - {name: pumps, address: 0x0200, type: uint16, scale: 0.25, unit: kWh, kind: cumulative, power_max: 1 "
       "MW,\n"
       "         replaced: [{at: \"2026-01-01T02:01\", final: 17.25, initial: 3}],\n"
       "         ratio: [{value: 40}, {from: \"2026-01-01T02:01\", value: 60}]}\n");
  edit("config.yaml", "energy_users:",
       "derived:\n  - {id: rest, type: sum, max_age: 20min, power_max: 5 MW,\n"
       "     terms: [{from: incomer.energy, weight: 3}, {from: incomer.pumps}]}\n"
       "  - {id: twice, type: sum, max_age: 20min, power_max: 5 MW,\n"
       "     terms: [{from: rest.value}, {from: incomer.pumps, weight: -1}]}\nenergy_users:");
  edit("config.yaml", "electricity\n        from: incomer.energy", "electricity\n        from: twice.value");
  std::ofstream input(directory_.path() / "derived.csv");
  input << "time,point,value\n";
  for (int k = 0; k <= 60; ++k) {
    const std::string at = std::to_string((kYear + k * 5min).time_since_epoch().count());
    const double energy = k >= 12 && k < 16 ? 1.5 * k : std::fmod(980 + 1.25 * k, 1000);  // an excursion; an end
    const double pumps = k <= 24 ? 11.25 + 0.25 * k : 3 + 0.25 * (k - 24);
    if (k != 40 && k != 41) input << at << ",incomer.energy," << energy << "\n";
    input << at << ",incomer.pumps," << pumps << "\n";
  }
  input.close();
  replay(config(), directory_.path() / "derived.csv");
  options_.entries = 0;
  const json::value day = explain_json(config(), "workshop@2026-01-01");
  std::size_t exchanged = 0;
  for (const json::value& line : day.at("entries").as_array()) {
    const json::value e = explain_json(config(), std::string(line.at("name").as_string()));
    const json::value& twice = e.at("point").at("derived");
    const json::value& rest = twice.at("inputs").at(0).at("point").at("derived");
    for (const json::value* derived : {&twice, &rest}) {
      ASSERT_TRUE(derived->at("computed").is_string()) << e.at("entry");
      EXPECT_NEAR(std::stod(std::string(derived->at("computed").as_string())),
                  std::stod(std::string(derived->at("result").as_string())), 2e-6)
          << e.at("entry");
    }
    for (const json::value& note : twice.at("inputs").at(1).at("point").at("notes").as_array()) {
      if (note.as_string().starts_with("the meter was exchanged")) ++exchanged;
    }
  }
  EXPECT_EQ(day.at("entries").as_array().size(), 17U);
  EXPECT_EQ(exchanged, 1U) << "the result after the excursion, which had waited";
}

// Gas at reference conditions by a thermometer that is heard minutes behind its meter: first counted by what it had
// said before, and corrected. What is explained is the correction: its results, each of the temperature of its time.
class ExplainLateInput : public ExplainCommand {
 protected:
  static constexpr const char* kEntry = "workshop/natural-gas/normal.volume@2026-01-01T01:15:00+08:00";
  static double celsius(int k) { return 10.0 + 4.0 * (k % 7); }

  ExplainLateInput() {
    edit("config.yaml", "points: [{name: gas, json: /gas, unit: Nm3, kind: interval}]",
         "points:\n      - {name: volume, json: /v, unit: m3, kind: cumulative, flow_max: 5000 m3/h}\n"
         "      - {name: celsius, json: /t, unit: °C, kind: instantaneous}");
    edit("config.yaml", "energy_users:",
         "derived:\n  - {id: normal, type: gas-at-reference, volume: boiler.volume, temperature: boiler.celsius,\n"
         "     pressure: 2 bar, max_age: 20min, wait: 5s}\nenergy_users:");
    edit("config.yaml", "from: boiler.gas", "from: normal.volume");
  }

  // Each minute; the thermometer eight minutes behind.
  void fill_with_late_temperatures(int minutes) {
    std::ofstream input(directory_.path() / "late.csv");
    input << "time,point,value\n";
    for (int k = 0; k <= minutes; ++k) {
      const auto at = [](int minute) { return std::to_string((kYear + minute * 1min).time_since_epoch().count()); };
      input << at(k) << ",boiler.volume," << 1000 + 12 * k << "\n";
      if (k >= 8) input << at(k - 8) << ",boiler.celsius," << celsius(k - 8) << "\n";
    }
    input.close();
    replay_and_restate();
  }

  // Both out of their order: two of five volumes behind five newer ones, each fourth temperature nine minutes behind.
  void fill_out_of_order(int minutes) {
    std::multimap<double, std::string> heard;
    for (int k = 0; k <= minutes; ++k) {
      const std::string at = std::to_string((kYear + k * 1min).time_since_epoch().count());
      heard.emplace(is_late_volume(k) ? k + 5.5 : k, at + ",boiler.volume," + std::to_string(volume(k)));
      heard.emplace(is_late_celsius(k) ? k + 9.5 : k, at + ",boiler.celsius," + std::to_string(celsius(k)));
    }
    std::ofstream input(directory_.path() / "late.csv");
    input << "time,point,value\n";
    for (const auto& [order, line] : heard) input << line << "\n";
    input.close();
    replay_and_restate();
  }
  static int volume(int k) { return 1000 + 12 * k + 3 * (k % 4); }
  static bool is_late_volume(int k) { return k % 5 == 2 || k % 5 == 3; }
  static bool is_late_celsius(int k) { return k % 4 == 1; }

  void replay_and_restate() {
    replay(config(), directory_.path() / "late.csv");
    std::ostringstream out;
    RestateOptions restate;
    restate.config = config();
    restate.store = options_.store;
    restate.from = "2026-01-01";
    restate.book = true;
    restate.reason = "test";
    ASSERT_EQ(run_restate(restate, out, err_), 0) << err_.str();
  }
};

TEST_F(ExplainLateInput, ShowsWhatTheCorrectionCounted) {
  fill_with_late_temperatures(180);
  const json::value e = explain_json(config(), kEntry);
  const json::array& revisions = e.at("revisions").as_array();
  ASSERT_EQ(revisions.size(), 2U);
  EXPECT_THAT(std::string(revisions.at(1).at("note").as_string()),
              HasSubstr("late readings of boiler.celsius, of which normal.volume is made"));
  EXPECT_NE(e.at("published").at("amount"), e.at("known").at("amount"));
  double expected = 0;
  for (int k = 76; k <= 90; ++k) expected += 12 * 273.15 / (273.15 + celsius(k)) * 200'000 / 101'325;
  EXPECT_NEAR(std::stod(std::string(e.at("known").at("amount").as_string())), expected, 1e-6);

  const json::value& point = e.at("point");
  EXPECT_TRUE(point.at("worked_out_again").as_bool());
  EXPECT_EQ(point.at("counted_again"), e.at("known").at("amount"));
  for (const json::value& reading : point.at("readings").as_array()) {
    EXPECT_EQ(reading.at("quality").at("origin"), "measured") << reading;
  }
  const json::value& result = point.at("derived");
  EXPECT_EQ(result.at("at").as_string(), "2025-12-31T17:30:00Z");
  EXPECT_EQ(result.at("inputs").at(1).at("value").as_string(), std::to_string(std::lround(celsius(90))));
  EXPECT_NEAR(std::stod(std::string(result.at("computed").as_string())),
              std::stod(std::string(result.at("moved").as_string())), 1.1e-6);

  const std::string text = flat(explain(kEntry));
  EXPECT_THAT(text, HasSubstr("equal to what is booked"));
  EXPECT_THAT(text, HasSubstr("results are shown as the correction made them"));
  EXPECT_THAT(text, Not(HasSubstr("input-stale")));

  const json::value published = explain_json(config(), std::string(kEntry) + "#0");
  EXPECT_FALSE(published.at("point").at("worked_out_again").as_bool()) << "of what was published the results stored";
  EXPECT_EQ(published.at("point").at("counted_again"), published.at("known").at("amount"));
  const json::value& as_published = published.at("point").at("derived");
  EXPECT_EQ(as_published.at("inputs").at(1).at("value").as_string(), std::to_string(std::lround(celsius(81))))
      << "what the thermometer had said by then";
  EXPECT_NEAR(std::stod(std::string(as_published.at("computed").as_string())),
              std::stod(std::string(as_published.at("moved").as_string())), 1.1e-6);
}

TEST_F(ExplainLateInput, MakesEachResultOfInputsThatCameOutOfOrder) {
  fill_out_of_order(180);
  const json::value e = explain_json(config(), kEntry);
  ASSERT_EQ(e.at("revisions").as_array().size(), 2U);
  EXPECT_EQ(e.at("point").at("counted_again"), e.at("known").at("amount"));
  const auto quality_of = [](const json::value& input) {
    const json::value& quality = input.at("point").at("readings").as_array().back().at("quality");
    return std::string(quality.at("origin").as_string()) +
           (quality.at("rule").is_null() ? "" : " " + std::string(quality.at("rule").as_string()));
  };
  for (int k = 76; k <= 90; ++k) {
    options_.result = model::format_utc(kYear + k * 1min);
    const json::value result = explain_json(config(), kEntry).at("point").at("derived");
    ASSERT_TRUE(result.at("computed").is_string()) << result;
    const json::value& by_volume = result.at("inputs").at(0);
    const json::value& by_celsius = result.at("inputs").at(1);
    EXPECT_EQ(by_volume.at("value").as_string(), std::to_string(volume(k)));
    EXPECT_EQ(by_volume.at("moved").as_string(), std::to_string(volume(k) - volume(k - 1)));
    EXPECT_EQ(by_celsius.at("value").as_string(), std::to_string(std::lround(celsius(k))));
    EXPECT_EQ(quality_of(by_volume), is_late_volume(k) ? "late out-of-order" : "measured") << k;
    EXPECT_EQ(quality_of(by_celsius), is_late_celsius(k) ? "late out-of-order" : "measured") << k;
    EXPECT_NEAR(std::stod(std::string(result.at("computed").as_string())),
                (volume(k) - volume(k - 1)) * 273.15 / (273.15 + celsius(k)) * 200'000 / 101'325, 1e-9);
    EXPECT_NEAR(std::stod(std::string(result.at("computed").as_string())),
                std::stod(std::string(result.at("moved").as_string())), 1.1e-6);
  }
}

TEST_F(ExplainLateInput, TakesTheResultApartThatIsAskedFor) {
  fill_with_late_temperatures(180);
  options_.result = "2026-01-01T01:20";
  const json::value e = explain_json(config(), kEntry);
  const json::value& result = e.at("point").at("derived");
  EXPECT_EQ(result.at("at").as_string(), "2025-12-31T17:20:00Z");
  EXPECT_EQ(result.at("inputs").at(1).at("value").as_string(), std::to_string(std::lround(celsius(80))));
  options_.result = "2026-01-01T01:20:30";
  explain(config(), kEntry, EX_NOINPUT);
  EXPECT_THAT(err_.str(), HasSubstr("normal.volume has no result at 2025-12-31T17:20:30Z"));
  EXPECT_THAT(err_.str(), HasSubstr("2025-12-31T17:21:00Z"));
  explain(config(), "workshop@2026-01-01", EX_NOINPUT);
  EXPECT_THAT(err_.str(), HasSubstr("not to a sum: ask for an entry"));
  options_.result = "noon";
  explain(config(), kEntry, EX_USAGE);
  EXPECT_THAT(err_.str(), HasSubstr("'noon' is no time"));
}

}  // namespace
}  // namespace carbongate::cli

// Derived points taken apart: what is worked out again is what was stored, whatever their inputs went through.
#include <boost/json/parse.hpp>

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

}  // namespace
}  // namespace carbongate::cli

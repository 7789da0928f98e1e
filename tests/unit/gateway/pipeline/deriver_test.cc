#include "gateway/pipeline/deriver.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "tests/unit/gateway/pipeline/deriver_fixture.h"

namespace carbongate::pipeline {
namespace {

using namespace std::chrono_literals;
using model::Derived;
using model::DerivedInput;
using model::Formula;
using model::JudgedReading;
using model::Origin;
using model::Quality;
using model::Role;
using model::Rule;

TEST_F(DeriverTest, AnHourOfAStackIsTheMassItEmitted) {
  add_stack();
  site_.add_account(stack_, "co2", "direct", "", "default");
  const PointId gas = site_.add_point("gas", Kind::cumulative, "Nm3");
  site_.add_account(gas, "natural-gas", "cn-fuels", "", "default");
  config::Problems problems;
  const std::vector<std::string> sets{"cn-fuels", "direct"};
  const auto factors = FactorRegistry::load(config::DataFiles("."), sets, site_.site.time_zone, problems);
  ASSERT_FALSE(problems.has_errors()) << problems.to_text();
  Pipeline pipeline(site_.site, factors, {});
  std::vector<Reading> readings;
  for (Instant at = kNoon; at <= kNoon + 61min; at += 1min) {
    for (const Reading& r : stack_readings(at)) readings.push_back(r);
    readings.push_back(reading(gas, at, 1000.0 + static_cast<double>((at - kNoon) / 1min)));
  }
  const auto rows = feed(pipeline, readings);
  const auto rates = of(rows, stack_);
  ASSERT_EQ(rates.size(), 62u);
  for (const JudgedReading& r : rates) {
    EXPECT_NEAR(r.value, 80'708.9, 0.05);
    EXPECT_EQ(r.quality, Quality{});
  }
  const auto hours = rollups(rows, model::Period::hour);
  ASSERT_EQ(hours.size(), 2u) << "of the stack and of the boiler's gas, two accounts of their own";
  EXPECT_NEAR(static_cast<double>(hours[0].amount.quanta()) / 1e6, 80'708.9, 0.05) << "kg in an hour";
  EXPECT_EQ(hours[0].emitted[model::Basis::primary].co2e.quanta(), hours[0].amount.quanta())
      << "a kilogram of CO2 is a kilogram of CO2";
  EXPECT_EQ(hours[1].amount.quanta(), 60'000'000);
}

// As an analyser tells it that speaks HJ 212: a05001 in mg/m3, of the dry gas at 0 °C and 101.325 kPa.
TEST_F(DeriverTest, AStackWhoseAnalyserTellsAMassEmitsTheSame) {
  add_stack();
  const PointId milligrams = site_.add_point("co2_mass", Kind::instantaneous, "mg/m3");
  site_.site.derived.back().inputs[1] = from(Role::mass_concentration, milligrams);
  Pipeline pipeline = site_.pipeline();
  std::vector<Reading> readings = stack_readings(kNoon);
  readings[0] = reading(milligrams, kNoon, 0.12 * 44 / 22.4 * 1e6);
  const auto rates = of(feed(pipeline, readings), stack_);
  ASSERT_EQ(rates.size(), 1u);
  EXPECT_NEAR(rates[0].value, 80'708.9, 0.05);
  EXPECT_EQ(rates[0].quality, Quality{});
}

TEST_F(DeriverTest, SaysWhichInputFailed) {
  add_stack();
  Pipeline pipeline = site_.pipeline();
  auto rows = feed(pipeline, {reading(velocity_, kNoon, 12.4)});
  auto derived = of(rows, stack_);
  ASSERT_EQ(derived.size(), 1u);
  EXPECT_TRUE(std::isnan(derived[0].value));
  EXPECT_EQ(derived[0].quality, (Quality{Origin::missing, Rule::input_missing}));

  feed(pipeline, stack_readings(kNoon + 1min));
  derived = of(feed(pipeline, {reading(velocity_, kNoon + 6min, 12.4)}), stack_);
  ASSERT_EQ(derived.size(), 1u);
  EXPECT_EQ(derived[0].quality, Quality{}) << "exactly max_age";
  derived = of(feed(pipeline, {reading(velocity_, kNoon + 6min + 1ms, 12.4)}), stack_);
  ASSERT_EQ(derived.size(), 1u);
  EXPECT_EQ(derived[0].quality, (Quality{Origin::missing, Rule::input_stale}));

  rows = feed(pipeline, {reading(moisture_, kNoon + 7min, 100), reading(co2_, kNoon + 7min, 12),
                         reading(temperature_, kNoon + 7min, 118), reading(pressure_, kNoon + 7min, -150)});
  EXPECT_TRUE(of(rows, stack_).empty()) << "only the velocity makes a reading";
  derived = of(feed(pipeline, {reading(velocity_, kNoon + 7min, 12.4)}), stack_);
  ASSERT_EQ(derived.size(), 1u);
  EXPECT_EQ(derived[0].quality, (Quality{Origin::missing, Rule::out_of_validity}));
}

TEST_F(DeriverTest, TakesTheInputsOfItsOwnInstantInAnyOrderOfAMessage) {
  add_stack();
  Pipeline pipeline = site_.pipeline();
  Batch messages{.source = "test", .received = kNoon + 1min, .readings = {}, .settled = {}};
  for (const Instant at : {kNoon, kNoon + 1min}) {
    auto message = stack_readings(at);
    std::ranges::reverse(message);  // the velocity first
    if (at != kNoon) message[0].value = 2 * 12.40;
    if (at != kNoon) message.back().value = 6;
    messages.readings.insert(messages.readings.end(), message.begin(), message.end());
  }
  const auto rows = pipeline.ingest({&messages, 1}, kNoon + 1min).rows;
  const auto derived = of(rows, stack_);
  ASSERT_EQ(derived.size(), 2u);
  EXPECT_NEAR(derived[0].value, 80'708.9, 0.05) << "also of the first message there ever was";
  EXPECT_NEAR(derived[1].value, 80'708.9, 0.05) << "twice the velocity and half the concentration of the same minute";
  EXPECT_EQ(derived[0].at, kNoon);
  EXPECT_EQ(derived[1].at, kNoon + 1min);

  Batch again{.source = "test", .received = kNoon + 2min, .readings = stack_readings(kNoon + 2min), .settled = {}};
  std::ranges::reverse(again.readings);
  again.readings.back().value = std::nan("");
  const auto missing = of(pipeline.ingest({&again, 1}, kNoon + 2min).rows, stack_);
  ASSERT_EQ(missing.size(), 1u);
  EXPECT_EQ(missing[0].quality, (Quality{Origin::missing, Rule::input_missing})) << "an analyser that failed with it";
}

TEST_F(DeriverTest, TakesNoValueThatItsInstrumentWithdrew) {
  add_stack();
  Pipeline pipeline = site_.pipeline();
  constexpr Quality kMissing{Origin::missing, Rule::input_missing};
  feed(pipeline, stack_readings(kNoon));
  feed(pipeline, {reading(co2_, kNoon + 1min, std::nan(""))});
  pipeline = site_.pipeline(pipeline.state());  // not even after a restart
  auto derived = of(feed(pipeline, {reading(velocity_, kNoon + 1min, 12.4)}), stack_);
  ASSERT_EQ(derived.size(), 1u);
  EXPECT_EQ(derived[0].quality, kMissing) << "the value of a minute ago is not known to hold";
  derived = of(feed(pipeline, {reading(co2_, kNoon + 2min, 12), reading(velocity_, kNoon + 2min, 12.4)}), stack_);
  ASSERT_EQ(derived.size(), 1u);
  EXPECT_EQ(derived[0].quality, Quality{});

  derived = of(feed(pipeline, {reading(velocity_, kNoon + 3min, std::nan(""))}), stack_);
  ASSERT_EQ(derived.size(), 1u) << "what follows a rejected reading is missing too";
  EXPECT_TRUE(std::isnan(derived[0].value));
  EXPECT_EQ(derived[0].at, kNoon + 3min);
  EXPECT_EQ(derived[0].quality, kMissing);

  // What comes again, late or from the future withdraws nothing.
  feed(pipeline, {reading(co2_, kNoon + 2min, 13), reading(co2_, kNoon, 11)});
  Batch early{.source = "test", .received = kNoon, .readings = {reading(co2_, kNoon + 1h, 11)}, .settled = {}};
  pipeline.ingest({&early, 1}, kNoon);
  derived = of(feed(pipeline, {reading(velocity_, kNoon + 4min, 12.4)}), stack_);
  ASSERT_EQ(derived.size(), 1u);
  EXPECT_EQ(derived[0].quality, Quality{});
  EXPECT_NEAR(derived[0].value, 80'708.9, 0.05);
}

TEST_F(DeriverTest, IsNoBetterThanItsInputs) {
  add_stack();
  Pipeline pipeline = site_.pipeline();
  Batch late{.source = "test", .received = kNoon + 3min, .readings = stack_readings(kNoon), .settled = {}};
  late.readings.pop_back();
  pipeline.ingest({&late, 1}, kNoon + 3min);
  const auto derived = of(feed(pipeline, {reading(velocity_, kNoon + 3min, 12.4)}), stack_);
  ASSERT_EQ(derived.size(), 1u);
  EXPECT_EQ(derived[0].quality, (Quality{Origin::late, Rule::stale}));
}

// A gas meter at 20 degC and 0.1 bar above the barometric pressure.
class GasMeterTest : public DeriverTest {
 protected:
  GasMeterTest() {
    volume_ = site_.add_point("volume", Kind::cumulative, "m3");
    site_.site.points[index(volume_)].limits.rollover_at = {10'000};
    temperature_ = site_.add_point("temperature", Kind::instantaneous, "°C");
    result_ = derive(Formula::gas_at_reference, "Nm3", Kind::cumulative,
                     {from(Role::volume, volume_), from(Role::temperature, temperature_),
                      constant(Role::gauge_pressure, 10'000), constant(Role::barometric, 101'325)});
    site_.add_account(result_, "natural-gas", "cn-fuels", "", "default");
  }
  std::vector<Reading> at(Instant when, double volume, double celsius) const {
    return {reading(temperature_, when, celsius), reading(volume_, when, volume)};
  }
  static double normal(double m3, double celsius) { return m3 * 273.15 / (273.15 + celsius) * 111'325 / 101'325; }

  PointId volume_{}, result_{};
};

TEST_F(GasMeterTest, CorrectsEachIncrementByTheConditionsInForce) {
  Pipeline pipeline = site_.pipeline();
  std::vector<Reading> readings;
  for (const Reading& r : at(kNoon, 5000, 20)) readings.push_back(r);
  for (const Reading& r : at(kNoon + 1min, 5010, 20)) readings.push_back(r);
  for (const Reading& r : at(kNoon + 2min, 5030, 5)) readings.push_back(r);
  const auto derived = of(feed(pipeline, readings), result_);
  ASSERT_EQ(derived.size(), 3u);
  EXPECT_EQ(derived[0].value, 0);
  EXPECT_NEAR(derived[1].value, normal(10, 20), 1e-6);
  EXPECT_NEAR(derived[2].value, normal(10, 20) + normal(20, 5), 2e-6);
  EXPECT_NEAR(static_cast<double>(pipeline.state().accounts[0].amount.quanta()) / 1e6, derived[2].value, 1e-9);
}

TEST_F(GasMeterTest, GoesOnAfterARestartAsIfThereHadBeenNone) {
  Pipeline whole = site_.pipeline();
  Pipeline part = site_.pipeline();
  std::string expected, found;
  for (int minute = 0; minute < 90; ++minute) {
    // Through its end, with a reading of nothing in between.
    double volume = std::fmod(9'990.0 + 0.37 * minute, 10'000.0);
    if (minute == 70) volume = 0;
    const auto readings = at(kNoon + minute * 1min, volume, 10 + 0.1 * minute);
    expected += to_text(feed(whole, readings));
    found += to_text(feed(part, readings));
    part = site_.pipeline(part.state());
  }
  EXPECT_EQ(found, expected);
  EXPECT_EQ(whole.state().points, part.state().points);
  const double sum = whole.state().points[index(result_)].last_value;
  EXPECT_NEAR(sum, normal(0.37 * 89, 14.5), 0.3) << "neither the rollover nor the glitch is gas";
}

TEST_F(GasMeterTest, KeepsWhatWasCountedWhileAnInputWasStale) {
  Pipeline pipeline = site_.pipeline();
  feed(pipeline, at(kNoon, 5000, 20));
  auto derived = of(feed(pipeline, {reading(volume_, kNoon + 6min, 5060)}), result_);
  ASSERT_EQ(derived.size(), 1u);
  EXPECT_EQ(derived[0].quality, (Quality{Origin::missing, Rule::input_stale}));
  derived = of(feed(pipeline, at(kNoon + 7min, 5070, 10)), result_);
  ASSERT_EQ(derived.size(), 1u);
  EXPECT_EQ(derived[0].quality, (Quality{Origin::estimated, Rule::input_stale}));
  EXPECT_NEAR(derived[0].value, normal(70, 10), 1e-6) << "all of it, under the conditions known again";
  derived = of(feed(pipeline, at(kNoon + 8min, 5080, 10)), result_);
  ASSERT_EQ(derived.size(), 1u);
  EXPECT_EQ(derived[0].quality, Quality{});
}

// 3 000 m3/h at 1 MPa: little for its meter, and more normal cubic metres an hour than most meters ever show.
TEST_F(GasMeterTest, DoubtsNoCounterOfItsOwn) {
  site_.site.derived[0].inputs[2].constant = 900'000;
  Pipeline pipeline = site_.pipeline();
  std::vector<Reading> readings;
  for (int minute = 0; minute <= 61; ++minute) {
    for (const Reading& r : at(kNoon + minute * 1min, 1'000 + 50 * minute, 20)) readings.push_back(r);
  }
  const auto rows = feed(pipeline, readings);
  for (const JudgedReading& r : of(rows, result_)) EXPECT_EQ(r.quality, Quality{}) << r.value;
  const auto hours = rollups(rows, model::Period::hour);
  ASSERT_EQ(hours.size(), 1u);
  EXPECT_EQ(hours[0].quality, Quality{});
  EXPECT_EQ(hours[0].covered, 60min) << "from its very first reading, which is 0, on";
  EXPECT_NEAR(static_cast<double>(hours[0].amount.quanta()) / 1e6, 3'000 * 273.15 / 293.15 * 1'001'325 / 101'325, 1e-5);
}

TEST_F(GasMeterTest, DoesNotDependOnHowReadingsAreGrouped) {
  std::vector<Reading> readings;
  for (int minute = 0; minute < 40; ++minute) {
    for (const Reading& r : at(kNoon + minute * 1min, 9'990 + 0.25 * minute, 15 + 0.1 * minute)) readings.push_back(r);
  }
  Pipeline at_once = site_.pipeline();
  Pipeline one_by_one = site_.pipeline();
  std::vector<Batch> batches;
  std::vector<model::JournalRow> single;
  const Instant now = readings.back().at;
  for (const Reading& r : readings) {
    Batch batch{.source = "test", .received = r.at, .readings = {r}, .settled = {}};
    for (auto& row : one_by_one.ingest({&batch, 1}, now).rows) single.push_back(std::move(row));
    batches.push_back(std::move(batch));
  }
  EXPECT_EQ(to_text(at_once.ingest(batches, now).rows), to_text(single));
  EXPECT_EQ(at_once.state().points, one_by_one.state().points);
}

TEST_F(GasMeterTest, SavesWhatItRemembers) {
  Pipeline pipeline = site_.pipeline();
  feed(pipeline, at(kNoon, 5000, 20));
  // A commit holds the derived point's state whenever it changed, also where it led to no reading of worth.
  Batch batch{
      .source = "test", .received = kNoon + 6min, .readings = {reading(volume_, kNoon + 6min, 5060)}, .settled = {}};
  const auto effects = pipeline.ingest({&batch, 1}, kNoon + 6min);
  bool saved = false;
  for (const auto& [point, state] : effects.points) {
    if (point == result_) saved = state == pipeline.state().points[index(result_)];
  }
  EXPECT_TRUE(saved);
  EXPECT_EQ(pipeline.state().points[index(result_)].derived.inputs[0].since.quanta(), 60'000'000);
}

TEST_F(GasMeterTest, BeginsAnewWithAnotherMeter) {
  Pipeline before = site_.pipeline();
  feed(before, at(kNoon, 5000, 20));
  feed(before, at(kNoon + 1min, 5010, 20));
  site_.site.points[index(volume_)].name = "new_meter";
  Pipeline after = site_.pipeline(before.state());
  const auto derived = of(feed(after, at(kNoon + 2min, 7, 20)), result_);
  ASSERT_EQ(derived.size(), 1u);
  EXPECT_NEAR(derived[0].value, normal(10, 20), 1e-6) << "its first reading is no consumption";
}

TEST_F(DeriverTest, TurnsFlowsOfSteamIntoPower) {
  const PointId flow = site_.add_point("flow", Kind::instantaneous, "t/h");
  const PointId pressure = site_.add_point("pressure", Kind::instantaneous, "MPa");
  const PointId power =
      derive(Formula::steam_heat, "kW", Kind::instantaneous, {from(Role::mass, flow), from(Role::pressure, pressure)});
  Pipeline pipeline = site_.pipeline();
  const auto derived = of(feed(pipeline, {reading(pressure, kNoon, 1), reading(flow, kNoon, 18)}), power);
  ASSERT_EQ(derived.size(), 1u);
  EXPECT_NEAR(derived[0].value, 18 * 2.6934e6 / 3600, 0.5);
}

TEST_F(DeriverTest, WeighsVolumesAndPassesThemOn) {
  const PointId volume = site_.add_point("volume", Kind::cumulative, "L");
  const PointId density = site_.add_point("density", Kind::instantaneous, "kg/L");
  const PointId mass = derive(Formula::mass_from_volume, "kg", Kind::cumulative,
                              {from(Role::volume, volume), from(Role::density, density)});
  const PointId heat = derive(Formula::hot_water_heat, "GJ", Kind::cumulative,
                              {from(Role::mass, mass), constant(Role::temperature, 70)});
  Pipeline pipeline = site_.pipeline();
  feed(pipeline, {reading(density, kNoon, 0.84), reading(volume, kNoon, 100)});
  const auto rows = feed(pipeline, {reading(volume, kNoon + 1min, 300)});
  ASSERT_EQ(of(rows, mass).size(), 1u);
  EXPECT_NEAR(of(rows, mass)[0].value, 168, 1e-9);
  ASSERT_EQ(of(rows, heat).size(), 1u) << "a derived point may feed another";
  EXPECT_NEAR(of(rows, heat)[0].value, 0.168 * 50 * 4.1868e-3, 1e-9);
}

TEST_F(DeriverTest, GoesOnAfterAnAmountThatCannotBe) {
  const PointId a = site_.add_point("a", Kind::interval, "t");
  const PointId b = site_.add_point("b", Kind::interval, "t");
  const PointId sum = derive(Formula::sum, "t", Kind::interval, {from(Role::term, a), from(Role::term, b, 1e6)});
  Pipeline pipeline = site_.pipeline();
  auto derived =
      of(feed(pipeline, {reading(a, kNoon, 9e9), reading(a, kNoon + 1s, 9e9), reading(b, kNoon + 1s, 4e9)}), sum);
  ASSERT_EQ(derived.size(), 3u) << "two while the other one was missing";
  EXPECT_EQ(derived[2].value, 0);
  EXPECT_EQ(derived[2].quality, (Quality{Origin::estimated, Rule::out_of_validity})) << "something was left out";
  derived = of(feed(pipeline, {reading(a, kNoon + 1min, 2), reading(b, kNoon + 1min, 1e-6)}), sum);
  ASSERT_EQ(derived.size(), 1u);
  EXPECT_EQ(derived[0].value, 3);
  EXPECT_EQ(derived[0].quality, Quality{});
}

TEST_F(DeriverTest, MissesARateThatWasRejectedButNoCountersReading) {
  const PointId a = site_.add_point("a", Kind::instantaneous, "kW");
  const PointId b = site_.add_point("b", Kind::instantaneous, "kW");
  const PointId rates = derive(Formula::sum, "kW", Kind::instantaneous, {from(Role::term, a), from(Role::term, b)});
  const PointId c = site_.add_point("c", Kind::cumulative, "kWh");
  const PointId d = site_.add_point("d", Kind::cumulative, "kWh");
  const PointId amounts = derive(Formula::sum, "kWh", Kind::interval, {from(Role::term, c), from(Role::term, d)});
  Pipeline pipeline = site_.pipeline();
  const auto at = [&](int minute, double last) {
    const Instant t = kNoon + minute * 1min;
    return feed(pipeline, {reading(a, t, 1), reading(b, t, last), reading(c, t, minute), reading(d, t, last)});
  };
  at(0, 0);
  at(1, 1);
  auto rows = at(2, std::nan(""));
  EXPECT_TRUE(of(rows, amounts).empty());
  EXPECT_TRUE(of(rows, rates).empty());
  rows = feed(pipeline, {reading(a, kNoon + 2min + 30s, 1)});
  ASSERT_EQ(of(rows, rates).size(), 1u);
  EXPECT_EQ(of(rows, rates)[0].quality, (Quality{Origin::missing, Rule::input_missing}));
  rows = at(3, 3);
  ASSERT_EQ(of(rows, amounts).size(), 1u);
  EXPECT_NEAR(of(rows, amounts)[0].value, 2 + 2, 1e-9);
  EXPECT_EQ(of(rows, amounts)[0].quality, Quality{});
  ASSERT_FALSE(of(rows, rates).empty());
  EXPECT_EQ(of(rows, rates).back().value, 4);
}

// After a change of the configuration a result may follow a meter whose clock is behind.
TEST_F(DeriverTest, CountsNothingTwiceThatIsOlderThanItsNewestResult) {
  const PointId volume = site_.add_point("volume", Kind::interval, "m3");
  const PointId heat = site_.add_point("temperature", Kind::instantaneous, "°C");
  const PointId result =
      derive(Formula::gas_at_reference, "Nm3", Kind::interval,
             {from(Role::volume, volume), from(Role::temperature, heat), constant(Role::pressure, 101'325)});
  site_.add_account(result, "natural-gas", "cn-fuels", "", "default");
  Pipeline pipeline = site_.pipeline();
  feed(pipeline, {reading(heat, kNoon - 1min, 0), reading(heat, kNoon, 0), reading(volume, kNoon, 5)});
  model::Checkpoint state = pipeline.state();
  state.points[index(volume)] = {};
  state.points[index(result)].derived.held = {Origin::estimated, Rule::input_stale};
  Pipeline after = site_.pipeline(state);
  const auto amount = after.state().accounts[0].amount;
  const auto derived = of(feed(after, {reading(volume, kNoon - 1min, 7)}), result);
  ASSERT_EQ(derived.size(), 1u);
  EXPECT_EQ(derived[0].quality, (Quality{Origin::missing, Rule::out_of_order}));
  EXPECT_EQ(after.state().accounts[0].amount, amount);
  EXPECT_EQ(after.state().points[index(result)].last_at, kNoon);
}

TEST_F(DeriverTest, RefusesWhatACheckedConfigurationDoesNotContain) {
  const PointId volume = site_.add_point("volume", Kind::cumulative, "L");
  const PointId a = site_.add_point("a", Kind::cumulative, "L");
  const PointId b = derive(Formula::sum, "L", Kind::interval, {from(Role::term, a), from(Role::term, volume)});
  Derived back;
  back.result = a;
  back.inputs = {from(Role::term, b)};
  site_.site.points[index(a)].kind = Kind::interval;
  site_.site.derived.push_back(back);
  EXPECT_THROW(site_.pipeline(), std::invalid_argument) << "a circle";
  site_.site.derived.pop_back();
  site_.site.points[index(a)].kind = Kind::cumulative;
  EXPECT_NO_THROW(site_.pipeline());
  site_.site.derived[0].inputs[0].point = static_cast<PointId>(99);
  EXPECT_THROW(site_.pipeline(), std::invalid_argument);
  site_.site.derived[0].inputs = {};
  EXPECT_THROW(site_.pipeline(), std::invalid_argument);
  site_.site.derived[0].inputs = {constant(Role::term, 3)};
  EXPECT_THROW(site_.pipeline(), std::invalid_argument);
}

TEST_F(DeriverTest, ExplainsAResultByItsFigures) {
  add_stack();
  Pipeline pipeline = site_.pipeline();
  const Deriver deriver(site_.site);
  EXPECT_FALSE(deriver.explain(0, kNoon, std::vector<model::PointState>(site_.site.points.size())));
  feed(pipeline, stack_readings(kNoon));
  const auto why = deriver.explain(0, kNoon, pipeline.state().points);
  ASSERT_TRUE(why);
  ASSERT_FALSE(why->figures.empty());
  EXPECT_EQ(why->figures.front().name, "Qs");
  EXPECT_NEAR(why->figures.front().value, 535'680, 1e-6);
  EXPECT_EQ(why->figures.back().unit, "kg/h");
}

}  // namespace
}  // namespace carbongate::pipeline

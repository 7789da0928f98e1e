#include "gateway/app/derived_section.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace carbongate::app {
namespace {

using namespace std::chrono_literals;

class DerivedSectionTest : public testing::Test {
 protected:
  DerivedSectionTest() {
    add("cems", "co2", "%vol", Kind::instantaneous);
    add("cems", "co2_mass", "mg/m3", Kind::instantaneous);
    add("cems", "velocity", "m/s", Kind::instantaneous);
    add("cems", "flow", "m3/h", Kind::instantaneous);
    add("cems", "temperature", "°C", Kind::instantaneous);
    add("cems", "pressure", "Pa", Kind::instantaneous);
    add("gas", "total", "m3", Kind::cumulative);
    add("gas", "flow", "m3/h", Kind::instantaneous);
    add("steam", "total", "t", Kind::cumulative);
    add("steam", "flow", "t/h", Kind::instantaneous);
    add("steam", "slow", "MPa", Kind::instantaneous, 15min);
    add("incomer", "energy", "kWh", Kind::cumulative);
    add("press", "energy", "MWh", Kind::cumulative);
  }

  void add(std::string device, std::string name, std::string_view unit, Kind kind, Duration interval = 10s) {
    Point point;
    point.id = static_cast<PointId>(site_.points.size());
    point.device = std::move(device);
    point.name = std::move(name);
    point.kind = kind;
    point.unit = find_unit(unit).value();
    point.limits.interval = interval;
    site_.points.push_back(std::move(point));
  }

  // Reads a list of entries, and says the problems.
  std::string read(const std::string& entries) {
    model::Site site = site_;
    doubtful_ = {};
    config::Problems problems;
    const config::Node root = config::parse_text("derived: [" + entries + "]", "c.yaml", problems);
    config::Reader in(root, problems);
    read_derived(in, site, doubtful_);
    in.finish();
    result_ = std::move(site);
    return problems.to_text();
  }
  const Point& point(std::string_view name) const {
    for (const Point& p : result_.points) {
      if (p.full_name() == name) return p;
    }
    throw std::invalid_argument(std::string(name));
  }

  model::Site site_;
  model::Site result_;
  std::set<std::string> doubtful_;
};

const std::string kStack =
    "id: s, type: cems-co2, concentration: cems.co2, velocity: cems.velocity, area: 12 m2, temperature: 118.5 °C, "
    "static_pressure: cems.pressure, barometric: 101.325 kPa, ";

const std::string kMassOfStack =
    "id: s, type: cems-co2, flow: cems.flow, temperature: 118.5 °C, static_pressure: -150 Pa, barometric: 101.325 kPa, "
    "basis: wet, ";

// What is read as often as that would be stale each time that its clock is a moment behind.
TEST_F(DerivedSectionTest, WaitsLongerForInputsThanTheyAreReadApart) {
  EXPECT_EQ(read("{id: h, type: steam-heat, mass: steam.total, pressure: steam.slow}"), "");
  EXPECT_EQ(result_.derived[0].max_age, 22min + 30s);
  EXPECT_EQ(read("{id: h, type: steam-heat, mass: steam.total, pressure: 1 MPa}"), "");
  EXPECT_EQ(result_.derived[0].max_age, 5min);
}

TEST_F(DerivedSectionTest, ReadsAStack) {
  EXPECT_EQ(read("{" + kStack + "basis: dry, moisture: 8.2 %, molar: exact, max_age: 2min, wait: 3s}"), "");
  ASSERT_EQ(result_.derived.size(), 1u);
  const model::Derived& derived = result_.derived[0];
  EXPECT_EQ(derived.result, point("s.co2").id);
  EXPECT_EQ(point("s.co2").unit.symbol, "kg/h");
  EXPECT_EQ(point("s.co2").kind, Kind::instantaneous);
  EXPECT_EQ(point("s.co2").limits.interval, 10s);
  EXPECT_EQ(derived.basis, model::GasBasis::dry);
  EXPECT_EQ(derived.molar_mass, 44.01);
  EXPECT_EQ(derived.area_m2, 12);
  EXPECT_EQ(derived.max_age, 2min);
  EXPECT_EQ(derived.wait, 3s);
  ASSERT_EQ(derived.inputs.size(), 6u);
  EXPECT_EQ(derived.inputs[0].point, point("cems.velocity").id);
  EXPECT_EQ(derived.inputs[4].constant, 101'325);
  EXPECT_DOUBLE_EQ(derived.inputs[5].constant, 0.082);
  EXPECT_EQ(read("{" + kStack + "basis: wet}"), "") << "needs no moisture";
  EXPECT_EQ(result_.derived[0].wait, 5s);
  EXPECT_NE(read("{" + kStack + "basis: wet, wait: 2min}"), "");
  EXPECT_NE(read("{id: n, type: sum, terms: [{from: incomer.energy}], wait: 1s}"), "")
      << "it waits for its terms anyway";
}

TEST_F(DerivedSectionTest, ReadsTheConcentrationOfAStackAsAShareOrAMass) {
  const auto stack = [](const std::string& concentration) {
    return "{id: s, type: cems-co2, concentration: " + concentration +
           ", velocity: cems.velocity, area: 12 m2, temperature: 118.5 °C, static_pressure: cems.pressure, "
           "barometric: 101.325 kPa, basis: dry, moisture: 8.2 %}";
  };
  for (const std::string given : {"cems.co2_mass", "mean.value", "235000 mg/m3", "235 g/m3", "0.235 kg/Nm3"}) {
    EXPECT_EQ(read(stack(given) + ", {id: mean, type: sum, terms: [{from: cems.co2_mass, weight: 0.5}]}"), "") << given;
    ASSERT_EQ(result_.derived.size(), 2u);
    const auto found = std::ranges::find(result_.derived, model::Formula::cems_co2, &model::Derived::formula);
    EXPECT_EQ(found->inputs[1].role, model::Role::mass_concentration) << given;
    if (!found->inputs[1].point) EXPECT_DOUBLE_EQ(found->inputs[1].constant, 0.235) << given;
  }
  for (const std::string given : {"cems.co2", "12 %vol", "0.12", "120000 ppm"}) {
    EXPECT_EQ(read(stack(given)), "") << given;
    EXPECT_EQ(result_.derived[0].inputs[1].role, model::Role::concentration) << given;
  }
}

TEST_F(DerivedSectionTest, NamesAndKindsOfResultsFollowTheFirstInput) {
  EXPECT_EQ(
      read("{id: g, type: gas-at-reference, volume: gas.total, temperature: 15 °C, pressure: 5 bar}, "
           "{id: gf, type: gas-at-reference, volume: gas.flow, temperature: 15 °C, gauge_pressure: 4 bar, barometric: "
           "95 kPa}, "
           "{id: h, type: steam-heat, mass: steam.total, pressure: 1 MPa, dryness: 0.97, power_max: 20 MW}, "
           "{id: hf, type: hot-water-heat, mass: steam.flow, temperature: 90 °C}, "
           "{id: m, type: mass-from-volume, volume: gas.total, density: 840 kg/m3}, "
           "{id: mn, type: mass-from-volume, volume: g.volume, density: 0.717 kg/Nm3}, "
           "{id: net, type: sum, terms: [{from: incomer.energy}, {from: press.energy, weight: -1}], unit: MWh}"),
      "");
  const auto is = [&](std::string_view name, std::string_view unit, Kind kind) {
    EXPECT_EQ(point(name).unit.symbol, unit) << name;
    EXPECT_EQ(point(name).kind, kind) << name;
  };
  is("g.volume", "Nm3", Kind::cumulative);
  is("gf.volume", "Nm3/h", Kind::instantaneous);
  is("h.heat", "GJ", Kind::cumulative);
  is("hf.heat", "kW", Kind::instantaneous);
  is("m.mass", "kg", Kind::cumulative);
  is("mn.mass", "kg", Kind::cumulative);
  is("net.value", "MWh", Kind::interval);
  EXPECT_EQ(point("h.heat").limits.power_max_w, 20e6);
  EXPECT_LT(*point("net.value").limits.min, 0) << "a difference may be negative";
  EXPECT_TRUE(doubtful_.empty());
}

TEST_F(DerivedSectionTest, PutsWhatIsNeededBeforeWhatNeedsIt) {
  EXPECT_EQ(read("{id: x, type: hot-water-heat, mass: y.mass, temperature: 60 °C}, "
                 "{id: y, type: mass-from-volume, volume: gas.total, density: 1 kg/L}"),
            "");
  ASSERT_EQ(result_.derived.size(), 2u);
  EXPECT_EQ(result_.derived[0].result, point("y.mass").id);
  EXPECT_EQ(result_.derived[1].inputs[0].point, point("y.mass").id);
}

TEST_F(DerivedSectionTest, SaysWhatIsWrong) {
  for (const auto& [entries, said] : std::initializer_list<std::pair<std::string, std::string>>{
           {"{" + kStack + "moisture: 8.2 %}", "derived[0].basis: missing; write 'dry' if the analyser"},
           {"{" + kStack + "basis: damp, moisture: 8.2 %}", "basis: "},
           {"{" + kStack + "basis: dry, moisture: 8.2}", "moisture: must be from 0 to 100 %"},
           {"{" + kStack + "basis: wet, moisture: 8.2 %}", "only a dry concentration needs it"},
           {"{" + kStack + "basis: dry, moisture: 8.2 %, reference_oxygen: 6 %}", "unknown key 'reference_oxygen'"},
           {"{" + kStack + "basis: wet, flow: cems.flow}", "not both"},
           {"{" + kMassOfStack + "concentration: cems.co2_mass, molar: exact}",
            "molar: only a share of the volume needs it: the concentration is a mass already"},
           {"{" + kMassOfStack + "concentration: cems.pressure}",
            "concentration: 'cems.pressure' (Pa) measures pressure, and ratio or density is needed"},
           {"{" + kMassOfStack + "concentration: 235000 mg/m}",
            "concentration: 'mg/m' is no unit of ratio or density; did you mean 'mg/m3'?"},
           {"{" + kMassOfStack + "concentration: 235000 g/m3}", "concentration: must be from 0 to 2 kg/m3"},
           {"{id: g, type: gas-at-reference, volume: gas.total, temperature: cems.temprature, pressure: 1 bar}",
            "temperature: unknown point 'cems.temprature'; did you mean 'cems.temperature'?"},
           {"{id: g, type: gas-at-reference, volume: steam.total, temperature: 1 °C, pressure: 1 bar}",
            "volume: 'steam.total' (t) measures mass, and a volume or a volume flow, such as m3 or m3/h is needed"},
           {"{id: g, type: gas-at-reference, volume: gas.total, temperature: cems.pressure, pressure: 1 bar}",
            "temperature: 'cems.pressure' (Pa) measures pressure, and temperature is needed"},
           {"{id: g, type: gas-at-reference, volume: gas.total, temperature: 1 °C, gauge_pressure: 1 bar, barometric: "
            "101325 kPa}",
            "barometric: is no pressure of the air"},
           {"{id: g, type: gas-at-reference, volume: gas.total, temperature: 1 °C}",
            "missing: the absolute pressure, or gauge_pressure and barometric"},
           {"{id: h, type: steam-heat, mass: steam.total, pressure: 1 MPa, temperature: 200 °C, dryness: 1}",
            "only saturated steam has one"},
           {"{id: h, type: steam-heat, mass: steam.total, pressure: steam.slow, max_age: 15min}",
            "'steam.slow' is read every 15min, and is stale after 15min"},
           {"{id: m, type: mass-from-volume, volume: gas.total, density: 0.84}", "'0.84' has no unit; expected"},
           {"{id: m, type: mass-from-volume, volume: gas.total, density: 0.84 kg/Nm3}",
            "'kg/Nm3' is no unit of density; did you mean 'kg/m3'?"},
           {"{id: n, type: sum, terms: [{from: incomer.energy}, {from: gas.total}]}",
            "measures volume, the first term"},
           {"{id: n, type: sum, terms: [{from: incomer.energy, weight: 0}]}", "must be a number other than 0"},
           {"{id: n, type: sum, terms: []}", "an empty list"},
           {"{id: n, type: sum, terms: [{from: n.value}]}", "'n.value' goes in a circle: n.value <- n.value"},
           {"{id: n, type: sum, terms: [{from: m.value}]}, {id: m, type: sum, terms: [{from: n.value}]}",
            "c.yaml:1:91: error: derived[1].terms[0].from: 'n.value' goes in a circle: n.value <- m.value <- n.value"},
           {"{id: n, type: summ, terms: [{from: incomer.energy}]}", "unknown type 'summ'; did you mean 'sum'?"},
           {"{id: n, type: sum, terms: [{from: incomer.energy}]}, {id: n, type: sum, terms: [{from: incomer.energy}]}",
            "the point 'n.value' is there already"}}) {
    const std::string found = read(entries);
    EXPECT_NE(found.find(said), std::string::npos) << entries << "\n" << found;
    EXPECT_EQ(found.find('\n'), found.size() - 1) << "one mistake, one message: " << found;
  }
}

// x1 = sum of the incomer, x2 = sum of x1, ...
std::string chain(int length, bool last_first) {
  std::string entries;
  for (int i = 1; i <= length; ++i) {
    const int n = last_first ? length + 1 - i : i;
    const std::string from = n == 1 ? "incomer.energy" : "x" + std::to_string(n - 1) + ".value";
    entries += (i == 1 ? "{id: x" : ",\n{id: x") + std::to_string(n) + ", type: sum, terms: [{from: " + from + "}]}";
  }
  return entries;
}

TEST_F(DerivedSectionTest, HasAnEndToWhatIsComputedOneFromTheOther) {
  for (const bool last_first : {false, true}) {
    EXPECT_EQ(read(chain(100, last_first)), "") << last_first;
    EXPECT_EQ(result_.derived.size(), 100u);
    const std::string said = read(chain(10'000, last_first));
    EXPECT_NE(said.find("terms[0].from: more than 100 derived points would be computed one from the other here; name "
                        "what 'x"),
              std::string::npos)
        << said;
    EXPECT_EQ(said.find('\n'), said.size() - 1) << "one mistake, one message: " << said;
  }
}

TEST_F(DerivedSectionTest, SaysNothingMoreOfWhatIsDoubtful) {
  const std::string said =
      read("{id: a, type: sum, terms: [{from: nothing.there}]}, {id: b, type: sum, terms: [{from: a.value}]}");
  EXPECT_EQ(said.find('\n'), said.size() - 1) << said;
  EXPECT_EQ(doubtful_, (std::set<std::string>{"a", "b"}));
  EXPECT_TRUE(result_.derived.empty());
}

}  // namespace
}  // namespace carbongate::app

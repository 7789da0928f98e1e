// What must hold of derived points for any readings: made by a seeded generator, so a failing seed can be run again.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <random>
#include <utility>

#include "gateway/pipeline/remainder.h"
#include "tests/support/rounds.h"
#include "tests/unit/gateway/pipeline/pipeline_fixture.h"

namespace carbongate::pipeline {
namespace {

using namespace std::chrono_literals;
using model::DerivedInput;
using model::Formula;
using model::Origin;
using model::Role;

constexpr unsigned kSeeds = rounds(40);
const Instant kStart = utc("2023-06-01 00:00");

class Random {
 public:
  explicit Random(unsigned seed) : engine_(seed) {}
  std::int64_t below(std::int64_t n) { return static_cast<std::int64_t>(engine_() % static_cast<std::uint64_t>(n)); }
  bool one_in(std::int64_t n) { return below(n) == 0; }
  double between(double low, double high) {
    return low + (high - low) * (static_cast<double>(below(1 << 30)) / static_cast<double>(1 << 30));
  }

 private:
  std::mt19937_64 engine_;
};

DerivedInput input(Role role, std::optional<PointId> point, double constant = 0, double weight = 1) {
  return {.role = role, .point = point, .constant = constant, .weight = weight};
}

// A gas meter that turns over at 10 000 m3, with the temperature and pressure of its gas.
struct GasMeter {
  GasMeter() {
    volume = site.add_point("volume", Kind::cumulative, "m3");
    site.site.points[index(volume)].limits.rollover_at = {10'000};
    celsius = site.add_point("celsius", Kind::instantaneous, "°C");
    kpa = site.add_point("kpa", Kind::instantaneous, "kPa");
    result = site.add_point("normal", Kind::cumulative, "Nm3");
    site.site.points.back().computed = true;
    model::Derived derived;
    derived.result = result;
    derived.formula = Formula::gas_at_reference;
    derived.inputs = {input(Role::volume, volume), input(Role::temperature, celsius), input(Role::pressure, kpa)};
    site.site.derived.push_back(derived);
    site.add_account(result, "natural-gas", "cn-fuels", "", "default");
  }
  TestSite site;
  PointId volume{}, celsius{}, kpa{}, result{};
};

long double normal_per_metered(double celsius, double kpa) {
  return 273.15L / (273.15L + static_cast<long double>(celsius)) * static_cast<long double>(kpa) / 101.325L;
}

std::int64_t total_of(const Pipeline& pipeline, PointId result) {
  return pipeline.state().points[index(result)].derived.total.quanta();
}

// What rounding leaves over is carried within a quarter hour: half a quantum, 1 mL here, of each is the most.
double rounded_off(Instant begin, Instant end) {
  return 0.5 * static_cast<double>((end - begin) / 15min + 2) + 0.01;
}

TEST(DerivedProperty, AQuarterHourIsRoundedOnce) {
  for (unsigned seed = 1; seed <= kSeeds; ++seed) {
    Random random(seed);
    GasMeter gas;
    Pipeline pipeline = gas.site.pipeline();
    std::map<Instant, long double> exact;  // by the quarter hour's end, in mL
    std::vector<model::JournalRow> rows;
    std::int64_t litres = 0;
    for (Instant at = kStart; at <= kStart + 3h; at += 1min) {
      const double celsius = random.between(-30, 60);
      const double kpa = random.between(80, 900);
      const std::int64_t step = at == kStart ? 0 : random.below(2'000);
      litres += step;
      exact[std::chrono::ceil<Quarters>(at)] +=
          static_cast<long double>(step) * 1'000 * normal_per_metered(celsius, kpa);
      const auto more = feed(pipeline, {reading(gas.celsius, at, celsius), reading(gas.kpa, at, kpa),
                                        reading(gas.volume, at, static_cast<double>(litres) / 1'000)});
      rows.insert(rows.end(), more.begin(), more.end());
    }
    const auto quarters = rollups(rows, model::Period::quarter_hour);
    EXPECT_EQ(quarters.size(), 12U);
    for (const model::RollupRow& quarter : quarters) {
      EXPECT_NEAR(static_cast<double>(static_cast<long double>(quarter.amount.quanta()) - exact.at(quarter.end)), 0,
                  0.501)
          << seed;
    }
  }
}

// A day read every few seconds or once in minutes must not differ by more than that.
TEST(DerivedProperty, SplittingAnAmountChangesNoSumWhileTheConditionsHold) {
  for (unsigned seed = 1; seed <= kSeeds; ++seed) {
    Random random(seed);
    const double celsius = random.between(-30, 60);
    const double kpa = random.between(80, 900);
    std::int64_t litres = random.below(10'000'000);
    std::int64_t moved = 0;
    GasMeter fine;
    GasMeter coarse;
    Pipeline often = fine.site.pipeline();
    Pipeline seldom = coarse.site.pipeline();
    Instant at = kStart;
    const int steps = 3'000;
    for (int i = 0; i <= steps; ++i) {
      const std::vector<Reading> readings{reading(fine.celsius, at, celsius), reading(fine.kpa, at, kpa),
                                          reading(fine.volume, at, static_cast<double>(litres) / 1'000)};
      feed(often, readings);
      if (i == 0 || i == steps || random.one_in(20)) feed(seldom, readings);
      const std::int64_t step = random.below(60);
      if (i == steps) break;
      litres = (litres + step) % 10'000'000;
      moved += step;
      at += Duration(1'000 + random.below(9'000));
    }
    const long double exact = static_cast<long double>(moved) * 1'000 * normal_per_metered(celsius, kpa);
    EXPECT_NEAR(static_cast<double>(static_cast<long double>(total_of(often, fine.result)) - exact), 0,
                rounded_off(kStart, at))
        << seed;
    EXPECT_NEAR(static_cast<double>(static_cast<long double>(total_of(seldom, coarse.result)) - exact), 0,
                rounded_off(kStart, at))
        << seed;
    EXPECT_EQ(often.state().accounts[0].amount.quanta(), total_of(often, fine.result)) << seed;
  }
}

// What a troubled meter is turned into: the sum of its increments under the conditions that held when each came to
// light. Nothing is lost or counted twice, however often the program is started again.
TEST(DerivedProperty, TroubledInputsLoseNothingOverAnyRestarts) {
  for (unsigned seed = 1; seed <= kSeeds; ++seed) {
    Random random(seed);
    GasMeter meter;
    Pipeline never = meter.site.pipeline();
    Pipeline often = meter.site.pipeline();
    std::string expected, found;
    long double exact = 0;
    std::int64_t litres = random.below(10'000'000);
    std::int64_t waiting = 0;
    bool first = true;
    Instant at = kStart;
    std::optional<Instant> celsius_at, kpa_at;
    double celsius = 0, kpa = 0;
    const double nan = std::numeric_limits<double>::quiet_NaN();
    for (int i = 0; i < 600; ++i) {
      std::vector<Reading> readings;
      if (!random.one_in(6)) {
        const bool good = !random.one_in(8);
        celsius = random.between(-20, 50);
        readings.push_back(reading(meter.celsius, at, good ? celsius : nan));
        celsius_at = good ? std::optional(at) : std::nullopt;
      }
      if (!random.one_in(6)) {
        kpa = random.between(90, 500);
        readings.push_back(reading(meter.kpa, at, kpa));
        kpa_at = at;
      }
      const bool counted = !random.one_in(10);
      readings.push_back(reading(meter.volume, at, counted ? static_cast<double>(litres) / 1'000 : nan));
      if (counted) {
        if (std::exchange(first, false)) waiting = 0;
        const bool known = celsius_at && kpa_at && at - *celsius_at <= 5min && at - *kpa_at <= 5min;
        if (known) {
          exact += static_cast<long double>(waiting) * 1'000 * normal_per_metered(celsius, kpa);
          waiting = 0;
        }
      }
      std::ranges::reverse(readings);
      Batch batch{.source = "test", .received = at, .readings = readings, .settled = {}};
      expected += to_text(never.ingest({&batch, 1}, at).rows);
      found += to_text(often.ingest({&batch, 1}, at).rows);
      if (random.one_in(3)) often = meter.site.pipeline(often.state());
      const std::int64_t step = random.below(300);
      litres = (litres + step) % 10'000'000;
      waiting += step;
      at += Duration(random.one_in(30) ? 600'000 : 60'000);
    }
    EXPECT_EQ(found, expected) << seed;
    EXPECT_EQ(never.state().points, often.state().points) << seed;
    EXPECT_NEAR(static_cast<double>(static_cast<long double>(total_of(never, meter.result)) - exact), 0,
                rounded_off(kStart, at))
        << seed;
  }
}

// unallocated = incomer - users, in whole mWh: exact, whatever the order and the gaps of the meters.
TEST(DerivedProperty, ASumIsWhatItsCountersMovedToTheLastQuantum) {
  for (unsigned seed = 1; seed <= kSeeds; ++seed) {
    Random random(seed);
    TestSite site;
    const std::size_t terms = 2 + static_cast<std::size_t>(random.below(5));
    model::Derived derived;
    std::vector<PointId> points;
    for (std::size_t i = 0; i < terms; ++i) {
      points.push_back(site.add_point("term" + std::to_string(i), Kind::cumulative, "mWh"));
      site.site.points[index(points.back())].limits.power_max_w = 1e6;
      derived.inputs.push_back(input(Role::term, points.back(), 0, i == 0 ? 1 : -1));
    }
    const PointId net = site.add_point("net", Kind::interval, "mWh");
    site.site.points[index(net)].limits.min = std::numeric_limits<double>::lowest();
    derived.result = net;
    site.site.derived.push_back(derived);
    site.add_account(net);
    Pipeline pipeline = site.pipeline();

    std::vector<std::int64_t> counters(terms);
    for (std::int64_t& counter : counters) counter = 1'000'000 + random.below(1'000'000'000);
    std::vector<std::size_t> order(terms);
    for (std::size_t i = 0; i < terms; ++i) order[i] = i;
    std::int64_t expected = 0;
    const int rounds = 300;
    std::vector<std::int64_t> first, last;
    for (int round = 0; round <= rounds; ++round) {
      Instant at = kStart + round * 60s;
      std::swap(order[0], order[static_cast<std::size_t>(random.below(static_cast<std::int64_t>(terms)))]);
      for (const std::size_t i : order) {
        const bool must = round == 0 || round == rounds;
        if (must || !random.one_in(5)) feed(pipeline, {reading(points[i], at, static_cast<double>(counters[i]))});
        at += Duration(random.below(5'000) + 1);
      }
      if (round == 0) first = counters;
      if (round == rounds) last = counters;
      for (std::int64_t& counter : counters) counter += random.below(2'000'000);
      if (random.one_in(10)) pipeline = site.pipeline(pipeline.state());
    }
    // What a counter moved since the last round in which all were heard waits for the next one.
    std::int64_t found = pipeline.state().accounts[0].amount.quanta();
    for (std::size_t i = 0; i < terms; ++i) {
      const std::int64_t weight = i == 0 ? 1 : -1;
      expected += weight * (last[i] - first[i]);
      found += weight * pipeline.state().points[index(net)].derived.inputs[i].since.quanta();
    }
    EXPECT_EQ(found, expected) << seed;
  }
}

// Closure: the users and what nobody was billed for are the incomer, in every quarter hour to the last mWh. Meters that
// one message tells of, in any order, some left out of it or unreadable now and then, but all of them where quarter
// hours end.
TEST(DerivedProperty, UsersAndTheRestAreTheIncomerInEveryQuarterHour) {
  for (unsigned seed = 1; seed <= kSeeds; ++seed) {
    Random random(seed);
    TestSite site;
    const std::size_t terms = 2 + static_cast<std::size_t>(random.below(4));
    model::Derived derived;
    std::vector<PointId> points;
    for (std::size_t i = 0; i < terms; ++i) {
      points.push_back(site.add_point("term" + std::to_string(i), Kind::cumulative, "mWh"));
      PointLimits& limits = site.site.points[index(points.back())].limits;
      limits.power_max_w = 1e6;
      limits.rollover_at = {1e9};
      limits.interval = 1min;
      site.add_account(points.back());
      derived.inputs.push_back(input(Role::term, points.back(), 0, i == 0 ? 1 : -1));
    }
    derived.result = site.add_point("rest", Kind::interval, "mWh");
    site.site.points[index(derived.result)].limits.min = std::numeric_limits<double>::lowest();
    site.site.points[index(derived.result)].limits.interval = 1min;
    site.site.derived.push_back(derived);
    site.add_account(derived.result);
    Pipeline pipeline = site.pipeline();

    std::vector<std::int64_t> counters(terms);
    for (std::int64_t& counter : counters) counter = random.below(1'000'000'000);
    std::map<Instant, std::int64_t> open_ends;  // by quarter hour: incomer - users - rest
    std::map<Instant, std::size_t> entries;
    for (int minute = 0; minute <= 600; ++minute) {
      const Instant at = kStart + minute * 1min;
      Batch batch{.source = "test", .received = at, .readings = {}, .settled = {}};
      for (std::size_t i = 0; i < terms; ++i) {
        const bool spared = minute % 15 == 0;
        const double value = static_cast<double>(counters[i]);
        if (spared || !random.one_in(6)) batch.readings.push_back(reading(points[i], at, value));
        if (!spared && random.one_in(10)) batch.readings.push_back(reading(points[i], at, std::nan("")));
        if (random.one_in(10)) batch.readings.push_back(reading(points[i], at, value));
        counters[i] = (counters[i] + random.below(10'000'000)) % 1'000'000'000;
      }
      for (std::size_t n = batch.readings.size(); n > 1; --n) {
        std::swap(batch.readings[n - 1],
                  batch.readings[static_cast<std::size_t>(random.below(std::ssize(batch.readings)))]);
      }
      for (const model::JournalRow& row : pipeline.ingest({&batch, 1}, at).rows) {
        const auto* entry = row.body.get_if<model::EmissionEntry>();
        if (!entry) continue;
        const bool is_incomer = row.subject == model::Subject(site.site.accounts.front().id);
        open_ends[entry->begin] += (is_incomer ? 1 : -1) * entry->amount.quanta();
        ++entries[entry->begin];
      }
      if (random.one_in(20)) pipeline = site.pipeline(pipeline.state());
    }
    EXPECT_EQ(open_ends.size(), 40u) << seed;
    for (const auto& [begin, open_end] : open_ends) {
      EXPECT_EQ(entries[begin], terms + 1) << seed << " minute " << (begin - kStart) / 1min;
      EXPECT_EQ(open_end, 0) << seed << " minute " << (begin - kStart) / 1min;
    }
  }
}

// No value of an input, however wild, gives a stack's mass that is not finite or not positive; a result that is usable
// is the formula of the values that stand beside it under the same time.
TEST(DerivedProperty, AStacksMassIsTheFormulaOfWhatStandsBesideIt) {
  for (unsigned seed = 1; seed <= kSeeds; ++seed) {
    Random random(seed);
    TestSite site;
    const PointId velocity = site.add_point("velocity", Kind::instantaneous, "m/s");
    const PointId co2 = site.add_point("co2", Kind::instantaneous, "%vol");
    const PointId celsius = site.add_point("celsius", Kind::instantaneous, "°C");
    const PointId pressure = site.add_point("pressure", Kind::instantaneous, "Pa");
    const PointId moisture = site.add_point("moisture", Kind::instantaneous, "%");
    const PointId mass = site.add_point("mass", Kind::instantaneous, "kg/h");
    model::Derived derived;
    derived.result = mass;
    derived.formula = Formula::cems_co2;
    derived.area_m2 = 12;
    derived.inputs = {input(Role::velocity, velocity),       input(Role::concentration, co2),
                      input(Role::temperature, celsius),     input(Role::gauge_pressure, pressure),
                      input(Role::barometric, {}, 101'325.), input(Role::moisture, moisture)};
    site.site.derived.push_back(derived);
    Pipeline pipeline = site.pipeline();
    std::size_t good = 0;
    for (int minute = 0; minute < 200; ++minute) {
      const Instant at = kStart + minute * 1min;
      const auto value = [&random](double low, double high) {
        constexpr double kWild[] = {std::numeric_limits<double>::quiet_NaN(),
                                    std::numeric_limits<double>::infinity(),
                                    -1e300,
                                    1e300,
                                    -1,
                                    0,
                                    101,
                                    -273.15,
                                    65535};
        return random.one_in(30) ? kWild[random.below(std::ssize(kWild))] : random.between(low, high);
      };
      const double v = value(0, 30), c = value(0, 20), t = value(80, 200), p = value(-500, 100), x = value(2, 20);
      Batch batch{.source = "test",
                  .received = at,
                  .readings = {reading(velocity, at, v), reading(moisture, at, x), reading(co2, at, c),
                               reading(celsius, at, t), reading(pressure, at, p)},
                  .settled = {}};
      std::size_t results = 0;
      for (const model::JournalRow& row : pipeline.ingest({&batch, 1}, at).rows) {
        const auto* body = row.body.get_if<model::JudgedReading>();
        if (!body || row.subject != model::Subject(mass)) continue;
        ++results;
        if (!usable(body->quality)) continue;
        ++good;
        const double expected =
            c / 100 * 44 / 22.4 * (3'600 * 12 * v) * 273 / (273 + t) * (101'325 + p) / 101'325 * (1 - x / 100);
        EXPECT_TRUE(std::isfinite(body->value) && body->value >= 0) << seed;
        EXPECT_NEAR(body->value, expected, 1e-12 * std::fabs(expected)) << seed << " minute " << minute;
      }
      EXPECT_EQ(results, 1u) << seed << ": one result for each minute, good or missing";
    }
    EXPECT_GT(good, 100u) << seed;
  }
}

// Any doubles at any times, as registers that mean nothing give them: every result is a number that is finite, or says
// that it is missing, and what is remembered can be written down. (The sanitizers look on.)
TEST(DerivedProperty, WildInputsBreakNothing) {
  for (unsigned seed = 1; seed <= kSeeds; ++seed) {
    Random random(seed);
    TestSite site;
    const PointId total = site.add_point("total", Kind::cumulative, "m3");
    const PointId amount = site.add_point("amount", Kind::interval, "t");
    const PointId flow = site.add_point("flow", Kind::instantaneous, "m3/h");
    const PointId steam = site.add_point("steam", Kind::instantaneous, "t/h");
    const PointId celsius = site.add_point("celsius", Kind::instantaneous, "°C");
    const PointId mpa = site.add_point("mpa", Kind::instantaneous, "MPa");
    const PointId share = site.add_point("share", Kind::instantaneous, "1");
    for (Point& point : site.site.points) point.limits.min = std::numeric_limits<double>::lowest();
    const std::size_t inputs = site.site.points.size();
    const auto add = [&site](Formula formula, Kind kind, std::string_view unit, std::vector<DerivedInput> from) {
      model::Derived derived;
      derived.result = site.add_point("result" + std::to_string(site.site.derived.size()), kind, unit);
      site.site.points.back().computed = true;
      site.site.points.back().limits.min = std::numeric_limits<double>::lowest();
      derived.formula = formula;
      derived.inputs = std::move(from);
      site.site.derived.push_back(derived);
      return derived.result;
    };
    const PointId gas =
        add(Formula::gas_at_reference, Kind::cumulative, "Nm3",
            {input(Role::volume, total), input(Role::temperature, celsius), input(Role::pressure, mpa)});
    add(Formula::gas_at_reference, Kind::instantaneous, "Nm3/h",
        {input(Role::volume, flow), input(Role::temperature, celsius), input(Role::pressure, mpa)});
    const PointId heat =
        add(Formula::steam_heat, Kind::interval, "GJ",
            {input(Role::mass, amount), input(Role::pressure, mpa), input(Role::temperature, celsius)});
    add(Formula::steam_heat, Kind::instantaneous, "kW",
        {input(Role::mass, steam), input(Role::pressure, mpa), input(Role::dryness, share)});
    add(Formula::hot_water_heat, Kind::interval, "GJ", {input(Role::mass, amount), input(Role::temperature, celsius)});
    add(Formula::mass_from_volume, Kind::cumulative, "kg", {input(Role::volume, total), input(Role::density, {}, 840)});
    add(Formula::sum, Kind::interval, "t", {input(Role::term, amount, 0, 1e6), input(Role::term, amount, 0, -1e6)});
    add(Formula::sum, Kind::interval, "Nm3", {input(Role::term, gas), input(Role::term, gas, 0, -1)});
    add(Formula::cems_co2, Kind::instantaneous, "kg/h",
        {input(Role::flow, flow), input(Role::concentration, share), input(Role::temperature, celsius),
         input(Role::gauge_pressure, mpa), input(Role::barometric, {}, 1e5), input(Role::moisture, share)});
    site.add_account(gas, "natural-gas", "cn-fuels", "", "default");
    site.add_account(heat, "steam", "cn-heat", "", "default");
    Pipeline pipeline = site.pipeline();

    Instant at = kStart;
    for (int i = 0; i < 1'500; ++i) {
      const auto value = [&random] {
        switch (random.below(8)) {
          case 0: return std::ldexp(random.between(-1, 1), static_cast<int>(random.below(2'000)) - 1'000);
          case 1: return std::ldexp(random.between(-1, 1), 40 + static_cast<int>(random.below(30)));
          case 2: return std::numeric_limits<double>::quiet_NaN();
          case 3: return random.between(0, 1);
          case 4: return 9.2e9;   // tonnes: just within 64 bits of milligrams
          case 5: return 4.6e12;  // cubic metres: the greatest total that is counted
          default: return random.between(-100, 1'000);
        }
      };
      Batch batch{.source = "test", .received = at, .readings = {}, .settled = {}};
      for (std::size_t n = 0; n < inputs; ++n) {
        if (!random.one_in(3)) batch.readings.push_back(reading(static_cast<PointId>(n), at, value()));
      }
      for (const model::JournalRow& row : pipeline.ingest({&batch, 1}, at).rows) {
        const auto* body = row.body.get_if<model::JudgedReading>();
        if (body && usable(body->quality)) EXPECT_TRUE(std::isfinite(body->value)) << seed;
      }
      at += Duration(1 + random.below(200'000));
    }
    for (const model::PointState& point : pipeline.state().points) {
      EXPECT_TRUE(std::isfinite(point.derived.remainder)) << seed;
      EXPECT_TRUE(std::isfinite(point.last_value)) << seed;
    }
  }
}

}  // namespace
}  // namespace carbongate::pipeline

// What must hold for any readings: made by a seeded generator, so a failing seed can be run again.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <random>
#include <tuple>

#include "gateway/model/carrier.h"
#include "gateway/pipeline/calendar.h"
#include "gateway/pipeline/emission.h"
#include "gateway/pipeline/pipeline.h"
#include "tests/support/rounds.h"
#include "tests/unit/gateway/pipeline/pipeline_fixture.h"

namespace carbongate::pipeline {
namespace {

using model::Activity;
using model::Co2e;
using model::EmissionEntry;
using model::EnergyInterval;
using model::Period;
using namespace std::chrono_literals;

class Random {
 public:
  explicit Random(unsigned seed) : engine_(seed) {}
  std::int64_t below(std::int64_t n) { return static_cast<std::int64_t>(engine_() % static_cast<std::uint64_t>(n)); }
  bool one_in(std::int64_t n) { return below(n) == 0; }

 private:
  std::mt19937_64 engine_;
};

// Uneven steps from a tenth of a second to hours, now and then days.
Duration step(Random& random) {
  if (random.one_in(300)) return Duration(random.below(5 * 86'400'000) + 1);
  if (random.one_in(20)) return Duration(random.below(3 * 3'600'000) + 1);
  return Duration(random.below(90'000) + 100);
}

struct Mixed {
  TestSite site;
  PointId counter;
  PointId amounts;
  PointId power;
  PointId plain;
  std::vector<Reading> readings;
  std::int64_t counter_moved = 0;  // mWh
};

// Four points in one stream, with rejected, repeated and old readings in between. The counter only grows, by whole mWh
// that doubles hold exactly.
Mixed make_mixed(unsigned seed, std::size_t count, std::string zone = "Asia/Shanghai") {
  Random random(seed);
  Mixed m;
  m.site.site.time_zone = std::move(zone);
  PointLimits limits;
  limits.interval = 30s;
  limits.max = 1e11;
  m.counter = m.site.add_point("energy", Kind::cumulative, "mWh", limits);
  m.amounts = m.site.add_point("usage", Kind::interval, "mWh", limits);
  m.power = m.site.add_point("power", Kind::instantaneous, "kW", limits);
  m.plain = m.site.add_point("voltage", Kind::instantaneous, "V");
  m.site.add_account(m.counter);
  m.site.add_account(m.counter, "electricity", "cn-grid", "CN", "average");
  m.site.add_account(m.amounts, "electricity", "cn-grid", "CN-GD", "average");
  m.site.add_account(m.power, "electricity", "cn-grid", "CN-BJ", "average");

  Instant at = utc("2021-11-01 00:00") + Duration(random.below(86'400'000));
  std::int64_t counter = 53'700'000'000;
  const std::int64_t first = counter;
  bool started = false;
  while (m.readings.size() < count) {
    at += step(random);
    switch (random.below(8)) {
      case 0: m.readings.push_back(reading(m.plain, at, static_cast<double>(random.below(500)))); break;
      case 1: m.readings.push_back(reading(m.amounts, at, static_cast<double>(random.below(3'000'000)))); break;
      case 2:
      case 3: m.readings.push_back(reading(m.power, at, static_cast<double>(random.below(4'000) - 500) / 7)); break;
      case 4:
        if (random.one_in(4)) m.readings.push_back(reading(m.counter, at, std::numeric_limits<double>::quiet_NaN()));
        if (random.one_in(4)) m.readings.push_back(reading(m.counter, at, 1e12));
        if (random.one_in(4) && !m.readings.empty()) m.readings.push_back(m.readings.back());
        if (random.one_in(4) && m.readings.size() > 5) m.readings.push_back(m.readings[m.readings.size() - 5]);
        break;
      default:
        if (started) counter += random.below(20'000'000);
        started = true;
        m.readings.push_back(reading(m.counter, at, static_cast<double>(counter)));
        m.counter_moved = counter - first;
    }
  }
  return m;
}

class AnyReadings : public ::testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(Seeds, AnyReadings, ::testing::Range(1u, kSanitized ? 4u : 11u));

TEST_P(AnyReadings, IntervalsAddUpToWhatTheCounterMoved) {
  Mixed m = make_mixed(GetParam(), 3'000);
  Pipeline pipeline = m.site.pipeline();
  const auto rows = feed(pipeline, m.readings);
  Activity sum;
  for (const model::JournalRow& row : rows) {
    const auto* interval = row.body.get_if<EnergyInterval>();
    if (interval && row.subject == model::Subject(m.counter)) sum += interval->amount;
  }
  const auto& open = pipeline.state().points[index(m.counter)].open;
  if (open) sum += open->amount;
  EXPECT_EQ(sum, Activity::of(m.counter_moved));
  EXPECT_EQ(pipeline.state().accounts[0].amount, sum);
}

TEST_P(AnyReadings, EntriesAddUpToTheAccountAndToTheFactorTimesTheEnergy) {
  Mixed m = make_mixed(GetParam(), 3'000);
  Pipeline pipeline = m.site.pipeline();
  const auto rows = feed(pipeline, m.readings);
  for (const model::Account& account : m.site.site.accounts) {
    Co2e co2e;
    std::map<std::string, Activity> per_factor;
    for (const model::JournalRow& row : rows) {
      const auto* entry = row.body.get_if<EmissionEntry>();
      if (!entry || row.subject != model::Subject(account.id)) continue;
      co2e += entry->primary.emitted.co2e;
      per_factor[entry->primary.factor_id] += entry->amount;
    }
    const model::AccountState& state = pipeline.state().accounts[model::index(account.id)];
    if (const auto& open = state.open[0]) {
      co2e += open->emitted[model::Basis::primary].co2e;
      per_factor[m.site.factors().find(*account.factor, *account.carrier, open->begin)->id] += open->amount;
    }
    EXPECT_EQ(co2e, state.emissions[model::Basis::primary].total.co2e);

    // The whole in one multiplication per factor.
    std::int64_t remainder = 0;
    Co2e exact;
    for (const auto& [id, amount] : per_factor) {
      const auto all = m.site.factors().all();
      const auto factor = std::ranges::find(all, id, &model::Factor::id);
      ASSERT_NE(factor, all.end());
      exact += Co2e::of(multiply(amount, factor->scaled_co2e, remainder));
    }
    EXPECT_EQ(state.emissions[model::Basis::primary].total.co2e, exact);
    EXPECT_EQ(state.emissions[model::Basis::primary].co2e_remainder, remainder);
  }
}

TEST_P(AnyReadings, ShorterPeriodsAddUpToLongerOnes) {
  Mixed m = make_mixed(GetParam(), 3'000, GetParam() % 2 == 0 ? "Europe/Berlin" : "Asia/Shanghai");
  Pipeline pipeline = m.site.pipeline();
  const auto rows = feed(pipeline, m.readings);
  struct Sum {
    Activity amount;
    Co2e co2e;
    Duration covered{};
  };
  Calendar calendar(m.site.site.time_zone);
  std::map<std::tuple<model::Subject, Period, Instant>, Sum> parts;  // of an account's longer period, by its begin
  for (const model::JournalRow& row : rows) {
    const auto* rollup = row.body.get_if<model::RollupRow>();
    if (!rollup) continue;
    if (rollup->period != Period::quarter_hour) {
      const Sum& sum = parts[{row.subject, rollup->period, rollup->begin}];
      ASSERT_EQ(sum.amount, rollup->amount);
      ASSERT_EQ(sum.co2e, rollup->emitted[model::Basis::primary].co2e);
      ASSERT_EQ(sum.covered, rollup->covered);
    }
    ASSERT_LE(rollup->covered, rollup->end - rollup->begin);
    if (rollup->period == Period::year) continue;
    const auto longer = static_cast<Period>(static_cast<int>(rollup->period) + 1);
    Sum& sum = parts[{row.subject, longer, calendar.period(longer, rollup->begin).begin}];
    sum.amount += rollup->amount;
    sum.co2e += rollup->emitted[model::Basis::primary].co2e;
    sum.covered += rollup->covered;
  }
}

TEST_P(AnyReadings, ReadingsAreRowsOneForOne) {
  Mixed m = make_mixed(GetParam(), 1'000);
  Pipeline pipeline = m.site.pipeline();
  const auto judged = only<model::JudgedReading>(feed(pipeline, m.readings));
  ASSERT_EQ(judged.size(), m.readings.size());
  for (std::size_t i = 0; i < judged.size(); ++i) EXPECT_EQ(judged[i].at, m.readings[i].at);
  EXPECT_EQ(pipeline.statistics().readings, m.readings.size());
}

TEST_P(AnyReadings, GroupingIntoBatchesChangesNothing) {
  Mixed m = make_mixed(GetParam(), 1'500);
  const Instant now = m.readings.back().at + 24h * 10;
  const auto batch_of = [&](std::size_t begin, std::size_t end) {
    // The same arrival for all, so that the judgement cannot differ.
    return Batch{.source = "test",
                 .received = now,
                 .readings = {m.readings.begin() + static_cast<std::ptrdiff_t>(begin),
                              m.readings.begin() + static_cast<std::ptrdiff_t>(end)},
                 .settled = {}};
  };
  Pipeline at_once = m.site.pipeline();
  const Batch all = batch_of(0, m.readings.size());
  const std::string expected = to_text(at_once.ingest({&all, 1}, now).rows);

  Random random(GetParam());
  Pipeline grouped = m.site.pipeline();
  std::vector<model::JournalRow> rows;
  for (std::size_t done = 0; done < m.readings.size();) {
    std::vector<Batch> batches;
    for (std::int64_t n = random.below(4) + 1; n > 0 && done < m.readings.size(); --n) {
      const std::size_t end = std::min(m.readings.size(), done + static_cast<std::size_t>(random.below(40)) + 1);
      batches.push_back(batch_of(done, end));
      done = end;
    }
    auto effects = grouped.ingest(batches, now);
    std::move(effects.rows.begin(), effects.rows.end(), std::back_inserter(rows));
  }
  EXPECT_EQ(to_text(rows), expected);
  EXPECT_EQ(to_text(grouped.state()), to_text(at_once.state()));
}

// What is delivered again, at once or long after, is told apart: no account moves by it.
TEST_P(AnyReadings, DeliveringAgainChangesNoTotal) {
  Mixed m = make_mixed(GetParam(), 1'500);
  Pipeline once = m.site.pipeline();
  feed(once, m.readings);

  Random random(GetParam() + 500);
  std::multimap<std::size_t, Reading> again;  // by the place after which it comes once more
  for (std::size_t i = 0; i < m.readings.size(); ++i) {
    while (random.one_in(4))
      again.emplace(i + static_cast<std::size_t>(random.below(random.one_in(3) ? 300 : 3)), m.readings[i]);
  }
  Pipeline repeated = m.site.pipeline();
  std::size_t delivered = 0;
  for (std::size_t i = 0; i < m.readings.size(); ++i) {
    feed(repeated, {m.readings[i]});
    const auto [begin, end] = again.equal_range(i);
    for (auto it = begin; it != end; ++it, ++delivered) {
      Batch batch{.source = "test", .received = m.readings[i].at, .readings = {it->second}, .settled = {}};
      repeated.ingest({&batch, 1}, batch.received);
    }
  }
  EXPECT_GT(delivered, 300u);
  for (std::size_t i = 0; i < m.site.site.accounts.size(); ++i) {
    const model::AccountState& a = once.state().accounts[i];
    const model::AccountState& b = repeated.state().accounts[i];
    EXPECT_EQ(a.amount, b.amount) << i;
    EXPECT_EQ(a.coal, b.coal) << i;
    EXPECT_EQ(a.emissions[model::Basis::primary].total.co2e, b.emissions[model::Basis::primary].total.co2e) << i;
    EXPECT_EQ(a.emissions[model::Basis::primary].total.gases, b.emissions[model::Basis::primary].total.gases) << i;
  }
}

TEST_P(AnyReadings, ARestartFromAnyCheckpointGivesTheRowsOfAnUndisturbedRun) {
  Mixed m = make_mixed(GetParam(), 1'500);
  Pipeline undisturbed = m.site.pipeline();
  const auto expected = feed(undisturbed, m.readings);

  Random random(GetParam() + 1000);
  std::vector<model::JournalRow> rows;
  model::Checkpoint checkpoint;
  checkpoint.points.resize(m.site.site.points.size());
  checkpoint.accounts.resize(m.site.site.accounts.size());
  Pipeline pipeline = m.site.pipeline();
  for (const Reading& r : m.readings) {
    if (random.one_in(40)) pipeline = m.site.pipeline(checkpoint);  // killed; only what the effects said is left
    Batch batch{.source = "test", .received = r.at, .readings = {r}, .settled = {}};
    auto effects = pipeline.ingest({&batch, 1}, r.at);
    for (auto& [id, state] : effects.points) checkpoint.points[index(id)] = state;
    for (auto& [id, state] : effects.accounts) checkpoint.accounts[model::index(id)] = state;
    std::move(effects.rows.begin(), effects.rows.end(), std::back_inserter(rows));
  }
  EXPECT_EQ(to_text(rows), to_text(expected));
  EXPECT_EQ(to_text(checkpoint), to_text(undisturbed.state()));
}

// A counter with glitches: single zeros and spikes that return. What it counted between must come out to the last mWh.
TEST_P(AnyReadings, GlitchesThatReturnCostNothing) {
  Random random(GetParam());
  TestSite site;
  PointLimits limits;
  limits.interval = 10s;
  limits.power_max_w = 1e6;
  limits.rollover_at = {1e8};
  const PointId meter = site.add_point("energy", Kind::cumulative, "kWh", limits);
  site.add_account(meter);
  Pipeline pipeline = site.pipeline();
  std::vector<Reading> readings;
  Instant at = utc("2023-01-01 00:00");
  std::int64_t wh = 53'700'000;
  const std::int64_t first = wh;
  for (int i = 0; i < 4'000; ++i) {
    at += 10s;
    if (i > 3 && i < 3'990 && random.one_in(30)) {
      const double wrong[] = {0.0, 4'294'967.295, static_cast<double>(wh) / 1e3 / 2,
                              static_cast<double>(wh) / 1e3 + 40'000};
      readings.push_back(reading(meter, at, wrong[random.below(4)]));
      at += 10s;
    }
    wh += i == 0 ? 0 : random.below(2'500);  // up to 900 kW
    readings.push_back(reading(meter, at, static_cast<double>(wh) / 1e3));
  }
  feed(pipeline, readings);
  EXPECT_EQ(pipeline.state().accounts[0].amount, Activity::of((readings.empty() ? 0 : wh - first) * 1'000));
}

// Registers of any width that run over their end.
TEST_P(AnyReadings, RolloversAreCountedOnExactly) {
  Random random(GetParam());
  TestSite site;
  PointLimits limits;
  limits.interval = 10s;
  limits.rollover_at = {10'000.0};
  if (GetParam() % 2 == 0) limits.power_max_w = 2e6;
  const PointId meter = site.add_point("energy", Kind::cumulative, "kWh", limits);
  site.add_account(meter);
  Pipeline pipeline = site.pipeline();
  std::vector<Reading> readings;
  Instant at = utc("2023-01-01 00:00");
  std::int64_t wh = 9'000'000;
  const std::int64_t first = wh;
  for (int i = 0; i < 10'000; ++i) {
    readings.push_back(reading(meter, at, static_cast<double>(wh % 10'000'000) / 1e3));
    at += 10s;
    wh += 1 + random.below(5'000);
  }
  feed(pipeline, readings);
  const std::int64_t last = std::llround(readings.back().value * 1e3);
  const Activity counted = pipeline.state().accounts[0].amount;
  EXPECT_EQ((counted.quanta() / 1'000 + first - last) % 10'000'000, 0);
  EXPECT_GT(counted, Activity::of(15'000'000'000));
  EXPECT_EQ(pipeline.statistics().by_rule[static_cast<std::size_t>(model::Rule::reset)], 0u);
}

}  // namespace
}  // namespace carbongate::pipeline

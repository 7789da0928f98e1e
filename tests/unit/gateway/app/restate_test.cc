// Corrections against a real store: whatever order readings come in, the accounts end where they would have been.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <cmath>
#include <functional>
#include <map>
#include <random>

#include "config/reader/data_files.h"
#include "drivers/api/kept_bits.h"
#include "gateway/app/recompute.h"
#include "gateway/model/carrier.h"
#include "gateway/pipeline/pipeline.h"
#include "gateway/store/sqlite_store.h"
#include "tests/support/temporary_directory.h"

namespace carbongate::app {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using model::Basis;
using model::Cause;
using model::EmissionEntry;
using model::Period;

constexpr Instant kStart = Instant(std::chrono::sys_days(std::chrono::year(2026) / 3 / 1));

struct TestSite {
  TestSite() {
    site.id = "edz-1";
    site.time_zone = "Asia/Shanghai";
    site.grid_region = "CN-SC";
  }
  PointId add(std::string name, Kind kind, std::string_view unit, std::string_view carrier = "electricity") {
    const auto id = static_cast<PointId>(site.points.size());
    Point point{.id = id, .device = "meter", .name = name, .kind = kind, .unit = *find_unit(unit), .limits = {}};
    point.limits.interval = 1min;
    site.points.push_back(point);
    model::Account account;
    account.id = static_cast<model::AccountId>(site.accounts.size());
    account.user = name + "-user";
    account.user_name = name;
    account.carrier = model::find_carrier(carrier);
    account.source = id;
    account.factor = model::FactorChoice{"cn-grid", "CN-SC", "average"};
    account.market = model::FactorChoice{"cn-grid", "CN", "residual"};
    account.coal = model::FactorChoice{"cn-standard-coal", "", "calorific"};
    site.accounts.push_back(account);
    return id;
  }
  static pipeline::FactorRegistry load() {
    config::Problems problems;
    return pipeline::FactorRegistry::load(
        config::DataFiles("."), std::vector<std::string>{"cn-grid", "cn-standard-coal"}, "Asia/Shanghai", problems);
  }

  model::Site site;
  pipeline::FactorRegistry factors = load();
};

struct Known {
  std::int64_t amount = 0;
  std::int64_t co2e_mg = 0;
  Duration covered{};
  std::int64_t coal_mg = 0;
  std::int64_t market_mg = 0;
  std::uint32_t valid_hours = 0;  // of rollups
  model::Validity validity = model::Validity::not_judged;
  friend bool operator==(const Known&, const Known&) = default;
};
using KnownBooks = std::map<std::pair<std::string, Instant>, Known>;  // by user and begin

// A gateway's accounts in a directory of their own.
class Books {
 public:
  explicit Books(const TestSite& site, std::filesystem::path store = {})
      : site_(site), store_path_(store.empty() ? directory_.path() / "store" : store) {
    open();
  }

  void open(Duration keep_readings = 24h * 190) {
    pipeline_.reset();
    store_.reset();
    auto store = store::SqliteStore::open({.path = store_path_, .keep_readings = keep_readings}, site_.site);
    EXPECT_TRUE(store.has_value()) << store.error().text;
    store_ = std::move(*store);
    pipeline_.emplace(site_.site, site_.factors, store_->checkpoint());
  }

  void hear(std::span<const Reading> readings) {
    std::vector<Batch> batches;
    for (const Reading& reading : readings) {
      batches.push_back({.source = "test", .received = reading.at, .readings = {reading}, .settled = {}});
    }
    commit(pipeline_->ingest(batches, Instant::max() - 24h));
  }

  // As the gateway does when it has been quiet; the number of corrections.
  std::size_t restate_late_data() {
    std::size_t corrections = 0;
    std::size_t slices = 0;
    while (restate_late_slices(corrections) && ++slices < 1'000) {
    }
    return corrections;
  }

  // True: some were settled, and there may be more.
  bool restate_late_slices(std::size_t& corrections) {
    std::vector<Window> windows;
    std::vector<model::LateDataSettled> done;
    for (const Point& point : site_.site.points) {
      const auto& late = pipeline_->state().points[index(point.id)].late;
      const auto closed = pipeline_->counted_until(point.id);
      if (!late || !closed) continue;
      const LateSlice slice = late_slice(point.id, *late, *closed);
      windows.push_back(slice.window);
      if (slice.closed) done.push_back(slice.settled);
    }
    if (windows.empty()) return false;
    corrections += book(windows, {}, done);
    return !done.empty();
  }

  std::vector<Window> everything(Instant from = Instant::min() + 24h * 1000) {
    std::vector<Window> windows;
    for (const Point& point : site_.site.points) {
      if (const auto closed = pipeline_->counted_until(point.id)) {
        windows.push_back({.point = point.id, .from = from, .closed_until = *closed});
      }
    }
    return windows;
  }

  Recomputation look(std::span<const Window> windows, std::span<const Repair> repairs = {}) {
    auto history = store::History::open(store_path_);
    auto result = recompute(**history, site_.site, site_.factors, repairs, windows, kStart + 24h * 365);
    EXPECT_TRUE(result.has_value()) << result.error().text;
    return std::move(*result);
  }

  std::size_t book(std::span<const Window> windows, std::span<const Repair> repairs = {},
                   std::span<const model::LateDataSettled> done = {}) {
    const Recomputation found = look(windows, repairs);
    std::vector<model::Amendment> amendments;
    for (const auto& difference : found.differences) amendments.push_back(difference.amendment);
    auto history = store::History::open(store_path_);
    const auto rollups = rollups_of(**history, site_.site, amendments);
    commit(pipeline_->correct(amendments, *rollups, done));
    return amendments.size();
  }

  std::vector<EmissionEntry> entries() {
    std::vector<EmissionEntry> found;
    each(store::History::What::entries,
         [&](const model::StoredRow& row) { found.push_back(row.body.get<EmissionEntry>()); });
    return found;
  }

  KnownBooks known() {
    KnownBooks books;
    each(store::History::What::entries, [&](const model::StoredRow& row) {
      const auto& entry = row.body.get<EmissionEntry>();
      Known& sum = books[{row.series->user, entry.begin}];
      sum.amount += entry.amount.quanta();
      sum.co2e_mg += entry.primary.emitted.co2e.quanta();
      sum.covered = entry.covered;  // the newest comes last
      sum.coal_mg += entry.coal.quanta();
      if (entry.market) sum.market_mg += entry.market->emitted.co2e.quanta();
    });
    std::erase_if(books, [](const auto& item) { return item.second == Known{}; });
    return books;
  }

  // The newest revision of every rollup, open ones too.
  std::map<std::tuple<std::string, Period, Instant>, Known> rollups() {
    std::map<std::tuple<std::string, Period, Instant>, Known> found;
    each(store::History::What::rollups, [&](const model::StoredRow& row) {
      const auto& rollup = row.body.get<model::RollupRow>();
      found[{row.series->user, rollup.period, rollup.begin}] = {
          rollup.amount.quanta(), rollup.emitted[Basis::primary].co2e.quanta(), rollup.covered,
          rollup.coal.quanta(),   rollup.emitted[Basis::market].co2e.quanta(),  rollup.valid_hours,
          rollup.validity};
    });
    std::erase_if(found, [](const auto& item) { return item.second == Known{}; });
    return found;
  }

  const model::Checkpoint& state() const { return pipeline_->state(); }
  const std::filesystem::path& path() const { return store_path_; }

 private:
  void each(store::History::What what, const std::function<void(const model::StoredRow&)>& visit) {
    auto history = store::History::open(store_path_);
    const auto result = (*history)->each(what, {}, [&](const model::StoredRow& row) {
      visit(row);
      return true;
    });
    EXPECT_TRUE(result.has_value());
  }

  void commit(model::Effects effects) {
    asio::io_context loop(1);
    auto done = asio::co_spawn(loop, store_->commit(std::move(effects)), asio::use_future);
    loop.run();
    EXPECT_TRUE(done.get().has_value());
  }

  const TestSite& site_;
  TemporaryDirectory directory_;
  std::filesystem::path store_path_;
  std::unique_ptr<store::SqliteStore> store_;
  std::optional<pipeline::Pipeline> pipeline_;
};

Reading at(PointId point, Duration after, double value) {
  return {.point = point, .at = kStart + after, .value = value};
}

class Random {
 public:
  explicit Random(unsigned seed) : engine_(seed) {}
  std::int64_t below(std::int64_t n) { return static_cast<std::int64_t>(engine_() % static_cast<std::uint64_t>(n)); }
  bool one_in(std::int64_t n) { return below(n) == 0; }
  std::mt19937_64& engine() { return engine_; }

 private:
  std::mt19937_64 engine_;
};

// All three kinds, with gaps, for some days; in the order of time.
std::vector<Reading> make_readings(Random& random, std::span<const PointId> points, Duration length) {
  std::vector<Reading> readings;
  std::vector<std::int64_t> counters(points.size(), 0);
  for (std::size_t i = 0; i < points.size(); ++i) {
    counters[i] = 1'000'000'000 + random.below(1'000'000'000);
    for (Duration time{}; time < length;) {
      time += Duration(20'000 + random.below(600'000));
      if (random.one_in(100)) time += Duration(random.below(8 * 3'600'000));
      counters[i] += random.below(300'000);
      const double value = i % 3 == 0   ? static_cast<double>(counters[i])
                           : i % 3 == 1 ? static_cast<double>(random.below(300'000))
                                        : static_cast<double>(random.below(40'000)) / 7;
      readings.push_back(at(points[i], time, value));
    }
  }
  std::ranges::sort(readings, {}, [](const Reading& r) { return std::pair(r.at, r.point); });
  return readings;
}

class AnyDelivery : public ::testing::TestWithParam<unsigned> {
 protected:
  AnyDelivery() {
    points_ = {site_.add("counter", Kind::cumulative, "mWh"), site_.add("amounts", Kind::interval, "mWh"),
               site_.add("power", Kind::instantaneous, "kW")};
  }

  // What both runs hear at the end, in order: closes every quarter hour that was open.
  std::vector<Reading> ending(std::span<const Reading> readings) const {
    std::vector<Reading> last;
    for (int i = 1; i <= 12; ++i) {
      for (const PointId point : points_) {
        const auto newest = std::ranges::find(readings.rbegin(), readings.rend(), point, &Reading::point);
        Reading next = *newest;
        next.at = readings.back().at + i * 5min;
        last.push_back(next);
      }
    }
    return last;
  }

  // Same amounts and coverage in every quarter hour; CO2e of each to the carried remainder, and exactly in sum.
  static void expect_equal(Books& expected, Books& found) {
    const KnownBooks a = expected.known();
    const KnownBooks b = found.known();
    std::map<std::string, std::int64_t> sum_a;
    std::map<std::string, std::int64_t> sum_b;
    for (const auto& [key, known] : a) {
      const auto other = b.find(key);
      ASSERT_NE(other, b.end()) << key.first << " " << key.second.time_since_epoch().count() << " " << known.amount;
      EXPECT_EQ(known.amount, other->second.amount) << key.first << " " << (key.second - kStart) / 1min;
      EXPECT_EQ(known.covered, other->second.covered) << key.first << " " << (key.second - kStart) / 1min;
      EXPECT_NEAR(static_cast<double>(known.co2e_mg), static_cast<double>(other->second.co2e_mg), 4);
      EXPECT_NEAR(static_cast<double>(known.coal_mg), static_cast<double>(other->second.coal_mg), 4);
      EXPECT_NEAR(static_cast<double>(known.market_mg), static_cast<double>(other->second.market_mg), 4);
      sum_a[key.first] += known.co2e_mg;
    }
    EXPECT_EQ(a.size(), b.size());
    for (const auto& [key, known] : b) sum_b[key.first] += known.co2e_mg;
    for (std::size_t i = 0; i < expected.state().accounts.size(); ++i) {
      EXPECT_EQ(expected.state().accounts[i].amount, found.state().accounts[i].amount);
      EXPECT_EQ(expected.state().accounts[i].emissions[Basis::primary].total.co2e,
                found.state().accounts[i].emissions[Basis::primary].total.co2e);
      EXPECT_EQ(expected.state().accounts[i].emissions[Basis::market].total.co2e,
                found.state().accounts[i].emissions[Basis::market].total.co2e);
      EXPECT_EQ(expected.state().accounts[i].coal, found.state().accounts[i].coal);
    }
    const auto rollups_a = expected.rollups();
    const auto rollups_b = found.rollups();
    EXPECT_EQ(rollups_a.size(), rollups_b.size());
    for (const auto& [key, known] : rollups_a) {
      const auto other = rollups_b.find(key);
      ASSERT_NE(other, rollups_b.end()) << std::get<0>(key) << " " << to_string(std::get<1>(key));
      EXPECT_EQ(known.amount, other->second.amount) << std::get<0>(key) << " " << to_string(std::get<1>(key));
      EXPECT_EQ(known.covered, other->second.covered) << std::get<0>(key) << " " << to_string(std::get<1>(key));
      EXPECT_EQ(known.valid_hours, other->second.valid_hours) << std::get<0>(key) << " " << to_string(std::get<1>(key));
      EXPECT_EQ(known.validity, other->second.validity) << std::get<0>(key) << " " << to_string(std::get<1>(key));
    }
    // Entries of the open quarter hour are not there yet: the sums are those of the accounts less what is open.
    for (const auto& [user, co2e_mg] : sum_a)
      EXPECT_NEAR(static_cast<double>(co2e_mg), static_cast<double>(sum_b[user]), 1);
  }

  TestSite site_;
  std::vector<PointId> points_;
};
INSTANTIATE_TEST_SUITE_P(Seeds, AnyDelivery, ::testing::Range(1u, 31u));

TEST_P(AnyDelivery, GivesTheSameAccounts) {
  Random random(GetParam());
  const auto readings = make_readings(random, points_, 30h);
  const auto last = ending(readings);
  Books in_order(site_);
  in_order.hear(readings);
  in_order.hear(last);

  // Late by up to a day, some twice, in batches of any size, restated now and then.
  std::vector<std::pair<Instant, Reading>> heard;
  const Duration lateness = GetParam() % 3 == 0 ? 48h : GetParam() % 3 == 1 ? 20min : 6h;
  for (const Reading& reading : readings) {
    const bool late = random.one_in(4);
    heard.emplace_back(reading.at + (late ? Duration(random.below(lateness.count())) : 0ms), reading);
    if (random.one_in(10)) heard.emplace_back(reading.at + Duration(random.below(lateness.count())), reading);
  }
  std::ranges::sort(heard, {},
                    [](const auto& item) { return std::tuple(item.first, item.second.at, item.second.point); });
  Books shuffled(site_);
  std::vector<Reading> batch;
  for (const auto& [when, reading] : heard) {
    batch.push_back(reading);
    if (!random.one_in(40)) continue;
    shuffled.hear(batch);
    batch.clear();
    if (random.one_in(3)) shuffled.restate_late_data();
    if (random.one_in(10)) shuffled.open();  // a restart
  }
  shuffled.hear(batch);
  shuffled.hear(last);
  shuffled.restate_late_data();
  expect_equal(in_order, shuffled);
  EXPECT_EQ(shuffled.restate_late_data(), 0u);
  const Recomputation again = shuffled.look(shuffled.everything(kStart - 24h));
  EXPECT_EQ(again.differences.size(), 0u);
  for (const auto& point : shuffled.state().points) EXPECT_FALSE(point.late.has_value());
}

TEST_P(AnyDelivery, WhatWasInOrderIsNothingToCorrect) {
  Random random(GetParam() + 1000);
  const auto readings = make_readings(random, points_, 40h);
  Books books(site_);
  books.hear(readings);
  for (int i = 0; i < 5; ++i) {
    const Instant from = kStart + Duration(random.below(40 * 3'600'000));
    const Recomputation found = books.look(books.everything(from));
    EXPECT_EQ(found.differences.size(), 0u) << "from " << (from - kStart) / 1min;
  }
}

// A counter that goes wrong now and then: unreadable, unplausible, exchanged.
TEST_P(AnyDelivery, ATroubledCounterEndsTheSame) {
  Random random(GetParam() + 2000);
  std::vector<Reading> readings;
  std::int64_t total = 5'000'000'000;
  for (Duration time{}; time < 20h; time += Duration(60'000 + random.below(240'000))) {
    total += random.below(3'000'000);
    if (random.one_in(150)) total = 0;
    double value = static_cast<double>(total);
    if (random.one_in(60)) value = 0;
    if (random.one_in(60)) value *= 1'000;
    readings.push_back(at(points_[0], time, value));
  }
  for (int i = 0; i < 30; ++i) {
    total += 1'000'000;
    readings.push_back(at(points_[0], 20h + i * 2min, static_cast<double>(total)));
  }
  Books in_order(site_);
  in_order.hear(readings);
  std::vector<std::pair<Instant, Reading>> heard;
  for (std::size_t i = 0; i < readings.size(); ++i) {
    const bool late = i + 30 < readings.size() && random.one_in(8);
    heard.emplace_back(readings[i].at + (late ? Duration(random.below(3 * 3'600'000)) : 0ms), readings[i]);
  }
  std::ranges::sort(heard, {}, [](const auto& item) { return std::pair(item.first, item.second.at); });
  Books shuffled(site_);
  for (const auto& [when, reading] : heard) {
    shuffled.hear({&reading, 1});
    if (random.one_in(50)) shuffled.restate_late_data();
  }
  shuffled.restate_late_data();
  const KnownBooks expected = in_order.known();
  const KnownBooks found = shuffled.known();
  for (const auto& [key, known] : expected) {
    const auto other = found.find(key);
    ASSERT_NE(other, found.end());
    EXPECT_EQ(known.amount, other->second.amount) << (key.second - kStart) / 1min;
  }
  EXPECT_EQ(expected.size(), found.size());
  EXPECT_EQ(shuffled.look(shuffled.everything(kStart - 1h)).differences.size(), 0u);
}

// A gas meter whose volume is converted by a temperature, and a sum of two counters; nothing else is accounted.
class AnyDeliveryOfInputs : public ::testing::TestWithParam<unsigned> {
 protected:
  AnyDeliveryOfInputs() {
    for (const auto& [name, kind, unit] :
         {std::tuple{"incomer", Kind::cumulative, "mWh"}, std::tuple{"press", Kind::cumulative, "mWh"},
          std::tuple{"gas", Kind::cumulative, "L"}, std::tuple{"celsius", Kind::instantaneous, "°C"}}) {
      inputs_.push_back(site_.add(name, kind, unit));
    }
    site_.site.accounts.clear();
    derive("rest", Kind::interval, "mWh", "electricity", model::Formula::sum,
           {{.role = model::Role::term, .point = inputs_[0]},
            {.role = model::Role::term, .point = inputs_[1], .weight = -1}});
    derive("normal", Kind::cumulative, "Nm3", "natural-gas", model::Formula::gas_at_reference,
           {{.role = model::Role::volume, .point = inputs_[2]},
            {.role = model::Role::temperature, .point = inputs_[3]},
            {.role = model::Role::gauge_pressure, .point = {}, .constant = 3'000},
            {.role = model::Role::barometric, .point = {}, .constant = 95'800}});
  }

  void derive(std::string name, Kind kind, std::string_view unit, std::string_view carrier, model::Formula formula,
              std::vector<model::DerivedInput> from) {
    const PointId result = site_.add(std::move(name), kind, unit, carrier);
    site_.site.points.back().computed = true;
    site_.site.points.back().limits.min = -1e15;
    site_.site.derived.push_back({.result = result, .formula = formula, .inputs = std::move(from), .max_age = 1h});
  }

  std::vector<Reading> readings(Random& random, Duration length) const {
    std::vector<Reading> all;
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      std::int64_t counter = 1'000'000'000;
      for (Duration time = Duration(i); time < length; time += Duration(30'000 + 4 * random.below(60'000))) {
        counter += random.below(300'000);
        all.push_back(at(inputs_[i], time,
                         i == 3 ? 5 + static_cast<double>(random.below(300)) / 10 : static_cast<double>(counter)));
      }
    }
    std::ranges::sort(all, {}, &Reading::at);
    return all;
  }

  TestSite site_;
  std::vector<PointId> inputs_;
};
INSTANTIATE_TEST_SUITE_P(Seeds, AnyDeliveryOfInputs, ::testing::Range(1u, 11u));

TEST_P(AnyDeliveryOfInputs, GivesTheSameAccountsOfWhatIsDerived) {
  Random random(GetParam());
  const auto all = readings(random, 12h);
  Books in_order(site_);
  in_order.hear(all);
  EXPECT_EQ(in_order.look(in_order.everything(kStart - 24h)).differences.size(), 0u);

  std::vector<std::pair<Instant, Reading>> heard;
  for (const Reading& reading : all) {
    const bool late = reading.at < kStart + 10h && random.one_in(5);
    heard.emplace_back(reading.at + (late ? Duration(random.below(3'600'000)) : 0ms), reading);
  }
  std::ranges::sort(heard, {}, [](const auto& item) { return std::tuple(item.first, item.second.at); });
  Books shuffled(site_);
  std::size_t corrections = 0;
  for (const auto& [when, reading] : heard) {
    shuffled.hear({&reading, 1});
    if (random.one_in(200)) corrections += shuffled.restate_late_data();
  }
  corrections += shuffled.restate_late_data();
  EXPECT_GT(corrections, 20u);
  const KnownBooks expected = in_order.known();
  const KnownBooks found = shuffled.known();
  EXPECT_GT(expected.size(), 80u);
  std::map<std::string, std::int64_t> off;
  for (const auto& [key, known] : expected) {
    const auto other = found.find(key);
    ASSERT_NE(other, found.end()) << key.first << " " << (key.second - kStart) / 1min;
    EXPECT_EQ(known.amount, other->second.amount) << key.first << " " << (key.second - kStart) / 1min;
    EXPECT_EQ(known.covered, other->second.covered) << key.first << " " << (key.second - kStart) / 1min;
    off[key.first] += known.amount - other->second.amount;
  }
  EXPECT_EQ(off["rest-user"], 0);
  EXPECT_EQ(expected.size(), found.size());
  EXPECT_EQ(shuffled.look(shuffled.everything(kStart - 24h)).differences.size(), 0u);
}

TEST_P(AnyDeliveryOfInputs, ARepairOfAnInputReachesWhatIsDerivedFromIt) {
  Random random(GetParam() + 100);
  const auto all = readings(random, 6h);
  Books right(site_);
  right.hear(all);
  std::vector<Reading> wrong = all;
  for (Reading& reading : wrong) {
    if (reading.point == inputs_[1] && reading.at >= kStart + 2h) reading.value *= 10;
  }
  Books books(site_);
  books.hear(wrong);
  EXPECT_NE(books.known(), right.known());
  Repair repair;
  repair.point = inputs_[1];
  repair.from = kStart + 2h;
  repair.reason = "scale 10 times too large";
  repair.scale = 0.1;
  const std::vector repairs{repair};
  EXPECT_GT(books.book(books.everything(kStart - 1h), repairs), 0u);
  for (const EmissionEntry& entry : books.entries()) {
    if (entry.correction) EXPECT_EQ(entry.correction->note, repair.reason);
  }
  EXPECT_EQ(books.look(books.everything(kStart - 1h), repairs).differences.size(), 0u);
}

// Gas by the minute, its temperature from elsewhere: farther apart than a result allows, in whatever order.
class InputsTooFarApart : public ::testing::Test {
 protected:
  InputsTooFarApart() {
    const PointId volume = site_.add("volume", Kind::cumulative, "m3", "natural-gas");
    const PointId temperature = site_.add("temperature", Kind::instantaneous, "°C", "natural-gas");
    site_.site.accounts.clear();
    const PointId result = site_.add("normal", Kind::cumulative, "Nm3", "natural-gas");
    site_.site.points.back().computed = true;
    site_.site.derived.push_back({.result = result,
                                  .formula = model::Formula::gas_at_reference,
                                  .inputs = {{.role = model::Role::volume, .point = volume},
                                             {.role = model::Role::temperature, .point = temperature},
                                             {.role = model::Role::pressure, .point = {}, .constant = 200'000}}});
    for (int minute = 0; minute <= 720; ++minute) {
      volumes_.push_back(at(volume, minute * 1min, 1'000 + minute));
      temperatures_.push_back(at(temperature, minute * 1min, 10 + minute % 7));
    }
  }

  // Each of them so much later than it was taken.
  std::vector<Reading> heard(const std::function<Duration(const Reading&)>& delay) const {
    std::vector<Reading> all = volumes_;
    all.insert(all.end(), temperatures_.begin(), temperatures_.end());
    std::ranges::sort(all, {},
                      [&](const Reading& r) { return std::tuple(r.at + delay(r), r.point == volumes_[0].point); });
    return all;
  }
  std::vector<Reading> in_order() const {
    return heard([](const Reading&) { return 0ms; });
  }

  static std::map<Instant, std::pair<std::int64_t, Duration>> amounts(Books& books) {
    std::map<Instant, std::pair<std::int64_t, Duration>> found;
    for (const auto& [key, known] : books.known()) found[key.second] = {known.amount, known.covered};
    return found;
  }

  // By the gateway, between the readings as well, and at last by hand.
  void expect_same_accounts(const std::vector<Reading>& readings) {
    Books right(site_);
    right.hear(in_order());
    const auto expected = amounts(right);
    EXPECT_EQ(expected.size(), 48u);
    for (const bool by_hand : {true, false}) {
      Books books(site_);
      for (std::size_t i = 0; i < readings.size(); i += 100) {
        books.hear(std::span(readings).subspan(i, std::min<std::size_t>(100, readings.size() - i)));
        if (!by_hand) books.restate_late_data();
      }
      if (by_hand) {
        EXPECT_NE(amounts(books), expected);
        books.book(books.everything(kStart - 1h));
      } else {
        books.restate_late_data();
      }
      EXPECT_EQ(amounts(books), expected) << by_hand;
      EXPECT_EQ(books.look(books.everything(kStart - 1h)).differences.size(), 0u) << by_hand;
      for (const EmissionEntry& entry : books.entries()) {
        if (entry.correction) EXPECT_EQ(entry.correction->cause, Cause::late_data);
      }
    }
  }

  TestSite site_;
  std::vector<Reading> volumes_;
  std::vector<Reading> temperatures_;
};

TEST_F(InputsTooFarApart, OneIsAlwaysHalfAnHourLate) {
  expect_same_accounts(heard([&](const Reading& r) { return r.point == temperatures_[0].point ? 30min : 0min; }));
}

TEST_F(InputsTooFarApart, OneComesAfterAllOfTheOther) {
  for (const std::vector<Reading>* late : {&temperatures_, &volumes_}) {
    expect_same_accounts(heard([&](const Reading& r) { return r.point == late->front().point ? 24h : 0h; }));
  }
}

TEST_F(InputsTooFarApart, TheLastHoursComeLate) {
  expect_same_accounts(
      heard([&](const Reading& r) { return r.point == temperatures_[0].point && r.at > kStart + 9h ? 24h : 0h; }));
}

TEST_F(InputsTooFarApart, InAnyOrder) {
  for (const std::uint32_t seed : {1u, 2u, 3u}) {
    std::vector<Reading> all = in_order();
    std::ranges::shuffle(all, std::mt19937(seed));
    expect_same_accounts(all);
  }
}

// A sum of two counters, of which one is read far more often than the other.
class UnequalRates : public ::testing::Test {
 protected:
  UnequalRates() {
    for (const char* name : {"fast", "slow"}) meters_.push_back(site_.add(name, Kind::cumulative, "mWh"));
    site_.site.accounts.clear();
    const PointId result = site_.add("both", Kind::interval, "mWh");
    site_.site.points.back().computed = true;
    site_.site.derived.push_back(
        {.result = result,
         .formula = model::Formula::sum,
         .inputs = {{.role = model::Role::term, .point = meters_[0]}, {.role = model::Role::term, .point = meters_[1]}},
         .max_age = 30min});
  }

  std::vector<Reading> readings(Duration fast, Duration slow, Duration length) {
    std::vector<Reading> all;
    for (const std::size_t i : {0, 1}) {
      const Duration every = i == 0 ? fast : slow;
      double counter = 1e9;
      for (Duration time = i == 0 ? Duration{} : slow - 59s; time < length; time += every) {
        counter += static_cast<double>(random_.below(every.count()));
        all.push_back(at(meters_[i], time, counter));
      }
    }
    std::ranges::sort(all, {}, &Reading::at);
    return all;
  }

  static std::size_t differing(Books& books, Duration from, Duration to) {
    std::vector<Window> windows = books.everything(kStart + from);
    std::erase_if(windows, [](const Window& window) { return window.point != PointId{2}; });
    windows.front().to = kStart + to;
    return books.look(windows).differences.size();
  }

  TestSite site_;
  std::vector<PointId> meters_;
  Random random_{4};
};

TEST_F(UnequalRates, OfTenSecondsAndAQuarterHourAreNothingToCorrect) {
  Books books(site_);
  books.hear(readings(10s, 15min, 12h));
  for (const Duration to : {3h, 5h, 9h}) {
    EXPECT_EQ(differing(books, -1h, to), 0u) << to / 1h;
    EXPECT_EQ(differing(books, to - 1h, to), 0u) << to / 1h;
  }
}

TEST_F(UnequalRates, OfAMinuteAndThreeHoursAreNothingToCorrect) {
  Books books(site_);
  books.hear(readings(1min, 3h, 24h * 40));
  for (Duration from = 0h; from < 24h * 40; from += 24h * 7) EXPECT_EQ(differing(books, from, from + 24h * 7), 0u);
  EXPECT_EQ(differing(books, 24h * 7 - 75min, 24h * 7 + 285min), 0u);
}

TEST_F(UnequalRates, OfFiveMinutesAndADayAndAHalfAreNothingToCorrect) {
  Books books(site_);
  books.hear(readings(5min, 36h, 24h * 60));
  for (Duration from = 24h; from < 24h * 50; from += 24h * 7) {
    EXPECT_EQ(differing(books, from, from + 24h * 7), 0u);
    EXPECT_EQ(differing(books, from, from + 1h), 0u);
  }
}

// A slow meter that loses two readings, 45 hours apart, and sends them later.
TEST_F(UnequalRates, LateReadingsOfTheSlowOneCorrectWhatTheyTouchAlone) {
  const auto all = readings(1min, 3h, 24h * 30);
  std::vector<Reading> in_time;
  std::vector<Reading> late;
  for (const Reading& reading : all) {
    const Duration since = reading.at - (kStart + 24h * 20 + 3h - 59s);
    const bool lost = reading.point == meters_[1] && (since == 0h || since == 45h);
    (lost ? late : in_time).push_back(reading);
  }
  ASSERT_EQ(late.size(), 2u);
  Books in_order(site_);
  in_order.hear(all);
  Books books(site_);
  books.hear(in_time);
  books.hear(late);
  EXPECT_GT(books.restate_late_data(), 10u);
  for (const EmissionEntry& entry : books.entries()) {
    if (entry.correction) EXPECT_EQ(entry.correction->cause, Cause::late_data) << (entry.begin - kStart) / 15min;
  }
  const KnownBooks expected = in_order.known();
  const KnownBooks found = books.known();
  EXPECT_EQ(found.size(), expected.size());
  for (const auto& [key, known] : expected) {
    ASSERT_TRUE(found.contains(key)) << (key.second - kStart) / 15min;
    EXPECT_EQ(found.at(key).amount, known.amount) << (key.second - kStart) / 15min;
  }
  EXPECT_EQ(differing(books, 0h, 24h * 30), 0u);
}

TEST(Restate, ASliceThatEndsWithinAQuarterHourCorrectsItOnce) {
  TestSite site;
  const PointId counter = site.add("counter", Kind::cumulative, "kWh");
  Books books(site);
  std::vector<Reading> readings;
  for (int i = 0; i <= 4 * 24 * 60; i += 5) readings.push_back(at(counter, i * 1min + 1s, i * 0.1));
  books.hear(readings);
  const std::vector late{at(counter, 7min, 0.6), at(counter, 94h + 7min, 94 * 6 + 0.6)};
  books.hear(late);
  books.restate_late_data();
  for (const EmissionEntry& entry : books.entries()) {
    if (!entry.correction) continue;
    EXPECT_THAT((entry.begin - kStart) / 15min, ::testing::AnyOf(0, 94 * 4)) << "where a late reading lies";
    EXPECT_EQ(entry.correction->cause, Cause::late_data);
  }
}

TEST(Restate, LeavesAloneWhatItsReadingsNoLongerTellOf) {
  TestSite site;
  const PointId counter = site.add("counter", Kind::cumulative, "kWh");
  Books books(site);
  books.open(24h);
  std::vector<Reading> readings;
  for (int i = 0; i <= 4 * 24 * 60; ++i) readings.push_back(at(counter, i * 1min, i * 0.1));
  for (std::size_t i = 0; i < readings.size(); i += 500) {
    books.hear(std::span(readings).subspan(i, std::min<std::size_t>(500, readings.size() - i)));
  }
  const Recomputation found = books.look(books.everything(kStart - 1h));
  EXPECT_EQ(found.differences.size(), 0u);
  EXPECT_GT(found.out_of_reach, 200u);
  EXPECT_GT(found.entries, 90u);
  EXPECT_GT(found.reach.value_or(Instant{}), kStart + 48h);
}

// A float whose words were taken the other way round was no number for an hour: its register was kept.
TEST(Restate, ByteOrderIsRepairedWhereTheWrongOneGaveNoNumber) {
  TestSite site;
  const PointId counter = site.add("counter", Kind::cumulative, "kWh");
  std::vector<Reading> right;
  std::vector<Reading> heard;
  for (unsigned i = 0; i < 100; ++i) {
    const std::uint32_t bits = 0x4788'7F90 + i;  // 69 887 kWh and on, by 0.0078
    right.push_back(at(counter, i * 1min, std::bit_cast<float>(bits)));
    heard.push_back(right.back());
    if (i < 20 || i >= 80) continue;
    heard.back().value = nan_that_keeps(bits << 16 | bits >> 16);
    heard.back().availability = Availability::not_available;
  }
  heard[50].value = std::nan("");  // of one nothing was kept
  right.erase(right.begin() + 50);
  Books expected(site);
  expected.hear(right);
  Books books(site);
  books.hear(heard);
  EXPECT_NE(books.known(), expected.known());
  Repair repair;
  repair.point = counter;
  repair.from = kStart + 20min;
  repair.until = kStart + 80min;
  repair.bytes = ByteRepair{.type = ByteRepair::Type::float32, .was = "cdab", .is = "abcd"};
  repair.reason = "word order";
  const std::vector repairs{repair};
  EXPECT_GT(books.book(books.everything(kStart - 1h), repairs), 0u);
  const KnownBooks known = books.known();
  const KnownBooks wanted = expected.known();
  ASSERT_EQ(known.size(), wanted.size());
  for (const auto& [key, of_quarter] : known) {
    EXPECT_EQ(of_quarter.amount, wanted.at(key).amount);
    EXPECT_EQ(of_quarter.covered, wanted.at(key).covered);
    EXPECT_NEAR(of_quarter.co2e_mg, wanted.at(key).co2e_mg, 1) << "a remainder is carried";
  }
  EXPECT_EQ(books.look(books.everything(kStart - 1h), repairs).not_repaired, 0u);
}

// What the instrument marked stays out, whatever it shows, and what was set by hand stays manual.
TEST(Restate, KeepsToTheFlagsOfTheReadings) {
  TestSite site;
  const PointId counter = site.add("counter", Kind::cumulative, "kWh");
  std::vector<Reading> heard;
  for (unsigned i = 0; i < 200; ++i) {
    heard.push_back(at(counter, i * 1min, 100 + i));
    if (i % 10 != 5) continue;
    heard.back().hj212_flag = "MDCTB?FS"[i / 10 % 8];
    if (heard.back().hj212_flag != 'F' && heard.back().hj212_flag != 'S') heard.back().value += 0.5;
  }
  Books books(site);
  books.hear(heard);
  EXPECT_EQ(books.book(books.everything(kStart - 1h), {}), 0u);
  std::erase_if(heard, [](const Reading& r) { return std::floor(r.value) != r.value; });
  Books expected(site);
  expected.hear(heard);
  EXPECT_EQ(books.known(), expected.known());
}

TEST(Restate, ReadsBackToTheLastReadingHoweverFar) {
  TestSite site;
  const PointId counter = site.add("counter", Kind::cumulative, "kWh");
  const PointId busy = site.add("busy", Kind::cumulative, "kWh");
  Books books(site);
  std::vector<Reading> readings;
  for (int i = 0; i < 5; ++i) readings.push_back(at(counter, i * 7min, 10 + i));
  for (int i = 0; i < 3'000; ++i) readings.push_back(at(busy, 1h + i * 1min, i));
  readings.push_back(at(counter, 52h, 500));
  readings.push_back(at(counter, 53h, 501));
  books.hear(readings);
  EXPECT_EQ(books.look(books.everything(kStart + 30h)).differences.size(), 0u);
}

TEST(Restate, ADayIsMeasuredAgainWhenItsGapIsFilled) {
  TestSite site;
  const PointId counter = site.add("counter", Kind::cumulative, "kWh");
  Books books(site);
  std::vector<Reading> readings;
  std::vector<Reading> late;
  for (int i = 0; i <= 3 * 24 * 60; i += 5) {
    const bool in_gap = i > 26 * 60 && i < 29 * 60;
    (in_gap ? late : readings).push_back(at(counter, i * 1min, i * 0.1));
  }
  readings.insert(readings.end(), late.begin(), late.end());
  books.hear(readings);
  EXPECT_GT(books.restate_late_data(), 0u);
  auto history = store::History::open(books.path());
  std::vector<model::RollupRow> days;
  std::vector<model::RollupRow> open;
  const auto result = (*history)->each(store::History::What::rollups, {}, [&](const model::StoredRow& row) {
    const auto& rollup = row.body.get<model::RollupRow>();
    if (rollup.period == Period::day && rollup.revision != 0) days.push_back(rollup);
    if (rollup.period >= Period::month && row.sequence == 0) open.push_back(rollup);
    return true;
  });
  EXPECT_TRUE(result.has_value());
  ASSERT_EQ(days.size(), 1u);
  EXPECT_EQ(days[0].quality, model::Quality{});
  EXPECT_EQ(days[0].valid_hours, 24u);
  EXPECT_EQ(days[0].validity, model::Validity::valid);
  ASSERT_EQ(open.size(), 2u);
  for (const model::RollupRow& period : open) {
    EXPECT_EQ(period.quality, model::Quality{}) << to_string(period.period);
    EXPECT_EQ(period.valid_hours, 72u) << to_string(period.period);
  }
}

// An intensity heard each hour prices the quarter hours; what is restated is priced by what was heard then.
TEST(Restate, KeepsToTheLiveFactorsThatWereBookedBy) {
  TestSite site;
  const PointId counter = site.add("counter", Kind::cumulative, "kWh");
  const PointId intensity = site.add("intensity", Kind::instantaneous, "g/kWh");
  site.site.accounts.pop_back();
  model::LiveFactor live;
  live.source = intensity;
  live.like.set = "grid-live";
  live.like.carrier = "electricity";
  live.like.region = "CN-SC";
  live.like.method = "live";
  live.like.version = "live";
  live.like.unit_text = "gCO2/kWh";
  live.fallback = model::FactorChoice{"cn-grid", "CN-SC", "average"};
  site.site.live_factors.push_back(live);
  site.site.accounts[0].factor = model::FactorChoice{"grid-live", "CN-SC", "live"};
  Books books(site);
  std::vector<Reading> readings;
  std::vector<Reading> late;
  for (int i = 0; i <= 10 * 60; i += 5) {
    if (i % 60 == 0) readings.push_back(at(intensity, i * 1min, 100 + i));
    (i > 125 && i < 200 ? late : readings).push_back(at(counter, i * 1min, i * 0.1 + (i > 150 ? 40 : 0)));
  }
  books.hear(readings);
  EXPECT_EQ(books.look(books.everything(kStart - 1h)).differences.size(), 0u);
  books.hear(late);
  EXPECT_GT(books.restate_late_data(), 0u);
  EXPECT_EQ(books.look(books.everything(kStart - 1h)).differences.size(), 0u);
  for (const EmissionEntry& entry : books.entries()) {
    if (!entry.correction || entry.amount == model::Activity{}) continue;
    EXPECT_TRUE(entry.primary.factor_id.starts_with("grid-live/")) << entry.primary.factor_id;
    EXPECT_EQ(entry.amount.quanta() > 0, entry.primary.emitted.co2e.quanta() > 0);
  }
}

TEST(Restate, CallsLateOnlyWhatLateReadingsReach) {
  TestSite site;
  const PointId counter = site.add("counter", Kind::cumulative, "kWh");
  Books books(site);
  std::vector<Reading> readings;
  std::vector<Reading> late;
  for (int i = 0; i <= 24 * 60; i += 5) {
    (i > 600 && i < 640 ? late : readings).push_back(at(counter, i * 1min, i * 0.1 + (i > 620 ? 9 : 0)));
  }
  readings.insert(readings.end(), late.begin(), late.end());
  books.hear(readings);
  EXPECT_GT(books.restate_late_data(), 0u);
  site.site.points[0].limits.max = 100;  // the meter is believed less from now on
  const Recomputation found = books.look(books.everything(kStart - 1h));
  EXPECT_GT(found.differences.size(), 10u);
  for (const auto& difference : found.differences) {
    EXPECT_EQ(difference.amendment.correction.correction->cause, Cause::configuration);
  }
}

TEST(Restate, CutsLateDataIntoSlices) {
  const model::LateData late{.earliest = kStart, .affects_until = kStart + kLateSlice + 15min, .readings = 3};
  const LateSlice first = late_slice(PointId{0}, late, kStart + kLateSlice);
  EXPECT_TRUE(first.closed);
  EXPECT_EQ(first.window.to, kStart + kLateSlice);
  ASSERT_TRUE(first.settled.left);
  EXPECT_EQ(first.settled.left->earliest, kStart + kLateSlice);
  const LateSlice last = late_slice(PointId{0}, *first.settled.left, kStart + kLateSlice);
  EXPECT_FALSE(last.closed);
  EXPECT_FALSE(last.settled.left);
  EXPECT_EQ(last.window.to, late.affects_until);
}

TEST(Restate, LateDataInTheMiddleOfAGapMovesEveryQuarterHourOfIt) {
  TestSite site;
  const PointId counter = site.add("counter", Kind::cumulative, "kWh");
  Books books(site);
  std::vector<Reading> readings;
  for (int i = 0; i < 60; ++i) readings.push_back(at(counter, i * 1min, i));
  readings.push_back(at(counter, 25h, 1'000));
  readings.push_back(at(counter, 26h, 1'010));
  readings.push_back(at(counter, 2h, 990));
  books.hear(readings);
  const std::size_t corrections = books.restate_late_data();
  EXPECT_GE(corrections, 90u);
  std::int64_t before = 0;
  for (const auto& [key, known] : books.known()) {
    if (key.second < kStart + 2h) before += known.amount;
  }
  EXPECT_EQ(before, 990'000'000);
  for (const EmissionEntry& entry : books.entries()) {
    if (entry.correction) EXPECT_EQ(entry.correction->cause, Cause::late_data);
  }
}

}  // namespace
}  // namespace carbongate::app

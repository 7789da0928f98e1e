// A site of meters, its accounts in a real store, and their restatement.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "config/reader/data_files.h"
#include "gateway/app/catch_up.h"
#include "gateway/app/recompute.h"
#include "gateway/model/carrier.h"
#include "gateway/pipeline/pipeline.h"
#include "gateway/store/sqlite_store.h"
#include "tests/support/temporary_directory.h"

namespace carbongate::app::restating {

namespace asio = boost::asio;
using namespace std::chrono_literals;

inline constexpr Instant kStart = Instant(std::chrono::sys_days(std::chrono::year(2026) / 3 / 1));

struct TestSite {
  TestSite() {
    site.id = "edz-1";
    site.time_zone = "Asia/Shanghai";
    site.grid_region = "CN-SC";
  }
  PointId add(std::string name, Kind kind, std::string_view unit, std::string_view carrier = "electricity") {
    const auto id = static_cast<PointId>(site.points.size());
    Point point{.id = id, .device = "meter", .name = name, .kind = kind, .unit = find_unit(unit).value(), .limits = {}};
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

  // Each alone, so long after it was taken.
  void hear_later(std::span<const std::pair<Reading, Duration>> readings) {
    std::vector<Batch> batches;
    for (const auto& [reading, delay] : readings) {
      batches.push_back({.source = "test", .received = reading.at + delay, .readings = {reading}, .settled = {}});
    }
    std::ranges::sort(batches, {}, [](const Batch& b) { return std::tuple(b.received, b.readings[0].point); });
    commit(pipeline_->ingest(batches, Instant::max() - 24h));
  }

  // As the gateway does at its start.
  void catch_up_with_journal() {
    ASSERT_TRUE(pipeline_->state().behind);
    auto effects = catch_up(*pipeline_, site_.site, store_path_);
    ASSERT_TRUE(effects.has_value()) << effects.error().text;
    commit(std::move(*effects));
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
      const LateSlice slice = late_slice(point.id, pipeline_->state().points[index(point.id)], *closed);
      windows.push_back(slice.window);
      pipeline_->begin_restating(point.id);
      if (slice.closed) done.push_back(slice.settled);
    }
    if (windows.empty()) return false;
    const Recomputation found = look(windows);
    std::vector<model::Amendment> amendments;
    for (const auto& difference : found.differences) {
      const model::Amendment& amendment = difference.amendment;
      if (amendment.correction.correction->cause == model::Cause::late_data) amendments.push_back(amendment);
    }
    std::erase_if(done, [&](const model::LateDataSettled& settled) {
      return std::ranges::find(found.in_doubt, settled.point) != found.in_doubt.end();
    });
    waiting_ += found.differences.size() - amendments.size();
    correct(amendments, done);
    corrections += amendments.size();
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

  std::size_t book(std::span<const Window> windows, std::span<const Repair> repairs = {}) {
    const Recomputation found = look(windows, repairs);
    std::vector<model::Amendment> amendments;
    for (const auto& difference : found.differences) amendments.push_back(difference.amendment);
    correct(amendments, {});
    return amendments.size();
  }

  // Differences that restate_late_data() left to a person.
  std::size_t waiting() const { return waiting_; }

  std::vector<model::EmissionEntry> entries() {
    std::vector<model::EmissionEntry> found;
    each(store::History::What::entries,
         [&](const model::StoredRow& row) { found.push_back(row.body.get<model::EmissionEntry>()); });
    return found;
  }

  KnownBooks known() {
    KnownBooks books;
    each(store::History::What::entries, [&](const model::StoredRow& row) {
      const auto& entry = row.body.get<model::EmissionEntry>();
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
  std::map<std::tuple<std::string, model::Period, Instant>, Known> rollups() {
    std::map<std::tuple<std::string, model::Period, Instant>, Known> found;
    each(store::History::What::rollups, [&](const model::StoredRow& row) {
      const auto& rollup = row.body.get<model::RollupRow>();
      found[{row.series->user, rollup.period, rollup.begin}] = {
          rollup.amount.quanta(), rollup.emitted[model::Basis::primary].co2e.quanta(), rollup.covered,
          rollup.coal.quanta(),   rollup.emitted[model::Basis::market].co2e.quanta(),  rollup.valid_hours,
          rollup.validity};
    });
    std::erase_if(found, [](const auto& item) { return item.second == Known{}; });
    return found;
  }

  // Every row of an account's periods of this kind, in the order of the journal; the one that is open last.
  std::vector<model::RollupRow> rows_of(const std::string& user, model::Period period) {
    std::vector<model::RollupRow> rows;
    each(store::History::What::rollups, [&](const model::StoredRow& row) {
      const auto& rollup = row.body.get<model::RollupRow>();
      if (row.series->user == user && rollup.period == period) rows.push_back(rollup);
    });
    return rows;
  }

  // The sum of each period, of closed ones by the highest revision, is that of the entries in it as known now; and what
  // is open has no row yet.
  void expect_sums_of_entries() {
    std::map<std::tuple<std::string, model::Period, Instant>, model::RollupRow> closed;
    std::map<std::tuple<std::string, model::Period, Instant>, model::RollupRow> open;
    each(store::History::What::rollups, [&](const model::StoredRow& row) {
      const auto& rollup = row.body.get<model::RollupRow>();
      const std::tuple key{row.series->user, rollup.period, rollup.begin};
      if (row.sequence == 0) {
        open[key] = rollup;
      } else if (const auto [known, is_new] = closed.try_emplace(key, rollup);
                 !is_new && rollup.revision >= known->second.revision) {
        known->second = rollup;
      }
    });
    const KnownBooks entries = known();
    const auto expect_sum = [&](const auto& key, const model::RollupRow& row, Known sum) {
      const auto& user = std::get<0>(key);
      for (auto entry = entries.lower_bound({user, row.begin});
           entry != entries.end() && entry->first.first == user && entry->first.second < row.end; ++entry) {
        sum.amount += entry->second.amount;
        sum.co2e_mg += entry->second.co2e_mg;
        sum.covered += entry->second.covered;
      }
      const std::string what =
          user + " " + std::string(to_string(row.period)) + " " + std::to_string((row.begin - kStart) / 1min);
      EXPECT_EQ(row.amount.quanta(), sum.amount) << what;
      EXPECT_EQ(row.emitted[model::Basis::primary].co2e.quanta(), sum.co2e_mg) << what;
      EXPECT_EQ(row.covered, sum.covered) << what;
    };
    for (const auto& [key, row] : closed) {
      EXPECT_FALSE(open.contains(key)) << std::get<0>(key) << " " << to_string(row.period) << " is closed and open";
      expect_sum(key, row, {});
    }
    std::map<std::string, Known> in_progress;  // has no entry yet
    for (const auto& [key, row] : open) {
      if (row.period != model::Period::quarter_hour) continue;
      in_progress[std::get<0>(key)] = {.amount = row.amount.quanta(),
                                       .co2e_mg = row.emitted[model::Basis::primary].co2e.quanta(),
                                       .covered = row.covered};
    }
    for (const auto& [key, row] : open) {
      if (row.period != model::Period::quarter_hour) expect_sum(key, row, in_progress[std::get<0>(key)]);
    }
  }

  void commit(model::Effects effects) {
    asio::io_context loop(1);
    auto done = asio::co_spawn(loop, store_->commit(std::move(effects)), asio::use_future);
    loop.run();
    EXPECT_TRUE(done.get().has_value());
  }

  const model::Checkpoint& state() const { return pipeline_->state(); }
  const store::SqliteStore& store() const { return *store_; }
  const std::filesystem::path& path() const { return store_path_; }

 private:
  void correct(std::span<const model::Amendment> amendments, std::span<const model::LateDataSettled> done) {
    auto history = store::History::open(store_path_);
    const auto rollups = rollups_of(**history, site_.site, amendments);
    commit(pipeline_->correct(amendments, *rollups, done));
  }

  void each(store::History::What what, const std::function<void(const model::StoredRow&)>& visit) {
    auto history = store::History::open(store_path_);
    const auto result = (*history)->each(what, {}, [&](const model::StoredRow& row) {
      visit(row);
      return true;
    });
    EXPECT_TRUE(result.has_value());
  }

  const TestSite& site_;
  TemporaryDirectory directory_;
  std::filesystem::path store_path_;
  std::unique_ptr<store::SqliteStore> store_;
  std::optional<pipeline::Pipeline> pipeline_;
  std::size_t waiting_ = 0;
};

inline Reading at(PointId point, Duration after, double value) {
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
inline std::vector<Reading> make_readings(Random& random, std::span<const PointId> points, Duration length) {
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

}  // namespace carbongate::app::restating

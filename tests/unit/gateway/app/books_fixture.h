// A site with a market-based result, its accounts in a real store, and the passes over its books.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "config/reader/data_files.h"
#include "gateway/app/certify.h"
#include "gateway/app/recompute.h"
#include "gateway/model/carrier.h"
#include "gateway/pipeline/pipeline.h"
#include "gateway/store/sqlite_store.h"
#include "tests/support/temporary_directory.h"

namespace carbongate::app {

namespace asio = boost::asio;
using namespace std::chrono_literals;

inline constexpr Instant kMarch = Instant(std::chrono::sys_days(std::chrono::year(2026) / 3 / 1));

struct BooksSite {
  BooksSite() {
    site.id = "edz-1";
    site.time_zone = "UTC";
    site.grid_region = "CN-SC";
  }
  // One energy user and its one meter of this name.
  model::Account& add(const std::string& user, Kind kind, std::string_view unit) {
    const auto id = static_cast<PointId>(site.points.size());
    Point point{.id = id, .device = "meter", .name = user, .kind = kind, .unit = find_unit(unit).value(), .limits = {}};
    point.limits.interval = 5min;
    site.points.push_back(point);
    model::Account account;
    account.id = static_cast<model::AccountId>(site.accounts.size());
    account.user = user;
    account.user_name = user;
    account.carrier = model::find_carrier("electricity");
    account.scope = model::Scope::energy;
    account.source = id;
    account.factor = model::FactorChoice{"cn-grid", "CN-SC", "average"};
    account.market = model::FactorChoice{"cn-grid", "CN", "residual"};
    account.activity_u95_ppm = 10'000;
    site.accounts.push_back(account);
    return site.accounts.back();
  }

  static pipeline::FactorRegistry load() {
    config::Problems problems;
    return pipeline::FactorRegistry::load(
        config::DataFiles("."), std::vector<std::string>{"cn-grid", "own-generation", "direct"}, "UTC", problems);
  }

  model::Site site;
  pipeline::FactorRegistry factors = load();
};

using EntryKey = std::pair<std::string, Instant>;  // user, begin

// A gateway's accounts in a directory of their own.
class StoredBooks {
 public:
  explicit StoredBooks(const BooksSite& site) : site_(site), path_(directory_.path() / "store") { reopen(); }

  // By the site as it is now.
  void reopen() {
    pipeline_.reset();
    store_.reset();
    auto store = store::SqliteStore::open({.path = path_}, site_.site);
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

  // Readings of a whole time, computed again; booked. The number of corrections. `meanwhile`: what is heard while they
  // are computed.
  std::size_t recompute_all(std::span<const Reading> meanwhile = {}, std::span<const Repair> repairs = {}) {
    std::vector<Window> windows;
    for (const Point& point : site_.site.points) {
      const auto closed = pipeline_->counted_until(point.id);
      if (closed) windows.push_back({.point = point.id, .from = kMarch - 24h * 400, .closed_until = *closed});
    }
    auto history = open();
    const auto found = recompute(*history, site_.site, site_.factors, repairs, windows, now());
    EXPECT_TRUE(found.has_value());
    std::vector<model::Amendment> amendments;
    for (const auto& difference : found->differences) amendments.push_back(difference.amendment);
    hear(meanwhile);
    book(amendments);
    return amendments.size();
  }

  // Books what a pass finds; the number of corrections. Each as if at another time.
  template <class Pass>
  std::size_t run(const Pass& pass) {
    auto history = open();
    KnownBooks known(*history, site_.site);
    std::size_t count = 0;
    pass(known, [&](std::vector<model::Amendment> amendments) {
      count += amendments.size();
      book(amendments);
      return model::Result<void>();
    });
    return count;
  }

  void book(std::span<const model::Amendment> amendments) {
    auto history = open();
    const auto rollups = rollups_of(*history, site_.site, amendments);
    EXPECT_TRUE(rollups.has_value());
    commit(pipeline_->correct(amendments, *rollups, {}));
    now_ += 1h;
  }

  std::map<EntryKey, std::vector<model::EmissionEntry>> entries() const {
    std::map<EntryKey, std::vector<model::EmissionEntry>> found;
    auto history = open();
    const auto read = history->each(store::History::What::entries, {}, [&](const model::StoredRow& row) {
      const auto& entry = row.body.get<model::EmissionEntry>();
      found[{row.series->user, entry.begin}].push_back(entry);
      return true;
    });
    EXPECT_TRUE(read.has_value());
    return found;
  }

  // The newest revision of the rollup of this user, period and begin.
  model::RollupRow rollup(const std::string& user, model::Period period, Instant begin) const {
    model::RollupRow newest;
    auto history = open();
    const auto read = history->each(store::History::What::rollups, {}, [&](const model::StoredRow& row) {
      const auto& rollup = row.body.get<model::RollupRow>();
      if (row.series->user == user && rollup.period == period && rollup.begin == begin) newest = rollup;
      return true;
    });
    EXPECT_TRUE(read.has_value());
    return newest;
  }

  std::unique_ptr<store::History> open() const { return store::History::open(path_).value(); }
  const pipeline::Pipeline& pipeline() const { return *pipeline_; }
  Instant now() const { return now_; }

 private:
  void commit(model::Effects effects) {
    asio::io_context loop(1);
    auto done = asio::co_spawn(loop, store_->commit(std::move(effects)), asio::use_future);
    loop.run();
    EXPECT_TRUE(done.get().has_value());
  }

  const BooksSite& site_;
  TemporaryDirectory directory_;
  std::filesystem::path path_;
  std::unique_ptr<store::SqliteStore> store_;
  std::optional<pipeline::Pipeline> pipeline_;
  Instant now_ = kMarch + 24h * 365;
};

// A counter in kWh that moves by `per_step` every five minutes in [from, until).
inline std::vector<Reading> counter(PointId point, Duration from, Duration until, double start, double per_step) {
  std::vector<Reading> readings;
  double total = start;
  for (Duration time = from; time < until; time += 5min, total += per_step) {
    readings.push_back({.point = point, .at = kMarch + time, .value = total});
  }
  return readings;
}

}  // namespace carbongate::app

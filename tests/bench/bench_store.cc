// The promise: a million readings a second go to disk in groups of a thousand, each group synced. Prints one line a
// case.
//
//   bench_store [DIRECTORY]      writes there, in a directory of its own that it removes; default: the current
//   directory
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <filesystem>
#include <vector>

#include "gateway/store/history.h"
#include "gateway/store/sqlite_store.h"

namespace carbongate {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

class Stopwatch {
 public:
  double seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

constexpr std::size_t kPoints = 1'000;

model::Site site_of_meters() {
  model::Site site;
  site.id = "bench";
  for (std::size_t i = 0; i < kPoints; ++i) {
    site.points.push_back({.id = static_cast<PointId>(i),
                           .device = "meter" + std::to_string(i),
                           .name = "energy",
                           .kind = Kind::cumulative,
                           .unit = *find_unit("kWh"),
                           .limits = {}});
    site.accounts.push_back({.id = static_cast<model::AccountId>(i),
                             .user = "user" + std::to_string(i),
                             .user_name = {},
                             .carrier = model::find_carrier("electricity"),
                             .source = static_cast<PointId>(i),
                             .factor = model::FactorChoice{"cn-grid", "CN-SC", "average"},
                             .market = {},
                             .coal = {}});
  }
  return site;
}

struct Case {
  const char* name;
  std::size_t readings;  // of one commit
  std::size_t states;    // points and accounts that change with it
  std::size_t commits;
  std::size_t entries = 0;  // of one commit, besides the readings: each is chained into the ledger
};

model::Effects effects_of(const Case& c, Instant at) {
  model::Effects effects;
  effects.rows.reserve(c.readings);
  for (std::size_t i = 0; i < c.readings; ++i) {
    effects.rows.push_back(
        {static_cast<PointId>(i % kPoints), model::JudgedReading{at, 1234.5 + static_cast<double>(i) * 0.001, {}}});
  }
  model::EmissionEntry entry;
  entry.begin = at;
  entry.end = at + 15min;
  entry.amount = model::Activity::of(250'000);
  entry.primary.emitted.co2e = model::Co2e::of(140'000);
  entry.primary.emitted.gases[model::Gas::co2] = model::GasMass::of(140'000);
  entry.primary.factor_id = "cn-grid/CN-SC/average/2023";
  entry.primary.factor_version = "2025-12-31";
  entry.covered = 15min;
  for (std::size_t i = 0; i < c.entries; ++i)
    effects.rows.push_back({static_cast<model::AccountId>(i % kPoints), entry});
  model::PointState point;
  point.last_at = at;
  point.last_value = 1234.5;
  point.counter.baseline = {at, model::Cumulative<model::Activity>::at(model::Activity::of(1'234'500'000))};
  point.open = model::OpenInterval{at, at + 15min, model::Activity::of(250'000), 5min, {}};
  model::AccountState account;
  account.amount = model::Activity::of(1'234'500'000);
  model::OpenPeriod period;
  period.begin = at;
  period.end = at + 15min;
  period.amount = model::Activity::of(250'000);
  period.emitted[model::Basis::primary].co2e = model::Co2e::of(140'000);
  period.emitted[model::Basis::primary].gases[model::Gas::co2] = model::GasMass::of(140'000);
  period.covered = 5min;
  account.open.fill(period);
  for (std::size_t i = 0; i < c.states; ++i) {
    effects.points.emplace_back(static_cast<PointId>(i % kPoints), point);
    effects.accounts.emplace_back(static_cast<model::AccountId>(i % kPoints), account);
  }
  return effects;
}

void measure(const Case& c, const std::filesystem::path& directory) {
  const model::Site site = site_of_meters();
  store::StoreConfig config;
  config.path = directory;
  auto store = store::SqliteStore::open(config, site).value();
  std::vector<model::Effects> prepared;  // so that only the store is measured
  Instant at{1'767'225'600'000ms};
  for (std::size_t i = 0; i < std::min<std::size_t>(c.commits, 64); ++i) prepared.push_back(effects_of(c, at += 1s));

  std::vector<double> latencies_ms;
  asio::io_context loop(1);
  auto task = [&]() -> asio::awaitable<void> {
    for (std::size_t i = 0; i < c.commits; ++i) {
      model::Effects effects = prepared[i % prepared.size()];
      const Stopwatch commit;
      (co_await store->commit(std::move(effects))).value();
      latencies_ms.push_back(commit.seconds() * 1e3);
    }
  };
  asio::co_spawn(loop, task, asio::detached);
  const double cpu_before = cpu_seconds();
  const Stopwatch all;
  loop.run();
  const double seconds = all.seconds();
  const double cpu = cpu_seconds() - cpu_before;
  std::ranges::sort(latencies_ms);
  const auto readings = static_cast<double>(c.readings * c.commits);
  fmt::print(
      "{:<44} {:>10.0f} readings/s  {:.2f} CPU s/million  commit p50 {:.2f} ms p99 {:.2f} ms  {:.1f} bytes/reading\n",
      c.name, readings / seconds, cpu / readings * 1e6, latencies_ms[latencies_ms.size() / 2],
      latencies_ms[latencies_ms.size() * 99 / 100], static_cast<double>(store->status().bytes) / readings);
}

void measure_reading_back(const std::filesystem::path& directory) {
  auto history = store::History::open(directory).value();
  std::size_t rows = 0;
  const Stopwatch all;
  history->each(store::History::What::readings, {}, [&](const model::StoredRow&) { return ++rows != 0; }).value();
  fmt::print("{:<44} {:>10.0f} readings/s\n", "read back in order of time", static_cast<double>(rows) / all.seconds());
}

}  // namespace
}  // namespace carbongate

int main(int argc, char** argv) {
  using namespace carbongate;
  const std::filesystem::path directory = std::filesystem::path(argc > 1 ? argv[1] : ".") / "bench_store.tmp";
  std::filesystem::remove_all(directory);
  constexpr Case kCases[] = {{"1 reading a commit", 1, 1, 5'000},
                             {"100 readings a commit", 100, 10, 5'000},
                             {"1000 readings a commit", 1'000, 0, 3'000},
                             {"1000 readings, 100 points and accounts", 1'000, 100, 2'000},
                             {"1000 readings, 1000 points and accounts", 1'000, 1'000, 500},
                             {"1000 readings, 1000 entries", 1'000, 0, 300, 1'000},
                             {"10000 readings a commit", 10'000, 0, 300}};
  for (const Case& c : kCases) {
    measure(c, directory / c.name);
    if (c.readings == 10'000) measure_reading_back(directory / c.name);
  }
  std::filesystem::remove_all(directory);
}

// The promise: half a year of readings on a small disk, and few bytes worn off it. 100 meters of ten registers each,
// read every 15 s, go through the real pipeline into a store; prints one line a case.
//
//   bench_history [DIRECTORY [READINGS]]   bytes per reading at rest and written; default: the current directory,
//                                          2 000 000 a case
//   bench_history fill DIRECTORY READINGS  makes a store with so many readings, without books, and leaves it there
//   bench_history open DIRECTORY           how long it takes to open it, and to read an hour of one point
//
// At rest: all files of the store after it was closed. Written: what the process handed to the disk (/proc/self/io),
// the write-ahead log included.
#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "config/reader/data_files.h"
#include "gateway/pipeline/pipeline.h"
#include "gateway/store/history.h"
#include "gateway/store/sqlite_store.h"

namespace carbongate {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr int kMeters = 100;
constexpr int kRegisters = 10;
constexpr Duration kEvery = 15s;
const Instant kBegin{1'767'225'600'000ms};

struct Register {
  const char* name;
  const char* unit;
  double mean;
  double noise;
  double step;  // of the register; a meter of floats has none
};
constexpr Register kTable[kRegisters] = {
    {"energy", "kWh", 0, 0, 0.01},      {"power", "kW", 40, 0.8, 0.001}, {"u1", "V", 231, 0.3, 0.1},
    {"u2", "V", 230, 0.3, 0.1},         {"u3", "V", 232, 0.3, 0.1},      {"i1", "A", 61, 1, 0.01},
    {"i2", "A", 58, 1, 0.01},           {"i3", "A", 64, 1, 0.01},        {"power_factor", "1", 0.93, 0.002, 0.001},
    {"frequency", "Hz", 50, 0.01, 0.01}};

model::Site plant(bool accounts) {
  model::Site site;
  site.id = "bench";
  site.time_zone = "Asia/Shanghai";
  site.grid_region = "CN-SC";
  for (int meter = 0; meter < kMeters; ++meter) {
    for (int i = 0; i < kRegisters; ++i) {
      const auto id = static_cast<PointId>(site.points.size());
      const auto unit = find_unit(kTable[i].unit);
      site.points.push_back({.id = id,
                             .device = fmt::format("meter{}", meter),
                             .name = kTable[i].name,
                             .kind = i == 0 ? Kind::cumulative : Kind::instantaneous,
                             .unit = unit ? *unit : *find_unit("kW"),
                             .limits = {.min = {}, .max = {}, .power_max_w = 1e6, .interval = kEvery}});
      if (i != 0 || !accounts) continue;
      site.accounts.push_back({.id = static_cast<model::AccountId>(site.accounts.size()),
                               .user = fmt::format("user{}", meter),
                               .user_name = {},
                               .carrier = model::find_carrier("electricity"),
                               .source = id,
                               .factor = model::FactorChoice{"cn-grid", "CN-SC", "average"},
                               .market = {},
                               .coal = {}});
    }
  }
  return site;
}

// What the registers show: they wander around a mean; every third meter gives floats, with noise to the last bit.
class Registers {
 public:
  Registers() : off_(kMeters * kRegisters), energy_(kMeters, 12'345.0) {}

  std::vector<Reading> poll(int meter, Instant at) {
    std::vector<Reading> readings;
    const auto m = static_cast<std::size_t>(meter);
    for (int i = 0; i < kRegisters; ++i) {
      const Register& r = kTable[i];
      double& off = off_[m * kRegisters + static_cast<std::size_t>(i)];
      off = 0.95 * off + r.noise * gauss_(random_) * 0.3;
      double value = r.mean + off;
      if (i == 0) value = energy_[m] += (40 + off_[m * kRegisters + 1]) * 15 / 3600;
      value = meter % 3 == 2 ? static_cast<double>(static_cast<float>(value)) : std::round(value / r.step) * r.step;
      readings.push_back({.point = static_cast<PointId>(meter * kRegisters + i), .at = at, .value = value});
    }
    return readings;
  }
  Instant when(std::int64_t round, int meter) {
    return kBegin + round * kEvery + std::chrono::milliseconds(meter * 12 + static_cast<int>(random_() % 9));
  }

 private:
  std::mt19937_64 random_{1};
  std::normal_distribution<double> gauss_;
  std::vector<double> off_;
  std::vector<double> energy_;
};

template <class T>
T run(asio::awaitable<T> operation) {
  asio::io_context loop(1);
  auto result = asio::co_spawn(loop, std::move(operation), asio::use_future);
  loop.run();
  return result.get();
}

std::uint64_t bytes_written() {
  std::ifstream io("/proc/self/io");
  for (std::string name; io >> name;) {
    std::uint64_t number = 0;
    io >> number;
    if (name == "write_bytes:") return number;
  }
  return 0;
}

std::uint64_t size_of(const fs::path& directory) {
  std::uint64_t bytes = 0;
  for (const auto& entry : fs::directory_iterator(directory)) bytes += entry.file_size();
  return bytes;
}

class Stopwatch {
 public:
  double seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

void measure(const fs::path& directory, std::int64_t readings, int meters_per_commit, bool accounts) {
  config::Problems problems;
  const model::Site site = plant(accounts);
  const auto factors = pipeline::FactorRegistry::load(config::DataFiles("."), std::vector<std::string>{"cn-grid"},
                                                      site.time_zone, problems);
  const std::uint64_t before = bytes_written();
  const Stopwatch all;
  std::int64_t committed = 0;
  {
    const auto store = store::SqliteStore::open({.path = directory}, site).value();
    pipeline::Pipeline pipeline(site, factors, store->checkpoint());
    Registers registers;
    std::vector<Batch> batches;
    for (std::int64_t round = 0; committed < readings; ++round) {
      for (int meter = 0; meter < kMeters; ++meter) {
        const Instant at = registers.when(round, meter);
        batches.push_back({.source = "bench", .received = at, .readings = registers.poll(meter, at), .settled = {}});
        if (static_cast<int>(batches.size()) < meters_per_commit) continue;
        run(store->commit(pipeline.ingest(batches, at))).value();
        committed += meters_per_commit * kRegisters;
        batches.clear();
      }
    }
  }
  const auto count = static_cast<double>(committed);
  fmt::print("{:<58} {:>6.2f} bytes/reading at rest  {:>7.1f} written  {:>8.0f} readings/s\n",
             fmt::format("{} readings a commit, {}", meters_per_commit * kRegisters,
                         accounts ? "100 accounts, their books and totals" : "readings and points alone"),
             static_cast<double>(size_of(directory)) / count, static_cast<double>(bytes_written() - before) / count,
             count / all.seconds());
}

void fill(const fs::path& directory, std::int64_t readings) {
  store::StoreConfig config{.path = directory};
  config.size_max = 1ULL << 50U;
  config.keep_readings = Duration::max();
  auto store = store::SqliteStore::open(config, plant(false)).value();
  Registers registers;
  std::int64_t committed = 0;
  const Stopwatch all;
  for (std::int64_t round = 0; committed < readings; round += 10) {
    model::Effects effects;
    for (std::int64_t i = 0; i < 10; ++i) {
      for (int meter = 0; meter < kMeters; ++meter) {
        for (const Reading& r : registers.poll(meter, registers.when(round + i, meter))) {
          effects.rows.push_back({r.point, model::JudgedReading{r.at, r.value, {}}});
        }
      }
    }
    committed += static_cast<std::int64_t>(effects.rows.size());
    run(store->commit(std::move(effects))).value();
  }
  store.reset();
  fmt::print("{} readings in {:.0f} s, {:.2f} bytes each\n", committed, all.seconds(),
             static_cast<double>(size_of(directory)) / static_cast<double>(committed));
}

void open(const fs::path& directory) {
  const Stopwatch opening;
  {
    const auto store = store::SqliteStore::open({.path = directory}, plant(false)).value();
    store->checkpoint();
    fmt::print("opened in {:.3f} s, {} rows\n", opening.seconds(), store->status().last_sequence);
  }
  const Stopwatch reading;
  std::size_t rows = 0;
  const auto history = store::History::open(directory).value();
  const auto wanted = [](const model::Series& series) { return series.device == "meter7" && series.point == "power"; };
  const auto count = [&](const model::StoredRow&) { return ++rows != 0; };
  history->each_reading({.from = kBegin + 24h, .to = kBegin + 25h}, wanted, count).value();
  fmt::print("an hour of one point: {} readings in {:.3f} s\n", rows, reading.seconds());
}

}  // namespace
}  // namespace carbongate

int main(int argc, char** argv) {
  using namespace carbongate;
  const std::string what = argc > 1 ? argv[1] : ".";
  if (what == "fill" && argc == 4) {
    fill(argv[2], std::stoll(argv[3]));
  } else if (what == "open" && argc == 3) {
    open(argv[2]);
  } else {
    const std::filesystem::path directory = std::filesystem::path(what) / "bench_history.tmp";
    const std::int64_t readings = argc > 2 ? std::stoll(argv[2]) : 2'000'000;
    for (const bool accounts : {false, true}) {
      for (const int meters : {kMeters, 10}) {
        std::filesystem::remove_all(directory);
        measure(directory, readings, meters, accounts);
      }
    }
    std::filesystem::remove_all(directory);
  }
}

// The promise: a year of a hundred accounts is stated in seconds, in memory that does not grow with the year.
//
//   bench_statement make DIRECTORY       writes a site and a store of 100 accounts x 35 040 quarter hours
//   bench_statement state DIRECTORY      states its year and one of its months; prints time and peak memory
#include <fmt/format.h>
#include <sys/resource.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>

#include "gateway/app/gateway_config.h"
#include "gateway/cli/statement.h"
#include "gateway/store/sqlite_store.h"

namespace carbongate {
namespace {

using namespace std::chrono_literals;

constexpr int kAccounts = 100;
constexpr int kQuarters = 35'040;
const Instant kNewYear = Instant(std::chrono::seconds(1'672'502'400));  // 2023-01-01T00:00:00+08:00

std::string site_of_accounts() {
  std::string text =
      "site: {id: bench, timezone: Asia/Shanghai, grid_region: CN-SC}\n"
      "brokers: {plant: {url: \"mqtt://127.0.0.1:1883\"}}\n"
      "store: {path: store, size_max: 64GiB}\n"
      "devices:\n";
  for (int i = 0; i < kAccounts; ++i) {
    text += fmt::format(
        "  - {{id: meter{0}, driver: mqtt, broker: plant, topic: bench/{0}, "
        "points: [{{name: energy, json: /energy, unit: kWh, kind: cumulative, power_max: 1 MW}}]}}\n",
        i);
  }
  text += "energy_users:\n";
  for (int i = 0; i < kAccounts; ++i) {
    text += fmt::format(
        "  - {{id: user{0}, consumes: [{{carrier: electricity, from: meter{0}.energy, metering: {{class: 1}}}}]}}\n",
        i);
  }
  return text;
}

model::Emission emission(std::int64_t co2e, const char* factor) {
  model::Emission made;
  made.emitted.co2e = model::Co2e::of(co2e);
  made.emitted.gases[model::Gas::co2] = model::GasMass::of(co2e);
  made.emitted.u95_activity = model::Co2e::of(co2e / 87);
  made.emitted.u95_factor = model::Co2e::of(co2e / 20);
  made.factor_id = factor;
  made.factor_version = "2025-12-31";
  return made;
}

int make(const std::filesystem::path& directory) {
  std::filesystem::create_directories(directory);
  std::ofstream(directory / "site.yaml") << site_of_accounts();
  config::Problems problems;
  const app::GatewayConfig config = app::load_config(directory / "site.yaml", problems);
  if (problems.has_errors()) {
    std::cerr << problems.to_text();
    return 1;
  }
  auto store = store::SqliteStore::open(config.store, config.site).value();
  for (int quarter = 0; quarter < kQuarters; quarter += 4) {  // an hour a commit
    model::Effects effects;
    for (int i = 0; i < 4 * kAccounts; ++i) {
      model::EmissionEntry entry;
      entry.begin = kNewYear + (quarter + i / kAccounts) * 15min;
      entry.end = entry.begin + 15min;
      const std::int64_t amount = 12'345'678 + (quarter * 7'919 + i * 104'729) % 1'000'003;
      entry.amount = model::Activity::of(amount);
      entry.coal = model::StandardCoal::of(amount * 1'229 / 10'000);
      entry.primary = emission(amount * 1'564 / 10'000, "cn-grid/CN-SC/average/2023");
      entry.market = emission(amount * 6'096 / 10'000, "cn-grid/CN/residual/2023");
      entry.covered = 15min;
      effects.rows.push_back({static_cast<model::AccountId>(i % kAccounts), std::move(entry)});
    }
    boost::asio::io_context loop(1);
    auto done = boost::asio::co_spawn(loop, store->commit(std::move(effects)), boost::asio::use_future);
    loop.run();
    done.get().value();
  }
  return 0;
}

int state(const std::filesystem::path& directory) {
  for (const auto& [period, of] : {std::pair("month", "2023-06"), std::pair("year", "2023")}) {
    const auto start = std::chrono::steady_clock::now();
    std::ostringstream out;
    cli::StatementOptions options;
    options.period = period;
    options.of = of;
    if (cli::run_statement(directory / "site.yaml", options, out, std::cerr) != 0) return 1;
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    std::cout << fmt::format("{:<6} {:>6.2f} s   {:>6.1f} MiB at most   {} bytes\n", period, seconds,
                             static_cast<double>(usage.ru_maxrss) / 1024, out.str().size());
  }
  return 0;
}

}  // namespace
}  // namespace carbongate

int main(int argc, char** argv) {
  const std::string what = argc == 3 ? argv[1] : "";
  if (what == "make") return carbongate::make(argv[2]);
  if (what == "state") return carbongate::state(argv[2]);
  std::cerr << "usage: bench_statement make|state DIRECTORY\n";
  return 2;
}

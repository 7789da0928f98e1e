#include "tests/sim/simulator.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cmath>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <utility>

#include "gateway/app/gateway.h"
#include "gateway/cli/verify.h"
#include "gateway/store/database.h"
#include "gateway/store/journal.h"
#include "gateway/store/known_damage.h"
#include "gateway/store/salvage.h"
#include "protocols/io/backoff.h"
#include "tests/sim/actors.h"
#include "tests/sim/life.h"

namespace carbongate::sim {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr const char* kConfig = R"(
site: {{id: sim, timezone: Asia/Shanghai, grid_region: CN-SC}}
brokers: {{plant: {{url: "mqtt://127.0.0.1:1"}}}}
devices:
{}
energy_users:
{}
store: {{path: {}}}
alerts:
  rules:
    - {{id: silent, points: ["*"], silent_for: 3min}}
    - {{id: power, users: ["*"], of: power, above: 100, for: 1min, depends_on: [silent]}}
)";

// Reading it takes as long as a quarter of a seed: once for all of them.
app::GatewayConfig read_configuration(const fs::path& directory) {
  std::string devices;
  std::string users;
  for (int i = 0; i < kMeters; ++i) {
    devices += fmt::format(
        "  - {{id: m{0}, driver: mqtt, broker: plant, topic: m{0}, points: [{{name: energy, json: /e, unit: kWh, kind: "
        "cumulative, power_max: 10 MW}}]}}\n",
        i);
    users += fmt::format("  - {{id: u{0}, consumes: [{{carrier: electricity, from: m{0}.energy}}]}}\n", i);
  }
  const fs::path file = directory / "site.yaml";
  std::ofstream(file) << fmt::format(kConfig, devices, users, (directory / "store").string());
  config::Problems problems;
  app::GatewayConfig config = app::load_config(file, problems, kBegin);
  if (problems.has_errors()) throw std::logic_error(problems.to_text());
  return config;
}

// With the life's own devices and sinks. It names every member: one that is added does not compile before it is here.
app::GatewayConfig configuration(Life& life) {
  World& world = life.world;
  static const app::GatewayConfig read = read_configuration(world.directory);
  const auto& [site, devices, store, sinks, factor_sources, factors, certificates, repairs, corrections_quiet,
               memory_max, ops, driver_of, electricity_coal_method] = read;
  app::GatewayConfig config{.site = site,
                            .devices = {},
                            .store = store,
                            .sinks = {},
                            .factor_sources = factor_sources,
                            .factors = factors,
                            .certificates = certificates,
                            .repairs = repairs,
                            .corrections_quiet = 24h * 365,  // its worker thread has a clock of its own
                            .memory_max = memory_max,
                            .ops = ops,
                            .driver_of = driver_of,
                            .electricity_coal_method = electricity_coal_method};
  for (int i = 0; i < kMeters; ++i) config.devices.push_back(simulated_meter(life, i));
  config.sinks.push_back(simulated_sink(life));
  config.store.path = world.directory / "store";
  config.store.block_rows = world.block_rows;  // so that power cuts meet blocks being made
  config.store.block_at_once = world.block_rows / 16;
  return config;
}

// From a start to a stop or a power cut.
class Run {
 public:
  explicit Run(World& world) : world_(world), life_(world) {}

  void go(Duration length) {
    app::GatewayConfig config = configuration(life_);
    const store::StoreConfig where = config.store;
    auto journal = open(config);
    if (!journal) return;
    if (world_.is_honest && !journal->status().repaired.empty()) {
      world_.breach("a store was damaged by a power cut alone: " + journal->status().repaired);
    }
    auto store = simulated_store(life_, std::move(journal), where.path);
    app::begin_clock(life_.clock, store->checkpoint());
    app::Gateway gateway(std::move(config), std::move(store), life_.loop.get_executor(), life_.clock,
                         [] { return 50ull << 20; });
    bool has_ended = false;
    asio::co_spawn(life_.loop, gateway.run([] {}), [&](std::exception_ptr error) {
      has_ended = true;
      if (error && world_.is_honest && !life_.is_dead()) world_.breach("the gateway gave up: " + text_of(error));
    });
    if (world_.is_quiet)
      life_.set_clock(std::clamp<Duration>(world_.clock_error - std::exchange(world_.step, 0s), -90s, 90s));
    const io::SteadyTime end = life_.clock.ticks() + length;
    while (!has_ended && !life_.is_dead() && life_.clock.ticks() < end) {
      trouble();
      pass(std::min<Duration>(end - life_.clock.ticks(), world_.between(1s, 2min)), [&] { return life_.is_dead(); });
    }
    if (world_.is_quiet) pass(10min, [&] { return is_at_rest(gateway); });
    gateway.stop();
    pass(10s, [&] { return has_ended; });
    if (!has_ended) world_.breach("a stop took more than 10 s");
    const app::GatewayStatus status = gateway.status();
    if (status.breaches != 0) world_.breach("conservation is broken");
    world_.outcome.audits += status.audits;
    gateway.close();
    world_.elapsed = life_.true_time() - kBegin;
  }

 private:
  static std::string text_of(const std::exception_ptr& error) {
    try {
      std::rethrow_exception(error);
    } catch (const std::exception& e) {
      return e.what();
    }
  }

  // As SqliteStore::open() does. nullptr: the power was cut meanwhile, or the disk does not let it.
  std::unique_ptr<store::Journal> open(const app::GatewayConfig& config) {
    for (int attempt = 0; attempt < 2; ++attempt) {
      auto journal = store::guarded(config.store.path,
                                    [&] { return std::make_unique<store::Journal>(config.store, config.site); });
      if (journal.has_value()) return std::move(*journal);
      if (life_.is_dead()) return nullptr;
      if (journal.error().code != make_error_code(boost::system::errc::bad_message)) {
        if (world_.is_honest && world_.is_quiet) world_.breach("it does not start: " + journal.error().text);
        world_.elapsed += 2s;  // the service manager tries again
        return nullptr;
      }
      store::mark_damaged(config.store.path, journal.error().text);
    }
    world_.breach("a damaged store is not repaired by a start");
    return nullptr;
  }

  void trouble() {
    if (world_.is_quiet) return;
    if (world_.chance(8)) {
      world_.disk.fail(world_.chance(70) ? LossyDisk::Fault::full : LossyDisk::Fault::broken, world_.random() % 300);
    }
    if (world_.clock_error < kLost) {  // it began at 1970
      if (world_.chance(5)) life_.set_clock(world_.between(-90s, 90s));
    } else if (world_.step != 0s) {
      if (life_.true_time() >= world_.step_until) life_.set_clock(world_.clock_error - std::exchange(world_.step, 0s));
    } else if (world_.chance(4)) {  // the time server sets the clock
      life_.set_clock(world_.clock_error + world_.between(-90s, 90s));
    } else if (world_.chance(1)) {  // a person does, and finds out
      world_.step = world_.chance(50) ? world_.between(2h, 24h * 3) : -world_.between(2h, 24h * 3);
      world_.step_until = life_.true_time() + world_.between(1s, 7min);
      life_.set_clock(world_.clock_error + world_.step);
    }
  }

  bool is_at_rest(const app::Gateway& gateway) const {
    const app::GatewayStatus status = gateway.status();
    if (std::ranges::any_of(world_.queues, [](const MessageQueue& queue) { return queue.front() != nullptr; }))
      return false;
    return status.inbox_readings == 0 && !status.store.cursors.empty() &&
           status.store.cursors.front().waiting(status.store.last_sequence) == 0 &&
           status.store.cursors.front().ahead.empty();
  }

  template <class Done>
  void pass(Duration time, Done done) {
    const io::SteadyTime until = life_.clock.ticks() + time;
    poll();
    while (life_.clock.ticks() < until && !done()) {
      const io::SteadyTime next = std::min(until, life_.machine.next_deadline().value_or(until));
      life_.machine.advance(std::max<Duration>(next - life_.clock.ticks(), 1ms));
      poll();
    }
  }
  void poll() {
    life_.loop.restart();
    life_.loop.poll();
  }

  World& world_;
  Life life_;
};

// `last`: by rule and subject, the change before.
void check_alert(World& world, const model::Series& series, const model::Alert& alert,
                 std::map<std::string, model::Alert>& last) {
  const std::string name =
      series.rule + " of " + model::subject_name(series.device, series.point, series.user, series.carrier);
  const auto before = last.find(name);
  const bool begins = alert.revision == 0;
  if (before == last.end()) {
    if (!begins || !is_active(alert.stage)) world.breach(name + ": its first alert does not begin");
  } else if (begins == (before->second.id == alert.id)) {
    world.breach(fmt::format("{}: change {} of {} follows on change {} of {}", name, alert.revision, alert.id,
                             before->second.revision, before->second.id));
  } else if (!begins && alert.revision != before->second.revision + 1) {
    world.breach(fmt::format("{}: a change of {} is missing, or there twice", name, alert.id));
  } else if (is_active(alert.stage) == is_active(before->second.stage)) {
    world.breach(fmt::format("{}: {} becomes what it is", name, alert.id));
  }
  last.insert_or_assign(name, alert);
}

void check_end(World& world) {
  const fs::path directory = world.directory / "store";
  std::ostringstream out;
  if (cli::run_verify({.ledger = directory, .all_sealed = true}, out, out) != 0) {
    world.breach("the ledger does not verify: " + out.str());
  }
  const auto damage = store::find_damage(directory);
  if (damage.has_error()) {
    world.breach("the store cannot be opened: " + damage.error().text);
    return;
  }
  for (const std::string& finding : *damage) world.breach("the store is damaged: " + finding);

  Life life(world);
  app::GatewayConfig config = configuration(life);
  config.store.keep_readings = Duration::max();
  store::Journal journal(config.store, config.site);
  if (!journal.status().repaired.empty()) world.breach("it had to be repaired: " + journal.status().repaired);
  const model::Checkpoint checkpoint = journal.checkpoint();
  for (const ports::SinkAccount& account : journal.audit(UINT64_MAX)) {
    if (account.sink != "far") continue;
    if (account.received != account.accounted() || account.pending != 0 || account.missed + account.lost != 0) {
      world.breach(fmt::format("of {} rows {} were accepted, {} refused, {} dropped, {} lost", account.received,
                               account.accepted, account.refused, account.missed, account.lost));
    }
  }

  std::map<std::string, model::Alert> alerts;                              // by rule and subject: the last change
  std::map<std::uint32_t, std::vector<std::pair<Instant, double>>> heard;  // all, by meter
  std::vector<std::optional<double>> first(kMeters);
  std::vector<std::optional<double>> last(kMeters);
  std::vector<std::int64_t> intervals(kMeters);
  std::uint64_t refused = 0;
  const auto rows = journal.peek("audit", 10'000'000);
  world.outcome.rows = rows.size();
  if (rows.size() != journal.status().last_sequence) world.breach("numbers of the journal are missing");
  for (const model::StoredRow& row : rows) {
    const std::string& name = row.series->device.empty() ? row.series->user : row.series->device;
    const auto meter = static_cast<std::size_t>(name.at(1) - '0');
    if (const auto* alert = row.body.get_if<model::Alert>()) {
      ++world.outcome.alerts;
      check_alert(world, *row.series, *alert, alerts);
    } else if (const auto* reading = row.body.get_if<model::JudgedReading>()) {
      ++world.outcome.readings;
      if (!stamp_believed(reading->quality) && reading->quality.rule != model::Rule::future) ++world.outcome.kept_apart;
      heard[static_cast<std::uint32_t>(meter)].emplace_back(reading->at, reading->value);
      if (model::usable(reading->quality)) {
        if (!first[meter]) first[meter] = reading->value;
        last[meter] = reading->value;
      }
    } else if (const auto* interval = row.body.get_if<model::EnergyInterval>()) {
      intervals[meter] += interval->amount.quanta();
    }
    const std::uint64_t digest = FarEnd::digest(row);
    if (FarEnd::refuses(digest)) {
      ++refused;
      continue;
    }
    const auto sent = world.far_end.rows().find(row.sequence);
    if (sent == world.far_end.rows().end()) {
      world.breach(fmt::format("row {} never arrived", row.sequence));
    } else if (sent->second != digest) {
      world.breach(fmt::format("row {} arrived as another one", row.sequence));
    }
  }
  if (world.far_end.rows().size() + refused != rows.size())
    world.breach("the far end has rows that the journal has not");
  const auto cursors = journal.status().cursors;
  {
    store::Database database(directory / store::kDatabaseFile, store::Database::Mode::read_only);
    const auto letters =
        static_cast<std::uint64_t>(database.integer("SELECT count(*) FROM dead_letter WHERE sink = 'far'"));
    if (letters != refused) world.breach(fmt::format("{} rows were refused, {} are dead letters", refused, letters));
  }

  for (const model::Watch& watch : config.site.watches) {
    const auto told =
        alerts.find(watch.rule + " of " +
                    model::subject_name(watch.device, watch.point, watch.user, watch.carrier ? watch.carrier->id : ""));
    const bool fires = told != alerts.end() && is_active(told->second.stage);
    if (fires != checkpoint.alerts.at(model::index(watch.id)).since.has_value()) {
      world.breach("whether " + watch.rule + " fires, rows and state do not agree");
    }
  }

  for (int i = 0; i < kMeters; ++i) {
    const auto meter = static_cast<std::size_t>(i);
    auto& readings = heard[static_cast<std::uint32_t>(i)];
    std::ranges::sort(readings);
    if (i < kMessageMeters) {
      for (const Reading& message : world.queues[meter].messages()) {
        if (!std::ranges::binary_search(readings, std::pair(message.at, message.value))) {
          world.breach(fmt::format("a message of m{} was acknowledged and is not in the journal", i));
        }
      }
    }
    if (!first[meter]) continue;
    // kWh with three decimals; a unit of the account is a milliwatt-hour.
    const auto moved = static_cast<std::int64_t>(std::llround((*last[meter] - *first[meter]) * 1000.0)) * 1000;
    const std::int64_t counted = checkpoint.accounts.at(meter).amount.quanta();
    const auto& open = checkpoint.points.at(meter).open;
    const std::int64_t in_intervals = intervals[meter] + (open ? open->amount.quanta() : 0);
    if (counted != moved && !checkpoint.points.at(meter).counter.pending) {
      world.breach(fmt::format("u{} counts {} mWh where the meter moved {}", i, counted, moved));
    }
    if (in_intervals != counted)
      world.breach(fmt::format("the intervals of m{} are {} mWh, not {}", i, in_intervals, counted));
  }
}

// After a power cut. Some machines have no battery.
void start_machine(World& world) {
  ++world.boot;
  world.booted = world.elapsed;
  world.clock_error = world.chance(10) ? -(kBegin + world.elapsed).time_since_epoch() : world.between(-90s, 90s);
  world.step = 0s;
}

}  // namespace

Outcome simulate(std::uint64_t seed, const fs::path& directory) {
  World world(seed, directory);
  io::jitter_seeds().seed(seed);
  while (world.elapsed < kHorizon && world.outcome.breaches.empty()) {
    ++world.outcome.lives;
    world.clock_error -= std::exchange(world.step, 0s);
    if (world.chance(75)) world.disk.cut_power(1 + world.random() % 3'000);
    Run(world).go(world.between(1s, 45min));
    if (world.disk.is_dead()) {
      ++world.outcome.power_cuts;
      start_machine(world);
    }
    world.disk.restore_power(world.random);
    world.elapsed += world.between(0s, 5min);  // nobody is there
  }
  world.is_quiet = true;
  Run(world).go(15min);
  world.outcome.sectors_lost = world.disk.statistics().sectors_lost;
  world.disk.restore_power(world.random);
  if (world.outcome.breaches.empty()) check_end(world);
  return world.outcome;
}

Outcome simulate_lying_disk(std::uint64_t seed, const fs::path& directory) {
  World world(seed, directory);
  io::jitter_seeds().seed(seed);
  world.is_honest = false;
  for (int life = 0; life < 6 && world.outcome.breaches.empty(); ++life) {
    ++world.outcome.lives;
    world.disk.lie();
    world.disk.cut_power(200 + world.random() % 800);
    Run(world).go(30min);
    if (world.disk.is_dead()) ++world.outcome.power_cuts;
    world.disk.restore_power(world.random);
  }
  world.outcome.sectors_lost = world.disk.statistics().sectors_lost;
  return world.outcome;
}

}  // namespace carbongate::sim

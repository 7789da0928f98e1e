#include "tests/sim/simulator.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
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
#include "gateway/store/salvage.h"
#include "protocols/io/disciplined_clock.h"
#include "protocols/io/event.h"
#include "tests/sim/world.h"
#include "tests/support/fake_clock.h"

namespace carbongate::sim {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr Instant kBegin = Instant(std::chrono::seconds(1'767'225'600));  // 2026-01-01T00:00:00Z
constexpr Duration kHorizon = 4h;
constexpr Duration kLost = -24h * 365;  // a clock that is as far behind was never set
constexpr int kMessageMeters = 2;       // their messages wait for an acknowledgement
constexpr int kPolledMeters = 1;        // is asked, and what nobody asks for is not known
constexpr int kMeters = kMessageMeters + kPolledMeters;

constexpr sinks::Pace kPace{.order = sinks::Order::live_first, .live_after = 200, .backfill_rate = 10};

constexpr const char* kConfig = R"(
site: {{id: sim, timezone: Asia/Shanghai, grid_region: CN-SC}}
brokers: {{plant: {{url: "mqtt://127.0.0.1:1"}}}}
devices:
{}
energy_users:
{}
store: {{path: {}}}
)";

// One seed: the dice, and what outlives the gateway.
struct World {
  World(std::uint64_t seed, fs::path folder)
      : random(seed), directory(std::move(folder)), block_rows(40 + static_cast<std::int64_t>(seed % 200)) {
    for (int i = 0; i < kMeters; ++i) meters.emplace_back(random, kBegin, kHorizon);
    for (int i = 0; i < kMessageMeters; ++i) {
      queues.emplace_back(random, meters[static_cast<std::size_t>(i)], kBegin, kHorizon);
    }
  }

  bool chance(int percent) { return random() % 100 < static_cast<std::uint64_t>(percent); }
  Duration between(Duration from, Duration to) {
    return from + Duration(static_cast<std::int64_t>(random() % static_cast<std::uint64_t>((to - from).count() + 1)));
  }
  void breach(std::string what) {
    if (!what.empty() && outcome.breaches.size() < 20) outcome.breaches.push_back(std::move(what));
  }

  std::mt19937_64 random;
  fs::path directory;
  std::int64_t block_rows;
  LossyDisk disk;
  std::vector<Meter> meters;
  std::vector<MessageQueue> queues;
  FarEnd far_end;
  std::map<std::uint64_t, std::uint64_t> journal;  // digests, as seen by a sink before the last power cut
  Duration elapsed{};                              // true time since kBegin, when this life began
  Duration clock_error{};                          // of the machine's wall clock
  Duration step{};                                 // of it: one that will be taken back...
  Instant step_until{};                            // ...then
  std::uint64_t boot = 1;                          // which run of the machine it is
  Duration booted{};                               // when that began, as `elapsed`
  Instant far_end_down_until{};
  bool is_quiet = false;  // no more faults: everything comes to rest
  bool is_honest = true;  // the disk: what it says it has written is there
  Outcome outcome;
};

// What a life of the gateway shares with the world around it.
struct Life {
  explicit Life(World& of) : world(of), machine(loop.get_executor()) {
    machine.set_machine(of.boot, io::SteadyTime(of.elapsed - of.booted), kBegin + of.elapsed + of.clock_error);
  }
  Instant true_time() const { return kBegin + world.booted + machine.ticks().time_since_epoch(); }
  void set_clock(Duration error) {
    world.clock_error = error;
    machine.set_wall(true_time() + error);
  }
  bool is_dead() const { return world.disk.is_dead(); }

  World& world;
  asio::io_context loop{1};
  testing::FakeClock machine;
  io::DisciplinedClock clock{machine};
};

class MessageDriver final : public Driver {
 public:
  MessageDriver(Life& life, int meter, PointId point) : life_(life), meter_(meter), point_(point) {}

  asio::awaitable<void> run(Inbox& inbox) override {
    MessageQueue& queue = life_.world.queues.at(static_cast<std::size_t>(meter_));
    while (true) {
      const Reading* message = queue.front();
      if (!message || message->at > life_.true_time()) {
        co_await life_.clock.sleep_until(life_.clock.ticks() + 1s);
        continue;
      }
      if (!life_.world.is_quiet && life_.world.chance(2)) {  // the network is away
        const Duration away = life_.world.between(1s, 3min);
        co_await life_.clock.sleep_until(life_.clock.ticks() + away);
      }
      Reading reading = *message;
      reading.point = point_;
      reading.stamped_by = StampedBy::device;
      auto receipt = std::make_shared<std::optional<bool>>();
      auto settled = std::make_shared<io::Event>(life_.loop.get_executor());
      Batch batch{.source = "broker", .received = life_.clock.now(), .readings = {reading}, .settled = {}};
      batch.settled = [receipt, settled](bool committed) {
        *receipt = committed;
        settled->notify_all();
      };
      if (!co_await inbox.push(std::move(batch))) co_return;
      while (!*receipt) co_await settled->wait();
      if (life_.is_dead()) co_return;                                // nobody hears it
      if (!life_.world.is_quiet && life_.world.chance(3)) continue;  // the acknowledgement is lost
      if (**receipt) queue.acknowledge();
    }
  }
  asio::awaitable<std::vector<Reading>> read_once(std::vector<std::string>, Duration) override {
    co_return std::vector<Reading>();
  }
  DriverStatus status() const override { return {.name = "broker", .detail = {}, .devices = {}}; }

 private:
  Life& life_;
  int meter_;
  PointId point_;
};

class PollingDriver final : public Driver {
 public:
  PollingDriver(Life& life, int meter, PointId point) : life_(life), meter_(meter), point_(point) {}

  asio::awaitable<void> run(Inbox& inbox) override {
    while (true) {
      co_await life_.clock.sleep_until(life_.clock.ticks() + 10s);
      if (!life_.world.is_quiet && life_.world.chance(5)) continue;  // no answer
      const double value = life_.world.meters.at(static_cast<std::size_t>(meter_)).kwh_at(life_.true_time());
      Batch batch{.source = "line",
                  .received = life_.clock.now(),
                  .readings = {{.point = point_, .at = life_.clock.now(), .value = value}},
                  .settled = {}};
      if (!co_await inbox.push(std::move(batch))) co_return;
    }
  }
  asio::awaitable<std::vector<Reading>> read_once(std::vector<std::string>, Duration) override {
    co_return std::vector<Reading>();
  }
  DriverStatus status() const override { return {.name = "line", .detail = {}, .devices = {}}; }

 private:
  Life& life_;
  int meter_;
  PointId point_;
};

class SimulatedPlan final : public DevicePlan {
 public:
  SimulatedPlan(Life& life, int meter) : DevicePlan("m" + std::to_string(meter)), life_(life), meter_(meter) {}
  std::string group() const override { return id(); }
  Origin origin(std::size_t, double) const override { return {.where = "a simulation", .decoding = {}, .bytes = {}}; }
  std::unique_ptr<Driver> make() const {
    const PointId point{static_cast<std::uint32_t>(meter_)};
    if (meter_ < kMessageMeters) return std::make_unique<MessageDriver>(life_, meter_, point);
    return std::make_unique<PollingDriver>(life_, meter_, point);
  }

 private:
  Life& life_;
  int meter_;
};

constexpr DriverType kSimulated{
    .name = "simulated",
    .read = nullptr,
    .make = [](std::vector<std::unique_ptr<DevicePlan>> plans, const DriverContext&) -> std::unique_ptr<Driver> {
      return dynamic_cast<SimulatedPlan&>(*plans.front()).make();
    }};

class SimulatedSink final : public ports::Sink {
 public:
  SimulatedSink(Life& life, const ports::Store& store) : life_(life), store_(store) {
    status_.name = "far";
    status_.healthy = true;
  }
  const std::string& name() const override { return status_.name; }
  std::size_t batch_rows() const override { return 200; }
  ports::SinkStatus status() const override { return status_; }

  asio::awaitable<model::Result<ports::Delivery>> deliver(std::span<const model::StoredRow> rows) override {
    World& world = life_.world;
    const ports::Lane lane = lane_of(rows.front().sequence);
    if (world.is_honest) std::ranges::for_each(rows, [this](const model::StoredRow& row) { check(row); });
    co_await life_.clock.sleep_until(life_.clock.ticks() + world.between(1ms, 300ms));
    if (life_.is_dead()) co_return fault("the process is dead");
    if (!world.is_quiet && world.chance(1)) world.far_end_down_until = life_.true_time() + world.between(1s, 90min);
    if (!world.is_quiet && life_.true_time() < world.far_end_down_until) co_return fault("connection refused");
    std::size_t count = rows.size();
    if (!world.is_quiet && world.chance(10)) count = world.random() % rows.size() + 1;  // it takes some of them
    ports::Delivery delivery{rows[count - 1].sequence, {}};
    for (const model::StoredRow& row : rows.first(count)) {
      if (FarEnd::refuses(row)) {
        delivery.rejected.push_back({row.sequence, "refused"});
      } else {
        std::string breach = world.far_end.write(row, lane);
        if (world.is_honest) world.breach(std::move(breach));
      }
    }
    if (!world.is_quiet && world.chance(5)) co_return fault("the answer is lost");
    status_.healthy = true;
    co_return delivery;
  }

 private:
  ports::Lane lane_of(std::uint64_t sequence) {
    const auto cursors = store_.status().cursors;
    const ports::StoreStatus::Cursor& cursor = cursors.front();
    if (!cursor.ahead.empty() && cursor.ahead.back().begun > last_lane_) {
      last_lane_ = cursor.ahead.back().begun;
      ++life_.world.outcome.lanes;
    }
    return !cursor.ahead.empty() && sequence > cursor.live() ? ports::Lane::live : ports::Lane::backlog;
  }

  model::Fault fault(std::string text) {
    ++life_.world.outcome.sink_faults;
    status_.healthy = false;
    return {make_error_code(boost::system::errc::connection_refused), std::move(text)};
  }

  // What is offered was committed: no power cut may take it back, or put another row in its place.
  void check(const model::StoredRow& row) {
    const std::uint64_t digest = FarEnd::digest(row);
    const auto [known, is_new] = life_.world.journal.try_emplace(row.sequence, digest);
    if (!is_new && known->second != digest) {
      life_.world.breach(fmt::format("row {} is another one than before a power cut", row.sequence));
    }
  }

  Life& life_;
  const ports::Store& store_;
  std::uint64_t last_lane_ = 0;
  ports::SinkStatus status_;
};

class SimulatedSinkPlan final : public sinks::SinkPlan {
 public:
  explicit SimulatedSinkPlan(Life& life) : life_(life) {}
  const std::string& name() const override { return name_; }
  sinks::Pace pace() const override { return kPace; }
  std::unique_ptr<ports::Sink> make(const sinks::SinkContext& context) const override {
    return std::make_unique<SimulatedSink>(life_, *context.store);
  }

 private:
  Life& life_;
  std::string name_ = "far";
};

// The journal without the thread that SqliteStore gives it: what happens in which order is up to the seed alone.
class SimulatedStore final : public ports::Store {
 public:
  SimulatedStore(Life& life, std::unique_ptr<store::Journal> journal, fs::path directory)
      : life_(life), journal_(std::move(journal)), directory_(std::move(directory)) {}

  model::Checkpoint checkpoint() override { return journal_->checkpoint(); }
  asio::awaitable<model::Result<void>> commit(model::Effects effects) override {
    return operate<void>([this, effects = std::move(effects)] { journal_->commit(effects); });
  }
  asio::awaitable<model::Result<std::vector<model::StoredRow>>> peek(std::string sink, std::size_t limit) override {
    return operate<std::vector<model::StoredRow>>(
        [this, sink = std::move(sink), limit] { return journal_->peek(sink, limit); });
  }
  asio::awaitable<model::Result<void>> settle(std::string sink, ports::Delivery delivery) override {
    return operate<void>(
        [this, sink = std::move(sink), delivery = std::move(delivery)] { journal_->settle(sink, delivery); });
  }
  asio::awaitable<model::Result<void>> open_live(std::string sink, std::uint64_t rows) override {
    return operate<void>([this, sink = std::move(sink), rows] { journal_->open_live(sink, rows); });
  }
  asio::awaitable<model::Result<std::vector<model::StoredRow>>> peek_live(std::string sink,
                                                                          std::size_t limit) override {
    return operate<std::vector<model::StoredRow>>(
        [this, sink = std::move(sink), limit] { return journal_->peek_live(sink, limit); });
  }
  asio::awaitable<model::Result<std::vector<model::StoredRow>>> readings_before(std::uint64_t before,
                                                                                std::uint64_t rows) override {
    return operate<std::vector<model::StoredRow>>(
        [this, before, rows] { return journal_->readings_before(before, rows); });
  }
  asio::awaitable<model::Result<std::vector<model::StoredRow>>> peek_retries(std::string sink,
                                                                             std::size_t limit) override {
    return operate<std::vector<model::StoredRow>>(
        [this, sink = std::move(sink), limit] { return journal_->peek_retries(sink, limit); });
  }
  asio::awaitable<model::Result<void>> settle_retries(std::string sink, ports::Retried outcome) override {
    return operate<void>(
        [this, sink = std::move(sink), outcome = std::move(outcome)] { journal_->settle_retries(sink, outcome); });
  }
  asio::awaitable<model::Result<void>> seal(Instant at) override {
    return operate<void>([this, at] { journal_->seal(at); });
  }
  asio::awaitable<model::Result<std::vector<ports::SinkAccount>>> audit(std::uint64_t count_max) override {
    return operate<std::vector<ports::SinkAccount>>([this, count_max] { return journal_->audit(count_max); });
  }
  ports::StoreStatus status() const override {
    ports::StoreStatus status = journal_->status();
    status.damage = damage_;
    return status;
  }

 private:
  template <class Value, class Work>
  asio::awaitable<model::Result<Value>> operate(Work work) {
    co_await asio::post(asio::use_awaitable);
    if (life_.is_dead()) co_return dead();
    model::Result<Value> result = store::guarded(directory_, work);
    if (life_.is_dead()) co_return dead();  // it died on the way: nobody hears what came of it
    if (result.has_error()) {
      ++life_.world.outcome.disk_faults;
      if (result.error().code == make_error_code(boost::system::errc::bad_message)) {
        damage_ = result.error().text;
        store::mark_damaged(directory_, damage_);
      }
    }
    co_return result;
  }
  static model::Fault dead() { return {make_error_code(boost::system::errc::io_error), "the process is dead"}; }

  Life& life_;
  std::unique_ptr<store::Journal> journal_;
  fs::path directory_;
  std::string damage_;
};

app::GatewayConfig configuration(Life& life) {
  World& world = life.world;
  std::string devices;
  std::string users;
  for (int i = 0; i < kMeters; ++i) {
    devices += fmt::format(
        "  - {{id: m{0}, driver: mqtt, broker: plant, topic: m{0}, points: [{{name: energy, json: /e, unit: kWh, kind: "
        "cumulative, power_max: 10 MW}}]}}\n",
        i);
    users += fmt::format("  - {{id: u{0}, consumes: [{{carrier: electricity, from: m{0}.energy}}]}}\n", i);
  }
  const fs::path file = world.directory / "site.yaml";
  std::ofstream(file) << fmt::format(kConfig, devices, users, (world.directory / "store").string());
  config::Problems problems;
  app::GatewayConfig config = app::load_config(file, problems, kBegin);
  if (problems.has_errors()) throw std::logic_error(problems.to_text());
  for (int i = 0; i < kMeters; ++i) {
    config.devices[static_cast<std::size_t>(i)] = {&kSimulated, std::make_unique<SimulatedPlan>(life, i)};
  }
  config.sinks.push_back(std::make_unique<SimulatedSinkPlan>(life));
  config.corrections_quiet = 24h * 365;        // its worker thread has a clock of its own
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
    auto store = std::make_unique<SimulatedStore>(life_, std::move(journal), where.path);
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

  std::map<std::uint32_t, std::vector<std::pair<Instant, double>>> heard;  // all, by meter
  std::vector<std::optional<double>> first(kMeters);
  std::vector<std::optional<double>> last(kMeters);
  std::vector<std::int64_t> intervals(kMeters);
  std::uint64_t refused = 0;
  const auto rows = journal.peek("audit", 10'000'000);
  world.outcome.rows = rows.size();
  if (rows.size() != journal.status().last_sequence) world.breach("numbers of the journal are missing");
  for (const model::StoredRow& row : rows) {
    const auto meter = static_cast<std::size_t>(row.series->device.at(1) - '0');
    if (const auto* reading = row.body.get_if<model::JudgedReading>()) {
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
    if (FarEnd::refuses(row)) {
      ++refused;
      continue;
    }
    const auto sent = world.far_end.rows().find(row.sequence);
    if (sent == world.far_end.rows().end()) {
      world.breach(fmt::format("row {} never arrived", row.sequence));
    } else if (sent->second != FarEnd::digest(row)) {
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
    if (counted != moved && !checkpoint.points.at(meter).pending) {
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

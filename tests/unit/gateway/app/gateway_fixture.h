// The real gateway on a clock, a store and sinks in memory, with drivers that follow a script.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gateway/app/gateway.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_sink.h"
#include "tests/support/fake_store.h"

namespace carbongate::app {

namespace asio = boost::asio;
using namespace std::chrono_literals;

using Script = std::function<asio::awaitable<void>(Inbox&)>;
using Reports = std::function<void(DriverStatus&)>;

class ScriptedDriver final : public Driver {
 public:
  explicit ScriptedDriver(Script script, Reports reports) : script_(std::move(script)), reports_(std::move(reports)) {}

  asio::awaitable<void> run(Inbox& inbox) override { co_await script_(inbox); }
  asio::awaitable<std::vector<Reading>> read_once(std::vector<std::string>, Duration) override {
    co_return std::vector<Reading>();
  }
  DriverStatus status() const override {
    DriverStatus status;
    status.name = "scripted";
    if (reports_) reports_(status);
    return status;
  }

 private:
  Script script_;
  Reports reports_;
};

class ScriptedPlan final : public DevicePlan {
 public:
  ScriptedPlan(std::string id, Script does) : DevicePlan(std::move(id)), script(std::move(does)) {}
  std::string group() const override { return id(); }
  Origin origin(std::size_t, double) const override { return {.where = "a script", .decoding = {}, .bytes = {}}; }

  Script script;
  Reports reports;
};

inline constexpr DriverType kScripted{
    .name = "scripted",
    .read = nullptr,
    .make = [](std::vector<std::unique_ptr<DevicePlan>> plans, const DriverContext&) -> std::unique_ptr<Driver> {
      auto& plan = dynamic_cast<ScriptedPlan&>(*plans.front());
      return std::make_unique<ScriptedDriver>(std::move(plan.script), std::move(plan.reports));
    }};

class FakeSinkPlan final : public sinks::SinkPlan {
 public:
  FakeSinkPlan(std::string name, testing::FakeSink*& made) : name_(std::move(name)), made_(made) {}
  const std::string& name() const override { return name_; }
  std::unique_ptr<ports::Sink> make(const sinks::SinkContext&) const override {
    auto sink = std::make_unique<testing::FakeSink>(name_);
    made_ = sink.get();
    return sink;
  }

 private:
  std::string name_;
  testing::FakeSink*& made_;
};

// The values of the readings among the rows: what a test recognises its batches by.
inline std::vector<double> values_of(const model::Effects& effects) {
  std::vector<double> values;
  for (const model::JournalRow& row : effects.rows) {
    if (const auto* reading = row.body.get_if<model::JudgedReading>()) values.push_back(reading->value);
  }
  return values;
}

// What a test sees of the store, and does to it. Outlives the store.
struct StoreScript {
  std::function<bool(const model::Effects&)> fails = [](const model::Effects&) { return false; };
  struct Attempt {
    io::SteadyTime at{};
    std::vector<double> values;
    std::size_t rows = 0;
  };
  std::vector<Attempt> attempts;
  std::string damage;
  std::vector<ports::SinkAccount> accounts;
  std::uint64_t thinned = 0;
  std::vector<ports::StoreStatus::Cursor> cursors;  // beside those of the store
};

// A FakeStore whose commits fail when the test says so, and whose peeks and settles do not.
class ScriptedStore final : public ports::Store {
 public:
  ScriptedStore(testing::FakeDisk& disk, const model::Site& site, StoreScript& script, const io::Clock& clock)
      : store_(disk, site), script_(script), clock_(clock) {}

  model::Checkpoint checkpoint() override { return store_.checkpoint(); }
  asio::awaitable<model::Result<void>> commit(model::Effects effects) override {
    script_.attempts.push_back({clock_.ticks(), values_of(effects), effects.rows.size()});
    co_await asio::post(asio::use_awaitable);
    if (script_.fails(effects)) {
      co_return model::Fault{make_error_code(boost::system::errc::no_space_on_device), "disk full"};
    }
    co_return co_await store_.commit(std::move(effects));
  }
  asio::awaitable<model::Result<std::vector<model::StoredRow>>> peek(std::string sink, std::size_t limit) override {
    return store_.peek(std::move(sink), limit);
  }
  asio::awaitable<model::Result<void>> settle(std::string sink, ports::Delivery delivery) override {
    return store_.settle(std::move(sink), std::move(delivery));
  }
  asio::awaitable<model::Result<void>> open_live(std::string sink, std::uint64_t rows) override {
    return store_.open_live(std::move(sink), rows);
  }
  asio::awaitable<model::Result<std::vector<model::StoredRow>>> peek_live(std::string sink,
                                                                          std::size_t limit) override {
    return store_.peek_live(std::move(sink), limit);
  }
  asio::awaitable<model::Result<std::vector<model::StoredRow>>> readings_before(std::uint64_t before,
                                                                                std::uint64_t rows) override {
    return store_.readings_before(before, rows);
  }
  asio::awaitable<model::Result<std::vector<model::StoredRow>>> peek_retries(std::string sink,
                                                                             std::size_t limit) override {
    return store_.peek_retries(std::move(sink), limit);
  }
  asio::awaitable<model::Result<void>> settle_retries(std::string sink, ports::Retried outcome) override {
    return store_.settle_retries(std::move(sink), std::move(outcome));
  }
  asio::awaitable<model::Result<void>> keep(std::string sink, std::string name, std::string value) override {
    return store_.keep(std::move(sink), std::move(name), std::move(value));
  }
  asio::awaitable<model::Result<std::optional<std::string>>> kept(std::string sink, std::string name) override {
    return store_.kept(std::move(sink), std::move(name));
  }
  asio::awaitable<model::Result<std::vector<model::StoredRow>>> reports(ports::ReportQuery query) override {
    return store_.reports(std::move(query));
  }
  asio::awaitable<model::Result<void>> seal(Instant at) override { return store_.seal(at); }
  asio::awaitable<model::Result<std::vector<ports::SinkAccount>>> audit(std::uint64_t) override {
    co_return script_.accounts;
  }
  ports::StoreStatus status() const override {
    ports::StoreStatus status = store_.status();
    status.damage = script_.damage;
    status.rows_thinned = script_.thinned;
    status.cursors.insert(status.cursors.end(), script_.cursors.begin(), script_.cursors.end());
    return status;
  }

 private:
  testing::FakeStore store_;
  StoreScript& script_;
  const io::Clock& clock_;
};

class GatewayTest : public ::testing::Test {
 protected:
  GatewayTest() {
    site_.id = "edz-1";
    site_.time_zone = "UTC";
    add_point("voltage", Kind::instantaneous, "V");
  }

  ~GatewayTest() override {
    if (!gateway_) return;
    gateway_->stop();
    pass(6s);
    EXPECT_TRUE(ended_) << "run() did not complete";
  }

  PointId add_point(std::string name, Kind kind, std::string_view unit) {
    const auto id = static_cast<PointId>(site_.points.size());
    Point point;
    point.id = id;
    point.device = "meter";
    point.name = std::move(name);
    point.kind = kind;
    point.unit = find_unit(unit).value();
    site_.points.push_back(std::move(point));
    return id;
  }

  PointId add_metered_user(std::string user) {
    const PointId point = add_point(user + "_energy", Kind::cumulative, "kWh");
    model::Account account;
    account.id = static_cast<model::AccountId>(site_.accounts.size());
    account.user = std::move(user);
    account.carrier = model::find_carrier("electricity");
    account.source = point;
    site_.accounts.push_back(std::move(account));
    return point;
  }

  void add_driver(Script script, Reports reports = {}) {
    auto plan = std::make_unique<ScriptedPlan>("device-" + std::to_string(config_.devices.size()), std::move(script));
    plan->reports = std::move(reports);
    config_.devices.push_back({&kScripted, std::move(plan)});
  }
  void add_sink(std::string name, testing::FakeSink*& made) {
    config_.sinks.push_back(std::make_unique<FakeSinkPlan>(std::move(name), made));
  }

  void make() { make_over(std::make_unique<ScriptedStore>(disk_, site_, store_, clock_)); }
  void make_over(std::unique_ptr<ports::Store> store) {
    config_.site = site_;
    config::Problems problems;
    config_.factors =
        pipeline::FactorRegistry::load(config::DataFiles("."), std::vector<std::string>{}, site_.time_zone, problems);
    gateway_ = std::make_unique<Gateway>(std::move(config_), std::move(store), loop_.get_executor(), *gateway_clock_,
                                         [this] { return memory_; });
  }
  void run() {
    asio::co_spawn(loop_, gateway_->run([this] { ready_ = true; }), [this](std::exception_ptr error) {
      ended_ = clock_.ticks();
      failure_ = error;
    });
    poll();
  }
  void start() {
    make();
    run();
  }

  // Not run(): an Event is a timer that never expires, and run() would wait for it.
  void poll() {
    loop_.restart();
    loop_.poll();
  }
  // Lets time pass as it does outside: every sleeper wakes at its own time.
  void pass(std::chrono::milliseconds time) {
    const io::SteadyTime until = clock_.ticks() + time;
    poll();
    while (clock_.ticks() < until) {
      const io::SteadyTime next = std::min(until, clock_.next_deadline().value_or(until));
      clock_.advance(std::max<std::chrono::milliseconds>(next - clock_.ticks(), 1ms));
      poll();
    }
  }
  // How long after stop() run() completed.
  std::chrono::milliseconds stop() {
    const io::SteadyTime since = clock_.ticks();
    gateway_->stop();
    pass(5s);
    EXPECT_TRUE(ended_) << "run() did not complete within 5 s";
    return ended_.value_or(clock_.ticks()) - since;
  }

  // One batch of `count` readings of the voltage; its receipt goes to `settled_`.
  Batch batch(double value, std::size_t count = 1) { return batch_of(PointId{0}, value, count); }
  Batch batch_of(PointId point, double value, std::size_t count = 1) {
    return {.source = "scripted",
            .received = clock_.now(),
            .readings = std::vector<Reading>(count, Reading{.point = point, .at = clock_.now(), .value = value}),
            .settled = [this, value](bool committed) { settled_.emplace_back(value, committed); }};
  }
  asio::awaitable<void> until_cancelled() { co_await clock_.sleep_until(clock_.ticks() + 24h * 365); }

  std::vector<double> values_on_disk() const {
    std::vector<double> values;
    for (const model::StoredRow& row : disk_.rows) {
      if (const auto* reading = row.body.get_if<model::JudgedReading>()) values.push_back(reading->value);
    }
    return values;
  }

  using Settled = std::pair<double, bool>;

  asio::io_context loop_{1};
  testing::FakeClock clock_{loop_.get_executor()};
  io::Clock* gateway_clock_ = &clock_;
  std::uint64_t memory_ = 50ull << 20;  // bytes in use, as the gateway sees it
  model::Site site_;
  GatewayConfig config_;
  testing::FakeDisk disk_;
  StoreScript store_;
  std::vector<Settled> settled_;  // value of a batch's readings, and what its receipt said
  bool ready_ = false;
  std::optional<io::SteadyTime> ended_;
  std::exception_ptr failure_;
  std::unique_ptr<Gateway> gateway_;
};

}  // namespace carbongate::app

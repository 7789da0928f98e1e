#include "gateway/app/gateway.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <optional>
#include <stdexcept>

#include "tests/support/fake_clock.h"
#include "tests/support/fake_sink.h"
#include "tests/support/fake_store.h"

namespace carbongate::app {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using Script = std::function<asio::awaitable<void>(Inbox&)>;

class ScriptedDriver final : public Driver {
 public:
  explicit ScriptedDriver(Script script) : script_(std::move(script)) {}

  asio::awaitable<void> run(Inbox& inbox) override { co_await script_(inbox); }
  asio::awaitable<std::vector<Reading>> read_once(std::vector<std::string>, Duration) override {
    co_return std::vector<Reading>();
  }
  DriverStatus status() const override {
    DriverStatus status;
    status.name = "scripted";
    return status;
  }

 private:
  Script script_;
};

class ScriptedPlan final : public DevicePlan {
 public:
  ScriptedPlan(std::string id, Script does) : DevicePlan(std::move(id)), script(std::move(does)) {}
  std::string group() const override { return id(); }

  Script script;
};

constexpr DriverType kScripted{
    .name = "scripted",
    .read = nullptr,
    .make = [](std::vector<std::unique_ptr<DevicePlan>> plans, const DriverContext&) -> std::unique_ptr<Driver> {
      return std::make_unique<ScriptedDriver>(std::move(dynamic_cast<ScriptedPlan&>(*plans.front()).script));
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
std::vector<double> values_of(const model::Effects& effects) {
  std::vector<double> values;
  for (const model::JournalRow& row : effects.rows) {
    if (const auto* reading = std::get_if<model::JudgedReading>(&row.body)) values.push_back(reading->value);
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
  ports::StoreStatus status() const override { return store_.status(); }

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

  void add_driver(Script script) {
    config_.devices.push_back({&kScripted, std::make_unique<ScriptedPlan>(
                                               "device-" + std::to_string(config_.devices.size()), std::move(script))});
  }
  void add_sink(std::string name, testing::FakeSink*& made) {
    config_.sinks.push_back(std::make_unique<FakeSinkPlan>(std::move(name), made));
  }

  void make() {
    config_.site = site_;
    config::Problems problems;
    config_.factors =
        pipeline::FactorRegistry::load(config::DataFiles("."), std::vector<std::string>{}, site_.time_zone, problems);
    auto store = std::make_unique<ScriptedStore>(disk_, site_, store_, clock_);
    gateway_ = std::make_unique<Gateway>(std::move(config_), std::move(store), loop_.get_executor(), clock_);
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
      if (const auto* reading = std::get_if<model::JudgedReading>(&row.body)) values.push_back(reading->value);
    }
    return values;
  }

  using Settled = std::pair<double, bool>;

  asio::io_context loop_{1};
  testing::FakeClock clock_{loop_.get_executor()};
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

const auto kAlways = [](const model::Effects&) { return true; };
const auto kNever = [](const model::Effects&) { return false; };

TEST_F(GatewayTest, CommitsReadingsAndThenSettlesTheirReceipts) {
  add_driver([this](Inbox& inbox) -> asio::awaitable<void> {
    EXPECT_TRUE(co_await inbox.push(batch(230)));
    EXPECT_TRUE(co_await inbox.push(batch(231)));
    EXPECT_THAT(settled_, IsEmpty());
    co_await until_cancelled();
  });
  start();
  EXPECT_TRUE(ready_);
  EXPECT_THAT(values_on_disk(), ElementsAre(230, 231));
  EXPECT_THAT(settled_, ElementsAre(Settled(230, true), Settled(231, true)));
  EXPECT_EQ(gateway_->status().readings, 2U);
  EXPECT_EQ(gateway_->status().inbox_readings, 0U);
}

TEST_F(GatewayTest, SettlesAnEmptyBatchAtOnce) {
  add_driver([this](Inbox& inbox) -> asio::awaitable<void> {
    EXPECT_TRUE(co_await inbox.push(batch(1, 0)));
    EXPECT_THAT(settled_, ElementsAre(Settled(1, true)));
    co_await until_cancelled();
  });
  start();
  EXPECT_THAT(store_.attempts, IsEmpty());
}

TEST_F(GatewayTest, TriesAFailedCommitAgainWithTheSameRowsAndLongerPauses) {
  store_.fails = kAlways;
  add_driver([this](Inbox& inbox) -> asio::awaitable<void> {
    EXPECT_TRUE(co_await inbox.push(batch(230)));
    co_await until_cancelled();
  });
  start();
  EXPECT_EQ(gateway_->status().store_trouble, "disk full");
  pass(1min);
  EXPECT_THAT(settled_, IsEmpty());
  EXPECT_THAT(disk_.rows, IsEmpty());
  // Exponential from 100 ms to 5 s, less up to half, rounded up to the 100 ms in which it looks for a stop.
  ASSERT_GT(store_.attempts.size(), 10U);
  EXPECT_LT(store_.attempts.size(), 30U);
  EXPECT_LE(store_.attempts[1].at - store_.attempts[0].at, 100ms);
  for (std::size_t i = 8; i < store_.attempts.size(); ++i) {
    EXPECT_GE(store_.attempts[i].at - store_.attempts[i - 1].at, 2500ms);
    EXPECT_LE(store_.attempts[i].at - store_.attempts[i - 1].at, 5s);
  }
  const std::size_t failed = store_.attempts.size();
  EXPECT_EQ(gateway_->status().commit_retries, failed);

  store_.fails = kNever;
  pass(5s);
  ASSERT_THAT(store_.attempts, SizeIs(failed + 1));
  for (const StoreScript::Attempt& attempt : store_.attempts) EXPECT_THAT(attempt.values, ElementsAre(230));
  EXPECT_THAT(values_on_disk(), ElementsAre(230));
  EXPECT_THAT(settled_, ElementsAre(Settled(230, true)));
  EXPECT_EQ(gateway_->status().store_trouble, "");
}

TEST_F(GatewayTest, MakesDriversWaitWhileTheStoreFails) {
  constexpr std::size_t kBatch = Gateway::kInboxReadings / 10;
  store_.fails = kAlways;
  std::size_t pushed = 0;
  add_driver([&](Inbox& inbox) -> asio::awaitable<void> {
    EXPECT_TRUE(co_await inbox.push(batch(0)));
    co_await clock_.sleep_until(clock_.ticks() + 1ms);  // the commit of the first begins
    while (pushed < 12) EXPECT_TRUE(co_await inbox.push(batch(double(++pushed), kBatch)));
    co_await until_cancelled();
  });
  start();
  pass(10s);
  EXPECT_EQ(pushed, 11U) << "the eleventh waits";
  EXPECT_EQ(gateway_->status().inbox_readings, Gateway::kInboxReadings);
  EXPECT_EQ(gateway_->status().inbox_waits, 1U);
  EXPECT_THAT(settled_, IsEmpty());

  store_.fails = kNever;
  pass(5s);
  EXPECT_EQ(pushed, 12U);
  EXPECT_EQ(gateway_->status().inbox_readings, 0U);
  ASSERT_THAT(settled_, SizeIs(13));
  for (std::size_t i = 0; i < settled_.size(); ++i) EXPECT_EQ(settled_[i], Settled(double(i), true));
  EXPECT_THAT(disk_.rows, SizeIs(1 + 12 * kBatch));
}

TEST_F(GatewayTest, TellsSourcesOfEverythingThatCanNoLongerBeCommitted) {
  // Only the first batch cannot be written: the store "recovers" when that one has been given up.
  store_.fails = [](const model::Effects& effects) { return values_of(effects).front() == 1; };
  add_driver([this](Inbox& inbox) -> asio::awaitable<void> {
    EXPECT_TRUE(co_await inbox.push(batch(1)));
    co_await clock_.sleep_until(clock_.ticks() + 1ms);
    EXPECT_TRUE(co_await inbox.push(batch(2)));
    EXPECT_TRUE(co_await inbox.push(batch(3)));
    co_await until_cancelled();
  });
  start();
  pass(1s);
  EXPECT_THAT(settled_, IsEmpty());
  EXPECT_LT(stop(), 1s);
  EXPECT_THAT(settled_, ElementsAre(Settled(1, false), Settled(2, false), Settled(3, false)));
  for (const StoreScript::Attempt& attempt : store_.attempts) EXPECT_THAT(attempt.values, ElementsAre(1));
  EXPECT_THAT(disk_.rows, IsEmpty());
  EXPECT_FALSE(failure_);
}

TEST_F(GatewayTest, CommitsWhatWaitsWhenItIsStopped) {
  store_.fails = kAlways;
  add_driver([this](Inbox& inbox) -> asio::awaitable<void> {
    EXPECT_TRUE(co_await inbox.push(batch(1)));
    co_await clock_.sleep_until(clock_.ticks() + 1ms);
    EXPECT_TRUE(co_await inbox.push(batch(2)));
    co_await until_cancelled();
  });
  start();
  pass(1s);
  store_.fails = kNever;
  stop();
  EXPECT_THAT(settled_, ElementsAre(Settled(1, true), Settled(2, true)));
  EXPECT_THAT(values_on_disk(), ElementsAre(1, 2));
}

TEST_F(GatewayTest, SettlesABatchThatWaitedForRoomWhenItWasStopped) {
  store_.fails = kAlways;
  add_driver([this](Inbox& inbox) -> asio::awaitable<void> {
    EXPECT_TRUE(co_await inbox.push(batch(1)));
    co_await clock_.sleep_until(clock_.ticks() + 1ms);
    EXPECT_TRUE(co_await inbox.push(batch(2, Gateway::kInboxReadings)));
    co_await inbox.push(batch(3));
  });
  start();
  pass(1s);
  stop();
  EXPECT_THAT(settled_, ::testing::UnorderedElementsAre(Settled(1, false), Settled(2, false), Settled(3, false)));
}

TEST_F(GatewayTest, StartsADriverThatThrewAgainAfterAPause) {
  int runs = 0;
  add_driver([&](Inbox& inbox) -> asio::awaitable<void> {
    EXPECT_TRUE(co_await inbox.push(batch(++runs)));
    if (runs <= 2) throw std::runtime_error("index out of range");
    co_await until_cancelled();
  });
  int others = 0;
  add_driver([&](Inbox&) -> asio::awaitable<void> {
    ++others;
    co_await until_cancelled();
  });
  start();
  pass(499ms);
  EXPECT_EQ(runs, 1);
  pass(501ms);
  EXPECT_EQ(runs, 2);
  pass(2s);
  EXPECT_EQ(runs, 3);
  EXPECT_EQ(others, 1);
  EXPECT_THAT(settled_, ElementsAre(Settled(1, true), Settled(2, true), Settled(3, true)));
  EXPECT_LT(stop(), 100ms);
  EXPECT_EQ(runs, 3);
  EXPECT_FALSE(failure_);
}

TEST_F(GatewayTest, CanStopADriverThatHadSwitchedCancellationOffBeforeItThrew) {
  int runs = 0;
  add_driver([&](Inbox&) -> asio::awaitable<void> {
    if (++runs == 1) {
      co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
      throw std::runtime_error("while shutting down");
    }
    co_await until_cancelled();
  });
  start();
  pass(1s);
  EXPECT_EQ(runs, 2);
  EXPECT_LT(stop(), 100ms);
}

TEST_F(GatewayTest, CanStopInThePauseOfADriverThatThrew) {
  int runs = 0;
  add_driver([&](Inbox&) -> asio::awaitable<void> {
    ++runs;
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    throw std::runtime_error("at once");
  });
  start();
  pass(100ms);
  EXPECT_LT(stop(), 100ms);
  EXPECT_EQ(runs, 1);
}

TEST_F(GatewayTest, DoesNotStartADriverAgainThatThrowsWhileStopping) {
  int runs = 0;
  add_driver([&](Inbox&) -> asio::awaitable<void> {
    ++runs;
    try {
      co_await until_cancelled();
    } catch (const boost::system::system_error&) {
    }
    throw std::runtime_error("could not say goodbye");
  });
  start();
  EXPECT_LT(stop(), 100ms);
  EXPECT_EQ(runs, 1);
  EXPECT_FALSE(failure_);
}

TEST_F(GatewayTest, CommitsTheLastWordsOfADriver) {
  add_driver([&](Inbox& inbox) -> asio::awaitable<void> {
    try {
      co_await until_cancelled();
    } catch (const boost::system::system_error&) {
    }
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    co_await clock_.sleep_until(clock_.ticks() + 1s);
    EXPECT_TRUE(co_await inbox.push(batch(7)));
  });
  start();
  EXPECT_THAT(stop(), ::testing::AllOf(::testing::Ge(1s), ::testing::Lt(1100ms)));
  EXPECT_THAT(settled_, ElementsAre(Settled(7, true)));
}

TEST_F(GatewayTest, LeavesADriverThatDoesNotEnd) {
  bool gone = false;
  add_driver([&](Inbox& inbox) -> asio::awaitable<void> {
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    co_await clock_.sleep_until(clock_.ticks() + 1min);
    EXPECT_FALSE(co_await inbox.push(batch(1)));
    gone = true;
  });
  start();
  const auto lasted = stop();
  EXPECT_GE(lasted, Gateway::kDriversStopWithin);
  EXPECT_LT(lasted, Gateway::kDriversStopWithin + 100ms);
  EXPECT_FALSE(gone);
  EXPECT_FALSE(failure_);

  pass(1min);  // what it brings afterwards is refused
  EXPECT_TRUE(gone);
  EXPECT_THAT(settled_, ElementsAre(Settled(1, false)));
}

TEST_F(GatewayTest, GivesSinksWhatIsInTheJournalBeforeItEnds) {
  testing::FakeSink* sink = nullptr;
  add_sink("tsdb", sink);
  add_driver([this](Inbox& inbox) -> asio::awaitable<void> {
    EXPECT_TRUE(co_await inbox.push(batch(1, 250)));
    co_await until_cancelled();
  });
  start();
  EXPECT_THAT(sink->accepted(), IsEmpty()) << "it gathers first";
  EXPECT_LT(stop(), 500ms);
  EXPECT_THAT(sink->accepted(), SizeIs(250));
  EXPECT_EQ(disk_.cursors["tsdb"].settled, 250U);
}

TEST_F(GatewayTest, DoesNotWaitForASinkOutOfReach) {
  testing::FakeSink* near = nullptr;
  testing::FakeSink* far = nullptr;
  add_sink("near", near);
  add_sink("far", far);
  add_driver([this](Inbox& inbox) -> asio::awaitable<void> {
    EXPECT_TRUE(co_await inbox.push(batch(1)));
    co_await until_cancelled();
  });
  make();
  for (int i = 0; i < 100; ++i) far->fail_next("connection refused");
  run();
  pass(10s);
  EXPECT_LT(stop(), 100ms);
  EXPECT_THAT(near->accepted(), SizeIs(1));
  EXPECT_THAT(far->accepted(), IsEmpty());
  EXPECT_EQ(disk_.cursors["far"].settled, 0U) << "it waits in the journal for the next start";
}

TEST_F(GatewayTest, CommitsALongGapInSlices) {
  constexpr std::size_t kMeters = 12;
  std::vector<PointId> meters;
  for (std::size_t i = 0; i < kMeters; ++i) meters.push_back(add_metered_user("user-" + std::to_string(i)));
  add_driver([&](Inbox& inbox) -> asio::awaitable<void> {
    for (const PointId meter : meters) EXPECT_TRUE(co_await inbox.push(batch_of(meter, 1000)));
    co_await clock_.sleep_until(clock_.ticks() + 24h * 30);
    for (const PointId meter : meters) EXPECT_TRUE(co_await inbox.push(batch_of(meter, 1400)));
    co_await until_cancelled();
  });
  start();
  EXPECT_THAT(store_.attempts, SizeIs(1)) << "no gap, one commit";
  clock_.advance(24h * 30);
  poll();
  ASSERT_THAT(settled_, SizeIs(2 * kMeters));
  std::size_t rows = 0;
  for (const StoreScript::Attempt& attempt : store_.attempts) {
    EXPECT_LE(attempt.rows, Gateway::kRowsPerCommit);
    rows += attempt.rows;
  }
  EXPECT_GT(rows, 2 * Gateway::kRowsPerCommit);
  EXPECT_LE(store_.attempts.size(), 5U) << "slices are filled";
  EXPECT_EQ(rows, disk_.rows.size());
}

TEST_F(GatewayTest, CommitsManyReadingsWithoutAGapAtOnce) {
  const PointId meter = add_metered_user("press-shop");
  add_driver([&](Inbox& inbox) -> asio::awaitable<void> {
    EXPECT_TRUE(co_await inbox.push(batch_of(meter, 1000)));
    co_await clock_.sleep_until(clock_.ticks() + 1s);
    for (int i = 0; i < 2'000; ++i) EXPECT_TRUE(co_await inbox.push(batch_of(meter, 1000)));
    co_await until_cancelled();
  });
  start();
  pass(1s);
  EXPECT_THAT(settled_, SizeIs(2'001));
  EXPECT_THAT(store_.attempts, SizeIs(2)) << "one fsync for all of it";
}

TEST_F(GatewayTest, EndsInOrderWhenTheStoreThrows) {
  store_.fails = [](const model::Effects&) -> bool { throw std::logic_error("no such point"); };
  add_driver([this](Inbox& inbox) -> asio::awaitable<void> {
    EXPECT_TRUE(co_await inbox.push(batch(1)));
    EXPECT_TRUE(co_await inbox.push(batch(2)));
    co_await until_cancelled();
  });
  start();
  pass(100ms);
  ASSERT_TRUE(ended_);
  ASSERT_TRUE(failure_);
  EXPECT_THROW(std::rethrow_exception(failure_), std::logic_error);
  EXPECT_THAT(disk_.rows, IsEmpty());
  EXPECT_THAT(settled_, ElementsAre(Settled(1, false), Settled(2, false)));
}

TEST_F(GatewayTest, EndsAtOnceWhenItWasStoppedBeforeItRan) {
  add_driver([this](Inbox&) -> asio::awaitable<void> { co_await until_cancelled(); });
  make();
  gateway_->stop();
  run();
  EXPECT_TRUE(ready_);
  pass(10ms);
  EXPECT_TRUE(ended_);
}

}  // namespace
}  // namespace carbongate::app

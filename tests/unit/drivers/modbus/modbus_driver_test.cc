#include "drivers/modbus/modbus_driver.h"

#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <sstream>

#include "protocols/io/event.h"
#include "protocols/io/task_group.h"
#include "tests/support/fake_clock.h"

namespace carbongate::modbus_driver {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using modbus::Bytes;

// A connection to units that answer every register with its own address, as long as they are there.
class ScriptedTransport final : public modbus::ByteTransport {
 public:
  explicit ScriptedTransport(asio::any_io_executor executor) : arrived_(executor) {}

  asio::awaitable<modbus::Opened> open() override {
    ++opens;
    if (hangs) {
      interrupted_ = false;
      while (!interrupted_) co_await arrived_.wait();
      co_return modbus::Opened{asio::error::operation_aborted, ""};
    }
    if (!reachable) co_return modbus::Opened{asio::error::connection_refused, "Connection refused"};
    is_open = true;
    incoming_.clear();
    co_return modbus::Opened{};
  }

  asio::awaitable<boost::system::error_code> write(std::span<const std::byte> bytes) override {
    ++writes;
    const auto frame = **modbus::decode_tcp(bytes);
    const auto request = std::get<modbus::ReadRequest>(*modbus::parse_request(frame.pdu));
    if (std::ranges::find(silent_units, frame.unit) != silent_units.end()) co_return boost::system::error_code();
    wire::ByteWriter pdu(modbus::kPduBytesMax);
    pdu.u8(static_cast<std::uint8_t>(request.function)).u8(static_cast<std::uint8_t>(request.count * 2));
    for (unsigned i = 0; i < request.count; ++i) pdu.u16(static_cast<std::uint16_t>(request.address + i));
    const Bytes answer = modbus::encode_tcp(frame.transaction, frame.unit, pdu.written());
    incoming_.insert(incoming_.end(), answer.begin(), answer.end());
    co_return boost::system::error_code();
  }

  asio::awaitable<Received> read_some(std::span<std::byte> buffer) override {
    interrupted_ = false;
    while (incoming_.empty() && !interrupted_ && is_open) co_await arrived_.wait();
    if (!is_open) co_return Received{asio::error::eof, 0};
    if (incoming_.empty()) co_return Received{asio::error::operation_aborted, 0};
    const std::size_t count = std::min({buffer.size(), incoming_.size(), std::size_t{5}});  // in pieces
    std::copy_n(incoming_.begin(), count, buffer.begin());
    incoming_.erase(incoming_.begin(), incoming_.begin() + static_cast<std::ptrdiff_t>(count));
    co_return Received{{}, count};
  }

  void interrupt() override {
    interrupted_ = true;
    arrived_.notify_all();
  }

  void close() override { is_open = false; }

  void hang_up() {
    is_open = false;
    arrived_.notify_all();
  }

  bool reachable = true;
  bool hangs = false;
  bool is_open = false;
  int opens = 0;
  int writes = 0;
  std::vector<std::uint8_t> silent_units;

 private:
  io::Event arrived_;
  Bytes incoming_;
  bool interrupted_ = false;
};

class KeepingInbox final : public Inbox {
 public:
  asio::awaitable<bool> push(Batch batch) override {
    if (closed) co_return false;
    batches.push_back(std::move(batch));
    co_return true;
  }
  std::vector<Batch> batches;
  bool closed = false;
};

class ModbusDriverTest : public ::testing::Test {
 protected:
  ModbusDriverTest() {
    auto sink = std::make_shared<spdlog::sinks::ostream_sink_mt>(log_);
    auto logger = std::make_shared<spdlog::logger>("test", sink);
    logger->set_pattern("%l %v");
    before_ = spdlog::default_logger();
    spdlog::set_default_logger(logger);

    auto transport = std::make_unique<ScriptedTransport>(loop_.get_executor());
    transport_ = transport.get();
    std::vector<ModbusDriver::Unit> units;
    for (std::uint8_t unit : {std::uint8_t{1}, std::uint8_t{2}}) {
      PolledDevice device{.id = unit == 1 ? "press" : "paint", .unit = unit, .interval = 1s, .fields = {}};
      for (std::uint16_t address : {std::uint16_t{10}, std::uint16_t{11}}) {
        device.fields.emplace_back().address = address;
      }
      const auto first = static_cast<PointId>(unit * 10);
      units.push_back({device, {first, static_cast<PointId>(unit * 10 + 1)}});
    }
    driver_ = std::make_unique<ModbusDriver>("modbus-tcp 10.0.0.5:502", std::move(transport), LineOptions{.seed = 1},
                                             units, loop_.get_executor(), clock_);
  }
  ~ModbusDriverTest() override { spdlog::set_default_logger(before_); }

  void start() {
    tasks_.spawn(driver_->run(inbox_), [this](std::exception_ptr) { ended_ = true; });
  }

  // Lets the loop and the clock run.
  void run_for(Duration time) {
    const auto end = clock_.ticks() + time;
    for (;;) {
      loop_.restart();
      loop_.poll();
      const auto next = clock_.next_deadline();
      if (!next || *next > end) break;
      clock_.advance(std::max(Duration{0}, std::chrono::duration_cast<Duration>(*next - clock_.ticks())));
    }
    clock_.advance(end - clock_.ticks());
    loop_.restart();
    loop_.poll();
  }

  // Asks for a poll out of turn; what it came to is in answer_.
  void ask(std::string device) {
    tasks_.spawn([](PollPort& port, std::string id, std::optional<PollAnswer>& out) -> asio::awaitable<void> {
      out = co_await port.poll(std::move(id));
    }(*driver_->poll_port(), std::move(device), answer_));
  }

  void stop() {
    tasks_.cancel();
    loop_.restart();
    loop_.poll();
  }

  asio::io_context loop_;
  testing::FakeClock clock_{loop_.get_executor()};
  KeepingInbox inbox_;
  ScriptedTransport* transport_ = nullptr;
  std::unique_ptr<ModbusDriver> driver_;
  io::TaskGroup tasks_{loop_.get_executor()};
  bool ended_ = false;
  std::optional<PollAnswer> answer_;
  std::ostringstream log_;
  std::shared_ptr<spdlog::logger> before_;
};

TEST_F(ModbusDriverTest, PollsEveryUnitAndSaysWhatItReadWhen) {
  start();
  run_for(3500ms);
  ASSERT_EQ(inbox_.batches.size(), 8u);
  const Batch& batch = inbox_.batches[1];
  EXPECT_EQ(batch.source, "modbus-tcp 10.0.0.5:502");
  ASSERT_EQ(batch.readings.size(), 2u);
  EXPECT_EQ(batch.readings[0].point, static_cast<PointId>(20));
  EXPECT_EQ(batch.readings[1].value, 11.0);
  EXPECT_EQ(batch.readings[1].at, batch.received);
  EXPECT_EQ(transport_->opens, 1);
  EXPECT_TRUE(driver_->status().connected);
  stop();
  EXPECT_TRUE(ended_);
  EXPECT_FALSE(transport_->is_open);
}

TEST_F(ModbusDriverTest, ASilentUnitIsSaidToBeOfflineOnce) {
  transport_->silent_units = {1};
  start();
  run_for(10min);
  const DriverStatus status = driver_->status();
  EXPECT_EQ(status.devices[0].state, DeviceStatus::State::offline);
  EXPECT_EQ(status.devices[1].state, DeviceStatus::State::online);
  const std::string log = log_.str();
  EXPECT_NE(
      log.find(
          "warning press (unit 1 of modbus-tcp 10.0.0.5:502): offline: no answer within 1000 ms; never heard of\n"),
      std::string::npos)
      << log;
  EXPECT_EQ(std::ranges::count(log, '\n'), 3) << log;  // connected, press offline, paint online
  stop();
}

TEST_F(ModbusDriverTest, ComesBackAfterTheServerWasAway) {
  start();
  run_for(2s);
  transport_->reachable = false;
  transport_->hang_up();
  run_for(60s);
  EXPECT_FALSE(driver_->status().connected);
  EXPECT_EQ(driver_->status().devices[0].state, DeviceStatus::State::offline);
  EXPECT_EQ(driver_->status().devices[0].detail, "cannot connect: Connection refused");
  EXPECT_LE(transport_->opens, 15);
  const auto before = inbox_.batches.size();
  transport_->reachable = true;
  run_for(31s);
  EXPECT_GT(inbox_.batches.size(), before);
  EXPECT_EQ(driver_->status().reconnects, 1u);
  EXPECT_EQ(driver_->status().devices[0].state, DeviceStatus::State::online);
  stop();
}

TEST_F(ModbusDriverTest, AServerThatClosesIdleConnectionsDoesNotFillTheLog) {
  start();
  for (int i = 0; i < 60; ++i) {
    run_for(500ms);
    transport_->hang_up();
    run_for(500ms);
  }
  EXPECT_EQ(inbox_.batches.size(), 122u);  // both units at 0 s, 1 s, ... 60 s
  const std::string log = log_.str();
  EXPECT_EQ(std::ranges::count(log, '\n'), 3) << log;  // connected, both online
  stop();
}

TEST_F(ModbusDriverTest, DoesNotWaitForeverForAConnection) {
  transport_->hangs = true;
  start();
  run_for(5500ms);
  EXPECT_EQ(driver_->status().devices[0].detail, "cannot connect: no answer within 5 s");
  EXPECT_NE(log_.str().find("cannot connect: no answer within 5 s; trying again, with pauses of up to 30 s"),
            std::string::npos)
      << log_.str();
  stop();
  EXPECT_TRUE(ended_);
}

TEST_F(ModbusDriverTest, FlappingDoesNotFillTheLog) {
  start();
  for (int i = 0; i < 600; ++i) {
    run_for(2s);
    transport_->silent_units = i % 2 == 0 ? std::vector<std::uint8_t>{1} : std::vector<std::uint8_t>{};
  }
  const std::string log = log_.str();
  EXPECT_LE(std::ranges::count(log, '\n'), 30) << log;
  stop();
}

TEST_F(ModbusDriverTest, RestsWhenNobodyTakesReadingsAnyMore) {
  inbox_.closed = true;
  start();
  run_for(10s);
  EXPECT_EQ(transport_->writes, 1);
  stop();
  EXPECT_TRUE(ended_);
}

TEST_F(ModbusDriverTest, EndsWhereverItIsCancelled) {
  for (const Duration when : {0ms, 1ms, 500ms, 999ms, 1000ms, 1700ms}) {
    transport_->silent_units = {2};
    ended_ = false;
    start();
    run_for(when);
    stop();
    EXPECT_TRUE(ended_) << when.count();
    EXPECT_EQ(tasks_.size(), 0u);
  }
}

TEST_F(ModbusDriverTest, ReadsOnceWithoutALog) {
  std::vector<Reading> readings;
  tasks_.spawn([](ModbusDriver& driver, std::vector<Reading>& out) -> asio::awaitable<void> {
    std::vector<std::string> devices{"paint"};
    out = co_await driver.read_once(std::move(devices), 10s);
  }(*driver_, readings));
  run_for(1s);
  ASSERT_EQ(readings.size(), 2u);
  EXPECT_EQ(readings[0].point, static_cast<PointId>(20));
  EXPECT_EQ(driver_->status().devices[1].state, DeviceStatus::State::online);
  EXPECT_EQ(driver_->status().devices[0].state, DeviceStatus::State::starting);
  EXPECT_EQ(log_.str(), "");
  EXPECT_FALSE(transport_->is_open);
}

TEST_F(ModbusDriverTest, ReadsOnceNoLongerThanItIsGiven) {
  transport_->silent_units = {1, 2};
  bool done = false;
  tasks_.spawn([](ModbusDriver& driver, bool& end) -> asio::awaitable<void> {
    std::vector<std::string> devices;
    co_await driver.read_once(std::move(devices), 1500ms);
    end = true;
  }(*driver_, done));
  run_for(1500ms);
  EXPECT_TRUE(done);
  EXPECT_EQ(driver_->status().devices[0].detail, "no answer within 1000 ms");
  EXPECT_EQ(driver_->status().devices[1].detail, "not answered in the time given");
}

TEST_F(ModbusDriverTest, PollsAtOnceForWhoAsks) {
  start();
  run_for(2500ms);
  const auto batches = inbox_.batches.size();
  ask("paint");
  run_for(1ms);  // long before the next poll
  ASSERT_TRUE(answer_);
  EXPECT_EQ(answer_->trouble, "");
  ASSERT_EQ(answer_->readings.size(), 2U);
  EXPECT_EQ(answer_->readings[0].point, static_cast<PointId>(20));
  EXPECT_EQ(answer_->readings[1].value, 11.0);
  EXPECT_EQ(inbox_.batches.size(), batches + 1);
  EXPECT_EQ(driver_->status().devices[1].polls, 4U);
  run_for(1s);
  EXPECT_EQ(driver_->status().devices[1].polls, 5U);
  stop();
}

TEST_F(ModbusDriverTest, TellsWhoAsksWhyThereIsNothing) {
  transport_->silent_units = {1};
  start();
  run_for(60s);
  ask("press");
  run_for(3s);
  ASSERT_TRUE(answer_);
  EXPECT_EQ(answer_->trouble, "no answer within 1000 ms");
  EXPECT_TRUE(answer_->readings.empty());
  ask("nobody");
  run_for(1ms);
  EXPECT_EQ(answer_->trouble, "no device of this connection");
  stop();
}

TEST_F(ModbusDriverTest, ConnectsForWhoAsks) {
  transport_->reachable = false;
  start();
  run_for(2min);
  const int opens = transport_->opens;
  ask("press");
  run_for(1ms);
  ASSERT_TRUE(answer_);
  EXPECT_EQ(answer_->trouble, "cannot connect: Connection refused");
  EXPECT_EQ(transport_->opens, opens + 1);
  transport_->reachable = true;
  ask("press");
  run_for(1ms);
  EXPECT_EQ(answer_->trouble, "");
  EXPECT_EQ(answer_->readings.size(), 2U);
  stop();
}

TEST_F(ModbusDriverTest, WhoAsksIsLetGoWhenItEnds) {
  ask("press");
  run_for(1ms);
  ASSERT_TRUE(answer_);
  EXPECT_EQ(answer_->trouble, "the connection is not in use yet");
  transport_->silent_units = {1, 2};
  start();
  run_for(10s);
  answer_.reset();
  ask("press");
  run_for(100ms);
  EXPECT_FALSE(answer_);
  stop();
  EXPECT_TRUE(ended_);
  EXPECT_EQ(tasks_.size(), 0U);
}

TEST_F(ModbusDriverTest, ShowsFramesAndHowBusyItsLineIs) {
  start();
  run_for(10s);
  const FrameLog* frames = driver_->frames("paint");
  ASSERT_NE(frames, nullptr);
  EXPECT_EQ(frames->added(), 2U * driver_->status().devices[1].polls);
  EXPECT_EQ((*frames)[0].unit, 2);
  EXPECT_EQ(driver_->frames("nobody"), nullptr);
  EXPECT_EQ(driver_->status().busy, 0.0) << "the units answer in no time";
  transport_->silent_units = {1};
  run_for(2s);  // polled at 11 s, in vain
  EXPECT_DOUBLE_EQ(*driver_->status().busy, 1.0 / 12);
  stop();
}

}  // namespace
}  // namespace carbongate::modbus_driver

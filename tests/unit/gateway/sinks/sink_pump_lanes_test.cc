#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <utility>

#include "drivers/api/unit.h"
#include "gateway/sinks/sink_pump.h"
#include "protocols/io/event.h"
#include "protocols/io/task_group.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_sink.h"
#include "tests/support/fake_store.h"

namespace carbongate::sinks {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

// The pump on a store with lanes.
class SinkPumpLanes : public ::testing::Test {
 protected:
  void TearDown() override {
    tasks_.cancel();
    poll();
  }
  void commit(std::size_t rows) {
    for (std::size_t i = 0; i < rows; ++i) {
      disk_.rows.push_back({disk_.rows.size() + 1, series_, model::JudgedReading{}});
    }
    store_ = std::make_unique<testing::FakeStore>(disk_, site_);
  }
  void start(Pace pace) {
    tasks_.spawn(pump(sink_, *store_, committed_, clock_, pace));
    poll();
  }
  void poll() {
    loop_.restart();
    loop_.poll();
  }
  void pass(std::chrono::milliseconds time) {
    const auto until = clock_.ticks() + time;
    while (clock_.ticks() < until) {
      const auto next = std::min(clock_.next_deadline().value_or(until), until);
      clock_.advance(std::max<std::chrono::milliseconds>(next - clock_.ticks(), 1ms));
      poll();
    }
  }
  void append(std::size_t rows) {
    model::Effects effects;
    for (std::size_t i = 0; i < rows; ++i) effects.rows.push_back({PointId{0}, model::JudgedReading{}});
    asio::co_spawn(loop_, store_->commit(std::move(effects)), asio::detached);
    poll();
    committed_.notify_all();
    poll();
  }
  const ports::StoreStatus::Cursor& cursor() { return disk_.cursors.at("tsdb"); }
  static model::Site site() {
    model::Site site;
    site.points.push_back({.id = PointId{0},
                           .device = "m",
                           .name = "e",
                           .kind = Kind::cumulative,
                           .unit = *find_unit("kWh"),
                           .limits = {}});
    return site;
  }

  asio::io_context loop_;
  testing::FakeClock clock_{loop_.get_executor()};
  io::Event committed_{loop_.get_executor()};
  std::shared_ptr<model::Series> series_ = std::make_shared<model::Series>();
  model::Site site_ = site();
  testing::FakeDisk disk_;
  std::unique_ptr<testing::FakeStore> store_;
  testing::FakeSink sink_{"tsdb", 10};
  io::TaskGroup tasks_{loop_.get_executor()};
};

constexpr Pace kLive{.order = Order::live_first, .live_after = 100, .backfill_rate = 50};

TEST_F(SinkPumpLanes, SendsTheNewestFirstAndTheBacklogAtItsRate) {
  commit(1'000);
  start(kLive);
  ASSERT_GE(sink_.accepted().size(), 20U);
  EXPECT_EQ(sink_.accepted()[0].sequence, 1U) << "whether the far end is there";
  EXPECT_EQ(sink_.accepted()[10].sequence, 991U);
  EXPECT_EQ(cursor().live(), 1'000U);
  pass(1s);
  EXPECT_NEAR(double(cursor().settled), 60, 11) << "50 rows in a second";
  append(3);
  pass(kGatherTime);
  EXPECT_EQ(cursor().live(), 1'003U) << "at once, whatever the backlog does";
  EXPECT_LT(cursor().settled, 100U);
  pass(20s);
  EXPECT_TRUE(cursor().ahead.empty());
  EXPECT_EQ(cursor().settled, 1'003U);
  EXPECT_EQ(sink_.accepted().size(), 1'003U) << "each row once";
  const auto offers = sink_.offers();
  pass(10s);
  EXPECT_EQ(sink_.offers(), offers);
}

TEST_F(SinkPumpLanes, LeaveTheBacklogItsShareWhereTheLiveLaneIsNeverDone) {
  commit(1'000);
  std::uint64_t of_the_backlog = 0;
  std::uint64_t of_the_live_lane = 0;
  for (int i = 0; i < 101; ++i) {
    sink_.next([&](auto rows) {
      ++(rows.front().sequence <= 990 ? of_the_backlog : of_the_live_lane);
      model::Effects effects;  // as many as were taken
      for (std::size_t row = 0; row < rows.size(); ++row) effects.rows.push_back({PointId{0}, model::JudgedReading{}});
      asio::co_spawn(loop_, store_->commit(std::move(effects)), asio::detached);
      return ports::Delivery{rows.back().sequence, {}};
    });
  }
  start({.order = Order::live_first, .live_after = 100, .backfill_rate = 1'000'000});
  EXPECT_EQ(of_the_backlog, 1U + 20U) << "the first of all, and every fifth";
  EXPECT_EQ(of_the_live_lane, 80U);
  EXPECT_EQ(sink_.accepted().size(), 1'000U + 1'010U) << "and all of it in the end";
}

TEST_F(SinkPumpLanes, KeepToTheJournalIfToldSo) {
  commit(1'000);
  start({.order = Order::journal, .live_after = 100, .backfill_rate = 50});
  ASSERT_EQ(sink_.accepted().size(), 1'000U) << "without a rate";
  for (std::size_t i = 0; i < 1'000; ++i) EXPECT_EQ(sink_.accepted()[i].sequence, i + 1);
}

TEST_F(SinkPumpLanes, DoNotPartForAFewRows) {
  commit(110);
  start(kLive);
  EXPECT_EQ(cursor().settled, 110U);
}

TEST_F(SinkPumpLanes, DoNotPartWhileTheFarEndIsAway) {
  commit(1'000);
  for (int i = 0; i < 50; ++i) sink_.fail_next("nobody there");
  start(kLive);
  pass(5min);
  EXPECT_TRUE(cursor().ahead.empty());
  EXPECT_EQ(cursor().settled, 0U);
}

TEST_F(SinkPumpLanes, PartOnceMoreAfterAnotherOutage) {
  commit(1'000);
  start(kLive);
  pass(1s);
  for (int i = 0; i < 4; ++i) sink_.fail_next("nobody there");
  append(500);
  pass(30s);
  EXPECT_EQ(cursor().live(), 1'500U);
  pass(60s);
  EXPECT_TRUE(cursor().ahead.empty());
  EXPECT_EQ(cursor().settled, 1'500U);
  EXPECT_EQ(sink_.accepted().size(), 1'500U);
}

TEST_F(SinkPumpLanes, SettleAgainWhatTheStoreCouldNotSettle) {
  commit(1'000);
  const auto with_trouble = [this](auto rows) {
    store_->fail({make_error_code(boost::system::errc::no_space_on_device), "disk full"}, 3);
    return ports::Delivery{rows.back().sequence, {}};
  };
  sink_.next(with_trouble);  // the first of all
  sink_.next(with_trouble);  // of the live lane
  sink_.next(with_trouble);  // of the backlog
  start(kLive);
  pass(60s);
  EXPECT_EQ(cursor().settled, 1'000U);
  EXPECT_EQ(sink_.accepted().size(), 1'000U) << "each row once";
}

TEST_F(SinkPumpLanes, ABacklogThatIsNotTakenDoesNotHoldTheLiveLaneUp) {
  commit(1'000);
  start(kLive);
  pass(1s);
  const std::uint64_t settled = cursor().settled;
  for (int i = 0; i < 5; ++i) {
    sink_.next([](auto rows) -> model::Result<ports::Delivery> {
      if (rows.back().sequence > 990) return ports::Delivery{rows.back().sequence, {}};
      return model::Fault{make_error_code(boost::system::errc::timed_out), "a body that it does not like"};
    });
  }
  pass(1s);
  EXPECT_EQ(cursor().settled, settled);
  append(1);
  pass(kGatherTime);
  EXPECT_EQ(cursor().live(), 1'001U);
  pass(60s);
  EXPECT_EQ(cursor().settled, 1'001U);
}

}  // namespace
}  // namespace carbongate::sinks

#include "gateway/app/gateway.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <sstream>
#include <stdexcept>

#include "tests/unit/gateway/app/gateway_fixture.h"

namespace carbongate::app {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::ThrowsMessage;

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

TEST_F(GatewayTest, TellsReadingsThatAreLostFromThoseThatComeAgain) {
  std::ostringstream log;
  const auto before = spdlog::default_logger();
  spdlog::set_default_logger(
      std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::ostream_sink_mt>(log)));
  store_.fails = kAlways;
  add_driver([this](Inbox& inbox) -> asio::awaitable<void> {
    EXPECT_TRUE(co_await inbox.push(batch(1, 7)));
    Batch unacknowledged = batch(2, 3);
    unacknowledged.settled = {};
    EXPECT_TRUE(co_await inbox.push(std::move(unacknowledged)));
    co_await until_cancelled();
  });
  start();
  pass(1s);
  stop();
  spdlog::set_default_logger(before);
  EXPECT_THAT(log.str(), HasSubstr("7 readings could not be written and were not acknowledged"));
  EXPECT_THAT(log.str(), HasSubstr("3 readings could not be written and are lost"));
  EXPECT_THAT(log.str(), Not(HasSubstr("10 rows are lost")));
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

// Its meter was never silent, only the density was: then each day's reading promises one day's rows, and the last one
// brings those of a month.
TEST_F(GatewayTest, CommitsTheLongGapOfADerivedPointInSlices) {
  constexpr std::size_t kMeters = 12;
  const PointId density = add_point("density", Kind::instantaneous, "kg/L");
  std::vector<PointId> meters;
  for (std::size_t i = 0; i < kMeters; ++i) {
    meters.push_back(add_point("volume-" + std::to_string(i), Kind::cumulative, "L"));
    const PointId mass = add_point("mass-" + std::to_string(i), Kind::cumulative, "kg");
    model::Derived derived;
    derived.result = mass;
    derived.formula = model::Formula::mass_from_volume;
    derived.inputs = {{.role = model::Role::volume, .point = meters.back()},
                      {.role = model::Role::density, .point = density}};
    site_.derived.push_back(std::move(derived));
    model::Account account;
    account.id = static_cast<model::AccountId>(i);
    account.user = "user-" + std::to_string(i);
    account.carrier = model::find_carrier("diesel");
    account.source = mass;
    site_.accounts.push_back(std::move(account));
  }
  add_driver([&](Inbox& inbox) -> asio::awaitable<void> {
    for (int day = 0; day <= 30; ++day) {
      if (day == 0 || day == 30) EXPECT_TRUE(co_await inbox.push(batch_of(density, 0.84)));
      for (const PointId meter : meters) EXPECT_TRUE(co_await inbox.push(batch_of(meter, 1000 + 10.0 * day)));
      co_await clock_.sleep_until(clock_.ticks() + 24h);
    }
    co_await until_cancelled();
  });
  start();
  for (int day = 0; day <= 30; ++day) {  // not pass(): who looks around each second would do so 2.7 million times
    clock_.advance(24h);
    poll();
  }
  ASSERT_THAT(settled_, SizeIs(2 + 31 * kMeters));
  std::size_t rows = 0;
  for (const StoreScript::Attempt& attempt : store_.attempts) {
    EXPECT_LE(attempt.rows, Gateway::kRowsPerCommit);
    rows += attempt.rows;
  }
  EXPECT_GT(rows, Gateway::kRowsPerCommit);
}

// Nothing else happens, and no alert is watched.
TEST_F(GatewayTest, MakesWhatWaitedForAnInputWhenItsTimeIsOver) {
  const PointId volume = add_point("volume", Kind::instantaneous, "m3/h");
  const PointId density = add_point("density", Kind::instantaneous, "kg/L");
  const PointId mass = add_point("mass", Kind::instantaneous, "kg/h");
  model::Derived derived;
  derived.result = mass;
  derived.formula = model::Formula::mass_from_volume;
  derived.inputs = {{.role = model::Role::volume, .point = volume}, {.role = model::Role::density, .point = density}};
  derived.wait = 5s;
  site_.derived.push_back(std::move(derived));
  add_driver([&](Inbox& inbox) -> asio::awaitable<void> {
    EXPECT_TRUE(co_await inbox.push(batch_of(density, 0.5)));
    co_await clock_.sleep_until(clock_.ticks() + 1s);
    EXPECT_TRUE(co_await inbox.push(batch_of(volume, 30)));
    co_await until_cancelled();
  });
  start();
  const auto values = [this] {
    std::vector<double> all;
    for (const auto& attempt : store_.attempts) all.insert(all.end(), attempt.values.begin(), attempt.values.end());
    return all;
  };
  pass(5s);
  EXPECT_THAT(values(), ElementsAre(0.5, 30));
  pass(3s);
  EXPECT_THAT(values(), ElementsAre(0.5, 30, 15'000));
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

TEST_F(GatewayTest, GivesUpWithTheReasonWhenTheStoreIsDamaged) {
  store_.fails = [this](const model::Effects&) {
    store_.damage = "the database is damaged";
    return true;
  };
  add_driver([this](Inbox& inbox) -> asio::awaitable<void> {
    EXPECT_TRUE(co_await inbox.push(batch(1)));
    co_await until_cancelled();
  });
  start();
  pass(100ms);
  ASSERT_TRUE(ended_) << "no number of attempts helps";
  EXPECT_EQ(store_.attempts.size(), 1u);
  EXPECT_THROW(std::rethrow_exception(failure_), std::runtime_error);
  EXPECT_THAT(settled_, ElementsAre(Settled(1, false))) << "the source keeps it for the next start";
}

TEST_F(GatewayTest, TellsACommitThatSucceededAsSuchAlsoWhenTheStoreIsDamagedElsewhere) {
  std::size_t observed = 0;
  store_.fails = [this](const model::Effects&) {
    store_.damage = "the database is damaged";  // as a sink's peek notes it
    return false;
  };
  add_driver([this](Inbox& inbox) -> asio::awaitable<void> {
    EXPECT_TRUE(co_await inbox.push(batch(1)));
    co_await until_cancelled();
  });
  make();
  gateway_->observe([&](const model::Effects& effects) { observed += effects.rows.size(); });
  run();
  pass(100ms);
  ASSERT_TRUE(ended_) << "the next start repairs the store";
  ASSERT_TRUE(failure_);
  EXPECT_THROW(std::rethrow_exception(failure_), std::runtime_error);
  EXPECT_THAT(values_on_disk(), ElementsAre(1));
  EXPECT_THAT(settled_, ElementsAre(Settled(1, true))) << "else its source sends it again, to be counted twice";
  EXPECT_EQ(observed, 1u);
}

TEST_F(GatewayTest, MakesDriversWaitWhileMemoryIsShortAndThenTakesEverything) {
  config_.memory_max = 100ull << 20;
  int pushed = 0;
  add_driver([&](Inbox& inbox) -> asio::awaitable<void> {
    for (; pushed < 100; ++pushed) {
      EXPECT_TRUE(co_await inbox.push(batch(pushed)));
      co_await clock_.sleep_until(clock_.ticks() + 1s);
    }
    co_await until_cancelled();
  });
  start();
  pass(10s);
  memory_ = 91ull << 20;
  pass(3s);
  const int held_at = pushed;
  pass(1min);
  EXPECT_EQ(pushed, held_at);
  EXPECT_EQ(gateway_->status().memory_holds, 1U);
  memory_ = 85ull << 20;
  pass(10s);
  EXPECT_EQ(pushed, held_at) << "not yet: it would begin again at once";
  memory_ = 79ull << 20;
  pass(100s);
  EXPECT_EQ(pushed, 100);
  EXPECT_THAT(values_on_disk(), SizeIs(100));
  EXPECT_FALSE(failure_);
}

TEST_F(GatewayTest, StopsInOrderWhenWaitingDoesNotFreeMemory) {
  config_.memory_max = 100ull << 20;
  add_driver([this](Inbox& inbox) -> asio::awaitable<void> {
    EXPECT_TRUE(co_await inbox.push(batch(1)));
    co_await until_cancelled();
  });
  start();
  memory_ = 120ull << 20;
  pass(4min);
  EXPECT_FALSE(ended_);
  pass(2min);
  ASSERT_TRUE(ended_);
  ASSERT_TRUE(failure_);
  EXPECT_THAT([this] { std::rethrow_exception(failure_); },
              ThrowsMessage<std::runtime_error>(HasSubstr("'memory.max' is 100 MiB")));
  EXPECT_THAT(values_on_disk(), ElementsAre(1));
}

TEST_F(GatewayTest, AuditsEachMinuteAndCountsWhatDoesNotBalance) {
  add_driver([this](Inbox& inbox) -> asio::awaitable<void> {
    EXPECT_TRUE(co_await inbox.push(batch(1, 7)));
    co_await until_cancelled();
  });
  store_.accounts = {{.sink = "tsdb", .received = 10, .accepted = 7, .pending = 3}};
  start();
  pass(3min);
  GatewayStatus status = gateway_->status();
  EXPECT_EQ(status.audits, 4u) << "at the start, and each minute";
  EXPECT_EQ(status.breaches, 0u);
  EXPECT_EQ(status.sources.at("scripted").received, 7u);
  EXPECT_EQ(status.sources.at("scripted").committed, 7u);
  store_.accounts[0].accepted = 6;
  pass(2min);
  EXPECT_EQ(gateway_->status().breaches, 2u);
}

TEST_F(GatewayTest, SaysWhenReadingsBeginToBeDroppedAndWhenThatEnds) {
  std::ostringstream log;
  const auto before = spdlog::default_logger();
  spdlog::set_default_logger(
      std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::ostream_sink_mt>(log)));
  store_.cursors = {{.sink = "slow", .missed = 100}, {.sink = "quick", .missed = 0}};
  start();
  pass(3min);
  EXPECT_THAT(log.str(), Not(HasSubstr("dropped")));
  for (int minute = 0; minute < 3; ++minute) {
    store_.thinned += 1'000;
    store_.cursors[0].missed += 1'000;
    pass(1min);
  }
  EXPECT_THAT(
      log.str(),
      HasSubstr("in this minute 0 readings younger than 'store.keep_readings', 1000 rows that a sink has not got "
                "(slow 1000)"));
  EXPECT_THAT(log.str(), Not(HasSubstr("no more is dropped")));
  pass(2min);
  EXPECT_THAT(log.str(),
              HasSubstr("no more is dropped; it was 0 readings younger than 'store.keep_readings', 3000 rows that a "
                        "sink has not got (slow 3000)"));
  spdlog::set_default_logger(before);
}

TEST_F(GatewayTest, CountsReadingsThatCouldNotBeWrittenBeforeTheEnd) {
  store_.fails = [](const model::Effects&) { return true; };
  add_driver([this](Inbox& inbox) -> asio::awaitable<void> {
    EXPECT_TRUE(co_await inbox.push(batch(1, 7)));
    co_await until_cancelled();
  });
  start();
  pass(2min);
  EXPECT_EQ(gateway_->status().sources.at("scripted").waiting(), 7u);
  EXPECT_EQ(gateway_->status().breaches, 0u);
  stop();
  EXPECT_EQ(gateway_->status().sources.at("scripted").given_up, 7u);
  EXPECT_EQ(gateway_->status().breaches, 0u);
}

TEST_F(GatewayTest, SealsTheLedgerAfterEachQuarterHourOfTheWallClock) {
  clock_.set_wall(Instant(std::chrono::seconds(1'767'225'600)) + 10min);  // 00:10
  start();
  pass(4min);
  EXPECT_TRUE(disk_.seals.empty());
  pass(2min);
  ASSERT_EQ(disk_.seals.size(), 1u);
  EXPECT_GT(disk_.seals[0], Instant(std::chrono::seconds(1'767'225'600)) + 15min) << "when the quarter hour is booked";
  pass(1h);
  EXPECT_EQ(disk_.seals.size(), 5u);
}

TEST_F(GatewayTest, SealsTheLedgerWhenTheWallClockWasSet) {
  start();
  clock_.set_wall(clock_.now() + 24h);
  pass(2min);
  EXPECT_EQ(disk_.seals.size(), 1u);
}

TEST_F(GatewayTest, SealsTheLedgerAfterItsLastCommit) {
  add_driver([](Inbox& inbox) -> asio::awaitable<void> {
    Batch batch;
    batch.source = "scripted";
    batch.readings.resize(1);
    co_await inbox.push(std::move(batch));
  });
  start();
  gateway_->stop();
  pass(6s);
  EXPECT_EQ(store_.attempts.size(), 1u);
  EXPECT_EQ(disk_.seals.size(), 1u);
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

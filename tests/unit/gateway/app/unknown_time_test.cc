// What is heard while nobody knows the time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "gateway/app/restamp.h"
#include "gateway/model/hj212_flag.h"
#include "protocols/io/disciplined_clock.h"
#include "tests/unit/gateway/app/gateway_fixture.h"

namespace carbongate::app {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::Pair;

constexpr Instant kToday = std::chrono::sys_days(std::chrono::year(2026) / 11 / 28) + 8h;

class UnknownTimeTest : public GatewayTest {
 protected:
  UnknownTimeTest() {
    clock_.set_wall(kToday);
    meter_ = add_metered_user("mill");
  }

  // A meter that counts 1 kWh a minute of true time, read once a minute.
  void start_gateway() {
    config_ = {};
    add_driver([this](Inbox& inbox) -> asio::awaitable<void> {
      while (true) {
        Batch batch = batch_of(meter_, kwh());
        batch.received = gateway_clock_->now();
        for (Reading& reading : batch.readings) {
          reading.stamped_by = stamped_by_;
          reading.hj212_flag = flag_;
          reading.at = stamped_by_ == StampedBy::device ? true_time() : batch.received;
        }
        co_await inbox.push(std::move(batch));
        co_await clock_.sleep_until(clock_.ticks() + 1min);
      }
    });
    disciplined_ = std::make_unique<io::DisciplinedClock>(clock_);
    gateway_clock_ = disciplined_.get();
    auto store = std::make_unique<ScriptedStore>(disk_, site_, store_, clock_);
    begin_clock(*disciplined_, store->checkpoint());
    make_over(std::move(store));
    run();
  }
  void end_gateway() {
    stop();
    gateway_.reset();
    ended_.reset();
  }
  void restart_machine(Instant shows, Instant is) {
    clock_.restart_machine(shows);
    booted_at_ = is;
  }
  Instant true_time() const { return booted_at_ + clock_.ticks().time_since_epoch(); }
  double kwh() const { return static_cast<double>((true_time() - kToday) / 1min); }

  // Sum of the entries' amounts, in kWh, with the open quarter hour.
  double booked() const { return static_cast<double>(gateway_->accounts().accounts.at(0).amount.quanta()) / 1e6; }

  std::vector<std::pair<Instant, model::Rule>> readings() const {
    std::vector<std::pair<Instant, model::Rule>> result;
    for (const model::StoredRow& row : disk_.rows) {
      if (const auto* r = row.body.get_if<model::JudgedReading>()) result.emplace_back(r->at, r->quality.rule);
    }
    return result;
  }

  PointId meter_{};
  StampedBy stamped_by_ = StampedBy::gateway;
  char flag_ = model::kNoFlag;
  Instant booted_at_ = kToday;  // in truth
  std::unique_ptr<io::DisciplinedClock> disciplined_;
};

TEST_F(UnknownTimeTest, NothingIsCountedUntilTheClockIsSetAndThenEverything) {
  start_gateway();
  pass(10min);
  end_gateway();
  const double before = 10;

  restart_machine(Instant(2s), kToday + 30min);  // no battery: 1970
  start_gateway();
  EXPECT_FALSE(gateway_->status().time_is_known);
  pass(40min);
  EXPECT_EQ(booked(), before) << "nothing was counted";
  EXPECT_THAT(readings(), Contains(Pair(Instant(2s), model::Rule::clock)));
  const std::size_t rows = disk_.rows.size();

  clock_.set_wall(kToday + 70min);
  pass(2s);
  EXPECT_TRUE(gateway_->status().time_is_known);
  EXPECT_GE(disk_.rows.size(), rows + 41);
  EXPECT_EQ(booked(), 70) << "each at its own time";
  EXPECT_FALSE(disk_.unknown_time);
  std::size_t true_ones = 0;
  for (const auto& [at, rule] : readings()) true_ones += at >= kToday + 30min && rule != model::Rule::clock;
  EXPECT_EQ(true_ones, 41U);
  pass(10min);
  EXPECT_EQ(booked(), 80);
  end_gateway();
}

TEST_F(UnknownTimeTest, StepsOfTheClockThatAreFollowedAreTold) {
  std::ostringstream log;
  const auto before = spdlog::default_logger();
  spdlog::set_default_logger(
      std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::ostream_sink_mt>(log)));
  const auto told = [&] { return std::exchange(log, std::ostringstream()).str(); };
  const auto step = [&](Duration by) {
    clock_.set_wall(clock_.now() + by);
    pass(2s);
    return told();
  };
  start_gateway();
  pass(10min);
  told();
  EXPECT_EQ(step(30s), "");
  EXPECT_EQ(step(-30s), "");
  EXPECT_THAT(step(25min), HasSubstr("the machine's clock was set ahead by 1500 s; the time of readings has followed"));
  EXPECT_THAT(step(-20min), HasSubstr("was set back by 1200 s; the time of readings goes at half speed until the two "
                                      "agree, in 2"));
  EXPECT_THAT(step(5min), HasSubstr("was set ahead by 300 s; the time of readings goes at half speed until the two"));
  pass(2h);
  EXPECT_EQ(told(), "") << "once for each step";
  EXPECT_THAT(step(-3h), HasSubstr("nobody knows the time"));
  pass(20min);
  EXPECT_TRUE(gateway_->status().time_is_known);
  clock_.synchronise();
  told();
  EXPECT_THAT(step(-3h), HasSubstr("was set back by 10800 s; the time of readings has followed"));
  spdlog::set_default_logger(before);
  end_gateway();
}

TEST_F(UnknownTimeTest, WhatAReadingWasMarkedWithIsKnownWhenItIsCounted) {
  for (const char flag : {'S', 'F'}) {
    flag_ = flag;
    restart_machine(Instant(2s), kToday + 30min);
    start_gateway();
    pass(10min);
    clock_.set_wall(true_time());
    pass(2s);
    EXPECT_TRUE(gateway_->status().time_is_known);
    std::size_t counted = 0;
    for (const model::StoredRow& row : disk_.rows) {
      const auto* reading = row.body.get_if<model::JudgedReading>();
      if (reading && usable(reading->quality) && model::flag_said(reading->quality) == flag) ++counted;
    }
    EXPECT_GE(counted, 10U) << flag;
    end_gateway();
    disk_ = {};
  }
}

TEST_F(UnknownTimeTest, ARestartOfTheProgramForgetsNoneOfIt) {
  restart_machine(Instant(2s), kToday);
  start_gateway();
  pass(20min);
  end_gateway();
  const auto noted = disk_.unknown_time;
  ASSERT_TRUE(noted);
  start_gateway();
  pass(20min);
  EXPECT_EQ(disk_.unknown_time, noted) << "the same stretch goes on";
  end_gateway();
  const Duration up = clock_.ticks().time_since_epoch();
  clock_.set_wall(kToday + up);  // while the program is not running
  start_gateway();
  pass(2s);
  EXPECT_FALSE(disk_.unknown_time);
  EXPECT_EQ(booked(), static_cast<double>(up / 1min)) << "from the first reading on";
  end_gateway();
}

TEST_F(UnknownTimeTest, WhatARunOfTheMachineNeverKnewIsKeptAndStaysUncounted) {
  restart_machine(Instant(2s), kToday);
  start_gateway();
  pass(20min);
  end_gateway();
  restart_machine(kToday + 60min, kToday + 60min);
  start_gateway();
  pass(10min);
  EXPECT_FALSE(disk_.unknown_time);
  EXPECT_EQ(booked(), 10);
  EXPECT_THAT(readings(), Contains(Pair(Instant(2s), model::Rule::clock))) << "still there to be looked at";
  end_gateway();
}

TEST_F(UnknownTimeTest, AStampOfADeviceThatKnowsTheTimeStands) {
  restart_machine(Instant(2s), kToday);
  stamped_by_ = StampedBy::device;
  start_gateway();
  pass(20min);
  EXPECT_EQ(booked(), 0);
  EXPECT_THAT(readings(), Each(Pair(Ge(kToday), model::Rule::device_clock)));
  clock_.set_wall(kToday + 22min);  // two minutes fast
  pass(2s);
  EXPECT_EQ(booked(), 20);
  EXPECT_THAT(readings(), Contains(Pair(kToday + 20min, model::Rule::none)));
  end_gateway();
}

TEST_F(UnknownTimeTest, WhatWasUnderWayWhenTheTimeBecameKnownIsCorrectedToo) {
  const model::UnknownTime unknown{.boot = 1, .begin = Instant(10s), .base = 10s, .after = 0};
  const Restamp restamp(unknown, kToday.time_since_epoch(), io::SteadyTime(1h));
  Batch batch{.source = "line", .received = Instant(30min), .readings = {}, .settled = {}};
  batch.readings = {{.at = Instant(30min)}, {.stamped_by = StampedBy::device, .at = kToday + 30min}};
  const auto changed = restamp(batch, kToday + 31min);
  ASSERT_TRUE(changed);
  EXPECT_EQ(changed->received, kToday + 30min - 10s);
  EXPECT_EQ(changed->readings[0].at, kToday + 30min - 10s);
  EXPECT_EQ(changed->readings[1].at, kToday + 30min);
  batch.received = kToday + 1h;
  EXPECT_FALSE(restamp(batch, kToday + 1h)) << "heard when the time was known";
}

TEST_F(UnknownTimeTest, AFailedCommitLosesNothingOfIt) {
  restart_machine(Instant(2s), kToday);
  start_gateway();
  pass(20min);
  store_.fails = [](const model::Effects& effects) { return effects.unknown_time.has_value(); };
  clock_.set_wall(kToday + 20min);
  pass(1min);
  EXPECT_TRUE(disk_.unknown_time);
  store_.fails = [](const model::Effects&) { return false; };
  pass(10s);
  EXPECT_FALSE(disk_.unknown_time);
  EXPECT_EQ(booked(), 21);
  end_gateway();
}

}  // namespace
}  // namespace carbongate::app

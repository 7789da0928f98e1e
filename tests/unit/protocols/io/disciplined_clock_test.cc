#include "protocols/io/disciplined_clock.h"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>

#include "tests/support/fake_clock.h"

namespace carbongate::io {
namespace {

using namespace std::chrono_literals;

constexpr WallTime kToday = std::chrono::sys_days(std::chrono::year(2026) / 11 / 28) + 8h;
constexpr WallTime kEarliest = kToday - 24h * 300;
constexpr WallTime kFloor = kToday - 24h;
constexpr WallTime kLatest = kToday + 24h * 3650;

class DisciplinedClockTest : public ::testing::Test {
 protected:
  WallTime pass(std::chrono::milliseconds time) {
    machine_.advance(time);
    return clock_.now();
  }

  boost::asio::io_context loop_;
  testing::FakeClock machine_{loop_.get_executor(), kToday};
  DisciplinedClock clock_{machine_};
};

TEST_F(DisciplinedClockTest, SaysWhatTheMachineSays) {
  clock_.begin(kEarliest, kFloor, kLatest, {});
  EXPECT_TRUE(clock_.is_known());
  EXPECT_EQ(pass(90s), kToday + 90s);
  EXPECT_FALSE(clock_.settle());
}

TEST_F(DisciplinedClockTest, FollowsASmallStepForwardsAtOnce) {
  clock_.begin(kEarliest, kFloor, kLatest, {});
  machine_.set_wall(kToday + 59min);
  EXPECT_EQ(clock_.now(), kToday + 59min);
  EXPECT_TRUE(clock_.is_known());
}

TEST_F(DisciplinedClockTest, WaitsAtHalfSpeedForASmallStepBack) {
  clock_.begin(kEarliest, kFloor, kLatest, {});
  pass(10min);
  machine_.set_wall(kToday + 8min);
  EXPECT_EQ(clock_.now(), kToday + 10min);
  EXPECT_EQ(pass(1min), kToday + 10min + 30s);
  EXPECT_EQ(pass(3min), kToday + 12min);
  EXPECT_EQ(pass(1min), kToday + 13min) << "they agree again";
}

TEST_F(DisciplinedClockTest, GoesAtHalfSpeedHoweverOftenItIsAsked) {
  clock_.begin(kEarliest, kFloor, kLatest, {});
  pass(10min);
  machine_.set_wall(kToday + 9min);
  for (int i = 0; i < 60'000; ++i) pass(1ms);
  EXPECT_EQ(clock_.now(), kToday + 10min + 30s);
}

TEST_F(DisciplinedClockTest, BelievesNoClockThatWasNeverSet) {
  machine_.set_wall(WallTime(3min));
  clock_.begin(kEarliest, kFloor, kLatest, {});
  EXPECT_FALSE(clock_.is_known());
  EXPECT_EQ(pass(48h), WallTime(48h + 3min)) << "it runs on evenly";
  EXPECT_FALSE(clock_.settle()) << "no time passing makes it right";
  machine_.set_wall(kToday + 48h);
  EXPECT_EQ(clock_.now(), WallTime(48h + 3min)) << "until its owner is ready";
  EXPECT_TRUE(clock_.settle());
  EXPECT_TRUE(clock_.is_known());
  EXPECT_EQ(clock_.now(), kToday + 48h);
  EXPECT_FALSE(clock_.settle());
}

TEST_F(DisciplinedClockTest, BelievesInTheEndAClockThatOnlyTheStoreContradicts) {
  clock_.begin(kEarliest, kToday + 24h * 365, kLatest, {});  // something was stamped by a clock that ran ahead
  EXPECT_FALSE(clock_.is_known());
  pass(23h);
  EXPECT_FALSE(clock_.settle());
  pass(1h);
  EXPECT_TRUE(clock_.settle());
  EXPECT_EQ(clock_.now(), kToday + 24h);
}

TEST_F(DisciplinedClockTest, GoesOnWithTheUnknownTimeOfAFormerRun) {
  machine_.advance(5min);
  machine_.set_wall(WallTime(9min));
  clock_.begin(kEarliest, kFloor, kLatest, 3min);
  EXPECT_EQ(clock_.now(), WallTime(8min)) << "base and ticks, whatever was done to the clock meanwhile";
}

TEST_F(DisciplinedClockTest, GoesOnDoubtingAStepThatAFormerRunDoubted) {
  const auto base = kToday.time_since_epoch();
  machine_.set_wall(kToday + 24h * 30);
  clock_.begin(kEarliest, kFloor, kLatest, base);
  EXPECT_FALSE(clock_.is_known());
  EXPECT_EQ(pass(9min), kToday + 9min);
  EXPECT_FALSE(clock_.settle());
  pass(1min);
  EXPECT_TRUE(clock_.settle());
  EXPECT_EQ(clock_.now(), kToday + 24h * 30 + 10min);
}

TEST_F(DisciplinedClockTest, BelievesATimeServerAlsoBelowTheFloor) {
  machine_.synchronise();
  clock_.begin(kEarliest, kToday + 24h * 365, kLatest, {});
  EXPECT_TRUE(clock_.is_known());
  EXPECT_EQ(clock_.now(), kToday);
}

TEST_F(DisciplinedClockTest, DoubtsALargeStepUntilTheClockHasKeptItsCourse) {
  clock_.begin(kEarliest, kFloor, kLatest, {});
  machine_.set_wall(kToday + 24h * 30);
  EXPECT_EQ(clock_.now(), kToday);
  EXPECT_FALSE(clock_.is_known());
  EXPECT_FALSE(clock_.settle());
  pass(9min);
  machine_.set_wall(kToday + 24h * 40);
  EXPECT_FALSE(clock_.settle()) << "another course: ten minutes from here";
  pass(9min);
  EXPECT_FALSE(clock_.settle());
  EXPECT_EQ(pass(1min), kToday + 19min);
  EXPECT_TRUE(clock_.settle());
  EXPECT_EQ(clock_.now(), kToday + 24h * 40 + 10min);
}

TEST_F(DisciplinedClockTest, ForgetsAStepThatIsTakenBack) {
  clock_.begin(kEarliest, kFloor, kLatest, {});
  machine_.set_wall(WallTime(1s));
  pass(30min);
  EXPECT_FALSE(clock_.settle()) << "1970 is never believed";
  EXPECT_FALSE(clock_.is_known());
  machine_.set_wall(kToday + 30min + 2s);
  EXPECT_TRUE(clock_.settle());
  EXPECT_EQ(clock_.now(), kToday + 30min + 2s);
}

TEST_F(DisciplinedClockTest, FollowsALargeStepAtOnceIfATimeServerVouchesForIt) {
  clock_.begin(kEarliest, kFloor, kLatest, {});
  machine_.synchronise();
  machine_.set_wall(kToday - 12h);
  EXPECT_EQ(clock_.now(), kToday - 12h);
  EXPECT_TRUE(clock_.is_known());
}

TEST_F(DisciplinedClockTest, DoesNotBelieveAClockThatStartsFarAhead) {
  machine_.set_wall(kToday + 24h * 365 * 54);  // a clock that lost its battery
  clock_.begin(kEarliest, kFloor, kLatest, {});
  EXPECT_FALSE(clock_.is_known());
  pass(DisciplinedClock::kSettled + 1min);
  EXPECT_FALSE(clock_.settle());
  machine_.set_wall(kToday);
  pass(1s);
  EXPECT_TRUE(clock_.settle());
  EXPECT_EQ(clock_.now(), kToday + 1s);
}

TEST_F(DisciplinedClockTest, ALeapOfAYearHasToLastADay) {
  clock_.begin(kEarliest, kFloor, kLatest, {});
  pass(10min);
  machine_.set_wall(kToday + 24h * 365);  // by hand, the year one too high
  EXPECT_FALSE(clock_.settle());
  pass(DisciplinedClock::kSettled + 1min);
  EXPECT_FALSE(clock_.settle());
  pass(DisciplinedClock::kObstinate);
  EXPECT_TRUE(clock_.settle());
}

}  // namespace
}  // namespace carbongate::io

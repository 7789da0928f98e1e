#include "drivers/transition_log.h"

#include <gtest/gtest.h>

namespace carbongate {
namespace {

using namespace std::chrono_literals;

TEST(TransitionLog, SaysAChangeOnceAndNothingWhileItLasts) {
  TransitionLog log;
  io::SteadyTime now{1h};
  EXPECT_EQ(log.update("online", now), 0u);
  EXPECT_EQ(log.update("online", now + 10min), std::nullopt);
  EXPECT_EQ(log.update("offline", now + 10min), 0u);
}

TEST(TransitionLog, DoesNotFillTheLogWithWhatFlaps) {
  TransitionLog log;
  io::SteadyTime now{1h};
  int lines = 0;
  for (int second = 0; second < 3'600; ++second, now += 1s) {
    if (log.update(second % 2 == 0 ? "online" : "offline", now)) ++lines;
  }
  EXPECT_LE(lines, 64);
  EXPECT_GE(lines, 30);
}

TEST(TransitionLog, SaysInTheEndWhatHasSettled) {
  TransitionLog log;
  io::SteadyTime now{1h};
  for (int i = 0; i < 11; ++i) log.update(i % 2 == 0 ? "online" : "offline", now);
  EXPECT_EQ(log.update("online", now + 59s), std::nullopt);  // the last line said was "offline"
  const auto unsaid = log.update("online", now + 61s);
  ASSERT_TRUE(unsaid.has_value());
  EXPECT_EQ(*unsaid, 6u);
  EXPECT_EQ(log.update("online", now + 10min), std::nullopt);
}

}  // namespace
}  // namespace carbongate

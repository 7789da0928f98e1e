#include "drivers/api/line_use.h"

#include <gtest/gtest.h>

namespace carbongate {
namespace {

using namespace std::chrono_literals;
using Ticks = LineUse::Ticks;

Ticks at(std::chrono::milliseconds since) {
  return Ticks(1h + since);  // a whole second
}

TEST(LineUse, IsNotKnownBeforeTheFirstRequest) {
  LineUse use;
  EXPECT_FALSE(use.share(at(0s)));
  use.begin(at(10s));
  EXPECT_FALSE(use.share(at(10s)));
  EXPECT_DOUBLE_EQ(*use.share(at(10s + 1ms)), 1);
}

TEST(LineUse, IsOfTheTimeSinceTheFirstRequestWhileThatIsShort) {
  LineUse use;
  use.begin(at(500ms));
  use.end(at(600ms));
  EXPECT_DOUBLE_EQ(*use.share(at(900ms)), 0.25);
  EXPECT_DOUBLE_EQ(*use.share(at(1500ms)), 0.1);
}

TEST(LineUse, CountsToTheMillisecondOverALongTime) {
  LineUse use;
  for (int i = 0; i < 5000; ++i) {  // 37 ms of every 100 ms, across seconds
    use.begin(at(i * 100ms + 80ms));
    use.end(at(i * 100ms + 117ms));
  }
  // From 441 s on: 17 ms of one that began before, 589 whole ones, 20 ms of one that is under way.
  EXPECT_DOUBLE_EQ(*use.share(at(500s)), (17 + 589 * 37 + 20) / 59'000.0);
  EXPECT_DOUBLE_EQ(*use.share(at(500s + 900ms)), (17 + 590 * 37) / 59'900.0);
}

TEST(LineUse, ForgetsWhatIsOlderThanAMinute) {
  LineUse use;
  use.begin(at(0s));
  use.end(at(10s));
  EXPECT_DOUBLE_EQ(*use.share(at(20s)), 0.5);
  EXPECT_DOUBLE_EQ(*use.share(at(59s)), 10.0 / 59);
  EXPECT_DOUBLE_EQ(*use.share(at(65s)), 4.0 / 59);  // from 6 s on
  EXPECT_DOUBLE_EQ(*use.share(at(69s)), 0);
  use.begin(at(1000s));
  use.end(at(1001s));
  EXPECT_DOUBLE_EQ(*use.share(at(1002s)), 1.0 / 59);
  EXPECT_DOUBLE_EQ(*use.share(at(1100s)), 0);
}

TEST(LineUse, ARequestUnderWayCountsUntilNow) {
  LineUse use;
  use.begin(at(0s));
  EXPECT_DOUBLE_EQ(*use.share(at(30s)), 1);
  EXPECT_DOUBLE_EQ(*use.share(at(300s)), 1);
  use.end(at(300s));
  EXPECT_DOUBLE_EQ(*use.share(at(330s)), 29.0 / 59);  // from 271 s on
}

TEST(LineUse, SilenceThatIsToBeKeptEndsWithTheNextRequest) {
  LineUse use;
  use.begin(at(0s));
  use.end(at(5s));  // told at 1 s: the line has to be silent until then
  EXPECT_DOUBLE_EQ(*use.share(at(2s)), 1);
  EXPECT_DOUBLE_EQ(*use.share(at(10s)), 0.5);
  use.begin(at(4s));
  use.end(at(6s));
  EXPECT_DOUBLE_EQ(*use.share(at(10s)), 0.6);
}

}  // namespace
}  // namespace carbongate

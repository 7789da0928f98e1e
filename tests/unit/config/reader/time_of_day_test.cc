#include "config/reader/time_of_day.h"

#include <gtest/gtest.h>

namespace carbongate::config {
namespace {

using namespace std::chrono_literals;

TEST(TimeOfDay, GoesFromMidnightToMidnight) {
  EXPECT_EQ(time_of_day("00:00"), 0min);
  EXPECT_EQ(time_of_day("08:30"), 8h + 30min);
  EXPECT_EQ(time_of_day("24:00"), 24h);
}

TEST(TimeOfDay, IsNothingElse) {
  for (const char* text : {"", "8:30", "08.30", "24:01", "12:60", "25:00", "-1:00", "08:3x", "08:300", "+8:30"}) {
    EXPECT_FALSE(time_of_day(text)) << text;
  }
}

}  // namespace
}  // namespace carbongate::config

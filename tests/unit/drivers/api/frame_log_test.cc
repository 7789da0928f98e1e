#include "drivers/api/frame_log.h"

#include <gtest/gtest.h>

namespace carbongate {
namespace {

using namespace std::chrono_literals;
using Direction = Frame::Direction;

std::string text_of(const Frame& frame) {
  return {reinterpret_cast<const char*>(frame.bytes.data()), frame.bytes.size()};
}

std::vector<std::string> texts(const FrameLog& log) {
  std::vector<std::string> all;
  for (std::size_t i = 0; i < log.size(); ++i) all.push_back(text_of(log[i]));
  return all;
}

TEST(FrameLog, KeepsTheLastOnesAndCountsTheOthers) {
  FrameLog log(3, 10);
  EXPECT_EQ(log.size(), 0U);
  EXPECT_EQ(log.dropped(), 0U);
  log.add_text(Instant(1s), Direction::sent, "one");
  log.add_text(Instant(2s), Direction::received, "two");
  EXPECT_EQ(texts(log), (std::vector<std::string>{"one", "two"}));
  log.add_text(Instant(3s), Direction::sent, "three");
  log.add_text(Instant(4s), Direction::received, "four");
  log.add_text(Instant(5s), Direction::sent, "five");
  EXPECT_EQ(texts(log), (std::vector<std::string>{"three", "four", "five"}));
  EXPECT_EQ(log[0].at, Instant(3s));
  EXPECT_EQ(log[2].direction, Direction::sent);
  EXPECT_EQ(log.added(), 5U);
  EXPECT_EQ(log.dropped(), 2U);
  EXPECT_EQ(log.frames_max(), 3U);
}

TEST(FrameLog, KeepsTheBeginningOfALongOneAndSaysHowLongItWas) {
  FrameLog log(2, 4);
  log.add_text(Instant(1s), Direction::received, "telegram");
  log.add_text(Instant(2s), Direction::received, "four");
  EXPECT_EQ(texts(log), (std::vector<std::string>{"tele", "four"}));
  EXPECT_EQ(log[0].bytes_whole, 8U);
  EXPECT_EQ(log[1].bytes_whole, 4U);
  EXPECT_EQ(log.cut(), 1U);
}

TEST(FrameLog, NothingOfTheFrameBeforeShowsThroughANewOne) {
  FrameLog log(1);
  Frame& first = log.add_text(Instant(1s), Direction::received, "a long first one");
  first.unit = 7;
  first.about = "topic";
  first.took = 5ms;
  first.trouble = "bad";
  log.add(Instant(2s), Direction::missing);
  EXPECT_EQ(log[0].bytes.size(), 0U);
  EXPECT_EQ(log[0].bytes_whole, 0U);
  EXPECT_FALSE(log[0].is_text);
  EXPECT_FALSE(log[0].unit);
  EXPECT_FALSE(log[0].took);
  EXPECT_EQ(log[0].about + log[0].trouble, "");
}

TEST(FrameLog, AFullRingTakesNoMoreMemory) {
  FrameLog log(2, 16);
  const auto add = [&] { return log.add_text(Instant(1s), Direction::sent, "0123456789abcdef").bytes.data(); };
  const std::byte* first = add();
  const std::byte* second = add();
  first = add();  // the ring has grown meanwhile
  second = add();
  EXPECT_EQ(add(), first);
  EXPECT_EQ(add(), second);
}

}  // namespace
}  // namespace carbongate

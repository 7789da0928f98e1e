#include "gateway/ops/frames_json.h"

#include <gtest/gtest.h>

#include <boost/json/array.hpp>

#include "gateway/ops/json.h"
#include "tests/support/hex.h"

namespace carbongate::ops {
namespace {

using namespace std::chrono_literals;
using Direction = Frame::Direction;

constexpr Instant kAt{1'700'000'000'000ms};

boost::json::object first(const FrameLog& log) {
  return frames_json("meter", &log).at("frames").as_array().at(0).as_object();
}

TEST(FramesJson, SaysWhatIsKeptAndWhatNot) {
  FrameLog log(1, 4);
  log.add_text(kAt, Direction::sent, "one");
  log.add_text(kAt, Direction::sent, "three");
  const auto told = frames_json("meter", &log);
  EXPECT_EQ(told.at("device").as_string(), "meter");
  EXPECT_EQ(told.at("frames_max").to_number<int>(), 1);
  EXPECT_EQ(told.at("added").to_number<int>(), 2);
  EXPECT_EQ(told.at("dropped").to_number<int>(), 1);
  EXPECT_EQ(told.at("cut").to_number<int>(), 1);
  EXPECT_EQ(frames_json("meter", nullptr).at("frames_max").to_number<int>(), 0);
  EXPECT_TRUE(frames_json("meter", nullptr).at("frames").as_array().empty());
}

TEST(FramesJson, ShowsBytesAsHex) {
  FrameLog log;
  Frame& frame = log.add(kAt, Direction::received, testing::from_hex("01 83 02 c0 f1"));
  frame.unit = 1;
  frame.took = 12ms;
  frame.trouble = "exception 2 (illegal data address)";
  EXPECT_EQ(to_text(first(log)),
            R"J({"at":"2023-11-14T22:13:20Z","direction":"received","unit":1,"about":"","bytes":5,"hex":"018302c0f1",)J"
            R"J("text":null,"took_ms":12,"trouble":"exception 2 (illegal data address)"})J");
}

TEST(FramesJson, ShowsTextAsTextWhereItIsSome) {
  FrameLog log(8, 8);
  log.add_text(kAt, Direction::received, "21 °C");
  EXPECT_EQ(first(log).at("text").as_string(), "21 °C");
  EXPECT_TRUE(first(log).at("hex").is_null());
  FrameLog cut(8, 4);
  cut.add_text(kAt, Direction::received, "21 °C");  // within the degree sign
  EXPECT_EQ(first(cut).at("text").as_string(), "21 ");
  EXPECT_EQ(first(cut).at("bytes").to_number<int>(), 6);
  FrameLog none(8, 8);
  none.add_text(kAt, Direction::received, "\xff\x00");
  EXPECT_TRUE(first(none).at("text").is_null());
  EXPECT_EQ(first(none).at("hex").as_string(), "ff");
  FrameLog broken(8, 8);
  broken.add_text(kAt, Direction::received, "ab\xc2");  // whole, and no UTF-8
  EXPECT_TRUE(first(broken).at("text").is_null());
}

TEST(FramesJson, AnAnswerThatDidNotComeHasNoBytes) {
  FrameLog log;
  log.add(kAt, Direction::missing).trouble = "no answer within 1000 ms";
  EXPECT_EQ(first(log).at("direction").as_string(), "missing");
  EXPECT_EQ(first(log).at("bytes").to_number<int>(), 0);
  EXPECT_EQ(first(log).at("hex").as_string(), "");
}

}  // namespace
}  // namespace carbongate::ops

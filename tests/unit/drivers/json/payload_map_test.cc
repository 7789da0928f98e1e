#include "drivers/json/payload_map.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <string>
#include <utility>

namespace carbongate::json_payload {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr Instant kArrival{1'700'000'000s};

PayloadMap map_of(std::initializer_list<const char*> pointers) {
  PayloadMap map;
  for (const char* pointer : pointers)
    map.points.push_back({.json = pointer, .time = std::nullopt, .error = std::nullopt});
  return map;
}

std::vector<double> values(const Decoded& decoded) {
  std::vector<double> all;
  for (const Sample& sample : decoded.samples) all.push_back(sample.value);
  return all;
}

TEST(PayloadMap, FindsValuesByPointer) {
  const auto decoded = decode(map_of({"/a", "/b/1", "/c~1d/e~0f", "/em:0/p"}),
                              R"({"a":1.5,"b":[7,8,9],"c/d":{"e~f":-2},"em:0":{"p":3e2}})", kArrival);
  EXPECT_THAT(values(decoded), ElementsAre(1.5, 8, -2, 300));
  EXPECT_THAT(decoded.problems, IsEmpty());
  EXPECT_EQ(decoded.samples[0].at, kArrival);
  EXPECT_EQ(decoded.samples[1].point, 1u);
}

TEST(PayloadMap, TakesNumbersInTextsAndBooleans) {
  const auto decoded = decode(map_of({"/a", "/b", "/c", "/d", "/e"}),
                              R"({"a":"12.5","b":" 007970903 ","c":true,"d":false,"e":"+4"})", kArrival);
  EXPECT_THAT(values(decoded), ElementsAre(12.5, 7970903, 1, 0, 4));
}

TEST(PayloadMap, ReadsBarePayloads) {
  for (const auto& [payload, value] : {std::pair{"12.05", 12.05},
                                       {"1234.500\n", 1234.5},
                                       {"007", 7.0},
                                       {"+1.5", 1.5},
                                       {"true", 1.0},
                                       {"\"3\"", 3.0},
                                       {"-0", 0.0}}) {
    EXPECT_THAT(values(decode(map_of({""}), payload, kArrival)), ElementsAre(value)) << payload;
  }
}

TEST(PayloadMap, SaysNothingOfWhatIsAbsent) {
  const auto decoded = decode(map_of({"/a", "/b/c", "/d/5", "/e/x"}), R"({"b":1,"d":[1],"e":[1]})", kArrival);
  EXPECT_THAT(decoded.samples, IsEmpty());
  EXPECT_THAT(decoded.problems, IsEmpty());
}

TEST(PayloadMap, PassesNullOnAsNotAvailable) {
  for (const char* payload : {R"({"a":null})", R"({"a":"nan"})", R"({"a":"NaN"})"}) {
    const auto decoded = decode(map_of({"/a"}), payload, kArrival);
    ASSERT_EQ(decoded.samples.size(), 1u) << payload;
    EXPECT_EQ(decoded.samples[0].availability, Availability::not_available);
    EXPECT_TRUE(std::isnan(decoded.samples[0].value));
  }
  EXPECT_EQ(decode(map_of({""}), "nan", kArrival).samples.at(0).availability, Availability::not_available);
}

TEST(PayloadMap, TakesTheFlagBesideAValue) {
  PayloadMap map = map_of({"/a"});
  map.points[0].flag = "/f";
  for (const auto& [payload, flag] : {std::pair{R"({"a":1,"f":"M"})", 'M'},
                                      {R"({"a":1,"f":" N "})", 'N'},
                                      {R"({"a":1,"f":"x"})", 'x'},
                                      {R"({"a":1,"f":"NM"})", '?'},
                                      {R"({"a":1,"f":3})", '?'},
                                      {R"({"a":1,"f":""})", '\0'},
                                      {R"({"a":1,"f":null})", '\0'},
                                      {R"({"a":1})", '\0'}}) {
    const auto decoded = decode(map, payload, kArrival);
    ASSERT_EQ(decoded.samples.size(), 1u) << payload;
    EXPECT_EQ(decoded.samples[0].hj212_flag, flag) << payload;
    EXPECT_THAT(decoded.problems, IsEmpty());
  }
}

TEST(PayloadMap, NamesWhatIsNoNumberAndReadsTheRest) {
  const auto decoded =
      decode(map_of({"/a", "/b", "/c", "/d", "/e"}), R"({"a":"ON","b":[1,2],"c":{},"d":5,"e":1e999})", kArrival);
  EXPECT_THAT(values(decoded), ElementsAre(5));
  EXPECT_THAT(decoded.problems,
              ElementsAre(HasSubstr("'ON', not a number"), HasSubstr("/b/0"), HasSubstr("object"), HasSubstr("large")));
}

// What a device sends ends up in logs and on terminals.
TEST(PayloadMap, NamesWhatIsNoNumberWithoutItsControlCharacters) {
  const auto decoded = decode(map_of({"/a"}), R"({"a":"O\u001b[31mN\nx"})", kArrival);
  EXPECT_THAT(decoded.problems, ElementsAre("/a is the text 'O?[31mN?x', not a number"));
}

TEST(PayloadMap, RefusesWhatIsNotJson) {
  for (const char* payload : {"{\"a\":1", "{\"a\":1,}", "ON", "{'a':1}", "\xFF\xFE", "1 2", "{\"a\":NaN}"}) {
    const auto decoded = decode(map_of({"/a", ""}), payload, kArrival);
    EXPECT_THAT(decoded.samples, IsEmpty()) << payload;
    EXPECT_THAT(decoded.problems, ElementsAre(HasSubstr("not JSON"))) << payload;
  }
  EXPECT_THAT(decode(map_of({""}), " ", kArrival).problems, ElementsAre(HasSubstr("empty")));
}

TEST(PayloadMap, LimitsTheDepth) {
  const std::string deep = std::string(1000, '[') + std::string(1000, ']');
  EXPECT_THAT(decode(map_of({"/0"}), deep, kArrival).problems, ElementsAre(HasSubstr("not JSON")));
}

TEST(PayloadMap, ScalesByAnExactRatio) {
  auto map = map_of({"/wm"});
  map.points[0].denominator = 60;
  EXPECT_THAT(values(decode(map, R"({"wm":90})", kArrival)), ElementsAre(1.5));
  map.points[0].numerator = 40;
  map.points[0].denominator = 1;
  EXPECT_DOUBLE_EQ(values(decode(map, R"({"wm":8.98})", kArrival)).at(0), 359.2);
}

TEST(PayloadMap, TakesTheTimeOfTheMessageOrOfTheValue) {
  auto map = map_of({"/a", "/b"});
  map.timestamp = {.json = "/ts", .format = TimeFormat::epoch_ms};
  map.points[1].time = "/b_ts";
  const auto decoded = decode(map, R"({"a":1,"b":2,"ts":1650006388943,"b_ts":1650006380000})", kArrival);
  ASSERT_EQ(decoded.samples.size(), 2u);
  EXPECT_EQ(decoded.samples[0].at, Instant(1650006388943ms));
  EXPECT_EQ(decoded.samples[1].at, Instant(1650006380000ms));
}

TEST(PayloadMap, TellsADevicesTimeFromTheArrivalThoughTheyAreTheSame) {
  auto map = map_of({"/a", "/b"});
  map.timestamp = {.json = "/ts", .format = TimeFormat::epoch_ms, .arrival_if_missing = true};
  map.points[1].time = "/b_ts";
  const auto stamped_by = [&](const std::string& payload) {
    std::vector<StampedBy> all;
    for (const Sample& sample : decode(map, payload, kArrival).samples) {
      EXPECT_EQ(sample.at, kArrival) << payload;
      all.push_back(sample.stamped_by);
    }
    return all;
  };
  const std::string now = std::to_string(kArrival.time_since_epoch().count());
  EXPECT_THAT(stamped_by(R"({"a":1,"ts":)" + now + R"(,"b":2,"b_ts":)" + now + "}"),
              ElementsAre(StampedBy::device, StampedBy::device));
  EXPECT_THAT(stamped_by(R"({"a":1,"b":2,"b_ts":)" + now + "}"), ElementsAre(StampedBy::gateway, StampedBy::device));
  map.timestamp.reset();
  EXPECT_THAT(stamped_by(R"({"a":1})"), ElementsAre(StampedBy::gateway));
}

TEST(PayloadMap, RefusesARecordWithoutItsTime) {
  auto map = map_of({"/a", "/b"});
  map.timestamp = {.json = "/ts", .format = TimeFormat::epoch_s};
  for (const char* payload :
       {R"({"a":1,"b":2})", R"({"a":1,"b":2,"ts":null})", R"({"a":1,"b":2,"ts":"soon"})", R"({"a":1,"b":2,"ts":-3})"}) {
    const auto decoded = decode(map, payload, kArrival);
    EXPECT_THAT(decoded.samples, IsEmpty()) << payload;
    EXPECT_EQ(decoded.problems.size(), 1u) << payload;
  }
  EXPECT_THAT(decode(map, R"({"src":"no points here"})", kArrival).problems, IsEmpty());

  map.timestamp->arrival_if_missing = true;
  EXPECT_THAT(values(decode(map, R"({"a":1,"ts":null})", kArrival)), ElementsAre(1));
  EXPECT_THAT(values(decode(map, R"({"a":1,"ts":"soon"})", kArrival)), IsEmpty());
}

TEST(PayloadMap, BelievesTheDeviceThatAValueIsBad) {
  auto map = map_of({"/values/t"});
  map.points[0].error = "/errors/t";
  for (const char* payload : {R"({"values":{},"errors":{"t":2014}})", R"({"values":{"t":0},"errors":{"t":"bad"}})"}) {
    EXPECT_EQ(decode(map, payload, kArrival).samples.at(0).availability, Availability::not_available) << payload;
  }
  for (const char* payload : {R"({"values":{"t":5}})", R"({"values":{"t":5},"errors":{"t":0}})",
                              R"({"values":{"t":5},"errors":{"t":null}})"}) {
    EXPECT_THAT(values(decode(map, payload, kArrival)), ElementsAre(5)) << payload;
  }
}

TEST(PayloadMap, ReadsManyRecordsOfOneMessage) {
  auto map = map_of({"/v"});
  map.records = "/list";
  map.timestamp = {.json = "/ts", .format = TimeFormat::epoch_s};
  const auto decoded = decode(map, R"({"list":[{"ts":1700000001,"v":1},{"v":2},{"ts":1700000003,"v":3},7]})", kArrival);
  EXPECT_THAT(values(decoded), ElementsAre(1, 3));
  EXPECT_EQ(decoded.samples[1].at, Instant(1'700'000'003s));
  EXPECT_EQ(decoded.problems.size(), 1u);
  EXPECT_THAT(values(decode(map, R"({"list":{"ts":1700000001,"v":1}})", kArrival)), ElementsAre(1));
  EXPECT_THAT(decode(map, R"({"other":[]})", kArrival).problems, IsEmpty());
}

TEST(PayloadMap, ChecksPointers) {
  for (const char* good : {"", "/", "/a/b", "/a~0b", "/a~1b", "/em:0/x", "/a b"})
    EXPECT_EQ(pointer_problem(good), std::nullopt) << good;
  for (const char* bad : {"a", "a/b", "/a~", "/a~2", "#/a"}) EXPECT_NE(pointer_problem(bad), std::nullopt) << bad;
}

}  // namespace
}  // namespace carbongate::json_payload

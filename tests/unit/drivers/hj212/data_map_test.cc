#include "drivers/hj212/data_map.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace carbongate::hj212_driver {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const Instant kNoon{std::chrono::sys_days(std::chrono::year(2026) / 8 / 1) + 12h};

DataMap map_of(std::vector<FactorMap> points) {
  return {.points = std::move(points), .zone = nullptr};
}

Decoded decode(const DataMap& map, std::string_view command, std::string_view area) {
  const auto segment = hj212::parse_segment("CN=1;MN=1;CP=&&" + std::string(area) + "&&");
  return decode(map, command, *segment->area, kNoon + 5s);
}

TEST(Hj212Data, TellsValuesOfTheCommandThatHasThem) {
  const DataMap map = map_of({{.factor = "a05001", .field = "Rtd", .command = "2011"},
                              {.factor = "a05001", .field = "Avg", .command = "2061"},
                              {.factor = "a19001", .field = "Rtd", .command = "2011", .scale = 0.01}});
  const Decoded decoded =
      decode(map, "2011", "DataTime=20260801120000;a05001-Rtd=235000.0,a05001-Avg=1,a05001-Flag=N;a19001-Rtd=6.20");
  EXPECT_THAT(decoded.problems, IsEmpty());
  ASSERT_EQ(decoded.samples.size(), 2u);
  EXPECT_EQ(decoded.samples[0].point, 0u);
  EXPECT_EQ(decoded.samples[0].value, 235'000);
  EXPECT_EQ(decoded.samples[0].at, kNoon);
  EXPECT_EQ(decoded.samples[0].hj212_flag, 'N');
  EXPECT_DOUBLE_EQ(decoded.samples[1].value, 0.062);
  EXPECT_EQ(decoded.samples[1].hj212_flag, '\0') << "it has no mark";
}

TEST(Hj212Data, StampsAnAmountAtTheEndOfItsPeriod) {
  const DataMap map = map_of({{.factor = "a05001", .field = "Cou", .command = "2061", .scale = 1, .length = 1h}});
  const Decoded decoded = decode(map, "2061", "DataTime=20260801120000;a05001-Cou=83923.2,a05001-Flag=N");
  ASSERT_EQ(decoded.samples.size(), 1u);
  EXPECT_EQ(decoded.samples[0].at, kNoon + 1h);
}

TEST(Hj212Data, TakesTheTimeOfTheSampleBeforeThatOfThePacket) {
  const DataMap map = map_of({{.factor = "w01008", .field = "Rtd", .command = "2011"}});
  const Decoded decoded =
      decode(map, "2011", "DataTime=20260801120000;w01008-SampleTime=20260801115959250,w01008-Rtd=1");
  ASSERT_EQ(decoded.samples.size(), 1u);
  EXPECT_EQ(decoded.samples[0].at, kNoon - 750ms);
}

TEST(Hj212Data, AMarkWithoutAValueIsAReadingThatIsNotThere) {
  const DataMap map = map_of({{.factor = "a05001", .field = "Rtd", .command = "2011"}});
  for (const char* area :
       {"DataTime=20260801120000;a05001-Flag=D", "DataTime=20260801120000;a05001-Rtd=,a05001-Flag=D"}) {
    const Decoded decoded = decode(map, "2011", area);
    ASSERT_EQ(decoded.samples.size(), 1u);
    EXPECT_EQ(decoded.samples[0].availability, Availability::not_available);
    EXPECT_EQ(decoded.samples[0].hj212_flag, 'D');
    EXPECT_TRUE(std::isnan(decoded.samples[0].value));
  }
  EXPECT_EQ(decode(map, "2011", "DataTime=20260801120000;a05001-Rtd=1,a05001-Flag=NN").samples[0].hj212_flag, '?');
}

TEST(Hj212Data, SaysWhatCannotBeRead) {
  const DataMap map =
      map_of({{.factor = "a", .field = "Rtd", .command = "2011"}, {.factor = "b", .field = "Rtd", .command = "2011"}});
  Decoded decoded = decode(map, "2011", "DataTime=20260801120000;a-Rtd=12,5;b-Rtd=0x10");
  ASSERT_EQ(decoded.samples.size(), 2u) << "the comma ends a value";
  EXPECT_EQ(decoded.samples[0].value, 12);
  EXPECT_TRUE(std::isnan(decoded.samples[1].value)) << "the journal has what came of it";
  EXPECT_EQ(decoded.samples[1].availability, Availability::available) << "it is a value, and no number";
  EXPECT_THAT(decoded.problems, ElementsAre("b-Rtd: '0x10' is not a number"));
  decoded = decode(map, "2011", "DataTime=20260801120000;a-Rtd=1012 ;b-Rtd= 7");
  EXPECT_EQ(decoded.samples.at(0).value, 1012);
  EXPECT_EQ(decoded.samples.at(1).value, 7);
  EXPECT_THAT(decoded.problems, IsEmpty());
  decoded = decode(map, "2011", "a-Rtd=1;b-Rtd=1");
  EXPECT_THAT(decoded.samples, IsEmpty());
  EXPECT_THAT(decoded.problems, ElementsAre("no time: there is no DataTime that can be read"));
  decoded = decode(map, "2011", "DataTime=20261301000000;a-Rtd=1");
  EXPECT_THAT(decoded.samples, IsEmpty());
  EXPECT_EQ(decoded.problems.size(), 2u);
  EXPECT_THAT(decode(map, "2011", "c-Rtd=1").problems, IsEmpty()) << "none of ours";
  EXPECT_THAT(decode(map, "2051", "a-Rtd=1").problems, IsEmpty());
}

}  // namespace
}  // namespace carbongate::hj212_driver

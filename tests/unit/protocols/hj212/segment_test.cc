#include "protocols/hj212/segment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocols/hj212/codes.h"
#include "tests/unit/protocols/hj212/samples.h"

namespace carbongate::hj212 {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string_view segment_of(std::string_view frame) {
  return frame.substr(6, frame.size() - 10);
}

TEST(Hj212Segment, EverySampleIsReadAndWrittenAsItWas) {
  for (const std::string_view sample : kSamples) {
    const auto segment = parse_segment(segment_of(sample));
    ASSERT_TRUE(segment) << sample;
    EXPECT_EQ(to_text(*segment), segment_of(sample));
    const auto head = head_of(*segment);
    ASSERT_TRUE(head) << sample;
    EXPECT_THAT(head->deviations, IsEmpty()) << sample;
    EXPECT_NE(find_system(head->st), nullptr);
    EXPECT_NE(find_command(head->cn), nullptr);
    Segment again = *segment;
    again.fields = fields_of(*head);
    EXPECT_EQ(to_text(again), segment_of(sample)) << "in the order of the standard";
  }
}

TEST(Hj212Segment, TellsFieldsItemsAndValues) {
  const Segment segment = *parse_segment(segment_of(kSamples[9]));
  const Head head = *head_of(segment);
  EXPECT_EQ(head.qn, "20260801110000001");
  EXPECT_EQ(head.cn, "2061");
  EXPECT_TRUE(head.flag->wants_answer());
  EXPECT_EQ(head.flag->version(), Flag::kVersion2017);
  ASSERT_EQ(segment.area->size(), 3u);
  EXPECT_EQ(find(*segment.area, "a05001-Cou"), "83923.2");
  EXPECT_EQ(find(*segment.area, "a05001-Rtd"), std::nullopt);
  EXPECT_EQ((*segment.area)[2].size(), 5u);
}

TEST(Hj212Segment, ATextBetweenSlashesMayHoldSeparators) {
  constexpr std::string_view kText = "QN=1;CN=3020;MN=1;CP=&&i11001-Info=//a;b,c=d//;i11002-Info=//x//&&";
  const Segment segment = *parse_segment(kText);
  ASSERT_EQ(segment.area->size(), 2u);
  EXPECT_EQ(find(*segment.area, "i11001-Info"), "//a;b,c=d//");
  EXPECT_EQ(to_text(segment), kText);
}

TEST(Hj212Segment, WhatLoggersDoOtherwiseIsReadAndNamed) {
  const Segment segment = *parse_segment(segment_of(kWrongCrcs[1].frame));
  const Head head = *head_of(segment);
  EXPECT_EQ(head.part->number, 2u);
  EXPECT_EQ(head.part->total, 2u);
  EXPECT_THAT(head.deviations,
              ElementsAre("Flag is missing", "PNO comes before PNUM", "PNUM and PNO without bit D of Flag"));
  EXPECT_THAT(head_of(*parse_segment(segment_of(kWrongCrcs[0].frame)))->deviations,
              ElementsAre("QN is missing", "Flag is missing"));
  const Head odd = *head_of(*parse_segment("QN=20260801110000001999;ST=31;CN=2011;PW=1234567;MN=1;Flag=6"));
  EXPECT_THAT(odd.deviations, ElementsAre("QN has 20 characters, more than 17", "PW has 7 characters, more than 6",
                                          "bit D of Flag without PNUM and PNO", "CP is missing"));
}

TEST(Hj212Segment, WhatCannotBeReadSaysWhereAndWhy) {
  const auto why = [](std::string_view text) {
    const auto segment = parse_segment(text);
    if (!segment) return std::to_string(segment.error().at) + ": " + segment.error().text;
    const auto head = head_of(*segment);
    return head ? std::string() : head.error().text;
  };
  EXPECT_EQ(why(""), "0: the segment is empty");
  EXPECT_EQ(why("QN=1;nonsense;CP=&&&&"), "5: a field without '=': nonsense");
  EXPECT_EQ(why("QN=1;CN=2011;MN=1;CP=&&a=1"), "26: CP does not end with &&");
  EXPECT_EQ(why("QN=1;CP=&&"), "10: CP does not end with &&");
  EXPECT_EQ(why("QN=1;"), "4: nothing follows the last ';'");
  EXPECT_THAT(why("QN=1;MN=1;CP=&&&&"), HasSubstr("CN is missing"));
  EXPECT_THAT(why("QN=1;CN=2011;CP=&&&&"), HasSubstr("MN is missing"));
  EXPECT_THAT(why("CN=2011;MN=1;Flag=256;CP=&&&&"), HasSubstr("Flag is not a number of 0 to 255: 256"));
  EXPECT_THAT(why("CN=2011;MN=1;Flag=7;PNUM=2;PNO=3;CP=&&&&"), HasSubstr("PNO 3 of PNUM 2 is no part of a whole"));
  EXPECT_THAT(why("CN=2011;MN=1;Flag=7;PNUM=2;CP=&&&&"), HasSubstr("PNO - of PNUM 2"));
}

TEST(Hj212Segment, OddSeparatorsAreKept) {
  for (const std::string_view area : {"", ";", "a", "a;", ";a", "a,,b;;c,", ",", "a=1,a=2", "=", "//;"}) {
    const std::string text = "CN=2011;MN=1;CP=&&" + std::string(area) + "&&";
    EXPECT_EQ(to_text(*parse_segment(text)), text);
  }
}

TEST(Hj212Segment, ALongAreaIsCutBetweenItemsAndEachPartHasTheTime) {
  const std::vector<Item> time{{{"DataTime", "20260801100000"}}};
  std::vector<Item> items;
  for (int i = 0; i < 100; ++i) items.push_back({{"a" + std::to_string(10000 + i) + "-Rtd", "123.4"}, {"x-Flag", "N"}});
  const auto parts = split(time, items);
  std::vector<Item> joined;
  for (const auto& part : parts) {
    EXPECT_LE(to_text(part).size(), kAreaBytesMax);
    EXPECT_EQ(part.front(), time.front());
    joined.insert(joined.end(), part.begin() + 1, part.end());
  }
  EXPECT_EQ(joined, items);
  EXPECT_EQ(parts.size(), 3u);
  EXPECT_EQ(split(time, {}).size(), 1u) << "an empty packet all the same";
  EXPECT_EQ(split({}, {items[0]}, 5).size(), 1u) << "an item is never cut";
}

TEST(Hj212Segment, AnAreaWithItsNameAndMarksHas950BytesAndOfOthersWithoutThem) {
  EXPECT_EQ(std::string_view("CP=&&").size() + kAreaBytesMax + std::string_view("&&").size(), 950u);
  const auto deviations = [](std::size_t bytes) {
    const std::string area(bytes, 'x');
    return head_of(*parse_segment("QN=1;ST=31;CN=2011;PW=1;MN=1;Flag=4;CP=&&" + area + "&&"))->deviations;
  };
  EXPECT_THAT(deviations(950), IsEmpty());
  EXPECT_THAT(deviations(951), ElementsAre("CP has more than 950 characters"));
}

TEST(Hj212Codes, AreUniqueAndFoundByTheirText) {
  EXPECT_EQ(find_command("2011")->name_zh, "污染物实时数据");
  EXPECT_EQ(find_command("2011x"), nullptr);
  EXPECT_EQ(find_command(""), nullptr);
  EXPECT_EQ(find_request_result("9")->name, "wrong CRC");
  EXPECT_EQ(find_execution_result("100")->name, "no data");
  for (std::size_t i = 1; i < commands().size(); ++i) EXPECT_LT(commands()[i - 1].code, commands()[i].code);
}

}  // namespace
}  // namespace carbongate::hj212

#include "drivers/hj212/answer.h"

#include <gtest/gtest.h>

namespace carbongate::hj212_driver {
namespace {

hj212::Head head_of_text(const std::string& text) {
  return *hj212::head_of(*hj212::parse_segment(text));
}

std::string answer_text(const std::string& text) {
  const auto answer = answer_to(head_of_text(text));
  return answer ? to_text(*answer) : "";
}

std::string packet(const std::string& cn, int flag, const std::string& qn = "20260801110000002") {
  return "QN=" + qn + ";ST=31;CN=" + cn + ";PW=123456;MN=M;Flag=" + std::to_string(flag) + ";CP=&&&&";
}

TEST(Hj212Answer, HasTheEditionOfTheRequest) {
  const auto expected = [](const std::string& cn, int flag) {
    return "QN=20260801110000002;ST=91;CN=" + cn + ";PW=123456;MN=M;Flag=" + std::to_string(flag) + ";CP=&&&&";
  };
  EXPECT_EQ(answer_text(packet("2011", 5)), expected("9014", 4)) << "of 2017";
  EXPECT_EQ(answer_text(packet("2011", 9)), expected("9014", 8)) << "of 2025";
  EXPECT_EQ(answer_text(packet("2011", 1)), expected("9014", 0)) << "of 2005";
  EXPECT_EQ(answer_text(packet("1013", 5)), expected("9013", 4));
}

TEST(Hj212Answer, IsNotGivenWhereNoneIsWantedOrItWouldBeNoPacket) {
  EXPECT_EQ(answer_text(packet("2011", 4)), "");
  EXPECT_EQ(answer_text(packet("1012", 5)), "");
  EXPECT_EQ(answer_text(packet("2011", 5, std::string(800, '2'))), "");
  EXPECT_EQ(answer_text("ST=31;CN=2011;MN=M;CP=&&&&"), "");
}

TEST(Hj212Answer, DeviationsAreTold) {
  const auto told = [](const std::string& text, bool lower_case) {
    return deviations_of({.segment = text, .lower_case = lower_case}, head_of_text(text));
  };
  EXPECT_EQ(told(packet("2011", 5), false), "");
  EXPECT_EQ(
      told("ST=31;CN=2011;PW=123456;MN=M;PNO=1;PNUM=1;CP=&&&&", true),
      "QN is missing; Flag is missing; PNO comes before PNUM; PNUM and PNO without bit D of Flag; the CRC has small "
      "letters");
}

}  // namespace
}  // namespace carbongate::hj212_driver

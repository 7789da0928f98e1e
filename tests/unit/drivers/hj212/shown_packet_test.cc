#include "drivers/hj212/shown_packet.h"

#include <gtest/gtest.h>

namespace carbongate::hj212_driver {
namespace {

std::string shown(const std::string& segment) {
  return shown_packet({.segment = segment}, *hj212::parse_segment(segment));
}

TEST(ShownPacket, HasNeitherThePasswordNorTheCrcByWhichItCouldBeFound) {
  EXPECT_EQ(shown("QN=1;ST=31;CN=2011;PW=123456;MN=A;Flag=5;CP=&&DataTime=2;a05001-Rtd=1.50&&"),
            "##0074QN=1;ST=31;CN=2011;PW=******;MN=A;Flag=5;CP=&&DataTime=2;a05001-Rtd=1.50&&****\r\n");
}

TEST(ShownPacket, KnowsAPasswordWhereverItStands) {
  EXPECT_EQ(shown("CN=1072;pw=abc;MN=A;CP=&&NewPW=654321&&"),
            "##0039CN=1072;pw=******;MN=A;CP=&&NewPW=******&&****\r\n");
}

TEST(ShownPacket, WithoutAPasswordIsAsItStoodOnTheWire) {
  const std::string segment = "QN=1;ST=31;CN=2011;PW=;MN=A;CP=&&a1-Rtd=1&&";
  EXPECT_EQ(shown(segment), hj212::encode({.segment = segment}));
  EXPECT_EQ(shown_packet({.segment = segment, .lower_case = true}, *hj212::parse_segment(segment)),
            hj212::encode({.segment = segment, .lower_case = true}));
}

}  // namespace
}  // namespace carbongate::hj212_driver

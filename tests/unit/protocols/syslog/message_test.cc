#include "protocols/syslog/message.h"

#include <gtest/gtest.h>

namespace carbongate::syslog {
namespace {

using namespace std::chrono_literals;

Message message() {
  return {.severity = Severity::critical,
          .at = std::chrono::sys_days(std::chrono::year(2026) / 8 / 1) + 8h + 5min + 9s + 7ms,
          .host = "edz-1",
          .app = "carbongate",
          .id = "alert",
          .text = "变压器过载"};
}

TEST(SyslogMessage, HasTheFieldsOfRfc5424) {
  EXPECT_EQ(to_text(message()),
            "<130>1 2026-08-01T08:05:09.007Z edz-1 carbongate - alert - \xEF\xBB\xBF"
            "变压器过载");
  EXPECT_EQ(to_frame("<130>1 x"), "8 <130>1 x");
}

TEST(SyslogMessage, EscapesWhatEndsAParameter) {
  Message one = message();
  one.data_id = "alert@32473";
  one.data = {{"rule", "a\"b]c\\d\ne"}, {"empty", ""}, {"user", "冲压"}};
  EXPECT_NE(to_text(one).find(R"( [alert@32473 rule="a\"b\]c\\d e" user="冲压"] )"), std::string::npos) << to_text(one);
}

TEST(SyslogMessage, KeepsToItsFields) {
  Message one = message();
  one.host = "示 1";
  one.text = "two\nlines\x01";
  EXPECT_EQ(to_text(one), "<130>1 2026-08-01T08:05:09.007Z ____1 carbongate - alert - \xEF\xBB\xBFtwo lines ");
  one.host.clear();
  EXPECT_NE(to_text(one).find("Z - carbongate"), std::string::npos);
}

TEST(SyslogMessage, IsCutBetweenCharacters) {
  Message one = message();
  one.text.clear();
  for (int i = 0; i < 1000; ++i) one.text += "载";
  const std::string text = to_text(one);
  EXPECT_TRUE(text.ends_with("载"));
  EXPECT_LE(text.size(), 2'048U);
}

TEST(SyslogFacility, HasAName) {
  EXPECT_EQ(facility_of("kern"), 0);
  EXPECT_EQ(facility_of("daemon"), 3);
  EXPECT_EQ(facility_of("local7"), 23);
  EXPECT_EQ(facility_of("local8"), kNoFacility);
}

}  // namespace
}  // namespace carbongate::syslog

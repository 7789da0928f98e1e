#include "protocols/mqtt/topic_filter.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace carbongate::mqtt {
namespace {

using Captured = std::vector<std::string_view>;

// The examples of MQTT 5.0, section 4.7.1 and 4.7.2.
TEST(TopicFilter, MatchesTheExamplesOfTheStandard) {
  EXPECT_TRUE(matches("sport/tennis/player1/#", "sport/tennis/player1"));
  EXPECT_TRUE(matches("sport/tennis/player1/#", "sport/tennis/player1/ranking"));
  EXPECT_TRUE(matches("sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon"));
  EXPECT_TRUE(matches("sport/#", "sport"));
  EXPECT_TRUE(matches("#", "sport/tennis"));
  EXPECT_TRUE(matches("sport/tennis/+", "sport/tennis/player1"));
  EXPECT_FALSE(matches("sport/tennis/+", "sport/tennis/player1/ranking"));
  EXPECT_FALSE(matches("sport/+", "sport"));
  EXPECT_TRUE(matches("sport/+", "sport/"));
  EXPECT_TRUE(matches("+/+", "/finance"));
  EXPECT_TRUE(matches("/+", "/finance"));
  EXPECT_FALSE(matches("+", "/finance"));
}

TEST(TopicFilter, KeepsTopicsOfTheServerAwayFromLeadingWildcards) {
  EXPECT_FALSE(matches("#", "$SYS/monitor/Clients"));
  EXPECT_FALSE(matches("+/monitor/Clients", "$SYS/monitor/Clients"));
  EXPECT_TRUE(matches("$SYS/#", "$SYS/monitor/Clients"));
  EXPECT_TRUE(matches("$SYS/monitor/+", "$SYS/monitor/Clients"));
}

TEST(TopicFilter, IsCaseSensitiveAndCountsEmptyLevels) {
  EXPECT_FALSE(matches("ACCOUNTS", "Accounts"));
  EXPECT_FALSE(matches("/finance", "finance"));
  EXPECT_FALSE(matches("finance/", "finance"));
  EXPECT_TRUE(matches("a//b", "a//b"));
  EXPECT_TRUE(matches("a/+/b", "a//b"));
  EXPECT_FALSE(matches("a/b", "a//b"));
}

TEST(TopicFilter, CapturesWhatTheWildcardsStoodFor) {
  EXPECT_EQ(capture("tele/+/SENSOR", "tele/press-shop/SENSOR"), (Captured{"press-shop"}));
  EXPECT_EQ(capture("/gw/acrelHW/+/data/+", "/gw/acrelHW/AWT100/data/0042"), (Captured{"AWT100", "0042"}));
  EXPECT_EQ(capture("shellies/+/#", "shellies/em3/emeter/0/power"), (Captured{"em3", "emeter/0/power"}));
  EXPECT_EQ(capture("a/#", "a"), (Captured{""}));
  EXPECT_EQ(capture("+", ""), (Captured{""}));
  EXPECT_EQ(capture("a/b", "a/b"), Captured{});
  EXPECT_EQ(capture("a/b", "a/c"), std::nullopt);
}

TEST(TopicFilter, RefusesWildcardsThatDoNotStandAlone) {
  for (const char* good :
       {"#", "+", "+/tennis/#", "sport/+/player1", "/", "a//", "泵房/电表", "zigbee2mqtt/Plug Kachel"}) {
    EXPECT_EQ(filter_problem(good), std::nullopt) << good;
  }
  for (const char* bad : {"", "sport/tennis#", "sport/tennis/#/ranking", "sport+", "+a/b", "##", "a/#/"}) {
    EXPECT_NE(filter_problem(bad), std::nullopt) << bad;
  }
}

TEST(TopicFilter, KnowsSharedSubscriptions) {
  EXPECT_EQ(filter_problem("$share/group/tele/+/SENSOR"), std::nullopt);
  EXPECT_NE(filter_problem("$share/group"), std::nullopt);
  EXPECT_NE(filter_problem("$share//a"), std::nullopt);
  EXPECT_NE(filter_problem("$share/gr+up/a"), std::nullopt);
  EXPECT_NE(filter_problem("$share/group/"), std::nullopt);
  EXPECT_EQ(without_share("$share/group/tele/+/SENSOR"), "tele/+/SENSOR");
  EXPECT_EQ(without_share("tele/+/SENSOR"), "tele/+/SENSOR");
}

TEST(TopicFilter, RefusesWhatIsNoMqttString) {
  EXPECT_EQ(topic_problem("tele/电表/SENSOR"), std::nullopt);
  EXPECT_NE(topic_problem("tele/+/SENSOR"), std::nullopt);
  EXPECT_NE(topic_problem(std::string_view("a\0b", 3)), std::nullopt);
  EXPECT_NE(topic_problem("a\xFF"), std::nullopt);
  EXPECT_NE(topic_problem("\xED\xA0\x80"), std::nullopt) << "a surrogate";
  EXPECT_NE(topic_problem("\xC0\xAF"), std::nullopt) << "an overlong slash";
  EXPECT_NE(topic_problem("\xF4\x90\x80\x80"), std::nullopt) << "above U+10FFFF";
  EXPECT_NE(topic_problem("\xE6\xB3"), std::nullopt) << "cut off";
  EXPECT_EQ(topic_problem(std::string(65535, 'a')), std::nullopt);
  EXPECT_NE(topic_problem(std::string(65536, 'a')), std::nullopt);
}

}  // namespace
}  // namespace carbongate::mqtt

#include "gateway/sinks/mqtt/topic_template.h"

#include <gtest/gtest.h>

namespace carbongate::sinks::mqtt {
namespace {

model::StoredRow row(model::RowBody body) {
  auto series = std::make_shared<model::Series>();
  series->site = "park";
  series->device = "press";
  series->point = "energy import";
  series->carrier = "electricity";
  series->user = body.get_if<model::JudgedReading>() ? "" : "hall/1+2 #3 50%";
  return {7, std::move(series), std::move(body)};
}

std::string topic(std::string_view text, const model::StoredRow& row) {
  return TopicTemplate::parse(text)->topic_of(row);
}

TEST(TopicTemplate, PutsNamesIn) {
  EXPECT_EQ(topic("carbongate/{site}/{kind}/{device}/{point}", row(model::JudgedReading{})),
            "carbongate/park/readings/press/energy import");
  model::RollupRow rollup;
  rollup.period = model::Period::hour;
  EXPECT_EQ(topic("{kind}/{period}/{carrier}x", row(rollup)), "rollups/hour/electricityx");
  EXPECT_EQ(topic("plain", row(rollup)), "plain");
}

TEST(TopicTemplate, NeverMakesALevelOrAWildcardOfAName) {
  EXPECT_EQ(topic("u/{user}/x", row(model::EmissionEntry{})), "u/hall%2F1%2B2 %233 50%25/x");
}

TEST(TopicTemplate, WritesADashForWhatARowDoesNotHave) {
  EXPECT_EQ(topic("u/{user}/{period}", row(model::JudgedReading{})), "u/-/-");
}

TEST(TopicTemplate, SaysWhatIsWrong) {
  EXPECT_EQ(TopicTemplate::problem_of("a/{site}"), "");
  EXPECT_EQ(TopicTemplate::problem_of(""), "is empty");
  EXPECT_NE(TopicTemplate::problem_of("$SYS/x").find("broker's own"), std::string::npos);
  EXPECT_NE(TopicTemplate::problem_of("a/+/{site}").find("wildcards"), std::string::npos);
  EXPECT_NE(TopicTemplate::problem_of("a/{sit}").find("does not know {sit}; did you mean 'site'"), std::string::npos);
  for (const char* text : {"a/{site", "a/site}", "{site}}", "{{site}"}) {
    EXPECT_NE(TopicTemplate::problem_of(text), "") << text;
    EXPECT_FALSE(TopicTemplate::parse(text)) << text;
  }
}

}  // namespace
}  // namespace carbongate::sinks::mqtt

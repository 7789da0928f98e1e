#include "gateway/sinks/mqtt/config.h"

#include <gtest/gtest.h>

#include <filesystem>

namespace carbongate::sinks::mqtt {
namespace {

struct Read {
  Config config;
  std::string problems;
};

Read read(const std::string& keys, const std::string& brokers = "plant: {url: \"mqtt://10.0.0.2\"}") {
  config::Problems problems;
  const config::Node node = config::parse_text("type: mqtt\n" + keys, "site.yaml", problems);
  const config::Node root = config::parse_text("site: {id: park, timezone: Asia/Shanghai}\nbrokers: {" + brokers + "}",
                                               "site.yaml", problems);
  config::Reader in(node, problems);
  in.required<std::string>("type");
  Read result{Config::from(in, root), {}};
  in.finish();
  result.problems = problems.to_text();
  return result;
}

bool says(const std::string& keys, std::string_view words) {
  return read(keys).problems.find(words) != std::string::npos;
}

TEST(MqttSinkConfig, NeedsABrokerOnly) {
  const Read got = read("broker: plant");
  EXPECT_EQ(got.problems, "");
  EXPECT_EQ(got.config.name, "mqtt plant");
  EXPECT_EQ(got.config.session.host, "10.0.0.2");
  EXPECT_EQ(got.config.session.client_id, "carbongate-park-plant-mqtt-plant") << "not the driver's";
  EXPECT_EQ(got.config.time_zone, "Asia/Shanghai");
  EXPECT_FALSE(got.config.retain);
}

TEST(MqttSinkConfig, GivesTwoSinksTwoClientIds) {
  EXPECT_NE(read("broker: plant\nname: a").config.session.client_id,
            read("broker: plant\nname: b").config.session.client_id);
}

TEST(MqttSinkConfig, SaysWhereAndWhatIsWrong) {
  EXPECT_TRUE(says("name: x", "broker"));
  EXPECT_TRUE(says("broker: plnt", "site.yaml:2:9: error: broker: unknown broker 'plnt'; did you mean 'plant'?"));
  EXPECT_TRUE(says("broker: plant\ntopic: a/{usr}", "site.yaml:3:8: error: topic: does not know {usr}"));
  EXPECT_TRUE(says("broker: plant\nin_flight: 0", "out of range"));
  EXPECT_TRUE(says("broker: plant\nqos: 0", "unknown key"));
}

TEST(MqttSinkConfig, LeavesWhatIsWrongWithABrokerToTheDriver) {
  EXPECT_EQ(read("broker: plant", "plant: {url: \"http://x\"}").problems, "");
}

TEST(MqttSinkConfig, TakesItsSample) {
  const auto sample = std::filesystem::path(CARBONGATE_SOURCE_DIR) / "gateway/sinks/mqtt/sample.yaml";
  config::Problems problems;
  const config::Node node = config::parse_file(sample, problems);
  const config::Node root = config::parse_text("brokers: {plant: {url: \"mqtt://10.0.0.2\"}}", "site.yaml", problems);
  config::Reader in(node, problems);
  in.required<std::string>("type");
  const Config config = Config::from(in, root);
  in.finish();
  EXPECT_EQ(problems.to_text(), "");
  EXPECT_EQ(config.in_flight, Config().in_flight) << "it shows the defaults";
  EXPECT_EQ(config.batch_rows, Config().batch_rows);
}

}  // namespace
}  // namespace carbongate::sinks::mqtt

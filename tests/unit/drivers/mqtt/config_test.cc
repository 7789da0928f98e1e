#include "drivers/mqtt/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <string>

#include "config/reader/node.h"
#include "config/reader/reader.h"
#include "drivers/mqtt/broker_config.h"

namespace carbongate::mqtt_driver {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

struct Loaded {
  std::vector<std::unique_ptr<MqttPlan>> plans;
  std::string problems;
};

Loaded load(const config::Node& root, config::Problems& problems) {
  Loaded loaded;
  const SharedEntries brokers(kBrokers, root, problems);
  for (const config::Node& item : root.find("devices")->items()) {
    config::Reader in(item, problems);
    in.required<std::string>("driver");
    loaded.plans.push_back(read_plan(in, root, brokers));
    in.finish();
  }
  loaded.problems = problems.to_text();
  return loaded;
}

Loaded load(const std::string& text) {
  config::Problems problems;
  const config::Node root = config::parse_text(text, "site.yaml", problems);
  return load(root, problems);
}

// A device with everything it needs, and `extra` lines; `broker` lines for the broker.
std::string device(const std::string& extra, const std::string& broker = "") {
  return "site: {id: edz-1}\nbrokers:\n  plant:\n    url: \"mqtt://10.0.0.2\"\n" + broker +
         "devices:\n  - id: press-shop\n    driver: mqtt\n    broker: plant\n" + extra;
}

const char* const kTopicAndPoint =
    "    topic: tele/press-shop/SENSOR\n"
    "    points: [{name: energy, json: /ENERGY/Total, unit: kWh, kind: cumulative}]\n";

TEST(MqttConfig, LoadsTheSample) {
  ::setenv("MQTT_PASSWORD", "s3cret", 1);
  config::Problems problems;
  const config::Node root =
      config::parse_file(std::filesystem::path(CARBONGATE_SOURCE_DIR) / "drivers/mqtt/sample.yaml", problems);
  const Loaded loaded = load(root, problems);
  EXPECT_EQ(loaded.problems, "");
  ASSERT_EQ(loaded.plans.size(), 7u);
  const MqttPlan& plugs = *loaded.plans[0];
  EXPECT_EQ(plugs.filter, "tele/+/SENSOR");
  EXPECT_EQ(plugs.device_wildcard, 0u);
  ASSERT_EQ(plugs.points().size(), 4u);
  EXPECT_EQ(plugs.points()[0].full_name(), "press-shop.energy");
  EXPECT_EQ(plugs.points()[plugs.point_index(1, 1)].full_name(), "paint-shop.power");
  EXPECT_EQ(plugs.points()[0].limits.interval, 5min);
  EXPECT_EQ(plugs.points()[0].limits.power_max_w, 4000);
  EXPECT_EQ(plugs.session.client_id, "carbongate-edz-1");
  EXPECT_EQ(plugs.session.session_expiry, 7 * 24h);
  EXPECT_EQ(loaded.plans[2]->points()[0].kind, Kind::interval);
  EXPECT_EQ(loaded.plans[4]->members[1].id, "substation-2");
  EXPECT_EQ(loaded.plans[6]->map.points[0].flag, "/a05001/Flag");
  EXPECT_EQ(loaded.plans[6]->map.points[1].flag, "/Flag") << "the device's";
  EXPECT_FALSE(plugs.map.points[0].flag);
}

TEST(MqttConfig, FillsInWhatIsUsual) {
  const Loaded loaded = load(device(kTopicAndPoint));
  EXPECT_EQ(loaded.problems, "");
  const MqttPlan& plan = *loaded.plans.at(0);
  EXPECT_EQ(plan.group(), "plant");
  EXPECT_EQ(plan.qos, 1);
  EXPECT_EQ(plan.session.host, "10.0.0.2");
  EXPECT_EQ(plan.session.port, 1883);
  EXPECT_EQ(plan.session.client_id, "carbongate-edz-1-plant");
  EXPECT_EQ(plan.session.keep_alive, 60s);
  EXPECT_EQ(plan.session.version, mqtt::Version::automatic);
  EXPECT_FALSE(plan.session.clean_start);
  EXPECT_EQ(plan.points().at(0).device, "press-shop");
}

TEST(MqttConfig, TakesAnAmountForARunningTotalAndTheRestForAState) {
  const Loaded loaded = load(device(
      "    topic: t\n    points:\n      - {name: e, json: /e, unit: kWh}\n      - {name: p, json: /p, unit: W}\n"));
  EXPECT_EQ(loaded.plans.at(0)->points().at(0).kind, Kind::cumulative);
  EXPECT_EQ(loaded.plans.at(0)->points().at(1).kind, Kind::instantaneous);
}

TEST(MqttConfig, UnderstandsUrls) {
  struct Case {
    const char* url;
    const char* host;
    std::uint16_t port;
    bool tls;
  };
  for (const Case& c : {Case{"mqtts://broker.example", "broker.example", 8883, true},
                        {"ssl://[::1]:9000", "::1", 9000, true},
                        {"tcp://localhost:1884/", "localhost", 1884, false}}) {
    const Loaded loaded = load(
        "brokers: {b: {url: \"" + std::string(c.url) +
        "\"}}\ndevices:\n  - {id: d, driver: mqtt, broker: b, topic: t, points: [{name: p, json: /p, unit: W}]}\n");
    EXPECT_EQ(loaded.problems, "") << c.url;
    EXPECT_EQ(loaded.plans.at(0)->session.host, c.host);
    EXPECT_EQ(loaded.plans.at(0)->session.port, c.port);
    EXPECT_EQ(loaded.plans.at(0)->session.tls, c.tls);
  }
  for (const char* bad :
       {"10.0.0.2:1883", "http://x", "mqtt://", "mqtt://user:pw@x", "mqtt://x/path", "mqtt://x:99999"}) {
    EXPECT_NE(
        load("brokers: {b: {url: \"" + std::string(bad) +
             "\"}}\ndevices:\n  - {id: d, driver: mqtt, broker: b, topic: t, points: [{name: p, json: /p, unit: W}]}\n")
            .problems,
        "")
        << bad;
  }
}

TEST(MqttConfig, TakesFurtherServersOfTheCluster) {
  const Loaded loaded = load(device(kTopicAndPoint, "    failover: [\"mqtt://b\", \"tcp://[::1]:1884\"]\n"));
  EXPECT_EQ(loaded.problems, "");
  const mqtt::SessionOptions& session = loaded.plans.at(0)->session;
  EXPECT_EQ(session.host, "10.0.0.2");
  ASSERT_EQ(session.failover.size(), 2u);
  EXPECT_EQ(session.failover[0].host, "b");
  EXPECT_EQ(session.failover[0].port, 1883);
  EXPECT_EQ(session.failover[1].host, "::1");
  EXPECT_EQ(session.failover[1].port, 1884);
  EXPECT_THAT(load(device(kTopicAndPoint, "    failover: [\"mqtts://b\"]\n")).problems, HasSubstr("or none of them"));
  EXPECT_THAT(load(device(kTopicAndPoint, "    failover: [\"mqtt://b/path\"]\n")).problems, HasSubstr("no path"));
}

TEST(MqttConfig, OffersTheNearestBroker) {
  const std::string text =
      "brokers: {plant: {url: \"mqtt://x\"}}\ndevices:\n  - {id: d, driver: mqtt, broker: plnt, topic: t, points: "
      "[{name: p, json: /p, unit: W}]}\n";
  EXPECT_THAT(load(text).problems, HasSubstr("did you mean 'plant'"));
}

TEST(MqttConfig, RefusesAnIntervalThatRedeliveryWouldCountTwice) {
  const std::string point = "    points: [{name: e, json: /e, unit: Wh, kind: interval}]\n";
  EXPECT_THAT(load(device("    topic: t\n" + point)).problems, HasSubstr("would count twice"));
  EXPECT_EQ(load(device("    topic: t\n    qos: 0\n" + point)).problems, "");
  EXPECT_EQ(load(device("    topic: t\n    timestamp: {json: /ts, format: epoch-s}\n" + point)).problems, "");
  EXPECT_THAT(
      load(device("    topic: t\n    timestamp: {json: /ts, format: epoch-s, if_missing: arrival}\n" + point)).problems,
      HasSubstr("would count twice"));
  EXPECT_EQ(
      load(device("    topic: t\n    points: [{name: e, json: /e, time: /at, unit: Wh, kind: interval}]\n")).problems,
      "");
}

TEST(MqttConfig, ChecksTopicsAndDevices) {
  const std::string point = "    points: [{name: e, json: /e, unit: Wh}]\n";
  EXPECT_THAT(load(device("    topic: tele/#/x\n" + point)).problems, HasSubstr("last level"));
  EXPECT_THAT(load(device("    topic: tele/{device}/x\n" + point)).problems, HasSubstr("devices"));
  EXPECT_THAT(load(device("    topic: tele/x{device}/x\n    devices: [a]\n" + point)).problems, HasSubstr("alone"));
  EXPECT_THAT(load(device("    topic: tele/x\n    devices: [a]\n" + point)).problems,
              HasSubstr("where their ids stand"));
  EXPECT_THAT(load(device("    topic: tele/{device}\n    devices: [a, a]\n" + point)).problems,
              HasSubstr("there twice"));
  EXPECT_THAT(load(device("    topic: tele/{device}\n    devices: []\n" + point)).problems,
              HasSubstr("names no device"));
  EXPECT_THAT(load(device("    topic: tele/+/x\n" + point)).problems, HasSubstr("warning"));
}

TEST(MqttConfig, ChecksPoints) {
  const auto point = [](const std::string& keys) {
    return device("    topic: t\n    points: [{name: e, " + keys + "}]\n");
  };
  EXPECT_THAT(load(point("json: ENERGY/Total, unit: kWh")).problems, HasSubstr("begins with '/'"));
  EXPECT_THAT(load(point("json: /e, unit: kwh")).problems, HasSubstr("did you mean 'kWh'"));
  EXPECT_THAT(load(point("json: /e, unit: kW, kind: cumulative")).problems, HasSubstr("only be instantaneous"));
  EXPECT_THAT(load(point("json: /e, unit: kWh, scale: 1/0")).problems, HasSubstr("scale"));
  EXPECT_THAT(load(point("json: /e, unit: kWh, scale: x")).problems, HasSubstr("scale"));
  EXPECT_THAT(load(point("jsn: /e, unit: kWh")).problems, HasSubstr("did you mean 'json'"));
  EXPECT_THAT(load(device("    topic: t\n    points: []\n")).problems, HasSubstr("names no point"));
  EXPECT_EQ(load(point("json: \"\", unit: kWh, scale: 1/60")).plans.at(0)->map.points.at(0).denominator, 60);
}

TEST(MqttConfig, ChecksTimestamps) {
  const auto stamped = [](const std::string& keys) {
    return device(std::string(kTopicAndPoint) + "    timestamp: {" + keys + "}\n");
  };
  EXPECT_THAT(load(stamped("json: /Time, format: iso8601, time_zone: Asia/Shangai")).problems, HasSubstr("time zone"));
  EXPECT_THAT(load(stamped("json: /Time, format: epoch-ns")).problems, HasSubstr("did you mean 'epoch-s'"));
  EXPECT_THAT(load(stamped("json: /Time, format: epoch-s, time_zone: Asia/Shanghai")).problems, HasSubstr("UTC"));
  EXPECT_THAT(load(stamped("format: iso8601")).problems, HasSubstr("json"));
}

TEST(MqttConfig, ChecksTheBroker) {
  EXPECT_THAT(load(device(kTopicAndPoint, "    ca_file: nowhere.pem\n")).problems, HasSubstr("cannot read"));
  EXPECT_THAT(load(device(kTopicAndPoint, "    verify: false\n")).problems, HasSubstr("without TLS"));
  EXPECT_THAT(load(device(kTopicAndPoint, "    password: s3cret\n")).problems, HasSubstr("password_file"));
  EXPECT_EQ(load(device(kTopicAndPoint, "    password: s3cret\n")).problems.find("s3cret"), std::string::npos);
  EXPECT_THAT(load(device(kTopicAndPoint, "    version: 4\n")).problems, HasSubstr("3.1.1"));
  EXPECT_THAT(load(device(kTopicAndPoint, "    keep_alive: 1s\n")).problems, HasSubstr("keep_alive"));
}

}  // namespace
}  // namespace carbongate::mqtt_driver

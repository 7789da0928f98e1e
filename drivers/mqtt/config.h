// What an element of `devices` with `driver: mqtt` says. sample.yaml shows every key.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/reader/node.h"
#include "config/reader/reader.h"
#include "drivers/api/device_plan.h"
#include "drivers/json/payload_map.h"
#include "drivers/shared_section.h"
#include "protocols/mqtt/session.h"

namespace carbongate::mqtt_driver {

// A device behind one element of the configuration. An element whose topic contains {device} has several, all with the
// same points; every other element has one, with the element's id.
struct Member {
  std::string id;     // "press-shop"
  std::string level;  // what stands in the topic in place of {device}
};

class MqttPlan final : public DevicePlan {
 public:
  using DevicePlan::DevicePlan;

  std::string group() const override { return broker; }

  Origin origin(std::size_t point, double value) const override;

  // points() holds those of the first member, then those of the second, and so on, each time in the order of
  // map.points.
  std::size_t point_index(std::size_t member, std::size_t point) const { return member * map.points.size() + point; }

  std::string broker;
  mqtt::SessionOptions session;                // the broker's; without subscriptions
  std::string filter;                          // the topic, with + in place of {device}
  std::optional<std::size_t> device_wildcard;  // which of the filter's wildcards stands for {device}
  int qos = 1;
  std::vector<Member> members;
  json_payload::PayloadMap map;
  Duration interval{};  // how often the device publishes; 0: not known
};

// Reads the element; `brokers` are those of kBrokers. A plan comes back in any case; problems go to the reader.
std::unique_ptr<MqttPlan> read_plan(config::Reader& device, const config::Node& root, const SharedEntries& brokers);

}  // namespace carbongate::mqtt_driver

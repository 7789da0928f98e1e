#include "drivers/mqtt/config.h"

#include <algorithm>
#include <chrono>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "config/reader/text.h"
#include "drivers/json/payload_config.h"
#include "drivers/mqtt/broker_config.h"
#include "protocols/mqtt/topic_filter.h"

namespace carbongate::mqtt_driver {
namespace {

constexpr std::string_view kDeviceLevel = "{device}";
constexpr std::size_t kMembersMax = 10'000;

// `devices`: a list of ids, which are also the levels in the topic, or a map from level to id.
std::vector<Member> read_members(config::Reader& in) {
  std::vector<Member> members;
  const config::Node* node = in.child("devices");
  if (node == nullptr) return members;
  if (node->is_map()) {
    for (const config::Node::Member& member : node->members()) {
      if (member.value->is_scalar()) {
        members.push_back({.id = member.value->scalar(), .level = member.key});
      } else {
        in.problems().error(member.value->place(), member.value->path() + ": expected the id of a device");
      }
    }
  } else if (node->is_sequence()) {
    for (const config::Node& item : node->items()) {
      if (item.is_scalar()) {
        members.push_back({.id = item.scalar(), .level = item.scalar()});
      } else {
        in.problems().error(item.place(), item.path() + ": expected the id of a device");
      }
    }
  } else {
    in.error("devices", "expected a list of device ids, or a map from topic level to device id");
  }
  return members;
}

void check_members(config::Reader& in, const std::vector<Member>& members) {
  std::set<std::string_view> ids;
  std::set<std::string_view> levels;
  for (const Member& member : members) {
    if (member.level.empty() || member.level.find_first_of("/+#") != std::string::npos) {
      in.error("devices", "'" + config::printable(member.level) + "' cannot be a level of a topic");
    }
    if (member.id.empty() || !ids.insert(member.id).second) {
      in.error("devices", "the device '" + config::printable(member.id) + "' is there twice");
    }
    if (!levels.insert(member.level).second) {
      in.error("devices", "the level '" + config::printable(member.level) + "' is there twice");
    }
  }
  if (members.size() > kMembersMax) in.error("devices", "more than " + std::to_string(kMembersMax) + " devices");
}

// Replaces {device} by a wildcard, and remembers which one it is. False: it is not there as one whole level.
bool take_device_level(MqttPlan& plan) {
  const std::size_t at = plan.filter.find(kDeviceLevel);
  if (at == std::string::npos) return false;
  const std::size_t end = at + kDeviceLevel.size();
  const bool whole = (at == 0 || plan.filter[at - 1] == '/') && (end == plan.filter.size() || plan.filter[end] == '/');
  if (!whole || plan.filter.find(kDeviceLevel, end) != std::string::npos) return false;
  plan.device_wildcard = static_cast<std::size_t>(
      std::count(plan.filter.begin(), plan.filter.begin() + static_cast<std::ptrdiff_t>(at), '+'));
  plan.filter.replace(at, kDeviceLevel.size(), "+");
  return true;
}

void read_topic(config::Reader& in, MqttPlan& plan) {
  plan.filter = in.required<std::string>("topic");
  plan.qos = in.in_range<int>("qos", 1, 0, 2);
  plan.members = read_members(in);
  const bool several = in.has("devices");
  const bool mentions_device = plan.filter.find(kDeviceLevel) != std::string::npos;
  if (mentions_device && !take_device_level(plan)) {
    in.error("topic", "{device} must stand once, and alone between slashes, as in tele/{device}/SENSOR");
  }
  if (several && plan.members.empty()) in.error("devices", "names no device");
  if (several && !mentions_device && !plan.filter.empty()) {
    in.error("topic", "with `devices`, the topic must say where their ids stand, as in tele/{device}/SENSOR");
  }
  if (!several && mentions_device) {
    in.error("topic",
             "{device} needs the list of `devices` that may stand there, such as devices: [press-shop, paint-shop]");
  }
  check_members(in, plan.members);
  if (plan.members.empty()) plan.members.push_back({.id = plan.id(), .level = ""});
  if (plan.filter.empty()) return;
  if (const auto problem = mqtt::filter_problem(plan.filter)) {
    in.error("topic", "'" + config::printable(plan.filter) + "' " + *problem);
  } else if (!mentions_device && !several && plan.filter.find_first_of("+#") != std::string::npos) {
    in.warning("topic", "every topic that matches counts as the one device '" + plan.id() +
                            "'; write {device} where the ids of several devices stand, and list them in `devices`");
  }
}

// A broker delivers a QoS 1 message again when it did not hear our acknowledgement. A meter reading is recognised by
// its time stamp then; an amount stamped on arrival would be counted twice.
std::string why_amounts_need_a_time(int qos) {
  if (qos == 0) return {};
  return "an interval needs the payload's own time with QoS " + std::to_string(qos) +
         ": a broker may deliver a message twice, and without a time of its own the amount would count twice. Give the "
         "device a `timestamp`, or `qos: 0`, or take the cumulative counter instead";
}

void read_broker_reference(config::Reader& in, const SharedEntries& brokers, MqttPlan& plan) {
  plan.broker = in.value_or("broker", "");
  if (const auto* broker = static_cast<const Broker*>(brokers.find(in))) plan.session = broker->session;
}

}  // namespace

std::unique_ptr<MqttPlan> read_plan(config::Reader& in, const config::Node& root, const SharedEntries& brokers) {
  auto plan = std::make_unique<MqttPlan>(in.value_or("id", ""));
  read_broker_reference(in, brokers, *plan);
  read_topic(in, *plan);
  plan->interval =
      in.in_range<std::chrono::milliseconds>("interval", Duration{}, Duration{}, std::chrono::hours(24 * 31));
  const json_payload::Expectations expected{.interval = plan->interval,
                                            .why_amounts_need_a_time = why_amounts_need_a_time(plan->qos)};
  json_payload::Payload payload = json_payload::read_payload(in, root, expected);
  plan->map = std::move(payload.map);
  for (const Member& member : plan->members) {
    for (Point point : payload.points) {
      point.device = member.id;
      plan->points().push_back(std::move(point));
    }
  }
  return plan;
}

Origin MqttPlan::origin(std::size_t point, double) const {
  const std::string& level = members.at(point / map.points.size()).level;
  const std::string message = "broker " + broker + ", topic " + filter + (level.empty() ? "" : " (" + level + ")");
  return json_payload::origin(map, point % map.points.size(), message);
}

}  // namespace carbongate::mqtt_driver

#include "drivers/mqtt/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <map>
#include <set>
#include <span>
#include <system_error>
#include <utility>

#include "config/reader/text.h"
#include "drivers/meter_history.h"
#include "drivers/mqtt/broker_config.h"
#include "drivers/point_limits.h"
#include "protocols/mqtt/topic_filter.h"

namespace carbongate::mqtt_driver {
namespace {

constexpr std::string_view kDeviceLevel = "{device}";
constexpr std::size_t kMembersMax = 10'000;

std::string pointer_or_problem(config::Reader& in, std::string_view key, std::string pointer) {
  if (const auto problem = pointer_problem(pointer)) in.error(key, "'" + config::printable(pointer) + "': " + *problem);
  return pointer;
}

std::optional<std::string> read_pointer(config::Reader& in, std::string_view key) {
  auto pointer = in.optional<std::string>(key);
  if (pointer) pointer = pointer_or_problem(in, key, *pointer);
  return pointer;
}

// "0.001", or "1/60": a ratio is exact where a decimal fraction is not.
void read_scale(config::Reader& in, PointMap& point) {
  const auto text = in.optional<std::string>("scale");
  if (!text) return;
  const auto number = [](std::string_view digits) -> std::optional<double> {
    double value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc{} || end != digits.data() + digits.size() || !std::isfinite(value) || value == 0)
      return std::nullopt;
    return value;
  };
  const std::size_t slash = text->find('/');
  const auto numerator = number(std::string_view(*text).substr(0, slash));
  const auto denominator = slash == std::string::npos ? 1.0 : number(std::string_view(*text).substr(slash + 1));
  if (!numerator || !denominator) {
    in.error("scale",
             "expected a number other than 0, or a ratio such as 1/60, found '" + config::printable(*text) + "'");
    return;
  }
  point.numerator = *numerator;
  point.denominator = *denominator;
}

bool is_amount(Dimension dimension) {
  switch (dimension) {
    case Dimension::ratio:
    case Dimension::energy:
    case Dimension::reactive_energy:
    case Dimension::apparent_energy:
    case Dimension::volume:
    case Dimension::normal_volume:
    case Dimension::mass:
    case Dimension::pieces:
    case Dimension::duration: return true;
    default: return false;
  }
}

void read_unit(config::Reader& in, Point& point) {
  const std::string symbol = in.required<std::string>("unit");
  if (symbol.empty()) return;
  if (const auto unit = find_unit(symbol)) {
    point.unit = *unit;
    return;
  }
  std::vector<std::string> known;
  for (const Unit& unit : all_units()) known.emplace_back(unit.symbol);
  in.error("unit", "unknown unit '" + config::printable(symbol) + "'" + config::suggestion(symbol, known));
}

// Without `kind`: an amount is taken as a running total, which is what meters publish, everything else as a rate or
// state.
void read_kind(config::Reader& in, Point& point) {
  const bool amount = is_amount(point.unit.dimension) && point.unit.dimension != Dimension::ratio;
  constexpr std::array kKinds{Kind::cumulative, Kind::interval, Kind::instantaneous};
  point.kind = kKinds[in.one_of("kind", {"cumulative", "interval", "instantaneous"}, amount ? 0 : 2)];
  if (in.has("unit") && point.kind != Kind::instantaneous && !is_amount(point.unit.dimension)) {
    in.error("kind", "a " + std::string(to_string(point.unit.dimension)) + " in " + std::string(point.unit.symbol) +
                         " is a rate or a state: it can only be instantaneous");
  }
}

// Where the times of a device without an offset are told: at the site, unless the device says otherwise. nullptr: UTC.
const date::time_zone* zone_of_site(const config::Node& root) {
  const config::Node* site = root.find("site");
  const config::Node* zone = site ? site->find("timezone") : nullptr;
  return zone && zone->is_scalar() ? find_zone(zone->scalar()) : nullptr;
}

void read_timestamp(const config::Node& node, const config::Node& root, config::Problems& problems, PayloadMap& map) {
  config::Reader in(node, problems);
  TimestampMap timestamp;
  timestamp.json = pointer_or_problem(in, "json", in.required<std::string>("json"));
  constexpr std::array kFormats{TimeFormat::epoch_s, TimeFormat::epoch_ms, TimeFormat::iso8601, TimeFormat::compact};
  timestamp.zone = zone_of_site(root);
  timestamp.format = kFormats[in.one_of("format", {"epoch-s", "epoch-ms", "iso8601", "compact"}, 2)];
  if (const auto zone = in.optional<std::string>("time_zone")) {
    timestamp.zone = find_zone(*zone);
    if (timestamp.zone == nullptr) {
      in.error("time_zone",
               "unknown time zone '" + config::printable(*zone) + "'; write an IANA name such as Asia/Shanghai or UTC");
    }
    if (timestamp.format == TimeFormat::epoch_s || timestamp.format == TimeFormat::epoch_ms) {
      in.error("time_zone", "an epoch counts in UTC everywhere; remove time_zone");
    }
  }
  timestamp.arrival_if_missing = in.one_of("if_missing", {"refuse", "arrival"}, 0) == 1;
  in.finish();
  map.timestamp = std::move(timestamp);
}

// Reads one element of `points` into the plan, for its first member.
class PointReader {
 public:
  // `flag`: of points that name none.
  PointReader(config::Reader& device, const config::Node& root, std::optional<std::string> flag, MqttPlan& plan)
      : device_(device), root_(root), flag_(std::move(flag)), plan_(plan) {}

  void read(const config::Node& node) {
    config::Reader in(node, device_.problems());
    Point point;
    point.name = in.required<std::string>("name");
    if (!point.name.empty() && !names_.insert(point.name).second) {
      in.error("name", "the point '" + config::printable(point.name) + "' is there twice");
    }
    PointMap map;
    map.json = pointer_or_problem(in, "json", in.required<std::string>("json"));
    map.time = read_pointer(in, "time");
    map.error = read_pointer(in, "error");
    map.flag = in.has("flag") ? read_pointer(in, "flag") : flag_;
    read_scale(in, map);
    read_unit(in, point);
    read_kind(in, point);
    point.limits.interval = plan_.interval;
    read_point_limits(in, point, map.numerator / map.denominator);
    read_meter_history(in, root_, point);
    check_redelivery(in, point, map);
    in.finish();
    points_.push_back(std::move(point));
    plan_.map.points.push_back(std::move(map));
  }

  std::vector<Point> points() && { return std::move(points_); }

 private:
  // A broker delivers a QoS 1 message again when it did not hear our acknowledgement. A meter reading is recognised by
  // its time stamp then; an amount stamped on arrival would be counted twice.
  void check_redelivery(config::Reader& in, const Point& point, const PointMap& map) {
    const bool stamped = map.time || (plan_.map.timestamp && !plan_.map.timestamp->arrival_if_missing);
    if (point.kind != Kind::interval || plan_.qos == 0 || stamped) return;
    in.error("kind",
             "an interval needs the payload's own time with QoS " + std::to_string(plan_.qos) +
                 ": a broker may deliver a message twice, and without a time of its own the amount would count twice. "
                 "Give the device a `timestamp`, or `qos: 0`, or take the cumulative counter instead");
  }

  config::Reader& device_;
  const config::Node& root_;
  std::optional<std::string> flag_;
  MqttPlan& plan_;
  std::set<std::string> names_;
  std::vector<Point> points_;
};

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
  if (const config::Node* timestamp = in.child("timestamp")) read_timestamp(*timestamp, root, in.problems(), plan->map);
  plan->map.records = read_pointer(in, "records");

  PointReader points(in, root, read_pointer(in, "flag"), *plan);
  const auto& items = in.required_items("points");
  for (const config::Node& item : items) points.read(item);
  if (in.has("points") && items.empty()) in.error("points", "names no point; nothing would be read");
  const std::vector<Point> of_one = std::move(points).points();
  for (const Member& member : plan->members) {
    for (Point point : of_one) {
      point.device = member.id;
      plan->points().push_back(std::move(point));
    }
  }
  return plan;
}

Origin MqttPlan::origin(std::size_t point, double) const {
  const PointMap& source = map.points.at(point % map.points.size());
  const std::string& level = members.at(point / map.points.size()).level;
  Origin origin{.where = "broker " + broker + ", topic " + filter + (level.empty() ? "" : " (" + level + ")") +
                         (map.records ? ", each record of " + *map.records : "") +
                         (source.json.empty() ? ", the payload" : ", JSON " + source.json),
                .decoding = "number",
                .bytes = {}};
  if (source.numerator != source.denominator) {
    origin.decoding += fmt::format(" * {} / {}", source.numerator, source.denominator);
  }
  return origin;
}

}  // namespace carbongate::mqtt_driver

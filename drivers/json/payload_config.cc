#include "drivers/json/payload_config.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>

#include "config/reader/text.h"
#include "drivers/meter_history.h"
#include "drivers/point_kind.h"
#include "drivers/point_limits.h"

namespace carbongate::json_payload {
namespace {

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

// Reads the elements of `points`, one by one.
class PointReader {
 public:
  // `flag`: of points that name none.
  PointReader(config::Reader& device, const config::Node& root, std::optional<std::string> flag,
              const Expectations& expected, Payload& payload)
      : device_(device), root_(root), flag_(std::move(flag)), expected_(expected), payload_(payload) {}

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
    point.limits.interval = expected_.interval;
    read_point_limits(in, point, map.numerator / map.denominator);
    read_meter_history(in, root_, point);
    const bool stamped = is_stamped(payload_.map, map);
    if (point.kind == Kind::interval && !stamped && !expected_.why_amounts_need_a_time.empty()) {
      in.error("kind", expected_.why_amounts_need_a_time);
    }
    in.finish();
    payload_.points.push_back(std::move(point));
    payload_.map.points.push_back(std::move(map));
  }

 private:
  config::Reader& device_;
  const config::Node& root_;
  std::optional<std::string> flag_;
  const Expectations& expected_;
  Payload& payload_;
  std::set<std::string> names_;
};

}  // namespace

const date::time_zone* zone_of_site(const config::Node& root) {
  const config::Node* site = root.find("site");
  const config::Node* zone = site ? site->find("timezone") : nullptr;
  return zone && zone->is_scalar() ? find_zone(zone->scalar()) : nullptr;
}

Payload read_payload(config::Reader& in, const config::Node& root, const Expectations& expected) {
  Payload payload;
  if (const config::Node* timestamp = in.child("timestamp")) {
    read_timestamp(*timestamp, root, in.problems(), payload.map);
  }
  payload.map.records = read_pointer(in, "records");
  PointReader points(in, root, read_pointer(in, "flag"), expected, payload);
  const auto& items = in.required_items("points");
  for (const config::Node& item : items) points.read(item);
  if (in.has("points") && items.empty()) in.error("points", "names no point; nothing would be read");
  return payload;
}

Origin origin(const PayloadMap& map, std::size_t point, const std::string& message) {
  const PointMap& source = map.points.at(point);
  Origin origin{.where = message + (map.records ? ", each record of " + *map.records : "") +
                         (source.json.empty() ? ", the payload" : ", JSON " + source.json),
                .decoding = "number",
                .bytes = {}};
  if (source.numerator != source.denominator) {
    origin.decoding += fmt::format(" * {} / {}", source.numerator, source.denominator);
  }
  return origin;
}

}  // namespace carbongate::json_payload

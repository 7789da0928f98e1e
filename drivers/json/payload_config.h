// What an element of `devices` says about its payloads: the keys `points`, `timestamp`, `records` and `flag`, the same
// for every driver that hears JSON.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "config/reader/node.h"
#include "config/reader/reader.h"
#include "drivers/api/device_plan.h"
#include "drivers/api/point.h"
#include "drivers/json/payload_map.h"

namespace carbongate::json_payload {

struct Expectations {
  Duration interval{};                  // how often a value is due; 0: not known
  std::string why_amounts_need_a_time;  // of points of kind interval, for the user; "": they do not
};

struct Payload {
  PayloadMap map;
  std::vector<Point> points;  // of map.points, one for one; without id and device
};

// `root`: of the configuration, for the site's time zone. Problems go to the reader; one point is there for each
// element in any case.
Payload read_payload(config::Reader& device, const config::Node& root, const Expectations& expected);

// Where the times of a device without an offset are told: at the site, unless the device says otherwise. nullptr: UTC.
const date::time_zone* zone_of_site(const config::Node& root);

// Where a value of map.points[point] came from; `message` says where the payload did: "broker plant, topic tele/a".
Origin origin(const PayloadMap& map, std::size_t point, const std::string& message);

}  // namespace carbongate::json_payload

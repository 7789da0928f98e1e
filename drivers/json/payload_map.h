// From the bytes of a message to values of points: pure, so that every payload ever seen can be a test.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "drivers/api/decoded.h"
#include "drivers/json/timestamp.h"

namespace carbongate::json_payload {

// Where a value is found. All pointers are JSON pointers (RFC 6901), relative to the record; "" is the record itself,
// as in a payload that is a bare number.
struct PointMap {
  std::string json;
  double numerator = 1.0;  // value = number in the payload * numerator / denominator
  double denominator = 1.0;
  std::optional<std::string> time;       // of this value, where it has a time of its own
  std::optional<std::string> flag = {};  // of HJ 212, for the value: "N", "M"...; absent, null or "": none
  std::optional<std::string> error;      // something other than null, false and 0 here: the device has no value
};

struct TimestampMap {
  std::string json;
  TimeFormat format = TimeFormat::iso8601;
  const date::time_zone* zone =
      nullptr;                      // of times without an offset (the site's, if the device has none); nullptr: UTC
  bool arrival_if_missing = false;  // absent or null: the arrival time; otherwise the record is refused
};

struct PayloadMap {
  std::vector<PointMap> points;
  std::optional<TimestampMap> timestamp;  // nullopt: the arrival time
  std::optional<std::string> records;     // a list of records in one message; each element is one
};

// Whether every value of the point comes with its own time, by which it is recognised when it comes again.
bool is_stamped(const PayloadMap& map, const PointMap& point);
bool is_stamped(const PayloadMap& map);  // all points

inline constexpr int kJsonDepthMax = 32;
inline constexpr std::size_t kRecordsMax = 10'000;  // in one message; the rest is a problem

// Null and the text "nan" are samples that are not available. A number may be written as a text, a boolean counts as 0
// or 1.
Decoded decode(const PayloadMap& map, std::string_view payload, Instant received);

// What is wrong with a JSON pointer, or nullopt.
std::optional<std::string> pointer_problem(std::string_view pointer);

}  // namespace carbongate::json_payload

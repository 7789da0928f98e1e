#include "drivers/json/payload_map.h"

#include <algorithm>
#include <array>
#include <boost/json/monotonic_resource.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <cmath>
#include <limits>
#include <utility>

#include "config/reader/text.h"
#include "drivers/json/text_value.h"

namespace carbongate::json_payload {
namespace {

namespace json = boost::json;

constexpr double kNoValue = std::numeric_limits<double>::quiet_NaN();

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

bool is_nan_text(std::string_view text) {
  constexpr std::string_view kNan = "nan";
  return std::ranges::equal(text, kNan, {},
                            [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
}

// A number with blanks around it, or a sign that JSON does not know: "+1" is 1. NaN for "nan".
std::optional<double> loose_number_in(std::string_view text) {
  text = trimmed(text);
  if (is_nan_text(text)) return kNoValue;
  if (text.starts_with('+') && text.size() > 1 && text[1] != '-') text.remove_prefix(1);
  return number_in(text);
}

// nullptr: absent.
const json::value* find(const json::value& record, std::string_view pointer) {
  boost::system::error_code error;
  return record.find_pointer(pointer, error);
}

std::string named(std::string_view pointer) {
  return pointer.empty() ? "the payload" : std::string(pointer);
}

// The number at a pointer; NaN for null; or why there is none.
Result<double> number_at(const json::value& value, std::string_view pointer) {
  switch (value.kind()) {
    case json::kind::null: return kNoValue;
    case json::kind::bool_: return value.get_bool() ? 1.0 : 0.0;
    case json::kind::int64:
    case json::kind::uint64: return value.to_number<double>();
    case json::kind::double_:
      if (std::isfinite(value.get_double())) return value.get_double();
      return named(pointer) + " is too large a number";
    case json::kind::string: {
      const std::string_view text(value.get_string().data(), value.get_string().size());
      if (const auto number = loose_number_in(text)) return *number;
      return named(pointer) + " is the text '" + config::printable(text, 40) + "', not a number";
    }
    case json::kind::array:
      return named(pointer) + " is a list; name an element, such as " + std::string(pointer) + "/0";
    case json::kind::object: return named(pointer) + " is an object; name a member";
  }
  return named(pointer) + " is not a number";
}

bool says_error(const json::value& record, const PointMap& point) {
  const json::value* value = point.error ? find(record, *point.error) : nullptr;
  if (value == nullptr || value->is_null()) return false;
  if (value->is_bool()) return value->get_bool();
  if (value->is_number()) return value->to_number<double>() != 0.0;
  return true;
}

char flag_of(const json::value& record, const PointMap& point) {
  const json::value* value = point.flag ? find(record, *point.flag) : nullptr;
  if (value == nullptr || value->is_null()) return '\0';
  constexpr char kNoneOfThem = '?';
  if (!value->is_string()) return kNoneOfThem;
  return flag_in(trimmed({value->get_string().data(), value->get_string().size()}));
}

struct Stamp {
  Instant at{};
  StampedBy by = StampedBy::gateway;
};

// Reads the records of one message into a Decoded.
class Decoder {
 public:
  Decoder(const PayloadMap& map, Instant received, Decoded& out) : map_(map), received_(received), out_(out) {}

  void read_message(const json::value& message) {
    if (!map_.records) return read_record(message);
    const json::value* records = find(message, *map_.records);
    if (records == nullptr || records->is_null()) return;
    const json::array* list = records->if_array();
    if (list == nullptr) return read_record(*records);
    for (std::size_t i = 0; i < std::min(list->size(), kRecordsMax); ++i) read_record((*list)[i]);
    if (list->size() > kRecordsMax) {
      problem(std::to_string(list->size()) + " records in one message; only " + std::to_string(kRecordsMax) +
              " were taken");
    }
  }

 private:
  void read_record(const json::value& record) {
    std::optional<Result<Stamp>> shared;  // read when a point first needs it: a message without points needs no time
    for (std::size_t i = 0; i < map_.points.size(); ++i) {
      const PointMap& point = map_.points[i];
      const std::optional<double> value = value_of(record, point);
      if (!value) continue;
      if (!point.time && !shared) {
        shared = stamp_at(record, map_.timestamp ? &map_.timestamp->json : nullptr);
        if (!*shared) problem(shared->error());
      }
      const Result<Stamp> stamp = point.time ? stamp_at(record, &*point.time) : *shared;
      if (!stamp) {
        if (point.time) problem(stamp.error());
        continue;
      }
      const bool available = !std::isnan(*value);
      out_.samples.push_back({.point = i,
                              .availability = available ? Availability::available : Availability::not_available,
                              .stamped_by = stamp->by,
                              .hj212_flag = flag_of(record, point),
                              .at = stamp->at,
                              .value = *value});
    }
  }

  // nullopt: absent, or a problem that has been noted.
  std::optional<double> value_of(const json::value& record, const PointMap& point) {
    if (says_error(record, point)) return kNoValue;
    const json::value* value = find(record, point.json);
    if (value == nullptr) return std::nullopt;
    const Result<double> number = number_at(*value, point.json);
    if (!number) {
      problem(number.error());
      return std::nullopt;
    }
    const double scaled = *number * point.numerator / point.denominator;
    if (std::isinf(scaled)) {
      problem(named(point.json) + " is too large a number");
      return std::nullopt;
    }
    return scaled;
  }

  Result<Stamp> stamp_at(const json::value& record, const std::string* pointer) const {
    const Stamp arrival{.at = received_, .by = StampedBy::gateway};
    if (pointer == nullptr) return arrival;
    const json::value* value = find(record, *pointer);
    const TimeFormat format = map_.timestamp ? map_.timestamp->format : TimeFormat::iso8601;
    if (value == nullptr || value->is_null()) {
      if (map_.timestamp && map_.timestamp->arrival_if_missing) return arrival;
      return "no time at " + named(*pointer);
    }
    const auto at = read_time(*value, format, map_.timestamp ? map_.timestamp->zone : nullptr, received_);
    if (!at) return named(*pointer) + ": " + at.error();
    return Stamp{.at = *at, .by = StampedBy::device};
  }

  void problem(std::string text) {
    constexpr std::size_t kProblemsMax = 20;  // of one message: its log line has an end
    if (out_.problems.size() < kProblemsMax) out_.problems.push_back(std::move(text));
  }

  const PayloadMap& map_;
  const Instant received_;
  Decoded& out_;
};

}  // namespace

bool is_stamped(const PayloadMap& map, const PointMap& point) {
  return point.time || (map.timestamp && !map.timestamp->arrival_if_missing);
}

bool is_stamped(const PayloadMap& map) {
  return std::ranges::all_of(map.points, [&](const PointMap& point) { return is_stamped(map, point); });
}

Decoded decode(const PayloadMap& map, std::string_view payload, Instant received) {
  Decoded decoded;
  if (trimmed(payload).empty()) {
    decoded.problems.emplace_back("the payload is empty");
    return decoded;
  }
  std::array<unsigned char, 8192> buffer;
  json::monotonic_resource memory(buffer.data(), buffer.size());
  const json::parse_options strict{.max_depth = kJsonDepthMax};
  boost::system::error_code error;
  json::value message = json::parse(json::string_view(payload.data(), payload.size()), error, &memory, strict);
  if (error) {
    // A topic per value often carries what is a number but not JSON: "007", "+1.5", "nan".
    const auto number = loose_number_in(payload);
    if (!number) {
      decoded.problems.push_back("the payload is not JSON: " + error.message());
      return decoded;
    }
    message = std::isnan(*number) ? json::value(nullptr, &memory) : json::value(*number, &memory);
  }
  Decoder(map, received, decoded).read_message(message);
  return decoded;
}

std::optional<std::string> pointer_problem(std::string_view pointer) {
  if (pointer.empty()) return std::nullopt;
  if (pointer.front() != '/') return "a JSON pointer begins with '/', as in /ENERGY/Total";
  for (std::size_t at = pointer.find('~'); at != std::string_view::npos; at = pointer.find('~', at + 1)) {
    if (at + 1 == pointer.size() || (pointer[at + 1] != '0' && pointer[at + 1] != '1')) {
      return "'~' in a JSON pointer must be written ~0, and '/' in a name ~1";
    }
  }
  return std::nullopt;
}

}  // namespace carbongate::json_payload

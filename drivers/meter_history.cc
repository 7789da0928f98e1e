#include "drivers/meter_history.h"

#include <date/date.h>
#include <date/tz.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "config/reader/text.h"

namespace carbongate {
namespace {

using LocalTime = date::local_time<Duration>;
using config::printable;

// nullptr: the site has none that is known; its section says so.
const date::time_zone* zone_of_site(const config::Node& root) {
  const config::Node* site = root.find("site");
  const config::Node* zone = site ? site->find("timezone") : nullptr;
  try {
    return date::locate_zone(zone && zone->is_scalar() ? zone->scalar() : "Asia/Shanghai");
  } catch (const std::runtime_error&) {
    return nullptr;
  }
}

// The whole text in one of date's formats.
template <class Time>
std::optional<Time> parse_as(const std::string& text, const char* format) {
  std::istringstream in(text);
  Time time;
  in >> date::parse(format, time);
  if (in.fail() || in.peek() != std::istringstream::traits_type::eof()) return std::nullopt;
  return time;
}

// "2026-03-01", "2026-03-01T10:00", "2026-03-01 10:00:30", with "Z" or "+08:00" or told in `zone`. Of an hour that the
// clocks show twice the first, of one that they skip its end.
std::optional<Instant> parse_when(std::string text, const date::time_zone* zone) {
  std::ranges::replace(text, ' ', 'T');
  if (text.ends_with('Z')) text.replace(text.size() - 1, 1, "+00:00");
  // Seconds that are not there are no number to the library, which it rounds.
  constexpr std::size_t kMinutesEnd = std::string_view("2026-03-01T10:00").size();
  const bool has_seconds = text.size() > kMinutesEnd + 1 && text[kMinutesEnd] == ':' && text[kMinutesEnd + 1] >= '0' &&
                           text[kMinutesEnd + 1] <= '9';
  if (const auto at = parse_as<Instant>(text, has_seconds ? "%FT%T%Ez" : "%FT%H:%M%Ez")) return *at;
  for (const char* format : {has_seconds ? "%FT%T" : "%FT%H:%M", "%F"}) {
    const auto local = parse_as<LocalTime>(text, format);
    if (local && zone) return zone->to_sys(*local, date::choose::earliest);
  }
  return std::nullopt;
}

Instant read_when(config::Reader& in, std::string_view key, const date::time_zone* zone) {
  const auto text = in.required<std::string>(key);
  if (text.empty()) return {};
  if (const auto at = parse_when(text, zone)) return *at;
  in.error(key, "'" + printable(text) +
                    "' is no time: write 2026-03-01T10:00, in the site's time zone, or with an "
                    "offset, such as 2026-03-01T10:00+08:00");
  return {};
}

// A number > 0 with at most six decimals, as a fraction.
std::optional<std::pair<std::int64_t, std::int64_t>> parse_decimal(std::string_view text) {
  std::int64_t digits = 0;
  std::int64_t scale = 1;
  bool decimals = false;
  if (text.empty() || text.size() > 16) return std::nullopt;
  for (const char c : text) {
    if (c == '.' && !decimals) {
      decimals = true;
    } else if (c >= '0' && c <= '9') {
      digits = digits * 10 + (c - '0');
      if (decimals) scale *= 10;
    } else {
      return std::nullopt;
    }
  }
  if (digits <= 0 || scale > 1'000'000) return std::nullopt;
  return std::pair(digits, scale);
}

void read_value(config::Reader& in, std::string_view key, const std::string& text, TransformerRatio& ratio) {
  const std::string_view whole = text;
  const std::size_t slash = whole.find('/');
  const auto primary = parse_decimal(whole.substr(0, slash));
  const auto secondary = slash == std::string_view::npos ? parse_decimal("1") : parse_decimal(whole.substr(slash + 1));
  if (primary && secondary) {
    std::int64_t numerator = 0;
    std::int64_t denominator = 0;
    const bool fits = !__builtin_mul_overflow(primary->first, secondary->second, &numerator) &&
                      !__builtin_mul_overflow(primary->second, secondary->first, &denominator);
    const std::int64_t common = fits ? std::gcd(numerator, denominator) : 1;
    if (fits && numerator / common <= kRatioTermMax && denominator / common <= kRatioTermMax &&
        numerator / denominator <= 1'000'000) {
      ratio.numerator = numerator / common;
      ratio.denominator = denominator / common;
      return;
    }
  }
  in.error(key, "'" + printable(text) + "' is no ratio: write a number above 0, such as 40, or 200/5");
}

void read_replaced(config::Reader& in, const date::time_zone* zone, Point& point) {
  if (!in.child("replaced")) return;
  if (point.kind != Kind::cumulative) in.error("replaced", "only a cumulative point needs to be told");
  std::vector<Replacement>& out = point.history.replaced;
  out.clear();
  for (const config::Node& item : in.items("replaced")) {
    config::Reader element(item, in.problems());
    Replacement r{.at = read_when(element, "at", zone),
                  .final = element.required<double>("final"),
                  .initial = element.required<double>("initial")};
    for (const auto& [key, value] : {std::pair("final", r.final), std::pair("initial", r.initial)}) {
      const PointLimits& limits = point.limits;
      if (!std::isfinite(value) || (limits.min && value < *limits.min) || (limits.max && value > *limits.max))
        element.error(key, "a value that the point never has: it lies outside min and max");
    }
    if (!out.empty() && r.at <= out.back().at) element.error("at", "must be later than the one before");
    element.finish();
    out.push_back(r);
  }
}

void read_ratio(config::Reader& in, const date::time_zone* zone, Point& point) {
  const config::Node* node = in.child("ratio");
  if (!node) return;
  if (point.kind != Kind::cumulative) in.error("ratio", "applies to cumulative points; other values have a scale");
  std::vector<TransformerRatio>& out = point.history.ratios;
  out.clear();
  if (node->is_scalar()) {
    read_value(in, "ratio", node->scalar(), out.emplace_back());
    return;
  }
  for (const config::Node& item : in.items("ratio")) {
    config::Reader element(item, in.problems());
    TransformerRatio ratio;
    if (element.has("from")) {
      ratio.from = read_when(element, "from", zone);
      if (!out.empty() && ratio.from <= out.back().from) element.error("from", "must be later than the one before");
    } else if (!out.empty()) {
      element.error("from", "missing: only the first ratio may hold since ever");
    }
    if (const auto value = element.required<std::string>("value"); !value.empty())
      read_value(element, "value", value, ratio);
    element.finish();
    out.push_back(ratio);
  }
  if (out.empty()) in.error("ratio", "names no ratio");
}

}  // namespace

void read_meter_history(config::Reader& in, const config::Node& root, Point& point) {
  if (!in.has("replaced") && !in.has("ratio")) return;
  const date::time_zone* zone = zone_of_site(root);
  read_replaced(in, zone, point);
  read_ratio(in, zone, point);
}

}  // namespace carbongate

#include "gateway/cli/time_text.h"

#include <date/tz.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdint>

namespace carbongate::cli {
namespace {

bool all_digits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](unsigned char c) { return std::isdigit(c) != 0; });
}

// Takes exactly `digits` digits from the front of `text`.
std::optional<int> take_number(std::string_view& text, std::size_t digits) {
  if (text.size() < digits || !all_digits(text.substr(0, digits))) return std::nullopt;
  int value = 0;
  std::from_chars(text.data(), text.data() + digits, value);
  text.remove_prefix(digits);
  return value;
}

bool take(std::string_view& text, std::string_view any_of) {
  if (text.empty() || any_of.find(text.front()) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

// ".25" is 250 ms; digits beyond milliseconds are cut off.
std::optional<Duration> take_fraction(std::string_view& text) {
  if (!take(text, ".,")) return Duration(0);
  int milliseconds = 0;
  std::size_t digits = 0;
  for (; !text.empty() && std::isdigit(static_cast<unsigned char>(text.front())) != 0; ++digits) {
    if (digits < 3) milliseconds = milliseconds * 10 + (text.front() - '0');
    text.remove_prefix(1);
  }
  if (digits == 0) return std::nullopt;
  for (; digits < 3; ++digits) milliseconds *= 10;
  return Duration(milliseconds);
}

std::optional<Duration> take_time_of_day(std::string_view& text) {
  const auto hour = take_number(text, 2);
  if (!hour || *hour > 24 || !take(text, ":")) return std::nullopt;
  const auto minute = take_number(text, 2);
  if (!minute || *minute > 59) return std::nullopt;
  Duration time = std::chrono::hours(*hour) + std::chrono::minutes(*minute);
  if (take(text, ":")) {
    const auto second = take_number(text, 2);
    if (!second || *second > 60) return std::nullopt;
    const auto fraction = take_fraction(text);
    if (!fraction) return std::nullopt;
    time += std::chrono::seconds(*second) + *fraction;
  }
  if (time > std::chrono::hours(24)) return std::nullopt;
  return time;
}

// "Z", "+08:00", "+0800", "+08"; nullopt: malformed.
std::optional<Duration> take_offset(std::string_view& text) {
  if (take(text, "Zz")) return Duration(0);
  const bool west = text.front() == '-';
  if (!take(text, "+-")) return std::nullopt;
  const auto hour = take_number(text, 2);
  if (!hour || *hour > 18) return std::nullopt;
  Duration offset = std::chrono::hours(*hour);
  if (!text.empty()) {
    take(text, ":");
    const auto minute = take_number(text, 2);
    if (!minute || *minute > 59) return std::nullopt;
    offset += std::chrono::minutes(*minute);
  }
  return west ? -offset : offset;
}

std::optional<Instant> parse_epoch(std::string_view text) {
  std::int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.size() == 10) return Instant(std::chrono::seconds(number));
  if (text.size() == 13) return Instant(std::chrono::milliseconds(number));
  return std::nullopt;
}

}  // namespace

std::optional<Instant> parse_time(std::string_view text, const std::string& zone) {
  if (all_digits(text)) return parse_epoch(text);
  const auto year = take_number(text, 4);
  if (!year || !take(text, "-")) return std::nullopt;
  const auto month = take_number(text, 2);
  if (!month || !take(text, "-")) return std::nullopt;
  const auto day = take_number(text, 2);
  if (!day) return std::nullopt;
  const date::year_month_day ymd{date::year(*year), date::month(static_cast<unsigned>(*month)),
                                 date::day(static_cast<unsigned>(*day))};
  if (!ymd.ok()) return std::nullopt;

  Duration time_of_day{};
  if (take(text, "T ")) {
    const auto time = take_time_of_day(text);
    if (!time) return std::nullopt;
    time_of_day = *time;
  }
  const date::local_time<Duration> local = date::local_days(ymd) + time_of_day;
  if (text.empty()) return date::locate_zone(zone)->to_sys(local, date::choose::earliest);
  const auto offset = take_offset(text);
  if (!offset || !text.empty()) return std::nullopt;
  return Instant(local.time_since_epoch() - *offset);
}

}  // namespace carbongate::cli

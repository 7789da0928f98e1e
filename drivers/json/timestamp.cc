#include "drivers/json/timestamp.h"

#include <date/date.h>
#include <date/tz.h>

#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <system_error>

#include "config/reader/text.h"

namespace carbongate::json_payload {
namespace {

using LocalTime = date::local_time<Duration>;

const Instant kEarliest{};  // a clock that was never set shows it: such a reading is kept, and judged stale
const Instant kLatest = date::sys_days{date::year{2100} / 1 / 1};

std::string quoted(std::string_view text) {
  constexpr std::size_t kShown = 40;
  return "'" + config::printable(text, kShown) + "'";
}

Result<Instant> plausible(Instant at, std::string_view text) {
  if (at >= kEarliest && at < kLatest) return at;
  return "time " + quoted(text) + " is not between 1970 and 2100; was the device's clock set, and is the format right?";
}

Result<Instant> from_seconds(double seconds, std::string_view text) {
  // The limits first: a cast of what does not fit is undefined.
  if (!(std::abs(seconds) < 1e15)) return "time " + quoted(text) + " is out of range";
  return plausible(Instant(Duration(std::llround(seconds * 1000.0))), text);
}

Result<Instant> from_milliseconds(double milliseconds, std::string_view text) {
  return from_seconds(milliseconds / 1000.0, text);
}

// Takes a text apart from the front.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : rest_(text) {}

  bool at_end() const { return rest_.empty(); }

  bool take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  bool take_any_of(std::string_view characters) {
    if (rest_.empty() || characters.find(rest_.front()) == std::string_view::npos) return false;
    rest_.remove_prefix(1);
    return true;
  }

  std::optional<int> digits(std::size_t count) {
    if (rest_.size() < count) return std::nullopt;
    int value = 0;
    for (const char c : rest_.substr(0, count)) {
      if (c < '0' || c > '9') return std::nullopt;
      value = value * 10 + (c - '0');
    }
    rest_.remove_prefix(count);
    return value;
  }

  // Any number of digits behind a decimal sign, cut after the third. nullopt: there is none.
  std::optional<int> fraction_ms() {
    int value = 0;
    std::size_t count = 0;
    while (!rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9') {
      if (count < 3) value = value * 10 + (rest_.front() - '0');
      ++count;
      rest_.remove_prefix(1);
    }
    if (count == 0) return std::nullopt;
    for (std::size_t i = count; i < 3; ++i) value *= 10;
    return value;
  }

 private:
  std::string_view rest_;
};

std::optional<LocalTime> local_time(int year, int month, int day, int hour, int minute, int second, int ms) {
  const date::year_month_day ymd{date::year{year}, date::month(static_cast<unsigned>(month)),
                                 date::day(static_cast<unsigned>(day))};
  // 60 is a leap second, the last of its minute.
  if (!ymd.ok() || hour > 24 || minute > 59 || second > 60) return std::nullopt;
  if (hour == 24 && (minute != 0 || second != 0 || ms != 0)) return std::nullopt;  // 24:00:00 ends a day
  return date::local_days{ymd} + std::chrono::hours(hour) + std::chrono::minutes(minute) +
         std::chrono::seconds(second) + Duration(ms);
}

Instant to_utc(LocalTime local, const date::time_zone* zone, Instant received) {
  if (zone == nullptr) return Instant(local.time_since_epoch());
  const date::local_info info = zone->get_info(local);
  const Instant first(local.time_since_epoch() - info.first.offset);
  if (info.result != date::local_info::ambiguous) return first;
  const Instant second(local.time_since_epoch() - info.second.offset);
  return received - first < second - received ? first : second;
}

// [+-]hh[[:]mm] after a time. nullopt: not an offset.
std::optional<std::chrono::minutes> offset(Cursor& in, int sign) {
  const auto hours = in.digits(2);
  if (!hours) return std::nullopt;
  in.take(':');
  const auto minutes = in.at_end() ? 0 : in.digits(2);
  if (!minutes || *hours > 23 || *minutes > 59) return std::nullopt;
  return sign * (std::chrono::hours(*hours) + std::chrono::minutes(*minutes));
}

// date ("T" | "t" | " ") time [("." | ",") fraction] [zone]; date and time in extended or basic form, seconds optional.
Result<Instant> from_iso8601(std::string_view text, const date::time_zone* zone, Instant received) {
  const auto bad = [&] { return "time " + quoted(text) + " is not ISO 8601, such as 2024-07-19T11:04:55+08:00"; };
  Cursor in(text);
  const auto year = in.digits(4);
  const bool extended_date = in.take('-');
  const auto month = in.digits(2);
  if (extended_date && !in.take('-')) return bad();
  const auto day = in.digits(2);
  if (!year || !month || !day || !in.take_any_of("Tt ")) return bad();
  const auto hour = in.digits(2);
  const bool extended_time = in.take(':');
  const auto minute = in.digits(2);
  if (!hour || !minute) return bad();
  std::optional<int> second = 0;
  std::optional<int> ms = 0;
  if (extended_time ? in.take(':') : !in.at_end()) {
    if (auto digits = in.digits(2)) {
      second = digits;
      if (in.take_any_of(".,")) ms = in.fraction_ms();
    } else if (extended_time) {
      return bad();
    }
  }
  if (!ms) return bad();
  const auto local = local_time(*year, *month, *day, *hour, *minute, *second, *ms);
  if (!local) return bad();
  in.take(' ');
  if (in.at_end()) return plausible(to_utc(*local, zone, received), text);
  if (in.take_any_of("Zz")) {
    if (!in.at_end()) return bad();
    return plausible(to_utc(*local, nullptr, received), text);
  }
  const int sign = in.take('+') ? 1 : in.take('-') ? -1 : 0;
  const auto ahead = sign == 0 ? std::nullopt : offset(in, sign);
  if (!ahead || !in.at_end()) return bad();
  return plausible(to_utc(*local, nullptr, received) - *ahead, text);
}

Result<Instant> from_compact(std::string_view text, const date::time_zone* zone, Instant received) {
  const auto bad = [&] { return "time " + quoted(text) + " is not YYYYMMDDhhmmss"; };
  Cursor in(text);
  const auto year = in.digits(4);
  const auto month = in.digits(2);
  const auto day = in.digits(2);
  const auto hour = in.digits(2);
  const auto minute = in.digits(2);
  const auto second = in.digits(2);
  const auto ms = in.at_end() ? 0 : in.digits(3);
  if (!year || !month || !day || !hour || !minute || !second || !ms || !in.at_end()) return bad();
  const auto local = local_time(*year, *month, *day, *hour, *minute, *second, *ms);
  if (!local) return bad();
  return plausible(to_utc(*local, zone, received), text);
}

}  // namespace

Result<Instant> read_time(std::string_view text, TimeFormat format, const date::time_zone* zone, Instant received) {
  switch (format) {
    case TimeFormat::iso8601: return from_iso8601(text, zone, received);
    case TimeFormat::compact: return from_compact(text, zone, received);
    case TimeFormat::epoch_s:
    case TimeFormat::epoch_ms: break;
  }
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return "time " + quoted(text) + " is not a number";
  return format == TimeFormat::epoch_s ? from_seconds(number, text) : from_milliseconds(number, text);
}

Result<Instant> read_time(const boost::json::value& value, TimeFormat format, const date::time_zone* zone,
                          Instant received) {
  if (const auto* text = value.if_string())
    return read_time(std::string_view(text->data(), text->size()), format, zone, received);
  if (!value.is_number()) return std::string("time is neither a number nor a text");
  if (format == TimeFormat::epoch_s || format == TimeFormat::epoch_ms) {
    const double number = value.to_number<double>();
    const std::string text = std::to_string(number);
    return format == TimeFormat::epoch_s ? from_seconds(number, text) : from_milliseconds(number, text);
  }
  if (value.is_double()) return std::string("time is a number with a fraction, which this format does not have");
  return read_time(value.is_int64() ? std::to_string(value.get_int64()) : std::to_string(value.get_uint64()), format,
                   zone, received);
}

const date::time_zone* find_zone(const std::string& name) {
  try {
    return date::locate_zone(name);
  } catch (const std::runtime_error&) {
    return nullptr;
  }
}

}  // namespace carbongate::json_payload

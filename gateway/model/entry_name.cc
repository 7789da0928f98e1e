#include "gateway/model/entry_name.h"

#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>

namespace carbongate::model {
namespace {

using std::chrono::days;
using std::chrono::sys_days;
using std::chrono::year;
using std::chrono::year_month_day;

constexpr Instant kFirst = sys_days(year(0) / 1 / 1);
constexpr Instant kEnd = sys_days(year(10'000) / 1 / 1);

template <class Number>
std::optional<Number> whole_number(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// Takes what stands before `separator`, and the separator.
std::optional<std::string> take_until(std::string_view& text, char separator) {
  const auto at = text.find(separator);
  if (at == std::string_view::npos || at == 0) return std::nullopt;
  std::string part(text.substr(0, at));
  text.remove_prefix(at + 1);
  return part;
}

}  // namespace

std::string format_utc(Instant at) {
  if (at < kFirst || at >= kEnd) return std::to_string(at.time_since_epoch().count());
  const auto day = std::chrono::floor<days>(at);
  const year_month_day date{day};
  const std::chrono::hh_mm_ss<Duration> time(at - day);
  std::array<char, 64> text{};
  const int length = std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d",
                                   static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                                   static_cast<unsigned>(date.day()), static_cast<int>(time.hours().count()),
                                   static_cast<int>(time.minutes().count()), static_cast<int>(time.seconds().count()));
  std::string result(text.data(), static_cast<std::size_t>(length));
  if (time.subseconds() != Duration::zero()) {
    const auto digits = std::to_string(time.subseconds().count());
    result += '.' + std::string(3 - digits.size(), '0') + digits;
  }
  return result + 'Z';
}

std::optional<Instant> parse_utc(std::string_view text) {
  // Reads loosely, then asks whether this is how it is written: so there is one text for each instant.
  std::optional<Instant> at;
  if (text.size() >= 20 && text[4] == '-' && text[10] == 'T') {
    const auto field = [&](std::size_t from, std::size_t count) { return whole_number<int>(text.substr(from, count)); };
    const auto y = field(0, 4), month = field(5, 2), day = field(8, 2);
    const auto hour = field(11, 2), minute = field(14, 2), second = field(17, 2);
    const auto subsecond = text[19] == '.' && text.size() == 24 ? field(20, 3) : std::optional(0);
    if (!y || !month || !day || !hour || !minute || !second || !subsecond) return std::nullopt;
    if (*y < 0 || *month < 0 || *day < 0 || *hour < 0 || *minute < 0 || *second < 0 || *subsecond < 0)
      return std::nullopt;
    const year_month_day date(year(*y), std::chrono::month(static_cast<unsigned>(*month)),
                              std::chrono::day(static_cast<unsigned>(*day)));
    if (!date.ok()) return std::nullopt;
    at = sys_days(date) + std::chrono::hours(*hour) + std::chrono::minutes(*minute) + std::chrono::seconds(*second) +
         Duration(*subsecond);
  } else if (const auto milliseconds = whole_number<std::int64_t>(text)) {
    at = Instant(Duration(*milliseconds));
  }
  if (!at || format_utc(*at) != text) return std::nullopt;
  return at;
}

EntryName name_of(const Series& series, const EmissionEntry& entry) {
  return {.user = series.user,
          .carrier = series.carrier,
          .device = series.device,
          .point = series.point,
          .begin = entry.begin,
          .revision = entry.revision};
}

std::string to_string(const EntryName& name) {
  return name.user + '/' + name.carrier + '/' + name.device + '.' + name.point + '@' + format_utc(name.begin) + '#' +
         std::to_string(name.revision);
}

std::optional<EntryName> parse_entry_name(std::string_view text) {
  const std::string_view all = text;
  auto user = take_until(text, '/');
  auto carrier = user ? take_until(text, '/') : std::nullopt;
  auto device = carrier ? take_until(text, '.') : std::nullopt;
  auto point = device ? take_until(text, '@') : std::nullopt;
  const auto begin_text = point ? take_until(text, '#') : std::nullopt;
  if (!begin_text) return std::nullopt;
  const auto begin = parse_utc(*begin_text);
  const auto revision = whole_number<std::uint32_t>(text);
  if (!begin || !revision) return std::nullopt;
  EntryName name{.user = std::move(*user),
                 .carrier = std::move(*carrier),
                 .device = std::move(*device),
                 .point = std::move(*point),
                 .begin = *begin,
                 .revision = *revision};
  if (to_string(name) != all) return std::nullopt;
  return name;
}

}  // namespace carbongate::model

#include "gateway/pipeline/alert_times.h"

#include <algorithm>
#include <chrono>

namespace carbongate::pipeline {
namespace {

using namespace std::chrono_literals;

constexpr int kDaysLookedThrough = 731;

struct LocalDay {
  Instant begin{};       // of its time of day 0, on the clock on the wall
  unsigned weekday = 0;  // 0: Monday
  unsigned date = 0;     // month * 100 + day
};

LocalDay day_of(Calendar& calendar, Instant at, int further) {
  const Duration offset = calendar.utc_offset(at);
  const auto days = std::chrono::floor<std::chrono::days>(at + offset) + std::chrono::days(further);
  const std::chrono::year_month_day date{days};
  const std::chrono::weekday weekday{days};
  return {.begin = Instant(days) - offset,
          .weekday = weekday.iso_encoding() - 1,
          .date = static_cast<unsigned>(date.month()) * 100 + static_cast<unsigned>(date.day())};
}

bool is_of(const model::Active& active, const LocalDay& day) {
  if ((active.weekdays >> day.weekday & 1U) == 0) return false;
  if (!active.dates) return true;
  const auto& [first, last] = *active.dates;
  if (first <= last) return first <= day.date && day.date <= last;
  return day.date >= first || day.date <= last;
}

Span hours_of(const model::Active& active, const LocalDay& day) {
  const Duration end = active.end <= active.begin ? active.end + 24h : active.end;
  return {day.begin + active.begin, day.begin + end};
}

bool names(const std::vector<std::string>& list, const std::string& name) {
  return std::ranges::find(list, name) != list.end();
}

}  // namespace

// The hours of a day may go on in the next one.
bool is_active(const std::optional<model::Active>& active, Calendar& calendar, Instant at) {
  if (!active) return true;
  for (const int further : {-1, 0}) {
    const LocalDay day = day_of(calendar, at, further);
    if (is_of(*active, day) && hours_of(*active, day).contains(at)) return true;
  }
  return false;
}

std::optional<Instant> active_from(const std::optional<model::Active>& active, Calendar& calendar, Instant at) {
  if (is_active(active, calendar, at)) return at;
  for (int further = 0; further < kDaysLookedThrough; ++further) {
    const LocalDay day = day_of(calendar, at, further);
    const Instant begin = hours_of(*active, day).begin;
    if (is_of(*active, day) && begin >= at) return begin;
  }
  return std::nullopt;
}

bool concerns(const model::Maintenance& work, const model::Watch& watch) {
  if (!work.rules.empty() && !names(work.rules, watch.rule)) return false;
  if (work.devices.empty() && work.users.empty()) return true;
  return (!watch.device.empty() && names(work.devices, watch.device)) ||
         (!watch.user.empty() && names(work.users, watch.user));
}

Instant after_work(std::span<const model::Maintenance> work, const model::Watch& watch, Instant at) {
  for (bool moved = true; moved;) {
    moved = false;
    for (const model::Maintenance& one : work) {
      if (one.from <= at && at < one.to && concerns(one, watch)) {
        at = one.to;
        moved = true;
      }
    }
  }
  return at;
}

}  // namespace carbongate::pipeline

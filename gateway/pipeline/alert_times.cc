#include "gateway/pipeline/alert_times.h"

#include <algorithm>
#include <chrono>

namespace carbongate::pipeline {
namespace {

using namespace std::chrono_literals;

constexpr int kDaysLookedThrough = 731;

using Day = std::chrono::sys_days;  // on the clock on the wall

Day day_of(Calendar& calendar, Instant at) {
  return std::chrono::floor<std::chrono::days>(at + calendar.utc_offset(at));
}

bool is_of(const model::Active& active, Day day) {
  if ((active.weekdays >> (std::chrono::weekday(day).iso_encoding() - 1) & 1U) == 0) return false;
  if (!active.dates) return true;
  const std::chrono::year_month_day ymd(day);
  const unsigned date = static_cast<unsigned>(ymd.month()) * 100 + static_cast<unsigned>(ymd.day());
  const auto& [first, last] = *active.dates;
  if (first <= last) return first <= date && date <= last;
  return date >= first || date <= last;
}

// nullopt: the day has none.
std::optional<Span> hours_of(const model::Active& active, Calendar& calendar, Day day) {
  if (!is_of(active, day)) return std::nullopt;
  const Duration end = active.end <= active.begin ? active.end + 24h : active.end;
  const Span hours{calendar.when_shown(day.time_since_epoch() + active.begin),
                   calendar.when_shown(day.time_since_epoch() + end)};
  return hours.begin < hours.end ? std::optional(hours) : std::nullopt;
}

bool names(const std::vector<std::string>& list, const std::string& name) {
  return std::ranges::find(list, name) != list.end();
}

}  // namespace

// The hours of a day may go on in the next one.
bool is_active(const std::optional<model::Active>& active, Calendar& calendar, Instant at) {
  if (!active) return true;
  const Day today = day_of(calendar, at);
  for (const Day day : {today - std::chrono::days(1), today}) {
    const std::optional<Span> hours = hours_of(*active, calendar, day);
    if (hours && hours->contains(at)) return true;
  }
  return false;
}

std::optional<Span> active_hours(const std::optional<model::Active>& active, Calendar& calendar, Instant at) {
  if (!active) return Span{Instant::min(), Instant::max()};
  const Day today = day_of(calendar, at);
  std::optional<Span> found;
  for (int further = -1; further < kDaysLookedThrough; ++further) {
    const std::optional<Span> hours = hours_of(*active, calendar, today + std::chrono::days(further));
    if (!found) {
      if (hours && at < hours->end) found = hours;
    } else if (hours && hours->begin <= found->end) {
      found->end = hours->end;
    } else {
      return found;
    }
  }
  if (found) found->end = Instant::max();
  return found;
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

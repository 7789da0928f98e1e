#include "gateway/tables/local_time.h"

#include <date/tz.h>
#include <fmt/format.h>

#include <cstdlib>

namespace carbongate::tables {

LocalTime::LocalTime(const std::string& zone) : zone_(date::locate_zone(zone)) {}

std::string LocalTime::operator()(Instant at) {
  constexpr Instant kFirst = date::sys_days(date::year(0) / 1 / 2);
  constexpr Instant kEnd = date::sys_days(date::year(9999) / 12 / 31);
  if (at < kFirst || at >= kEnd) return std::to_string(at.time_since_epoch().count());
  if (at < valid_from_ || at >= valid_until_) {
    const date::sys_info info = zone_->get_info(at);
    valid_from_ = info.begin;
    valid_until_ = info.end;
    offset_ = std::chrono::floor<std::chrono::minutes>(info.offset);  // local mean times of old had seconds too
  }
  const Duration local = at.time_since_epoch() + offset_;
  const auto day = std::chrono::floor<date::days>(local);
  const date::year_month_day ymd{date::sys_days(day)};
  const date::hh_mm_ss<Duration> time(local - day);
  std::string text = fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", static_cast<int>(ymd.year()),
                                 static_cast<unsigned>(ymd.month()), static_cast<unsigned>(ymd.day()),
                                 time.hours().count(), time.minutes().count(), time.seconds().count());
  if (time.subseconds() != Duration::zero()) text += fmt::format(".{:03}", time.subseconds().count());
  const auto minutes = std::abs(offset_.count());
  return text + fmt::format("{}{:02}:{:02}", offset_.count() < 0 ? '-' : '+', minutes / 60, minutes % 60);
}

}  // namespace carbongate::tables

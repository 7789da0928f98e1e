#include "gateway/pipeline/calendar.h"

#include <date/tz.h>

#include <algorithm>
#include <stdexcept>

namespace carbongate::pipeline {
namespace {

using model::Period;
using QuarterHours = std::chrono::duration<std::int64_t, std::ratio<900>>;

const date::time_zone* locate(std::string_view name) {
  try {
    return date::locate_zone(name);
  } catch (const std::runtime_error&) {
    return nullptr;
  }
}

// A midnight that occurs twice counts from its first occurrence; one that is skipped, from the end of the jump.
Instant midnight(const date::time_zone& zone, date::year_month_day day) {
  return std::chrono::time_point_cast<Duration>(
      zone.to_sys(date::local_time<Duration>(date::local_days(day).time_since_epoch()), date::choose::earliest));
}

date::year_month_day first_day(Period period, date::year_month_day day) {
  if (period == Period::year) return day.year() / date::January / 1;
  if (period == Period::month) return day.year() / day.month() / 1;
  return day;
}

// `day` is the first of its period.
date::year_month_day next_period(Period period, date::year_month_day day) {
  if (period == Period::year) return day + date::years(1);
  if (period == Period::month) return day + date::months(1);
  return date::year_month_day(date::local_days(day) + date::days(1));
}

}  // namespace

bool Calendar::knows(std::string_view time_zone) {
  return locate(time_zone) != nullptr;
}

Calendar::Calendar(std::string_view time_zone) : name_(time_zone), zone_(locate(time_zone)) {
  if (!zone_) throw std::invalid_argument("unknown time zone '" + name_ + "'");
}

Span Calendar::period(Period period, Instant at) {
  Span& last = last_[static_cast<std::size_t>(period)];
  if (!last.contains(at)) last = compute(period, at);
  return last;
}

Instant Calendar::begin_of_day(int year, unsigned month, unsigned day) const {
  return midnight(*zone_, date::year(year) / date::month(month) / date::day(day));
}

const Calendar::Offset& Calendar::offset(Instant at) {
  if (!offset_.valid.contains(at)) {
    const date::sys_info info = zone_->get_info(at);
    offset_ = {.valid = {.begin = info.begin, .end = info.end}, .utc = info.offset};
  }
  return offset_;
}

Instant Calendar::when_shown(Duration wall) {
  using std::chrono::hours;
  const Instant here(wall - offset_.utc);
  const bool is_far_from_jumps =  // which are by less than a day
      offset_.valid.begin + hours(24) <= here && here < offset_.valid.end - hours(24);
  if (is_far_from_jumps) return here;
  return std::chrono::time_point_cast<Duration>(
      zone_->to_sys(date::local_time<Duration>(wall), date::choose::earliest));
}

Span Calendar::quarter_of_year(Instant at) {
  Span quarter{.begin = {}, .end = period(Period::year, at).begin};
  while (quarter.end <= at) {
    quarter.begin = quarter.end;
    for (int month = 0; month < 3; ++month) quarter.end = period(Period::month, quarter.end).end;
  }
  return quarter;
}

Span Calendar::compute(Period period, Instant at) {
  const Offset& here = offset(at);
  const Duration local = at.time_since_epoch() + here.utc;
  if (period == Period::quarter_hour || period == Period::hour) {
    const Duration begin = period == Period::hour ? Duration(std::chrono::floor<std::chrono::hours>(local))
                                                  : Duration(std::chrono::floor<QuarterHours>(local));
    const Duration length = period == Period::hour ? std::chrono::hours(1) : QuarterHours(1);
    const Instant utc_begin(begin - here.utc);
    return {std::max(utc_begin, here.valid.begin), std::min(utc_begin + length, here.valid.end)};
  }
  date::year_month_day first =
      first_day(period, date::year_month_day(date::local_days(date::floor<date::days>(local))));
  Span span{midnight(*zone_, first), midnight(*zone_, next_period(period, first))};
  // Where clocks go back across midnight, the hour that comes twice belongs to the day that has already begun.
  if (span.end <= at) {
    first = next_period(period, first);
    span = {span.end, midnight(*zone_, next_period(period, first))};
  }
  return span;
}

}  // namespace carbongate::pipeline

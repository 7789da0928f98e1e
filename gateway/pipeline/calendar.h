// Calendar periods of the site's time zone, daylight saving included.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/model/rows.h"

namespace date {
class time_zone;
}

namespace carbongate::pipeline {

inline constexpr std::array kPeriods{model::Period::quarter_hour, model::Period::hour, model::Period::day,
                                     model::Period::month, model::Period::year};

struct Span {
  Instant begin{};  // included
  Instant end{};    // excluded
  friend constexpr bool operator==(const Span&, const Span&) = default;
  constexpr bool contains(Instant at) const { return begin <= at && at < end; }
};

// Not thread-safe: it remembers the periods last asked for, since nearly every question is about the present one.
//
// Every period is a whole number of quarter hours and lies within one period of each longer kind. Quarter hours and
// hours follow the clock on the wall: where that clock jumps by half an hour, an hour is cut there. Days begin at local
// midnight, or where there is none at the first instant of the day, and last 23, 24 or 25 hours.
class Calendar {
 public:
  // Throws std::invalid_argument for a zone that the system's time zone data do not know.
  explicit Calendar(std::string_view time_zone);

  static bool knows(std::string_view time_zone);  // "Asia/Shanghai", "UTC"

  // The period in which `at` lies.
  Span period(model::Period period, Instant at);

  // Three months, the first of which is January, April, July or October.
  Span quarter_of_year(Instant at);

  // The first instant of a date. `month` 1..12 and `day` 1..31 must exist.
  Instant begin_of_day(int year, unsigned month, unsigned day) const;

  Duration utc_offset(Instant at) { return offset(at).utc; }

  // The instant at which clocks on the wall show so much since 1970-01-01 00:00: of two the first, and of none, where
  // they jump, that of the jump.
  Instant when_shown(Duration wall);

  const std::string& time_zone() const { return name_; }

 private:
  struct Offset {
    Span valid;  // the UTC offset of the zone does not change within
    Duration utc{};
  };

  const Offset& offset(Instant at);
  Span compute(model::Period period, Instant at);

  std::string name_;
  const date::time_zone* zone_;  // of the process-wide time zone data
  Offset offset_;
  std::array<Span, model::kPeriodCount> last_{};
};

}  // namespace carbongate::pipeline

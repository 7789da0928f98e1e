// What the rows of the journal are called in a time-series store.
//
// clang-format off
// | measurement         | tags                                        | fields                                       |
// | ------------------- | ------------------------------------------- | -------------------------------------------- |
// | carbongate_reading  | device, point, site, unit                   | value, quality, rule                         |
// | carbongate_interval | carrier, device, point, site, unit          | amount, duration_s, covered_s,               |
// |                     |                                             | coverage_percent, quality, rule              |
// | carbongate_entry    | carrier, device, factor, factor_version,    | amount, co2e_kg, u95_kg, u95_stated, GAS_kg, |
// |                     | gwp_set, part_of, point, scope, site, unit, | market_co2e_kg, coal_kgce, duration_s,       |
// |                     | user                                        | covered_s, coverage_percent, quality, rule   |
// | carbongate_         | as an entry, with cause and revision        | the same: differences                        |
// |   correction        |                                             |                                              |
// | carbongate_rollup   | carrier, device, part_of, period, point,    | the same                                     |
// |                     | scope, site, unit, user                     |                                              |
// | carbongate_total    | carrier, device, part_of, point, scope,     | amount, co2e_kg, u95_kg, u95_stated,         |
// |                     | site, unit, user                            | market_co2e_kg, market_u95_kg,               |
// |                     |                                             | market_u95_stated, amount_per_hour,          |
// |                     |                                             | co2e_kg_per_hour, duration_s, covered_s,     |
// |                     |                                             | coverage_percent, quality, rule              |
// | carbongate_alert    | carrier, device, point, rule, severity,     | active, state, value, threshold, since_s,    |
// |                     | site, user                                  | revision, suppressed, period_begin_s,        |
// |                     |                                             | period_end_s, coverage_percent               |
// clang-format on
//
// An interval is as first counted, and never written again: corrections are of entries and rollups.
//
// VictoriaMetrics names its series measurement_field: carbongate_entry_co2e_kg; so does remote write.
//
// Tags
//   unit         of `value` as the meter gives it; of `amount` the carrier's display unit (kWh, GJ, Nm3, L, kg)
//   period       15min, hour, day, month, year: calendar periods of the site's time zone
//   scope        1, or 2: co2e_kg is then the location-based result
//   factor       the emission factor, factor_version its set's version: both absent where none applied
//   gwp_set      by which the gases of co2e_kg were added up (AR5): absent where CO2 alone is in it
//   rule         of an alert, with its severity: info, warning or critical; device, point and user are those it is
//                about
//   part_of      the user in whose consumption all of this is contained: a sum over users that should count it once
//                takes what has no such tag. As configured when the row was written: a row of before has none
//   A tag without a value is left out. A backslash or control character in a name becomes %5C, %0A and so on: the
//   format cannot carry it.
//
// Fields: floats, but quality, rule, u95_stated, active, state, revision and suppressed, which are integers. No
// strings: VictoriaMetrics would make 0 of them.
//   value        as read, also when it was rejected; absent when it is not a number
//   amount       an exact decimal of the fixed-point accounts
//   co2e_kg      likewise; absent where no factor applied (rule 13). Of a running total, where none ever did
//   u95_kg       half-width of the 95 % interval of co2e_kg; absent where neither meter nor factor states one, and
//                where no factor applied
//   u95_stated   beside it: 2 by meter and factor, of everything that emits; 1 of a part alone: u95_kg is a lower bound
//   GAS_kg       the mass of each gas that is in it: co2_kg, ch4_kg, n2o_kg, sf6_kg, hfc_134a_kg ...; co2_biogenic_kg
//                is no part of co2e_kg
//   market_...   the market-based result; of scope 2 alone; absent where no factor applied
//   coal_kgce    standard coal by GB/T 2589; absent where no coefficient applied (rule 41)
//   ..._per_hour the present rate
//   duration_s   end - begin in seconds
//   covered_s    how much of that was watched by readings no further apart than the longest bridgeable gap, up to one
//                that was rejected
//   coverage_percent  the same as a share of duration_s, rounded to two decimals
//   quality      0 measured, 1 late, 2 estimated, 3 substituted, 4 manual, 5 missing (not used in the accounts)
//   rule         which rule set the quality, 0 for none: the numbers of model::Rule
//
//   active       1 while the alert fires, 0 once it is resolved or withdrawn
//   state        1 firing, 2 acknowledged, 3 resolved, 4 withdrawn
//   threshold    what `value` was held against; both absent where there is none
//   since_s      when its condition began to hold, in seconds since 1970
//   revision     how many changes of this alert came before
//   suppressed   alerts that depend on this one, and were held back so far
//   period_...   the begin and the end, in seconds since 1970, of the time whose sum `value` is; coverage_percent: how
//                much of it, until `value` was that, was watched. Absent where it is no sum
//
// Time is in milliseconds: of a reading, a total and a change of an alert its own, of what covers a period its begin,
// as energy platforms do.
//
// Corrections
//   A correction is a point of its own beside the entry it corrects, at the same time: amount and co2e_kg are
//   differences, so carbongate_entry is what was published first and the sum of both what is known now; covered_s,
//   coverage_percent, quality and rule are those of now. `revision` counts from 1 and is a tag, for the second
//   correction of a quarter hour must not take the place of the first. A rollup that contains a corrected quarter hour
//   is sent again and takes the place of its point.
//
// A row always gives the same point, and measurement, tags and time identify it: writing it again changes nothing. Two
// rows of one instant would take each other's place, so a reading that is heard again must not spoil the first one:
//   - with the rule "duplicate" (same instant as one already counted) it is left out;
//   - with the rule "out-of-order" it may be the second delivery of one already counted: its value is sent alone,
//     without quality and rule.
// With the rules "clock", "clock-stopped" and "clock-manual" a reading is left out as well: its time is false, and it
// comes once more with the true one.
#pragma once

#include <boost/container/static_vector.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "gateway/model/gas.h"
#include "gateway/model/rows.h"

namespace carbongate::sinks::shared {

// An exact decimal: quanta / quanta_per_unit, a power of ten.
struct Fixed {
  std::int64_t quanta = 0;
  std::int64_t quanta_per_unit = 1;
};

// One row as a point: a measurement with tags, and fields at one time. Names look into the row, into static storage, or
// into `texts`: not copied, and valid as long as the row is.
struct TimeSeriesPoint {
  struct Tag {
    std::string_view key;
    std::string_view value;  // never empty
  };
  struct Field {
    std::string_view key;
    std::variant<double, std::int64_t, Fixed> value;  // doubles are finite
  };

  TimeSeriesPoint() = default;
  TimeSeriesPoint(const TimeSeriesPoint&) = delete;
  TimeSeriesPoint& operator=(const TimeSeriesPoint&) = delete;

  std::string_view measurement;
  Instant at{};
  boost::container::static_vector<Tag, 14> tags;  // sorted by key
  boost::container::static_vector<Field, 15 + model::kGasCount> fields;
  boost::container::static_vector<std::string, 14> texts;  // never moved
};

enum class Rendering : std::uint8_t {
  point,    // there is one
  nothing,  // there is nothing to send for this row
  refused,  // it cannot be carried: `reason` says why
};

// Fills a fresh point.
Rendering make_point(const model::StoredRow& row, TimeSeriesPoint& point, std::string& reason);

}  // namespace carbongate::sinks::shared

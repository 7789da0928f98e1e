// When a device says it measured: the forms in which payloads carry time.
#pragma once

#include <boost/json/value.hpp>
#include <boost/system/result.hpp>
#include <string>
#include <string_view>

#include "drivers/api/reading.h"

namespace date {
class time_zone;
}

namespace carbongate::json_payload {

enum class TimeFormat {
  epoch_s,   // seconds since 1970 in UTC, with or without a fraction: 1757059829.08
  epoch_ms,  // milliseconds since 1970 in UTC: 1650006388943
  iso8601,   // 2024-07-19T11:04:55.123+02:00, ...Z, or without an offset
  compact,   // YYYYMMDDhhmmss, or with three digits of milliseconds behind it
};

template <class T>
using Result = boost::system::result<T, std::string>;  // the error says what is wrong with the text, for the log

// Times before 2000 and from 2100 on are refused: a clock that was never set, or seconds taken for milliseconds.
//
// A number or a text is accepted for every format. `zone` applies where the text has no offset; nullptr: UTC. Of an
// hour that a zone's clocks show twice the one nearer to `received` is meant; in an hour they skip, time runs on from
// before.
Result<Instant> read_time(const boost::json::value& value, TimeFormat format, const date::time_zone* zone,
                          Instant received);
Result<Instant> read_time(std::string_view text, TimeFormat format, const date::time_zone* zone, Instant received);

// The zone of an IANA name, "Asia/Shanghai"; nullptr: not known on this machine.
const date::time_zone* find_zone(const std::string& name);

}  // namespace carbongate::json_payload

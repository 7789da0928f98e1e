// InfluxDB line protocol: one line per point, as InfluxDB 1.x to 3.x, VictoriaMetrics and others read it.
//
//   line        = measurement *("," tag-key "=" tag-value) " " field *("," field) " " timestamp LF
//   field       = field-key "=" value
//   value       = float / integer "i" / unsigned "u" / "true" / "false" / DQUOTE string DQUOTE
//
//   in a measurement             a backslash goes before comma and space
//   in tag keys, values, fields  a backslash goes before comma, space and "="
//   in a string                  a backslash goes before DQUOTE and backslash
//
// A backslash in a name is written as it is, so what ends in one, or holds a line feed, cannot be carried: it is
// refused. Reference: "Line protocol reference", InfluxDB documentation; influxdata/line-protocol-corpus.
#pragma once

#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace carbongate::line_protocol {

enum class EncodeError {
  empty_name = 1,      // a measurement, tag key or field key without a character
  empty_tag_value,     // leave the tag out instead
  control_character,   // in a measurement, tag or field key
  trailing_backslash,  // in a measurement, tag or field key: it would escape what follows
  comment,             // a measurement that begins with "#"
  no_fields,
  duplicate_key,    // two tags or two fields of the same key
  not_finite,       // NaN and infinities have no text
  not_decimal,      // a Decimal that is not a number
  series_too_long,  // measurement and tags beyond kSeriesBytesMax
};
const boost::system::error_category& encode_category();
boost::system::error_code make_error_code(EncodeError error);

// The longest measurement with its tags that InfluxDB takes.
inline constexpr std::size_t kSeriesBytesMax = 65'535;

// A float given as text, for numbers that are decimal fractions and must arrive as such: "1.25". No exponent.
struct Decimal {
  std::string_view text;
};

using FieldValue = std::variant<double, std::int64_t, std::uint64_t, bool, Decimal, std::string_view>;

struct Tag {
  std::string_view key;
  std::string_view value;
};

struct Field {
  std::string_view key;
  FieldValue value;
};

// Views must live through the call.
struct PointView {
  std::string_view measurement;
  std::span<const Tag> tags;  // written in this order; servers like them sorted by key
  std::span<const Field> fields;
  std::int64_t time = 0;  // in the unit that the request names as its precision
};

// Appends the line, with its line feed. On error `out` is as before. The same point gives the same bytes.
//
// Floats get the shortest text that reads back as the same double, without an exponent from 1e-6 up to 1e17: common
// readers scale by the exponent in a second, inexact step.
boost::system::result<void> append_line(std::string& out, const PointView& point);

}  // namespace carbongate::line_protocol

template <>
struct boost::system::is_error_code_enum<carbongate::line_protocol::EncodeError> : std::true_type {};

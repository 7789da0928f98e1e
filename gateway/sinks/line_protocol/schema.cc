#include "gateway/sinks/line_protocol/schema.h"

#include <boost/container/static_vector.hpp>

#include "gateway/model/carrier.h"
#include "protocols/line_protocol/encode.h"

namespace carbongate::sinks::line_protocol {
namespace {

namespace codec = carbongate::line_protocol;
using shared::Rendering;
using shared::TimeSeriesPoint;

constexpr std::size_t kFieldsMax = decltype(TimeSeriesPoint::fields)::static_capacity;

}  // namespace

Rendering append_row(std::string& out, const model::StoredRow& row, std::string& reason) {
  TimeSeriesPoint point;
  if (const Rendering made = shared::make_point(row, point, reason); made != Rendering::point) return made;

  boost::container::static_vector<codec::Tag, decltype(TimeSeriesPoint::tags)::static_capacity> tags;
  for (const auto& tag : point.tags) tags.push_back({tag.key, tag.value});
  boost::container::static_vector<std::string, kFieldsMax> decimals;  // never moved: fields look into them
  boost::container::static_vector<codec::Field, kFieldsMax> fields;
  for (const auto& field : point.fields) {
    if (const auto* fixed = std::get_if<shared::Fixed>(&field.value)) {
      fields.push_back({field.key, codec::Decimal{decimals.emplace_back(
                                       model::format_fixed(fixed->quanta, fixed->quanta_per_unit))}});
    } else if (const auto* integer = std::get_if<std::int64_t>(&field.value)) {
      fields.push_back({field.key, *integer});
    } else {
      fields.push_back({field.key, std::get<double>(field.value)});
    }
  }
  const auto written = codec::append_line(out, {point.measurement, tags, fields, point.at.time_since_epoch().count()});
  if (written) return Rendering::point;
  reason = "line protocol cannot carry it: " + written.error().message();
  return Rendering::refused;
}

}  // namespace carbongate::sinks::line_protocol

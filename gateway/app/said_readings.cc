#include "gateway/app/said_readings.h"

#include <boost/system/errc.hpp>
#include <map>
#include <string>
#include <string_view>

#include "gateway/model/hj212_flag.h"

namespace carbongate::app {
namespace {

using store::History;

Reading said(const model::JudgedReading& stored, PointId point) {
  const bool is_available = stored.quality.rule != model::Rule::not_available;
  return {.point = point,
          .availability = is_available ? Availability::available : Availability::not_available,
          .hj212_flag = model::flag_said(stored.quality),
          .at = stored.at,
          .value = stored.value};
}

std::string name_of(std::string_view device, std::string_view point, std::string_view unit) {
  return std::string(device) + "." + std::string(point) + " " + std::string(unit);
}

}  // namespace

model::Fault stopped() {
  return {make_error_code(boost::system::errc::operation_canceled), "stopped"};
}

model::Result<void> each_said(History& history, const model::Site& site, std::span<const PointId> points,
                              const pipeline::Span& span, const std::atomic<bool>& stop,
                              const std::function<bool(const Reading&)>& take) {
  std::map<std::string, PointId> named;
  for (const PointId id : points) {
    const Point& point = site.points.at(index(id));
    named.emplace(name_of(point.device, point.name, point.unit.symbol), id);
  }
  const auto found = [&](const model::Series& series) {
    return named.find(name_of(series.device, series.point, series.unit));
  };
  const auto is_wanted = [&](const model::Series& series) { return found(series) != named.end(); };
  const auto read =
      history.each_reading({.from = span.begin, .to = span.end}, is_wanted, [&](const model::StoredRow& row) {
        const auto& reading = row.body.get<model::JudgedReading>();
        if (stop) return false;
        return !model::stamp_believed(reading.quality) || take(said(reading, found(*row.series)->second));
      });
  if (read.has_error()) return read.error();
  if (stop) return stopped();
  return {};
}

}  // namespace carbongate::app

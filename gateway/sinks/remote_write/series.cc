#include "gateway/sinks/remote_write/series.h"

#include <charconv>
#include <variant>

#include "gateway/model/carrier.h"

namespace carbongate::sinks::remote_write {
namespace {

struct AsDouble {
  double operator()(double value) const { return value; }
  double operator()(std::int64_t value) const { return static_cast<double>(value); }

  // The double nearest to the decimal: what a server makes of its text.
  double operator()(shared::Fixed fixed) const {
    const std::string text = model::format_fixed(fixed.quanta, fixed.quanta_per_unit);
    double value = 0.0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
  }
};

}  // namespace

void SeriesSet::add(const shared::TimeSeriesPoint& point) {
  Labels labels{{"__name__", ""}};  // sorts before all tags, which are lower-case
  for (const auto& tag : point.tags) labels.emplace_back(tag.key, tag.value);
  for (const auto& field : point.fields) {
    labels.front().second = std::string(point.measurement) + "_" + std::string(field.key);
    series_[labels][point.at.time_since_epoch().count()] = std::visit(AsDouble{}, field.value);
  }
}

std::vector<carbongate::remote_write::Series> SeriesSet::take() {
  std::vector<carbongate::remote_write::Series> all;
  all.reserve(series_.size());
  while (!series_.empty()) {
    auto node = series_.extract(series_.begin());
    auto& one = all.emplace_back(std::move(node.key()));
    one.samples.reserve(node.mapped().size());
    for (const auto& [time_ms, value] : node.mapped()) one.samples.push_back({time_ms, value});
  }
  return all;
}

}  // namespace carbongate::sinks::remote_write

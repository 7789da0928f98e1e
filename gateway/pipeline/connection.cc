#include "gateway/pipeline/connection.h"

#include <limits>

namespace carbongate::pipeline {
namespace {

using model::Activity;

// What no connection delivers in an hour, and what few do, in display units of the dimension: 5 GW and 10 MW; 10^7 and
// 10^4 Nm3; 10^8 and 10^5 kg; 10^8 and 10^6 pieces.
struct RateLimits {
  double most;
  double usual;
  std::string_view unit;
};
RateLimits rate_limits(Dimension dimension) {
  if (dimension == Dimension::energy) return {5e6, 1e4, "kWh"};
  if (dimension == Dimension::normal_volume) return {1e7, 1e4, "Nm3"};
  if (dimension == Dimension::volume) return {1e7, 1e4, "m3"};
  if (dimension == Dimension::pieces) return {1e8, 1e6, "pcs"};
  return {1e8, 1e5, "kg"};
}

bool flows(Dimension rate, Dimension amount) {
  return (rate == Dimension::volume_flow && amount == Dimension::volume) ||
         (rate == Dimension::normal_volume_flow && amount == Dimension::normal_volume) ||
         (rate == Dimension::mass_flow && amount == Dimension::mass);
}

}  // namespace

Connection connection_of(const Point& point, const model::Carrier& carrier) {
  const RateLimits general = rate_limits(carrier.dimension);
  const Unit unit = *find_unit(general.unit);
  Connection out{.rate_max = to_activity(general.most, unit, carrier).value_or(Activity{}).quanta(),
                 .rate_usual = to_activity(general.usual, unit, carrier).value_or(Activity{}).quanta()};
  if (point.limits.power_max_w && carrier.dimension == Dimension::energy) {
    const auto rate = to_activity(*point.limits.power_max_w * 1.1, *find_unit("W"), carrier);
    if (rate && rate->quanta() > 0) out = {.rate_max = rate->quanta(), .rate_usual = rate->quanta(), .known = true};
  }
  const bool same_matter = point.unit.dimension == carrier.dimension || flows(point.unit.dimension, carrier.dimension);
  if (point.limits.flow_max && same_matter) {
    const double amount =
        *point.limits.flow_max * static_cast<double>(unit.denominator) / static_cast<double>(unit.numerator);
    const auto rate = to_activity(amount * 1.1, unit, carrier);
    if (rate && rate->quanta() > 0) out = {.rate_max = rate->quanta(), .rate_usual = rate->quanta(), .known = true};
  }
  if (point.computed && point.kind == Kind::cumulative && !out.known) {
    constexpr std::int64_t kAny = std::numeric_limits<std::int64_t>::max() / 4;
    out = {.rate_max = kAny, .rate_usual = kAny, .known = true};
  }
  return out;
}

Wide over(std::int64_t rate_per_hour, Duration time) {
  return Wide{rate_per_hour} * time.count() / Duration(std::chrono::hours(1)).count();
}

}  // namespace carbongate::pipeline

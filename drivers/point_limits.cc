#include "drivers/point_limits.h"

#include <charconv>
#include <chrono>
#include <string>
#include <vector>

namespace carbongate {
namespace {

using namespace std::chrono_literals;

bool is_power(Dimension dimension) {
  return dimension == Dimension::power || dimension == Dimension::reactive_power ||
         dimension == Dimension::apparent_power;
}

bool is_flow(Dimension dimension) {
  return dimension == Dimension::volume_flow || dimension == Dimension::mass_flow;
}

// Said already, and nothing can be said about what fits it.
bool has_unknown_unit(const config::Reader& in) {
  const config::Node* unit = in.node().find("unit");
  return unit && !(unit->is_scalar() && find_unit(unit->scalar()));
}

// "250 kW" or "250kW" in W.
void read_power_max(config::Reader& in, Point& point) {
  const auto text = in.optional<std::string>("power_max");
  if (!text) return;
  double number = 0;
  const char* end = text->data() + text->size();
  const auto [parsed_to, code] = std::from_chars(text->data(), end, number);
  std::string_view symbol(parsed_to, static_cast<std::size_t>(end - parsed_to));
  while (symbol.starts_with(' ')) symbol.remove_prefix(1);
  if (code != std::errc{} || symbol.empty()) {
    in.error("power_max", "expected a number and a power unit, such as '250 kW'");
    return;
  }
  const auto unit = find_unit(symbol);
  if (!unit || unit->dimension != Dimension::power) {
    std::vector<std::string> powers;
    for (const Unit& known : all_units()) {
      if (known.dimension == Dimension::power) powers.emplace_back(known.symbol);
    }
    in.error("power_max", "'" + std::string(symbol) + "' is not a unit of power" + config::suggestion(symbol, powers));
    return;
  }
  const double watts = number * static_cast<double>(unit->numerator) / static_cast<double>(unit->denominator);
  if (!(watts > 0 && watts <= 1e12)) {
    in.error("power_max", "must be more than 0 and at most 1000 GW");
    return;
  }
  if (has_unknown_unit(in)) return;
  if (point.unit.dimension != Dimension::energy && point.unit.dimension != Dimension::power) {
    in.error("power_max", "limits energy and power only; '" + point.name + "' is a point of " +
                              std::string(to_string(point.unit.dimension)) + " (" + std::string(point.unit.symbol) +
                              ")");
    return;
  }
  point.limits.power_max_w = watts;
}

}  // namespace

void read_point_limits(config::Reader& in, Point& point) {
  PointLimits& limits = point.limits;
  if (const auto min = in.optional<double>("min")) limits.min = min;
  if (const auto max = in.optional<double>("max")) limits.max = max;
  if (limits.min && limits.max && *limits.min >= *limits.max) {
    in.error(in.has("min") ? "min" : "max", "min must be below max");
  }

  if (const auto rollover = in.optional<double>("rollover_at")) {
    limits.rollover_at = rollover;
    if (point.kind != Kind::cumulative) {
      in.error("rollover_at", "only a cumulative point starts again from 0");
    } else if (*rollover <= 0) {
      in.error("rollover_at", "must be more than 0");
    }
  }
  if (limits.rollover_at && limits.max && *limits.max > *limits.rollover_at) {
    in.error(in.has("max") ? "max" : "rollover_at", "max lies beyond rollover_at, a value the register never shows");
  }
  read_power_max(in, point);

  if (in.child("stale_after")) {
    limits.stale_after = in.in_range<Duration>("stale_after", limits.stale_after, 1s, 366 * 24h);
  }
  if (in.child("gap_max")) {
    limits.gap_max = in.in_range<Duration>("gap_max", limits.gap_max, 1s, 31 * 24h);
    const bool is_rate = is_power(point.unit.dimension) || is_flow(point.unit.dimension) || has_unknown_unit(in);
    if (point.kind != Kind::instantaneous || !is_rate) {
      in.error("gap_max", "only a power or a flow is integrated over time; '" + point.name + "' is none");
    }
  }
}

}  // namespace carbongate

#include "drivers/point_limits.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "config/reader/text.h"

namespace carbongate {
namespace {

using namespace std::chrono_literals;

bool is_power(Dimension dimension) {
  return dimension == Dimension::power || dimension == Dimension::reactive_power ||
         dimension == Dimension::apparent_power;
}

bool is_flow(Dimension dimension) {
  return dimension == Dimension::volume_flow || dimension == Dimension::normal_volume_flow ||
         dimension == Dimension::mass_flow;
}

// In what a point of this dimension is limited; nullopt: it is no amount of matter.
std::optional<Dimension> flow_of(Dimension dimension) {
  switch (dimension) {
    case Dimension::volume:
    case Dimension::volume_flow: return Dimension::volume_flow;
    case Dimension::normal_volume:
    case Dimension::normal_volume_flow: return Dimension::normal_volume_flow;
    case Dimension::mass:
    case Dimension::mass_flow: return Dimension::mass_flow;
    default: return std::nullopt;
  }
}

// Said already, and nothing can be said about what fits it.
constexpr int kExactBits = 53;  // of a double

bool has_unknown_unit(const config::Reader& in) {
  const config::Node* unit = in.node().find("unit");
  return unit && !(unit->is_scalar() && find_unit(unit->scalar()));
}

struct Rate {
  double value = 0;  // in the base of its dimension
  Dimension dimension{};
};

// "250 kW" or "250kW", in a unit that `fits`; `example` is one of them.
std::optional<Rate> read_rate(config::Reader& in, std::string_view key, std::string_view what, std::string_view example,
                              bool (*fits)(Dimension)) {
  const auto text = in.optional<std::string>(key);
  if (!text) return std::nullopt;
  double number = 0;
  const char* end = text->data() + text->size();
  const auto [parsed_to, code] = std::from_chars(text->data(), end, number);
  std::string_view symbol(parsed_to, static_cast<std::size_t>(end - parsed_to));
  while (symbol.starts_with(' ')) symbol.remove_prefix(1);
  if (code != std::errc{} || symbol.empty()) {
    in.error(key, "expected a number and a unit of " + std::string(what) + ", such as '" + std::string(example) + "'");
    return std::nullopt;
  }
  const auto unit = find_unit(symbol);
  if (!unit || !fits(unit->dimension)) {
    std::vector<std::string> known;
    for (const Unit& one : all_units()) {
      if (fits(one.dimension)) known.emplace_back(one.symbol);
    }
    in.error(key,
             "'" + std::string(symbol) + "' is not a unit of " + std::string(what) + config::suggestion(symbol, known));
    return std::nullopt;
  }
  return Rate{number * static_cast<double>(unit->numerator) / static_cast<double>(unit->denominator), unit->dimension};
}

std::string described(const Point& point) {
  return "'" + point.name + "' is a point of " + std::string(to_string(point.unit.dimension)) + " (" +
         std::string(point.unit.symbol) + ")";
}

void read_power_max(config::Reader& in, Point& point) {
  const auto power = read_rate(in, "power_max", "power", "250 kW", [](Dimension d) { return d == Dimension::power; });
  if (!power) return;
  if (!(power->value > 0 && power->value <= 1e12)) {
    in.error("power_max", "must be more than 0 and at most 1000 GW");
    return;
  }
  if (has_unknown_unit(in)) return;
  if (point.unit.dimension != Dimension::energy && point.unit.dimension != Dimension::power) {
    in.error("power_max", "limits energy and power only; " + described(point) +
                              (flow_of(point.unit.dimension) ? ", which flow_max limits" : ""));
    return;
  }
  point.limits.power_max_w = power->value;
}

void read_flow_max(config::Reader& in, Point& point) {
  const auto flow = read_rate(in, "flow_max", "flow", "250 Nm3/h", is_flow);
  if (!flow) return;
  if (!(flow->value > 0 && flow->value <= 1e15)) {
    in.error("flow_max", "must be more than 0 and at most 1e9 of m3, Nm3 or kg an hour");
    return;
  }
  if (has_unknown_unit(in)) return;
  const auto wanted = flow_of(point.unit.dimension);
  if (!wanted) {
    in.error("flow_max", "limits volumes, masses and their flows only; " + described(point) +
                             (point.unit.dimension == Dimension::energy || point.unit.dimension == Dimension::power
                                  ? ", which power_max limits"
                                  : ""));
  } else if (*wanted != flow->dimension) {
    in.error("flow_max", "is a " + std::string(to_string(flow->dimension)) + "; " + described(point) + " and wants a " +
                             std::string(to_string(*wanted)));
  } else {
    point.limits.flow_max = flow->value;
  }
}

// The ends that are given, in the point's unit; a value that is wrong is a problem and left out.
std::vector<double> read_rollovers(config::Reader& in, Point& point, double count_by_default) {
  PointLimits& limits = point.limits;
  std::vector<double> ends;
  const config::Node* list = in.child("rollover_at");
  if (list && list->is_sequence()) {
    for (const std::string& text : in.value_or("rollover_at", std::vector<std::string>{})) {
      double end = 0;
      const auto [parsed_to, code] = std::from_chars(text.data(), text.data() + text.size(), end);
      if (code != std::errc{} || parsed_to != text.data() + text.size()) {
        in.error("rollover_at", "expected numbers in the point's unit, found '" + config::printable(text) + "'");
      } else {
        ends.push_back(end);
      }
    }
  } else if (const auto end = in.optional<double>("rollover_at")) {
    ends.push_back(*end);
  }
  for (const double end : ends) {
    if (!(end > 0 && std::isfinite(end))) in.error("rollover_at", "must be more than 0");
  }
  double count = std::abs(count_by_default);
  if (const auto given = in.optional<double>("count")) {
    if (*given > 0 && std::isfinite(*given)) {
      count = *given;
    } else {
      in.error("count", "must be more than 0: one count of the register in the point's unit");
    }
    if (!in.has("register_bits") && !in.has("register_digits"))
      in.error("count", "says how much one count of register_bits or register_digits is; neither is given");
  }
  if (in.has("count") || limits.count == 0) limits.count = count;
  if (in.has("register_bits") && in.value_or<int>("register_bits", 0) > kExactBits) {
    in.warning(
        "register_bits",
        fmt::format("values are doubles, which tell 2^53 counts apart: what the register shows above {:.15g} {}, "
                    "and what it moves there, is not exact",
                    std::ldexp(count, kExactBits), point.unit.symbol));
  }
  if (in.child("register_bits")) ends.push_back(std::ldexp(count, in.in_range<int>("register_bits", 32, 8, 64)));
  if (in.child("register_digits"))
    ends.push_back(std::round(std::pow(10.0, in.in_range<int>("register_digits", 8, 3, 18))) * count);
  return ends;
}

void read_rollover(config::Reader& in, Point& point, double count_by_default) {
  PointLimits& limits = point.limits;
  for (const std::string_view key : {"rollover_at", "register_bits", "register_digits"}) {
    if (in.has(key) && point.kind != Kind::cumulative) in.error(key, "only a cumulative point starts again from 0");
  }
  auto ends = read_rollovers(in, point, count_by_default);
  if (!ends.empty()) limits.rollover_at = std::move(ends);
  if (limits.rollover_at.empty() || !limits.max) return;
  if (*limits.max > *std::ranges::max_element(limits.rollover_at)) {
    in.error(in.has("max") ? "max" : "rollover_at", "max lies beyond rollover_at, a value the register never shows");
  }
}

// Without power_max a fall to 0 could be anything that flowed back.
void read_signed(config::Reader& in, Point& point) {
  const auto runs_back = in.optional<bool>("signed");
  if (!runs_back) return;
  point.limits.runs_back = *runs_back;
  if (*runs_back && point.kind != Kind::cumulative) in.error("signed", "only a cumulative point may run backwards");
  if (*runs_back && point.unit.dimension == Dimension::energy && !point.limits.power_max_w)
    in.error("signed", "needs power_max, by which a register that runs back is told from one that was reset");
}

}  // namespace

void read_point_limits(config::Reader& in, Point& point, double count_by_default) {
  PointLimits& limits = point.limits;
  if (const auto min = in.optional<double>("min")) limits.min = min;
  if (const auto max = in.optional<double>("max")) limits.max = max;
  if (limits.min && limits.max && *limits.min >= *limits.max) {
    in.error(in.has("min") ? "min" : "max", "min must be below max");
  }

  read_rollover(in, point, count_by_default);
  read_power_max(in, point);
  read_flow_max(in, point);
  read_signed(in, point);

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

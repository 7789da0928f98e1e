#include "gateway/app/stations_section.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>
#include <utility>

#include "config/reader/text.h"
#include "gateway/app/names.h"

namespace carbongate::app {
namespace {

using namespace std::chrono_literals;
using config::printable;
using config::suggestion;
using model::Station;
using model::StationFactor;

constexpr std::size_t kFactorsMax = 200;
constexpr std::size_t kCodeMax = 8;
constexpr int kDecimalsMax = 6;
constexpr std::uint32_t kMinuteInstants = 12;

bool is_code(std::string_view text) {
  return text.size() >= 2 && text.size() <= kCodeMax && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
         });
}

double ratio(const Unit& from, const Unit& to) {
  return static_cast<double>(from.numerator) / static_cast<double>(from.denominator) *
         static_cast<double>(to.denominator) / static_cast<double>(to.numerator);
}

struct Flow {
  Dimension rate;
  Dimension amount;
  double base_per_millisecond;  // of the amount's base unit, of one of the rate's
};
constexpr double kPerHour = 1.0 / 3'600'000;
constexpr Flow kFlows[] = {{Dimension::power, Dimension::energy, 0.001},
                           {Dimension::volume_flow, Dimension::volume, kPerHour},
                           {Dimension::normal_volume_flow, Dimension::normal_volume, kPerHour},
                           {Dimension::mass_flow, Dimension::mass, kPerHour}};

class Stations {
 public:
  Stations(config::Problems& problems, const std::vector<Point>& points, const std::set<std::string>& doubtful)
      : problems_(problems), points_(points), doubtful_(doubtful) {}

  void read(const config::Node& node) {
    config::Reader in(node, problems_);
    Station station;
    station.id = static_cast<model::StationId>(stations_.size());
    station.name = read_id(in, "id");
    ids_.add(in, "id", station.name);
    station.real_time = in.in_range<Duration>("real_time", station.real_time, 1s, 1h);
    if (1h % station.real_time != Duration::zero()) in.error("real_time", "must divide an hour, as 30s or 1min do");
    station.minute = in.in_range<Duration>("minute", station.minute, 1min, 30min);
    if (station.minute % 1min != Duration::zero() || 1h % station.minute != Duration::zero()) {
      in.error("minute", "must be 1, 2, 3, 4, 5, 6, 10, 12, 15, 20 or 30 min");
    }
    station.wait = in.in_range<Duration>("wait", std::max<Duration>(station.real_time, 10s), 0s, 1h);
    station.any_abnormal = in.value_or("water", false);
    const auto& factors = in.required_items("factors");
    for (const config::Node& factor : factors) read_factor(factor, station);
    if (in.has("factors") && factors.empty()) in.error("factors", "names no factor; nothing would be reported");
    if (factors.size() > kFactorsMax) in.error("factors", "more than " + std::to_string(kFactorsMax));
    station.minute_instants = in.in_range<std::uint32_t>("minute_instants", instants_expected(station), 1, 1'000'000);
    station.hour_percent = in.in_range<std::uint32_t>("hour_percent", station.hour_percent, 1, 100);
    station.day_hours = in.in_range<std::uint32_t>("day_hours", station.day_hours, 1, 24);
    in.finish();
    stations_.push_back(std::move(station));
  }

  std::vector<Station> take() && { return std::move(stations_); }

 private:
  void read_factor(const config::Node& node, Station& station) {
    config::Reader in(node, problems_);
    StationFactor factor;
    factor.code = in.required<std::string>("code");
    if (!factor.code.empty() && !is_code(factor.code)) {
      in.error("code", "'" + printable(factor.code) + "' is no code such as a05001");
    }
    if (std::ranges::find(station.factors, factor.code, &StationFactor::code) != station.factors.end()) {
      in.error("code", "'" + printable(factor.code) + "' is there twice");
    }
    factor.decimals = static_cast<std::uint8_t>(in.in_range<int>("decimals", 2, 0, kDecimalsMax));
    const auto unit = read_unit(in);
    if (const Point* point = find_point(in, "point")) {
      factor.point = point->id;
      factor.scale = scale_of(in, *point, unit);
      factor.fresh = fresh_for(station, *point);
    }
    if (const Point* reduced = find_point(in, "reduced")) {
      factor.reduced = reduced->id;
      factor.reduced_scale = scale_of(in, *reduced, unit);
      if (!factor.point) factor.fresh = fresh_for(station, *reduced);
    }
    if (const config::Node* amount = in.child("amount")) read_amount(*amount, factor);
    const bool has_any = in.has("point") || in.has("reduced") || in.has("amount");
    if (!has_any) in.missing("point", "names no `point` and no `amount`: nothing would be reported");
    in.finish();
    station.factors.push_back(std::move(factor));
  }

  static Duration fresh_for(const Station& station, const Point& point) {
    return std::max<Duration>(station.real_time, 3 * point.limits.interval);
  }

  void read_amount(const config::Node& node, StationFactor& factor) {
    config::Reader in(node, problems_);
    factor.amount_decimals = static_cast<std::uint8_t>(in.in_range<int>("decimals", 2, 0, kDecimalsMax));
    const auto unit = read_unit(in);
    if (!in.has("point")) in.missing("point");
    if (const Point* point = find_point(in, "point")) {
      factor.amount = point->id;
      factor.amount_interval = point->limits.interval;
      factor.gap_max = point->limits.gap_max != Duration::zero() ? point->limits.gap_max
                                                                 : std::max<Duration>(5min, 3 * point->limits.interval);
      if (point->kind == Kind::instantaneous) {
        read_rate(in, *point, unit, factor);
      } else {
        factor.amounts =
            point->kind == Kind::interval ? StationFactor::Amounts::sums : StationFactor::Amounts::differences;
        factor.amount_scale = scale_of(in, *point, unit);
      }
    }
    in.finish();
  }

  static void read_rate(config::Reader& in, const Point& point, const std::optional<Unit>& unit,
                        StationFactor& factor) {
    const auto flow = std::ranges::find(kFlows, point.unit.dimension, &Flow::rate);
    if (flow == std::end(kFlows)) {
      in.error("point", "'" + point.full_name() + "' measures " + std::string(to_string(point.unit.dimension)) +
                            ": no counter, no amount, and nothing that flows");
      return;
    }
    if (!unit) return in.missing("unit", "the unit of the amount is missing: kg, m3, kWh");
    if (unit->dimension != flow->amount) {
      return in.error("unit", "'" + std::string(unit->symbol) + "' is no amount of what '" + point.full_name() +
                                  "' measures in " + std::string(point.unit.symbol));
    }
    factor.amounts = StationFactor::Amounts::integrals;
    factor.amount_scale = static_cast<double>(point.unit.numerator) / static_cast<double>(point.unit.denominator) *
                          flow->base_per_millisecond * static_cast<double>(unit->denominator) /
                          static_cast<double>(unit->numerator);
  }

  std::optional<Unit> read_unit(config::Reader& in) {
    const auto symbol = in.optional<std::string>("unit");
    if (!symbol) return std::nullopt;
    const auto unit = find_unit(*symbol);
    if (!unit) {
      std::vector<std::string> known;
      for (const Unit& each : all_units()) known.emplace_back(each.symbol);
      in.error("unit", "unknown unit '" + printable(*symbol) + "'" + suggestion(*symbol, known));
    }
    return unit;
  }

  static double scale_of(config::Reader& in, const Point& point, const std::optional<Unit>& unit) {
    if (!unit || *unit == point.unit) return 1;
    if (unit->dimension != point.unit.dimension) {
      in.error("unit", "'" + point.full_name() + "' is measured in " + std::string(point.unit.symbol) +
                           ", which is not converted to " + std::string(unit->symbol));
      return 1;
    }
    return ratio(point.unit, *unit);
  }

  const Point* find_point(config::Reader& in, std::string_view key) {
    const std::string name = in.value_or(key, "");
    if (name.empty()) return nullptr;
    const auto found = std::ranges::find_if(points_, [&](const Point& p) { return p.full_name() == name; });
    if (found != points_.end()) return &*found;
    if (doubtful_.contains(name.substr(0, name.find('.')))) return nullptr;
    std::vector<std::string> known;
    for (const Point& point : points_) known.push_back(point.full_name());
    in.error(key, "unknown point '" + printable(name) + "'" + suggestion(name, known));
    return nullptr;
  }

  // Three quarters of what the slowest point gives, where that is less than the standard wants.
  std::uint32_t instants_expected(const Station& station) const {
    Duration slowest{};
    for (const StationFactor& factor : station.factors) {
      if (factor.point) slowest = std::max(slowest, points_[index(*factor.point)].limits.interval);
    }
    if (slowest == Duration::zero()) return kMinuteInstants;
    const auto come = static_cast<std::uint32_t>(station.minute / slowest);
    return std::clamp<std::uint32_t>(come * 3 / 4, 1, kMinuteInstants);
  }

  config::Problems& problems_;
  const std::vector<Point>& points_;
  const std::set<std::string>& doubtful_;
  UniqueIds ids_{"station"};
  std::vector<Station> stations_;
};

}  // namespace

std::vector<model::Station> read_stations(config::Reader& root, const std::vector<Point>& points,
                                          const std::set<std::string>& doubtful_devices) {
  Stations stations(root.problems(), points, doubtful_devices);
  for (const config::Node& node : root.items("stations")) stations.read(node);
  return std::move(stations).take();
}

}  // namespace carbongate::app

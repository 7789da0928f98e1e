#include "gateway/app/live_factors_section.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>

#include "config/reader/text.h"
#include "gateway/app/names.h"
#include "gateway/model/carrier.h"
#include "gateway/pipeline/factor_value.h"
#include "gateway/pipeline/factor_worth.h"

namespace carbongate::app {
namespace {

using namespace std::chrono_literals;
using config::printable;
using config::suggestion;

class LiveFactors {
 public:
  LiveFactors(config::Problems& problems, const config::DataFiles& data, std::vector<Point>& points,
              const std::set<std::string>& doubtful, pipeline::FactorRegistry& factors)
      : problems_(problems), data_(data), points_(points), doubtful_(doubtful), factors_(factors) {}

  void announce(const config::Node& node) {
    const config::Node* set = node.is_map() ? node.find("set") : nullptr;
    if (set != nullptr && set->is_scalar()) live_sets_.insert(set->scalar());
  }

  void read(const config::Node& node) {
    config::Reader in(node, problems_);
    const std::size_t errors_before = problems_.times_reported();
    model::LiveFactor live;
    read_name(in, live.like);
    read_unit(in, live);
    const std::string from = in.required<std::string>("from");
    Point* point = from.empty() ? nullptr : find_point(in, from);
    live.hold = in.in_range<Duration>("hold", live.hold, 15min, 7 * 24h);
    live.like.source = in.required<std::string>("source");
    live.like.publication = in.value_or("published", "live");
    live.like.version = model::kLiveVersion;
    live.like.confidence = in.value_or("confidence", "supplier");
    const double percent = in.in_range<double>("uncertainty_percent", 0.0, 0.0, 1000.0);
    live.like.u95_ppm = static_cast<std::int32_t>(percent * 10'000.0 + 0.5);
    if (const config::Node* fallback = in.child("fallback")) read_fallback(*fallback, live);
    in.finish();
    if (point) live.source = point->id;
    if (!point || problems_.times_reported() != errors_before) return;
    bound(in, live.like, *point);
    const model::FactorChoice choice{live.like.set, live.like.region, live.like.method};
    if (!factors_.declare_live(choice, live.like.carrier, from)) {
      in.error("set", "a second live series for " + live.like.carrier + ", " + choice.region + ", " + choice.method);
    } else if (!sources_.insert(point).second) {
      in.error("from", "'" + from + "' is the source of another live series already");
    }
    plans_.push_back(std::move(live));
  }

  std::vector<model::LiveFactor> take() && { return std::move(plans_); }

 private:
  void read_name(config::Reader& in, model::Factor& like) {
    like.set = read_id(in, "set");
    const auto known = data_.names("factors");
    if (std::ranges::find(known, like.set) != known.end())
      in.error("set", "there is a factor set '" + like.set + "' already; give the live one a name of its own");
    like.carrier = in.required<std::string>("carrier");
    like.region = in.value_or("region", "");
    like.method = in.value_or("method", "live");
  }

  void read_unit(config::Reader& in, model::LiveFactor& live) {
    live.like.unit_text = in.required<std::string>("unit");
    const model::Carrier* carrier = model::find_carrier(live.like.carrier);
    if (!carrier) {
      std::vector<std::string> known;
      for (const model::Carrier& c : model::all_carriers()) known.emplace_back(c.id);
      if (!live.like.carrier.empty())
        in.error("carrier",
                 "unknown carrier '" + printable(live.like.carrier) + "'" + suggestion(live.like.carrier, known));
      return;
    }
    if (live.like.unit_text.empty()) return;
    std::string why;
    const auto unit = pipeline::parse_factor_unit(live.like.unit_text, *carrier, why);
    const auto gas = unit ? model::find_gas(unit->species) : std::nullopt;
    if (!unit) {
      in.error("unit", why);
    } else if (gas != model::Gas::co2 && gas != model::Gas::unsplit) {
      in.error("unit", "a live factor is of CO2 or CO2e; write it like gCO2/" + std::string(carrier->display.symbol));
    } else {
      live.gas = *gas;
    }
  }

  // What its values may be, where its own min and max do not say it: a value beyond is rejected like any of a point.
  void bound(config::Reader& in, const model::Factor& like, Point& point) {
    const model::Carrier& carrier = *model::find_carrier(like.carrier);
    std::string why;
    const auto unit = pipeline::parse_factor_unit(like.unit_text, carrier, why);
    const auto one = unit->mg_per_quantum.scaled(model::kFactorScale);
    if (point.limits.min.value_or(0.0) < 0.0) {
      in.error("from", "min of '" + point.full_name() + "' is below 0: no factor is");
    }
    if (!point.limits.min) point.limits.min = 0.0;
    const auto largest =
        one && *one > 0 ? static_cast<double>(std::numeric_limits<std::int64_t>::max() / 2 / *one) : 0.0;
    if (point.limits.max.value_or(0.0) > largest) {
      in.error("from", "max of '" + point.full_name() + "' is more than any factor can be");
    }
    if (!point.limits.max) point.limits.max = live_factor_max(*unit, carrier);
  }

  Point* find_point(config::Reader& in, const std::string& name) {
    const auto found = std::ranges::find_if(points_, [&](const Point& p) { return p.full_name() == name; });
    if (found == points_.end()) {
      if (doubtful_.contains(name.substr(0, name.find('.')))) return nullptr;
      std::vector<std::string> known;
      for (const Point& point : points_) {
        if (point.kind == Kind::instantaneous && point.unit.dimension == Dimension::ratio)
          known.push_back(point.full_name());
      }
      in.error("from", "unknown point '" + printable(name) + "'" + suggestion(name, known));
      return nullptr;
    }
    if (found->kind != Kind::instantaneous || found->unit.dimension != Dimension::ratio) {
      in.error("from", "'" + name + "' measures " + std::string(to_string(found->unit.dimension)) +
                           "; a factor comes from an instantaneous point without a unit: the unit is given here");
      return nullptr;
    }
    return &*found;
  }

  void read_fallback(const config::Node& node, model::LiveFactor& live) {
    config::Reader in(node, problems_);
    model::FactorChoice choice{.set = in.required<std::string>("set"),
                               .region = in.value_or("region", live.like.region),
                               .method = in.value_or("method", "default")};
    in.finish();
    const auto regions = factors_.regions(choice.set, live.like.carrier);
    const auto methods = factors_.methods(choice.set, live.like.carrier, choice.region);
    const auto sets = factors_.sets();
    if (live_sets_.contains(choice.set)) {
      // No circle of live series can come of it, nor a fallback that has nothing to say when it is needed.
      in.error("set", "'" + printable(choice.set) +
                          "' is live as well; a fallback is a set of factors that are known beforehand");
    } else if (std::ranges::find(sets, choice.set) == sets.end()) {
      in.error("set", "'" + printable(choice.set) + "' is not among site.factors.sets" + suggestion(choice.set, sets));
    } else if (methods.empty()) {
      in.error("region", choice.set + " has no factor for " + live.like.carrier + " in '" + printable(choice.region) +
                             "'" + suggestion(choice.region, regions));
    } else if (std::ranges::find(methods, choice.method) == methods.end()) {
      in.error("method", choice.set + " has no factor for " + live.like.carrier + " by the method '" +
                             printable(choice.method) + "'" + suggestion(choice.method, methods));
    }
    live.fallback = std::move(choice);
  }

  config::Problems& problems_;
  const config::DataFiles& data_;
  std::vector<Point>& points_;
  const std::set<std::string>& doubtful_;
  pipeline::FactorRegistry& factors_;
  std::set<std::string> live_sets_;
  std::set<const Point*> sources_;
  std::vector<model::LiveFactor> plans_;
};

}  // namespace

double live_factor_max(const pipeline::FactorUnit& unit, const model::Carrier& carrier) {
  const auto inverse = unit.mg_per_quantum.inverse();
  const auto in_unit = inverse ? inverse->times(pipeline::factor_max(carrier)) : std::nullopt;
  constexpr std::int64_t kDigits = 1'000'000;
  const auto scaled = in_unit ? in_unit->scaled(kDigits) : std::nullopt;
  return scaled ? static_cast<double>(*scaled) / kDigits : std::numeric_limits<double>::max();
}

std::vector<model::LiveFactor> read_live_factors(const config::Node& root, config::Problems& problems,
                                                 const config::DataFiles& data, std::vector<Point>& points,
                                                 const std::set<std::string>& doubtful_devices,
                                                 pipeline::FactorRegistry& factors) {
  const config::Node* site = root.find("site");
  const config::Node* section = site ? site->find("factors") : nullptr;
  const config::Node* list = section ? section->find("live") : nullptr;
  LiveFactors reader(problems, data, points, doubtful_devices, factors);
  if (list && list->is_sequence()) {
    for (const config::Node& node : list->items()) reader.announce(node);
    for (const config::Node& node : list->items()) reader.read(node);
  }
  return std::move(reader).take();
}

}  // namespace carbongate::app

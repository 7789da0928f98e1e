#include "gateway/explain/derived.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "gateway/explain/words.h"
#include "gateway/model/entry_name.h"
#include "gateway/model/hj212_flag.h"
#include "gateway/model/lineage.h"
#include "gateway/pipeline/deriver.h"
#include "gateway/pipeline/quality.h"

namespace carbongate::explain {
namespace {

using model::Formula;
using model::Role;
using pipeline::from_base;
using pipeline::to_base;

std::string_view name_of(Formula formula) {
  switch (formula) {
    case Formula::cems_co2: return "cems-co2";
    case Formula::gas_at_reference: return "gas-at-reference";
    case Formula::steam_heat: return "steam-heat";
    case Formula::hot_water_heat: return "hot-water-heat";
    case Formula::mass_from_volume: return "mass-from-volume";
    case Formula::sum: return "sum";
  }
  return "";
}

std::string_view text_of(const model::Derived& derived) {
  switch (derived.formula) {
    case Formula::cems_co2:
      if (std::ranges::find(derived.inputs, Role::mass_concentration, &model::DerivedInput::role) !=
          derived.inputs.end()) {
        return "concentration x Qsn; Qs = 3600 x area x velocity; Qsn = Qs x 273/(273+t) x (Ba+Ps)/101325, "
               "x (1-moisture) if dry (HJ 212-2017 appendix D)";
      }
      return "concentration x molar mass / 22.4 x Qsn; Qs = 3600 x area x velocity; Qsn = Qs x 273/(273+t) x "
             "(Ba+Ps)/101325, "
             "x (1-moisture) if dry (HJ 212-2017 appendix D)";
    case Formula::gas_at_reference: return "volume x 273.15/(273.15+t) x p/101325 / Z";
    case Formula::steam_heat: return "mass x (h - 83.74 kJ/kg), h by IAPWS-IF97";
    case Formula::hot_water_heat: return "mass x (t - 20) x 4.1868 kJ/kg";
    case Formula::mass_from_volume: return "volume x density";
    case Formula::sum: return "sum of the terms, each times its weight";
  }
  return "";
}

std::string_view name_of(Role role) {
  switch (role) {
    case Role::term: return "term";
    case Role::concentration:
    case Role::mass_concentration: return "concentration";
    case Role::velocity: return "velocity";
    case Role::flow: return "flow";
    case Role::temperature: return "temperature";
    case Role::pressure: return "pressure";
    case Role::gauge_pressure: return "gauge pressure";
    case Role::barometric: return "barometric pressure";
    case Role::moisture: return "moisture";
    case Role::volume: return "volume";
    case Role::mass: return "mass";
    case Role::density: return "density";
    case Role::dryness: return "dryness";
  }
  return "";
}

// In which a constant stands: what the formula wants.
std::string_view unit_of(Role role) {
  switch (role) {
    case Role::velocity: return "m/s";
    case Role::flow: return "m3/h";
    case Role::temperature: return "°C";
    case Role::pressure:
    case Role::gauge_pressure:
    case Role::barometric: return "Pa";
    case Role::mass_concentration:
    case Role::density: return "kg/m3";
    default: return "1";
  }
}

bool counts(const StoredReading& reading) {
  return pipeline::countable(reading.quality) && std::isfinite(reading.value);
}

constexpr std::uint64_t kAll = UINT64_MAX;

// The newest one that may be counted, not after `at`, of those in front of that place in the journal; nullptr: none.
const StoredReading* newest_at(const ReadingsOfPoint& readings, Instant at, std::uint64_t before = kAll) {
  const StoredReading* newest = nullptr;
  for (const StoredReading& reading : readings.all) {
    if (reading.at <= at && reading.sequence < before && counts(reading)) newest = &reading;
  }
  return newest;
}

class Apart {
 public:
  Apart(const model::Site& site, const model::Derived& derived, Instant at,
        const std::map<std::string, ReadingsOfPoint>& readings, const OriginOf& origin)
      : site_(site),
        derived_(derived),
        number_(static_cast<std::size_t>(&derived - site.derived.data())),
        deriver_(site),
        at_(at),
        readings_(readings),
        origin_(origin) {}

  std::shared_ptr<const DerivedUsed> run() {
    const Point& result = point(derived_.result);
    auto out = std::make_shared<DerivedUsed>();
    out->formula = name_of(derived_.formula);
    out->text = text_of(derived_);
    out->at = at_;
    out->unit = result.unit.symbol;
    const ReadingsOfPoint* known = readings_of(result);
    const StoredReading* now = known ? newest_at(*known, at_) : nullptr;
    if (now) out->result = now->value;
    if (now && now->sequence != 0) heard_before_ = now->sequence;
    const StoredReading* before = now ? newest_at(*known, now->at - Duration(1)) : nullptr;
    before_ = before ? std::optional(before->at) : now ? begun() : std::nullopt;
    if (now && before && result.kind == Kind::cumulative) out->moved = now->value - before->value;
    for (std::size_t i = 0; i < derived_.inputs.size(); ++i) out->inputs.push_back(use(i));
    figure(*out, result);
    return out;
  }

 private:
  const Point& point(PointId id) const { return site_.points.at(index(id)); }
  const ReadingsOfPoint* readings_of(const Point& point) const {
    const auto found = readings_.find(point.full_name());
    return found == readings_.end() ? nullptr : &found->second;
  }

  bool was_counted(const StoredReading& reading) const { return reading.sequence < heard_before_ && counts(reading); }

  InputUsed use(std::size_t number) {
    const model::DerivedInput& input = derived_.inputs[number];
    InputUsed used;
    used.role = name_of(input.role);
    used.weight = input.weight;
    if (!input.point) {
      used.value = input.constant;
      used.unit = unit_of(input.role);
      return used;
    }
    const Point& source = point(*input.point);
    used.unit = source.unit.symbol;
    auto where = std::make_shared<PointUsed>();
    where->device = source.device;
    where->point = source.name;
    where->unit = source.unit.symbol;
    where->kind = source.kind;
    const ReadingsOfPoint* known = readings_of(source);
    const StoredReading* now = known ? newest_at(*known, at_, heard_before_) : nullptr;
    if (!now) {
      where->missing = "no reading of it up to that time is in the store";
      used.value = std::nan("");
      used.point = std::move(where);
      return used;
    }
    used.value = now->value;
    used.at = now->at;
    where->unit = known->unit;
    const StoredReading* before =
        before_ && source.kind == Kind::cumulative ? newest_at(*known, *before_, heard_before_) : nullptr;
    const auto moved = before ? moved_since_before(number, source, *known) : std::nullopt;
    if (moved) used.moved = moved->amount;
    if (source.kind == Kind::interval) used.moved = sum_since_before(*known);
    if (before && before != now) where->readings.push_back(reading_of(source, *before, ReadingUsed::Place::before));
    where->readings.push_back(reading_of(source, *now, ReadingUsed::Place::within));
    where->readings_within = 1;
    if (before) where->notes = notes_on(source, before->at, now->at);
    if (moved && moved->quality.rule != model::Rule::none) {
      where->notes.push_back("counted as " + std::string(to_string(moved->quality.rule)) + ": " +
                             std::string(words_of(moved->quality.rule).sentence));
    }
    if (const model::Derived* maker = maker_of(site_, source.id)) {
      where->derived = take_apart(site_, *maker, now->at, readings_, origin_);
    } else {
      where->origin = origin_(source.id, now->value);
    }
    used.point = std::move(where);
    return used;
  }

  // A sum of counters begins when the last of them is read for the first time.
  std::optional<Instant> begun() const {
    std::optional<Instant> begun;
    for (const model::DerivedInput& input : model::followed(derived_)) {
      const ReadingsOfPoint* known = readings_of(point(*input.point));
      if (!known || point(*input.point).kind != Kind::cumulative) continue;
      const auto first = std::ranges::find_if(known->all, counts);
      if (first != known->all.end()) begun = std::max(begun, std::optional(first->at));
    }
    return begun;
  }

  // Of amounts.
  double sum_since_before(const ReadingsOfPoint& known) const {
    double sum = 0;
    for (const StoredReading& reading : known.all) {
      if (reading.at <= at_ && (!before_ || reading.at > *before_) && was_counted(reading)) sum += reading.value;
    }
    return sum;
  }

  std::optional<pipeline::Deriver::Moved> moved_since_before(std::size_t number, const Point& source,
                                                             const ReadingsOfPoint& known) const {
    std::vector<pipeline::Deriver::Heard> heard;
    for (const StoredReading& reading : known.all) {
      if (reading.at > at_ || !was_counted(reading)) continue;
      heard.push_back({{.point = source.id,
                        .hj212_flag = model::flag_said(reading.quality),
                        .at = reading.at,
                        .value = reading.value},
                       reading.quality});
    }
    return deriver_.moved(number_, number, heard, *before_);
  }

  ReadingUsed reading_of(const Point& source, const StoredReading& stored, ReadingUsed::Place place) const {
    ReadingUsed reading;
    reading.at = stored.at;
    reading.value = stored.value;
    reading.quality = stored.as_heard.value_or(stored.quality);
    reading.place = place;
    if (const auto origin = origin_(source.id, stored.value)) {
      reading.bytes = origin->bytes;
      reading.bytes_missing = origin->bytes_missing;
    }
    return reading;
  }

  // The states that the deriver would have seen.
  std::vector<model::PointState> states() const {
    std::vector<model::PointState> states(site_.points.size());
    for (const auto& [name, readings] : readings_) {
      const auto found = std::ranges::find(site_.points, name, &Point::full_name);
      if (found == site_.points.end()) continue;
      model::PointState& state = states[index(found->id)];
      for (const StoredReading& reading : readings.all) {
        if (reading.at > at_ || reading.sequence >= heard_before_) continue;
        if (counts(reading)) {
          state.last_at = reading.at;
          state.last_value = reading.value;
          state.last_quality = reading.quality;
          state.withdrawn_at.reset();
        } else if (pipeline::withdraws(reading.quality)) {
          state.withdrawn_at = reading.at;
        }
      }
    }
    return states;
  }

  void figure(DerivedUsed& out, const Point& result) const {
    const auto derivation = deriver_.explain(number_, at_, states());
    if (!derivation) {
      out.missing = "an input was missing, rejected or older than its max_age: there is no result then";
      return;
    }
    for (const pipeline::Figure& f : derivation->figures) {
      out.figures.push_back({std::string(f.name), f.value, std::string(f.unit)});
    }
    if (!derivation->value) {
      out.missing = "the inputs lie outside of what the formula is valid for";
      return;
    }
    out.computed = computed(out, result, *derivation->value);
  }

  // In the result's unit; of a counter what it should have moved.
  std::optional<double> computed(const DerivedUsed& out, const Point& result, double value) const {
    if (derived_.formula == Formula::cems_co2) return value;
    const bool counted = result.kind != Kind::instantaneous;
    double sum = 0;
    const auto followed = model::followed(derived_);
    for (std::size_t i = 0; i < followed.size(); ++i) {
      const InputUsed& input = out.inputs[i];
      const auto amount = counted ? input.moved : std::optional(input.value);
      if (!amount) return std::nullopt;
      sum += input.weight * to_base(*amount, point(*followed[i].point).unit);
    }
    if (derived_.formula != Formula::sum) sum *= value;
    if (derived_.formula != Formula::sum && !counted && result.unit.dimension == Dimension::power) sum /= 3'600;
    return from_base(sum, result.unit);
  }

  const model::Site& site_;
  const model::Derived& derived_;
  std::size_t number_;  // in the site
  pipeline::Deriver deriver_;
  Instant at_;
  const std::map<std::string, ReadingsOfPoint>& readings_;
  const OriginOf& origin_;
  std::optional<Instant> before_;      // the result before
  std::uint64_t heard_before_ = kAll;  // of a stored result: its place in the journal; what is behind it came later
};

}  // namespace

std::vector<std::string> notes_on(const Point& point, Instant begin, Instant end) {
  std::vector<std::string> notes;
  for (const TransformerRatio& ratio : point.history.ratios) {
    if (ratio.from >= end) continue;
    notes.push_back("ratio of the transformers: what the register moves counts " + std::to_string(ratio.numerator) +
                    (ratio.denominator == 1 ? "" : "/" + std::to_string(ratio.denominator)) + " times" +
                    (ratio.from == Instant::min() ? "" : ", from " + model::format_utc(ratio.from)));
  }
  for (const Replacement& exchange : point.history.replaced) {
    if (exchange.at <= begin || exchange.at > end) continue;
    notes.push_back("the meter was exchanged at " + model::format_utc(exchange.at));
  }
  return notes;
}

const model::Derived* maker_of(const model::Site& site, PointId point) {
  const auto found = std::ranges::find(site.derived, point, &model::Derived::result);
  return found == site.derived.end() ? nullptr : &*found;
}

std::set<std::string> points_behind(const model::Site& site, PointId point) {
  std::set<std::string> names;
  for (const PointId id : model::computed_from(site, point)) names.insert(site.points.at(index(id)).full_name());
  return names;
}

pipeline::EnergyMeter::Amounts amounts_of(const model::Site& site, PointId point) {
  using Amounts = pipeline::EnergyMeter::Amounts;
  if (maker_of(site, point) == nullptr) return Amounts::on_their_own;
  return pipeline::Deriver(site).has_no_gaps(point) ? Amounts::without_gaps : Amounts::on_their_own;
}

std::shared_ptr<const DerivedUsed> take_apart(const model::Site& site, const model::Derived& derived, Instant at,
                                              const std::map<std::string, ReadingsOfPoint>& readings,
                                              const OriginOf& origin) {
  return Apart(site, derived, at, readings, origin).run();
}

}  // namespace carbongate::explain

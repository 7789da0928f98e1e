#include "gateway/app/derived_section.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "config/reader/text.h"
#include "drivers/point_limits.h"
#include "gateway/app/derived_inputs.h"
#include "gateway/app/names.h"

namespace carbongate::app {
namespace {

using namespace std::chrono_literals;
using config::printable;
using config::suggestion;
using model::Derived;
using model::DerivedInput;
using model::Formula;
using model::Role;

struct Type {
  std::string_view name;
  Formula formula;
  std::string_view result;  // name of the result's point
};
constexpr Type kTypes[] = {{"cems-co2", Formula::cems_co2, "co2"},
                           {"gas-at-reference", Formula::gas_at_reference, "volume"},
                           {"steam-heat", Formula::steam_heat, "heat"},
                           {"hot-water-heat", Formula::hot_water_heat, "heat"},
                           {"mass-from-volume", Formula::mass_from_volume, "mass"},
                           {"sum", Formula::sum, "value"}};

bool is_amount(Dimension dimension) {
  return dimension == Dimension::energy || dimension == Dimension::volume || dimension == Dimension::normal_volume ||
         dimension == Dimension::mass || dimension == Dimension::pieces;
}

std::string describe(const Point& point) {
  return "'" + point.full_name() + "' (" + std::string(point.unit.symbol) + ")";
}

// Derived points computed one from the other: reading them goes as deep as they do.
constexpr std::size_t kStepsMax = 100;

constexpr Duration kWait = 5s;  // for inputs that come in messages of their own

class DerivedSection {
 public:
  DerivedSection(config::Reader& root, model::Site& site, std::set<std::string>& doubtful)
      : root_(root), site_(site), doubtful_(doubtful) {}

  void read() {
    for (const Point& point : site_.points) {
      points_.emplace(point.full_name(), point.id);
      devices_.insert(point.device);
    }
    for (const config::Node& node : root_.items("derived")) announce(node);
    for (std::size_t i = 0; i < entries_.size(); ++i) resolve(i);
  }

 private:
  enum class Progress { waiting, reading, done };
  struct Entry {
    const config::Node* node;
    std::string id;
    const Type* type;
    std::string result;  // full name
    Progress progress = Progress::waiting;
  };

  // The names of all results first: one may stand before what it is computed from.
  void announce(const config::Node& node) {
    config::Reader in(node, root_.problems());
    Entry entry{.node = &node, .id = read_id(in, "id"), .type = nullptr, .result = {}};
    const std::string type = in.required<std::string>("type");
    std::vector<std::string> known;
    for (const Type& candidate : kTypes) {
      known.emplace_back(candidate.name);
      if (candidate.name == type) entry.type = &candidate;
    }
    if (!entry.type) {
      if (!type.empty()) in.error("type", "unknown type '" + printable(type) + "'" + suggestion(type, known));
      doubtful_.insert(entry.id);
      return;
    }
    entry.result = entry.id + "." + std::string(entry.type->result);
    if (entry.id.empty()) return;
    if (points_.contains(entry.result) || by_result_.contains(entry.result)) {
      in.error("id", "the point '" + entry.result + "' is there already");
      return;
    }
    by_result_.emplace(entry.result, entries_.size());
    entries_.push_back(std::move(entry));
  }

  void resolve(std::size_t number) {
    if (entries_[number].progress != Progress::waiting) return;
    entries_[number].progress = Progress::reading;
    path_.push_back(number);
    read_entry(entries_[number]);
    path_.pop_back();
    entries_[number].progress = Progress::done;
  }

  void read_entry(const Entry& entry) {
    const std::size_t errors_before = root_.problems().times_reported();
    config::Reader in(*entry.node, root_.problems());
    in.child("id");
    in.child("type");
    incomplete_.push_back(false);
    Derived derived;
    derived.formula = entry.type->formula;
    derived.max_age = in.in_range<Duration>("max_age", derived.max_age, 1s, 24h);
    if (derived.formula != Formula::sum) derived.wait = in.in_range<Duration>("wait", kWait, 0ms, 1min);
    switch (derived.formula) {
      case Formula::cems_co2: read_stack(in, derived); break;
      case Formula::gas_at_reference:
        first(in, derived, "volume", Role::volume);
        other(in, derived, "temperature", Role::temperature);
        read_absolute_pressure(in, derived);
        derived.compressibility = in.in_range<double>("compressibility", 1, 0.1, 3);
        break;
      case Formula::steam_heat:
        first(in, derived, "mass", Role::mass);
        read_absolute_pressure(in, derived);
        if (in.has("temperature")) other(in, derived, "temperature", Role::temperature);
        if (in.has("temperature") && in.has("dryness")) {
          in.error("dryness", "only saturated steam has one: its temperature is that of its pressure, leave it out");
        }
        if (in.has("dryness")) other(in, derived, "dryness", Role::dryness);
        break;
      case Formula::hot_water_heat:
        first(in, derived, "mass", Role::mass);
        other(in, derived, "temperature", Role::temperature);
        break;
      case Formula::mass_from_volume:
        first(in, derived, "volume", Role::volume);
        other(in, derived, "density", Role::density);
        break;
      case Formula::sum: read_terms(in, derived); break;
    }
    Point result;
    result.device = entry.id;
    result.name = entry.type->result;
    result.computed = true;
    const bool typed = !derived.inputs.empty() && derived.inputs.front().point && set_unit(in, derived, result);
    if (typed) {
      inherit(derived, result);
      if (in.has("max_age")) {
        warn_of_slow_inputs(in, derived);
      } else {
        derived.max_age = std::max(derived.max_age, slowest_input(derived) * 3 / 2);
      }
      read_point_limits(in, result);
    } else {
      for (const char* key : {"unit", "min", "max", "power_max", "flow_max", "stale_after", "gap_max", "rollover_at"})
        in.child(key);
    }
    in.finish();
    const bool incomplete = incomplete_.back();
    incomplete_.pop_back();
    if (!typed || incomplete || root_.problems().times_reported() != errors_before) {
      doubtful_.insert(entry.id);
      if (!typed || incomplete) return;
    }
    result.id = static_cast<PointId>(site_.points.size());
    derived.result = result.id;
    std::size_t& steps = steps_[result.id];
    for (const DerivedInput& input : derived.inputs) {
      if (input.point) steps = std::max(steps, 1 + steps_to(*input.point));
    }
    points_.emplace(result.full_name(), result.id);
    site_.points.push_back(std::move(result));
    site_.derived.push_back(std::move(derived));
  }

  void read_stack(config::Reader& in, Derived& derived) {
    if (in.has("flow") == in.has("velocity")) {
      in.error(in.has("flow") ? "velocity" : "flow",
               in.has("flow") ? "give the flow or the velocity of the gas, not both"
                              : "missing: the flow of the gas, or its velocity and the area of the stack");
      incomplete_.back() = true;
      for (const char* key : {"flow", "velocity", "area"}) in.child(key);
    } else if (in.has("flow")) {
      first(in, derived, "flow", Role::flow);
    } else {
      first(in, derived, "velocity", Role::velocity);
      if (const auto area = in.optional<std::string>("area")) {
        const auto metres = read_constant(in, "area", *area, {Dimension::area, "12 m2"}, Role::term);
        if (metres && metres->value <= 0) in.error("area", "must be more than 0");
        if (metres) derived.area_m2 = metres->value;
      } else {
        in.missing("area", "missing: the inner cross-section of the stack, such as 12 m2");
        incomplete_.back() = true;
      }
    }
    other(in, derived, "concentration", Role::concentration);
    other(in, derived, "temperature", Role::temperature);
    other(in, derived, "static_pressure", Role::gauge_pressure);
    other(in, derived, "barometric", Role::barometric);
    if (in.has("basis")) {
      derived.basis = static_cast<model::GasBasis>(in.one_of("basis", {"dry", "wet"}, 0));
    } else {
      in.missing("basis",
                 "missing; write 'dry' if the analyser takes the water out first, 'wet' if it measures the gas as it "
                 "is: the two differ by the moisture");
      incomplete_.back() = true;
    }
    if (derived.basis == model::GasBasis::dry) {
      other(in, derived, "moisture", Role::moisture);
    } else if (in.child("moisture")) {
      in.error("moisture", "only a dry concentration needs it: a wet one goes with the wet flow");
    }
    const bool by_mass =
        std::ranges::find(derived.inputs, Role::mass_concentration, &DerivedInput::role) != derived.inputs.end();
    if (by_mass && in.has("molar")) {
      in.error("molar", "only a share of the volume needs it: the concentration is a mass already");
    }
    const bool exact = in.one_of("molar", {"hj212", "exact"}, 0) == 1;
    derived.molar_mass = exact ? model::kMolarMassExact : model::kMolarMassHj212;
  }

  void read_absolute_pressure(config::Reader& in, Derived& derived) {
    if (in.has("pressure") == in.has("gauge_pressure")) {
      in.error(in.has("pressure") ? "gauge_pressure" : "pressure",
               in.has("pressure") ? "give the absolute pressure or the gauge pressure, not both"
                                  : "missing: the absolute pressure, or gauge_pressure and barometric");
      incomplete_.back() = true;
      for (const char* key : {"pressure", "gauge_pressure", "barometric"}) in.child(key);
    } else if (in.has("pressure")) {
      other(in, derived, "pressure", Role::pressure);
      if (in.child("barometric")) in.error("barometric", "an absolute pressure has it in it");
    } else {
      other(in, derived, "gauge_pressure", Role::gauge_pressure);
      other(in, derived, "barometric", Role::barometric);
    }
  }

  void read_terms(config::Reader& in, Derived& derived) {
    const auto& items = in.required_items("terms");
    if (in.has("terms") && in.child("terms")->is_sequence() && items.empty()) in.error("terms", "an empty list");
    std::set<std::string> seen;
    for (const config::Node& item : items) {
      config::Reader term(item, root_.problems());
      const auto name = term.required<std::string>("from");
      DerivedInput input{.role = Role::term, .point = {}, .constant = 0, .weight = term.value_or("weight", 1.0)};
      if (!(std::abs(input.weight) > 0 && std::abs(input.weight) <= 1e6)) {
        term.error("weight", "must be a number other than 0, at most 1000000");
      }
      if (!seen.insert(name).second && !name.empty()) {
        term.error("from", "'" + printable(name) + "' is a term already; give it a weight instead");
      }
      input.point = name.empty() ? std::nullopt : find_point(term, "from", name);
      if (input.point) check_term(term, derived, point_of(*input.point));
      term.finish();
      if (!input.point) incomplete_.back() = true;
      derived.inputs.push_back(input);
    }
  }

  // Terms are of one dimension, and all of them amounts or all of them states.
  void check_term(config::Reader& term, const Derived& derived, const Point& point) {
    const bool amount = point.kind != Kind::instantaneous;
    if (amount && !is_amount(point.unit.dimension)) {
      term.error("from", describe(point) + " is no amount of energy, volume, mass or pieces");
      incomplete_.back() = true;
    }
    if (derived.inputs.empty() || !derived.inputs.front().point) return;
    const Point& first = point_of(*derived.inputs.front().point);
    if (first.unit.dimension != point.unit.dimension) {
      term.error("from", describe(point) + " measures " + std::string(to_string(point.unit.dimension)) +
                             ", the first " + "term " + describe(first) + " " +
                             std::string(to_string(first.unit.dimension)));
      incomplete_.back() = true;
    } else if ((first.kind != Kind::instantaneous) != amount) {
      term.error("from", describe(point) + " and the first term " + describe(first) +
                             " cannot be added: one is an amount, the other a state");
      incomplete_.back() = true;
    }
  }

  // What the result follows: a point, of an amount or a flow.
  void first(config::Reader& in, Derived& derived, std::string_view key, Role role) {
    DerivedInput input{.role = role, .point = {}, .constant = 0, .weight = 1};
    const auto name = in.required<std::string>(key);
    input.point = name.empty() ? std::nullopt : find_point(in, key, name);
    if (input.point && !is_doubtful(point_of(*input.point))) {
      if (const std::string why = explain_first(point_of(*input.point), derived.formula, role); !why.empty()) {
        in.error(key, describe(point_of(*input.point)) + " " + why);
        input.point.reset();
      }
    }
    if (!input.point) incomplete_.back() = true;
    derived.inputs.push_back(input);
  }

  // A further input: a state, or a constant with its unit.
  void other(config::Reader& in, Derived& derived, std::string_view key, Role role) {
    DerivedInput input{.role = role, .point = {}, .constant = 0, .weight = 1};
    const auto text = in.required<std::string>(key);
    Measure wanted = measure_of(role);
    if (role == Role::density && of_normal_volume(derived)) wanted = {Dimension::normal_density, "0.717 kg/Nm3"};
    bool good = false;
    if (text.empty()) {
      // Said already.
    } else if (const char c = text.front(); (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.') {
      if (points_.contains(text) || by_result_.contains(text)) {
        good = use_point(in, key, text, wanted, input);
      } else if (const auto constant = read_constant(in, key, text, wanted, role)) {
        input.constant = constant->value;
        input.role = constant->role;
        good = true;
        check_constant(in, key, input.role, input.constant);
      }
    } else {
      good = use_point(in, key, text, wanted, input);
    }
    if (!good) incomplete_.back() = true;
    derived.inputs.push_back(input);
  }

  bool use_point(config::Reader& in, std::string_view key, const std::string& name, const Measure& wanted,
                 DerivedInput& input) {
    input.point = find_point(in, key, name);
    if (!input.point) return false;
    const Point& point = point_of(*input.point);
    if (is_doubtful(point)) return true;
    const Role given = role_by(input.role, point.unit.dimension);
    if (point.unit.dimension != wanted.dimension && given == input.role) {
      in.error(key, describe(point) + " measures " + std::string(to_string(point.unit.dimension)) + ", and " +
                        needed(input.role, wanted) + " is needed");
      return false;
    }
    input.role = given;
    if (point.kind != Kind::instantaneous) {
      in.error(key, describe(point) + " is no state; its kind must be instantaneous");
      return false;
    }
    return true;
  }

  bool of_normal_volume(const Derived& derived) const {
    if (derived.inputs.empty() || !derived.inputs.front().point) return false;
    const Dimension dimension = point_of(*derived.inputs.front().point).unit.dimension;
    return dimension == Dimension::normal_volume || dimension == Dimension::normal_volume_flow;
  }

  std::optional<PointId> find_point(config::Reader& in, std::string_view key, const std::string& name) {
    if (const auto found = by_result_.find(name); found != by_result_.end()) {
      if (entries_[found->second].progress == Progress::reading) {
        in.error(key, "'" + name + "' goes in a circle: " + circle(found->second));
        return std::nullopt;
      }
      if (path_.size() >= kStepsMax && entries_[found->second].progress == Progress::waiting) {
        refuse_steps(in, key, name);
        return std::nullopt;
      }
      resolve(found->second);
      if (!points_.contains(name)) return std::nullopt;  // it has problems of its own
    }
    if (const auto found = points_.find(name); found != points_.end()) {
      if (steps_to(found->second) < kStepsMax) return found->second;
      refuse_steps(in, key, name);
      return std::nullopt;
    }
    const std::string device = name.substr(0, name.find('.'));
    if (doubtful_.contains(device)) return std::nullopt;
    const bool device_is_known = devices_.contains(device);
    if (!device_is_known && !root_.node().is_complete()) return std::nullopt;
    std::vector<std::string> candidates;
    for (const auto& [full_name, id] : points_) {
      if (!device_is_known || point_of(id).device == device) candidates.push_back(full_name);
    }
    for (const auto& [full_name, number] : by_result_) {
      if (!points_.contains(full_name)) candidates.push_back(full_name);
    }
    in.error(key, "unknown point '" + printable(name) + "'" + suggestion(name, candidates));
    return std::nullopt;
  }

  // How many derived points lie between an instrument and this point, itself included.
  std::size_t steps_to(PointId point) const {
    const auto found = steps_.find(point);
    return found == steps_.end() ? 0 : found->second;
  }

  // Once: in a long chain there are many such places.
  void refuse_steps(config::Reader& in, std::string_view key, const std::string& name) {
    if (std::exchange(steps_refused_, true)) return;
    in.error(key, "more than " + std::to_string(kStepsMax) +
                      " derived points would be computed one from the other here; name what '" + name +
                      "' is computed from instead of it");
  }

  // "a.value <- b.value <- a.value": what is computed from what.
  std::string circle(std::size_t from) const {
    std::string text;
    for (auto at = std::ranges::find(path_, from); at != path_.end(); ++at) text += entries_[*at].result + " <- ";
    return text + entries_[from].result;
  }

  bool set_unit(config::Reader& in, const Derived& derived, Point& result) const {
    const Point& source = point_of(*derived.inputs.front().point);
    const bool rate = source.kind == Kind::instantaneous;
    std::string_view unit;
    result.kind = source.kind;
    switch (derived.formula) {
      case Formula::cems_co2: unit = "kg/h"; break;
      case Formula::gas_at_reference: unit = rate ? "Nm3/h" : "Nm3"; break;
      case Formula::steam_heat:
      case Formula::hot_water_heat: unit = rate ? "kW" : "GJ"; break;
      case Formula::mass_from_volume: unit = rate ? "kg/h" : "kg"; break;
      case Formula::sum: {
        if (!rate) result.kind = Kind::interval;
        const auto symbol = in.value_or("unit", std::string(source.unit.symbol));
        const auto found = find_unit(symbol);
        if (!found || found->dimension != source.unit.dimension) {
          in.error("unit", "'" + printable(symbol) + "' is no unit of " +
                               std::string(to_string(source.unit.dimension)) + ", which the terms measure");
          return false;
        }
        result.unit = *found;
        return true;
      }
    }
    result.unit = *find_unit(unit);
    return true;
  }

  // A result comes as often as its first input, or the slowest term of a sum.
  void inherit(const Derived& derived, Point& result) const {
    PointLimits& limits = result.limits;
    const auto take = [&](const PointLimits& source) {
      limits.interval = std::max(limits.interval, source.interval);
      limits.stale_after = std::max(limits.stale_after, source.stale_after);
      limits.gap_max = std::max(limits.gap_max, source.gap_max);
    };
    for (const DerivedInput& input : derived.inputs) {
      if (input.point) take(point_of(*input.point).limits);
      if (derived.formula != Formula::sum) break;
    }
    // A difference may well be negative.
    if (derived.formula == Formula::sum) limits.min = std::numeric_limits<double>::lowest();
  }

  // All but the one that a result follows.
  static std::span<const DerivedInput> others(const Derived& derived) {
    return std::span(derived.inputs).subspan(derived.formula == Formula::sum ? 0 : 1);
  }

  Duration slowest_input(const Derived& derived) const {
    Duration slowest{};
    for (const DerivedInput& input : others(derived)) {
      if (input.point) slowest = std::max(slowest, point_of(*input.point).limits.interval);
    }
    return slowest;
  }

  // No clock is so true that one that is read as often as that is never older.
  void warn_of_slow_inputs(config::Reader& in, const Derived& derived) const {
    for (const DerivedInput& input : others(derived)) {
      if (!input.point) continue;
      const Point& point = point_of(*input.point);
      if (point.limits.interval < derived.max_age) continue;
      in.warning("max_age", "'" + point.full_name() + "' is read every " +
                                config::format_duration(point.limits.interval) + ", and is stale after " +
                                config::format_duration(derived.max_age));
    }
  }

  bool is_doubtful(const Point& point) const { return point.unit == Unit{} && doubtful_.contains(point.device); }
  const Point& point_of(PointId id) const { return site_.points[index(id)]; }

  config::Reader& root_;
  model::Site& site_;
  std::set<std::string>& doubtful_;
  std::map<std::string, PointId> points_;
  std::set<std::string> devices_;
  std::vector<Entry> entries_;
  std::map<std::string, std::size_t> by_result_;
  std::vector<std::size_t> path_;  // of entries that are being read, each for the one before it
  std::vector<bool> incomplete_;   // of them: whether an input is missing
  std::map<PointId, std::size_t> steps_;
  bool steps_refused_ = false;
};

}  // namespace

void read_derived(config::Reader& root, model::Site& site, std::set<std::string>& doubtful_devices) {
  DerivedSection(root, site, doubtful_devices).read();
}

}  // namespace carbongate::app

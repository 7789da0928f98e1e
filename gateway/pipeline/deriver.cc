#include "gateway/pipeline/deriver.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <ranges>
#include <stdexcept>
#include <utility>

#include "gateway/pipeline/quality.h"
#include "gateway/pipeline/remainder.h"
#include "gateway/pipeline/said.h"

namespace carbongate::pipeline {
namespace {

using model::Activity;
using model::DerivedInput;
using model::Formula;
using model::Origin;
using model::PointState;
using model::Quality;
using model::Role;
using model::Rule;

constexpr double kSecondsPerHour = 3'600;
constexpr double kMillilitresPerCubicMetre = 1e6;
// What no input moves and no result holds: 4e12 m3. Such an amount is left out, so that what comes after it counts.
constexpr double kQuantaMax = 4e18;

double to_role(Role role, double value, const Unit& unit) {
  const double base = to_base(value, unit);
  return role == Role::flow ? base / kMillilitresPerCubicMetre : base;
}

void add(Activity amount, model::DerivedInputState& input, Quality& held) {
  std::int64_t sum = 0;
  if (__builtin_add_overflow(input.since.quanta(), amount.quanta(), &sum) ||
      !(std::fabs(static_cast<double>(sum)) < kQuantaMax)) {
    held = worse(held, {Origin::estimated, Rule::out_of_validity});
    return;
  }
  input.since = Activity::of(sum);
}

// A remark beside a measured value is about that value alone.
Quality without_remark(Quality quality) {
  return quality.origin == Origin::measured ? Quality{} : quality;
}

[[noreturn]] void refuse(const std::string& name, const std::string& why) {
  throw std::invalid_argument("derived point " + name + ": " + why);
}

bool is_sum(const model::Derived& derived) {
  return derived.formula == Formula::sum;
}

bool holds(const std::vector<std::uint32_t>& inputs, std::size_t input) {
  return std::ranges::find(inputs, input) != inputs.end();
}

}  // namespace

struct Deriver::Inputs {
  std::array<std::optional<double>, static_cast<std::size_t>(Role::dryness) + 1> values{};
  Quality quality;             // the worst of them
  Rule unusable = Rule::none;  // why there is no result
  bool of_later = false;       // as in Derived

  std::optional<double>& of(Role role) { return values[static_cast<std::size_t>(role)]; }
  std::optional<double> of(Role role) const { return values[static_cast<std::size_t>(role)]; }
  double at(Role role) const { return of(role).value_or(std::numeric_limits<double>::quiet_NaN()); }

  // Absolute, however it is measured; NaN, which no formula accepts, if it is not.
  double absolute_pa() const { return of(Role::pressure).value_or(at(Role::gauge_pressure) + at(Role::barometric)); }
};

Deriver::Deriver(const model::Site& site)
    : site_(site),
      made_by_(site.points.size()),
      feeds_(site.points.size()),
      taken_by_(site.points.size()),
      made_of_(site.points.size()),
      following_(site.points.size()) {
  for (const model::Derived& derived : site.derived) {
    const auto number = static_cast<std::uint32_t>(rules_.size());
    rules_.push_back(make_rules(derived));
    made_by_[index(derived.result)] = number;
    for (std::uint32_t i = 0; i < rules_.back().followed.size(); ++i) {
      feeds_[index(*derived.inputs[i].point)].push_back({number, i});
    }
    for (const PointId taken : rules_.back().taken) taken_by_[index(taken)].push_back(number);
  }
  rank_results();
  find_results();
}

Deriver::Rules Deriver::make_rules(const model::Derived& derived) const {
  if (index(derived.result) >= site_.points.size()) refuse("?", "it is no point of the site");
  Rules rules{.config = &derived, .result = &site_.points[index(derived.result)], .rounds = Rounds(derived.max_age)};
  const std::string name = rules.result->full_name();
  const std::size_t followed = is_sum(derived) ? derived.inputs.size() : 1;
  if (derived.inputs.size() < followed || followed == 0) refuse(name, "it has no input");
  for (std::size_t i = 0; i < derived.inputs.size(); ++i) {
    const DerivedInput& input = derived.inputs[i];
    if (input.point && index(*input.point) >= site_.points.size()) refuse(name, "one of its inputs does not exist");
    if (i >= followed) {
      if (input.point && input.point != derived.inputs.front().point) rules.taken.push_back(*input.point);
      continue;
    }
    if (!input.point) refuse(name, "what it follows is a constant");
    const Point& point = site_.points[index(*input.point)];
    Followed follow{.name = point.full_name(), .meter = {}, .scale = {}};
    if (point.kind != Kind::instantaneous) {
      const auto carrier = counted_as(is_sum(derived) ? rules.result->unit : point.unit);
      if (!carrier) refuse(name, "it cannot count " + std::string(to_string(point.unit.dimension)));
      if (point.kind == Kind::cumulative) follow.meter = EnergyMeter::make(point, *carrier);
      follow.scale = model::ActivityScale::between(point.unit, *carrier);
      follow.quanta_per_unit = quanta_per_unit(carrier->quantum, point.unit);
      if (!follow.scale || (point.kind == Kind::cumulative && !follow.meter)) refuse(name, "its units do not fit");
    }
    const bool counted = follow.scale.has_value();
    if (counted != (rules.result->kind != Kind::instantaneous)) refuse(name, "it mixes amounts and rates");
    rules.followed.push_back(std::move(follow));
  }
  if (rules.result->kind != Kind::instantaneous) {
    const auto carrier = counted_as(rules.result->unit);
    if (!carrier) refuse(name, "its unit is none of an amount");
    rules.quanta_per_unit = quanta_per_unit(carrier->quantum, rules.result->unit);
  }
  return rules;
}

void Deriver::rank_results() {
  // Peels off what depends on nothing that is left; what cannot be peeled off goes round.
  std::vector<bool> done(rules_.size(), false);
  const auto ready = [&](const model::Derived& derived) {
    for (const DerivedInput& input : derived.inputs) {
      if (!input.point) continue;
      if (const auto maker = made_by_[index(*input.point)]; maker && !done[*maker]) return false;
    }
    return true;
  };
  ranks_.resize(rules_.size());
  std::size_t next = 0;
  for (bool moved = true; moved;) {
    moved = false;
    for (std::size_t i = 0; i < rules_.size(); ++i) {
      if (done[i] || !ready(*rules_[i].config)) continue;
      ranks_[i] = next++;
      done[i] = true;
      moved = true;
    }
  }
  for (std::size_t i = 0; i < rules_.size(); ++i) {
    if (!done[i]) refuse(rules_[i].result->full_name(), "it is computed from itself");
  }
}

// The results of a result are found before it is.
void Deriver::find_results() {
  std::vector<std::size_t> by_rank(rules_.size());
  for (std::size_t i = 0; i < rules_.size(); ++i) by_rank[ranks_[i]] = i;
  for (const std::size_t i : by_rank | std::views::reverse) {
    const model::Derived& derived = *rules_[i].config;
    const auto add_to = [&](std::vector<std::vector<PointId>>& of, PointId input) {
      std::vector<PointId>& results = of[index(input)];
      results.push_back(derived.result);
      const std::vector<PointId>& further = of[index(derived.result)];
      results.insert(results.end(), further.begin(), further.end());
      std::ranges::sort(results);
      results.erase(std::ranges::unique(results).begin(), results.end());
    };
    for (std::size_t n = 0; n < derived.inputs.size(); ++n) {
      if (!derived.inputs[n].point) continue;
      add_to(made_of_, *derived.inputs[n].point);
      if (n < rules_[i].followed.size()) add_to(following_, *derived.inputs[n].point);
    }
  }
}

bool Deriver::has_no_gaps(PointId result) const {
  const auto rules = std::ranges::find(rules_, result, [](const Rules& r) { return r.config->result; });
  return rules != rules_.end() && is_sum(*rules->config) &&
         std::ranges::all_of(rules->followed, [](const Followed& term) { return term.meter.has_value(); });
}

void Deriver::attach(std::vector<PointState>& points) const {
  for (const Rules& rules : rules_) {
    model::DerivedState& state = points[index(rules.config->result)].derived;
    const auto before = std::exchange(state.inputs, {});
    for (const Followed& follow : rules.followed) {
      model::DerivedInputState input;
      input.point = follow.name;
      for (const model::DerivedInputState& known : before) {
        if (known.point == follow.name) input = known;
      }
      state.inputs.push_back(std::move(input));
    }
    // What waits is the newest reading of what is followed; unless that is another point now, or in another unit.
    if (is_sum(*rules.config) || !state.waiting) continue;
    const PointState& followed = points[index(*rules.config->inputs.front().point)];
    const bool is_same = !before.empty() && before.front().point == rules.followed.front().name;
    if (!is_same || followed.last_at != state.waiting->at) state.waiting.reset();
  }
}

bool Deriver::is_made_of(PointId result, PointId point) const {
  return result == point || std::ranges::binary_search(made_of_[index(point)], result);
}

bool Deriver::takes_results(std::uint32_t derived) const {
  return std::ranges::any_of(rules_[derived].config->inputs, [this](const DerivedInput& input) {
    return input.point && made_by_[index(*input.point)];
  });
}

bool Deriver::follows(PointId result, PointId point) const {
  return std::ranges::binary_search(following_[index(point)], result);
}

std::optional<Deriver::Derived> Deriver::derive(Feed feed, const Reading& reading, Quality quality,
                                                std::vector<PointState>& points,
                                                std::vector<TakenBack>& withdrawn) const {
  const Rules& rules = rules_[feed.derived];
  model::DerivedState& state = points[index(rules.config->result)].derived;
  if (rules.followed[feed.input].scale && !count(rules, feed.input, reading, quality, state, withdrawn))
    return std::nullopt;
  state.inputs[feed.input].heard = true;
  return derive_single(rules, reading, quality, state, points);
}

void Deriver::hear(Feed feed, const Reading& reading, Quality quality, std::vector<PointState>& points, Round& round,
                   std::vector<TakenBack>& withdrawn) const {
  const Rules& rules = rules_[feed.derived];
  model::DerivedState& state = points[index(rules.config->result)].derived;
  const Followed& follow = rules.followed[feed.input];
  const bool first = follow.meter && !state.inputs[feed.input].counter.baseline;
  if (follow.scale && !count(rules, feed.input, reading, quality, state, withdrawn)) return;
  if (first) {
    round.joined = true;
    return;
  }
  state.inputs[feed.input].heard = true;
  round.inputs.push_back(feed.input);
}

std::optional<Deriver::Derived> Deriver::conclude(const Round& round, std::vector<PointState>& points) const {
  const Rules& rules = rules_[round.derived];
  model::DerivedState& state = points[index(rules.config->result)].derived;
  if (round.joined) join_sum(rules, state);
  if (round.inputs.empty()) return std::nullopt;
  return derive_sum(rules, round, state, points);
}

std::optional<Deriver::Derived> Deriver::missing(Feed feed, Instant at, std::vector<PointState>& points) const {
  const Rules& rules = rules_[feed.derived];
  if (is_sum(*rules.config)) {
    const Followed& follow = rules.followed[feed.input];
    model::DerivedState& state = points[index(rules.config->result)].derived;
    if (follow.scale && !follow.meter) state.held = worse(state.held, {Origin::estimated, Rule::input_missing});
    return std::nullopt;
  }
  return Derived{
      .reading = {.point = rules.config->result, .at = at, .value = std::numeric_limits<double>::quiet_NaN()},
      .quality = {Origin::missing, Rule::input_missing}};
}

// A counter of a sum was read for the first time. Before the first result the sum begins here, for what the others
// moved has no counterpart; later the next result lacks what this one moved before.
void Deriver::join_sum(const Rules& rules, model::DerivedState& state) const {
  if (state.begun) {
    state.held = worse(state.held, {Origin::estimated, Rule::input_missing});
    return;
  }
  for (std::uint32_t i = 0; i < rules.followed.size(); ++i) {
    if (!rules.followed[i].meter) continue;
    state.inputs[i].since = {};
    state.inputs[i].heard = false;
  }
  state.held = {};
}

// False: the reading decided nothing.
bool Deriver::count(const Rules& rules, std::uint32_t input, const Reading& reading, Quality quality,
                    model::DerivedState& state, std::vector<TakenBack>& withdrawn) const {
  const Followed& follow = rules.followed[input];
  model::DerivedInputState& counter = state.inputs[input];
  quality = without_remark(quality);
  if (!follow.meter) {
    const auto amount = (*follow.scale)(reading.value);
    if (!amount) return false;
    add(*amount, counter, state.held);
    state.held = worse(state.held, quality);
    return true;
  }
  const Counted counted = follow.meter->count_register(reading, counter.last_value, quality, counter.counter);
  if (countable(counted.quality)) counter.last_value = reading.value;
  for (const Withdrawn& wrong : counted.withdrawn) withdrawn.push_back({reading.point, wrong, reading.at});
  const bool decided = usable(counted.quality) && !counter.counter.pending;
  if (decided) state.held = worse(state.held, without_remark(counted.quality));
  for (const Movement& movement : counted) {
    add(movement.amount, counter, state.held);
    // A gap is one of the result too, and found there.
    if (movement.quality.rule != Rule::gap) state.held = worse(state.held, without_remark(movement.quality));
  }
  return decided;
}

std::optional<Deriver::Moved> Deriver::moved(std::size_t derived, std::size_t input, std::span<const Heard> readings,
                                             Instant after) const {
  const Rules& rules = rules_[derived];
  if (input >= rules.followed.size() || !rules.followed[input].meter) return std::nullopt;
  const Followed& follow = rules.followed[input];
  model::DerivedInputState counter;
  Activity sum;
  Moved out;
  for (const Heard& heard : readings) {
    const Counted counted =
        follow.meter->count_register(heard.reading, counter.last_value, without_remark(heard.quality), counter.counter);
    if (countable(counted.quality)) counter.last_value = heard.reading.value;
    if (heard.reading.at <= after) continue;
    if (!counted.movements.empty()) out.quality = worse(out.quality, counted.quality);
    for (const Movement& movement : counted) {
      sum += movement.amount;
      out.quality = worse(out.quality, movement.quality);
    }
  }
  out.amount = static_cast<double>(sum.quanta()) / follow.quanta_per_unit;
  return out;
}

// `first`: the reading of the first input. nullptr: that is taken as it stands too.
Deriver::Inputs Deriver::gather(const Rules& rules, Instant at, const std::vector<PointState>& points,
                                const model::EarlierInput* first) const {
  Inputs inputs;
  for (const DerivedInput& input : rules.config->inputs) {
    if (!input.point) {
      inputs.of(input.role) = input.constant;
      continue;
    }
    const bool is_first = first && &input == &rules.config->inputs.front();
    const model::EarlierInput said = is_first ? *first : said_until(points[index(*input.point)], at);
    if (said.heard_at > at + rules.config->wait) inputs.of_later = true;
    if (!said.last_at || said.withdrawn) {
      inputs.unusable = Rule::input_missing;
    } else if (std::chrono::abs(at - *said.last_at) > rules.config->max_age) {
      if (inputs.unusable == Rule::none) inputs.unusable = Rule::input_stale;
    } else {
      inputs.of(input.role) = to_role(input.role, said.last_value, site_.points[index(*input.point)].unit);
      inputs.quality = worse(inputs.quality, without_remark(said.last_quality));
    }
  }
  return inputs;
}

Derivation Deriver::evaluate(const Rules& rules, const Inputs& inputs) const {
  const model::Derived& config = *rules.config;
  switch (config.formula) {
    case Formula::cems_co2: {
      const auto by_mass = inputs.of(Role::mass_concentration);
      return stack_co2(
          {.concentration = by_mass ? *by_mass : inputs.at(Role::concentration),
           .by_mass = by_mass.has_value(),
           .basis = config.basis,
           .molar_mass = config.molar_mass,
           .flow_m3h = inputs.of(Role::flow).value_or(kSecondsPerHour * config.area_m2 * inputs.at(Role::velocity)),
           .celsius = inputs.at(Role::temperature),
           .static_pa = inputs.at(Role::gauge_pressure),
           .barometric_pa = inputs.at(Role::barometric),
           .moisture = inputs.at(Role::moisture)});
    }
    case Formula::gas_at_reference:
      return normal_per_metered(inputs.at(Role::temperature), inputs.absolute_pa(), config.compressibility);
    case Formula::steam_heat:
      return steam_heat(inputs.absolute_pa(), inputs.of(Role::temperature), inputs.of(Role::dryness).value_or(1));
    case Formula::hot_water_heat: return hot_water_heat(inputs.at(Role::temperature));
    case Formula::mass_from_volume: {
      const double density = inputs.at(Role::density);
      Derivation out{.value = {}, .figures = {{"density", density, "kg/m3"}}};
      if (density > 0) out.value = density;
      return out;
    }
    case Formula::sum: return {.value = 0, .figures = {}};
  }
  return {};
}

std::optional<Derivation> Deriver::explain(std::size_t derived, Instant at,
                                           const std::vector<PointState>& points) const {
  const Inputs inputs = gather(rules_.at(derived), at, points, nullptr);
  if (inputs.unusable != Rule::none) return std::nullopt;
  return evaluate(rules_[derived], inputs);
}

// For the next result: the first of a quarter hour closes the one before it, and leaves nothing.
double Deriver::left_over(const Rules& rules, const std::vector<PointState>& points, Instant at, double rest) {
  return carries_remainder(points[index(rules.config->result)].last_at, at) ? rest : 0;
}

std::optional<Deriver::Derived> Deriver::derive_single(const Rules& rules, const Reading& reading, Quality quality,
                                                       model::DerivedState& state,
                                                       const std::vector<PointState>& points) const {
  const Unit& unit = rules.result->unit;
  Derived out{
      .reading = {.point = rules.config->result, .at = reading.at, .value = std::numeric_limits<double>::quiet_NaN()},
      .quality = {}};
  const model::EarlierInput first{
      .heard_at = reading.at, .last_at = reading.at, .last_value = reading.value, .last_quality = quality};
  const Inputs inputs = gather(rules, reading.at, points, &first);
  out.of_later = inputs.of_later;
  Rule unusable = inputs.unusable;
  std::optional<double> factor;
  if (unusable == Rule::none) {
    factor = evaluate(rules, inputs).value;
    if (!factor || !std::isfinite(*factor)) unusable = Rule::out_of_validity;
  }
  const bool counted = rules.followed.front().scale.has_value();
  double exact = 0;
  if (unusable == Rule::none && counted) {
    exact = static_cast<double>(state.inputs.front().since.quanta()) * *factor + state.remainder;
    if (!(std::fabs(exact + static_cast<double>(state.total.quanta())) < kQuantaMax)) {
      unusable = Rule::out_of_validity;
      state.inputs.front().since = {};
    }
  }
  if (unusable != Rule::none) {
    if (counted) {
      state.held = worse(state.held, {Origin::estimated, unusable});
      state.remainder = 0;
    }
    out.quality = {Origin::missing, unusable};
    return out;
  }
  out.quality = inputs.quality;
  if (!counted) {
    double value = *factor;  // of a stack: all of it
    if (rules.config->formula != Formula::cems_co2) {
      const Unit& source = site_.points[index(reading.point)].unit;
      const double per_hour = to_base(reading.value, source) * *factor;
      value = from_base(unit.dimension == Dimension::power ? per_hour / kSecondsPerHour : per_hour, unit);
    }
    out.reading.value = value;
    return out;
  }
  const double whole = std::nearbyint(exact);
  const Activity amount = Activity::of(static_cast<std::int64_t>(whole));
  state.remainder = left_over(rules, points, reading.at, exact - whole);
  state.total += amount;
  state.inputs.front().since = {};
  out.quality = worse(out.quality, std::exchange(state.held, {}));
  const Activity shown = rules.result->kind == Kind::cumulative ? state.total : amount;
  out.reading.value = static_cast<double>(shown.quanta()) / rules.quanta_per_unit;
  return out;
}

std::optional<Deriver::Derived> Deriver::derive_sum(const Rules& rules, const Round& round, model::DerivedState& state,
                                                    const std::vector<PointState>& points) const {
  const std::vector<DerivedInput>& terms = rules.config->inputs;
  Instant at = round.at;
  for (const DerivedInput& term : terms) at = std::max(at, points[index(*term.point)].last_at.value_or(at));
  Derived out{.reading = {.point = rules.config->result, .at = at, .value = std::numeric_limits<double>::quiet_NaN()},
              .quality = {}};
  Rule unusable = Rule::none;
  bool complete = true;
  std::optional<std::size_t> first_alive;
  for (std::size_t i = 0; i < terms.size(); ++i) {
    const PointState& point = points[index(*terms[i].point)];
    if (!point.last_at || (point.withdrawn_at && !rules.followed[i].meter)) {
      unusable = Rule::input_missing;
    } else if (at - *point.last_at > rules.config->max_age) {
      if (unusable == Rule::none) unusable = Rule::input_stale;
    } else {
      complete = complete && state.inputs[i].heard && *point.last_at >= rules.rounds.begin(at);
      if (!first_alive) first_alive = i;
      out.quality = worse(out.quality, without_remark(point.last_quality));
    }
  }
  // What is missing is said once a round of those that are alive. They stay heard: when the silent one is back, the sum
  // is complete in the same round, and no input is a round ahead of the others from then on.
  const bool due = unusable != Rule::none ? first_alive && holds(round.inputs, *first_alive) : complete;
  if (!due) return std::nullopt;

  const bool counted = rules.followed.front().scale.has_value();
  double exact = counted ? state.remainder : 0;
  for (std::size_t i = 0; i < terms.size(); ++i) {
    const double value =
        counted ? static_cast<double>(state.inputs[i].since.quanta())
                : to_base(points[index(*terms[i].point)].last_value, site_.points[index(*terms[i].point)].unit);
    exact += terms[i].weight * value;
  }
  if (unusable == Rule::none && !(std::fabs(exact) < kQuantaMax)) {
    unusable = Rule::out_of_validity;
    for (model::DerivedInputState& term : state.inputs) term.since = {};
  }
  if (unusable != Rule::none) {
    if (counted) {
      state.held = worse(state.held, {Origin::estimated, unusable});
      state.remainder = 0;
    }
    out.quality = {Origin::missing, unusable};
    return out;
  }
  for (model::DerivedInputState& term : state.inputs) term.heard = false;
  state.begun = true;
  if (!counted) {
    out.reading.value = from_base(exact, rules.result->unit);
    return out;
  }
  const double whole = std::nearbyint(exact);
  state.remainder = left_over(rules, points, at, exact - whole);
  for (model::DerivedInputState& term : state.inputs) term.since = {};
  out.quality = worse(out.quality, std::exchange(state.held, {}));
  out.reading.value = whole / rules.quanta_per_unit;
  return out;
}

}  // namespace carbongate::pipeline

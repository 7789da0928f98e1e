#include "gateway/pipeline/energy.h"

#include <algorithm>
#include <cstdlib>
#include <numeric>
#include <utility>

#include "gateway/pipeline/quality.h"
#include "gateway/pipeline/remainder.h"
#include "gateway/pipeline/unwatched.h"

namespace carbongate::pipeline {
namespace {

using model::Activity;
using model::Origin;
using model::Quality;
using model::Rule;
using namespace std::chrono_literals;

constexpr Duration kAmountSpanMax = 24h;
constexpr Duration kAmountSpan = 15min;

bool is_rate(Dimension dimension) {
  return dimension == Dimension::power || dimension == Dimension::volume_flow ||
         dimension == Dimension::normal_volume_flow || dimension == Dimension::mass_flow;
}

}  // namespace

std::optional<EnergyMeter> EnergyMeter::make(const Point& point, const model::Carrier& carrier, Amounts amounts) {
  const auto scale = model::ActivityScale::between(point.unit, carrier);
  if (!scale || is_rate(point.unit.dimension) != (point.kind == Kind::instantaneous)) return std::nullopt;
  return EnergyMeter(point, *scale, connection_of(point, carrier), amounts);
}

EnergyMeter::EnergyMeter(const Point& point, model::ActivityScale scale, const Connection& connection, Amounts amounts)
    : scale_(scale),
      kind_(point.kind),
      amounts_(amounts),
      connection_(connection),
      negative_allowed_(point.limits.min && *point.limits.min < 0),
      interval_(point.limits.interval),
      gap_max_(gap_max(point.limits)),
      counter_(point, scale.counted_in(point.computed ? 0 : point.limits.count), connection, gap_max_) {}

Counted EnergyMeter::count(const Reading& reading, Quality quality, model::PointState& state) const {
  Counted counted = count_anew(reading, quality, state);
  // An amount tells itself of what time it is.
  const bool tells_its_time = kind_ == Kind::interval && amounts_ == Amounts::on_their_own;
  if (!state.rejected.empty() && !tells_its_time) note_unwatched(state.rejected, counted);
  return counted;
}

Counted EnergyMeter::count_anew(const Reading& reading, Quality quality, model::PointState& state) const {
  if (kind_ == Kind::interval && quality.rule == Rule::out_of_order)
    return {.quality = {Origin::missing, quality.rule}};
  if (kind_ == Kind::cumulative && quality.rule == Rule::out_of_order)
    return counter_.count_late(reading, quality, state.counter);
  if (!countable(quality)) return {.quality = quality};
  switch (kind_) {
    case Kind::cumulative: return count_register(reading, state.last_value, quality, state.counter);
    case Kind::interval: return count_amount(reading, quality, state);
    case Kind::instantaneous: return count_rate(reading, quality, state);
  }
  return {.quality = quality};
}

Counted EnergyMeter::count_register(const Reading& reading, double last_value, Quality quality,
                                    model::CounterState& state) const {
  if (!countable(quality)) return {.quality = quality};
  return counter_.count(reading, last_value, quality, state);
}

std::optional<Instant> EnergyMeter::counted_until(const model::PointState& state) const {
  if (kind_ != Kind::cumulative) return state.last_at;
  if (!state.counter.baseline) return std::nullopt;
  return state.counter.baseline->first;
}

Counted EnergyMeter::count_amount(const Reading& reading, Quality quality, const model::PointState& state) const {
  const auto amount = scale_(reading.value);
  if (!amount || (*amount < Activity{} && !negative_allowed_)) return {.quality = {Origin::missing, Rule::range}};

  Duration span = interval_ > 0ms ? interval_ : kAmountSpan;
  bool watched = true;
  if (state.last_at) {
    const Duration since = reading.at - *state.last_at;
    const bool without_gap = amounts_ == Amounts::without_gaps;
    const bool in_step = interval_ > 0ms ? since <= interval_ + interval_ / 2 : since <= kAmountSpanMax;
    span = in_step || without_gap ? since : std::min(span, since);
    // The time before a rejected amount is that one's.
    const auto rejected = last_rejected(state.rejected, *state.last_at, reading.at);
    if (rejected && !without_gap && interval_ == 0ms) span = std::min(span, reading.at - *rejected);
    watched = !without_gap || since <= gap_max_;
  }
  if (!watched) quality = worse({Origin::estimated, Rule::gap}, quality);
  span = std::min(span, kSpreadMax);
  const Wide possible =
      over(saturate(Wide{connection_.rate_max} * (connection_.known ? 2 : 1)), std::max<Duration>(span, 1h));
  if (Wide{std::llabs(amount->quanta())} > possible) return {.quality = {Origin::missing, Rule::range}};

  Counted out{.quality = quality};
  const Instant begin = reading.at - span;
  if (state.last_at && *state.last_at < begin) {
    out.add({.begin = std::max(*state.last_at, begin - kSpreadMax),
             .end = begin,
             .covered = false,
             .quality = {Origin::missing, Rule::gap}});
  }
  out.add({.begin = begin, .end = reading.at, .amount = *amount, .covered = watched, .quality = quality});
  return out;
}

Counted EnergyMeter::count_rate(const Reading& reading, Quality quality, model::PointState& state) const {
  const auto now = scale_(reading.value);
  const bool is_negative = now && *now < Activity{};
  if (!now || (is_negative && !negative_allowed_) || Wide{std::llabs(now->quanta())} > Wide{connection_.rate_max} * 2)
    return {.quality = {Origin::missing, Rule::range}};
  Counted out{.quality = quality};
  if (!state.last_at) return out;

  const Duration time = reading.at - *state.last_at;
  const auto before = scale_(state.last_value);
  const std::int64_t rest = std::exchange(state.integration_remainder, 0);
  if (time > gap_max_ || !before) {
    Instant gone = *state.last_at;
    Integrated held{.amount = {}, .rest = rest};
    // The last reading before a silence stands for no time; before one that is rejected, for the time until that.
    const auto rejected = first_rejected(state.rejected, gone, reading.at);
    if (before && rejected && *rejected - gone <= gap_max_) {
      const Trapezoid rate{.rate = before->quanta(), .rise = 0, .rest = rest};
      held = integrate(rate, gone, *rejected, *rejected);
      out.add({.begin = gone,
               .end = *rejected,
               .amount = held.amount,
               .covered = true,
               .quality = worse(quality, {Origin::estimated, Rule::rejected}),
               .trapezoid = rate});
      gone = *rejected;
    }
    out.add({.begin = std::max(gone, reading.at - kSpreadMax),
             .end = reading.at,
             .covered = false,
             .quality = {Origin::missing, Rule::gap}});
    if (std::chrono::floor<Quarters>(gone) == std::chrono::floor<Quarters>(reading.at)) {
      state.integration_remainder = held.rest;
    }
    return out;
  }
  const Trapezoid rate{.rate = before->quanta(), .rise = now->quanta() - before->quanta(), .rest = rest};
  const Integrated whole = integrate(rate, *state.last_at, reading.at, reading.at);
  state.integration_remainder = whole.rest;
  out.add({.begin = *state.last_at,
           .end = reading.at,
           .amount = whole.amount,
           .covered = true,
           .quality = quality,
           .trapezoid = rate});
  return out;
}

std::optional<model::Carrier> counted_as(const Unit& unit) {
  switch (unit.dimension) {
    case Dimension::energy: return *model::find_carrier(unit.symbol.ends_with("Wh") ? "electricity" : "heat");
    case Dimension::normal_volume: return *model::find_carrier("natural-gas");
    case Dimension::mass: return *model::find_carrier("diesel");
    case Dimension::pieces: return *model::find_carrier("product-pieces");
    case Dimension::volume: {
      model::Carrier carrier = *model::find_carrier("natural-gas");
      carrier.dimension = Dimension::volume;
      carrier.quantum = *find_unit("mL");
      carrier.display = *find_unit("m3");
      return carrier;
    }
    default: return std::nullopt;
  }
}

double quanta_per_unit(const Unit& quantum, const Unit& unit) {
  const std::int64_t common = std::gcd(quantum.numerator, unit.numerator);
  return static_cast<double>(unit.numerator / common) * static_cast<double>(quantum.denominator) /
         (static_cast<double>(quantum.numerator / common) * static_cast<double>(unit.denominator));
}

}  // namespace carbongate::pipeline

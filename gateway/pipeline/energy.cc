#include "gateway/pipeline/energy.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <numeric>

#include "gateway/pipeline/quality.h"

namespace carbongate::pipeline {
namespace {

using model::Activity;
using model::Origin;
using model::Quality;
using model::Rule;
using namespace std::chrono_literals;
using Wide = __int128;

constexpr std::int64_t kMsPerHour = 3'600'000;
constexpr std::int64_t kTrapezoidScale = 2 * kMsPerHour;  // of PointState::integration_remainder
constexpr Duration kUnevenPolling = 10s;
constexpr Duration kAmountSpanMax = 24h;
constexpr Duration kAmountSpan = 15min;

// What no connection delivers in an hour, and what few do, in display units of the dimension: 5 GW and 10 MW; 10^7 and
// 10^4 Nm3; 10^8 and 10^5 kg.
struct RateLimits {
  double most;
  double usual;
  std::string_view unit;
};
RateLimits rate_limits(Dimension dimension) {
  if (dimension == Dimension::energy) return {5e6, 1e4, "kWh"};
  if (dimension == Dimension::normal_volume) return {1e7, 1e4, "Nm3"};
  if (dimension == Dimension::volume) return {1e7, 1e4, "m3"};
  return {1e8, 1e5, "kg"};
}

bool is_rate(Dimension dimension) {
  return dimension == Dimension::power || dimension == Dimension::volume_flow ||
         dimension == Dimension::normal_volume_flow || dimension == Dimension::mass_flow;
}

Wide floor_div(Wide dividend, Wide divisor) {  // divisor > 0
  const Wide quotient = dividend / divisor;
  return dividend % divisor < 0 ? quotient - 1 : quotient;
}

std::int64_t saturate(Wide value) {
  constexpr Wide kMax = std::numeric_limits<std::int64_t>::max();
  return static_cast<std::int64_t>(std::clamp(value, -kMax, kMax));
}

// A remainder carried for ever would make every quarter hour depend on all readings before it, and one late reading
// would move a millionth of a kWh in each that follows. So it is carried within the quarter hour (UTC's, which are also
// those of every time zone in use), and rounding to the nearest keeps the sum of many without a bias.
bool same_remainder_span(Instant a, Instant b) {
  using Quarters = std::chrono::duration<std::int64_t, std::ratio<900>>;
  return std::chrono::floor<Quarters>(a) == std::chrono::floor<Quarters>(b);
}

Wide over(std::int64_t rate_per_hour, Duration time) {
  return Wide{rate_per_hour} * time.count() / kMsPerHour;
}

}  // namespace

Activity Movement::until(Instant at) const {
  const std::int64_t whole = (end - begin).count();
  const std::int64_t part = (at - begin).count();
  if (part >= whole) return amount;
  Wide share = floor_div(Wide{amount.quanta()} * part, whole);
  if (rate_rise != 0) {
    // A rate that rises runs below its mean first: rise * part * (part - whole) / (2 * whole), per hour.
    share += floor_div(Wide{rate_rise} * part * (part - whole), Wide{kTrapezoidScale} * whole);
  }
  return Activity::of(static_cast<std::int64_t>(share));
}

void Counted::add(const Movement& movement) {
  if (movement.end > movement.begin) movements[count++] = movement;
}

std::optional<EnergyMeter> EnergyMeter::make(const Point& point, const model::Carrier& carrier) {
  const auto scale = model::ActivityScale::between(point.unit, carrier);
  if (!scale || is_rate(point.unit.dimension) != (point.kind == Kind::instantaneous)) return std::nullopt;

  EnergyMeter meter(point, *scale);
  const PointLimits& limits = point.limits;
  const RateLimits general = rate_limits(carrier.dimension);
  const Unit unit = *find_unit(general.unit);
  meter.rate_max_ = to_activity(general.most, unit, carrier).value_or(Activity{}).quanta();
  meter.rate_usual_ = to_activity(general.usual, unit, carrier).value_or(Activity{}).quanta();
  if (limits.power_max_w && carrier.dimension == Dimension::energy) {
    const auto rate = to_activity(*limits.power_max_w * 1.1, *find_unit("W"), carrier);
    if (rate && rate->quanta() > 0) {
      meter.rate_known_ = true;
      meter.rate_max_ = rate->quanta();
      meter.rate_usual_ = rate->quanta();
    }
  }
  if (limits.rollover_at) {
    const auto range = (*scale)(*limits.rollover_at);
    if (range && range->quanta() > 0) meter.range_ = range->quanta();
  }
  meter.negative_allowed_ = limits.min && *limits.min < 0;
  meter.interval_ = limits.interval;
  meter.gap_max_ = gap_max(limits);
  return meter;
}

Counted EnergyMeter::count(const Reading& reading, Quality quality, model::PointState& state) const {
  if (kind_ == Kind::interval && quality.rule == Rule::out_of_order)
    return {.quality = {Origin::missing, quality.rule}};
  if (!countable(quality)) return {.quality = quality};
  switch (kind_) {
    case Kind::cumulative: return count_total(reading, quality, state);
    case Kind::interval: return count_amount(reading, quality, state);
    case Kind::instantaneous: return count_rate(reading, quality, state);
  }
  return {.quality = quality};
}

std::optional<Instant> EnergyMeter::counted_until(const model::PointState& state) const {
  if (kind_ != Kind::cumulative) return state.last_at;
  if (!state.baseline) return std::nullopt;
  return state.baseline->first;
}

Movement EnergyMeter::movement(Instant begin, Instant end, Activity amount, Quality quality) const {
  const bool watched = end - begin <= gap_max_;
  if (!watched) quality = worse({Origin::estimated, Rule::gap}, quality);
  return {
      .begin = std::max(begin, end - kSpreadMax), .end = end, .amount = amount, .covered = watched, .quality = quality};
}

Counted EnergyMeter::count_total(const Reading& reading, Quality quality, model::PointState& state) const {
  const auto total = scale_(reading.value);
  // Half the range: the difference of any two totals fits too.
  constexpr std::int64_t kTotalMax = std::numeric_limits<std::int64_t>::max() / 2;
  if (!total || total->quanta() > kTotalMax || total->quanta() < -kTotalMax) {
    return {.quality = {Origin::missing, Rule::range}};
  }
  const Fix now{reading.at, Counter::at(*total)};
  if (!state.baseline) {
    state.baseline = now;
    return {.quality = quality};
  }
  if (state.pending) return decide(now, quality, state);

  const Step step = judge(*state.baseline, now, state.abandoned);
  Counted out{.quality = quality};
  if (step.verdict == Verdict::doubtful || step.verdict == Verdict::unusual) {
    state.pending = now;
    state.doubts = 1;
    out.quality = worse(quality, {Origin::estimated, Rule::pending});
    return out;
  }
  const Rule remark = step.verdict == Verdict::rollover ? Rule::rollover : Rule::none;
  book_step(step, now, worse(quality, {Origin::measured, remark}), state, out);
  return out;
}

// Moves the baseline to `now` and counts the step.
void EnergyMeter::book_step(const Step& step, const Fix& now, Quality quality, model::PointState& state,
                            Counted& out) const {
  out.quality = quality;
  const bool returned = step.verdict == Verdict::returned;
  const Quality booked = returned ? worse(quality, {Origin::estimated, Rule::glitch}) : quality;
  out.add(movement(state.baseline->first, now.first, step.amount, booked));
  // A step down by rounding keeps the value: the counter has not moved until it passes there again.
  state.baseline = step.verdict == Verdict::standstill ? Fix{now.first, state.baseline->second} : now;
  if (returned || step.amount != Activity{}) state.abandoned.reset();
  state.pending.reset();
  state.doubts = 0;
}

Counted EnergyMeter::decide(const Fix& now, Quality quality, model::PointState& state) const {
  const Fix baseline = *state.baseline;
  const Fix pending = *state.pending;
  Counted out{.quality = quality};

  // Where the counter went on from the doubtful value that value was right, only larger than expected.
  const bool went_on = baseline.second <= pending.second && pending.second <= now.second;
  const Step from_baseline = judge(baseline, now, state.abandoned);
  const bool unusual = from_baseline.verdict == Verdict::unusual;
  const bool confirmed = unusual && went_on && baseline.second.since_zero() != Activity{};
  if (confirmed || (!unusual && from_baseline.verdict != Verdict::doubtful)) {
    Rule remark = went_on ? Rule::none : Rule::glitch;
    if (confirmed) remark = Rule::pending;
    if (from_baseline.verdict == Verdict::rollover) remark = Rule::rollover;
    book_step(from_baseline, now, worse(quality, {Origin::measured, remark}), state, out);
    return out;
  }
  const Step from_pending = judge(pending, now, std::nullopt);
  if (from_pending.verdict == Verdict::forward || from_pending.verdict == Verdict::standstill) {
    start_again(pending, now, quality, state, out);
    return out;
  }
  if (++state.doubts > 2) {
    start_again(now, now, quality, state, out);
    return out;
  }
  state.pending = now;
  out.quality = worse(quality, {Origin::estimated, Rule::pending});
  return out;
}

// The counter counts from `from` on; what it moved between the old baseline and there is unknown.
void EnergyMeter::start_again(const Fix& from, const Fix& now, Quality quality, model::PointState& state,
                              Counted& out) const {
  const Fix old = *state.baseline;
  const Quality unknown{Origin::estimated, Rule::reset};
  out.quality = worse(quality, {Origin::measured, Rule::reset});
  out.add(
      {.begin = std::max(old.first, from.first - kSpreadMax), .end = from.first, .covered = false, .quality = unknown});
  const bool moved = now.second > from.second;
  out.add(movement(from.first, now.first, moved ? now.second - from.second : Activity{}, out.quality));
  state.baseline = moved ? now : Fix{now.first, from.second};
  state.abandoned = moved ? std::nullopt : std::optional(old);
  state.pending.reset();
  state.doubts = 0;
}

EnergyMeter::Step EnergyMeter::judge(const Fix& from, const Fix& to, const std::optional<Fix>& abandoned) const {
  const Activity step = to.second - from.second;
  // A 32-bit float keeps 24 bits: its rounding is at most 2^-24 of the value, twice that between two values.
  const bool by_rounding = step < Activity{} && -step.quanta() <= from.second.since_zero().quanta() >> 22;
  if (by_rounding || step == Activity{}) return {Verdict::standstill, {}};
  if (abandoned && to.second >= abandoned->second && deliverable(*abandoned, to)) {
    return {Verdict::returned, to.second - abandoned->second};
  }
  if (step > Activity{}) {
    if (!deliverable(from, to)) return {Verdict::doubtful, step};
    const Wide usual = over(rate_usual_, to.first - from.first + kUnevenPolling);
    return {rate_known_ || step.quanta() <= usual ? Verdict::forward : Verdict::unusual, step};
  }
  if (range_) {
    const Wide wrapped = Wide{*range_} + step.quanta();
    if (wrapped >= 0 && plausible_rollover(from, to, static_cast<std::int64_t>(wrapped))) {
      return {Verdict::rollover, Activity::of(static_cast<std::int64_t>(wrapped))};
    }
  }
  return {};
}

// Whether the connection could deliver the step.
bool EnergyMeter::deliverable(const Fix& from, const Fix& to) const {
  const std::int64_t before = from.second.since_zero().quanta();
  const std::int64_t after = to.second.since_zero().quanta();
  const Duration time = to.first - from.first;
  const Wide step = Wide{after} - before;
  if (step <= over(rate_max_, time + kUnevenPolling)) return true;
  if (!rate_known_) return false;
  // Registers that count in coarse steps (current transformers!) show many seconds of full load at once: two totals of
  // such a register are multiples of its step. One count is believed up to an hour of full load.
  const std::int64_t count = std::gcd(before, after);
  return step <= std::min<Wide>(count, rate_max_) + over(rate_max_, time);
}

bool EnergyMeter::plausible_rollover(const Fix& from, const Fix& to, std::int64_t wrapped) const {
  const std::int64_t range = *range_;
  const bool at_the_ends =
      from.second.since_zero().quanta() >= range - range / 10 && to.second.since_zero().quanta() <= range / 10;
  const Wide possible = over(rate_max_, to.first - from.first + kUnevenPolling);
  // After a silence in which the connection could have filled half the range, power proves nothing.
  if (rate_known_ && possible < range / 2) return wrapped <= possible;
  return at_the_ends && wrapped <= possible;
}

Counted EnergyMeter::count_amount(const Reading& reading, Quality quality, const model::PointState& state) const {
  const auto amount = scale_(reading.value);
  if (!amount || (*amount < Activity{} && !negative_allowed_)) return {.quality = {Origin::missing, Rule::range}};

  Duration span = interval_ > 0ms ? interval_ : kAmountSpan;
  if (state.last_at) {
    const Duration since = reading.at - *state.last_at;
    const bool in_step = interval_ > 0ms ? since <= interval_ + interval_ / 2 : since <= kAmountSpanMax;
    span = in_step ? since : std::min(span, since);
  }
  span = std::min(span, kSpreadMax);
  const Wide possible = over(saturate(Wide{rate_max_} * (rate_known_ ? 2 : 1)), std::max<Duration>(span, 1h));
  if (Wide{std::llabs(amount->quanta())} > possible) return {.quality = {Origin::missing, Rule::range}};

  Counted out{.quality = quality};
  const Instant begin = reading.at - span;
  if (state.last_at && *state.last_at < begin) {
    out.add({.begin = std::max(*state.last_at, begin - kSpreadMax),
             .end = begin,
             .covered = false,
             .quality = {Origin::missing, Rule::gap}});
  }
  out.add({.begin = begin, .end = reading.at, .amount = *amount, .covered = true, .quality = quality});
  return out;
}

Counted EnergyMeter::count_rate(const Reading& reading, Quality quality, model::PointState& state) const {
  const auto rate = scale_(reading.value);
  if (!rate || Wide{std::llabs(rate->quanta())} > Wide{rate_max_} * 2)
    return {.quality = {Origin::missing, Rule::range}};
  Counted out{.quality = quality};
  if (!state.last_at) return out;

  const Duration time = reading.at - *state.last_at;
  const bool carry = same_remainder_span(*state.last_at, reading.at);
  const auto before = scale_(state.last_value);
  if (time > gap_max_ || !before) {
    out.add({.begin = std::max(*state.last_at, reading.at - kSpreadMax),
             .end = reading.at,
             .covered = false,
             .quality = {Origin::missing, Rule::gap}});
    if (!carry) state.integration_remainder = 0;
    return out;
  }
  const Wide doubled = (Wide{before->quanta()} + rate->quanta()) * time.count() + state.integration_remainder;
  const Wide amount = floor_div(doubled + kTrapezoidScale / 2, kTrapezoidScale);
  state.integration_remainder = carry ? static_cast<std::int64_t>(doubled - amount * kTrapezoidScale) : 0;
  out.add({.begin = *state.last_at,
           .end = reading.at,
           .amount = Activity::of(static_cast<std::int64_t>(amount)),
           .covered = true,
           .quality = quality,
           .rate_rise = rate->quanta() - before->quanta()});
  return out;
}

}  // namespace carbongate::pipeline

#include "gateway/pipeline/counter_judge.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <numeric>

namespace carbongate::pipeline {
namespace {

using model::Activity;
using namespace std::chrono_literals;

constexpr Duration kUnevenPolling = 10s;
constexpr Duration kFallTimeMax = 1h;  // a counter runs backwards in small steps: no more than this at full load
constexpr Duration kStallMax = 24h;    // what a counter that stood still longer catches up is not believed
constexpr std::int64_t kRatioMax = 10'000;
constexpr std::int64_t kCountsMin = 1'000;  // of a register, to its end

std::int64_t value_of(const Fix& fix) {
  return fix.second.since_zero().quanta();
}

Wide magnitude(Wide value) {
  return value < 0 ? -value : value;
}

// What a register is seen to count at once: by two of its values, and by the one before them. A 32-bit float counts
// coarser as it grows.
std::int64_t seen_count(const Fix& from, const Fix& to, const Hints& hints = {}) {
  const std::int64_t between = std::gcd(value_of(from), value_of(to));
  if (!hints.before) return between;
  const std::int64_t resolution = hints.float32 ? std::abs(value_of(to)) >> 23 : 0;
  return std::min(between, std::max(std::gcd(between, value_of(*hints.before)), resolution));
}

Step decided(Verdict verdict, const Fix& from, const Fix& to, std::int64_t moved) {
  return {.verdict = verdict, .stretches = {{.from = from, .end = to.first, .moved = moved}}};
}

}  // namespace

CounterJudge::CounterJudge(const Point& point, model::ActivityScale scale, const Connection& connection)
    : connection_(connection), runs_back_(point.limits.runs_back) {
  std::int64_t largest = 1;
  for (const TransformerRatio& r : point.history.ratios) {
    ratios_.push_back({r.from, r.numerator, r.denominator});
    largest = std::max(largest, r.numerator / r.denominator + 1);
  }
  // Half the range: the difference of any two totals fits too.
  total_max_ = std::numeric_limits<std::int64_t>::max() / 2 / largest;
  if (const auto unit = scale(1)) unit_ = unit->quanta();
  if (const auto count = scale(point.limits.count); count && count->quanta() > 0) count_ = count->quanta();
  for (const double end : point.limits.rollover_at) {
    const auto range = scale(end);
    if (range && range->quanta() > 0 && holds(*range)) ranges_.push_back(range->quanta());
  }
  std::ranges::sort(ranges_);
  for (const Replacement& r : point.history.replaced) {
    const auto last = scale(r.final);
    const auto first = scale(r.initial);
    if (last && first && holds(*last) && holds(*first)) replaced_.push_back({r.at, last->quanta(), first->quanta()});
  }
}

bool CounterJudge::holds(Activity register_value) const {
  return register_value.quanta() <= total_max_ && register_value.quanta() >= -total_max_;
}

Step CounterJudge::judge(const Fix& from, const Fix& to, const Hints& hints) const {
  Step step = judge_unannounced(from, to, hints);
  if (replaced_.empty()) return step;
  const bool open = step.verdict == Verdict::doubtful || step.verdict == Verdict::fall ||
                    step.verdict == Verdict::unusual || step.verdict == Verdict::stalled;
  auto announced = judge_announced(from, to, hints, open ? kAnnouncedToWithin : Duration{});
  // Clocks differ: where the old meter may simply have run on, and less energy explains it, the replacement is to come.
  if (announced && (open || happened_between(from, to, hints) || worth(*announced) <= worth(step))) {
    return std::move(*announced);
  }
  return step;
}

// Whether a replacement that was announced within the step has happened for certain: the old meter showed less at its
// end than is shown now, or that was announced for so long before that no clock explains it. Of what a person read from
// a display the last digits may be missing.
bool CounterJudge::has_happened(const Replaced& r, const Fix& to) const {
  return r.at <= to.first && (value_of(to) > r.final + unit_ || r.at + kAnnouncedToWithin <= to.first);
}

// The first of them: which meter shows what is seen after a second one, nobody knows before.
bool CounterJudge::happened_between(const Fix& from, const Fix& to, const Hints& hints) const {
  const auto first = std::ranges::find_if(replaced_, [&](const Replaced& r) {
    return (!hints.settled_until || r.at > *hints.settled_until) && r.at > from.first;
  });
  return first != replaced_.end() && has_happened(*first, to);
}

Activity CounterJudge::worth(const Step& step) const {
  Activity sum;
  for (const Stretch& stretch : step.stretches) sum += worth(stretch);
  return sum;
}

Step CounterJudge::judge_unannounced(const Fix& from, const Fix& to, const Hints& hints) const {
  const std::int64_t moved = value_of(to) - value_of(from);
  // A 32-bit float keeps 24 bits: its rounding is at most 2^-24 of the value, twice that between two values.
  const bool by_rounding = moved < 0 && hints.float32 && -moved <= value_of(from) >> 22 && !runs_back_;
  if (by_rounding || moved == 0) return decided(Verdict::standstill, from, to, 0);
  const std::int64_t count = seen_count(from, to, hints);
  // What goes on from above the course that was given up is no way back to it.
  const bool goes_on = hints.abandoned && hints.abandoned->second < from.second &&
                       (to.second > from.second || runs_back_) && deliverable(from, to, connection_.rate_usual, count);
  if (hints.abandoned && !goes_on && to.second >= hints.abandoned->second &&
      deliverable(*hints.abandoned, to, connection_.rate_usual, seen_count(*hints.abandoned, to))) {
    return decided(Verdict::returned, from, to, value_of(to) - value_of(*hints.abandoned));
  }
  const bool usual = deliverable(from, to, connection_.rate_usual, count);
  if (usual && (moved > 0 || runs_back_)) {
    Step step = decided(Verdict::forward, from, to, moved);
    step.ambiguous = could_wrap_once_more(step.stretches.front());
    return step;
  }
  if (const auto through_the_end = wrapped(from, to, to.first - from.first);
      through_the_end && !rollover_or_zero(from, to)) {
    Step step = decided(Verdict::rollover, from, to, *through_the_end);
    step.ambiguous = could_wrap_once_more(step.stretches.front());
    return step;
  }
  if (moved > 0 && !connection_.known && deliverable(from, to, connection_.rate_max, count)) {
    return decided(Verdict::unusual, from, to, moved);
  }
  if (moved > 0 && connection_.known && hints.stands_since && !hints.abandoned && value_of(from) != 0) {
    const Duration stood = std::min<Duration>(to.first - *hints.stands_since, kStallMax);
    if (possible({from, to.first, moved}, connection_.rate_max, stood, count)) {
      return decided(Verdict::stalled, from, to, moved);
    }
  }
  const Duration time = std::min<Duration>(to.first - from.first, kFallTimeMax);
  if (moved < 0 && value_of(to) >= value_of(from) / 2 &&
      possible({from, to.first, moved}, connection_.rate_usual, time, count)) {
    return {.verdict = Verdict::fall};
  }
  return {};
}

// The step as the sum of what the old meter counted to the end and the new one from its beginning, if all parts are
// what the connection delivers. Of several replacements as few as explain it, and all that have happened for certain if
// that explains it: the others may be yet to come. `within`: how far around the step the first may have been announced.
std::optional<Step> CounterJudge::judge_announced(const Fix& from, const Fix& to, const Hints& hints,
                                                  Duration within) const {
  const auto first = std::ranges::find_if(replaced_, [&](const Replaced& r) {
    return (!hints.settled_until || r.at > *hints.settled_until) && r.at > from.first - within;
  });
  std::optional<Step> found;
  for (auto last = first; last != replaced_.end() && last->at <= to.first + within; ++last) {
    if (found && !has_happened(*last, to)) break;
    if (auto step = across({first, last + 1}, from, to)) found = std::move(step);
  }
  return found;
}

std::optional<Step> CounterJudge::across(std::span<const Replaced> replaced, const Fix& from, const Fix& to) const {
  constexpr Duration kTick(1);
  const Duration whole = to.first - from.first;
  // Less at the end than at the beginning: the register passed its end; or who reads a display leaves out its last
  // digits, then what was read over the wire is nearer to the truth. The least that explains it.
  const auto stretch_between = [&](const Fix& begin, const Fix& end) -> std::optional<Stretch> {
    const std::int64_t moved = value_of(end) - value_of(begin);
    if (const auto through = wrapped(begin, end, whole); moved < 0 && through && *through < -moved) {
      Stretch stretch{begin, end.first, *through};
      stretch.exact = !could_wrap_once_more(stretch);
      return stretch;
    }
    const Stretch stretch{begin, end.first, moved};
    if (!possible(stretch, connection_.rate_usual, whole, seen_count(begin, end))) return std::nullopt;
    return Stretch{begin, end.first, std::max<std::int64_t>(moved, 0), moved >= 0};
  };
  Step step{.verdict = Verdict::replaced, .settled_until = replaced.back().at};
  Fix begin = from;
  for (const Replaced& r : replaced) {
    if (to.first - begin.first < 2 * kTick) return std::nullopt;
    const Instant at = std::clamp(r.at, begin.first + kTick, to.first - kTick);
    const auto old = stretch_between(begin, {at, RegisterValue::at(Activity::of(r.final))});
    if (!old) return std::nullopt;
    step.stretches.push_back(*old);
    begin = {at, RegisterValue::at(Activity::of(r.initial))};
  }
  const auto rest = stretch_between(begin, to);
  if (!rest) return std::nullopt;
  step.stretches.push_back(*rest);
  return step;
}

// How far the register moved if it went through its end within `time`.
std::optional<std::int64_t> CounterJudge::wrapped(const Fix& from, const Fix& to, Duration time) const {
  const std::int64_t step = value_of(to) - value_of(from);
  for (const std::int64_t range : ranges_) {
    if (value_of(from) > range || value_of(to) > range) continue;  // it showed more than this: not its range
    const bool has_sign = std::ranges::find(ranges_, range / 2) != ranges_.end();
    if (value_of(to) < 0 && !has_sign) continue;
    const Wide up = Wide{range} + step;
    if (step < 0 && up >= 0 && plausible_wrap(from, to, range, static_cast<std::int64_t>(up), time))
      return static_cast<std::int64_t>(up);
    const Wide down = Wide{step} - range;
    if (step > 0 && runs_back_ && down <= 0 &&
        plausible_wrap(to, {from.first + 2 * (to.first - from.first), from.second}, range,
                       static_cast<std::int64_t>(-down), time))
      return static_cast<std::int64_t>(down);
  }
  return std::nullopt;
}

bool CounterJudge::plausible_wrap(const Fix& from, const Fix& to, std::int64_t range, std::int64_t moved,
                                  Duration time) const {
  const Stretch stretch{from, to.first, moved};
  // After a silence in which the connection could have filled half the range, power proves nothing.
  const bool proves =
      connection_.known && worth({from, to.first, range}).quanta() / 2 > over(connection_.rate_max, time);
  if (!proves) {
    // A signed register goes on at the lower end of its numbers.
    const std::int64_t low = value_of(to) < 0 ? -range / 2 : 0;
    if (value_of(from) < low + (range - range / 10) || value_of(to) > low + range / 10) return false;
  }
  // By chance the two may have a large divisor, near the end of a binary register above all: no register has so few
  // counts.
  const std::int64_t count = std::min(std::gcd(value_of(from), moved), range / kCountsMin);
  return possible(stretch, connection_.rate_usual, time, count);
}

bool CounterJudge::may_roll_over(const Fix& from, const Fix& to) const {
  return wrapped(from, to, to.first - from.first).has_value();
}

bool CounterJudge::rollover_or_zero(const Fix& from, const Fix& to) const {
  return value_of(to) == 0 && may_roll_over(from, to);
}

bool CounterJudge::could_wrap_once_more(const Stretch& stretch) const {
  if (!connection_.known || ranges_.empty()) return false;
  const auto range = std::ranges::find_if(ranges_, [&](std::int64_t r) { return r >= value_of(stretch.from); });
  if (range == ranges_.end()) return false;
  Stretch more = stretch;
  if (__builtin_add_overflow(stretch.moved, *range, &more.moved)) return false;
  return possible(more, connection_.rate_max, stretch.end - stretch.from.first, 0);
}

// Whether the connection delivers the stretch within `time`, in either direction. `count`: what the register is seen to
// move by at least.
bool CounterJudge::possible(const Stretch& stretch, std::int64_t rate, Duration time, std::int64_t count) const {
  const Wide amount = magnitude(worth(stretch).quanta());
  if (amount <= over(rate, time + kUnevenPolling)) return true;
  if (!connection_.known) return false;
  // Registers that count in coarse steps (current transformers!) show many seconds of full load at once: two totals of
  // such a register are multiples of its step. One count is believed up to an hour of full load.
  const Wide one_count = magnitude(worth({stretch.from, stretch.end, count}).quanta());
  return amount <= std::min<Wide>(one_count, rate) + over(rate, time);
}

bool CounterJudge::deliverable(const Fix& from, const Fix& to, std::int64_t rate, std::int64_t count) const {
  const std::int64_t moved = value_of(to) - value_of(from);
  return possible({from, to.first, moved}, rate, to.first - from.first, count);
}

bool CounterJudge::rescaled(const Fix& from, const Fix& to) const {
  const std::int64_t small = std::min(value_of(from), value_of(to));
  const std::int64_t large = std::max(value_of(from), value_of(to));
  if (small <= 0) return false;
  const std::int64_t ratio = (large + small / 2) / small;
  if (ratio < 2 || ratio > kRatioMax) return false;
  // What flowed meanwhile blurs the ratio: where it could be any number, it is none.
  const Duration time = to.first - from.first;
  const Wide blur =
      over(connection_.rate_usual, time + kUnevenPolling) * (value_of(to) == large ? 1 : ratio) + (large >> 22);
  return blur * 200 <= small && magnitude(Wide{large} - Wide{small} * ratio) <= blur;
}

bool CounterJudge::from_zero(const Fix& from, const Fix& to) const {
  return value_of(to) >= 0 && deliverable({from.first, RegisterValue{}}, to, connection_.rate_usual, value_of(to));
}

bool CounterJudge::delivered_from_zero(const Fix& zero, const Fix& to, std::int64_t count) const {
  const Stretch stretch{zero, to.first, value_of(to)};
  return connection_.known && possible(stretch, connection_.rate_usual, to.first - zero.first, count);
}

CounterJudge::Ratio CounterJudge::ratio_at(Instant at) const {
  Ratio found{Instant::min(), 1, 1};
  for (const Ratio& ratio : ratios_) {
    if (ratio.from <= at) found = ratio;
  }
  return found;
}

// Of a load that is even the register sees the more, the lower the ratio.
std::vector<Piece> CounterJudge::pieces(const Stretch& stretch) const {
  struct Part {
    Ratio ratio;
    Instant end;
    Wide weight;
  };
  std::vector<Part> parts;
  Wide total_weight = 0;
  Instant part_begin = stretch.from.first;
  const auto add_part = [&](Instant end) {
    const Ratio ratio = ratio_at(part_begin);
    const Wide time = std::max<std::int64_t>((end - part_begin).count(), 1);
    total_weight += parts.emplace_back(ratio, end, (time * ratio.denominator << 10) / ratio.numerator + 1).weight;
    part_begin = end;
  };
  for (const Ratio& ratio : ratios_) {
    if (stretch.from.first < ratio.from && ratio.from < stretch.end) add_part(ratio.from);
  }
  add_part(stretch.end);

  int shift = 0;  // moved * weight shall fit
  while (total_weight >> shift > Wide{1} << 60) ++shift;
  std::vector<Piece> out;
  Wide weight = 0;
  Wide total = value_of(stretch.from);
  part_begin = stretch.from.first;
  for (const Part& part : parts) {
    weight += part.weight;
    const Wide moved = weight == total_weight
                           ? Wide{stretch.moved}
                           : floor_div(Wide{stretch.moved} * (weight >> shift), total_weight >> shift);
    const Wide total_until = value_of(stretch.from) + moved;
    // The difference of two rounded totals, so that pieces add up whatever the ratio.
    const Wide amount = floor_div(total_until * part.ratio.numerator, part.ratio.denominator) -
                        floor_div(total * part.ratio.numerator, part.ratio.denominator);
    out.push_back({part_begin, part.end, Activity::of(saturate(amount)), parts.size() > 1 && stretch.moved != 0});
    total = total_until;
    part_begin = part.end;
  }
  return out;
}

Activity CounterJudge::worth(const Stretch& stretch) const {
  if (ratios_.empty()) return Activity::of(stretch.moved);
  Wide sum = 0;
  for (const Piece& piece : pieces(stretch)) sum += piece.amount.quanta();
  return Activity::of(saturate(sum));
}

}  // namespace carbongate::pipeline

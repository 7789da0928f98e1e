#include "gateway/pipeline/counter.h"

#include <algorithm>
#include <cstdlib>
#include <numeric>
#include <tuple>

#include "gateway/pipeline/counter_steps.h"

namespace carbongate::pipeline {
namespace {

using model::Activity;
using model::CounterState;
using model::CourseReading;
using model::Origin;
using model::Quality;
using model::Rule;
using namespace std::chrono_literals;

constexpr Duration kHoldMin = 1h;
constexpr int kHoldReadings = kCourseReadings;
constexpr int kHoldZeros = 6;

bool is_float32(double value) {
  return static_cast<double>(static_cast<float>(value)) == value;
}

// The next small step down is the first again, unless the counter runs backwards already.
void forget_falls(CounterState& state) {
  if (state.falls < kFallsMax) state.falls = 0;
}

// How long a reading a little below the baseline, or one that stands still, waits for more: an hour, and as many
// readings as another course. Of a 0 six will do: a yield of today shows it each night.
bool held_long_enough(const CounterState& state, const Fix& now) {
  const Duration spacing = now.first - state.pending->first;
  return now.first - state.baseline->first >=
         std::max<Duration>(kHoldMin, (is_zero(*state.pending) ? kHoldZeros : kHoldReadings) * spacing);
}

// Whether the counter went on from the jump at a speed that makes the jump itself believable: at a tenth of it.
// `first`, `pending`: when it showed the value behind the jump first, and last.
bool went_on_alike(const Fix& baseline, const Fix& first, const Fix& pending, const Fix& now) {
  const Wide jump = Wide{(pending.second - baseline.second).quanta()} * (now.first - pending.first).count();
  const Wide next = Wide{(now.second - pending.second).quanta()} * (first.first - baseline.first).count();
  return jump < 0 ? next * 10 <= jump : next * 10 >= jump;
}

std::int64_t distance(const Fix& a, const Fix& b) {
  return std::abs((a.second - b.second).quanta());
}

}  // namespace

CounterMeter::CounterMeter(const Point& point, model::ActivityScale scale, const Connection& connection,
                           Duration gap_max)
    : scale_(scale), judge_(point, scale, connection), gap_max_(gap_max) {}

Counted CounterMeter::count(const Reading& reading, double last_value, Quality quality, CounterState& state) const {
  const auto total = scale_(reading.value);
  if (!total || !judge_.holds(*total)) return {.quality = {Origin::missing, Rule::range}};
  const Fix now{reading.at, RegisterValue::at(*total)};
  if (!state.baseline) {
    state.baseline = now;
    state.stands_since = now.first;
    state.settled_until = now.first;
    return {.quality = quality};
  }
  const bool float32 = is_float32(reading.value) && is_float32(last_value);
  return count({.shown = now, .float32 = float32, .quality = quality}, state, kDoubtsMax);
}

Counted CounterMeter::count(const CourseReading& reading, CounterState& state, Doubts doubts) const {
  if (!state.course.empty()) return follow(reading, state, doubts);
  if (state.pending) return decide(reading, state, doubts);
  const Fix& now = reading.shown;
  const Quality quality = reading.quality;
  const Step step = judge_.judge(*state.baseline, now, hints_of(state, reading.float32));
  if (stands_at_zero(state) && (step.verdict == Verdict::forward || step.verdict == Verdict::standstill)) {
    return go_on_from_zero(step, now, quality, state);
  }
  if (is_decided(step.verdict)) {
    const Rule rule = step.verdict == Verdict::rollover ? Rule::rollover : Rule::none;
    return book(step, now, remark(quality, step, rule), state);
  }
  if (step.verdict == Verdict::fall) {
    if (state.falls >= kFallsMax) return run_back(now, quality, state);
    state.falls = 1;
    if (!returns_before(state, now)) state.before.reset();
  }
  state.doubts = 1;
  return wait(now, quality, state);
}

Counted CounterMeter::count_late(const Reading& reading, Quality quality, CounterState& state) const {
  const Counted not_counted{.quality = quality};
  note_before(reading, state);
  if (!state.course.empty() && reading.at > state.course.front().shown.first)
    return count_late_on_course(reading, quality, state);
  if (!state.pending || state.doubts != 1 || state.falls != 0 || stands_at_zero(state)) return not_counted;
  const Instant doubtful_since = state.pending_since.value_or(state.pending->first);
  const auto total = scale_(reading.value);
  if (reading.at <= state.baseline->first || reading.at >= doubtful_since || !total || !judge_.holds(*total))
    return not_counted;
  const Fix now{reading.at, RegisterValue::at(*total)};
  const Step step = judge_.judge(*state.baseline, now, hints_of(state, is_float32(reading.value)));
  if (!is_decided(step.verdict)) return count_late_on_course(reading, quality, state);
  if (step.verdict == Verdict::returned) return not_counted;
  const CounterState waiting = state;
  const Rule rule = step.verdict == Verdict::rollover ? Rule::rollover : Rule::none;
  Counted out = book(step, now, remark(late(quality), step, rule), state);
  state.pending = waiting.pending;
  state.course = waiting.course;
  state.pending_since = waiting.pending_since;
  state.doubts = waiting.doubts;
  return out;
}

Counted CounterMeter::wait(const Fix& now, Quality quality, CounterState& state) const {
  if (!state.pending || state.pending->second != now.second) state.pending_since = now.first;
  state.pending = now;
  return {.quality = worse(quality, {Origin::estimated, Rule::pending})};
}

Counted CounterMeter::decide(const CourseReading& reading, CounterState& state, Doubts doubts) const {
  const Fix& now = reading.shown;
  const Quality quality = reading.quality;
  const Fix baseline = *state.baseline;
  const Fix pending = *state.pending;
  const Step step = judge_.judge(baseline, now, hints_of(state, reading.float32));
  const bool from_zero = stands_at_zero(state) && step.verdict == Verdict::forward;
  const Fix first{state.pending_since.value_or(pending.first), pending.second};
  if (from_zero && confirms_from_zero(baseline, first, now, state.abandoned->second)) {
    return book(step, now, worse(quality, from_zero_quality()), state);
  }
  const bool no_rollover = step.verdict == Verdict::rollover && stood_before_it_could_roll(first, now, state);
  const bool too_soon = step.verdict == Verdict::forward && shown_too_soon(first, now, state);
  if (is_decided(step.verdict) && !from_zero && !no_rollover && !too_soon) {
    // Where the counter went on from the doubtful value that value was right, only larger than expected.
    const bool went_on = baseline.second <= pending.second && pending.second <= now.second;
    if (step.verdict == Verdict::rollover) return book(step, now, remark(quality, step, Rule::rollover), state);
    if (went_on) return book(step, now, worse(quality, {Origin::estimated, Rule::pending}), state);
    return book(step, now, remark(quality, step, Rule::glitch), state);
  }
  const Step next = judge_.judge(pending, now, no_hints());
  const bool falls_on = state.falls != 0 && state.falls < kFallsMax && next.verdict == Verdict::fall;
  if (step.verdict == Verdict::fall || falls_on) return decide_fall(now, quality, state);
  forget_falls(state);

  const bool fits = next.verdict == Verdict::forward || next.verdict == Verdict::standstill;
  if (from_zero && now.second == pending.second) {
    if (now.first - first.first >= kHoldMin) return start_again(pending, now, quality, state);
    // The time since the last 0 is that to the first sight of the value.
    const Counted waiting = wait(now, quality, state);
    state.pending = pending;
    return waiting;
  }
  // A value that stands still decides nothing: a coarse register, a new one without load, or one that is stuck.
  if (now.second == pending.second && (!held_long_enough(state, now) || judge_.rollover_or_zero(baseline, first))) {
    return wait(now, quality, state);
  }
  if (needs_confirmation(step.verdict) && !is_zero(baseline) && baseline.second < pending.second &&
      pending.second < now.second) {
    if (step.verdict == Verdict::stalled && fits) return leave_course(pending, reading, quality, state, doubts);
    if (went_on_alike(baseline, first, pending, now)) {
      // Two readings of garbage may well rise; three hardly.
      if (++state.doubts > 2) return book(step, now, remark(quality, step, Rule::pending), state);
      return wait(now, quality, state);
    }
  }
  if (fits && now.second == pending.second) {
    if (returns_before(state, first) && was_wrong(state, now)) return withdraw(now, quality, state);
    return start_again(is_zero(pending) ? now : pending, now, quality, state);
  }
  if (fits) {
    // Zeros may have been unreadable, and the end passed behind them.
    const bool may_have_passed = is_zero(pending) && no_rollover;
    const Quality since = may_have_passed ? worse(quality, {Origin::estimated, Rule::reset}) : quality;
    return leave_course(pending, reading, since, state, doubts);
  }
  if (doubts > 0) return leave_course(pending, reading, quality, state, doubts);
  if (state.doubts >= 2) return leave_course(now, reading, quality, state, doubts);
  ++state.doubts;
  return wait(now, quality, state);
}

// Whether the register only showed early what flowed by the next readings: the leap is what flows within two intervals,
// it went on from there soon, and all in all no more than twice as fast as before.
bool CounterMeter::slipped(const Fix& first, const Fix& now, const CounterState& state) const {
  const Fix& baseline = *state.baseline;
  const Duration interval = first.first - baseline.first;
  if (!state.before || !judge_.power_known()) return false;
  if (now.second <= state.pending->second || now.first - first.first > 2 * interval) return false;
  const Wide before = Wide{distance(*state.before, baseline)} * (now.first - baseline.first).count();
  const Wide since = Wide{distance(baseline, now)} * (baseline.first - state.before->first).count();
  const Fix later{first.first + interval, first.second};
  return since <= 2 * before && judge_.judge(baseline, later, no_hints()).verdict == Verdict::forward;
}

// Whether the register showed the pending value before the connection could deliver it, so that the step to `now` is
// possible only by time in which nothing, or little, was added. What had stood still before may have caught up. What
// goes on alike at once was read unevenly; and a connection of which no power is known may be a large one.
bool CounterMeter::shown_too_soon(const Fix& first, const Fix& now, const CounterState& state) const {
  const Fix& baseline = *state.baseline;
  const Fix& pending = *state.pending;
  // Behind a course that was given up it is not told whether this one had stood still before.
  if (state.abandoned && !is_zero(baseline)) return false;
  const Verdict next = judge_.judge(pending, now, no_hints()).verdict;
  const bool fits = next == Verdict::forward || next == Verdict::standstill;
  const bool up = baseline.second < pending.second && pending.second <= now.second;
  // A net register stays there in either direction.
  if (!up && !(fits && distance(pending, now) < distance(baseline, now))) return false;
  if (judge_.judge(baseline, first, hints_of(state, false)).verdict == Verdict::stalled) return false;
  if (slipped(first, now, state)) return false;
  const bool at_once = first.first == pending.first;
  return !((at_once || !judge_.power_known()) && went_on_alike(baseline, first, pending, now));
}

// Whether what looks like a rollover by the time until `now` is none: the register had shown the pending value before
// it could pass its end, and went on from there. What cannot have gone on from 0 says that the 0 was none.
bool CounterMeter::stood_before_it_could_roll(const Fix& first, const Fix& now, const CounterState& state) const {
  if (now.second < first.second || judge_.may_roll_over(*state.baseline, first)) return false;
  if (!is_zero(first)) return first.first < state.pending->first || now.second == first.second;
  return now.second == first.second || !judge_.power_known() || judge_.delivered_from_zero(first, now, judge_.count());
}

// Since it was given up the register has shown nothing but 0, at last at the baseline: it was set to 0, or it could not
// be read.
Counted CounterMeter::go_on_from_zero(const Step& step, const Fix& now, Quality quality, CounterState& state) const {
  if (step.verdict == Verdict::standstill) {
    return book(step, now, worse(quality, {Origin::estimated, Rule::reset}), state);
  }
  if (judge_.delivered_from_zero(*state.baseline, now, judge_.count())) {
    return book(step, now, worse(quality, from_zero_quality()), state);
  }
  state.doubts = 1;
  return wait(now, quality, state);
}

// Whether the step from 0 to `pending` was consumption, by how the counter went on from there.
bool CounterMeter::confirms_from_zero(const Fix& zero, const Fix& pending, const Fix& now, RegisterValue old) const {
  if (now.second < pending.second) return judge_.delivered_from_zero(zero, now, judge_.count());
  if (now.second == pending.second) return false;
  const std::int64_t jump = (pending.second - zero.second).quanta();
  const std::int64_t next = (now.second - pending.second).quanta();
  if (!judge_.power_known()) return jump <= next || went_on_alike(zero, pending, pending, now);
  // Of a register that counts coarsely all values are multiples of what it counts at once.
  const std::int64_t count = std::gcd(std::gcd(jump, next), old.since_zero().quanta());
  return judge_.delivered_from_zero(zero, pending, count);
}

Quality CounterMeter::from_zero_quality() const {
  return {judge_.power_known() ? Origin::measured : Origin::estimated, Rule::reset};
}

// A little below the baseline. A counter that comes back was not there; one that runs on down runs backwards; and one
// that goes on from where it was before the baseline shows that the baseline was wrong.
Counted CounterMeter::decide_fall(const Fix& now, Quality quality, CounterState& state) const {
  if (state.falls >= kFallsMax) return run_back(now, quality, state);
  if (state.before && !(follows(*state.before, now) && follows(*state.pending, now))) state.before.reset();
  if (state.falls != 0 && now.second < state.pending->second) {
    if (++state.falls >= kFallsMax) return run_back(now, quality, state);
  } else if (now.second != state.pending->second) {
    state.falls = 1;
  }
  if (held_long_enough(state, now)) {
    return was_wrong(state, now) ? withdraw(now, quality, state) : run_back(now, quality, state);
  }
  state.doubts = 1;
  return wait(now, quality, state);
}

// Moves the baseline to `now` and books the step.
Counted CounterMeter::book(const Step& step, const Fix& now, Quality quality, CounterState& state) const {
  const Fix baseline = *state.baseline;
  Quality booked = quality;
  if (step.verdict == Verdict::returned) {
    // Given up for running backwards, and now back: it did not.
    if (state.falls >= kFallsMax) {
      state.unbooked -= judge_.worth(
          {{baseline.first, baseline.second}, now.first, (state.abandoned->second - baseline.second).quanta()});
    }
    quality = worse(quality, {Origin::measured, Rule::glitch});
    booked = worse(quality, {Origin::estimated, Rule::glitch});
  }
  if (step.verdict == Verdict::replaced) {
    const bool exact = std::ranges::all_of(step.stretches, &Stretch::exact);
    quality = booked = worse({exact ? Origin::measured : Origin::estimated, Rule::replaced}, quality);
    state.settled_until = step.settled_until;
  }
  Counted out{.quality = quality};
  add_stretches(step, baseline.first, now.first, booked, out);

  const bool moved = step.verdict == Verdict::replaced || step.stretches.front().moved != 0;
  // A step down by rounding keeps the value: the counter has not moved until it passes there again.
  state.baseline = step.verdict == Verdict::standstill ? Fix{now.first, baseline.second} : now;
  if (moved || step.verdict == Verdict::returned) {
    const bool on_course = step.verdict == Verdict::forward && !step.ambiguous && !state.abandoned;
    state.before = on_course ? std::optional(baseline) : std::nullopt;
    if (state.abandoned && step.verdict != Verdict::returned) out.course_from = state.stands_since;
    state.abandoned.reset();
    const bool stood = state.pending && state.pending->second == now.second;
    state.stands_since = stood ? state.pending_since.value_or(state.pending->first) : now.first;
    state.falls = 0;
  } else {
    forget_falls(state);
  }
  state.pending.reset();
  state.pending_since.reset();
  state.course.clear();
  state.doubts = 0;
  return out;
}

// A silence longer than gap_max was not watched: the sum is exact, how it spreads over time estimated; unless the
// register may have gone round unseen, or not all of an exchange is known, which its rule goes on saying.
void CounterMeter::add_stretches(const Step& step, Instant begin, Instant end, Quality quality, Counted& out) const {
  const bool watched = end - begin <= gap_max_;
  const std::size_t first = out.movements.size();
  const bool is_known = !step.ambiguous && !(step.verdict == Verdict::replaced && leaves_unknown(quality));
  if (!watched && is_known && quality.origin <= Origin::estimated) quality = {Origin::estimated, Rule::gap};
  Movement whole{.begin = std::max(begin, end - kSpreadMax), .end = end, .covered = watched, .quality = quality};
  for (const Stretch& stretch : step.stretches) {
    for (const Piece& piece : judge_.pieces(stretch)) {
      Movement part = whole;
      part.begin = std::max(piece.begin, whole.begin);
      part.end = piece.end;
      part.amount = piece.amount;
      if (piece.cut && quality.origin < Origin::estimated) part.quality = {Origin::estimated, Rule::ratio_change};
      if (part.begin < part.end) {
        out.add(part);
      } else {
        whole.amount += part.amount;  // of a time too long ago to be spread over
      }
    }
  }
  if (out.movements.size() > first) out.movements[first].amount += whole.amount;
}

// The counter counts from `from` on; what it moved between the old baseline and there is unknown.
Counted CounterMeter::start_again(const Fix& from, const Fix& now, Quality quality, CounterState& state) const {
  const Fix old = *state.baseline;
  const Rule rule = rule_of_new_course(old, from);
  Counted out{.quality = worse(quality, {Origin::measured, rule})};
  out.add({.begin = std::max(old.first, from.first - kSpreadMax),
           .end = from.first,
           .covered = false,
           .quality = {Origin::estimated, rule}});
  const bool moved = now.second > from.second;
  if (moved) out.course_from = from.first;
  const std::int64_t by = moved ? (now.second - from.second).quanta() : 0;
  add_stretches({.verdict = Verdict::forward, .stretches = {{from, now.first, by}}}, from.first, now.first, out.quality,
                out);
  state.baseline = moved ? now : Fix{now.first, from.second};
  state.stands_since = state.baseline->first;
  if (moved) {
    state.abandoned.reset();
  } else if (!state.abandoned || !is_zero(old)) {
    state.abandoned = old;
  }
  state.pending.reset();
  state.pending_since.reset();
  state.course.clear();
  state.doubts = 0;
  state.falls = 0;
  state.before.reset();
  return out;
}

Rule CounterMeter::rule_of_new_course(const Fix& old, const Fix& from) const {
  if (judge_.rescaled(old, from)) return Rule::ratio_change;
  // From 0 to anywhere: it had not been readable.
  return is_zero(old) || judge_.from_zero(old, from) ? Rule::reset : Rule::replaced;
}

// The baseline follows the counter down.
Counted CounterMeter::run_back(const Fix& now, Quality quality, CounterState& state) const {
  const Fix old = *state.baseline;
  const std::int64_t down = (old.second - now.second).quanta();
  const bool stands = state.pending && state.pending->second == now.second;
  state.unbooked += judge_.worth({{old.first, now.second}, now.first, down});
  Counted out{.quality = worse(quality, {Origin::measured, Rule::backwards})};
  out.add({.begin = std::max(old.first, now.first - kSpreadMax),
           .end = now.first,
           .covered = false,
           .quality = {Origin::estimated, Rule::backwards}});
  state.baseline = now;
  state.stands_since = now.first;
  state.abandoned = stands ? std::optional(old) : std::nullopt;
  state.falls = std::max(state.falls, kFallsMax);
  state.pending.reset();
  state.pending_since.reset();
  state.course.clear();
  state.doubts = 0;
  state.before.reset();
  return out;
}

// What was settled or lost before says nothing of what comes.
bool same_course(const CounterState& a, const CounterState& b) {
  const auto known = [](const CounterState& state) {
    return std::tie(state.baseline, state.pending, state.pending_since, state.doubts, state.abandoned,
                    state.stands_since, state.falls, state.before);
  };
  const auto same_reading = [](const CourseReading& x, const CourseReading& y) {
    return x.shown == y.shown && x.float32 == y.float32;
  };
  return known(a) == known(b) && std::ranges::equal(a.course, b.course, same_reading);
}

std::optional<Pending> pending(const CounterState& state) {
  if (!state.pending || !state.baseline) return std::nullopt;
  const Activity step = state.pending->second - state.baseline->second;
  std::string_view reason = "more than the connection delivers";
  if (step < Activity{}) reason = state.falls != 0 ? "the counter ran down a little" : "the counter fell";
  return Pending{.since = state.baseline->first, .at = state.pending->first, .step = step, .reason = reason};
}

}  // namespace carbongate::pipeline

// A value that a counter believed, and that what follows shows to be wrong.
#include <algorithm>
#include <numeric>

#include "gateway/pipeline/counter.h"
#include "gateway/pipeline/counter_steps.h"

namespace carbongate::pipeline {

using model::Activity;
using model::CounterState;
using model::CourseReading;
using model::Origin;
using model::Quality;
using model::Rule;

namespace {

// A step up that is undone is no consumption if the counter is so many times slower then.
constexpr std::int64_t kSlower = 2;

std::int64_t value_of(const Fix& fix) {
  return fix.second.since_zero().quanta();
}

// Since when it shows that value, and what it showed before: of one that stood for the whole doubt, as far as is known.
void settle_at(const Fix& now, CounterState& state) {
  const bool as_before = state.before->second == now.second;
  Instant since = as_before ? state.before->first : now.first;
  std::optional<Fix> other;
  if (!as_before && state.course.empty()) {
    const bool stands = state.pending->second == now.second;
    if (stands) since = state.pending_since.value_or(state.pending->first);
    if (!stands) other = state.pending;
  } else if (!as_before) {
    other = state.before;
    for (const CourseReading& reading : state.course) {
      if (reading.shown.second == now.second) {
        since = reading.shown.first;
        break;
      }
      other = reading.shown;
    }
  }
  state.before = other;
  state.stands_since = since;
}

}  // namespace

bool CounterMeter::follows(const Fix& from, const Fix& now) const {
  const Verdict verdict = judge_.judge(from, now, no_hints()).verdict;
  return now.second >= from.second && (verdict == Verdict::forward || verdict == Verdict::standstill);
}

// Whether the fall to `now` leads back to where the counter was before the baseline, and to no other beginning; of a
// coarse register one that runs back does so by a count or two.
bool CounterMeter::returns_before(const CounterState& state, const Fix& now) const {
  if (!state.before || !follows(*state.before, now)) return false;
  const Fix& wrong = *state.baseline;
  const std::int64_t seen = std::gcd(std::gcd(value_of(*state.before), value_of(wrong)), value_of(now));
  const std::int64_t count = judge_.count() > 0 ? judge_.count() : seen;
  return Wide{value_of(wrong)} - value_of(now) >= Wide{count} * kCountsBack && !judge_.from_zero(wrong, now) &&
         !judge_.rescaled(wrong, now);
}

// Whether the baseline's value was wrong, by the counter going on to `now` from where it was before. That it does so on
// the way, nowhere falling, is known.
bool CounterMeter::was_wrong(const CounterState& state, const Fix& now) const {
  if (!state.before || !state.stands_since || !follows(*state.before, now)) return false;
  const Fix& before = *state.before;
  const Fix& wrong = *state.baseline;
  if (wrong.first - *state.stands_since > now.first - wrong.first) return false;
  const Wide up = Wide{value_of(wrong) - value_of(before)} * (now.first - before.first).count();
  const Wide on = Wide{value_of(now) - value_of(before)} * (*state.stands_since - before.first).count();
  return up >= kSlower * on;
}

// The same, of a course that the counter followed since.
bool CounterMeter::was_wrong(const CounterState& state, std::span<const CourseReading> course) const {
  if (!returns_before(state, course.front().shown)) return false;
  for (std::size_t i = 1; i < course.size(); ++i) {
    if (!follows(course[i - 1].shown, course[i].shown)) return false;
  }
  return was_wrong(state, course.back().shown);
}

// As if the wrong value had never been shown. What flowed until then is booked up to it, and more than that: what is
// behind it is booked here, spread evenly, for which of the readings belongs where is known to restatement.
Counted CounterMeter::withdraw(const Fix& now, Quality quality, CounterState& state) const {
  const Fix before = *state.before;
  const Fix wrong = *state.baseline;
  Counted out{.quality = worse(quality, {Origin::measured, Rule::glitch})};
  Counted whole;
  add_stretches(judge_.judge(before, now, no_hints()), before.first, now.first, out.quality, whole);
  Activity until_wrong;
  for (Movement part : whole) {
    if (part.begin < wrong.first) {
      const Activity first = part.until(std::min(part.end, wrong.first));
      until_wrong += first;
      part.amount -= first;
      part.begin = wrong.first;
    }
    out.add(part);
  }
  out.withdrawn.push_back(
      {.from = before.first,
       .first = *state.stands_since,
       .last = wrong.first,
       .surplus = judge_.worth({before, wrong.first, (wrong.second - before.second).quanta()}) - until_wrong});
  settle_at(now, state);
  state.baseline = now;
  state.abandoned.reset();
  state.falls = 0;
  state.pending.reset();
  state.pending_since.reset();
  state.course.clear();
  state.doubts = 0;
  return out;
}

// One that came late, from between the two: by its order it is what the counter showed last before the baseline.
void CounterMeter::note_before(const Reading& late, CounterState& state) const {
  const bool is_between = state.before && late.at > state.before->first && late.at < *state.stands_since;
  if (!is_between || state.pending) return;
  const auto total = scale_(late.value);
  if (!total || !judge_.holds(*total)) return;
  const Fix shown{late.at, RegisterValue::at(*total)};
  if (shown.second < state.baseline->second && follows(*state.before, shown)) state.before = shown;
}

}  // namespace carbongate::pipeline

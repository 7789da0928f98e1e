// A counter that left its course: whether it comes back, or how long it follows another one.
#include <algorithm>
#include <utility>

#include "gateway/pipeline/counter.h"
#include "gateway/pipeline/counter_steps.h"

namespace carbongate::pipeline {

using model::CounterState;
using model::CourseReading;
using model::Origin;
using model::Quality;
using model::Rule;

// How the register looks if it left its course for good.
struct CounterMeter::Course {
  CounterState counter;
  Counted counted;
};

// From `from` on the register seems to follow another course, on which `reading` is the newest. Nothing is booked yet.
// `since`: what is counted from there is worth.
Counted CounterMeter::leave_course(const Fix& from, const CourseReading& reading, Quality since, CounterState& state,
                                   Doubts doubts) const {
  std::vector<CourseReading> readings{{.shown = from, .float32 = false, .quality = reading.quality}};
  if (from.first < reading.shown.first) readings.push_back({reading.shown, reading.float32, since});
  if (doubts == 0) return enter(readings, state, 0);
  state.course = std::move(readings);
  return wait_on_course(reading, state);
}

Counted CounterMeter::wait_on_course(const CourseReading& reading, CounterState& state) const {
  state.pending = reading.shown;
  return {.quality = worse(reading.quality, {Origin::estimated, Rule::pending})};
}

Counted CounterMeter::follow(const CourseReading& reading, CounterState& state, Doubts doubts) const {
  if (auto back = come_back(reading, state, doubts)) return std::move(*back);
  CounterState once = state;
  const bool may_be_back = return_to_baseline(reading, once, doubts).has_value();
  state.course.push_back(reading);
  Course course = replay(state, doubts);
  if (left_again(course, state)) return catch_up(*course.counted.course_from, state, doubts);
  const bool followed = state.course.size() >= kCourseReadings && !course.counter.pending && !may_be_back;
  if (!followed && state.course.size() < kCourseReadingsMax) return wait_on_course(reading, state);
  if (was_wrong(state, state.course)) return withdraw(reading.shown, reading.quality, state);
  Counted out = std::move(course.counted);
  out.quality = worse(out.quality, {Origin::measured, out.movements.front().quality.rule});
  state = std::move(course.counter);
  return out;
}

bool CounterMeter::left_again(const Course& course, const CounterState& state) const {
  return course.counted.course_from > state.course.front().shown.first;
}

// What stood still and caught up was the old course until it was left: that part is booked.
Counted CounterMeter::catch_up(Instant until, CounterState& state, Doubts doubts) const {
  const std::vector<CourseReading> readings = std::exchange(state.course, {});
  const auto left = std::ranges::find_if(readings, [&](const CourseReading& r) { return r.shown.first >= until; });
  Counted out = enter({readings.begin(), left}, state, doubts - 1);
  for (const CourseReading& reading : std::span(left, readings.end())) {
    const Counted next = count(reading, state, doubts);
    out.append(next);
    out.quality = next.quality;
  }
  return out;
}

// From among the readings of another course, or with the first of them: what they mean is found again with it.
Counted CounterMeter::count_late_on_course(const Reading& reading, Quality quality, CounterState& state) const {
  const auto total = scale_(reading.value);
  if (!total || !judge_.holds(*total)) return {.quality = quality};
  const CourseReading now{.shown = {reading.at, RegisterValue::at(*total)}, .float32 = false, .quality = late(quality)};
  CounterState again = state;
  std::vector<CourseReading> readings = std::exchange(again.course, {});
  if (readings.empty() && state.pending_since == state.pending->first) readings.push_back({*state.pending, false, {}});
  const auto time_of = [](const CourseReading& r) { return r.shown.first; };
  const auto place = std::ranges::lower_bound(readings, reading.at, {}, time_of);
  if (place == readings.end() || place->shown.first == reading.at) return {.quality = quality};
  const bool first = place == readings.begin();
  readings.insert(place, now);
  again.pending.reset();
  again.pending_since.reset();
  again.doubts = 0;
  Counted out{.quality = now.quality};
  for (const CourseReading& r : readings) {
    const Counted next = count(r, again, kDoubtsMax);
    out.append(next);
  }
  // Alone it is not even a doubt: the step waits on.
  const bool begins_it = !again.course.empty() && again.course.front().shown.first == reading.at;
  if (first && again.pending && !begins_it) return {.quality = quality};
  if (again.pending) {
    again.pending_since = std::min(again.pending_since, state.pending_since);
    out.quality = worse(out.quality, {Origin::estimated, Rule::pending});
  }
  state = std::move(again);
  return out;
}

// One reading that fits the old course may be garbage of the other: two of them, one after the other, are back.
std::optional<Counted> CounterMeter::come_back(const CourseReading& reading, CounterState& state, Doubts doubts) const {
  if (state.course.size() == 1) return return_to_baseline(reading, state, doubts);
  CounterState back = state;
  const CourseReading first = back.course.back();
  back.course.pop_back();
  auto out = return_to_baseline(first, back, doubts);
  if (!out) return std::nullopt;
  const Counted next = count(reading, back, doubts);
  if (back.pending) return std::nullopt;
  out->append(next);
  out->quality = worse(next.quality, out->quality);
  state = std::move(back);
  return out;
}

// Back on the old course: all that was seen of another one was a glitch. What would fit both belongs to the new one,
// unless it leaps there and less energy explains it here.
std::optional<Counted> CounterMeter::return_to_baseline(const CourseReading& reading, CounterState& state,
                                                        Doubts doubts) const {
  const Fix& now = reading.shown;
  const Fix baseline = *state.baseline;
  if (stands_at_zero(state) && is_zero(now)) return std::nullopt;  // unreadable again, and no course at all
  const Step step = judge_.judge(baseline, now, hints_of(state, reading.float32));
  if (!is_decided(step.verdict)) return std::nullopt;
  const bool from_zero = stands_at_zero(state) && step.verdict == Verdict::forward;
  if (from_zero && !judge_.delivered_from_zero(baseline, now, judge_.count())) return std::nullopt;

  const Fix first = state.course.front().shown;
  const Course course = replay(state, doubts);
  const auto rolls_over_with_more = [&](const Fix& last) {
    const Step onwards = judge_.judge(last, now, no_hints());
    return onwards.verdict == Verdict::rollover && judge_.worth(step) <= judge_.worth(onwards);
  };
  if (step.verdict == Verdict::rollover &&
      (rolls_over_with_more(*course.counter.baseline) || rolls_over_with_more(state.course.back().shown))) {
    return book(step, now, remark(reading.quality, step, Rule::rollover), state);
  }
  for (const Fix& last : {*course.counter.baseline, state.course.back().shown}) {
    const Verdict next = judge_.judge(last, now, no_hints()).verdict;
    if (next != Verdict::forward && next != Verdict::standstill && next != Verdict::fall) continue;
    const std::int64_t jump = (now.second - last.second).quanta();
    const std::int64_t moved = (last.second - first.second).quanta();
    const bool leaps =
        Wide{jump} * (last.first - first.first).count() > Wide{moved} * 10 * (now.first - last.first).count();
    const bool less = jump > (now.second - baseline.second).quanta() && now.second >= baseline.second;
    if (!(less && (leaps || last.first == first.first))) return std::nullopt;
  }
  if (from_zero) return book(step, now, worse(reading.quality, from_zero_quality()), state);
  const Rule rule = step.verdict == Verdict::rollover ? Rule::rollover : Rule::glitch;
  return book(step, now, remark(reading.quality, step, rule), state);
}

// Counts the course from its beginning. Where the register left it in its turn, the course begins there.
CounterMeter::Course CounterMeter::replay(CounterState& state, Doubts doubts) const {
  for (;;) {
    Course course{.counter = state, .counted = {}};
    course.counter.course.clear();
    course.counted = enter(state.course, course.counter, doubts - 1);
    const bool caught_up_first = state.course.size() > 1 && caught_up(state.course[0].shown, state.course[1], state);
    if (!left_again(course, state) || caught_up_first) return course;
    const Instant from = *course.counted.course_from;
    std::erase_if(state.course, [&](const CourseReading& r) { return r.shown.first < from; });
  }
}

// As if it were known that the register does not come back.
Counted CounterMeter::enter(std::span<const CourseReading> readings, CounterState& state, Doubts doubts) const {
  Counted out;
  const CourseReading& first = readings.front();
  if (readings.size() > 1 && caught_up(first.shown, readings[1], state)) {
    const CourseReading& second = readings[1];
    const Step step = judge_.judge(*state.baseline, second.shown, hints_of(state, second.float32));
    out = book(step, second.shown, worse(second.quality, {Origin::estimated, Rule::stalled}), state);
    readings = readings.subspan(2);
  } else {
    out = start_again(first.shown, first.shown, first.quality, state);
    readings = readings.subspan(1);
  }
  for (const CourseReading& reading : readings) {
    const Counted next = count(reading, state, doubts);
    out.append(next);
    out.quality = next.quality;
    if (next.course_from) out.course_from = next.course_from;
  }
  return out;
}

bool CounterMeter::caught_up(const Fix& first, const CourseReading& second, const CounterState& state) const {
  const Fix& baseline = *state.baseline;
  if (is_zero(baseline) || baseline.second >= first.second || first.second >= second.shown.second) return false;
  // What stands behind the step explains none of it.
  const Fix seen{std::min(state.pending_since.value_or(first.first), first.first), first.second};
  const Hints hints = hints_of(state, second.float32);
  return judge_.judge(baseline, seen, hints).verdict == Verdict::stalled &&
         judge_.judge(baseline, second.shown, hints).verdict == Verdict::stalled;
}

}  // namespace carbongate::pipeline

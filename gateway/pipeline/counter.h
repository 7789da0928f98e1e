// Counters: what the steps of a register mean, by what the connection can deliver and by what follows.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "drivers/api/point.h"
#include "gateway/model/carrier.h"
#include "gateway/model/checkpoint.h"
#include "gateway/pipeline/counter_judge.h"
#include "gateway/pipeline/movement.h"

namespace carbongate::pipeline {

// A counter that leaves its course is believed when it has followed another one for so many readings...
inline constexpr std::size_t kCourseReadings = 12;
// ...or when so many have gone by without a way back.
inline constexpr std::size_t kCourseReadingsMax = 40;
// A fall of fewer counts is one of a counter that runs backwards, and no way back from a wrong value.
inline constexpr std::int64_t kCountsBack = 3;

// Counts the readings of one cumulative point. Constant: what must be remembered is in the CounterState.
//
// The step from the baseline is judged by what the connection can deliver: power_max with 10 % margin, 10 s of full
// load for uneven polling, and one count of a coarse register, as its last values have it. Without power_max: what no
// connection delivers (5 GW), and a step of more than 10 MW waits for the next reading. A reading that is doubtful is
// kept as pending, nothing is booked, and the next ones decide:
//
// | what was seen                                         | it was                | booked                           |
// | a step up that the connection delivers                | consumption           | the step                         |
// | a step down by the rounding of a 32-bit float         | none                  | 0, until it passes there again   |
// | a step down, and through a known end it is plausible  | rollover              | the step through the end         |
// | a replacement was announced, both parts are plausible | replaced              | final - last + now - initial     |
// | doubtful, then back at or above the baseline          | glitch                | the step from the baseline       |
// | more than the connection delivers, and with the next  | pending               | the step, estimated              |
// |   reading, that goes on alike, what it delivers       |                       |                                  |
// | doubtful, following another course from near 0        | reset                 | 0, estimated; then on from there |
// | ... from exactly 0, as the connection delivers since  | reset                 | 0, estimated; then on from 0     |
// |   the last 0                                          |                       |                                  |
// | ... power_max not known, and it goes on alike         | reset                 | the same, all of it estimated    |
// | doubtful, following another course from elsewhere     | replaced, unannounced | 0, estimated; then on from there |
// | ... which is the old one times or by a whole number   | ratio_change          | 0, estimated; then on from there |
// | up by more than since the last reading, less than     | stalled               | the step, once the register has  |
// |   since it last moved (at most 24 h), power_max known |                       | followed the course from there   |
// | down a little, three times in a row                   | backwards             | 0, estimated; and see `unbooked` |
// | down a little, not back within an hour and 12 readings| backwards             | the same                         |
// | ... and on from where it was before its last step up  | glitch: of that step  | from there on; see `withdrawn`   |
// | more than 10 MW, power_max not known, and it goes on  | consumption           | the step, remark pending         |
// |   alike, twice                                        |                       |                                  |
//
// Another course is believed when the register has followed it for kCourseReadings readings; until then it is pending
// and nothing of it is booked. Where it comes back to the old course before, and stays there for two readings, all of
// it was a glitch, however it moved. What leaves the other course while that waits, waits likewise: what comes back to
// it was a glitch on it. Only a third course that is followed as long takes its place, and of the second nothing is
// booked. After kCourseReadingsMax readings without either, what was seen last is taken as it is. When it is believed
// each of its readings is booked where it belongs (counter_course.cc). A rollover out of a course that is not believed
// yet is one of the old course, if that takes less.
// What stands still for an hour and as many readings (at 0: six) is believed too: nothing is booked of it, and a way
// back is still seen. What is possible is judged by the time until the value was first shown: time that goes by while
// it stands explains nothing, unless the register had stood still before and may have caught up, or only showed early
// what flowed by the next readings, at no more than twice the speed of before.
//
// 0 is what an unreadable register shows. So a fall to exactly 0 is a rollover only when the next reading goes on from
// there, and only if the register could pass its end by the first reading at 0: while it stands there nothing passes.
// The like holds for any value that stands. After a reset to 0 it counts from the last 0 (a yield of today that starts
// again each midnight) if the connection delivers the first other value since then; what it delivers only in one count
// of a coarse register, or power_max not known, waits for the next reading. Any other value is one to start from. A 0
// that stands is booked as 0, estimated. A register that never moved since it was given up and returns to its course
// was unreadable: what it moved meanwhile is counted.
//
// A counter that runs backwards: a current transformer turned round, or a net register in the place of one for import.
// What it loses is not subtracted from what was consumed, nor is it forgotten: the interval says so by its rule, and
// the sum is kept in CounterState::unbooked. The baseline follows, so that consumption counts again as soon as there is
// some. A point that is said to be a net register (runs_back) is counted in both directions.
//
// A wrong value that the connection could deliver is believed, and what follows looks like a fall. Where that goes on
// from the reading before it, nowhere falling, for as long as another course must be followed, and slower than the step
// to it was, the counter was there all the time. Its state becomes that of the readings without the wrong ones; how
// much too much is booked is in Counted::withdrawn, and restatement, which leaves those readings out, takes it back.
// Not so where the fall may as well be a reset, a ratio, or less than kCountsBack counts of a coarse register; nor
// where the wrong value was shown for longer than what contradicts it. What passes it before that is decided was no
// fall: its sum is right.
//
// What cannot be told by any reading: a replacement or reset whose new value is a plausible step from the old one, or
// from a 0 between them; an excursion that passes the old course by itself, that looks like a rollover, or lasts longer
// than kCourseReadings; a ratio that changes without the register showing it; power_max not being known, anything below
// 10 MW. A register that is refreshed unevenly near power_max may show steps like those of an exchange: they are not
// booked. Where a step is so long that the register may have gone round unseen, the least that explains it is booked, as
// estimated.
class CounterMeter {
 public:
  CounterMeter(const Point& point, model::ActivityScale scale, const Connection& connection, Duration gap_max);

  // `last_value`: of the newest usable reading before.
  Counted count(const Reading& reading, double last_value, model::Quality quality, model::CounterState& state) const;

  // One that is older than the newest while a step waits: from between the baseline and the first doubtful reading it
  // goes on from the baseline, as it would have in its order, and the step waits on. One from among the readings of
  // another course gets its place there. What is decided so may not be what its order decides: that is for restatement,
  // which will also find the place of what is none of these. The quality of that stays out_of_order.
  Counted count_late(const Reading& reading, model::Quality quality, model::CounterState& state) const;

 private:
  // How many courses, one left for the next, wait until they are believed: on the last of them another one is believed
  // when it is first seen.
  using Doubts = unsigned;
  static constexpr Doubts kDoubtsMax = 2;
  struct Course;

  Counted count(const model::CourseReading& reading, model::CounterState& state, Doubts doubts) const;
  Counted decide(const model::CourseReading& reading, model::CounterState& state, Doubts doubts) const;
  Counted leave_course(const Fix& from, const model::CourseReading& reading, model::Quality since,
                       model::CounterState& state, Doubts doubts) const;
  Counted wait_on_course(const model::CourseReading& reading, model::CounterState& state) const;
  Counted count_late_on_course(const Reading& reading, model::Quality quality, model::CounterState& state) const;
  Counted follow(const model::CourseReading& reading, model::CounterState& state, Doubts doubts) const;
  std::optional<Counted> come_back(const model::CourseReading& reading, model::CounterState& state,
                                   Doubts doubts) const;
  std::optional<Counted> return_to_baseline(const model::CourseReading& reading, model::CounterState& state,
                                            Doubts doubts) const;
  bool left_again(const Course& course, const model::CounterState& state) const;
  Counted catch_up(Instant until, model::CounterState& state, Doubts doubts) const;
  Course replay(model::CounterState& state, Doubts doubts) const;
  Counted enter(std::span<const model::CourseReading> readings, model::CounterState& state, Doubts doubts) const;
  bool caught_up(const Fix& first, const model::CourseReading& second, const model::CounterState& state) const;
  bool slipped(const Fix& first, const Fix& now, const model::CounterState& state) const;
  bool shown_too_soon(const Fix& first, const Fix& now, const model::CounterState& state) const;
  bool stood_before_it_could_roll(const Fix& first, const Fix& now, const model::CounterState& state) const;
  Counted wait(const Fix& now, model::Quality quality, model::CounterState& state) const;
  Counted go_on_from_zero(const Step& step, const Fix& now, model::Quality quality, model::CounterState& state) const;
  bool confirms_from_zero(const Fix& zero, const Fix& pending, const Fix& now, RegisterValue old) const;
  model::Quality from_zero_quality() const;
  Counted decide_fall(const Fix& now, model::Quality quality, model::CounterState& state) const;
  Counted book(const Step& step, const Fix& now, model::Quality quality, model::CounterState& state) const;
  Counted start_again(const Fix& from, const Fix& now, model::Quality quality, model::CounterState& state) const;
  Counted run_back(const Fix& now, model::Quality quality, model::CounterState& state) const;
  bool follows(const Fix& from, const Fix& now) const;
  bool returns_before(const model::CounterState& state, const Fix& now) const;
  bool was_wrong(const model::CounterState& state, const Fix& now) const;
  bool was_wrong(const model::CounterState& state, std::span<const model::CourseReading> course) const;
  Counted withdraw(const Fix& now, model::Quality quality, model::CounterState& state) const;
  void note_before(const Reading& late, model::CounterState& state) const;
  void add_stretches(const Step& step, Instant begin, Instant end, model::Quality quality, Counted& out) const;
  model::Rule rule_of_new_course(const Fix& old, const Fix& from) const;

  model::ActivityScale scale_;
  CounterJudge judge_;
  Duration gap_max_;
};

// Whether both will decide the same of all that comes.
bool same_course(const model::CounterState& a, const model::CounterState& b);

// A step that waits for the next readings to decide.
struct Pending {
  Instant since{};         // nothing after this is counted yet
  Instant at{};            // the newest doubtful reading
  model::Activity step{};  // from what was counted last, in quanta of the register
  std::string_view
      reason{};  // "the counter fell", "the counter ran down a little", "more than the connection delivers"
};
std::optional<Pending> pending(const model::CounterState& state);

}  // namespace carbongate::pipeline

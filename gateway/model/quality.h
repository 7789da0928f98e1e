// How good a figure is, and which rule said so. On every reading, interval, entry and total.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace carbongate::model {

// From best to worst; a sum is as good as its worst part.
enum class Origin : std::uint8_t {
  measured,     // as the meter said
  late,         // measured, but heard too late for live use; counted all the same
  estimated,    // exact in sum, estimated in distribution over time, or beyond a doubtful step
  substituted,  // by a substitution rule
  manual,       // typed in
  missing,      // no usable value: a rejected reading, an entry without a factor
};

// The rule that set an origin other than `measured`; beside `measured` a remark (rollover, reset, glitch, duplicate):
// what the reading decided, while the figure itself is exact. Stable numbers: they are stored. There may be gaps.
enum class Rule : std::uint8_t {
  none = 0,
  not_a_number = 1,   // NaN or infinite
  not_available = 2,  // the device said so
  range = 3,          // outside the point's min..max
  future = 4,         // stamped later than now + tolerance
  stale = 5,          // heard later than stale_after
  out_of_order = 6,   // older than a reading already counted
  duplicate = 7,      // same instant as a reading already counted
  pending = 8,        // a doubtful step of a counter, waiting for the next readings
  glitch = 9,         // a doubtful step that was taken back
  reset = 10,         // the counter started again: new baseline
  rollover = 11,      // the counter went through its end: counted on (a remark, the energy is exact)
  gap = 12,           // longer than gap_max without a reading
  no_factor = 13,     // no emission factor applies
  replaced = 14,      // another meter, or its register set: exact if announced, else a new baseline
  ratio_change = 15,  // the transformers' ratio changed: announced, or the whole register was multiplied by one
  backwards = 16,     // the counter ran down where it must not: not booked, see PointState::unbooked
  stalled = 17,       // the counter stood still and caught up: exact in sum, estimated in distribution over time
  stopped = 20,       // the plant stood still, proven by its own data: a valid zero
  maintenance = 21,   // the instrument was being maintained
  calibration = 22,   // the instrument was being calibrated
  fault = 23,         // the instrument says that it is broken
  // Of a derived point: an input was never heard, is too old, or lies outside of what the formula is valid for.
  input_missing = 24,
  input_stale = 25,
  out_of_validity = 26,
  max_180h = 27,      // substituted by the greatest of the last 180 valid hours (HJ 75)
  max_720h = 28,      // of the last 720
  max_2160h = 29,     // of the last 2160
  same_weekday = 30,  // substituted by the mean of the same hour of the same weekday
  over_range = 31,    // the instrument says that it is beyond its range
  unknown_flag = 32,  // the value is marked by a flag that HJ 212 does not have
  // Heard while nobody knew the time, and counted as a further reading once it is known.
  clock = 33,         // stamped by the gateway
  device_clock = 34,  // stamped by the device
  hour_mean = 35,     // of a valid hour not wholly watched: the mean of what was stands for the rest
  // As `clock` and `device_clock`, of values marked as `stopped` or set by hand.
  clock_stopped = 36,
  device_clock_stopped = 37,
  clock_manual = 38,
  device_clock_manual = 39,
  rejected = 40,  // a reading was rejected on the way: the amount is known, from there on nobody watched how it came
  // A remark: which of the chosen factors did not apply. The standard coal is missing then; the market-based result is
  // that of the next factor in the hierarchy.
  no_coal_factor = 41,
  no_market_factor = 42,
};
inline constexpr std::size_t kRuleCount = 64;  // all numbers are below: the room of tables by rule

struct Quality {
  Origin origin = Origin::measured;
  Rule rule = Rule::none;

  friend constexpr bool operator==(Quality, Quality) = default;
};

constexpr bool usable(Quality q) {
  return q.origin != Origin::missing;
}

// Heard while nobody knew the time.
constexpr bool time_unknown(Rule rule) {
  return rule == Rule::clock || rule == Rule::device_clock ||
         (rule >= Rule::clock_stopped && rule <= Rule::device_clock_manual);
}

// Whether the time of a reading is that of its value: not one from the future, or from a clock that was never set.
constexpr bool stamp_believed(Quality q) {
  return q.rule != Rule::future && !time_unknown(q.rule) && (q.rule != Rule::stale || usable(q));
}

// How much of a figure is not known for want of a factor: 0 nothing.
constexpr int lack_of_factor(Rule rule) {
  return rule == Rule::no_factor ? 3 : rule == Rule::no_coal_factor ? 2 : rule == Rule::no_market_factor ? 1 : 0;
}

// What a counter did over which its register does not say how much flowed.
constexpr bool leaves_unknown(Rule rule) {
  return rule == Rule::reset || rule == Rule::replaced || rule == Rule::ratio_change || rule == Rule::backwards;
}
// Of a register that was announced, or went on from 0, the same rules are remarks: nothing is unknown.
constexpr bool leaves_unknown(Quality q) {
  return q.origin >= Origin::estimated && leaves_unknown(q.rule);
}

// The worse of two. Of two equally good ones the first, unless only the second names a rule, or one that leaves an
// amount unknown: what is lost for good is told before what was only late or unwatched. That a factor was lacking is
// told beside whatever else is wrong: the sum lacks what it would have given.
constexpr Quality worse(Quality a, Quality b) {
  const bool second =
      b.origin != a.origin ? b.origin > a.origin : a.rule == Rule::none || (leaves_unknown(b) && !leaves_unknown(a));
  Quality sum = second ? b : a;
  for (const Rule rule : {a.rule, b.rule}) {
    if (lack_of_factor(rule) > lack_of_factor(sum.rule)) sum.rule = rule;
  }
  return sum;
}

std::string_view to_string(Origin origin);  // "measured"
std::string_view to_string(Rule rule);      // "not-a-number"; "" for none; "unknown" for a number that is no rule
bool is_known(Rule rule);

}  // namespace carbongate::model

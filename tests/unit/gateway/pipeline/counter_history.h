// Histories of counters with faults, made by a generator that knows what flowed. Deterministic: a seed is a history.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <string_view>
#include <vector>

#include "drivers/api/point.h"

namespace carbongate::pipeline {

enum class Fault {
  none,
  zeros,                 // the register reads 0 for 1 to 30 readings, and returns
  spike,                 // one or two readings of garbage
  stuck,                 // the register stands still while energy flows, and catches up within a day
  stale,                 // 1 to 5 readings of values that are a little older
  not_a_number,          // up to 30 readings without a value
  silence,               // up to three days without a reading
  rollover,              // through the end of the register
  rollover_in_silence,   // the same, while nobody read
  zeros_near_the_end,    // zeros just before the register rolls over
  reset,                 // the register starts again at 0
  reset_to_zero,         // the same, and shows exactly 0 for one reading or for hours
  daily,                 // a yield of today: exactly 0 from midnight to the morning
  daily_near_the_end,    // the same, where the yield of the day is near the register's end
  swap_after_zeros,      // the register reads 0, and then another meter's value
  swap_announced,        // another meter; the configuration says what both showed
  swap,                  // another meter, unannounced
  ratio_announced,       // the register knows no transformer; its ratio changes at a date that the configuration names
  rescaled,              // a transformer's ratio is entered into the meter, which multiplies its whole register
  backwards,             // the register runs down for a while
  net,                   // a net register, which may run down
  duplicates,            // readings twice, with the same or another value
  out_of_order,          // readings that arrive after newer ones
  excursion,             // 2 to 10 readings of another course, which moves: above, below or near 0; then back
  excursion_near_end,    // the same near the register's end, of the register or of the other course
  course_and_excursion,  // another meter or a reset, and excursions of 2 to 10 readings within the next 11
  believed,              // one wrong value, or two alike, that the connection could deliver, while little or much flows
  swap_idle,             // another meter a little above, at the stop of a plant: it stands still until that goes on
  frozen_spike,          // one wrong value a little above, shown for up to 20 hours; then back
  several,               // any of the above that a meter survives, several times
  // What no reading can tell. Not held to the goal; the table shows what it costs.
  swap_unseen,   // another meter that starts where the old one might have been
  ratio_unseen,  // a transformer is exchanged, and nobody tells meter or configuration
  kinds
};
std::string_view to_string(Fault fault);

class CounterHistory {
 public:
  CounterHistory(std::uint64_t seed, Fault fault);

  Point point;
  std::vector<Reading> readings;       // in the order in which they arrive
  std::int64_t count_quanta = 0;       // how finely the register counts, in mWh of the point's account
  std::int64_t ran_back = 0;           // mWh, of a register that must not
  bool other_meter = false;            // what the register shows in the end is not what one meter counted from 0
  std::optional<std::int64_t> hidden;  // mWh that no reading shows, where that is known: nothing more may be unknown

  // mWh that flowed until then.
  std::int64_t flowed_until(Instant at) const;

 private:
  std::int64_t below(std::int64_t n) { return static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(n)); }
  bool one_in(std::int64_t n) { return below(n) == 0; }
  std::int64_t between(std::int64_t a, std::int64_t b) { return a + below(b - a + 1); }

  void choose_meter(Fault fault);
  void choose_register(Fault fault);
  void run(Fault fault);
  void cause(Fault fault);
  void flow(Duration time, bool back = false);
  void good(std::int64_t times = 1);
  void show(double value, Instant at);
  void show() { show(shown(), at_); }
  double shown() const;
  double in_unit(std::int64_t counts) const;
  std::int64_t possible(Duration time) const;  // mWh of the register, margins included
  void set_register(std::int64_t mwh);
  bool near_a_rollover(Duration time) const;
  bool can_be_seen_to_fall_to_zero() const;
  bool end_the_day_near_the_end();
  void let_flow_at_least(std::int64_t mwh);
  std::int64_t other_value();
  void wander(Fault fault);
  void start_again_and_wander();
  void show_what_is_believed();
  std::optional<std::int64_t> leap_out_of_reach(Duration standing);
  void swap_after_zeros();
  void swap_at_a_stop();
  void show_a_frozen_spike();
  std::optional<std::int64_t> course_away(Fault fault, std::int64_t readings_away);

  std::mt19937_64 random_;
  Instant at_;
  Duration interval_{};
  std::int64_t power_max_ = 0;  // mW: quanta per hour
  bool power_known_ = true;
  std::int64_t count_ = 0;  // mWh of the register
  std::int64_t range_ = 0;  // mWh of the register; 0: it never rolls over
  bool float32_ = false;
  std::int64_t register_ = 0;               // mWh, never rounded, never wrapped
  std::int64_t highest_ = 0;                // of register_
  std::optional<std::int64_t> old_course_;  // mWh of the register before it was another one: no excursion goes near it
  std::int64_t numerator_ = 1;              // of the transformers: what flows is register * numerator_
  std::int64_t flowed_ = 0;                 // mWh
  std::int64_t load_ = 0;                   // per mille of power_max_
  bool load_is_even_ = false;               // in the next flow as in the one before
  std::map<Instant, std::int64_t> truth_;
};

}  // namespace carbongate::pipeline

#include "tests/unit/gateway/pipeline/counter_history.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

#include "tests/unit/gateway/pipeline/pipeline_fixture.h"

namespace carbongate::pipeline {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t kKwh = 1'000'000;

}  // namespace

std::string_view to_string(Fault fault) {
  constexpr std::string_view kNames[] = {"none",
                                         "zeros",
                                         "spike",
                                         "stuck, then catching up",
                                         "stale values",
                                         "not a number",
                                         "silence",
                                         "rollover",
                                         "rollover in a silence",
                                         "zeros near the end",
                                         "reset",
                                         "reset to exactly 0",
                                         "yield of today",
                                         "yield of today near the end",
                                         "zeros, then another meter",
                                         "swap, announced",
                                         "swap, unannounced",
                                         "ratio change, announced",
                                         "register rescaled",
                                         "running backwards",
                                         "net register",
                                         "duplicates",
                                         "out of order",
                                         "excursion",
                                         "excursion near the end",
                                         "another course, excursion",
                                         "wrong but possible",
                                         "swap at a stop",
                                         "spike that freezes",
                                         "several",
                                         "swap, plausible step",
                                         "ratio change, unannounced"};
  static_assert(std::size(kNames) == static_cast<std::size_t>(Fault::kinds));
  return kNames[static_cast<std::size_t>(fault)];
}

CounterHistory::CounterHistory(std::uint64_t seed, Fault fault) : random_(seed * 1'000'003 + 17) {
  at_ = utc("2024-03-01 00:00") + Duration(below(86'400'000));
  choose_meter(fault);
  choose_register(fault);
  point.kind = Kind::cumulative;
  point.unit = *find_unit("kWh");
  point.limits.interval = interval_;
  if (power_known_) point.limits.power_max_w = static_cast<double>(power_max_) / 1e3;
  run(fault);
}

void CounterHistory::choose_meter(Fault fault) {
  constexpr Duration kIntervals[] = {1s, 10s, 30s, 1min, 5min, 15min, 1h};
  constexpr std::int64_t kPowersKw[] = {10, 30, 100, 250, 630, 2'000};
  interval_ = kIntervals[below(std::size(kIntervals))];
  power_max_ = kPowersKw[below(std::size(kPowersKw))] * kKwh;
  load_ = between(0, 1000);
  if (fault == Fault::daily || fault == Fault::daily_near_the_end)
    interval_ = one_in(2) ? Duration(1min) : Duration(15min);
  if (fault == Fault::believed) interval_ = std::max<Duration>(interval_, 10s);
  if (fault == Fault::course_and_excursion) interval_ = std::min<Duration>(interval_, 15min);
  // What tells such faults is the power of the connection.
  const bool needs_power = fault == Fault::stuck || fault == Fault::net || fault == Fault::rescaled ||
                           fault == Fault::swap_unseen || fault == Fault::swap_after_zeros || fault == Fault::several ||
                           fault == Fault::daily_near_the_end || fault == Fault::course_and_excursion;
  power_known_ = needs_power || !one_in(4);
}

// A register that the connection fills in no less than a week, and that counts at least every ten minutes at full load.
void CounterHistory::choose_register(Fault fault) {
  struct Register {
    int bits;    // 0: digits
    int digits;  // 0: float32 if bits are 0 too
    std::int64_t count;
  };
  constexpr Register kRegisters[] = {{16, 0, kKwh},          {16, 0, kKwh / 10}, {32, 0, kKwh / 1'000},
                                     {32, 0, kKwh / 100},    {32, 0, kKwh / 10}, {48, 0, 1},
                                     {48, 0, 1'000},         {64, 0, 1},         {64, 0, 1'000},
                                     {0, 6, kKwh / 10},      {0, 7, kKwh / 10},  {0, 8, kKwh / 100},
                                     {0, 5, kKwh},           {0, 6, kKwh},       {0, 0, 1},
                                     {32, 0, 4 * kKwh / 10}, {0, 6, 2 * kKwh},   {0, 0, 1}};
  const bool rolls = fault == Fault::rollover || fault == Fault::rollover_in_silence ||
                     fault == Fault::zeros_near_the_end || fault == Fault::several ||
                     fault == Fault::daily_near_the_end || fault == Fault::excursion_near_end;
  for (;;) {
    const Register& r = kRegisters[below(std::size(kRegisters))];
    count_ = r.count;
    float32_ = r.bits == 0 && r.digits == 0;
    const double counts = r.bits != 0 ? std::ldexp(1.0, r.bits) : std::pow(10.0, r.digits);
    const double range = counts * static_cast<double>(count_);
    const bool ends = !float32_ && range < 1e17;
    range_ = ends ? static_cast<std::int64_t>(range) : 0;
    if (count_ > power_max_ / 6 || (ends && range_ < power_max_ * 24 * 7) || (rolls && !ends)) continue;
    if (fault == Fault::rescaled && ends && range_ < 100'000'000 * kKwh / 10) continue;
    if (!ends) {
      point.limits.rollover_at.clear();
    } else {
      point.limits.rollover_at = {range / kKwh};
      // Often it is not known whether a register ends with its bits or its digits.
      if (r.digits != 0 && one_in(2)) {
        point.limits.rollover_at.push_back(std::ldexp(static_cast<double>(count_), r.digits > 4 ? 32 : 16) / kKwh);
      }
    }
    break;
  }
  register_ = between(20'000, 60'000) * kKwh + below(kKwh);
  if (range_ != 0) register_ = range_ / 10 + below(range_ / 2);
  if (range_ != 0) register_ = std::min(register_, 5'000'000 * kKwh + below(kKwh));
  if (float32_) register_ = between(1'000, 200'000) * kKwh + below(kKwh);
  if (fault == Fault::daily) register_ = below(power_max_);
  const bool resets = fault == Fault::daily || fault == Fault::daily_near_the_end || fault == Fault::reset_to_zero ||
                      fault == Fault::swap_after_zeros;
  if (((resets && one_in(2)) || fault == Fault::believed) && !float32_) point.limits.count = in_unit(1);
  const bool tells = fault == Fault::daily || fault == Fault::daily_near_the_end || fault == Fault::reset_to_zero;
  if (tells && power_known_) hidden = 0;
  count_quanta = float32_ ? kKwh / 32 : count_;
}

std::int64_t CounterHistory::possible(Duration time) const {
  const double rate = power_known_ ? static_cast<double>(power_max_) * 1.1 : 10'000.0 * kKwh;
  return static_cast<std::int64_t>(rate * static_cast<double>((time + 20s).count()) / 3.6e6) + 2 * count_quanta +
         kKwh / 10;
}

double CounterHistory::in_unit(std::int64_t counts) const {
  if (float32_) return static_cast<double>(static_cast<float>(static_cast<double>(counts) / kKwh));
  // As a driver scales: an integer times a decimal, rounded once.
  if (count_ >= kKwh) return static_cast<double>(counts * (count_ / kKwh));
  if (kKwh % count_ == 0) return static_cast<double>(counts) / static_cast<double>(kKwh / count_);
  return static_cast<double>(counts * count_) / static_cast<double>(kKwh);
}

double CounterHistory::shown() const {
  const std::int64_t counts = register_ / count_;
  if (range_ == 0) return in_unit(counts);
  return in_unit(counts % (range_ / count_));
}

void CounterHistory::show(double value, Instant at) {
  readings.push_back(reading(PointId{0}, at, value));
}

// The load wanders; what flows does so evenly until the next call.
void CounterHistory::flow(Duration time, bool back) {
  if (!load_is_even_) {
    load_ = std::clamp<std::int64_t>(load_ + between(-150, 150), 0, 1000);
    if (one_in(30)) load_ = 0;
  }
  load_is_even_ = false;
  const std::int64_t per_mille = back ? std::max<std::int64_t>(load_, 200) : load_;
  const auto primary = static_cast<std::int64_t>(static_cast<double>(power_max_) * static_cast<double>(per_mille) /
                                                 1e3 * static_cast<double>(time.count()) / 3.6e6);
  const std::int64_t mwh = primary / numerator_;
  at_ += time;
  set_register(register_ + (back ? -mwh : mwh));
  if (!back) {
    flowed_ += mwh * numerator_;
  } else if (point.limits.runs_back) {
    flowed_ -= mwh * numerator_;
  } else {
    ran_back += mwh * numerator_;  // no consumption, nor anything to subtract from it
  }
  truth_[at_] = flowed_;
}

void CounterHistory::good(std::int64_t times) {
  for (; times > 0; --times) {
    flow(interval_);
    show();
  }
}

std::int64_t CounterHistory::flowed_until(Instant at) const {
  const auto after = truth_.lower_bound(at);
  if (after == truth_.end()) return truth_.rbegin()->second;
  if (after->first == at || after == truth_.begin()) return after->second;
  const auto before = std::prev(after);
  const double share =
      static_cast<double>((at - before->first).count()) / static_cast<double>((after->first - before->first).count());
  return before->second + std::llround(share * static_cast<double>(after->second - before->second));
}

// Whether a fall to 0 within that time might be a rollover: then no reading tells which it was.
bool CounterHistory::near_a_rollover(Duration time) const {
  if (range_ == 0) return false;
  const std::int64_t left = range_ - register_ % range_;
  return left <= possible(time) + power_max_ || (!power_known_ && left < range_ / 8);
}

// Otherwise the first values after a reset might as well be those of the old course.
bool CounterHistory::can_be_seen_to_fall_to_zero() const {
  const std::int64_t steps = power_max_ / 3'600'000 * 4 * interval_.count() + 3 * count_quanta;
  return !near_a_rollover(12h) && (range_ == 0 ? register_ : register_ % range_) > 4 * steps;
}

// As far from the end as the connection delivers within the night, and no poll can hide the way there.
bool CounterHistory::end_the_day_near_the_end() {
  const std::int64_t out_of_reach = possible(interval_) + count_quanta;
  set_register(range_ - std::min(out_of_reach + 4 * possible(interval_) + below(power_max_ * 10), range_ / 2));
  readings.clear();
  truth_.clear();
  flowed_ = 0;
  truth_[at_] = 0;
  show();
  good(3);
  return range_ - register_ > out_of_reach;
}

void CounterHistory::set_register(std::int64_t mwh) {
  register_ = std::max<std::int64_t>(mwh, 0);
  highest_ = std::max(highest_, register_);
}

void CounterHistory::let_flow_at_least(std::int64_t mwh) {
  const std::int64_t until = flowed_ + mwh;
  for (int i = 0; flowed_ < until && i < 500; ++i) {
    load_ = std::max<std::int64_t>(load_, 300);
    good();
  }
}

// Of another meter: neither a step that the connection delivers, up, down or through the end, nor a multiple.
std::int64_t CounterHistory::other_value() {
  const std::int64_t now = range_ == 0 ? register_ : register_ % range_;
  const std::int64_t highest =
      std::min<std::int64_t>(range_ == 0 ? 900'000 * kKwh : range_ - range_ / 8, 3'000'000 * kKwh);
  for (;;) {
    const std::int64_t value = one_in(3) ? below(50 * kKwh) : below(highest);
    const std::int64_t margin = 2 * possible(3h) + power_max_ * 26;  // and not what a register catches up within a day
    if (value >= now - margin / 8 && value <= now + margin) {
      // A narrow register and a long interval leave little that is not plausible.
      if (now - margin / 8 <= 0 && now + margin >= highest) return 0;
      continue;
    }
    if (range_ != 0 && !power_known_ && now > range_ / 8 * 7) return now / 2;
    return value;
  }
}

void CounterHistory::run(Fault fault) {
  truth_[at_] = 0;
  if (fault == Fault::ratio_announced) {
    numerator_ = between(1, 4) * 10;
    point.history.ratios = {{Instant::min(), numerator_, 1}};
  }
  if (fault == Fault::net) point.limits.runs_back = true;
  const bool near_the_end = fault == Fault::rollover || fault == Fault::rollover_in_silence ||
                            fault == Fault::zeros_near_the_end || (fault == Fault::excursion_near_end && one_in(2));
  if (near_the_end) {
    const std::int64_t reach = fault == Fault::rollover_in_silence ? power_max_ : power_max_ / 100 * between(1, 8) / 8;
    set_register(range_ -
                 std::min<std::int64_t>(
                     range_ / 20, below(reach + 1) + interval_.count() * (power_max_ / 3'600'000) * between(1, 20)));
  }
  show();
  good(between(5, 15));
  const std::int64_t times = fault == Fault::several ? between(3, 8) : fault == Fault::none ? 0 : between(1, 2);
  for (std::int64_t i = 0; i < times; ++i) {
    Fault now = fault;
    if (fault == Fault::several) {
      constexpr Fault kSurvived[] = {Fault::zeros,        Fault::spike,      Fault::stuck,        Fault::stale,
                                     Fault::not_a_number, Fault::silence,    Fault::reset,        Fault::swap,
                                     Fault::backwards,    Fault::duplicates, Fault::out_of_order, Fault::excursion};
      now = kSurvived[below(std::size(kSurvived))];
    }
    cause(now);
    good(between(8, 20));
  }
  // Enough for a register of coarse counts to move on.
  let_flow_at_least(3 * count_quanta * numerator_);
  good(8);
  if (float32_) {
    count_quanta = static_cast<std::int64_t>(std::ldexp(static_cast<double>(highest_), -23)) + 1;
  }
  if (!point.history.ratios.empty()) count_quanta *= 40;
}

void CounterHistory::cause(Fault fault) {
  switch (fault) {
    case Fault::none:
    case Fault::several:
    case Fault::kinds: return;
    case Fault::zeros:
      if (near_a_rollover(30 * interval_)) return;
      [[fallthrough]];
    case Fault::zeros_near_the_end:
      for (std::int64_t n = fault == Fault::zeros ? between(1, 30) : between(1, 3); n > 0; --n) {
        flow(interval_);
        show(0.0, at_);
      }
      return;
    case Fault::spike: {
      const double now = shown();
      for (std::int64_t n = between(1, 2); n > 0; --n) {
        flow(interval_);
        const double up =
            static_cast<double>(2 * possible(3h) + power_max_ * 26 + below(4'000'000'000 * kKwh / 1'000)) / kKwh;
        const double garbage[] = {now + up, 4'294'967.295 + now + up, -now - up};
        show(garbage[below(std::size(garbage))], at_);
      }
      return;
    }
    case Fault::stuck: {
      const double stood = shown();
      for (std::int64_t n = std::min<std::int64_t>(between(2, 40), 20h / interval_); n > 0; --n) {
        flow(interval_);
        show(stood, at_);
      }
      good();
      let_flow_at_least(2 * count_quanta);  // it goes on
      return;
    }
    case Fault::stale: {
      const double older = shown();
      good(2);
      for (std::int64_t n = between(1, 5); n > 0; --n) {
        flow(interval_);
        show(older, at_);
      }
      return;
    }
    case Fault::not_a_number:
      for (std::int64_t n = between(1, 30); n > 0; --n) {
        flow(interval_);
        show(std::numeric_limits<double>::quiet_NaN(), at_);
      }
      return;
    case Fault::silence: flow(Duration(between(1, 72 * 3'600'000))); return;
    case Fault::rollover: {
      const std::int64_t end = (register_ / range_ + 1) * range_;
      for (int i = 0; i < 600 && register_ < end; ++i) {
        load_ = std::max<std::int64_t>(load_, 200);
        good();
      }
      return;
    }
    case Fault::rollover_in_silence: flow(Duration(between(1, 6 * 3'600'000))); return;
    case Fault::reset:
    case Fault::swap: {
      const Duration away = one_in(2) ? interval_ : Duration(between(1, 2 * 3'600'000));
      if (near_a_rollover(away + 5 * interval_) ||
          register_ % std::max<std::int64_t>(range_, register_ + 1) < 4 * possible(away + 8 * interval_))
        return;
      const std::int64_t value = fault == Fault::reset ? 0 : other_value();
      flow(away);  // nobody knows when within this time
      set_register(value);
      show();
      load_ = std::max<std::int64_t>(load_, 300);
      return;
    }
    case Fault::daily:
    case Fault::daily_near_the_end:
    case Fault::reset_to_zero: {
      if (fault == Fault::daily) let_flow_at_least(power_max_ / 3'600'000 * 20 * interval_.count() + 15 * count_quanta);
      const bool falls =
          fault == Fault::daily_near_the_end ? end_the_day_near_the_end() : can_be_seen_to_fall_to_zero();
      if (!falls) return;
      const std::int64_t before = flowed_;
      if (fault != Fault::reset_to_zero) {
        // Dark from the evening on.
        at_ += interval_;
        truth_[at_] = flowed_;
        show();
        at_ += interval_;
      } else {
        flow(one_in(2) ? interval_ : Duration(between(1, 2 * 3'600'000)));
      }
      truth_[at_] = flowed_;
      if (hidden) *hidden += flowed_ - before;
      set_register(0);
      show();
      for (std::int64_t n = one_in(3) ? 0 : std::min<std::int64_t>(between(1, 10h / interval_), 700); n > 0; --n) {
        at_ += interval_;
        truth_[at_] = flowed_;
        show();
      }
      // Less than a count in an hour is not seen to go on.
      load_ = between(450, 1000);
      let_flow_at_least(3 * count_quanta);
      return;
    }
    case Fault::swap_after_zeros: return swap_after_zeros();
    case Fault::swap_announced: {
      if (near_a_rollover(2h)) return;
      flow(Duration(between(1, 3'600'000)));
      const std::int64_t last = register_ / count_;
      const Instant truly = at_;
      const std::int64_t value = other_value();
      const std::int64_t kept = range_ == 0 ? last : last % (range_ / count_);
      set_register(value);
      // The installer's watch is right to an hour or so.
      const Duration error = one_in(2) ? 0ms : Duration(between(-3'600'000, 3'600'000));
      const Instant told = truly + error;
      if (!point.history.replaced.empty() && told <= point.history.replaced.back().at) return;
      point.history.replaced.push_back({told, in_unit(kept), shown()});
      flow(Duration(between(1, 1'800'000)));
      show();
      return;
    }
    case Fault::ratio_announced: {
      flow(one_in(2) ? interval_ : interval_ / 3 + 1ms);
      // Without a reading at that moment what moved is divided evenly, which is right where the load was even.
      one_in(2) ? show() : void(load_is_even_ = true);
      numerator_ = between(1, 4) * 10;
      point.history.ratios.push_back({at_, numerator_, 1});
      return;
    }
    case Fault::rescaled: {
      const std::int64_t ratio = between(2, 60);
      set_register(std::max<std::int64_t>(register_ % (10'000 * kKwh), 3'000 * kKwh) + 400 * possible(interval_));
      if (range_ != 0 && (register_ + 100 * possible(interval_)) * ratio > range_) return;
      readings.clear();
      truth_.clear();
      flowed_ = 0;
      truth_[at_] = 0;
      show();
      good(6);
      flow(interval_);
      set_register(register_ * ratio);
      show();
      return;
    }
    case Fault::backwards:
    case Fault::net: {
      if ((range_ == 0 ? register_ : register_ % range_) < 100 * possible(interval_)) return;
      // Three counts at least, or it was not seen.
      if (static_cast<double>(power_max_) / 3.6e6 * static_cast<double>(interval_.count()) * 100 <
          7.0 * static_cast<double>(count_quanta))
        return;
      good();
      const std::int64_t from = register_;
      for (std::int64_t n = between(6, 40); n > 0; --n) {
        flow(interval_, true);
        show();
      }
      for (int i = 0; i < 500 && from - register_ < 6 * count_quanta + from / 2'000'000; ++i) {
        flow(interval_, true);
        show();
      }
      return;
    }
    case Fault::duplicates:
      for (std::int64_t n = between(1, 5); n > 0; --n) {
        good();
        Reading again = readings.back();
        if (one_in(2)) again.value += static_cast<double>(between(-300, 300));
        readings.push_back(again);
      }
      return;
    case Fault::out_of_order: {
      const std::size_t first = readings.size();
      good(between(4, 9));
      for (std::int64_t n = between(1, 3); n > 0; --n) {
        const std::size_t i =
            first + static_cast<std::size_t>(below(static_cast<std::int64_t>(readings.size() - first)));
        const Reading late = readings[i];
        readings.erase(readings.begin() + static_cast<std::ptrdiff_t>(i));
        readings.push_back(late);
      }
      return;
    }
    case Fault::excursion:
    case Fault::excursion_near_end: return wander(fault);
    case Fault::course_and_excursion: return start_again_and_wander();
    case Fault::believed: return show_what_is_believed();
    case Fault::swap_idle: return swap_at_a_stop();
    case Fault::frozen_spike: return show_a_frozen_spike();
    case Fault::swap_unseen:
      flow(interval_);
      set_register(register_ + below(possible(interval_) / 4 + 1));
      show();
      return;
    case Fault::ratio_unseen:
      flow(interval_);
      show();
      // From now on the register sees half of what flows.
      numerator_ *= 2;
      return;
  }
}

}  // namespace carbongate::pipeline

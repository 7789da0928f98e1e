// Excursions of a counter's history: some readings of another course, and back; and what looks like one.
#include <algorithm>
#include <cmath>
#include <iterator>
#include <numeric>

#include "tests/unit/gateway/pipeline/counter_history.h"

namespace carbongate::pipeline {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t kKwh = 1'000'000;

}  // namespace

// Where another course begins that can be told from this one: in mWh of the register. nullopt: no such was found.
std::optional<std::int64_t> CounterHistory::course_away(Fault fault, std::int64_t readings_away) {
  const Duration whole = (readings_away + 3) * interval_;
  const std::int64_t step = power_max_ / 3'600'000 * interval_.count() + count_quanta;
  const std::int64_t now = range_ == 0 ? register_ : register_ % range_;
  const std::int64_t out_of_reach = 2 * possible(std::max<Duration>(whole, 3h)) + power_max_ * 26;
  for (int i = 0; i < 50; ++i) {
    std::int64_t value = 0;
    switch (below(fault == Fault::excursion_near_end ? 6 : 5)) {
      case 0: value = now + out_of_reach + below(100'000 * kKwh); break;
      case 1: value = now * between(2, 12); break;
      case 2: value = now - below(possible(1h)); break;
      case 3: value = now - out_of_reach - below(std::max<std::int64_t>(now, 1)); break;
      case 4: value = below(3 * step); break;
      default: value = range_ - 12 * step - below(10 * step); break;
    }
    if (value < 0 || (range_ != 0 && value + 12 * step > range_)) continue;
    const bool a_little_below = value < now && now - value <= possible(1h) && value >= now / 2 + step;
    const bool above = value > now + out_of_reach;
    // Else the first value back on the course might as well be the next of the other one.
    const bool below_it = value < now && now - value > std::min(40 * step, 2 * possible(whole));
    if (!a_little_below && !above && !below_it) continue;
    if (old_course_ && value >= *old_course_ - out_of_reach / 8 && value <= *old_course_ + out_of_reach) continue;
    if (old_course_ && range_ != 0 && range_ - *old_course_ + value < out_of_reach) continue;
    if (value < now && now - value < (readings_away + 2) * step) continue;  // it would pass the old course by itself
    if (value < now && near_a_rollover(whole) && (!power_known_ || range_ - now + value < 2 * possible(whole)))
      continue;
    return value;
  }
  return std::nullopt;
}

// By no more than the connection delivers, and by enough counts to be told from a register that runs back; a quarter of
// them below. Then until it has passed the value or a doubt is over.
void CounterHistory::show_what_is_believed() {
  const auto even = [this](std::int64_t load, Duration time) {
    load_ = load;
    load_is_even_ = true;
    flow(time);
  };
  constexpr std::int64_t kLoads[] = {0, 2, 10, 40, 80, 300, 900};
  const std::int64_t load = kLoads[below(std::size(kLoads))];
  const Duration away = one_in(4) ? between(2, 6) * interval_ : interval_;
  const std::int64_t now = range_ == 0 ? register_ : register_ % range_;
  const std::int64_t rate = power_known_ ? power_max_ : 9'000 * kKwh;
  const auto most = static_cast<std::int64_t>(static_cast<double>(rate) * static_cast<double>(away.count()) / 3.6e6);
  const std::int64_t least = 12 * count_quanta;
  if (most < 2 * least || now < 8 * most || now < 2 * possible(1h + away) || near_a_rollover(3h)) return;
  if (range_ != 0 && now + 2 * most + 3 * possible(3h) > range_) return;
  even(load, interval_);
  show();
  even(load, away);
  const bool is_low = one_in(4);
  const std::int64_t shown_before = range_ == 0 ? register_ : register_ % range_;
  const std::int64_t wrong = is_low ? now - between(least, most / 2) : now + between(least, most);
  if (!is_low && wrong < shown_before + 4 * count_quanta) return show();
  const double value = in_unit(wrong / count_);
  for (std::int64_t n = one_in(4) ? 2 : 1; n > 0; --n) {
    show(value, at_);
    even(load, interval_);
  }
  show();
  const Instant over = at_ + std::max<Duration>(1h, 12 * interval_) + 3 * interval_;
  while (at_ < over && (range_ == 0 ? register_ : register_ % range_) <= wrong) {
    even(load, interval_);
    show();
  }
}

void CounterHistory::swap_after_zeros() {
  if (!can_be_seen_to_fall_to_zero()) return;
  for (std::int64_t n = one_in(3) ? 1 : std::min<std::int64_t>(between(1, 10h / interval_ + 1), 700); n > 0; --n) {
    flow(interval_);
    show(0.0, at_);
  }
  // Nor what the meter before the last one might show by now.
  const auto fits = [this](std::int64_t value) {
    const bool goes_on = old_course_ && value >= *old_course_ && value <= *old_course_ + 2 * possible(26h);
    return value >= 2 * power_max_ + 4 * possible(interval_) && !goes_on;
  };
  std::int64_t value = 0;
  for (int i = 0; i < 100 && !fits(value); ++i) value = other_value();
  if (!fits(value)) return;
  old_course_ = range_ == 0 ? register_ : register_ % range_;
  flow(interval_);
  set_register(value);
  other_meter = true;
  show();
  load_ = std::max<std::int64_t>(load_, 300);
}

// What the connection cannot deliver from one reading to the next, nor since the register last moved, but perhaps
// within `standing`: mWh of the register. nullopt: nothing that can be told from its end.
std::optional<std::int64_t> CounterHistory::leap_out_of_reach(Duration standing) {
  const auto other = std::ranges::find_if(readings.rbegin(), readings.rend(),
                                          [this](const Reading& r) { return r.value != readings.back().value; });
  if (other == readings.rend() || near_a_rollover(standing + 3h)) return std::nullopt;
  const Duration since_it_moved = at_ + interval_ - other->at;
  const std::int64_t unlike = power_known_ ? 1 : 3;  // a larger connection goes on alike
  const std::int64_t least = unlike * possible(since_it_moved);
  const auto delivered = static_cast<std::int64_t>(static_cast<double>(possible(standing)) *
                                                   static_cast<double>(between(300, 1'100)) / 1e3);
  const std::int64_t now = (range_ == 0 ? register_ : register_ % range_) / count_;
  const std::int64_t leap = (least + delivered) / count_ + 1;
  // By chance the leap may look like some counts of a coarse register.
  const auto mwh = [](double kwh) { return std::llround(kwh * kKwh); };
  if (std::gcd(mwh(shown()), mwh(in_unit(now + leap))) * 8 > leap * count_) return std::nullopt;
  if (range_ != 0 && (now + leap) * count_ + 2 * possible(standing + 3h) > range_ - range_ / 8) return std::nullopt;
  return leap * count_;
}

void CounterHistory::swap_at_a_stop() {
  const std::int64_t standing = std::min<std::int64_t>(between(1, 200), 20h / interval_);
  let_flow_at_least(2 * count_quanta);
  const auto leap = leap_out_of_reach(standing * interval_);
  if (!leap) return;
  const std::int64_t before = flowed_;
  const std::int64_t stands_at = (range_ == 0 ? register_ : register_ % range_) + *leap;
  flow(interval_);
  set_register(stands_at);
  hidden = hidden.value_or(0) + flowed_ - before;
  show();
  for (std::int64_t n = standing; n > 0; --n) {
    at_ += interval_;
    truth_[at_] = flowed_;
    show();
  }
  load_ = std::max<std::int64_t>(load_, 300);
  good(14);
}

// It is above what flows meanwhile.
void CounterHistory::show_a_frozen_spike() {
  const std::int64_t frozen = std::min<std::int64_t>(between(2, 200), 20h / interval_);
  let_flow_at_least(2 * count_quanta);
  const auto leap = leap_out_of_reach(frozen * interval_);
  if (!leap) return;
  const std::int64_t load = one_in(2) ? 0 : between(0, 200);
  const std::int64_t shown_before = range_ == 0 ? register_ : register_ % range_;
  const double value = in_unit((shown_before + *leap) / count_);
  for (std::int64_t n = frozen; n > 0; --n) {
    load_ = load;
    load_is_even_ = true;
    flow(interval_);
    show(value, at_);
  }
  good(4);
}

void CounterHistory::wander(Fault fault) {
  const std::int64_t readings_away = between(2, 10);
  const auto away = course_away(fault, readings_away);
  if (!away) return;
  const bool as_it_flows = one_in(2);
  std::int64_t value = *away;
  for (std::int64_t n = readings_away; n > 0; --n) {
    const std::int64_t before = register_;
    flow(interval_);
    show(in_unit(value / count_), at_);
    value += as_it_flows ? register_ - before : below(power_max_ / 3'600'000 * interval_.count() + 1);
  }
}

// The new course is not believed yet when it is left for the first time, nor perhaps when it is for the second.
void CounterHistory::start_again_and_wander() {
  const std::int64_t before = flowed_;
  const std::size_t shown = readings.size();
  old_course_ = range_ == 0 ? register_ : register_ % range_;
  cause(one_in(2) ? Fault::reset : Fault::swap);
  if (readings.size() == shown) return;
  hidden = hidden.value_or(0) + flowed_ - before;
  good(between(0, 10));
  for (std::int64_t times = between(1, 2); times > 0; --times) {
    wander(Fault::excursion);
    good(between(2, 6));
  }
  good(12);
}

}  // namespace carbongate::pipeline

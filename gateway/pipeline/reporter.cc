#include "gateway/pipeline/reporter.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "gateway/model/hj212_flag.h"
#include "gateway/pipeline/movement.h"

namespace carbongate::pipeline {

using model::OpenInstant;
using model::OpenReport;
using model::ReportSum;
using model::StationFactor;
using model::StationReading;
using Amounts = StationFactor::Amounts;
using namespace std::chrono_literals;

namespace {

constexpr Duration kLateMax = 31 * 24h;  // what comes later still changes no report

// The begin of the part of that length in which `at` lies. Parts begin with the hours on the wall.
Instant floor_to(Instant at, Duration length, Calendar& calendar) {
  const Instant hour = calendar.period(model::Period::hour, at).begin;
  if (1h % length == Duration::zero()) return hour + (at - hour) / length * length;
  const Instant day = calendar.period(model::Period::day, at).begin;
  return day + (at - day) / length * length;
}

void add_value(double value, std::uint32_t count_before, double& sum, double& min, double& max) {
  sum += value;
  min = count_before == 0 ? value : std::min(min, value);
  max = count_before == 0 ? value : std::max(max, value);
}

StationReading scaled(StationReading reading, double scale) {
  reading.value *= scale;
  return reading;
}

}  // namespace

void Reporter::take(const Reports::Heard& heard, double ratio) {
  const bool is_usable = model::usable(heard.quality) && std::isfinite(heard.value);
  const StationReading reading{.at = heard.at, .value = heard.value, .flag = model::to_hj212_flag(heard.quality)};
  const std::optional<Instant> before = newest();
  if (!before) begin_with(reading.at);
  if (before && reading.at > *before && state_.minutes_until) {
    // Those that pass() has told already are told once more if they are heard after all; of an hour that is closed when
    // they are computed again.
    const Instant begin = minute_begin(reading.at);
    if (begin > minute_begin(*before) && begin >= closed_until(*before))
      state_.minutes_until = std::min(*state_.minutes_until, begin);
  }
  for (std::size_t i = 0; i < factors_.size(); ++i) {
    if (factors_[i].amount != heard.point) continue;
    if (factors_[i].amounts != Amounts::differences) {
      if (is_usable) note_amount(i, reading);
      continue;
    }
    add_moved(i, heard);
    auto& latest = state_.latest[2 * factors_.size() + i];
    if (is_usable && (!latest || reading.at > latest->at)) latest = reading;
  }
  end_silence(before, reading.at);
  for (std::size_t i = 0; i < factors_.size(); ++i) {
    const StationFactor& factor = factors_[i];
    if (factor.point == heard.point) note(i, scaled(reading, factor.scale * ratio));
    if (factor.reduced == heard.point) note(factors_.size() + i, scaled(reading, factor.reduced_scale * ratio));
  }
  close_instants(reading.at);
  close_minutes(reading.at, By::data);
}

void Reporter::take_late(const Reports::Heard& heard) {
  for (std::size_t i = 0; i < factors_.size(); ++i) {
    const StationFactor& factor = factors_[i];
    const bool is_ours = factor.point == heard.point || factor.reduced == heard.point || factor.amount == heard.point;
    if (is_ours && heard.quality.rule == model::Rule::out_of_order) note_late(heard.at);
    if (factor.amount == heard.point && factor.amounts == Amounts::differences) add_moved(i, heard);
  }
}

std::optional<Instant> Reporter::newest() const {
  std::optional<Instant> newest;
  for (const auto& latest : state_.latest) {
    if (latest) newest = std::max(newest.value_or(latest->at), latest->at);
  }
  return newest;
}

// The first thing that was ever heard. What it is of was told as silent, where it is older than that it is watched. Of
// other factors more was told before.
void Reporter::begin_with(Instant at) {
  if (state_.instants_through) return;
  if (!state_.begun || at < *state_.begun) state_.begun = at;
  if (state_.minutes_until) state_.minutes_until = std::min(*state_.minutes_until, minute_begin(at));
}

// Before a value is noted that comes after minutes of which none was: which values were fresh then, is known now.
void Reporter::end_silence(std::optional<Instant> newest, Instant at) {
  if (!newest || at <= *newest || !state_.minutes_until) return;
  if (minute_begin(at) <= minute_begin(*newest) + station_.minute) return;
  close_instants(at - 1ms);
  close_minutes(at - 1ms, By::data);
}

// `slot`: a factor, or behind them a factor's reduced value.
void Reporter::note(std::size_t slot, const StationReading& reading) {
  auto& latest = state_.latest[slot];
  if (latest && reading.at <= latest->at) return;
  latest = reading;
  if (OpenInstant* instant = instant_of(reading.at)) {
    // It is the newest value at this instant, and at those behind it that are open.
    for (auto open = state_.instants.begin() + (instant - state_.instants.data()); open != state_.instants.end();
         ++open) {
      open->values[slot] = reading;
    }
  }
  OpenReport* minute = minute_of(reading.at);
  if (!minute) {
    note_late(reading.at);
    return;
  }
  ReportSum& sum = minute->sums[slot % factors_.size()];
  const bool is_reduced = slot >= factors_.size();
  if (!is_reduced) ++sum.total;
  if (!is_valid_flag(reading.flag)) return;
  if (is_reduced) {
    add_value(reading.value, sum.reduced++, sum.reduced_sum, sum.reduced_min, sum.reduced_max);
  } else {
    if (reading.flag == 'F') ++sum.stopped;
    add_value(reading.value, sum.valid++, sum.sum, sum.min, sum.max);
  }
}

// Of a rate what flowed since the reading before, of amounts the amount of its interval.
void Reporter::note_amount(std::size_t i, const StationReading& reading) {
  auto& latest = state_.latest[2 * factors_.size() + i];
  if (latest && reading.at <= latest->at) return;
  const StationFactor& factor = factors_[i];
  const std::optional<StationReading> before = std::exchange(latest, reading);
  if (factor.amounts == Amounts::sums) {
    const double amount = reading.value * factor.amount_scale;
    Instant begin = factor.amount_interval > 0ms ? reading.at - factor.amount_interval : reading.at - 1ms;
    if (before) begin = std::max(begin, before->at);
    const auto whole = static_cast<double>((reading.at - begin).count());
    return spread(i, begin, reading.at,
                  [&](Instant at) { return amount * static_cast<double>((at - begin).count()) / whole; });
  }
  if (!before) return;
  if (reading.at - before->at > factor.gap_max) return add_unwatched(i, reading.at, 0);
  const auto whole = static_cast<double>((reading.at - before->at).count());
  spread(i, before->at, reading.at, [&](Instant at) {
    const auto part = static_cast<double>((at - before->at).count());
    const double then = before->value + (reading.value - before->value) * part / whole;
    return (before->value + then) / 2 * part * factor.amount_scale;
  });
}

void Reporter::add_moved(std::size_t i, const Reports::Heard& heard) {
  for (const Movement& movement : heard.moved) {
    if (movement.hollow()) continue;
    const auto in_units = [&](model::Activity amount) {
      return static_cast<double>(amount.quanta()) / heard.quanta_per_unit * factors_[i].amount_scale;
    };
    if (movement.covered) {
      spread(i, movement.begin, movement.end, [&](Instant at) { return in_units(movement.until(at)); });
    } else {
      add_unwatched(i, movement.end, in_units(movement.amount));
    }
  }
}

void Reporter::spread(std::size_t i, Instant begin, Instant end, const Until& until) {
  double before = 0;
  for (Instant at = begin; at < end;) {
    const Instant next = std::min(end, minute_begin(at) + station_.minute);
    const double upto = until(next);
    add_amount(i, at, upto - before);
    before = upto;
    at = next;
  }
}

void Reporter::add_amount(std::size_t i, Instant at, double amount) {
  if (!is_reported_here(at)) return;
  if (OpenReport* minute = minute_of(at)) {
    minute->sums[i].amount += amount;
    ++minute->sums[i].amounts;
    return;
  }
  note_late(at);
  add_to_open_periods(i, at, amount);
}

// What came together over a silence has been in no period of its own. Of a minute that is told it is told there, when
// that is computed again.
void Reporter::add_unwatched(std::size_t i, Instant end, double amount) {
  if (!is_reported_here(end - 1ms)) return;
  OpenReport* minute = minute_of(end - 1ms);
  if (!minute && note_late(end - 1ms)) return add_to_open_periods(i, end - 1ms, amount);
  if (!minute && state_.minutes_until) minute = minute_of(*state_.minutes_until);
  if (!minute) return;
  minute->sums[i].amount += amount;
  ++minute->sums[i].amounts;
  minute->sums[i].amounts |= kOverSilence;
}

// Of a minute that is told already: what it is a part of and is not has it.
void Reporter::add_to_open_periods(std::size_t i, Instant at, double amount) {
  const Span hour = calendar_.period(model::Period::hour, at);
  const Span day = calendar_.period(model::Period::day, at);
  const auto add_to = [&](std::optional<OpenReport>& period, Instant begin) {
    if (!period) period = open(begin);
    period->sums[i].amount += amount;
    ++period->sums[i].amounts;
  };
  const bool is_open = state_.minutes_until && hour.end > *state_.minutes_until;
  if (is_open && state_.hour && state_.hour->begin < hour.begin) close_hour();  // its last minutes were not heard
  if (is_open || (state_.hour && state_.hour->begin == hour.begin)) return add_to(state_.hour, hour.begin);
  const bool is_day_open = state_.minutes_until && day.end > *state_.minutes_until;
  if (is_day_open && state_.day && state_.day->begin < day.begin) close_day();
  if (is_day_open || (state_.day && state_.day->begin == day.begin)) add_to(state_.day, day.begin);
}

// Of a minute that is told, or has newer values than this one. False: it is too late.
bool Reporter::note_late(Instant at) {
  const std::optional<Instant> told = state_.minutes_until;
  if (!is_reported_here(at) || (told && at < *told - kLateMax)) return false;
  if (!state_.late) state_.late = {.from = at, .until = at};
  state_.late->from = std::min(state_.late->from, at);
  state_.late->until = std::max(state_.late->until, at);
  if (state_.late->readings != std::numeric_limits<std::uint32_t>::max()) ++state_.late->readings;
  return true;
}

Instant Reporter::minute_begin(Instant at) const {
  return floor_to(at, station_.minute, calendar_);
}

// The instant at or after `at`; nullptr: it is reported already.
OpenInstant* Reporter::instant_of(Instant at) {
  if (is_played()) return nullptr;
  Instant when = floor_to(at, station_.real_time, calendar_);
  if (when < at) when += station_.real_time;
  if (state_.instants_through && when <= *state_.instants_through) return nullptr;
  const auto place = std::ranges::lower_bound(state_.instants, when, {}, &OpenInstant::at);
  if (place != state_.instants.end() && place->at == when) return &*place;
  OpenInstant opened{.at = when, .values = {}};
  opened.values.assign(state_.latest.begin(), state_.latest.begin() + static_cast<std::ptrdiff_t>(2 * factors_.size()));
  for (auto& value : opened.values) {
    // Of factors that are further already, an instant in between was opened by none of their readings.
    if (value && value->at > when) value.reset();
  }
  return &*state_.instants.insert(place, std::move(opened));
}

// nullptr: it is told already.
OpenReport* Reporter::minute_of(Instant at) {
  const Instant begin = minute_begin(at);
  const auto place = std::ranges::lower_bound(state_.minutes, begin, {}, &OpenReport::begin);
  if (place != state_.minutes.end() && place->begin == begin) return &*place;
  if (!is_reported_here(begin) || (state_.minutes_until && begin < *state_.minutes_until)) return nullptr;
  return &*state_.minutes.insert(place, open(begin));
}

OpenReport Reporter::open(Instant begin) const {
  return {.begin = begin, .sums = std::vector<ReportSum>(factors_.size())};
}

}  // namespace carbongate::pipeline

#include <algorithm>
#include <array>
#include <cmath>
#include <tuple>
#include <utility>

#include "gateway/pipeline/reporter.h"

namespace carbongate::pipeline {

using model::OpenInstant;
using model::OpenReport;
using model::Report;
using model::ReportKind;
using model::ReportSum;
using model::ReportValue;
using model::StationFactor;
using model::StationReading;
using namespace std::chrono_literals;

namespace {

constexpr Duration kSilentMax = 24h;       // of a longer silence its last minutes are told
constexpr Duration kHeldOpenMax = 1h;      // the minute in which a silence began, for what may come of it
constexpr Duration kAmountWaitMax = 5min;  // for the next reading of what is counted
constexpr std::size_t kOpenMax = 1'000;    // instants or minutes: with a long wait; then the oldest is closed

bool is_over_silence(const ReportSum& sum) {
  return (sum.amounts & kOverSilence) != 0;
}

// As it is told. What has no such digits stays as it is.
double rounded(double value, std::uint8_t decimals) {
  static constexpr std::array kScales{1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                      1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
  constexpr double kWholeMax = 9e15;
  const double scale = kScales.at(std::min<std::size_t>(decimals, kScales.size() - 1));
  return std::abs(value) < kWholeMax / scale ? std::round(value * scale) / scale : value;
}

void extend(double part_min, double part_max, bool is_first, double& min, double& max) {
  min = is_first ? part_min : std::min(min, part_min);
  max = is_first ? part_max : std::max(max, part_max);
}

}  // namespace

// From the first minute that begins from now on, if nothing was ever heard. False: it is watched already.
bool Reporter::watch(Instant now) {
  if (state_.begun || state_.minutes_until || newest()) return false;
  state_.begun = now;
  const Instant begin = minute_begin(now);
  state_.minutes_until = begin < now ? begin + station_.minute : begin;
  return true;
}

bool Reporter::pass(Instant now) {
  const auto shape = [this] {
    return std::tuple(state_.minutes_until, state_.minutes.size(), state_.instants.size(), state_.hour.has_value(),
                      state_.day.has_value());
  };
  const auto before = shape();
  if (!state_.minutes_until && !state_.minutes.empty()) state_.minutes_until = state_.minutes.front().begin;
  close_instants(now - kHeldOpenMax);
  close_minutes(now - kHeldOpenMax, By::clock);
  tell_silent_minutes(told_until(now, By::clock));
  close_what_is_over();
  return before != shape();
}

// An hour or a day of which nothing came for so long after it. It is a matter of what is told, and not of the clock, so
// that one that is played is closed as it was. Of a played day that is over nothing more comes.
void Reporter::close_what_is_over() {
  const bool is_all = is_played() && told_through(calendar_.period(model::Period::day, station_.from).end);
  const auto is_over = [&](Instant end) { return is_all || told_through(end + kHeldOpenMax); };
  if (state_.hour && is_over(calendar_.period(model::Period::hour, state_.hour->begin).end)) close_hour();
  if (!state_.day) return;
  const Instant end = calendar_.period(model::Period::day, state_.day->begin).end;
  if (is_over(end) && (!state_.hour || state_.hour->begin >= end)) close_day();
}

// All minutes before are told, and closed.
bool Reporter::told_through(Instant until) const {
  return state_.minutes_until && *state_.minutes_until >= until &&
         (state_.minutes.empty() || state_.minutes.front().begin >= until);
}

// Up to the end of the hour or the day that it is in, if that is told: what comes of it now is late.
Instant Reporter::closed_until(Instant at) const {
  const Span hour = calendar_.period(model::Period::hour, at);
  if (!told_through(hour.end) || (state_.hour && state_.hour->begin <= hour.begin)) return at;
  const Span day = calendar_.period(model::Period::day, at);
  return told_through(day.end) && (!state_.day || state_.day->begin > day.begin) ? day.end : hour.end;
}

// Whether every factor has been heard of at or beyond then.
bool Reporter::is_passed(Instant at) const {
  for (std::size_t slot = 0; slot < state_.latest.size(); ++slot) {
    if (has_point(slot) && (!state_.latest[slot] || state_.latest[slot]->at < at)) return false;
  }
  return true;
}

bool Reporter::has_point(std::size_t slot) const {
  const StationFactor& factor = factors_[slot % factors_.size()];
  switch (slot / factors_.size()) {
    case 0: return factor.point.has_value();
    case 1: return factor.reduced.has_value();
    default: return factor.amount.has_value();
  }
}

void Reporter::close_instants(Instant heard) {
  while (!state_.instants.empty()) {
    const OpenInstant& oldest = state_.instants.front();
    const bool is_due = heard >= oldest.at + station_.wait || state_.instants.size() > kOpenMax;
    if (!is_due && !is_passed(oldest.at)) return;
    report(oldest);
    state_.instants_through = oldest.at;
    state_.instants.erase(state_.instants.begin());
  }
}

void Reporter::report(const OpenInstant& instant) {
  Report made{.kind = ReportKind::real_time, .begin = instant.at, .end = instant.at, .values = {}};
  for (std::size_t i = 0; i < factors_.size(); ++i) {
    const auto fresh = [&](std::size_t slot) -> const StationReading* {
      const auto& value = instant.values[slot];
      return value && value->at + std::max(station_.real_time, factors_[i].fresh) > instant.at ? &*value : nullptr;
    };
    const StationReading* value = fresh(i);
    const StationReading* reduced = fresh(factors_.size() + i);
    if (!value && !reduced) continue;
    ReportValue shown = begin_value(i);
    const auto number = [](const StationReading* reading) {
      return reading && std::isfinite(reading->value) ? std::optional(reading->value) : std::nullopt;
    };
    shown.figures.value = number(value);
    shown.reduced.value = number(reduced);
    shown.flag = (value ? value : reduced)->flag;
    shown.valid = is_valid_flag(shown.flag) ? 1 : 0;
    made.values.push_back(std::move(shown));
  }
  if (!made.values.empty()) emit_(station_.id, std::move(made));
}

ReportValue Reporter::begin_value(std::size_t i) const {
  ReportValue value;
  value.code = factors_[i].code;
  value.has_reduced = factors_[i].reduced.has_value();
  value.decimals = factors_[i].decimals;
  value.amount_decimals = factors_[i].amount_decimals;
  return value;
}

void Reporter::close_minutes(Instant heard, By by) {
  while (!state_.minutes.empty()) {
    const Instant end = state_.minutes.front().begin + station_.minute;
    if (end > told_until(heard, by) && (is_played() || (state_.minutes.size() <= kOpenMax && !is_passed(end)))) break;
    tell_silent_minutes(state_.minutes.front().begin);
    const OpenReport minute = std::move(state_.minutes.front());
    state_.minutes.erase(state_.minutes.begin());
    state_.minutes_until = std::max(state_.minutes_until.value_or(end), end);
    close_minute(minute, end);
  }
  tell_silent_minutes(told_until(heard, by));
}

// Minutes that end by this time are told when so much was heard, or has gone by without anything: factors that are
// behind were waited for, and what is counted for its next reading, by which its amount is parted.
Instant Reporter::told_until(Instant heard, By by) const {
  Instant until = heard - station_.wait;
  for (std::size_t i = 0; i < factors_.size(); ++i) {
    const auto& latest = state_.latest[2 * factors_.size() + i];
    if (!latest) continue;
    const bool is_known = factors_[i].amount_interval > 0ms;
    if (!is_known && by == By::clock) continue;
    const Instant next = latest->at + (is_known ? factors_[i].amount_interval + station_.wait : factors_[i].gap_max);
    if (heard < next) until = std::min(until, std::max(latest->at, heard - kAmountWaitMax));
  }
  return until;
}

// Those that end by then, and are neither reported nor open: nothing was heard in them.
void Reporter::tell_silent_minutes(Instant until) {
  if (!state_.minutes_until) return;  // nothing was ever
  until = std::min(until, station_.until);
  Instant begin = *state_.minutes_until;
  if (until - begin > kSilentMax) begin = minute_begin(until - kSilentMax);
  for (; begin + station_.minute <= until; begin += station_.minute) {
    if (std::ranges::find(state_.minutes, begin, &OpenReport::begin) != state_.minutes.end()) continue;
    state_.minutes_until = begin + station_.minute;
    Report made = report(ReportKind::minute, open(begin), begin + station_.minute);
    if (!made.values.empty()) emit_(station_.id, std::move(made));
  }
}

// Of a factor without a value in that minute: whether one was due.
bool Reporter::is_silent(std::size_t i, Instant begin) const {
  const StationFactor& factor = factors_[i];
  if (!factor.point && !factor.reduced) return false;
  const Duration fresh = std::max(station_.real_time, factor.fresh);  // three intervals of its point
  if (fresh < 3 * station_.minute) return true;
  const auto& latest = state_.latest[factor.point ? i : factors_.size() + i];
  const std::optional<Instant> since = latest ? std::optional(latest->at) : state_.begun;
  return since && *since < begin && *since + fresh <= begin + station_.minute;
}

void Reporter::close_minute(const OpenReport& minute, Instant end) {
  const Span hour = calendar_.period(model::Period::hour, minute.begin);
  if (state_.hour && state_.hour->begin != hour.begin) close_hour();  // its last minutes were not heard
  const Report made = report(ReportKind::minute, minute, end, state_.hour ? &*state_.hour : nullptr);
  add(state_.hour, hour.begin, minute, made);
  if (!made.values.empty()) emit_(station_.id, made);
  if (end >= hour.end) close_hour();
}

void Reporter::close_hour() {
  const OpenReport hour = *std::exchange(state_.hour, std::nullopt);
  const Instant end = calendar_.period(model::Period::hour, hour.begin).end;
  const Span day = calendar_.period(model::Period::day, hour.begin);
  if (state_.day && state_.day->begin != day.begin) close_day();
  const Report made = report(ReportKind::hour, hour, end);
  add(state_.day, day.begin, hour, made);
  if (!made.values.empty()) emit_(station_.id, made);
  if (end >= day.end) close_day();
}

void Reporter::close_day() {
  const OpenReport day = *std::exchange(state_.day, std::nullopt);
  Report made = report(ReportKind::day, day, calendar_.period(model::Period::day, day.begin).end);
  if (!made.values.empty()) emit_(station_.id, std::move(made));
}

// A period whose mean is valid is one value of the next longer one.
void Reporter::add(std::optional<OpenReport>& to, Instant begin, const OpenReport& part, const Report& made) const {
  if (!to) to = open(begin);
  auto value = made.values.begin();
  for (std::size_t i = 0; i < factors_.size(); ++i) {
    ReportSum& sum = to->sums[i];
    const bool is_told = value != made.values.end() && value->code == factors_[i].code;
    // A day is the sum of its hours as they were told.
    sum.amount += made.kind == ReportKind::hour && is_told ? value->amount.value_or(0) : part.sums[i].amount;
    sum.amounts = (sum.amounts | (part.sums[i].amounts & kOverSilence)) + (part.sums[i].amounts & ~kOverSilence);
    if (!is_told) continue;
    const ReportValue& of_part = *value++;
    if (part.sums[i].total == 0 && part.sums[i].reduced == 0) continue;  // an amount alone
    ++sum.total;
    if (!is_valid_flag(of_part.flag)) continue;
    if (of_part.figures.value) {
      if (of_part.flag == 'F') ++sum.stopped;
      extend(part.sums[i].min, part.sums[i].max, sum.valid == 0, sum.min, sum.max);
      sum.sum += *of_part.figures.value;
      ++sum.valid;
    }
    if (of_part.reduced.value) {
      extend(part.sums[i].reduced_min, part.sums[i].reduced_max, sum.reduced == 0, sum.reduced_min, sum.reduced_max);
      sum.reduced_sum += *of_part.reduced.value;
      ++sum.reduced;
    }
  }
}

// `before`: of a minute its hour so far. What is rounded of an amount goes to the next minute of the hour, so that they
// add up to it.
Report Reporter::report(ReportKind kind, const OpenReport& period, Instant end, const OpenReport* before) const {
  Report made{.kind = kind, .begin = period.begin, .end = end, .values = {}};
  for (std::size_t i = 0; i < factors_.size(); ++i) {
    const ReportSum& sum = period.sums[i];
    const bool has_values = sum.total > 0 || sum.reduced > 0;
    const bool is_without = !has_values && kind == ReportKind::minute && is_silent(i, period.begin);
    if (!has_values && sum.amounts == 0 && !is_without) continue;
    ReportValue value = begin_value(i);
    if (sum.valid > 0) value.figures = {sum.sum / sum.valid, sum.min, sum.max};
    if (sum.reduced > 0) value.reduced = {sum.reduced_sum / sum.reduced, sum.reduced_min, sum.reduced_max};
    if (sum.amounts > 0) {
      const std::uint8_t decimals = value.amount_decimals;
      const double so_far = before ? before->sums[i].amount : 0;
      value.amount = rounded(rounded(so_far + sum.amount, decimals) - rounded(so_far, decimals), decimals);
    }
    value.valid = sum.valid;
    value.total = sum.total;
    value.flag = is_without ? 'B' : flag_of(kind, sum);
    made.values.push_back(std::move(value));
  }
  return made;
}

// Appendix D: of flue gas enough of the next finer values must be normal, of waste water all.
char Reporter::flag_of(ReportKind kind, const ReportSum& sum) const {
  if (sum.total == 0) return is_over_silence(sum) ? 'D' : 'N';  // an amount alone
  bool is_normal = !station_.any_abnormal || sum.valid == sum.total;
  // A day's hours say enough: most of what it tells is its own.
  if (kind != ReportKind::day) is_normal = is_normal && !is_over_silence(sum);
  switch (kind) {
    case ReportKind::minute:
      is_normal = is_normal && sum.valid >= station_.minute_instants && 4ull * sum.valid >= 3ull * sum.total;
      break;
    case ReportKind::hour: {
      const auto of = static_cast<std::uint64_t>(1h / station_.minute);
      is_normal = is_normal && 100ull * sum.valid >= station_.hour_percent * of;
      break;
    }
    case ReportKind::day: is_normal = is_normal && sum.valid >= station_.day_hours; break;
    case ReportKind::real_time: break;
  }
  if (!is_normal) return 'D';
  return 2 * sum.stopped > sum.valid ? 'F' : 'N';
}

}  // namespace carbongate::pipeline

#include "gateway/pipeline/reports.h"

#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>

#include "gateway/model/hj212_flag.h"

namespace carbongate::pipeline {
namespace {

using model::OpenInstant;
using model::OpenReport;
using model::Report;
using model::ReportKind;
using model::ReportSum;
using model::ReportValue;
using model::Station;
using model::StationFactor;
using model::StationReading;
using model::StationState;
using namespace std::chrono_literals;

constexpr Duration kSilentMax = 24h;     // of a longer silence its last minutes are told
constexpr Duration kHeldOpenMax = 1h;    // the minute in which a silence began, for what may come of it
constexpr std::size_t kOpenMax = 1'000;  // instants or minutes: with a long wait; then the oldest is closed

// In ReportSum::amounts, above the count: some of it came together over a silence.
constexpr std::uint32_t kOverSilence = 1U << 31;

void count_amount(std::uint32_t& amounts, bool is_watched) {
  ++amounts;
  if (!is_watched) amounts |= kOverSilence;
}

bool is_over_silence(const ReportSum& sum) {
  return (sum.amounts & kOverSilence) != 0;
}

bool is_valid(char flag) {
  return flag == 'N' || flag == 'F';
}

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

// What one station reports; made for one reading.
class Reporter {
 public:
  Reporter(const Station& station, Calendar& calendar, StationState& state, const Reports::Emit& emit)
      : station_(station), factors_(station.factors), calendar_(calendar), state_(state), emit_(emit) {}

  // `ratio`: of the transformers at that time.
  void take(const Reports::Heard& heard, double ratio) {
    const bool is_usable = model::usable(heard.quality) && std::isfinite(heard.value);
    const StationReading reading{.at = heard.at, .value = heard.value, .flag = model::to_hj212_flag(heard.quality)};
    end_silence(reading.at);
    for (std::size_t i = 0; i < factors_.size(); ++i) {
      const StationFactor& factor = factors_[i];
      if (factor.point == heard.point) note(i, scaled(reading, factor.scale * ratio));
      if (factor.reduced == heard.point) note(factors_.size() + i, scaled(reading, factor.reduced_scale * ratio));
      if (factor.amount != heard.point) continue;
      if (factor.amounts == StationFactor::Amounts::differences) {
        note_moved(i, reading, heard, is_usable);
      } else {
        note_amount(i, reading, is_usable);
      }
    }
    close_instants(reading.at);
    close_minutes(reading.at);
  }

  // What is decided of a counter only now, or came late, is in the first minute that is not reported yet.
  void take_late(const Reports::Heard& heard) {
    for (std::size_t i = 0; i < factors_.size(); ++i) {
      const bool is_counter = factors_[i].amounts == StationFactor::Amounts::differences;
      if (is_counter && factors_[i].amount == heard.point && heard.moved) add_moved(i, heard);
    }
  }

  bool pass(Instant now) {
    const auto before = std::tuple(state_.minutes_until, state_.minutes.size(), state_.instants.size());
    close_instants(now - kHeldOpenMax);
    close_minutes(now - kHeldOpenMax);
    tell_silent_minutes(now - station_.wait);
    return before != std::tuple(state_.minutes_until, state_.minutes.size(), state_.instants.size());
  }

 private:
  // Before a reading is noted that comes after minutes of which none was: which values were fresh then, is known now.
  // Those that pass() has told already are told once more if they are heard after all.
  void end_silence(Instant at) {
    std::optional<Instant> newest;
    for (const auto& latest : state_.latest) {
      if (latest) newest = std::max(newest.value_or(latest->at), latest->at);
    }
    if (!newest || at <= *newest || !state_.minutes_until) return;
    const Instant begin = floor_to(at, station_.minute, calendar_);
    const Instant silent_from = floor_to(*newest, station_.minute, calendar_) + station_.minute;
    if (begin < silent_from) return;
    state_.minutes_until = std::min(*state_.minutes_until, begin);
    if (begin == silent_from) return;
    close_instants(at - 1ms);
    close_minutes(at - 1ms);
  }

  static StationReading scaled(StationReading reading, double scale) {
    reading.value *= scale;
    return reading;
  }

  // `slot`: a factor, or behind them a factor's reduced value.
  void note(std::size_t slot, const StationReading& reading) {
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
    if (OpenReport* minute = minute_of(reading.at)) {
      ReportSum& sum = minute->sums[slot % factors_.size()];
      const bool is_reduced = slot >= factors_.size();
      if (!is_reduced) ++sum.total;
      if (!is_valid(reading.flag)) return;
      if (is_reduced) {
        add_value(reading.value, sum.reduced++, sum.reduced_sum, sum.reduced_min, sum.reduced_max);
      } else {
        if (reading.flag == 'F') ++sum.stopped;
        add_value(reading.value, sum.valid++, sum.sum, sum.min, sum.max);
      }
    }
  }

  void note_amount(std::size_t i, const StationReading& reading, bool is_usable) {
    auto& latest = state_.latest[2 * factors_.size() + i];
    if (!is_usable || (latest && reading.at <= latest->at)) return;
    const StationFactor& factor = factors_[i];
    double amount = 0;
    bool is_watched = true;
    if (factor.amounts == StationFactor::Amounts::sums) {
      amount = reading.value;
    } else if (!latest) {
      latest = reading;
      return;
    } else if (reading.at - latest->at <= factor.gap_max) {
      amount = (reading.value + latest->value) / 2 * static_cast<double>((reading.at - latest->at).count());
    } else {
      is_watched = false;
    }
    OpenReport* minute = minute_of(reading.at - 1ms);  // what came together until its end is in it
    if (!minute && factor.amounts != StationFactor::Amounts::integrals) return;  // the next difference has it
    latest = reading;
    if (!minute) return;
    minute->sums[i].amount += amount * factor.amount_scale;
    count_amount(minute->sums[i].amounts, is_watched);
  }

  void note_moved(std::size_t i, const StationReading& reading, const Reports::Heard& heard, bool is_usable) {
    auto& latest = state_.latest[2 * factors_.size() + i];
    if (heard.moved) add_moved(i, heard);
    if (is_usable && (!latest || reading.at > latest->at)) latest = reading;
  }

  void add_moved(std::size_t i, const Reports::Heard& heard) {
    OpenReport* minute = minute_of(heard.at - 1ms);
    if (!minute && state_.minutes_until) minute = minute_of(*state_.minutes_until);
    if (!minute) return;
    minute->sums[i].amount += *heard.moved * factors_[i].amount_scale;
    count_amount(minute->sums[i].amounts, heard.watched);
  }

  // The instant at or after `at`; nullptr: it is reported already.
  OpenInstant* instant_of(Instant at) {
    Instant when = floor_to(at, station_.real_time, calendar_);
    if (when < at) when += station_.real_time;
    if (state_.instants_through && when <= *state_.instants_through) return nullptr;
    const auto place = std::ranges::lower_bound(state_.instants, when, {}, &OpenInstant::at);
    if (place != state_.instants.end() && place->at == when) return &*place;
    OpenInstant opened{.at = when, .values = {}};
    opened.values.assign(state_.latest.begin(),
                         state_.latest.begin() + static_cast<std::ptrdiff_t>(2 * factors_.size()));
    for (std::size_t slot = 0; slot < opened.values.size(); ++slot) {
      auto& value = opened.values[slot];
      // Of factors that are further already, an instant in between was opened by none of their readings.
      if (value && value->at > when) value.reset();
    }
    return &*state_.instants.insert(place, std::move(opened));
  }

  OpenReport* minute_of(Instant at) {
    const Instant begin = floor_to(at, station_.minute, calendar_);
    const auto place = std::ranges::lower_bound(state_.minutes, begin, {}, &OpenReport::begin);
    if (place != state_.minutes.end() && place->begin == begin) return &*place;
    if (state_.minutes_until && begin < *state_.minutes_until) return nullptr;
    return &*state_.minutes.insert(place, {.begin = begin, .sums = std::vector<ReportSum>(factors_.size())});
  }

  // Whether every factor has been heard of at or beyond then.
  bool is_passed(Instant at) const {
    for (std::size_t slot = 0; slot < state_.latest.size(); ++slot) {
      if (has_point(slot) && (!state_.latest[slot] || state_.latest[slot]->at < at)) return false;
    }
    return true;
  }

  bool has_point(std::size_t slot) const {
    const StationFactor& factor = factors_[slot % factors_.size()];
    switch (slot / factors_.size()) {
      case 0: return factor.point.has_value();
      case 1: return factor.reduced.has_value();
      default: return factor.amount.has_value();
    }
  }

  void close_instants(Instant heard) {
    while (!state_.instants.empty()) {
      const OpenInstant& oldest = state_.instants.front();
      const bool is_due = heard >= oldest.at + station_.wait || state_.instants.size() > kOpenMax;
      if (!is_due && !is_passed(oldest.at)) return;
      report(oldest);
      state_.instants_through = oldest.at;
      state_.instants.erase(state_.instants.begin());
    }
  }

  void report(const OpenInstant& instant) {
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
      shown.valid = is_valid(shown.flag) ? 1 : 0;
      made.values.push_back(std::move(shown));
    }
    if (!made.values.empty()) emit_(station_.id, std::move(made));
  }

  ReportValue begin_value(std::size_t i) const {
    ReportValue value;
    value.code = factors_[i].code;
    value.has_reduced = factors_[i].reduced.has_value();
    value.decimals = factors_[i].decimals;
    value.amount_decimals = factors_[i].amount_decimals;
    return value;
  }

  void close_minutes(Instant heard) {
    while (!state_.minutes.empty()) {
      const Instant end = state_.minutes.front().begin + station_.minute;
      const bool is_due = heard >= end + station_.wait || state_.minutes.size() > kOpenMax;
      if (!is_due && !is_passed(end)) break;
      tell_silent_minutes(state_.minutes.front().begin);
      const OpenReport minute = std::move(state_.minutes.front());
      state_.minutes.erase(state_.minutes.begin());
      state_.minutes_until = std::max(state_.minutes_until.value_or(end), end);
      close_minute(minute, end);
    }
    tell_silent_minutes(heard - station_.wait);
  }

  // Those that end by then, and are neither reported nor open: nothing was heard in them.
  void tell_silent_minutes(Instant until) {
    if (!state_.minutes_until) return;  // nothing was ever
    Instant begin = *state_.minutes_until;
    if (until - begin > kSilentMax) begin = floor_to(until - kSilentMax, station_.minute, calendar_);
    for (; begin + station_.minute <= until; begin += station_.minute) {
      if (std::ranges::find(state_.minutes, begin, &OpenReport::begin) != state_.minutes.end()) continue;
      state_.minutes_until = begin + station_.minute;
      const OpenReport silent{.begin = begin, .sums = std::vector<ReportSum>(factors_.size())};
      Report made = report(ReportKind::minute, silent, begin + station_.minute);
      if (!made.values.empty()) emit_(station_.id, std::move(made));
    }
  }

  // Of a factor without a value in that minute: whether one was due.
  bool is_silent(std::size_t i, Instant begin) const {
    const StationFactor& factor = factors_[i];
    if (!factor.point && !factor.reduced) return false;
    const Duration fresh = std::max(station_.real_time, factor.fresh);  // three intervals of its point
    if (fresh < 3 * station_.minute) return true;
    const auto& latest = state_.latest[factor.point ? i : factors_.size() + i];
    return latest && latest->at < begin && latest->at + fresh <= begin + station_.minute;
  }

  void close_minute(const OpenReport& minute, Instant end) {
    const Span hour = calendar_.period(model::Period::hour, minute.begin);
    if (state_.hour && state_.hour->begin != hour.begin) close_hour();  // its last minutes were not heard
    const Report made = report(ReportKind::minute, minute, end);
    add(state_.hour, hour.begin, minute, made);
    if (!made.values.empty()) emit_(station_.id, made);
    if (end >= hour.end) close_hour();
  }

  void close_hour() {
    const OpenReport hour = *std::exchange(state_.hour, std::nullopt);
    const Instant end = calendar_.period(model::Period::hour, hour.begin).end;
    const Span day = calendar_.period(model::Period::day, hour.begin);
    if (state_.day && state_.day->begin != day.begin) close_day();
    const Report made = report(ReportKind::hour, hour, end);
    add(state_.day, day.begin, hour, made);
    if (!made.values.empty()) emit_(station_.id, made);
    if (end >= day.end) close_day();
  }

  void close_day() {
    const OpenReport day = *std::exchange(state_.day, std::nullopt);
    Report made = report(ReportKind::day, day, calendar_.period(model::Period::day, day.begin).end);
    if (!made.values.empty()) emit_(station_.id, std::move(made));
  }

  // A period whose mean is valid is one value of the next longer one.
  void add(std::optional<OpenReport>& to, Instant begin, const OpenReport& part, const Report& made) const {
    if (!to) to = OpenReport{.begin = begin, .sums = std::vector<ReportSum>(factors_.size())};
    auto value = made.values.begin();
    for (std::size_t i = 0; i < factors_.size(); ++i) {
      ReportSum& sum = to->sums[i];
      sum.amount += part.sums[i].amount;
      sum.amounts = (sum.amounts | (part.sums[i].amounts & kOverSilence)) + (part.sums[i].amounts & ~kOverSilence);
      if (value == made.values.end() || value->code != factors_[i].code) continue;
      const ReportValue& of_part = *value++;
      if (part.sums[i].total == 0 && part.sums[i].reduced == 0) continue;  // an amount alone
      ++sum.total;
      if (!is_valid(of_part.flag)) continue;
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

  static void extend(double part_min, double part_max, bool is_first, double& min, double& max) {
    min = is_first ? part_min : std::min(min, part_min);
    max = is_first ? part_max : std::max(max, part_max);
  }

  Report report(ReportKind kind, const OpenReport& period, Instant end) const {
    Report made{.kind = kind, .begin = period.begin, .end = end, .values = {}};
    for (std::size_t i = 0; i < factors_.size(); ++i) {
      const ReportSum& sum = period.sums[i];
      const bool has_values = sum.total > 0 || sum.reduced > 0;
      const bool is_without = !has_values && kind == ReportKind::minute && is_silent(i, period.begin);
      if (!has_values && sum.amounts == 0 && !is_without) continue;
      ReportValue value = begin_value(i);
      if (sum.valid > 0) value.figures = {sum.sum / sum.valid, sum.min, sum.max};
      if (sum.reduced > 0) value.reduced = {sum.reduced_sum / sum.reduced, sum.reduced_min, sum.reduced_max};
      if (sum.amounts > 0) value.amount = sum.amount;
      value.valid = sum.valid;
      value.total = sum.total;
      value.flag = is_without ? 'B' : flag_of(kind, sum);
      made.values.push_back(std::move(value));
    }
    return made;
  }

  // Appendix D: of flue gas enough of the next finer values must be normal, of waste water all.
  char flag_of(ReportKind kind, const ReportSum& sum) const {
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

  const Station& station_;
  const std::vector<StationFactor>& factors_;
  Calendar& calendar_;
  StationState& state_;
  const Reports::Emit& emit_;
};

}  // namespace

double Reports::ratio_at(PointId point, Instant at) const {
  const Point& of = points_.at(index(point));
  double ratio = 1;
  if (of.kind != Kind::cumulative) return ratio;
  for (const TransformerRatio& one : of.history.ratios) {
    if (one.from <= at) ratio = static_cast<double>(one.numerator) / static_cast<double>(one.denominator);
  }
  return ratio;
}

Reports::Reports(const std::vector<model::Station>& stations, const std::vector<Point>& points,
                 std::vector<model::StationState>& states)
    : stations_(stations), points_(points), stations_of_(points.size()) {
  states.resize(stations.size());
  for (const Station& station : stations) {
    const std::size_t i = index(station.id);
    const std::size_t factors = station.factors.size();
    // Those of another list of factors say nothing of these.
    const auto fits = [factors](const OpenReport& open) { return open.sums.size() == factors; };
    StationState& state = states[i];
    const bool is_ours =
        state.latest.size() == 3 * factors && std::ranges::all_of(state.minutes, fits) &&
        (!state.hour || fits(*state.hour)) && (!state.day || fits(*state.day)) &&
        std::ranges::all_of(state.instants, [&](const OpenInstant& open) { return open.values.size() == 2 * factors; });
    if (!is_ours) {
      state = StationState{.latest = {},
                           .instants = {},
                           .instants_through = state.instants_through,
                           .minutes = {},
                           .minutes_until = state.minutes_until,
                           .hour = {},
                           .day = {}};
    }
    state.latest.resize(3 * factors);
    const auto note = [&](const std::optional<PointId>& point) {
      if (!point) return;
      std::vector<std::size_t>& known = stations_of_.at(index(*point));
      if (std::ranges::find(known, i) == known.end()) known.push_back(i);
    };
    for (const StationFactor& factor : station.factors) {
      note(factor.point);
      note(factor.reduced);
      note(factor.amount);
    }
  }
}

void Reports::take(std::size_t station, const Heard& heard, Calendar& calendar, StationState& state,
                   const Emit& emit) const {
  using model::Rule;
  const Rule rule = heard.quality.rule;
  Reporter reporter(stations_.at(station), calendar, state, emit);
  if (rule == Rule::duplicate || rule == Rule::out_of_order || !model::stamp_believed(heard.quality)) {
    reporter.take_late(heard);
  } else {
    reporter.take(heard, ratio_at(heard.point, heard.at));
  }
}

bool Reports::pass(std::size_t station, Instant now, Calendar& calendar, StationState& state, const Emit& emit) const {
  return Reporter(stations_.at(station), calendar, state, emit).pass(now);
}

}  // namespace carbongate::pipeline

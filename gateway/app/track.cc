// What is kept of the readings of one point, and what they tell of each other.
#include <algorithm>
#include <cmath>
#include <limits>
#include <ranges>
#include <tuple>
#include <utility>

#include "gateway/app/window_readings.h"
#include "gateway/model/hj212_flag.h"
#include "gateway/pipeline/remainder.h"

namespace carbongate::app {

namespace {

using namespace std::chrono_literals;
using pipeline::kDoubtLasts;
using store::History;

constexpr std::size_t kLateLeadMax = 2'000;  // of before the window, but behind its place in the journal
// A counter that shows the same for long: more than any doubt lasts at both ends, and nothing between.
constexpr std::ptrdiff_t kRunEnds = pipeline::kCourseReadingsMax + 8;
constexpr std::size_t kBehindMax = pipeline::kReadingsBehind;
constexpr std::size_t kFrontMax = 20'000;  // of before the window; then those that count for nothing are lead as well

// Of one of several inputs: more than a doubt lasts and a round of the sum takes.
constexpr std::ptrdiff_t kReadingsAround = pipeline::kCourseReadings + 8;
// Before a late one: as many as may have waited for a decision.
constexpr std::ptrdiff_t kReadingsDivided = pipeline::kCourseReadings + 4;
// Of a counter a late reading may begin, decide or lengthen a doubt: of two courses, one left for the other, as long as
// each may wait.
constexpr std::size_t kReadingsInDoubt = 2 * pipeline::kCourseReadingsMax + pipeline::kCourseReadings;

}  // namespace

Track::Track(const Point& point, std::span<const Repair> repairs, bool counted)
    : point_(point), counted_(counted), lead_found_(point.kind, point.limits.runs_back) {
  for (const Repair& repair : repairs) {
    if (repair.point == point.id) repairs_.push_back(&repair);
  }
}

void Track::begin(Instant start, Instant to) {
  start_ = start;
  to_ = to;
  rejected_.clear();
  rejected_around_ = 0;
  readings_.clear();
  lead_.clear();
  front_.clear();
  front_rejected_.clear();
  rejected_in_row_ = 0;
  run_ = 0;
  lead_known_ = false;
  behind_.clear();
  trimmed_behind_ = false;
  late_.clear();
  stands_ = {};
  not_repaired_ = 0;
  lead_found_ = pipeline::Lead(point_.kind, point_.limits.runs_back);
}

void Track::take(const History::RawReading& reading) {
  const auto stored = usable(reading);
  if (!stored) {
    const auto rejected = this->rejected(reading);
    if (!rejected) return;
    // Those next to the window come first.
    const bool is_around = rejected->at < start_ || rejected->at >= to_;
    if (!is_around || ++rejected_around_ <= 2 * kLateLeadMax) rejected_.push_back(*rejected);
    return;
  }
  if (stored->at < start_) {
    lead_.push_back(*stored);
    if (lead_.size() > 2 * kLateLeadMax) trim_lead();
  } else if (stored->at < to_) {
    readings_.push_back(*stored);
  } else {
    behind_.push_back(*stored);
    if (behind_.size() > 4 * kBehindMax) trim_behind();
  }
}

void Track::take_lead(const History::RawReading& reading) {
  const auto stored = usable(reading);
  if (!stored) {
    if (const auto rejected = this->rejected(reading)) keep_rejected_in_front(*rejected);
    return;
  }
  if (counts(stored->value) || front_.size() >= kFrontMax) lead_found_.note(stored->at, stored->value);
  keep_in_front(*stored);
}

// A night of values below 0, or out of the limits, tells nothing of the state before it.
bool Track::counts(double value) const {
  const PointLimits& limits = point_.limits;
  if (value < limits.min.value_or(value) || value > limits.max.value_or(value)) return false;
  return value >= 0 || limits.min || point_.kind == Kind::cumulative || !counted_;
}

void Track::keep_in_front(const StoredReading& reading) {
  rejected_in_row_ = 0;
  if (front_.empty() || front_.back().value != reading.value) run_ = front_.size();
  front_.push_back(reading);
  const auto run = front_.begin() + static_cast<std::ptrdiff_t>(run_);
  if (point_.kind == Kind::cumulative && front_.end() - run == 3 * kRunEnds) {
    const auto between = run + kRunEnds;
    front_.erase(between, between + kRunEnds);
  }
}

// What lies between the ends changes nothing behind them.
void Track::keep_rejected_in_front(const StoredReading& reading) {
  if (rejected_in_row_ == 2) {
    front_rejected_.back() = reading;
  } else if (front_rejected_.size() < kLateLeadMax) {
    front_rejected_.push_back(reading);
    ++rejected_in_row_;
  }
}

void Track::take_lead(const KnownLead& known) {
  auto rejected = known.rejected.begin();
  for (const StoredReading& reading : known.readings) {
    for (; rejected != known.rejected.end() && rejected->sequence > reading.sequence; ++rejected) {
      keep_rejected_in_front(*rejected);
    }
    keep_in_front(reading);
  }
  for (; rejected != known.rejected.end(); ++rejected) keep_rejected_in_front(*rejected);
  lead_found_ = known.found;
  lead_known_ = true;
}

Instant Track::enough_from() {
  trim_behind();
  if (!trimmed_behind_) return Instant::max();  // who says that it has enough must know that there was more
  return std::ranges::max(behind_, {}, &StoredReading::at).at;
}

void Track::settle() {
  trim_lead();
  trim_behind();
  readings_.insert(readings_.end(), front_.begin(), front_.end());
  readings_.insert(readings_.end(), lead_.begin(), lead_.end());
  readings_.insert(readings_.end(), behind_.begin(), behind_.end());
  rejected_.insert(rejected_.end(), front_rejected_.begin(), front_rejected_.end());
  std::ranges::sort(readings_, earlier);
  std::ranges::sort(rejected_, earlier);
  // Late is what came after a newer one.
  std::uint64_t first_heard = std::numeric_limits<std::uint64_t>::max();
  const auto note = [&first_heard](StoredReading& reading) {
    reading.late = reading.left_out || reading.sequence > first_heard;
    first_heard = std::min(first_heard, reading.sequence);
  };
  auto rejected = rejected_.rbegin();
  for (StoredReading& reading : std::views::reverse(readings_)) {
    for (; rejected != rejected_.rend() && earlier(reading, *rejected); ++rejected) note(*rejected);
    note(reading);
  }
  for (; rejected != rejected_.rend(); ++rejected) note(*rejected);
  for (std::size_t i = 0; i < readings_.size(); ++i) {
    if (readings_[i].late) late_.push_back(around(i));
  }
  for (const StoredReading& reading : rejected_) {
    if (reading.late) late_.push_back(around_rejected(reading));
  }
}

bool Track::has_lead_without(std::uint64_t behind, Instant begin) const {
  pipeline::Lead lead(point_.kind, point_.limits.runs_back);
  for (const StoredReading& reading : readings_) {
    if (reading.at >= begin) break;
    if (reading.left_out && reading.sequence > behind) continue;
    if (counts(reading.value)) lead.note(reading.at, reading.value);
  }
  const bool has_all = !has_lead() && lead_.size() < kLateLeadMax;  // that the journal has
  return has_all || lead.is_enough();
}

// The step that it divides, and as many around it as may have waited for a decision; and what a register that stands
// still since then was taken for.
LateSpan Track::around(std::size_t i) {
  const std::size_t reach = point_.kind == Kind::cumulative ? kReadingsInDoubt : kReadingsDivided;
  const std::size_t before = i - std::min(i, reach);
  const std::size_t behind = std::min(i + reach, readings_.size() - 1);
  LateSpan span{.from = readings_[before].at,
                .to = readings_[behind].at,
                .sequence = readings_[i].sequence,
                .at = readings_[i].at,
                .left_out = readings_[i].left_out};
  const Instant at = readings_[i].at;
  // The first of all amounts belongs to the time before it.
  if (point_.kind == Kind::interval && before == 0) {
    span.from = std::min(span.from, at - std::max<Duration>(point_.limits.interval, 15min));
  }
  if (point_.kind != Kind::cumulative) return span;
  span.from = std::min(span.from, at - kDoubtLasts);
  const auto decides = std::ranges::lower_bound(readings_, at + kDoubtLasts, {}, &StoredReading::at);
  if (decides == readings_.end()) {
    span.to = std::max(span.to, at + kDoubtLasts);
    return span;
  }
  const std::size_t last = stands_until(static_cast<std::size_t>(decides - readings_.begin()));
  span.to = std::max(span.to, readings_[std::min(last + kReadingsDivided, readings_.size() - 1)].at);
  return span;
}

// From it on until the next value nothing follows; and what the steps around it are taken for.
LateSpan Track::around_rejected(const StoredReading& reading) const {
  const auto next = std::ranges::lower_bound(readings_, reading.at, {}, &StoredReading::at);
  const auto before = std::min<std::ptrdiff_t>(next - readings_.begin(), kReadingsDivided);
  const bool is_followed = readings_.end() - next > kReadingsDivided;
  return {.from = before == 0 ? reading.at : (next - before)->at,
          .to = is_followed ? (next + kReadingsDivided)->at : Instant::max(),
          .sequence = reading.sequence,
          .at = reading.at};
}

// The last one that shows the same without another between. Those that are asked for lie near each other.
std::size_t Track::stands_until(std::size_t i) {
  if (i < stands_.first || i > stands_.last) {
    stands_ = {.first = i, .last = i};
    while (stands_.last + 1 < readings_.size() && readings_[stands_.last + 1].value == readings_[i].value)
      ++stands_.last;
  }
  return stands_.last;
}

void Track::note_late(const StoredReading& reading, Instant newest) {
  const auto place = std::ranges::lower_bound(readings_, reading, earlier);
  const bool is_rejected = std::isnan(reading.value);
  late_.push_back(is_rejected ? around_rejected(reading) : around(static_cast<std::size_t>(place - readings_.begin())));
  late_.back().to = std::max(late_.back().to, newest);
}

// Accounts are compared by quarter hours: what says the same of these is one.
void Track::note_late(LateSpan span) {
  const auto place = [](const LateSpan& s) {
    const auto quarter = [](Instant at) { return std::chrono::floor<pipeline::Quarters>(at); };
    return std::tuple(quarter(s.from), quarter(s.to - Duration(1)), quarter(s.at - Duration(1)), s.left_out);
  };
  if (late_.empty() || place(late_.back()) != place(span)) {
    late_.push_back(span);
    return;
  }
  LateSpan& last = late_.back();
  last.from = std::min(last.from, span.from);
  last.to = std::max(last.to, span.to);
  last.rounded_to = std::max(last.rounded_to, span.rounded_to);
  last.sequence = std::max(last.sequence, span.sequence);
}

std::optional<Instant> Track::divided_from(Instant from) const {
  const auto first = std::ranges::lower_bound(readings_, from, {}, &StoredReading::at);
  const auto before = std::min<std::ptrdiff_t>(first - readings_.begin(), kReadingsDivided);
  if (before == 0) return std::nullopt;
  return (first - before)->at;
}

Instant Track::reaches_back(Instant from) const {
  const auto first = std::ranges::lower_bound(readings_, from, {}, &StoredReading::at);
  if (readings_.empty()) return from;
  return std::prev(first, std::min(first - readings_.begin(), kReadingsAround))->at;
}

Instant Track::reaches_on(Instant to) const {
  const auto first = std::ranges::lower_bound(readings_, to, {}, &StoredReading::at);
  return readings_.end() - first < kReadingsAround ? Instant::max() : (first + kReadingsAround - 1)->at;
}

// What came late tells of its own time alone: the others of that time may be gone. A register that stands still may
// have left another course before; that shows when it moves.
Instant Track::first_kept() const {
  const auto first = std::ranges::find(readings_, false, &StoredReading::late);
  if (first == readings_.end()) return Instant::max();
  if (point_.kind != Kind::cumulative) return first->at;
  const auto moved =
      std::find_if(first, readings_.end(), [&](const StoredReading& r) { return r.value != first->value; });
  if (moved - first < kReadingsDivided && moved != readings_.end()) return first->at;
  return (moved + std::min(readings_.end() - moved, kReadingsDivided + 1) - 1)->at;
}

void Track::leave_out(Instant at) {
  std::erase_if(readings_, [at](const StoredReading& reading) { return reading.at == at; });
}

Instant Track::complete_until() const {
  return trimmed_behind_ && !readings_.empty() ? readings_.back().at : Instant::max();
}

std::optional<StoredReading> Track::usable(const History::RawReading& reading) {
  if (!stamp_believed(reading.quality)) return std::nullopt;
  const char flag = model::flag_said(reading.quality);
  if (flag != model::kNoFlag) {
    const auto said = model::from_hj212_flag(flag);
    if (!said || !model::usable(*said)) return std::nullopt;  // not a value, whatever it shows
  }
  double value = reading.value;
  if (std::isfinite(value) && reading.series->unit != point_.unit.symbol) {
    const auto unit = find_unit(reading.series->unit);
    if (!unit || unit->dimension != point_.unit.dimension) return std::nullopt;
    value = value * static_cast<double>(unit->numerator) / static_cast<double>(unit->denominator) *
            static_cast<double>(point_.unit.denominator) / static_cast<double>(point_.unit.numerator);
  }
  for (const Repair* repair : repairs_) {
    if (!repair->covers(reading.at)) continue;
    const auto repaired = (*repair)(value);
    if (!repaired) {
      not_repaired_ += std::isfinite(value) ? 1 : 0;  // else nothing is lost that was there
      return std::nullopt;
    }
    value = *repaired;
  }
  if (!std::isfinite(value)) return std::nullopt;
  return StoredReading{.point = point_.id,
                       .at = reading.at,
                       .sequence = reading.sequence,
                       .value = value,
                       .late = false,
                       .left_out = reading.quality.rule == model::Rule::out_of_order,
                       .hj212_flag = flag};
}

// What live accounts did not take for a value they took for the end of the one before it. Nothing that repairs make of
// a finite value is among them.
std::optional<StoredReading> Track::rejected(const History::RawReading& reading) const {
  if (!stamp_believed(reading.quality)) return std::nullopt;
  const char flag = model::flag_said(reading.quality);
  const auto said = model::from_hj212_flag(flag);
  const bool is_marked = flag != model::kNoFlag && (!said || !model::usable(*said));
  if (!is_marked && std::isfinite(reading.value)) return std::nullopt;
  const auto unit = find_unit(reading.series->unit);
  if (!unit || unit->dimension != point_.unit.dimension) return std::nullopt;
  return StoredReading{.point = point_.id,
                       .at = reading.at,
                       .sequence = reading.sequence,
                       .value = std::numeric_limits<double>::quiet_NaN(),
                       .late = false,
                       .left_out = false,
                       .hj212_flag = flag};
}

void Track::trim_lead() {  // of what stands still the ends, and the newest
  if (lead_.size() <= kLateLeadMax) return;
  std::ranges::sort(lead_, earlier);
  std::vector<StoredReading> kept;
  for (auto begin = lead_.begin(); begin != lead_.end();) {
    const auto end = std::find_if(begin, lead_.end(), [&](const StoredReading& r) { return r.value != begin->value; });
    const bool is_long = point_.kind == Kind::cumulative && end - begin > 2 * kRunEnds;
    kept.insert(kept.end(), begin, is_long ? begin + kRunEnds : end);
    if (is_long) kept.insert(kept.end(), end - kRunEnds, end);
    begin = end;
  }
  const auto more = static_cast<std::ptrdiff_t>(kept.size() - std::min(kept.size(), kLateLeadMax));
  lead_.assign(kept.begin() + more, kept.end());
}

void Track::trim_behind() {  // the oldest
  if (behind_.size() <= kBehindMax) return;
  trimmed_behind_ = true;
  std::ranges::nth_element(behind_, behind_.begin() + kBehindMax, earlier);
  behind_.resize(kBehindMax);
}

}  // namespace carbongate::app

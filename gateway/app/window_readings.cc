#include "gateway/app/window_readings.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <ranges>
#include <string>
#include <tuple>
#include <unordered_map>

#include "gateway/model/hj212_flag.h"
#include "gateway/model/lineage.h"

namespace carbongate::app {

using namespace std::chrono_literals;

namespace {

using model::Period;
using pipeline::kLead;
using store::History;

constexpr std::size_t kLeadMax = pipeline::Lead::kReadingsMax;
constexpr std::size_t kBehindMax = pipeline::kReadingsBehind;

// Of several inputs: first all of them so long before and behind the window, which is enough where none is slow...
constexpr Duration kAround = 6h;
// ...then as far as the slowest of them has so many readings: more than a doubt lasts and a round of the sum takes...
constexpr std::ptrdiff_t kReadingsAround = pipeline::kCourseReadings + 8;
constexpr Duration kAroundMax = 24h * 62;  // ...but no further
// Before a late one: as many as may have waited for a decision.
constexpr std::ptrdiff_t kReadingsDivided = pipeline::kCourseReadings + 4;
constexpr Duration kDoubtLasts = 1h;  // of a counter whose value stands still: counter.h

bool earlier(const StoredReading& a, const StoredReading& b) {
  return std::tie(a.at, a.sequence) < std::tie(b.at, b.sequence);
}

// Which tracks a series' readings belong to. By address: series keep theirs during one reading of the journal.
class TracksOf {
 public:
  explicit TracksOf(std::span<WindowReadings* const> windows) {
    for (WindowReadings* window : windows) {
      for (Track& track : window->tracks()) by_name_[track.point().full_name()].push_back(&track);
    }
  }
  std::span<Track* const> operator()(const model::Series* series) {
    const auto [known, is_new] = by_series_.try_emplace(series);
    if (is_new && series->user.empty()) {
      const auto found = by_name_.find(series->device + "." + series->point);
      if (found != by_name_.end()) known->second = found->second;
    }
    return known->second;
  }
  std::size_t without_lead() const {
    std::size_t count = 0;
    for (const auto& [name, tracks] : by_name_) {
      count += static_cast<std::size_t>(std::ranges::count_if(tracks, [](const Track* t) { return !t->has_lead(); }));
    }
    return count;
  }

 private:
  std::map<std::string, std::vector<Track*>> by_name_;
  std::unordered_map<const model::Series*, std::span<Track* const>> by_series_;
};

}  // namespace

Track::Track(const Point& point, std::span<const Repair> repairs) : point_(point), lead_found_(point.kind) {
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
  behind_.clear();
  trimmed_behind_ = false;
  late_.clear();
  stands_ = {};
  not_repaired_ = 0;
  lead_found_ = pipeline::Lead(point_.kind);
}

void Track::take(const History::RawReading& reading) {
  const auto stored = usable(reading);
  if (!stored) {
    take_rejected(reading);
    return;
  }
  if (stored->at < start_) {
    lead_.push_back(*stored);
    if (lead_.size() > 2 * kLeadMax) trim_lead();
  } else if (stored->at < to_) {
    readings_.push_back(*stored);
  } else {
    behind_.push_back(*stored);
    if (behind_.size() > 4 * kBehindMax) trim_behind();
  }
}

bool Track::take_lead(const History::RawReading& reading) {
  if (has_lead()) return false;
  const auto stored = usable(reading);
  if (!stored) {
    take_rejected(reading);
    return true;
  }
  lead_.push_back(*stored);
  lead_found_.note(stored->at, stored->value);
  return !has_lead();
}

Instant Track::enough_from() {
  if (behind_.size() < kBehindMax) return Instant::max();
  trim_behind();
  return std::ranges::max(behind_, {}, &StoredReading::at).at;
}

void Track::settle() {
  trim_lead();
  trim_behind();
  readings_.insert(readings_.end(), lead_.begin(), lead_.end());
  readings_.insert(readings_.end(), behind_.begin(), behind_.end());
  std::ranges::sort(readings_, earlier);
  std::ranges::sort(rejected_, earlier);
  // Late is what came after a newer one.
  std::uint64_t first_heard = std::numeric_limits<std::uint64_t>::max();
  const auto note = [&first_heard](StoredReading& reading) {
    reading.late = reading.sequence > first_heard;
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

// The step that it divides, and as many around it as may have waited for a decision; and what a register that stands
// still since then was taken for.
LateSpan Track::around(std::size_t i) {
  const std::size_t before = i - std::min<std::size_t>(i, kReadingsDivided);
  const std::size_t behind = std::min<std::size_t>(i + kReadingsDivided, readings_.size() - 1);
  LateSpan span{.from = readings_[before].at,
                .to = readings_[behind].at,
                .sequence = readings_[i].sequence,
                .at = readings_[i].at};
  if (point_.kind != Kind::cumulative) return span;
  const Instant at = readings_[i].at;
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

void Track::note_late(const StoredReading& reading) {
  if (std::isnan(reading.value)) {
    if (!reading.late) late_.push_back(around_rejected(reading));
    return;
  }
  const auto place = std::ranges::lower_bound(readings_, reading, earlier);
  if (!place->late) late_.push_back(around(static_cast<std::size_t>(place - readings_.begin())));
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
                       .hj212_flag = flag};
}

// What live accounts did not take for a value they took for the end of the one before it. Nothing that repairs make of
// a finite value is among them.
void Track::take_rejected(const History::RawReading& reading) {
  if (!stamp_believed(reading.quality)) return;
  const char flag = model::flag_said(reading.quality);
  const auto said = model::from_hj212_flag(flag);
  const bool is_marked = flag != model::kNoFlag && (!said || !model::usable(*said));
  if (!is_marked && std::isfinite(reading.value)) return;
  const auto unit = find_unit(reading.series->unit);
  if (!unit || unit->dimension != point_.unit.dimension) return;
  // Those next to the window come first.
  const bool is_around = reading.at < start_ || reading.at >= to_;
  if (is_around && ++rejected_around_ > 2 * kLeadMax) return;
  rejected_.push_back({.point = point_.id,
                       .at = reading.at,
                       .sequence = reading.sequence,
                       .value = std::numeric_limits<double>::quiet_NaN(),
                       .late = false,
                       .hj212_flag = flag});
}

void Track::trim_lead() {  // the newest
  if (lead_.size() <= kLeadMax) return;
  std::ranges::nth_element(lead_, lead_.begin() + kLeadMax, [](const auto& a, const auto& b) { return earlier(b, a); });
  lead_.resize(kLeadMax);
}

void Track::trim_behind() {  // the oldest
  if (behind_.size() <= kBehindMax) return;
  trimmed_behind_ = true;
  std::ranges::nth_element(behind_, behind_.begin() + kBehindMax, earlier);
  behind_.resize(kBehindMax);
}

WindowReadings::WindowReadings(const Window& window, const model::Site& site, std::span<const Repair> repairs,
                               pipeline::Calendar& calendar)
    : window_(window), point_(site.points.at(index(window.point))) {
  for (const PointId id : model::computed_from(site, window.point)) {
    const Point& source = site.points.at(index(id));
    const auto maker = std::ranges::find(site.derived, id, &model::Derived::result);
    if (maker == site.derived.end()) {
      tracks_.emplace_back(source, repairs);
    } else {
      max_age_ = std::min(max_age_, maker->max_age);
    }
  }
  // The quarter hour in which it ends belongs to it, and is closed only behind it.
  if (window_.to != Instant::max()) window_.to = calendar.period(Period::quarter_hour, window_.to - Duration(1)).end;
  begin_at(window.from, calendar);
}

bool WindowReadings::has_lead() const {
  return std::ranges::all_of(tracks_, &Track::has_lead);
}

bool WindowReadings::late_touches(Instant begin, Instant end, std::uint64_t behind) const {
  return std::ranges::any_of(tracks_, [&](const Track& track) {
    return std::ranges::any_of(track.late(), [&](const LateSpan& late) {
      return late.sequence > behind && late.from < end && begin < late.to;
    });
  });
}

bool WindowReadings::holds_late(Instant begin, Instant end) const {
  return std::ranges::any_of(tracks_, [&](const Track& track) {
    return std::ranges::any_of(track.late(), [&](const LateSpan& late) { return begin < late.at && late.at <= end; });
  });
}

void WindowReadings::find_late_inputs() {
  if (tracks_.size() < 2) return;
  std::vector<std::pair<StoredReading, Track*>> heard;
  for (Track& track : tracks_) {
    for (const StoredReading& reading : track.readings()) heard.emplace_back(reading, &track);
    for (const StoredReading& reading : track.rejected()) heard.emplace_back(reading, &track);
  }
  std::ranges::sort(heard, {}, [](const auto& item) { return item.first.sequence; });
  Instant newest = Instant::min();
  for (const auto& [reading, track] : heard) {
    newest = std::max(newest, reading.at);
    if (newest - reading.at > max_age_) track->note_late(reading);
  }
}

std::uint64_t WindowReadings::not_repaired() const {
  std::uint64_t not_repaired = 0;
  for (const Track& track : tracks_) not_repaired += track.not_repaired();
  return not_repaired;
}

const Repair* WindowReadings::repair_of(Instant begin, Instant end) const {
  for (const Track& track : tracks_) {
    for (const Repair* repair : track.repairs()) {
      if (repair->from < end + kLead && begin < repair->until) return repair;
    }
  }
  return nullptr;
}

std::vector<StoredReading> WindowReadings::in_order() const {
  std::vector<StoredReading> all;
  for (const Track& track : tracks_) {
    all.insert(all.end(), track.readings().begin(), track.readings().end());
    all.insert(all.end(), track.rejected().begin(), track.rejected().end());
  }
  const bool is_sorted = tracks_.size() == 1 && tracks_.front().rejected().empty();
  if (!is_sorted || window_.point != tracks_.front().point().id) std::ranges::sort(all, earlier);
  return all;
}

Instant WindowReadings::first_kept() const {
  Instant first = Instant::min();
  for (const Track& track : tracks_) {
    if (track.readings().empty()) return Instant::max();
    if (!track.has_lead()) first = std::max(first, track.readings().front().at);
  }
  return first;
}

bool WindowReadings::widen(pipeline::Calendar& calendar) {
  if (!window_.widen) return true;
  std::optional<Instant> at;
  for (const Track& track : tracks_) {
    const auto divided = track.divided_from(window_.from);
    if (divided) at = std::min(at.value_or(*divided), *divided);
  }
  if (!at) {  // the first of all: an amount belongs to the time before it
    const Duration span = std::max<Duration>(point_.limits.interval, 15min);
    if (point_.kind == Kind::interval) begin_ = calendar.period(Period::quarter_hour, window_.from - span).begin;
    return true;
  }
  window_.widen = false;
  window_.from = *at;
  const Instant begin = calendar.period(Period::quarter_hour, *at).begin;
  if (begin >= start_ + kLead / 2) {
    begin_ = begin;
    return true;
  }
  begin_at(*at, calendar);
  return false;
}

// A sum goes on once each of its terms was heard: what the others moved since the slowest one's last reading, and until
// its next, belongs to the same amount.
bool WindowReadings::reach_around() {
  if (tracks_.size() < 2 || reached_around_) return true;
  reached_around_ = true;
  Instant start = start_;
  Instant end = end_;
  for (const Track& track : tracks_) {
    start = std::min(start, track.reaches_back(begin_));
    if (window_.to != Instant::max()) end = std::max(end, track.reaches_on(window_.to));
  }
  start = std::max(start, begin_ - kAroundMax);
  if (window_.to != Instant::max()) end = std::min(end, end_at(kAroundMax));
  const auto is_there = [end](const Track& track) { return track.complete_until() >= end; };
  if (start >= start_ && std::ranges::all_of(tracks_, is_there)) return true;
  start_ = std::min(start, start_);
  end_ = end;
  for (Track& track : tracks_) track.begin(start_, end_);
  return false;
}

// So long behind the window, which may have no end.
Instant WindowReadings::end_at(Duration behind) const {
  return window_.to < Instant::max() - behind ? window_.to + behind : Instant::max();
}

void WindowReadings::begin_at(Instant at, pipeline::Calendar& calendar) {
  begin_ = calendar.period(Period::quarter_hour, at).begin;
  const bool several = tracks_.size() > 1;
  start_ = begin_ - (several ? kAround : kLead);
  end_ = several ? end_at(kAround) : window_.to;
  for (Track& track : tracks_) track.begin(start_, end_);
}

model::Result<void> collect(History& history, std::span<WindowReadings* const> windows, const std::atomic<bool>& stop) {
  const Instant start =
      (*std::ranges::min_element(windows, {}, [](const WindowReadings* w) { return w->start(); }))->start();
  {
    TracksOf tracks_of(windows);
    const auto result = history.readings_behind(
        start,
        [&](const History::RawReading& reading) {
          for (Track* track : tracks_of(reading.series)) track->take(reading);
          return !stop;
        },
        [&](Instant oldest) {
          return std::ranges::all_of(windows, [&](WindowReadings* window) {
            return std::ranges::all_of(window->tracks(), [&](Track& track) { return oldest >= track.enough_from(); });
          });
        });
    if (result.has_error()) return result;
  }
  TracksOf tracks_of(windows);
  std::size_t waiting = tracks_of.without_lead();
  const auto result = history.readings_in_front(start, [&](const History::RawReading& reading) {
    for (Track* track : tracks_of(reading.series)) {
      if (!track->has_lead() && !track->take_lead(reading)) --waiting;
    }
    return waiting != 0 && !stop;
  });
  for (WindowReadings* window : windows) {
    for (Track& track : window->tracks()) track.settle();
    window->find_late_inputs();
  }
  return result;
}

}  // namespace carbongate::app

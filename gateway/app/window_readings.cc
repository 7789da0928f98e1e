#include "gateway/app/window_readings.h"

#include <algorithm>
#include <map>
#include <ranges>
#include <string>
#include <unordered_map>

#include "gateway/model/lineage.h"

namespace carbongate::app {

using namespace std::chrono_literals;

namespace {

using model::Period;
using pipeline::kLead;
using store::History;

// Of several inputs: first all of them so long before and behind the window, and two rounds of what is summed, which is
// enough where none is slow...
constexpr Duration kAround = 6h;
// ...then as far as the slowest of them has a few readings (Track::reaches_back)...
constexpr Duration kAroundMax = 24h * 62;  // ...but no further
constexpr int kFurther = 4;                // times as far behind a window, each time that is not enough

// What takes a series' readings. By address: series keep theirs during one reading of the journal.
template <class Taker>
class TakersOf {
 public:
  void add(const Point& point, Taker& taker) { by_name_[point.full_name()].push_back(&taker); }
  std::span<Taker* const> operator()(const model::Series* series) {
    const auto [known, is_new] = by_series_.try_emplace(series);
    if (is_new && series->user.empty()) {
      const auto found = by_name_.find(series->device + "." + series->point);
      if (found != by_name_.end()) known->second = found->second;
    }
    return known->second;
  }

 private:
  std::map<std::string, std::vector<Taker*>> by_name_;
  std::unordered_map<const model::Series*, std::span<Taker* const>> by_series_;
};

TakersOf<Track> tracks_of_all(std::span<WindowReadings* const> windows) {
  TakersOf<Track> tracks_of;
  for (WindowReadings* window : windows) {
    for (Track& track : window->tracks()) tracks_of.add(track.point(), track);
  }
  return tracks_of;
}

TakersOf<Results> results_of_all(std::span<WindowReadings* const> windows) {
  TakersOf<Results> results_of;
  for (WindowReadings* window : windows) {
    for (Results& results : window->results()) results_of.add(results.result(), results);
  }
  return results_of;
}

// Backwards, for each track until it has enough, or to what is known from before.
model::Result<void> collect_in_front(History& history, Instant start, std::span<WindowReadings* const> windows,
                                     KnownLeads& leads, const std::atomic<bool>& stop) {
  TakersOf<Track> tracks_of = tracks_of_all(windows);
  std::vector<Track*> waiting;
  for (WindowReadings* window : windows) {
    for (Track& track : window->tracks()) waiting.push_back(&track);
  }
  std::vector<Track*> all = waiting;
  std::uint64_t newest = 0;
  std::uint64_t next_known = 0;  // no track that waits has anything known in front of a newer reading
  const auto join = [&](std::uint64_t sequence) {
    next_known = 0;
    std::erase_if(waiting, [&](Track* track) {
      const auto known = leads.find(track->point().id);
      if (known == leads.end() || known->second.through > newest) return !track->wants_lead();
      if (known->second.through >= sequence && track->wants_lead()) track->take_lead(known->second);
      if (track->wants_lead()) next_known = std::max(next_known, known->second.through);
      return !track->wants_lead();
    });
  };
  const auto result = history.readings_in_front(start, [&](const History::RawReading& reading) {
    if (newest == 0) {
      newest = reading.sequence;
      join(reading.sequence);
    }
    if (reading.sequence <= next_known) join(reading.sequence);
    bool had_enough = false;
    for (Track* track : tracks_of(reading.series)) {
      if (!track->wants_lead()) continue;
      track->take_lead(reading);
      had_enough |= !track->wants_lead();
    }
    if (had_enough) std::erase_if(waiting, [](const Track* track) { return !track->wants_lead(); });
    return !waiting.empty() && !stop;
  });
  if (result.has_error() || stop || newest == 0) return result;
  for (const Track* track : all) leads.insert_or_assign(track->point().id, track->lead(newest));
  return {};
}

// From where the first of them starts.
model::Result<void> collect_together(History& history, std::span<WindowReadings* const> windows, KnownLeads& leads,
                                     const std::atomic<bool>& stop) {
  const Instant start = windows.front()->start();
  {
    TakersOf<Track> tracks_of = tracks_of_all(windows);
    TakersOf<Results> results_of = results_of_all(windows);
    const auto result = history.readings_behind(
        start,
        [&](const History::RawReading& reading) {
          for (Track* track : tracks_of(reading.series)) track->take(reading);
          for (Results* results : results_of(reading.series)) results->take(reading);
          return !stop;
        },
        [&](Instant oldest) {
          return std::ranges::all_of(windows, [&](WindowReadings* window) {
            return std::ranges::all_of(window->tracks(), [&](Track& track) { return oldest >= track.enough_from(); });
          });
        });
    if (result.has_error()) return result;
  }
  const auto result = collect_in_front(history, start, windows, leads, stop);
  for (WindowReadings* window : windows) {
    for (Track& track : window->tracks()) track.settle();
    for (Results& results : window->results()) results.settle();
    window->leave_out_waiting();
  }
  return result;
}

}  // namespace

WindowReadings::WindowReadings(const Window& window, const model::Site& site, std::span<const Repair> repairs,
                               pipeline::Calendar& calendar)
    : window_(window),
      point_(site.points.at(index(window.point))),
      is_late_(window.widen),
      rounds_(site, window.point) {
  for (const PointId id : model::computed_from(site, window.point)) {
    const Point& source = site.points.at(index(id));
    const auto maker = std::ranges::find(site.derived, id, &model::Derived::result);
    if (maker == site.derived.end()) {
      const bool counted = std::ranges::find(site.accounts, id, &model::Account::source) != site.accounts.end();
      tracks_.emplace_back(source, repairs, counted);
    } else {
      max_age_ = std::min(max_age_, maker->max_age);
      const bool adds = maker->formula == model::Formula::sum;
      for (const model::DerivedInput& input : std::span(maker->inputs).first(adds ? maker->inputs.size() : 1)) {
        if (input.point) followed_.insert(*input.point);
      }
      if (!adds) joined_.push_back({.by = &*maker, .result = results_.size()});
      results_.emplace_back(source, adds ? pipeline::kTermsApart : Duration::zero(), model::computed_from(site, id));
    }
  }
  // The quarter hour in which it ends belongs to it, and is closed only behind it.
  if (window_.to != Instant::max()) window_.to = calendar.period(Period::quarter_hour, window_.to - Duration(1)).end;
  begin_at(window.from, calendar);
}

bool WindowReadings::has_lead() const {
  return std::ranges::all_of(tracks_, &Track::has_lead);
}

bool WindowReadings::makes(PointId point) const {
  return std::ranges::any_of(results_, [point](const Results& results) { return results.result().id == point; });
}

bool WindowReadings::touches(const LateSpan& late, Instant begin, Instant end, std::uint64_t behind) const {
  return late.sequence > behind && late.from < end && begin < std::max(rounds_.settled(late.to), late.rounded_to);
}

bool WindowReadings::any_late(Instant begin, Instant end, std::uint64_t behind, bool left_out_too) const {
  return std::ranges::any_of(tracks_, [&](const Track& track) {
    return std::ranges::any_of(track.late(), [&](const LateSpan& late) {
      return (left_out_too || !late.left_out) && touches(late, begin, end, behind);
    });
  });
}

std::vector<const Point*> WindowReadings::late_points(Instant begin, Instant end, std::uint64_t behind) const {
  std::vector<const Point*> points;
  for (const Track& track : tracks_) {
    const auto is_touched = [&](const LateSpan& late) { return touches(late, begin, end, behind); };
    if (std::ranges::any_of(track.late(), is_touched)) points.push_back(&track.point());
  }
  return points;
}

bool WindowReadings::late_touches(Instant begin, Instant end, std::uint64_t behind) const {
  return any_late(begin, end, behind, true);
}

bool WindowReadings::late_counted(Instant begin, Instant end, std::uint64_t behind) const {
  return any_late(begin, end, behind, false);
}

bool WindowReadings::has_lead_without(std::uint64_t behind) const {
  return std::ranges::all_of(tracks_, [&](const Track& track) { return track.has_lead_without(behind, begin_); });
}

bool WindowReadings::holds_late(Instant begin, Instant end) const {
  return std::ranges::any_of(tracks_, [&](const Track& track) {
    return std::ranges::any_of(track.late(), [&](const LateSpan& late) { return begin < late.at && late.at <= end; });
  });
}

// What a result follows has one where it comes: whatever was counted, or closed, since then may be other. Of all other
// inputs a late one changes results that there are.
void WindowReadings::find_late_inputs(const Played& played) {
  if (tracks_.size() < 2) return;
  for (Results& results : results_) {
    if (const auto known = played.results.find(results.result().id); known != played.results.end()) {
      results.played(known->second);
    }
  }
  std::vector<std::pair<StoredReading, Track*>> heard;
  for (Track& track : tracks_) {
    for (const StoredReading& reading : track.readings()) heard.emplace_back(reading, &track);
    for (const StoredReading& reading : track.rejected()) heard.emplace_back(reading, &track);
  }
  std::ranges::sort(heard, {}, [](const auto& item) { return item.first.sequence; });
  Instant newest = Instant::min();
  for (const auto& [reading, track] : heard) {
    newest = std::max(newest, reading.at);
    if (newest - reading.at > max_age_ && followed_.contains(reading.point)) track->note_late(reading, newest);
  }
  for (Results& results : results_) {
    for (const auto& [reading, track] : heard) {
      if (reading.late || !results.is_made_of(reading.point)) continue;
      if (const auto until = results.made_without(reading)) note_late(*track, reading, results, *until);
    }
  }
  std::map<PointId, Newest> newest_of;
  for (const auto& [reading, track] : heard) {
    for (const Joined& joined : joined_) {
      if (joined.by->inputs.front().point != reading.point || !takes_later(joined, reading.at, newest_of)) continue;
      note_late(*track, reading, results_[joined.result], reading.at);
    }
    Newest& of_point = newest_of[reading.point];
    if (reading.at > of_point.last) of_point = {.last = reading.at, .before = of_point.last};
  }
}

// Of what was heard last a result may still wait for its other inputs: what it would be without them is not booked.
void WindowReadings::leave_out_waiting() {
  if (tracks_.size() < 2) return;
  for (const Joined& joined : joined_) {
    const PointId followed = *joined.by->inputs.front().point;
    const auto track = std::ranges::find(tracks_, followed, [](const Track& t) { return t.point().id; });
    if (track == tracks_.end() || track->readings().empty() || track->complete_until() != Instant::max()) continue;
    const Instant last = track->readings().back().at;
    if (results_[joined.result].newest() >= last) continue;
    const bool waits = std::ranges::any_of(joined.by->inputs | std::views::drop(1), [&](const auto& input) {
      return input.point && heard_until(*input.point) < last;
    });
    if (waits) track->leave_out(last);
  }
}

// What it has said last that is known here. nullopt: nothing.
std::optional<Instant> WindowReadings::heard_until(PointId point) const {
  for (const Results& results : results_) {
    if (results.result().id == point) return results.newest();
  }
  const auto track = std::ranges::find(tracks_, point, [](const Track& t) { return t.point().id; });
  std::optional<Instant> until;
  for (const auto& said : {track->readings(), track->rejected()}) {
    for (const StoredReading& reading : said) until = std::max(until, std::optional(reading.at));
  }
  return until;
}

// What an input said then is forgotten once two newer ones of it were heard.
bool WindowReadings::takes_later(const Joined& joined, Instant at, const std::map<PointId, Newest>& newest) const {
  return std::ranges::any_of(joined.by->inputs | std::views::drop(1), [&](const model::DerivedInput& input) {
    const auto known = input.point ? newest.find(*input.point) : newest.end();
    return known != newest.end() && known->second.before > at + joined.by->wait;
  });
}

void WindowReadings::note_late(Track& track, const StoredReading& reading, Results& results, Instant until) {
  const auto own = std::ranges::find(results_, point_.id, [](const Results& r) { return r.result().id; });
  const bool is_own = &results == &*own;
  const auto [from, to] = is_own ? std::pair(reading.at, until) : results.around(reading.at, until);
  const auto [first, last] = own->around(from, to);
  // Rounding is other up to there: of an amount in what ends with another's last such result, of a rate up to the next.
  Instant rounded = is_own ? until : results.around(reading.at, results.made_with(until)).second;
  if (!is_own && own->result().kind != Kind::instantaneous) rounded -= Duration(1);
  track.note_late(LateSpan{.from = first,
                           .to = last,
                           .sequence = reading.sequence,
                           .at = reading.at,
                           .rounded_to = own->around(from, own->counted_with(rounded)).second});
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
    if (!track.has_lead()) first = std::max(first, track.first_kept());
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
  // The step that ends with the first result may go over a silence.
  for (const Results& results : results_) {
    if (results.result().id == point_.id) at = std::min(*at, results.before(window_.from).value_or(*at));
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
  begin_tracks();
  return false;
}

bool WindowReadings::counted(const Played& played, pipeline::Calendar& calendar) {
  const Duration behind = end_ - window_.to;
  const auto is_cut = [](const Track& track) { return track.complete_until() != Instant::max(); };
  const bool is_all = std::ranges::none_of(tracks_, is_cut);
  const Instant enough = std::min(window_.to, window_.closed_until);
  const auto look_further = [&] {
    end_ = end_at(std::min(kFurther * std::max(behind, pipeline::kBehind), kAroundMax));
  };
  if (played.may_be_wrong && !is_all && behind < kAroundMax) {
    look_further();
  } else if (played.until >= enough) {
    if (!is_late_ || played.as_live || !played.open_at_end) return true;
    const Instant decided = calendar.period(Period::quarter_hour, played.until - Duration(1)).end;
    awaits_more_ = decided > window_.closed_until;
    if (awaits_more_ || decided <= window_.to) return true;
    window_.to = decided;
    end_ = end_at(behind);
  } else {
    // An input that came late may leave the newest results missing: what they closed is closed by one that comes.
    const bool is_behind_late = is_computed() && late_touches(played.until, enough, 0);
    awaits_more_ = is_all && (played.in_doubt || is_behind_late);
    if (awaits_more_ || (!is_all && behind >= kAroundMax)) window_.closed_until = played.until;
    if (is_all || behind >= kAroundMax) return true;
    look_further();
  }
  begin_tracks();
  return false;
}

// So long behind the window, which may have no end.
Instant WindowReadings::end_at(Duration behind) const {
  return window_.to < Instant::max() - behind ? window_.to + behind : Instant::max();
}

void WindowReadings::begin_at(Instant at, pipeline::Calendar& calendar) {
  begin_ = calendar.period(Period::quarter_hour, at).begin;
  const bool several = tracks_.size() > 1;
  const bool is_counter = !several && !tracks_.empty() && tracks_.front().point().kind == Kind::cumulative;
  const Duration around = kAround + 2 * rounds_.length();
  start_ = begin_ - (several ? around : kLead);
  end_ = several ? end_at(around) : is_counter ? end_at(pipeline::kBehind) : window_.to;
  begin_tracks();
}

void WindowReadings::begin_tracks() {
  for (Track& track : tracks_) track.begin(start_, end_);
  for (Results& results : results_) results.begin(start_, end_);
}

model::Result<void> collect(History& history, std::span<WindowReadings* const> windows, KnownLeads& leads,
                            const std::atomic<bool>& stop) {
  std::vector<WindowReadings*> sorted(windows.begin(), windows.end());
  std::ranges::sort(sorted, {}, &WindowReadings::start);
  for (auto first = sorted.begin(); first != sorted.end();) {
    const auto next = std::find_if(first, sorted.end(), [limit = (*first)->start() + kLateSlice](const auto* window) {
      return window->start() > limit;
    });
    if (auto result = collect_together(history, {first, next}, leads, stop); result.has_error() || stop) return result;
    first = next;
  }
  return {};
}

}  // namespace carbongate::app

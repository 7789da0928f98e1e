#include "gateway/pipeline/due.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "gateway/pipeline/said.h"

namespace carbongate::pipeline {

using model::PointState;

void Due::restore(const std::vector<PointState>& points) {
  for (std::uint32_t derived = 0; derived < deriver_.count(); ++derived) {
    const auto& reading = points[index(deriver_.result(derived))].derived.waiting;
    if (!reading) continue;
    waiting_.push_back({.derived = derived, .at = reading->at, .until = reading->since + wait_of(derived)});
    first_until_ = std::min(first_until_, waiting_.back().until);
  }
}

void Due::heard(PointId point) {
  if (heard_in_.size() <= index(point)) heard_in_.resize(index(point) + 1);
  heard_in_[index(point)] = batch_;
  if (waiting_.empty()) return;
  for (const std::uint32_t derived : deriver_.taken_by(point)) {
    const auto waiting = std::ranges::find(waiting_, derived, &Waiting::derived);
    if (waiting == waiting_.end()) continue;
    waiting->is_asked = true;
    is_any_asked_ = true;
  }
}

bool Due::release_before(std::span<const Reading> readings, const std::vector<PointState>& points) {
  bool is_any = false;
  for (Waiting& waiting : waiting_) {
    if (waiting.at >= readings.front().at) continue;
    const bool must_go = std::ranges::any_of(readings, [&](const Reading& reading) {
      if (deriver_.must_come_behind(reading.point, waiting.derived, waiting.at, points)) return true;
      // With a later one of the last that it waits for, none of its time comes any more.
      const std::span<const PointId> taken = deriver_.taken(waiting.derived);
      const bool is_taken = std::ranges::find(taken, reading.point) != taken.end();
      return is_taken && is_all_there(waiting, points, reading.point);
    });
    if (!must_go) continue;
    release(waiting);
    is_any = true;
  }
  return is_any;
}

// And what it may be made of itself.
void Due::release(Waiting& waiting) {
  is_any_asked_ = true;
  waiting.is_released = true;
  for (Waiting& other : waiting_) {
    if (other.at <= waiting.at && deriver_.is_made_of(deriver_.result(waiting.derived), deriver_.result(other.derived)))
      other.is_released = true;
  }
}

void Due::wait_anew(Instant now) {
  for (Waiting& waiting : waiting_) waiting.until = now + wait_of(waiting.derived);
  find_first_until();
}

void Due::find_first_until() {
  first_until_ = Instant::max();
  for (const Waiting& waiting : waiting_) first_until_ = std::min(first_until_, waiting.until);
}

std::optional<Due::Step> Due::next(std::vector<PointState>& points, Instant now) {
  if (done_ < readings_.size()) return derive_from(readings_[done_++], points, now);
  readings_.clear();
  done_ = 0;
  if (now < now_) {  // the clock was set back
    for (Waiting& waiting : waiting_) waiting.until = std::min(waiting.until, now + wait_of(waiting.derived));
    find_first_until();
  }
  now_ = now;
  // What lies further back is made first, and of one instant what others are made of.
  const auto key = [this](const auto& step) { return std::tuple(step.at, deriver_.rank(step.derived)); };
  const auto waiting = first_ready(points, now);
  auto round = rounds_.end();
  for (auto next = rounds_.begin(); next != rounds_.end(); ++next) {
    if (!is_behind(*next) && (round == rounds_.end() || key(*next) < key(*round))) round = next;
  }
  if (waiting != waiting_.end() && (round == rounds_.end() || key(*waiting) < key(*round))) {
    return make(waiting, points);
  }
  if (round != rounds_.end()) return conclude(round, points);
  return std::nullopt;
}

// Of those that need not wait any more. end(): there are none.
std::vector<Due::Waiting>::iterator Due::first_ready(const std::vector<PointState>& points, Instant now) {
  auto first = waiting_.end();
  if (!is_any_asked_ && now < first_until_) return first;
  for (auto waiting = waiting_.begin(); waiting != waiting_.end(); ++waiting) {
    if (std::exchange(waiting->is_asked, false)) {
      waiting->is_released = waiting->is_released || is_all_there(*waiting, points);
    }
    const bool is_ready = waiting->is_released || (waiting->until <= now && !is_behind(*waiting, now));
    if (!is_ready) continue;
    const auto key = [this](const Waiting& w) { return std::tuple(w.at, deriver_.rank(w.derived)); };
    if (first == waiting_.end() || key(*waiting) < key(*first)) first = waiting;
  }
  is_any_asked_ = std::ranges::any_of(waiting_, &Waiting::is_released);
  return first;
}

// What one batch told of is there, whatever the times are that it has.
bool Due::is_all_there(const Waiting& waiting, const std::vector<PointState>& points,
                       std::optional<PointId> but) const {
  return std::ranges::all_of(deriver_.taken(waiting.derived), [&](PointId input) {
    const bool is_told =
        waiting.batch == batch_ && index(input) < heard_in_.size() && heard_in_[index(input)] == batch_;
    return input == but || is_told || heard_until(points[index(input)]) >= waiting.at;
  });
}

// A result that it takes waits for longer.
bool Due::is_behind(const Waiting& waiting, Instant now) const {
  return deriver_.takes_results(waiting.derived) && std::ranges::any_of(waiting_, [&](const Waiting& other) {
           return other.derived != waiting.derived && other.until > now && other.at <= waiting.at &&
                  !other.is_released &&
                  deriver_.is_made_of(deriver_.result(waiting.derived), deriver_.result(other.derived));
         });
}

// One of its terms waits. A term that was read for the first time is not waited with: nothing stored would tell of it.
bool Due::is_behind(const Deriver::Round& round) const {
  return !round.joined && std::ranges::any_of(waiting_, [&](const Waiting& waiting) {
    return waiting.at <= round.at &&
           deriver_.is_made_of(deriver_.result(round.derived), deriver_.result(waiting.derived));
  });
}

Due::Step Due::make(std::vector<Waiting>::iterator waiting, std::vector<PointState>& points) {
  const std::uint32_t derived = waiting->derived;
  waiting_.erase(waiting);
  find_first_until();
  Step step{.changed = {deriver_.result(derived)}, .results = {}};
  const auto reading = std::exchange(points[index(deriver_.result(derived))].derived.waiting, std::nullopt).value();
  auto result = deriver_.derive({.derived = derived, .input = 0},
                                {.point = deriver_.followed(derived), .at = reading.at, .value = reading.value},
                                reading.quality, points);
  if (result) step.results.push_back(std::move(*result));
  step.heard = reading.since;
  return step;
}

void Due::wait(const Waiting& waiting, const Judged& judged, std::vector<PointState>& points, Instant now) {
  const auto& [reading, quality] = judged;
  points[index(deriver_.result(waiting.derived))].derived.waiting = {
      .at = reading.at, .value = reading.value, .quality = quality, .since = now};
  waiting_.push_back(waiting);
  first_until_ = std::min(first_until_, waiting.until);
}

Due::Step Due::derive_from(const Judged& judged, std::vector<PointState>& points, Instant now) {
  Step step;
  const Reading& reading = judged.reading;
  for (const Deriver::Feed feed : deriver_.fed_by(reading.point)) {
    step.changed.push_back(deriver_.result(feed.derived));
    std::optional<Deriver::Derived> result;
    if (deriver_.adds(feed.derived)) {
      if (usable(judged.quality)) {
        deriver_.hear(feed, reading, judged.quality, points, round_of(feed.derived, reading.at));
      } else {
        result = deriver_.missing(feed, reading.at, points);
      }
    } else {
      const auto before = std::ranges::find(waiting_, feed.derived, &Waiting::derived);
      if (before != waiting_.end()) {
        for (Deriver::Derived& made : make(before, points).results) step.results.push_back(std::move(made));
      }
      const Waiting waiting{
          .derived = feed.derived, .at = reading.at, .until = now + wait_of(feed.derived), .batch = batch_};
      if (!usable(judged.quality)) {
        result = deriver_.missing(feed, reading.at, points);
      } else if (is_all_there(waiting, points)) {
        result = deriver_.derive(feed, reading, judged.quality, points);
      } else {
        wait(waiting, judged, points, now);
      }
    }
    if (result) step.results.push_back(std::move(*result));
  }
  return step;
}

Due::Step Due::conclude(std::vector<Deriver::Round>::iterator round, std::vector<PointState>& points) {
  Step step{.changed = {deriver_.result(round->derived)}, .results = {}};
  if (auto sum = deriver_.conclude(*round, points)) step.results.push_back(std::move(*sum));
  rounds_.erase(round);
  return step;
}

Deriver::Round& Due::round_of(std::uint32_t derived, Instant at) {
  const auto known = std::ranges::find(rounds_, derived, &Deriver::Round::derived);
  if (known != rounds_.end()) return *known;
  return rounds_.emplace_back(Deriver::Round{.derived = derived, .at = at});
}

}  // namespace carbongate::pipeline

#include "gateway/pipeline/due.h"

#include <algorithm>
#include <iterator>
#include <tuple>
#include <utility>

#include "gateway/pipeline/said.h"

namespace carbongate::pipeline {

using model::PointState;

void Due::restore(const std::vector<PointState>& points) {
  for (std::uint32_t derived = 0; derived < deriver_.count(); ++derived) {
    const auto& reading = points[index(deriver_.result(derived))].derived.waiting;
    if (reading) wait({.derived = derived, .at = reading->at, .until = reading->since + wait_of(derived)});
  }
}

void Due::wait(const Waiting& waiting) {
  places_.resize(deriver_.count());
  places_[waiting.derived] = waiting_.size();
  waiting_.push_back(waiting);
  first_until_ = std::min(first_until_, waiting.until);
}

Due::Waiting* Due::find(std::uint32_t derived) {
  if (derived >= places_.size() || places_[derived] >= waiting_.size()) return nullptr;
  Waiting& waiting = waiting_[places_[derived]];
  return waiting.derived == derived ? &waiting : nullptr;
}

void Due::heard(PointId point) {
  if (heard_in_.size() <= index(point)) heard_in_.resize(index(point) + 1);
  heard_in_[index(point)] = batch_;
  if (waiting_.empty()) return;
  const std::span<const std::uint32_t> by = deriver_.taken_by(point);
  asked_.insert(asked_.end(), by.begin(), by.end());
}

bool Due::release_before(std::span<const Reading> readings, const std::vector<PointState>& points) {
  if (waiting_.empty()) return false;
  for (const Reading& reading : readings) release_before(reading, points);
  return !ready_.empty();
}

void Due::release_before(const Reading& reading, const std::vector<PointState>& points) {
  for (const std::uint32_t derived : deriver_.taken_by(reading.point)) {
    Waiting* const waiting = find(derived);
    if (!waiting || waiting->at >= reading.at) continue;
    // With a second one of a later time, what stood then would be forgotten; with a later one of the last that it waits
    // for, none of its time comes any more.
    const bool is_pushed_out = heard_until(points[index(reading.point)]) > waiting->at;
    if (is_pushed_out || is_all_there(*waiting, points, reading.point)) release(*waiting);
  }
  for (const PointId result : deriver_.made_of(reading.point)) {
    const std::uint32_t derived = deriver_.maker(result);
    Waiting* const waiting = find(derived);
    if (waiting && waiting->at < reading.at && deriver_.is_made_of(deriver_.followed(derived), reading.point)) {
      release(*waiting);
    }
    if (deriver_.takes_results(derived)) release_beside(reading, derived, points);
  }
}

// What another input of the same result waits for: a term that has said something already would go ahead of it, and an
// input that is taken as it stands push out what stood then.
void Due::release_beside(const Reading& reading, std::uint32_t derived, const std::vector<PointState>& points) {
  const PointId result = deriver_.result(derived);
  const std::span<const model::DerivedInput> inputs = deriver_.inputs(derived);
  const bool adds = deriver_.adds(derived);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const std::optional<PointId>& input = inputs[i].point;
    if (!input || (input != reading.point && !deriver_.follows(*input, reading.point))) continue;
    if (adds ? !points[index(result)].derived.inputs[i].heard : i == 0) continue;
    const auto heard = adds ? reading.at : heard_until(points[index(*input)]).value_or(Instant::min());
    for (Waiting& waiting : waiting_) {
      const PointId made = deriver_.result(waiting.derived);
      if (waiting.is_ready || waiting.at >= heard || waiting.at >= reading.at || made == result) continue;
      if (deriver_.is_made_of(result, made) && !deriver_.is_made_of(*input, made)) release(waiting);
    }
  }
}

// And what it may be made of itself.
void Due::release(Waiting& waiting) {
  set_ready(waiting);
  if (!deriver_.takes_results(waiting.derived)) return;
  for (Waiting& other : waiting_) {
    const bool is_part = deriver_.is_made_of(deriver_.result(waiting.derived), deriver_.result(other.derived));
    if (other.at <= waiting.at && is_part) set_ready(other);
  }
}

void Due::set_ready(Waiting& waiting) {
  if (!std::exchange(waiting.is_ready, true)) ready_.push_back(waiting.derived);
}

void Due::wait_anew(Instant now) {
  first_until_ = Instant::max();
  for (Waiting& waiting : waiting_) {
    waiting.until = now + wait_of(waiting.derived);
    first_until_ = std::min(first_until_, waiting.until);
  }
}

std::optional<Due::Step> Due::next(std::vector<PointState>& points, Instant now) {
  if (done_ < readings_.size()) return derive_from(readings_[done_++], points, now);
  readings_.clear();
  done_ = 0;
  find_ready(points, now);
  // What lies further back is made first, and of one instant what others are made of.
  const auto key = [this](const auto& step) { return std::tuple(step.at, deriver_.rank(step.derived)); };
  const Waiting* waiting = nullptr;
  for (const std::uint32_t derived : ready_) {
    const Waiting* const next = find(derived);
    if (!waiting || key(*next) < key(*waiting)) waiting = next;
  }
  auto round = rounds_.end();
  for (auto next = rounds_.begin(); next != rounds_.end(); ++next) {
    if (!is_behind(*next) && (round == rounds_.end() || key(*next) < key(*round))) round = next;
  }
  if (waiting && (round == rounds_.end() || key(*waiting) < key(*round))) return make(waiting->derived, points);
  if (round != rounds_.end()) return conclude(round, points);
  return std::nullopt;
}

void Due::find_ready(const std::vector<PointState>& points, Instant now) {
  for (const std::uint32_t derived : asked_) {
    Waiting* const waiting = find(derived);
    if (waiting && is_all_there(*waiting, points)) set_ready(*waiting);
  }
  asked_.clear();
  if (now < now_) {  // the clock was set back
    for (Waiting& waiting : waiting_) {
      waiting.until = std::min(waiting.until, now + wait_of(waiting.derived));
      first_until_ = std::min(first_until_, waiting.until);
    }
  }
  now_ = now;
  if (now >= first_until_) find_overdue(now);
}

void Due::find_overdue(Instant now) {
  first_until_ = Instant::max();
  for (Waiting& waiting : waiting_) {
    if (waiting.until <= now && !is_behind(waiting, now)) set_ready(waiting);
    if (!waiting.is_ready) first_until_ = std::min(first_until_, waiting.until);
  }
}

// A poll reads one register after the other: of what it read just before there is no other one of its time. Where that
// is half of an input's round or longer ago, there may be; a batch may also hold several messages, or a part of a
// history.
bool Due::is_all_there(const Waiting& waiting, const std::vector<PointState>& points,
                       std::optional<PointId> but) const {
  return std::ranges::all_of(deriver_.taken(waiting.derived), [&](PointId input) {
    const PointState& state = points[index(input)];
    const auto heard = heard_until(state);
    if (input == but || heard >= waiting.at) return true;
    const bool is_of_batch = index(input) < heard_in_.size() && heard_in_[index(input)] == waiting.batch;
    return is_of_batch && waiting.batch == batch_ && heard && state.before && !state.derived.waiting &&
           waiting.at - *heard < (*heard - state.before->heard_at) / 2;
  });
}

// A result that it takes waits for longer.
bool Due::is_behind(const Waiting& waiting, Instant now) const {
  return deriver_.takes_results(waiting.derived) && std::ranges::any_of(waiting_, [&](const Waiting& other) {
           return other.derived != waiting.derived && other.until > now && other.at <= waiting.at && !other.is_ready &&
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

Due::Step Due::make(std::uint32_t derived, std::vector<PointState>& points) {
  std::erase(ready_, derived);
  const std::size_t place = places_[derived];
  waiting_[place] = waiting_.back();
  places_[waiting_[place].derived] = place;
  waiting_.pop_back();
  Step step{.changed = {deriver_.result(derived)}, .results = {}};
  const auto reading = std::exchange(points[index(deriver_.result(derived))].derived.waiting, std::nullopt).value();
  auto result = deriver_.derive({.derived = derived, .input = 0},
                                {.point = deriver_.followed(derived), .at = reading.at, .value = reading.value},
                                reading.quality, points, step.withdrawn);
  if (result) step.results.push_back(std::move(*result));
  step.heard = reading.since;
  return step;
}

Due::Step Due::derive_from(const Judged& judged, std::vector<PointState>& points, Instant now) {
  Step step;
  const Reading& reading = judged.reading;
  for (const Deriver::Feed feed : deriver_.fed_by(reading.point)) {
    step.changed.push_back(deriver_.result(feed.derived));
    std::optional<Deriver::Derived> result;
    if (deriver_.adds(feed.derived)) {
      if (usable(judged.quality)) {
        deriver_.hear(feed, reading, judged.quality, points, round_of(feed.derived, reading.at), step.withdrawn);
      } else {
        result = deriver_.missing(feed, reading.at, points);
      }
    } else {
      if (find(feed.derived)) {
        Step made = make(feed.derived, points);
        std::ranges::move(made.results, std::back_inserter(step.results));
        std::ranges::move(made.withdrawn, std::back_inserter(step.withdrawn));
      }
      const Waiting waiting{
          .derived = feed.derived, .at = reading.at, .until = now + wait_of(feed.derived), .batch = batch_};
      if (!usable(judged.quality)) {
        result = deriver_.missing(feed, reading.at, points);
      } else if (is_all_there(waiting, points)) {
        result = deriver_.derive(feed, reading, judged.quality, points, step.withdrawn);
      } else {
        points[index(deriver_.result(feed.derived))].derived.waiting = {
            .at = reading.at, .value = reading.value, .quality = judged.quality, .since = now};
        wait(waiting);
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

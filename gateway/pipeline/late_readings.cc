// What came too late to be counted where it belongs: what must be computed again is noted, and what waits in vain is
// closed.
#include <algorithm>
#include <limits>

#include "gateway/pipeline/engine.h"
#include "gateway/pipeline/remainder.h"
#include "gateway/pipeline/said.h"

namespace carbongate::pipeline {

using model::LateData;
using model::Period;

namespace {

void add(const LateData& noted, std::optional<LateData>& late) {
  if (!late) {
    late = noted;
    return;
  }
  late->earliest = std::min(late->earliest, noted.earliest);
  late->affects_until = std::max(late->affects_until, noted.affects_until);
  late->readings += std::min(noted.readings, std::numeric_limits<std::uint32_t>::max() - late->readings);
}

}  // namespace

// Older than the newest of its point: it changes nothing of what is known there, unless it revises just that one. The
// meter may have counted it, where a step waits; all else, and whether it is so in its order, is found by restatement.
void Pipeline::Engine::place_late(const Reading& reading, const Counted& counted) {
  model::PointState& state = state_.points[index(reading.point)];
  if (reading.at == state.last_at) {
    state.last_value = reading.value;
    changed_points_.note(index(reading.point));
  }
  if (usable(counted.quality) && !deriver_.taken_by(reading.point).empty()) {
    const SaidValue said{.value = reading.value, .quality = counted.quality};
    keep_earlier(state, reading.at, &said);
    changed_points_.note(index(reading.point));
  }
  note_out_of_order(reading.point, reading.at);
  learn_live_factor(reading);
  if (usable(counted.quality)) alerts_.heard_late(reading);
  if (countable(counted.quality)) {
    if (!state.rejected.empty()) settle_rejected(reading);
    // In its order it may have decided otherwise.
    const bool moved = !counted.movements.empty();
    note_late(reading.point, moved ? std::min(reading.at, counted.movements.front().begin) : reading.at);
    account_for(index(reading.point), counted);
    take_back(reading.point, counted.withdrawn, reading.at);
  } else {
    note_late(reading.point, reading.at);
  }
  close_what_was_missed(reading);
}

// What was counted with a value that is found wrong now waits for restatement, which leaves it out; also in what is
// computed from it, whose own counters of the point find the same.
void Pipeline::Engine::take_back(PointId point, std::span<const Withdrawn> withdrawn, Instant decided) {
  for (const Withdrawn& wrong : withdrawn) {
    const model::FoundWrong found{
        .point = point, .from = wrong.from, .first = wrong.first, .last = wrong.last, .decided = decided};
    if (std::ranges::find(found_wrong_, found) != found_wrong_.end()) continue;
    found_wrong_.push_back(found);
    ++statistics_.found_wrong;
    const auto note = [&](PointId id) {
      note_late(id, wrong.from);
      const Instant until = calendar_.period(Period::quarter_hour, late_inputs_.settled(id, decided)).end;
      for (std::optional<LateData>* late : {&state_.points[index(id)].late, &late_since_[index(id)]}) {
        if (*late) (*late)->affects_until = std::max((*late)->affects_until, until);
      }
    };
    note(point);
    for (const PointId result : deriver_.made_of(point)) note(result);  // whose next one is booked until then
  }
}

// An input of derived points that comes too far behind the others: they have no result there. The quarter hours that
// all inputs were heard of by now are closed as they are, and wait for restatement.
void Pipeline::Engine::close_what_was_missed(const Reading& reading) {
  for (const PointId result : deriver_.made_of(reading.point)) {
    const model::PointState& state = state_.points[index(result)];
    const bool is_late = late_inputs_.is_late(result, reading.at);
    const bool is_behind = state.derived.closed_until > state.last_at;  // also where there was none
    if (!points_[index(result)].meter || !(is_late || is_behind)) continue;
    const auto heard = late_inputs_.heard_until(result, state_.points);
    if (!heard) continue;
    const Instant until = calendar_.period(Period::quarter_hour, *heard).begin;
    const auto counted = counted_until(result);
    if (counted && until <= *counted) continue;
    note_late(result, std::min(reading.at, counted.value_or(until)), until);
    close_until(index(result), until);
    state_.points[index(result)].derived.closed_until = until;
  }
}

// A value that comes after a quarter hour that it holds for was counted: whatever is counted by that series there waits
// for restatement.
void Pipeline::Engine::learn_live_factor(const Reading& reading) {
  const auto late = live_factors_.learn(reading.point, reading.at, reading.value);
  if (!late) return;
  ++statistics_.late_factor_values;
  for (const AccountRules& rules : accounts_) {
    if (rules.factors.primary.live() != late->series && rules.factors.market.live() != late->series) continue;
    note_late(rules.account->source, late->from, late->until);
    if (rules.factors.primary.live() == late->series) {
      alerts_.counted_late(rules.account->id, late->from, late->until);
    }
  }
}

namespace {

// The minutes of a station up to here are told; a silence may leave an open one behind others that are.
std::optional<Instant> told_until(const model::StationState& state) {
  if (!state.minutes_until || state.minutes.empty()) return state.minutes_until;
  return std::min(*state.minutes_until, state.minutes.front().begin);
}

}  // namespace

std::vector<LateStation> Pipeline::Engine::late_stations() const {
  std::vector<LateStation> late;
  for (std::size_t i = 0; i < state_.stations.size(); ++i) {
    const model::StationState& state = state_.stations[i];
    const std::optional<Instant> told = told_until(state);
    if (!state.late || !told || state.late->from >= *told) continue;
    late.push_back(
        {.station = static_cast<model::StationId>(i), .late = *state.late, .told = *told, .begun = state.begun});
  }
  return late;
}

// Where more came meanwhile, or a minute was told, it is played once more.
model::Effects Pipeline::Engine::told_late(std::span<const LateReportJudgement> judgements) {
  for (const LateReportJudgement& judgement : judgements) {
    const std::size_t i = model::index(judgement.of.station);
    for (const model::Report& change : judgement.changes) emit_row(judgement.of.station, change);
    model::StationState& state = state_.stations[i];
    if (state.late != judgement.of.late || told_until(state) != judgement.of.told) continue;
    // An hour that is closed here, and was left open there for want of a later minute, would be told twice.
    const auto& left = judgement.hour;
    if (left && (!state.hour || state.hour->begin > left->begin) &&
        calendar_.period(Period::hour, left->begin).end <= judgement.of.told) {
      continue;
    }
    const auto is_played = [&](const std::optional<model::OpenReport>& open) {
      return open && judgement.last_day.contains(open->begin);
    };
    if (is_played(state.hour) || is_played(state.day) || judgement.last_day.end > judgement.of.told) {
      state.hour = judgement.hour;
      state.day = judgement.day;
    }
    // What is of a minute that goes on is looked at when that is told.
    if (state.late->until >= judgement.of.told) {
      state.late->from = judgement.of.told;
    } else {
      state.late.reset();
    }
    changed_stations_.note(i);
  }
  return take_effects();
}

// A reading of an input that is older than its newest. Of one that a result follows there is none of that time any
// more. False: nothing is counted of it.
bool Pipeline::Engine::note_out_of_order(PointId input, Instant at) {
  bool is_noted = false;
  for (const PointId result : deriver_.made_of(input)) {
    is_noted |= note_late(result, at);
    model::DerivedState& derived = state_.points[index(result)].derived;
    if (derived.made_until >= at || deriver_.follows(result, input)) derived.off = true;
    changed_points_.note(index(result));
  }
  return is_noted;
}

// The newest reading of an input: results of its time were made by then of what it had said before, and others of
// these.
bool Pipeline::Engine::note_made_without(PointId input, Instant at, bool is_value) {
  bool is_noted = false;
  const auto look = [&](std::uint32_t derived) {
    if (is_made_without(derived, input, at, is_value)) is_noted |= note_off(deriver_.result(derived), at);
  };
  for (const std::uint32_t derived : deriver_.taken_by(input)) look(derived);
  for (const Deriver::Feed feed : deriver_.fed_by(input)) {
    if (deriver_.adds(feed.derived)) look(feed.derived);
  }
  return is_noted;
}

// Results that are missing stay so without a value of this input, and also with one, where another input had none all
// the time. A missing sum is made once more of a term of its very stamp.
bool Pipeline::Engine::is_made_without(std::uint32_t derived, PointId input, Instant at, bool is_value) const {
  const model::PointState& result = state_.points[index(deriver_.result(derived))];
  const Duration apart = deriver_.adds(derived) ? kTermsApart : Duration::zero();
  const auto reaches = [&](std::optional<Instant> made) { return made && (*made == at || *made >= at + apart); };
  if (reaches(result.last_at)) return true;
  const std::optional<Instant>& made = result.derived.made_until;
  if (!is_value || !reaches(made) || (deriver_.adds(derived) && made == at)) return false;
  return std::ranges::all_of(deriver_.inputs(derived), [&](const model::DerivedInput& other) {
    return !other.point || *other.point == input ||
           state_.points[index(*other.point)].last_at >= at - deriver_.max_age(derived);
  });
}

bool Pipeline::Engine::note_off(PointId result, Instant at) {
  const auto note = [&](PointId id) {
    state_.points[index(id)].derived.off = true;
    changed_points_.note(index(id));
    return note_late(id, at);
  };
  bool is_noted = note(result);
  for (const PointId further : deriver_.made_of(result)) is_noted |= note(further);
  return is_noted;
}

// What was counted from a result that is off up to here is off as well, if only by what rounding left over there: up to
// the first one of another quarter hour. `before`: when the one before it was taken.
void Pipeline::Engine::note_made(const Reading& result, std::optional<Instant> before) {
  model::PointState& state = state_.points[index(result.point)];
  state.derived.made_until = std::max(state.derived.made_until, std::optional(result.at));
  if (state.last_at == before) return;
  if (before) note_after_silence(result, *before);
  if (!state.derived.off || carries_remainder(before, result.at)) return;
  note_off(result.point, before.value_or(result.at));  // the first one of all may have been an earlier one
  state.derived.off = false;
}

// Of a sum whose input was silent: where late readings have its rounds end otherwise, the last one before the silence
// may be another in its order, and what is counted over the silence from another time on. What that touches reaches
// beyond the silence, and has no other round end otherwise: of a sum that is always silent for so long each would.
void Pipeline::Engine::note_after_silence(const Reading& result, Instant before) {
  const std::optional<LateData>& late = state_.points[index(result.point)].late;
  if (!late || before >= late->affects_until || !late_inputs_.is_silence(result.point, before, result.at)) return;
  Instant& noted_until = silence_noted_until_[index(result.point)];
  if (late->affects_until == noted_until) return;
  note_off(result.point, before);
  noted_until = late->affects_until;
}

// It is older than what is counted already: restatement will find its place, also in what is computed from it. False:
// nothing is counted.
bool Pipeline::Engine::note_late(PointId point, Instant at) {
  const model::PointState& state = state_.points[index(point)];
  std::optional<Instant> known = state.last_at;
  if (state.derived.closed_until) known = std::max(known, std::optional(*state.derived.closed_until - Duration(1)));
  if (!points_[index(point)].meter || !known) return false;
  // All of a doubt hangs together: what is open lies where it began.
  const model::CounterState& counter = state.counter;
  const Instant from = counter.pending && counter.baseline ? std::min(at, counter.baseline->first) : at;
  const Instant settled = late_inputs_.settled(point, std::max(at, *known));
  const Instant until = calendar_.period(Period::quarter_hour, settled).end;
  note_late(point, from, state.open ? std::max(state.open->end, until) : until);
  return true;
}

void Pipeline::Engine::note_late(PointId point, Instant at, Instant until) {
  const LateData noted{.earliest = at, .affects_until = until, .readings = 1};
  add(noted, state_.points[index(point)].late);
  add(noted, late_since_[index(point)]);
  for (const std::size_t i : points_[index(point)].accounts) alerts_.counted_late(accounts_[i].account->id, at);
  changed_points_.note(index(point));
}

// What was noted since is not: nobody looked at it.
void Pipeline::Engine::settle_late(const model::LateDataSettled& settled) {
  std::optional<LateData>& late = state_.points.at(index(settled.point)).late;
  const std::optional<LateData>& since = late_since_[index(settled.point)];
  const bool is_same = late == settled.known;
  if (!late || !(is_same || since)) return;
  late = settled.left;
  if (!is_same) add(*since, late);
  changed_points_.note(index(settled.point));
}

}  // namespace carbongate::pipeline

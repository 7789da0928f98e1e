// What came too late to be counted where it belongs: what must be computed again is noted, and what waits in vain is
// closed.
#include <algorithm>
#include <limits>

#include "gateway/pipeline/engine.h"
#include "gateway/pipeline/said.h"

namespace carbongate::pipeline {

using model::Period;

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
  for (const PointId result : deriver_.made_of(reading.point)) note_late(result, reading.at);
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
      auto& late = state_.points[index(id)].late;
      if (late) late->affects_until = std::max(late->affects_until, until);
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

// It is older than what is counted already: restatement will find its place, also in what is computed from it.
void Pipeline::Engine::note_late(PointId point, Instant at) {
  const model::PointState& state = state_.points[index(point)];
  std::optional<Instant> known = state.last_at;
  if (state.derived.closed_until) known = std::max(known, std::optional(*state.derived.closed_until - Duration(1)));
  if (!points_[index(point)].meter || !known) return;
  // All of a doubt hangs together: what is open lies where it began.
  const model::CounterState& counter = state.counter;
  const Instant from = counter.pending && counter.baseline ? std::min(at, counter.baseline->first) : at;
  const Instant settled = late_inputs_.settled(point, std::max(at, *known));
  const Instant until = calendar_.period(Period::quarter_hour, settled).end;
  note_late(point, from, state.open ? std::max(state.open->end, until) : until);
}

void Pipeline::Engine::note_late(PointId point, Instant at, Instant until) {
  model::PointState& state = state_.points[index(point)];
  if (!state.late) state.late = {.earliest = at, .affects_until = until, .readings = 0};
  state.late->earliest = std::min(state.late->earliest, at);
  state.late->affects_until = std::max(state.late->affects_until, until);
  if (state.late->readings != std::numeric_limits<std::uint32_t>::max()) ++state.late->readings;
  for (const std::size_t i : points_[index(point)].accounts) alerts_.counted_late(accounts_[i].account->id, at);
  changed_points_.note(index(point));
}

}  // namespace carbongate::pipeline

#include "gateway/pipeline/said.h"

#include <algorithm>

namespace carbongate::pipeline {

using model::EarlierInput;
using model::PointState;

std::optional<Instant> heard_until(const PointState& state) {
  return std::max(state.last_at, state.withdrawn_at);
}

EarlierInput said_until(const PointState& state, Instant at) {
  const auto heard = heard_until(state);
  if (!heard || *heard > at) return state.before.value_or(EarlierInput{});
  return {.heard_at = *heard,
          .last_at = state.last_at,
          .last_value = state.last_value,
          .last_quality = state.last_quality,
          .withdrawn = state.withdrawn_at.has_value()};
}

void keep_earlier(PointState& state, Instant at, const SaidValue* value) {
  const auto heard = heard_until(state);
  if (!heard || at == *heard) return;
  if (at > *heard) {
    state.before = said_until(state, *heard);
    return;
  }
  // Of one instant the first value counts, and none withdraws it.
  const auto& known = state.before;
  if (known && (at < known->heard_at || (at == known->heard_at && !known->withdrawn))) return;
  EarlierInput said = known.value_or(EarlierInput{});
  said.heard_at = at;
  said.withdrawn = value == nullptr;
  if (value) {
    said.last_at = at;
    said.last_value = value->value;
    said.last_quality = value->quality;
  }
  state.before = said;
}

}  // namespace carbongate::pipeline

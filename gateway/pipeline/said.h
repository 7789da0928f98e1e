// What an input of derived points has said: the newest of it, and what stood before that, for a result of a time in
// between.
#pragma once

#include <optional>

#include "gateway/model/checkpoint.h"

namespace carbongate::pipeline {

// Of the newest reading of it that was a value, or that said that there is none. nullopt: none was heard.
std::optional<Instant> heard_until(const model::PointState& state);

// As it stood at that time; where more than one reading is newer, as far back as is known. Without `last_at`: it had
// not been read.
model::EarlierInput said_until(const model::PointState& state, Instant at);

// A reading of that time is about to be taken in: keeps what is said before it, or where it is older than the newest
// one, what it says itself. nullptr: that there is no value.
struct SaidValue {
  double value = 0;
  model::Quality quality;
};
void keep_earlier(model::PointState& state, Instant at, const SaidValue* value);

}  // namespace carbongate::pipeline

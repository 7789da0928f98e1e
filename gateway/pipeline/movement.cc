#include "gateway/pipeline/movement.h"

#include <algorithm>
#include <chrono>
#include <limits>

#include "gateway/pipeline/remainder.h"

namespace carbongate::pipeline {

Wide floor_div(Wide dividend, Wide divisor) {
  const Wide quotient = dividend / divisor;
  return dividend % divisor < 0 ? quotient - 1 : quotient;
}

std::int64_t saturate(Wide value) {
  constexpr Wide kMax = std::numeric_limits<std::int64_t>::max();
  return static_cast<std::int64_t>(std::clamp(value, -kMax, kMax));
}

Integrated integrate(const Trapezoid& rate, Instant begin, Instant end, Instant at) {
  const std::int64_t whole = (end - begin).count();
  const auto doubled = [&](Instant until) {
    const Wide part = (until - begin).count();
    return Wide{2} * rate.rate * part + floor_div(Wide{rate.rise} * part * part, whole);
  };
  Wide amount = 0;
  Wide rest = rate.rest;
  for (Instant from = begin; from < at;) {
    const Instant quarter = std::chrono::floor<Quarters>(from) + Quarters(1);
    const Instant until = std::min(quarter, at);
    rest += doubled(until) - doubled(from);
    const Wide rounded = floor_div(rest + kTrapezoidScale / 2, kTrapezoidScale);
    amount += rounded;
    rest = until == quarter ? 0 : rest - rounded * kTrapezoidScale;
    from = until;
  }
  return {.amount = model::Activity::of(saturate(amount)), .rest = static_cast<std::int64_t>(rest)};
}

model::Activity Movement::until(Instant at) const {
  if (at >= end) return amount;
  if (trapezoid) return integrate(*trapezoid, begin, end, at).amount;
  const Wide part = (at - begin).count();
  return model::Activity::of(saturate(floor_div(Wide{amount.quanta()} * part, (end - begin).count())));
}

void Counted::add(const Movement& movement) {
  if (movement.end <= movement.begin) return;
  if (movements.size() < kMovementsMax) {
    movements.push_back(movement);
    return;
  }
  Movement& last = movements.back();
  last.end = movement.end;
  last.amount += movement.amount;
  last.covered = last.covered && movement.covered;
  if (!last.unwatched_from) last.unwatched_from = movement.unwatched_from;
  last.quality = model::worse(last.quality, movement.quality);
}

void Counted::append(const Counted& next) {
  for (const Movement& movement : next) add(movement);
  withdrawn.insert(withdrawn.end(), next.withdrawn.begin(), next.withdrawn.end());
}

}  // namespace carbongate::pipeline

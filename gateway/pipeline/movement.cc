#include "gateway/pipeline/movement.h"

#include <algorithm>
#include <limits>

namespace carbongate::pipeline {

Wide floor_div(Wide dividend, Wide divisor) {
  const Wide quotient = dividend / divisor;
  return dividend % divisor < 0 ? quotient - 1 : quotient;
}

std::int64_t saturate(Wide value) {
  constexpr Wide kMax = std::numeric_limits<std::int64_t>::max();
  return static_cast<std::int64_t>(std::clamp(value, -kMax, kMax));
}

model::Activity Movement::until(Instant at) const {
  const std::int64_t whole = (end - begin).count();
  const std::int64_t part = (at - begin).count();
  if (part >= whole) return amount;
  Wide share = floor_div(Wide{amount.quanta()} * part, whole);
  if (rate_rise != 0) {
    // A rate that rises runs below its mean first: rise * part * (part - whole) / (2 * whole), per hour.
    share += floor_div(Wide{rate_rise} * part * (part - whole), Wide{kTrapezoidScale} * whole);
  }
  return model::Activity::of(static_cast<std::int64_t>(share));
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

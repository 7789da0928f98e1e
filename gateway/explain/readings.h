// The stored readings in and around a quarter hour, found in one walk through the journal, and counted again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "drivers/api/point.h"
#include "gateway/model/carrier.h"
#include "gateway/model/errors.h"
#include "gateway/model/quality.h"
#include "gateway/model/quantity.h"
#include "gateway/pipeline/energy.h"
#include "gateway/store/history.h"

namespace carbongate::explain {

struct StoredReading {
  Instant at{};
  std::uint64_t sequence = 0;  // in the journal: the order in which they were heard
  double value = 0;            // as stored; NaN: none
  model::Quality quality;
  std::optional<model::Quality> as_heard = {};  // where it came late, and `quality` is that of its place in time
};

// Of one point, by time, then as they were heard: those of the interval, some before it and some after.
struct ReadingsOfPoint {
  std::string unit;  // of the newest
  std::vector<StoredReading> all;
};

// What is looked for.
struct ReadingsWanted {
  std::set<std::string> points;    // "press-shop.energy"
  std::set<std::string> counters;  // those of them whose lead must show the counter moving, as counting it again needs
  Instant begin{};
  Instant end{};
  Instant heard_until{};   // late ones may have been heard until then
  std::size_t behind = 1;  // usable ones after the interval; of a counter whose step was in doubt as many as decide it
  // Only what lies no further in the journal, and, if so, was not left out for having come out of order.
  std::uint64_t through = UINT64_MAX;
  bool in_order = false;
};

// Memory: the readings of these points in an hour and a half, or so many as counting needs. Time: as far through the
// journal as late readings may have been heard, and back as far as a silence lasted; both have a limit.
model::Result<std::map<std::string, ReadingsOfPoint>> find_readings(store::History& history,
                                                                    const ReadingsWanted& wanted);

// What one reading brought to light.
struct Moved {
  model::Activity whole;                  // since `since`
  std::optional<Instant> since;           // nullopt: nothing, or no time
  model::Activity counted;                // of it in the interval
  std::optional<Instant> unwatched_from;  // since then nothing was watched, for a reading was rejected
  std::optional<Instant> held_until;      // of a rate: the value before stood until then, when one was rejected
};

// What the readings add to the interval (begin, end], by `readings`' index. As the pipeline would count them, had each
// been heard when it was measured. `amounts`: of a sum of counters they leave no gap (amounts_of(), derived.h).
// `rejected`: when readings of what it is a sum of were, ascending.
struct CountedAgain {
  std::vector<Moved> by_reading;
  model::Activity sum;
};
std::optional<CountedAgain> count_again(
    const std::vector<StoredReading>& readings, const Point& point, const model::Carrier& carrier,
    Duration future_tolerance, Instant begin, Instant end,
    pipeline::EnergyMeter::Amounts amounts = pipeline::EnergyMeter::Amounts::on_their_own,
    std::span<const Instant> rejected = {});

}  // namespace carbongate::explain

// JudgedReading -> movements of activity: counters are subtracted, amounts taken, rates integrated; then cut into
// quarter hours. All in integers: the movements of a counter add up to exactly what it moved.
#pragma once

#include <optional>

#include "drivers/api/point.h"
#include "gateway/model/carrier.h"
#include "gateway/model/checkpoint.h"
#include "gateway/pipeline/counter.h"
#include "gateway/pipeline/movement.h"

namespace carbongate::pipeline {

// Counts the readings of one accounted point. Constant: what must be remembered is in the PointState.
//
// Cumulative. counter.h.
//
// Interval. The amount is taken as it is. It belongs to the time since the reading before, but not more than `interval`
// where that is known and was exceeded by half; without it at most 24 h; else to the 15 minutes before the reading. A
// negative amount is rejected (range) unless `min` allows it, and one beyond twice what the connection delivers in that
// time (at least an hour). One older than the newest is rejected at first: it may be a second delivery. Restatement,
// which sees them all in the order of their times, counts it if it is none. Where amounts are known to follow each
// other without a gap, as those of a sum of counters do, each belongs to all the time since the one before, and over
// more than gap_max its distribution is estimated.
//
// Instantaneous. A rate (kW, m3/h, kg/h) is integrated by trapezoids, each quarter hour rounded once, to the nearest
// quantum: so it follows from the readings in and around it alone, and can be restated to the last unit without those
// of years before. A negative rate is rejected (range) unless `min`
// allows it, and so is one beyond twice what the connection can deliver. Over a gap longer than gap_max nothing is
// assumed.
//
// Readings that were rejected on the way leave the amount as it is, but not watched: unwatched.h. A rejected amount
// takes the time before it, unless `interval` says how long that of the next one is.
class EnergyMeter {
 public:
  enum class Amounts { on_their_own, without_gaps };

  // nullopt: the point's unit does not fit the carrier (explain_mismatch()), or a rate is marked as a total or vice
  // versa.
  static std::optional<EnergyMeter> make(const Point& point, const model::Carrier& carrier,
                                         Amounts amounts = Amounts::on_their_own);

  // `quality`: as judged. Counts the reading if countable(quality), and updates the state except last_at and
  // last_value.
  Counted count(const Reading& reading, model::Quality quality, model::PointState& state) const;

  // The same of a cumulative point. `last_value`: of the newest usable reading before.
  Counted count_register(const Reading& reading, double last_value, model::Quality quality,
                         model::CounterState& state) const;

  // Up to when the point is counted for good: calendar periods that end there are complete.
  std::optional<Instant> counted_until(const model::PointState& state) const;

 private:
  EnergyMeter(const Point& point, model::ActivityScale scale, const Connection& connection, Amounts amounts);

  Counted count_anew(const Reading& reading, model::Quality quality, model::PointState& state) const;
  Counted count_amount(const Reading& reading, model::Quality quality, const model::PointState& state) const;
  Counted count_rate(const Reading& reading, model::Quality quality, model::PointState& state) const;

  model::ActivityScale scale_;
  Kind kind_;
  Amounts amounts_;
  Connection connection_;
  bool negative_allowed_ = false;
  Duration interval_{};
  Duration gap_max_{};
  CounterMeter counter_;
};

// In what quanta an amount of that unit is counted that no account need have anything to do with. nullopt: it is none.
std::optional<model::Carrier> counted_as(const Unit& unit);

// How many quanta a unit is: 1'000'000 mWh a kWh. Divided by it, whole quanta become the nearest decimal.
double quanta_per_unit(const Unit& quantum, const Unit& unit);

}  // namespace carbongate::pipeline

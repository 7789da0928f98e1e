// Factor sets whose values are heard while the gateway runs: judged readings of a point become dated factors.
//
// The factor of a quarter hour is the value in force at its begin: that of the last reading at or before it, if that
// reading is not older than `hold`. Once something was booked by the answer for a quarter hour (or by the lack of one),
// the answer stays: a reading that comes late begins with the first quarter hour not yet asked for. So what is
// published once is never contradicted, and a replay of the same readings gives the same books.
//
// Every change of the value is a factor of its own, "grid-live/CN-SC/live/2026-11-28T05:00Z", valid from then until the
// next one, at most until `hold` after the last reading.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "gateway/model/checkpoint.h"
#include "gateway/model/live_factor.h"
#include "gateway/pipeline/factor_registry.h"

namespace carbongate::pipeline {

class LiveFactors {
 public:
  struct Series {
    const model::LiveFactor* plan = nullptr;
    std::optional<Fraction> mg_per_quantum;  // of a value of 1
    model::LiveFactorState state;
    bool changed = false;
    model::Factor factor;  // the one last given
  };

  static constexpr Duration kKept =
      std::chrono::days(40);  // corrections reach back so far; older answers are forgotten

  // `plans` and `registry` (for the fallbacks) outlive this object. A plan whose unit is not one of its carrier has no
  // values.
  LiveFactors(const std::vector<model::LiveFactor>& plans, const FactorRegistry& registry);

  // A state as it was taken by take_changed(). Points without a plan are not ours.
  void restore(PointId source, const model::LiveFactorState& state);

  // A usable reading; those of one point come in the order of their times.
  void learn(PointId source, Instant at, double value);

  // nullptr: this choice is not live, ask the registry.
  Series* find(const model::FactorChoice& choice, const model::Carrier& carrier);

  // The factor for the quarter hour of `at`, decided now if it was not. nullptr: none applies. Valid until the next
  // call for the same series.
  const model::Factor* at(Series& series, Instant at);

  // Calls f(source, state) for each series that has changed since, to be committed with what was booked by it.
  template <class F>
  void take_changed(F&& f) {
    for (Series& series : series_) {
      if (!series.changed) continue;
      series.changed = false;
      f(series.plan->source, series.state);
    }
  }

 private:
  std::vector<Series> series_;
  const FactorRegistry* registry_;
};

// A double as the shortest plain decimal that reads back as the same, or to nine places where that has more than 18
// digits. nullopt: negative, not finite, or too large. What a published figure would look like: it is kept exactly.
std::optional<std::string> plain_decimal(double value);

}  // namespace carbongate::pipeline

// Factor sets whose values are heard while the gateway runs: judged readings of a point become dated factors.
//
// The factor of a quarter hour is the value in force at its begin: that of the newest reading at or before it, if that
// reading is not older than `hold`. Readings may be heard in any order; of one instant the value last heard stands, for
// feeds revise what they said. It has the id of the one before it: the stamp is the same.
//
// Once something was booked by the answer for a quarter hour (or by the lack of one), the answer stays, so that an
// entry has one factor from its first to its last booking. A reading that comes after that is late there: learn() says
// for which quarter hours, and restatement (gateway/app/recompute.h), which plays all readings in their order, finds
// the corrections. So a replay in any order comes to the same figures, unless the order of what was said of one instant
// is another one.
//
// Every reading in force is a factor of its own, "grid-live/CN-SC/live/2026-11-28T05:00Z", named by its stamp.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
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
    double value = 0.0;    // of it
  };

  static constexpr Duration kKept =
      std::chrono::days(40);  // corrections reach back so far; older answers are forgotten

  // `plans` and `registry` (for the fallbacks) outlive this object. A plan whose unit is not one of its carrier has no
  // values.
  LiveFactors(const std::vector<model::LiveFactor>& plans, const FactorRegistry& registry);

  // A state as it was taken by take_changed(). Points without a plan are not ours.
  void restore(PointId source, const model::LiveFactorState& state);

  // Quarter hours that were counted before a reading in force in them was heard.
  struct Late {
    const Series* series = nullptr;
    Instant from{};
    Instant until{};
  };

  // Whether the point is the source of a series.
  bool hears(PointId source) const;

  // A usable reading. nullopt: nothing that was counted is touched by it.
  std::optional<Late> learn(PointId source, Instant at, double value);

  // nullptr: this choice is not live, ask the registry.
  Series* find(const model::FactorChoice& choice, const model::Carrier& carrier);
  const Series* find(const model::FactorChoice& choice, const model::Carrier& carrier) const;

  // The factor for the quarter hour of `at`, decided now if it was not. nullptr: none applies. Valid until the next
  // call for the same series.
  const model::Factor* at(Series& series, Instant at);

  // The reading that a factor of the series is named by, if it is remembered, as it was last heard; and that factor, or
  // what it was by another value that was heard of that instant. Valid until the next call for the same series.
  const model::LiveValue* value_of(const Series& series, std::string_view factor_id) const;
  const model::Factor* named(Series& series, std::string_view factor_id) const;
  const model::Factor* named(Series& series, std::string_view factor_id, double value) const;

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
  static std::optional<Late> learn(Series& series, Instant at, double value);
  static const model::Factor* describe(Series& series, const model::LiveValue& value);

  std::vector<Series> series_;
  const FactorRegistry* registry_;
};

// A double as the shortest plain decimal that reads back as the same, or to nine places where that has more than 18
// digits. nullopt: negative, not finite, or too large. What a published figure would look like: it is kept exactly.
std::optional<std::string> plain_decimal(double value);

// "grid-live/CN-SC/live/2026-11-28T05:00Z": the reading of that stamp.
std::string live_factor_id(const model::Factor& like, Instant at);

}  // namespace carbongate::pipeline

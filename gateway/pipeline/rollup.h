// Sums per calendar period: what is open, and the row it becomes when it is complete.
#pragma once

#include <optional>

#include "gateway/model/checkpoint.h"
#include "gateway/model/rows.h"
#include "gateway/model/site.h"
#include "gateway/pipeline/calendar.h"

namespace carbongate::pipeline {

// What one booking adds to what is open of a point and its accounts. It lies within one quarter hour.
struct Booking {
  Span span;
  model::Activity amount;
  Duration covered{};
  Duration bridged{};
  model::Quality quality;
};

template <class Sum>
void add_quality(const Booking& booking, Sum& sum) {
  sum.covered += booking.covered;
  sum.quality = worse(sum.quality, booking.quality);
}

// To a point's interval or an account's period; the latter's emissions and coal are added apart.
template <class Open>
void add(const Booking& booking, Open& open) {
  open.amount += booking.amount;
  if constexpr (requires { open.bridged; }) open.bridged += booking.bridged;
  add_quality(booking, open);
}

// Opens the period in which `at` lies, if none is open.
template <class Open>
Open& open_at(Instant at, model::Period period, Calendar& calendar, std::optional<Open>& open) {
  if (!open) {
    const Span span = calendar.period(period, at);
    open.emplace();
    open->begin = span.begin;
    open->end = span.end;
  }
  return *open;
}

// A period in which nothing was counted and nothing watched is no row...
constexpr bool worth_a_row(const model::OpenInterval& interval) {
  return interval.covered > Duration::zero() || interval.amount != model::Activity{};
}
// ...unless its counter began anew there, or ran backwards: something may have flowed, and nobody knows how much.
constexpr bool is_unknown(const model::OpenInterval& interval) {
  return !worth_a_row(interval) && model::leaves_unknown(interval.quality.rule);
}
constexpr bool worth_a_row(const model::OpenPeriod& period) {
  return period.covered > Duration::zero() || period.amount != model::Activity{} ||
         period.coal != model::StandardCoal{} || period.emitted != model::PerBasis<model::Emitted>{};
}

// Of a complete hour or day, also one that is not worth a row. `sums`: an OpenPeriod or RollupRow.
template <class Sums>
model::Validity judge(model::Period kind, const Sums& sums, const model::ValidityRules& rules) {
  const auto verdict = [](bool valid) { return valid ? model::Validity::valid : model::Validity::invalid; };
  if (kind == model::Period::hour) return verdict(sums.covered >= rules.hour_covered);
  if (kind == model::Period::day) return verdict(sums.valid_hours >= rules.day_hours);
  return model::Validity::not_judged;
}

model::RollupRow make_rollup(model::Period kind, const model::OpenPeriod& period, const model::ValidityRules& rules);
model::EnergyInterval make_interval(const model::OpenInterval& quarter);

}  // namespace carbongate::pipeline

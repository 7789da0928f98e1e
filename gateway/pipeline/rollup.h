// Sums per calendar period: what is open, and the row it becomes when it is complete.
#pragma once

#include <optional>

#include "gateway/model/checkpoint.h"
#include "gateway/pipeline/calendar.h"

namespace carbongate::pipeline {

// What one booking adds to the open periods of a point or an account. It lies within one quarter hour.
struct Booking {
  Span span;
  model::Activity amount;
  model::Co2e co2e;
  bool covered = true;
  model::Quality quality;
};

inline void add(const Booking& booking, model::OpenPeriod& period) {
  period.amount += booking.amount;
  period.co2e += booking.co2e;
  if (booking.covered) period.covered += booking.span.end - booking.span.begin;
  period.quality = worse(period.quality, booking.quality);
}

// Opens the period in which `at` lies, if none is open.
inline model::OpenPeriod& open_at(Instant at, model::Period period, Calendar& calendar,
                                  std::optional<model::OpenPeriod>& open) {
  if (!open) {
    const Span span = calendar.period(period, at);
    open.emplace(model::OpenPeriod{
        .begin = span.begin, .end = span.end, .amount = {}, .co2e = {}, .covered = {}, .quality = {}});
  }
  return *open;
}

// A period in which nothing was counted and nothing watched is no row.
constexpr bool worth_a_row(const model::OpenPeriod& period) {
  return period.covered > Duration::zero() || period.amount != model::Activity{} || period.co2e != model::Co2e{};
}

model::RollupRow make_rollup(model::Period kind, const model::OpenPeriod& period);
model::EnergyInterval make_interval(const model::OpenPeriod& quarter);

}  // namespace carbongate::pipeline

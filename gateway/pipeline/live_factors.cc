#include "gateway/pipeline/live_factors.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <string>

#include "gateway/model/carrier.h"
#include "gateway/pipeline/factor_value.h"

namespace carbongate::pipeline {
namespace {

constexpr Duration kQuarter = std::chrono::minutes(15);

Instant quarter_of(Instant at) {
  return std::chrono::floor<std::chrono::duration<std::int64_t, std::ratio<900>>>(at);
}
Instant quarter_from(Instant at) {
  const Instant begin = quarter_of(at);
  return begin == at ? begin : begin + kQuarter;
}

// "2026-11-28T05:00Z": ids do not depend on a time zone.
std::string label(Instant at) {
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date(day);
  const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(at - day).count();
  char text[40];
  std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02dZ", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), static_cast<int>(minutes / 60),
                static_cast<int>(minutes % 60));
  return text;
}

}  // namespace

std::optional<std::string> plain_decimal(double value) {
  if (!std::isfinite(value) || value < 0.0) return std::nullopt;
  char buffer[512];
  const auto write = [&](auto... precision) {
    const auto [end, code] =
        std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::fixed, precision...);
    return code == std::errc() ? std::string(buffer, end) : std::string();
  };
  for (const std::string& text : {write(), write(9)}) {
    if (Fraction::decimal(text)) return text;
  }
  return std::nullopt;
}

LiveFactors::LiveFactors(const std::vector<model::LiveFactor>& plans, const FactorRegistry& registry)
    : registry_(&registry) {
  for (const model::LiveFactor& plan : plans) {
    Series& series = series_.emplace_back();
    series.plan = &plan;
    series.factor = plan.like;
    std::string why;
    const model::Carrier* carrier = model::find_carrier(plan.like.carrier);
    const auto unit = carrier ? parse_factor_unit(plan.like.unit_text, *carrier, why) : std::nullopt;
    if (unit) series.mg_per_quantum = unit->mg_per_quantum;
  }
}

void LiveFactors::restore(PointId source, const model::LiveFactorState& state) {
  for (Series& series : series_) {
    if (series.plan->source == source) series.state = state;
  }
}

void LiveFactors::learn(PointId source, Instant at, double value) {
  for (Series& series : series_) {
    if (series.plan->source != source || !series.mg_per_quantum || !plain_decimal(value)) continue;
    auto& values = series.state.values;
    const Instant from = std::max(quarter_from(at), series.state.decided_until);
    const Instant until = quarter_from(at + series.plan->hold);
    if (from >= until) continue;  // it came when its time was over
    const model::LiveFactorState before = series.state;
    if (!values.empty() && values.back().from >= from) values.pop_back();  // a newer one, before anybody asked
    if (!values.empty() && values.back().value == value && values.back().until >= from) {
      values.back().until = std::max(values.back().until, until);
    } else {
      if (!values.empty()) values.back().until = std::min(values.back().until, from);
      values.push_back({.from = from, .until = until, .value = value});
    }
    const auto kept = std::ranges::find_if(values, [&](const model::LiveValue& v) { return v.until > from - kKept; });
    values.erase(values.begin(), kept);
    series.changed = series.changed || series.state != before;
  }
}

LiveFactors::Series* LiveFactors::find(const model::FactorChoice& choice, const model::Carrier& carrier) {
  for (const std::string_view region : {std::string_view(choice.region), std::string_view()}) {  // as in the registry
    const auto found = std::ranges::find_if(series_, [&](const Series& series) {
      const model::Factor& like = series.plan->like;
      return like.set == choice.set && like.carrier == carrier.id && like.method == choice.method &&
             like.region == region;
    });
    if (found != series_.end()) return &*found;
  }
  return nullptr;
}

const model::Factor* LiveFactors::at(Series& series, Instant at) {
  const Instant quarter = quarter_of(at);
  if (series.state.decided_until < quarter + kQuarter) {
    series.state.decided_until = quarter + kQuarter;
    series.changed = true;
  }
  const auto& values = series.state.values;
  auto found = std::ranges::upper_bound(values, quarter, {}, &model::LiveValue::from);
  if (found == values.begin() || (--found)->until <= quarter) {
    const auto& fallback = series.plan->fallback;
    if (!fallback) return nullptr;
    return registry_->find(*fallback, *model::find_carrier(series.plan->like.carrier), at);
  }
  model::Factor& factor = series.factor;
  if (factor.valid_from != found->from || factor.id.empty()) {
    factor.id = factor.set + "/" + (factor.region.empty() ? factor.carrier : factor.region) + "/" + factor.method +
                "/" + label(found->from);
    factor.valid_from = found->from;
    factor.value_text = plain_decimal(found->value).value_or("");  // learn() took none that has none
    const auto value = Fraction::decimal(factor.value_text);
    const auto exact = value && series.mg_per_quantum ? value->times(*series.mg_per_quantum) : std::nullopt;
    const auto scaled = exact ? exact->scaled(model::kFactorScale) : std::nullopt;
    factor.scaled_gas = {};
    factor.scaled_gas[series.plan->gas] = factor.scaled_co2e = scaled.value_or(0);
    if (!scaled) factor.id.clear();
  }
  factor.valid_until = found->until;
  return factor.id.empty() ? nullptr : &factor;
}

}  // namespace carbongate::pipeline

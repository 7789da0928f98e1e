#include "gateway/pipeline/live_factors.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <string>
#include <utility>

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
// The first one that a value of up to then does not hold for.
Instant quarter_after(Instant until) {
  return quarter_of(until) + kQuarter;
}

// "2026-11-28T05:00Z", "2026-11-28T05:00:07.250Z": ids do not depend on a time zone.
std::string label(Instant at) {
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date(day);
  const auto milliseconds = static_cast<int>((at - day).count());
  char text[48];
  const auto year = static_cast<int>(date.year());
  const auto month = static_cast<unsigned>(date.month());
  const auto of_month = static_cast<unsigned>(date.day());
  const int minutes = milliseconds / 60'000;
  std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d", year, month, of_month, minutes / 60, minutes % 60);
  std::string label = text;
  const int rest = milliseconds % 60'000;
  if (rest != 0)
    std::snprintf(text, sizeof text, rest % 1'000 == 0 ? ":%02d" : ":%02d.%03d", rest / 1'000, rest % 1'000);
  if (rest != 0) label += text;
  return label + "Z";
}

// What label() wrote, at the end of an id.
std::optional<Instant> stamp_in(std::string_view id) {
  const auto slash = id.rfind('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const std::string text(id.substr(slash + 1));
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, millisecond = 0;
  if (std::sscanf(text.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d.%3d", &year, &month, &day, &hour, &minute, &second,
                  &millisecond) < 5) {
    return std::nullopt;
  }
  const auto date = std::chrono::year(year) / month / day;
  if (!date.ok()) return std::nullopt;
  return Instant(std::chrono::sys_days(date)) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
         std::chrono::seconds(second) + Duration(millisecond);
}

}  // namespace

std::string live_factor_id(const model::Factor& like, Instant at) {
  return like.set + "/" + (like.region.empty() ? like.carrier : like.region) + "/" + like.method + "/" + label(at);
}

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

bool LiveFactors::hears(PointId source) const {
  return std::ranges::any_of(series_, [&](const Series& series) { return series.plan->source == source; });
}

std::optional<LiveFactors::Late> LiveFactors::learn(PointId source, Instant at, double value) {
  for (Series& series : series_) {  // a point is the source of one at most
    if (series.plan->source == source) return learn(series, at, value);
  }
  return std::nullopt;
}

std::optional<LiveFactors::Late> LiveFactors::learn(Series& series, Instant at, double value) {
  if (!series.mg_per_quantum || !plain_decimal(value)) return std::nullopt;
  std::vector<model::LiveValue>& values = series.state.values;
  const Instant from = quarter_from(at);
  const model::LiveValue heard{
      .at = at, .until = at + series.plan->hold, .since = std::max(from, series.state.decided_until), .value = value};
  auto place = std::ranges::upper_bound(values, at, {}, &model::LiveValue::at);  // behind what it revises
  if (place != values.begin()) {
    const model::LiveValue& known = *std::prev(place);
    if (known.at == at && known.value == value) return std::nullopt;
  }
  Instant until = quarter_after(heard.until);
  if (place != values.end()) {
    until = std::min(until, quarter_from(place->at));
    if (until <= from) return std::nullopt;  // a newer one is in force wherever this one could be
    if (heard.until <= values.back().at - kKept) return std::nullopt;
  }
  // Those before it that no quarter hour begins behind, unless something was counted by them.
  while (place != values.begin()) {
    const auto before = std::prev(place);
    if (quarter_from(before->at) != from || before->since < heard.since) break;
    place = values.erase(before);
  }
  values.insert(place, heard);
  const Instant kept = values.back().at - kKept;
  values.erase(values.begin(), std::ranges::find_if(values, [&](const auto& v) { return v.until > kept; }));
  series.changed = true;
  until = std::min(until, series.state.decided_until);
  return from < until ? std::optional(Late{.series = &series, .from = from, .until = until}) : std::nullopt;
}

LiveFactors::Series* LiveFactors::find(const model::FactorChoice& choice, const model::Carrier& carrier) {
  return const_cast<Series*>(std::as_const(*this).find(choice, carrier));
}

const LiveFactors::Series* LiveFactors::find(const model::FactorChoice& choice, const model::Carrier& carrier) const {
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
  auto found = std::ranges::upper_bound(values, quarter, {}, &model::LiveValue::at);
  while (found != values.begin()) {
    --found;
    if (found->until < quarter) break;
    if (found->since <= quarter) return describe(series, *found);
  }
  const auto& fallback = series.plan->fallback;
  if (!fallback) return nullptr;
  return registry_->find(*fallback, *model::find_carrier(series.plan->like.carrier), at);
}

const model::LiveValue* LiveFactors::value_of(const Series& series, std::string_view factor_id) const {
  const auto stamp = stamp_in(factor_id);
  if (!stamp) return nullptr;
  const auto behind = std::ranges::upper_bound(series.state.values, *stamp, {}, &model::LiveValue::at);
  if (behind == series.state.values.begin() || std::prev(behind)->at != *stamp) return nullptr;
  return live_factor_id(series.plan->like, *stamp) == factor_id ? &*std::prev(behind) : nullptr;
}

const model::Factor* LiveFactors::named(Series& series, std::string_view factor_id) const {
  const model::LiveValue* value = value_of(series, factor_id);
  return value ? describe(series, *value) : nullptr;
}

const model::Factor* LiveFactors::named(Series& series, std::string_view factor_id, double value) const {
  const model::LiveValue* known = value_of(series, factor_id);
  if (!known) return nullptr;
  model::LiveValue other = *known;
  other.value = value;
  return describe(series, other);
}

const model::Factor* LiveFactors::describe(Series& series, const model::LiveValue& value) {
  model::Factor& factor = series.factor;
  if (factor.valid_from != value.at || series.value != value.value || factor.id.empty()) {
    series.value = value.value;
    factor.id = live_factor_id(series.plan->like, value.at);
    factor.valid_from = value.at;
    factor.value_text = plain_decimal(value.value).value_or("");  // learn() took none that has none
    const auto number = Fraction::decimal(factor.value_text);
    const auto exact = number && series.mg_per_quantum ? number->times(*series.mg_per_quantum) : std::nullopt;
    const auto scaled = exact ? exact->scaled(model::kFactorScale) : std::nullopt;
    factor.scaled_gas = {};
    factor.scaled_gas[series.plan->gas] = factor.scaled_co2e = scaled.value_or(0);
    if (!scaled) factor.id.clear();
  }
  const auto& values = series.state.values;
  const auto next = std::ranges::upper_bound(values, value.at, {}, &model::LiveValue::at);
  factor.valid_until = next == values.end() ? value.until : std::min(value.until, next->at);
  return factor.id.empty() ? nullptr : &factor;
}

}  // namespace carbongate::pipeline

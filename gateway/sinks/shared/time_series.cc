#include "gateway/sinks/shared/time_series.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <optional>

#include "gateway/model/carrier.h"
#include "gateway/model/coverage.h"
#include "gateway/model/stated.h"
#include "gateway/sinks/shared/place_in_time.h"

namespace carbongate::sinks::shared {
namespace {

// 1677-09-21 to 2262-04-11: what InfluxDB's 64-bit nanoseconds can hold.
constexpr Instant kTimeMin{std::chrono::milliseconds(-9'223'372'036'854)};
constexpr Instant kTimeMax{std::chrono::milliseconds(9'223'372'036'854)};

bool needs_cleaning(char c) {
  return c == '\\' || static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
}

std::string cleaned(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (needs_cleaning(c)) {
      const auto byte = static_cast<unsigned char>(c);
      out += {'%', kHex[byte >> 4], kHex[byte & 0xF]};
    } else {
      out += c;
    }
  }
  return out;
}

// Fills a point.
class Filler {
 public:
  Filler(TimeSeriesPoint& point, std::string_view measurement, Instant at) : point_(point) {
    point_.measurement = measurement;
    point_.at = at;
  }

  void tag(std::string_view key, std::string_view value) {
    if (value.empty()) return;
    if (std::ranges::any_of(value, needs_cleaning)) value = point_.texts.emplace_back(cleaned(value));
    point_.tags.push_back({key, value});
  }
  void number_tag(std::string_view key, std::uint32_t number) {
    point_.tags.push_back({key, point_.texts.emplace_back(std::to_string(number))});
  }
  void whole(std::string_view key, std::int64_t value) { point_.fields.push_back({key, value}); }
  void number(std::string_view key, double value) { point_.fields.push_back({key, value}); }
  void decimal(std::string_view key, std::int64_t quanta, std::int64_t quanta_per_unit) {
    point_.fields.push_back({key, Fixed{quanta, quanta_per_unit}});
  }
  void quality(model::Quality quality) {
    point_.fields.push_back({"quality", static_cast<std::int64_t>(quality.origin)});
    point_.fields.push_back({"rule", static_cast<std::int64_t>(quality.rule)});
  }

 private:
  TimeSeriesPoint& point_;
};

std::int64_t milliseconds(Duration duration) {
  return duration.count();
}

// Tags in the order of their keys, as servers like them. `period`: of rollups; `entry`: of entries.
void account_tags(Filler& line, const model::Series& series, const model::Carrier& carrier, std::string_view period,
                  const model::EmissionEntry* entry) {
  line.tag("carrier", series.carrier);
  if (entry != nullptr && entry->correction) line.tag("cause", to_string(entry->correction->cause));
  line.tag("device", series.device);
  if (entry != nullptr) {
    line.tag("factor", entry->primary.factor_id);
    line.tag("factor_version", entry->primary.factor_version);
    line.tag("gwp_set", entry->primary.gwp_set);
  }
  line.tag("part_of", series.part_of);
  line.tag("period", period);
  line.tag("point", series.point);
  if (entry != nullptr && entry->correction) line.number_tag("revision", entry->revision);
  line.tag("scope", to_string(series.scope));
  line.tag("site", series.site);
  line.tag("unit", carrier.display.symbol);
  line.tag("user", series.user);
}

void period_fields(Filler& line, Instant begin, Instant end, Duration covered, model::Quality quality) {
  line.decimal("duration_s", milliseconds(end - begin), 1000);
  line.decimal("covered_s", milliseconds(covered), 1000);
  line.decimal("coverage_percent", model::coverage(covered, end - begin), model::kPerPercent);
  line.quality(quality);
}

void co2e_field(Filler& line, model::Co2e co2e) {
  line.decimal("co2e_kg", co2e.quanta(), model::kMilligramsPerKilogram);
}

// "co2_kg", "hfc_134a_kg": of letters that query languages take without quotes.
const std::string& mass_field(model::Gas gas) {
  static const auto names = [] {
    model::PerGas<std::string> all;
    for (std::size_t i = 0; i < model::kGasCount; ++i) {
      std::string& name = all[static_cast<model::Gas>(i)];
      for (const char c : to_string(static_cast<model::Gas>(i))) {
        name += c == '-' ? '_' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      }
      name += "_kg";
    }
    return all;
  }();
  return names[gas];
}

void u95_field(Filler& line, const model::Co2eWithin& emitted, model::Stated stated, bool market = false) {
  if (stated == model::Stated::none) return;
  line.decimal(market ? "market_u95_kg" : "u95_kg", emitted.u95().quanta(), model::kMilligramsPerKilogram);
  line.whole(market ? "market_u95_stated" : "u95_stated", static_cast<std::int64_t>(stated));
}

// What scope 2 and GB/T 2589 add; a gas that is not there has no field.
void emitted_fields(Filler& line, const model::Emitted& primary, model::Stated stated, const model::Emitted* market,
                    std::optional<model::StandardCoal> coal) {
  constexpr auto kPerKilogram = model::kMilligramsPerKilogram;
  u95_field(line, primary.without_gases(), stated);
  primary.gases.each([&](model::Gas gas, model::GasMass mass) {
    if (gas != model::Gas::unsplit) line.decimal(mass_field(gas), mass.quanta(), kPerKilogram);
  });
  if (market) line.decimal("market_co2e_kg", market->co2e.quanta(), kPerKilogram);
  if (coal) line.decimal("coal_kgce", coal->quanta(), kPerKilogram);
}

void rate_field(Filler& line, std::string_view key, double rate) {
  if (std::isfinite(rate)) line.number(key, rate);
}

struct Render {
  const model::Series& series;
  const model::Carrier* carrier;
  TimeSeriesPoint& point;
  std::string& reason;

  Rendering operator()(const model::JudgedReading& reading) const {
    const bool has_value = std::isfinite(reading.value);
    const bool heard_late = reading.quality.rule == model::Rule::out_of_order;
    if (!has_place_in_time(reading.quality) || (heard_late && !has_value)) return Rendering::nothing;
    Filler line(point, "carbongate_reading", reading.at);
    line.tag("device", series.device);
    line.tag("point", series.point);
    line.tag("site", series.site);
    line.tag("unit", series.unit);
    if (has_value) line.number("value", reading.value);
    if (!heard_late) line.quality(reading.quality);
    return Rendering::point;
  }

  Rendering operator()(const model::EnergyInterval& interval) const {
    if (carrier == nullptr) return unknown_carrier();
    Filler line(point, "carbongate_interval", interval.begin);
    line.tag("carrier", series.carrier);
    line.tag("device", series.device);
    line.tag("point", series.point);
    line.tag("site", series.site);
    line.tag("unit", carrier->display.symbol);
    line.decimal("amount", interval.amount.quanta(), carrier->quanta_per_display);
    period_fields(line, interval.begin, interval.end, interval.covered, interval.quality);
    return Rendering::point;
  }

  Rendering operator()(const model::EmissionEntry& entry) const {
    if (carrier == nullptr) return unknown_carrier();
    Filler line(point, entry.correction ? "carbongate_correction" : "carbongate_entry", entry.begin);
    account_tags(line, series, *carrier, "", &entry);
    line.decimal("amount", entry.amount.quanta(), carrier->quanta_per_display);
    // A correction may take back what a factor gave that no longer applies.
    const bool all = entry.correction.has_value();
    if (all || !model::lacks_factor(entry.primary, series.scope)) co2e_field(line, entry.primary.emitted.co2e);
    const bool has_market = entry.market && (all || !model::lacks_factor(*entry.market, series.scope));
    emitted_fields(
        line, entry.primary.emitted, model::stated(entry.primary, series.scope),
        has_market ? &entry.market->emitted : nullptr,
        all && entry.coal != model::StandardCoal{} ? entry.coal : model::known_coal(entry.coal, entry.quality));
    period_fields(line, entry.begin, entry.end, entry.covered, entry.quality);
    return Rendering::point;
  }

  Rendering operator()(const model::RollupRow& rollup) const {
    if (carrier == nullptr) return unknown_carrier();
    Filler line(point, "carbongate_rollup", rollup.begin);
    account_tags(line, series, *carrier, to_string(rollup.period), nullptr);
    line.decimal("amount", rollup.amount.quanta(), carrier->quanta_per_display);
    const model::Emitted& primary = rollup.emitted[model::Basis::primary];
    const model::Emitted& market = rollup.emitted[model::Basis::market];
    if (!model::lacks_factor(rollup.quality)) co2e_field(line, primary.co2e);
    const bool has_market = series.scope == model::Scope::energy && !model::lacks_factor(market, rollup.quality);
    emitted_fields(line, primary, model::stated(primary, rollup.quality), has_market ? &market : nullptr,
                   model::known_coal(rollup.coal, rollup.quality));
    period_fields(line, rollup.begin, rollup.end, rollup.covered, rollup.quality);
    return Rendering::point;
  }

  Rendering operator()(const model::RunningTotal& total) const {
    if (carrier == nullptr) return unknown_carrier();
    Filler line(point, "carbongate_total", total.at);
    account_tags(line, series, *carrier, "", nullptr);
    line.decimal("amount", total.amount.quanta(), carrier->quanta_per_display);
    const model::Co2eWithin& primary = total.emitted[model::Basis::primary];
    // It counts for years: where only a part lacked a factor it is shown, with the rule beside it.
    if (!model::lacks_factor(total.quality) || primary.co2e != model::Co2e{}) co2e_field(line, primary.co2e);
    u95_field(line, primary, model::stated(primary, total.quality));
    if (series.scope == model::Scope::energy) {
      const model::Co2eWithin& market = total.emitted[model::Basis::market];
      line.decimal("market_co2e_kg", market.co2e.quanta(), model::kMilligramsPerKilogram);
      u95_field(line, market, model::stated(market, total.quality), true);
    }
    if (total.since) {
      line.decimal("duration_s", milliseconds(total.at - *total.since), 1000);
      line.decimal("covered_s", milliseconds(total.covered), 1000);
      line.decimal("coverage_percent", model::coverage(total.covered, total.at - *total.since), model::kPerPercent);
    }
    line.quality(total.quality);
    rate_field(line, "amount_per_hour", total.amount_per_hour);
    rate_field(line, "co2e_kg_per_hour", total.co2e_kg_per_hour);
    return Rendering::point;
  }

  Rendering operator()(const model::Alert& alert) const {
    Filler line(point, "carbongate_alert", alert.at);
    line.tag("carrier", series.carrier);
    line.tag("device", series.device);
    line.tag("point", series.point);
    line.tag("rule", series.rule);
    line.tag("severity", to_string(alert.severity));
    line.tag("site", series.site);
    line.tag("user", series.user);
    line.whole("active", model::is_active(alert.stage) ? 1 : 0);
    line.whole("state", static_cast<std::int64_t>(alert.stage));
    rate_field(line, "value", alert.value);
    rate_field(line, "threshold", alert.limit);
    line.decimal("since_s", milliseconds(alert.since.time_since_epoch()), 1000);
    line.whole("revision", alert.revision);
    line.whole("suppressed", alert.suppressed);
    if (alert.of) {
      line.decimal("period_begin_s", milliseconds(alert.of->begin.time_since_epoch()), 1000);
      line.decimal("period_end_s", milliseconds(alert.of->end.time_since_epoch()), 1000);
      if (alert.of->coverage) line.decimal("coverage_percent", *alert.of->coverage, model::kPerPercent);
    }
    return Rendering::point;
  }

  // Its values are those of readings, which are points of their own.
  Rendering operator()(const model::Report&) const { return Rendering::nothing; }

  Rendering unknown_carrier() const {
    reason = "its energy carrier '" + series.carrier + "' is not known";
    return Rendering::refused;
  }
};

}  // namespace

Rendering make_point(const model::StoredRow& row, TimeSeriesPoint& point, std::string& reason) {
  const std::string& id = row.series->carrier;
  const model::Carrier* carrier = id.empty() ? nullptr : model::find_carrier(id);  // most rows are readings: none
  const Rendering made = row.body.visit(Render{*row.series, carrier, point, reason});
  if (made != Rendering::point || (point.at >= kTimeMin && point.at <= kTimeMax)) return made;
  reason = "its time is outside the years 1678 to 2261";
  return Rendering::refused;
}

}  // namespace carbongate::sinks::shared

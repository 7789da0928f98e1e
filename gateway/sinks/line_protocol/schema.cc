#include "gateway/sinks/line_protocol/schema.h"

#include <algorithm>
#include <boost/container/static_vector.hpp>
#include <cctype>
#include <cmath>

#include "gateway/model/carrier.h"
#include "protocols/line_protocol/encode.h"

namespace carbongate::sinks::line_protocol {
namespace {

namespace codec = carbongate::line_protocol;

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

// Gathers a point. Texts are kept here until the line is written.
class Line {
 public:
  explicit Line(std::string_view measurement, Instant at) : measurement_(measurement), at_(at) {}

  void tag(std::string_view key, std::string_view value) {
    if (value.empty()) return;
    if (std::ranges::any_of(value, needs_cleaning)) value = texts_.emplace_back(cleaned(value));
    tags_.push_back({key, value});
  }
  void number_tag(std::string_view key, std::uint32_t number) {
    tags_.push_back({key, texts_.emplace_back(std::to_string(number))});
  }
  void field(std::string_view key, codec::FieldValue value) { fields_.push_back({key, value}); }
  void decimal(std::string_view key, std::int64_t quanta, std::int64_t quanta_per_unit) {
    field(key, codec::Decimal{texts_.emplace_back(model::format_fixed(quanta, quanta_per_unit))});
  }
  void quality(model::Quality quality) {
    field("quality", static_cast<std::int64_t>(quality.origin));
    field("rule", static_cast<std::int64_t>(quality.rule));
  }

  Rendering append_to(std::string& out, std::string& reason) const {
    if (at_ < kTimeMin || at_ > kTimeMax) {
      reason = "its time is outside the years 1678 to 2261";
      return Rendering::refused;
    }
    const auto written = codec::append_line(out, {measurement_, tags_, fields_, at_.time_since_epoch().count()});
    if (!written) {
      reason = "line protocol cannot carry it: " + written.error().message();
      return Rendering::refused;
    }
    return Rendering::line;
  }

 private:
  std::string_view measurement_;
  Instant at_;
  boost::container::static_vector<codec::Tag, 14> tags_;
  boost::container::static_vector<codec::Field, 12 + model::kGasCount> fields_;
  boost::container::static_vector<std::string, 28 + model::kGasCount>
      texts_;  // never moved: tags and fields look into them
};

std::int64_t milliseconds(Duration duration) {
  return duration.count();
}

// Tags in the order of their keys, as servers like them. `period`: of rollups; `entry`: of entries.
void account_tags(Line& line, const model::Series& series, const model::Carrier& carrier, std::string_view period,
                  const model::EmissionEntry* entry) {
  line.tag("carrier", series.carrier);
  if (entry != nullptr && entry->correction) line.tag("cause", to_string(entry->correction->cause));
  line.tag("device", series.device);
  if (entry != nullptr) {
    line.tag("factor", entry->primary.factor_id);
    line.tag("factor_version", entry->primary.factor_version);
  }
  line.tag("period", period);
  line.tag("point", series.point);
  if (entry != nullptr && entry->correction) line.number_tag("revision", entry->revision);
  line.tag("scope", to_string(series.scope));
  line.tag("site", series.site);
  line.tag("unit", carrier.display.symbol);
  line.tag("user", series.user);
}

void period_fields(Line& line, Instant begin, Instant end, Duration covered, model::Quality quality) {
  line.decimal("duration_s", milliseconds(end - begin), 1000);
  line.decimal("covered_s", milliseconds(covered), 1000);
  line.quality(quality);
}

void co2e_field(Line& line, model::Co2e co2e, model::Quality quality) {
  if (quality.rule == model::Rule::no_factor) return;
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

// What scope 2 and GB/T 2589 add; a gas that is not there has no field.
void emitted_fields(Line& line, const model::Emitted& primary, const model::Emitted* market, model::StandardCoal coal) {
  constexpr auto kPerKilogram = model::kMilligramsPerKilogram;
  line.decimal("u95_kg", primary.u95().quanta(), kPerKilogram);
  primary.gases.each([&](model::Gas gas, model::GasMass mass) {
    if (gas != model::Gas::unsplit) line.decimal(mass_field(gas), mass.quanta(), kPerKilogram);
  });
  if (market) line.decimal("market_co2e_kg", market->co2e.quanta(), kPerKilogram);
  line.decimal("coal_kgce", coal.quanta(), kPerKilogram);
}

void rate_field(Line& line, std::string_view key, double rate) {
  if (std::isfinite(rate)) line.field(key, rate);
}

struct Render {
  const model::Series& series;
  const model::Carrier* carrier;
  std::string& out;
  std::string& reason;

  Rendering operator()(const model::JudgedReading& reading) const {
    const bool has_value = std::isfinite(reading.value);
    const bool heard_late = reading.quality.rule == model::Rule::out_of_order;
    if (reading.quality.rule == model::Rule::duplicate || (heard_late && !has_value)) return Rendering::nothing;
    Line line("carbongate_reading", reading.at);
    line.tag("device", series.device);
    line.tag("point", series.point);
    line.tag("site", series.site);
    line.tag("unit", series.unit);
    if (has_value) line.field("value", reading.value);
    if (!heard_late) line.quality(reading.quality);
    return line.append_to(out, reason);
  }

  Rendering operator()(const model::EnergyInterval& interval) const {
    if (carrier == nullptr) return unknown_carrier();
    Line line("carbongate_interval", interval.begin);
    line.tag("carrier", series.carrier);
    line.tag("device", series.device);
    line.tag("point", series.point);
    line.tag("site", series.site);
    line.tag("unit", carrier->display.symbol);
    line.decimal("amount", interval.amount.quanta(), carrier->quanta_per_display);
    period_fields(line, interval.begin, interval.end, interval.covered, interval.quality);
    return line.append_to(out, reason);
  }

  Rendering operator()(const model::EmissionEntry& entry) const {
    if (carrier == nullptr) return unknown_carrier();
    Line line(entry.correction ? "carbongate_correction" : "carbongate_entry", entry.begin);
    account_tags(line, series, *carrier, "", &entry);
    line.decimal("amount", entry.amount.quanta(), carrier->quanta_per_display);
    // A correction may take back what a factor gave that no longer applies.
    co2e_field(line, entry.primary.emitted.co2e, entry.correction ? model::Quality{} : entry.quality);
    emitted_fields(line, entry.primary.emitted, entry.market ? &entry.market->emitted : nullptr, entry.coal);
    period_fields(line, entry.begin, entry.end, entry.covered, entry.quality);
    return line.append_to(out, reason);
  }

  Rendering operator()(const model::RollupRow& rollup) const {
    if (carrier == nullptr) return unknown_carrier();
    Line line("carbongate_rollup", rollup.begin);
    account_tags(line, series, *carrier, to_string(rollup.period), nullptr);
    line.decimal("amount", rollup.amount.quanta(), carrier->quanta_per_display);
    co2e_field(line, rollup.emitted[model::Basis::primary].co2e, rollup.quality);
    emitted_fields(line, rollup.emitted[model::Basis::primary],
                   series.scope == model::Scope::energy ? &rollup.emitted[model::Basis::market] : nullptr, rollup.coal);
    period_fields(line, rollup.begin, rollup.end, rollup.covered, rollup.quality);
    return line.append_to(out, reason);
  }

  Rendering operator()(const model::RunningTotal& total) const {
    if (carrier == nullptr) return unknown_carrier();
    Line line("carbongate_total", total.at);
    account_tags(line, series, *carrier, "", nullptr);
    line.decimal("amount", total.amount.quanta(), carrier->quanta_per_display);
    line.decimal("co2e_kg", total.co2e.quanta(), model::kMilligramsPerKilogram);
    if (series.scope == model::Scope::energy) {
      line.decimal("market_co2e_kg", total.co2e_market.quanta(), model::kMilligramsPerKilogram);
    }
    rate_field(line, "amount_per_hour", total.amount_per_hour);
    rate_field(line, "co2e_kg_per_hour", total.co2e_kg_per_hour);
    return line.append_to(out, reason);
  }

  Rendering unknown_carrier() const {
    reason = "its energy carrier '" + series.carrier + "' is not known";
    return Rendering::refused;
  }
};

}  // namespace

Rendering append_row(std::string& out, const model::StoredRow& row, std::string& reason) {
  return std::visit(Render{*row.series, model::find_carrier(row.series->carrier), out, reason}, row.body);
}

}  // namespace carbongate::sinks::line_protocol

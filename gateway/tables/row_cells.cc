#include "gateway/tables/row_cells.h"

#include <cstdint>
#include <stdexcept>
#include <string>

#include "gateway/model/carrier.h"
#include "gateway/model/coverage.h"
#include "gateway/model/hj212_flag.h"
#include "gateway/tables/number_text.h"

namespace carbongate::tables {
namespace {

using Column = TableWriter::Column;
using Type = TableWriter::Type;

template <std::size_t... Sizes>
constexpr auto join(const std::array<Column, Sizes>&... parts) {
  std::array<Column, (Sizes + ...)> columns;
  std::size_t next = 0;
  const auto add = [&](const auto& part) {
    for (const Column& column : part) columns[next++] = column;
  };
  (add(parts), ...);
  return columns;
}

// What several kinds of rows have in common.
constexpr auto kSpan = std::to_array<Column>({{"begin"}, {"end"}});
constexpr auto kUser = std::to_array<Column>({{"user"}});
constexpr auto kPoint = std::to_array<Column>({{"device"}, {"point"}});
constexpr auto kAmount = std::to_array<Column>({{"carrier"}, {"amount", Type::number}, {"unit"}});
constexpr auto kScope = std::to_array<Column>({{"scope"}, {"flow"}});
constexpr auto kUncertainty = std::to_array<Column>({{"u95_kg", Type::number}});
constexpr auto kMarket = std::to_array<Column>({{"market_co2e_kg", Type::number}, {"market_u95_kg", Type::number}});
constexpr auto kCoal = std::to_array<Column>({{"coal_kgce", Type::number}});
constexpr auto kGases = std::to_array<Column>({{"gases_kg"}});
constexpr auto kCo2e = std::to_array<Column>({{"co2e_kg", Type::number}});
constexpr auto kCovered = std::to_array<Column>({{"covered_s", Type::number}});
constexpr auto kCoverage = std::to_array<Column>({{"coverage_percent", Type::number}});
constexpr auto kStated = std::to_array<Column>({{"u95_stated"}, {"market_u95_stated"}});
constexpr auto kQuality = std::to_array<Column>({{"quality"}, {"rule"}});
constexpr auto kPartOf = std::to_array<Column>({{"part_of"}});
constexpr auto kFlag = std::to_array<Column>({{"hj212_flag"}});

constexpr auto kReadings = join(std::to_array<Column>({{"time"}}), kPoint,
                                std::to_array<Column>({{"value", Type::number}, {"unit"}}), kQuality, kFlag);
constexpr auto kIntervals = join(kSpan, kPoint, kAmount, kCovered, kQuality, kCoverage, kFlag);
constexpr auto kEntries = join(
    kSpan, kUser, kPoint, kAmount, kCo2e, std::to_array<Column>({{"factor"}, {"factor_version"}}), kCovered, kQuality,
    kScope, kUncertainty, kGases, kMarket, std::to_array<Column>({{"market_factor"}, {"market_factor_version"}}), kCoal,
    std::to_array<Column>({{"coal_factor"},
                           {"revision", Type::number},
                           {"cause"},
                           {"note"},
                           {"booked_at"},
                           {"gwp_set"},
                           {"market_gwp_set"}}),
    kCoverage, kStated, kPartOf);
constexpr auto kTotals =
    join(std::to_array<Column>({{"time"}}), kUser, kPoint, kAmount, kCo2e,
         std::to_array<Column>(
             {{"market_co2e_kg", Type::number}, {"amount_per_hour", Type::number}, {"co2e_kg_per_hour", Type::number}}),
         kPartOf, std::to_array<Column>({{"since"}}), kCovered, kCoverage, kQuality, kUncertainty,
         std::to_array<Column>({{"market_u95_kg", Type::number}}), kStated);
constexpr auto kRollups = join(
    std::to_array<Column>({{"period"}}), kSpan, kUser, kPoint, kAmount, kCo2e, kCovered, kCoverage, kQuality,
    std::to_array<Column>({{"state"}}), kScope, kUncertainty, kGases, kMarket, kCoal,
    std::to_array<Column>(
        {{"valid_hours", Type::number}, {"validity"}, {"revision", Type::number}, {"co2e_kg_first", Type::number}}),
    kStated, kPartOf);

constexpr auto kAlerts = join(std::to_array<Column>({{"time"}, {"rule"}}), kPoint, kUser,
                              std::to_array<Column>({{"carrier"},
                                                     {"severity"},
                                                     {"state"},
                                                     {"value", Type::number},
                                                     {"limit", Type::number},
                                                     {"unit"},
                                                     {"since"},
                                                     {"id"},
                                                     {"revision", Type::number},
                                                     {"cause"},
                                                     {"name"},
                                                     {"name_zh"},
                                                     {"by"},
                                                     {"note"},
                                                     {"suppressed", Type::number},
                                                     {"period_begin"},
                                                     {"period_end"},
                                                     {"coverage_percent", Type::number}}));

constexpr auto kReports = join(std::to_array<Column>({{"station"}, {"period"}}), kSpan,
                               std::to_array<Column>({{"values"}, {"revision", Type::number}}));

// "a05001:avg=235000;min=228000;max=241000;amount=83923.2;flag=N;valid=6/6 a19001:..."
std::string texts_of(const model::Report& report) {
  std::string text;
  for (const model::ReportValue& value : report.values) {
    if (!text.empty()) text += ' ';
    text += value.code + ":";
    const auto add = [&text](std::string_view name, const std::optional<double>& figure) {
      if (figure) text.append(name).append("=").append(number_text(*figure)).append(";");
    };
    const bool is_instant = report.kind == model::ReportKind::real_time;
    add(is_instant ? "value" : "avg", value.figures.value);
    add("min", value.figures.min);
    add("max", value.figures.max);
    add(is_instant ? "reduced" : "reduced_avg", value.reduced.value);
    add("reduced_min", value.reduced.min);
    add("reduced_max", value.reduced.max);
    add("amount", value.amount);
    text.append("flag=").append(1, value.flag);
    text.append(";valid=").append(std::to_string(value.valid)).append("/").append(std::to_string(value.total));
  }
  return text;
}

std::string seconds(Duration duration) {
  return model::format_fixed(duration.count(), 1'000);
}

std::string kilograms(model::Co2e co2e) {
  return model::format_fixed(co2e.quanta(), model::kMilligramsPerKilogram);
}

// Empty where nothing is known.
std::string u95(const model::Co2eWithin& emitted, model::Stated stated) {
  return stated == model::Stated::none ? std::string() : kilograms(emitted.u95());
}

// "CO2:1.25;CH4:0.001"
std::string kilograms(const model::GasMasses& gases) {
  std::string text;
  gases.each([&](model::Gas gas, model::GasMass mass) {
    text += (text.empty() ? "" : ";") + std::string(to_string(gas)) + ":" +
            model::format_fixed(mass.quanta(), model::kMilligramsPerKilogram);
  });
  return text;
}

}  // namespace

std::string_view name_of(Kind kind) {
  constexpr std::array<std::string_view, kKinds.size()> kNames{"readings", "intervals", "entries", "rollups",
                                                               "totals",   "alerts",    "reports"};
  return kNames.at(static_cast<std::size_t>(kind));
}

Kind kind_of(const model::RowBody& body) {
  static_assert(model::RowBody::kCount == kKinds.size(), "Kind follows the order of RowBody");
  return kKinds.at(body.index());
}

std::span<const Column> columns_of(Kind kind) {
  switch (kind) {
    case Kind::readings: return kReadings;
    case Kind::intervals: return kIntervals;
    case Kind::entries: return kEntries;
    case Kind::rollups: return kRollups;
    case Kind::totals: return kTotals;
    case Kind::alerts: return kAlerts;
    case Kind::reports: return kReports;
  }
  return {};
}

bool knows_carrier(const model::StoredRow& row) {
  const Kind kind = kind_of(row.body);
  const bool has_none = kind == Kind::readings || kind == Kind::alerts || kind == Kind::reports;
  return has_none || model::find_carrier(row.series->carrier) != nullptr;
}

void RowCells::write(const model::StoredRow& row) {
  row.body.visit([&](const auto& body) { write(*row.series, body); });
}

void RowCells::write(const model::Series& series, const model::JudgedReading& row) {
  writer_.cell(time_(row.at)).cell(series.device).cell(series.point);
  writer_.cell(number_text(row.value)).cell(series.unit);
  write_quality(row.quality);
  write_flag(row.quality);
}

void RowCells::write(const model::Series& series, const model::EnergyInterval& row) {
  writer_.cell(time_(row.begin)).cell(time_(row.end)).cell(series.device).cell(series.point);
  write_amount(series, row.amount);
  writer_.cell(seconds(row.covered));
  write_quality(row.quality);
  writer_.cell(model::coverage_percent(row.covered, row.end - row.begin));
  write_flag(row.quality);
}

void RowCells::write(const model::Series& series, const model::EmissionEntry& row) {
  writer_.cell(time_(row.begin)).cell(time_(row.end)).cell(series.user).cell(series.device).cell(series.point);
  write_amount(series, row.amount);
  // A correction may take back what a factor gave that no longer applies.
  const auto figures = [&](const model::Emission& emission) {
    return Figures{emission.emitted, model::stated(emission, series.scope),
                   !row.correction && model::lacks_factor(emission, series.scope)};
  };
  const Figures primary = figures(row.primary);
  const std::optional<Figures> market = row.market ? std::optional(figures(*row.market)) : std::nullopt;
  writer_.cell(primary.lacks_factor ? "" : kilograms(row.primary.emitted.co2e))
      .cell(row.primary.factor_id)
      .cell(row.primary.factor_version)
      .cell(seconds(row.covered));
  write_quality(row.quality);
  write_scope(series);
  write_emitted(primary, market);
  writer_.cell(row.market ? row.market->factor_id : "").cell(row.market ? row.market->factor_version : "");
  write_coal(row.coal);
  writer_.cell(row.coal_factor_id);
  writer_.cell(std::to_string(row.revision));
  writer_.cell(row.correction ? to_string(row.correction->cause) : "");
  writer_.cell(row.correction ? row.correction->note : "");
  writer_.cell(row.correction ? time_(row.correction->booked_at) : "");
  writer_.cell(row.primary.gwp_set).cell(row.market ? row.market->gwp_set : "");
  writer_.cell(model::coverage_percent(row.covered, row.end - row.begin));
  write_stated(primary, market);
  writer_.cell(series.part_of);
}

void RowCells::write(const model::Series& series, const model::RollupRow& row) {
  const auto first = row.revision == 0 ? std::optional(row.emitted[model::Basis::primary].co2e) : std::nullopt;
  write(series, row, false, first);
}

void RowCells::write(const model::Series& series, const model::RollupRow& row, bool open,
                     std::optional<model::Co2e> first) {
  writer_.cell(to_string(row.period)).cell(time_(row.begin)).cell(time_(row.end));
  writer_.cell(series.user).cell(series.device).cell(series.point);
  write_amount(series, row.amount);
  writer_.cell(kilograms(row.emitted[model::Basis::primary].co2e))
      .cell(seconds(row.covered))
      .cell(model::coverage_percent(row.covered, row.end - row.begin));
  write_quality(row.quality);
  writer_.cell(open ? "open" : "closed");
  write_scope(series);
  const auto figures = [&](model::Basis basis) {
    return Figures{row.emitted[basis], model::stated(row.emitted[basis], row.quality)};
  };
  const Figures primary = figures(model::Basis::primary);
  const bool has_market = series.scope == model::Scope::energy;
  const std::optional<Figures> market = has_market ? std::optional(figures(model::Basis::market)) : std::nullopt;
  write_emitted(primary, market);
  write_coal(row.coal);
  writer_.cell(row.period < model::Period::day ? "" : std::to_string(row.valid_hours)).cell(to_string(row.validity));
  writer_.cell(std::to_string(row.revision)).cell(first ? kilograms(*first) : "");
  write_stated(primary, market);
  writer_.cell(series.part_of);
}

void RowCells::write(const model::Series& series, const model::RunningTotal& row) {
  const model::Co2eWithin& primary = row.emitted[model::Basis::primary];
  const model::Co2eWithin& market = row.emitted[model::Basis::market];
  const model::Stated primary_stated = model::stated(primary, row.quality);
  const model::Stated market_stated = model::stated(market, row.quality);
  const bool has_market = series.scope == model::Scope::energy;
  writer_.cell(time_(row.at)).cell(series.user).cell(series.device).cell(series.point);
  write_amount(series, row.amount);
  writer_.cell(kilograms(primary.co2e)).cell(has_market ? kilograms(market.co2e) : "");
  writer_.cell(number_text(row.amount_per_hour)).cell(number_text(row.co2e_kg_per_hour));
  writer_.cell(series.part_of);
  writer_.cell(row.since ? time_(*row.since) : "").cell(row.since ? seconds(row.covered) : "");
  writer_.cell(row.since ? model::coverage_percent(row.covered, row.at - *row.since) : "");
  write_quality(row.quality);
  writer_.cell(u95(primary, primary_stated)).cell(has_market ? u95(market, market_stated) : "");
  writer_.cell(to_string(primary_stated)).cell(has_market ? to_string(market_stated) : "");
}

void RowCells::write(const model::Series& series, const model::Alert& row) {
  writer_.cell(time_(row.at)).cell(series.rule).cell(series.device).cell(series.point).cell(series.user);
  writer_.cell(series.carrier).cell(to_string(row.severity)).cell(to_string(row.stage));
  writer_.cell(number_text(row.value)).cell(number_text(row.limit)).cell(row.unit);
  writer_.cell(time_(row.since)).cell(row.id).cell(std::to_string(row.revision));
  writer_.cell(row.cause ? to_string(*row.cause) : "").cell(row.name).cell(row.name_zh);
  writer_.cell(row.by).cell(row.note).cell(std::to_string(row.suppressed));
  writer_.cell(row.of ? time_(row.of->begin) : "").cell(row.of ? time_(row.of->end) : "");
  const bool is_known = row.of && row.of->coverage;
  writer_.cell(is_known ? model::format_fixed(*row.of->coverage, model::kPerPercent) : "");
}

void RowCells::write(const model::Series& series, const model::Report& row) {
  writer_.cell(series.device).cell(to_string(row.kind)).cell(time_(row.begin)).cell(time_(row.end));
  writer_.cell(texts_of(row)).cell(std::to_string(row.revision));
}

void RowCells::write_scope(const model::Series& series) {
  writer_.cell(to_string(series.scope)).cell(to_string(series.flow));
}

void RowCells::write_emitted(const Figures& primary, const std::optional<Figures>& market) {
  const auto u95_of = [](const Figures& figures) { return u95(figures.emitted.without_gases(), figures.stated); };
  writer_.cell(u95_of(primary)).cell(kilograms(primary.emitted.gases));
  writer_.cell(market && !market->lacks_factor ? kilograms(market->emitted.co2e) : "");
  writer_.cell(market ? u95_of(*market) : "");
}

void RowCells::write_stated(const Figures& primary, const std::optional<Figures>& market) {
  writer_.cell(to_string(primary.stated)).cell(market ? to_string(market->stated) : "");
}

void RowCells::write_coal(model::StandardCoal coal) {
  writer_.cell(model::format_fixed(coal.quanta(), model::kMilligramsPerKilogram));
}

void RowCells::write_amount(const model::Series& series, model::Activity amount) {
  const model::Carrier* carrier = model::find_carrier(series.carrier);
  if (!carrier) {
    throw std::runtime_error("the store holds amounts of '" + series.carrier +
                             "', a carrier this program does not know");
  }
  writer_.cell(series.carrier).cell(model::format_fixed(amount.quanta(), carrier->quanta_per_display));
  writer_.cell(carrier->display.symbol);
}

void RowCells::write_quality(model::Quality quality) {
  writer_.cell(to_string(quality.origin)).cell(to_string(quality.rule));
}

void RowCells::write_flag(model::Quality quality) {
  const char flag = model::to_hj212_flag(quality);
  writer_.cell(std::string_view(&flag, 1));
}

}  // namespace carbongate::tables

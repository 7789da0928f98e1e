#include "gateway/cli/export_rows.h"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <string>

#include "gateway/model/carrier.h"

namespace carbongate::cli {
namespace {

using Column = TableWriter::Column;
using Type = TableWriter::Type;
using What = store::History::What;

constexpr Column kReadings[] = {{"time"}, {"device"},  {"point"}, {"value", Type::number},
                                {"unit"}, {"quality"}, {"rule"}};
constexpr Column kIntervals[] = {{"begin"},   {"end"},
                                 {"device"},  {"point"},
                                 {"carrier"}, {"amount", Type::number},
                                 {"unit"},    {"covered_s", Type::number},
                                 {"quality"}, {"rule"}};
constexpr Column kEntries[] = {{"begin"},
                               {"end"},
                               {"user"},
                               {"device"},
                               {"point"},
                               {"carrier"},
                               {"amount", Type::number},
                               {"unit"},
                               {"co2e_kg", Type::number},
                               {"factor"},
                               {"factor_version"},
                               {"covered_s", Type::number},
                               {"quality"},
                               {"rule"},
                               {"revision", Type::number},
                               {"cause"},
                               {"note"},
                               {"booked_at"}};
constexpr Column kRollups[] = {{"period"},
                               {"begin"},
                               {"end"},
                               {"user"},
                               {"device"},
                               {"point"},
                               {"carrier"},
                               {"amount", Type::number},
                               {"unit"},
                               {"co2e_kg", Type::number},
                               {"covered_s", Type::number},
                               {"coverage_percent", Type::number},
                               {"quality"},
                               {"rule"},
                               {"state"},
                               {"revision", Type::number},
                               {"co2e_kg_first", Type::number}};

std::string shortest(double value) {
  if (std::isnan(value)) return {};
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

std::string seconds(Duration duration) {
  return model::format_fixed(duration.count(), 1'000);
}

std::string kilograms(model::Co2e co2e) {
  return model::format_fixed(co2e.quanta(), model::kMilligramsPerKilogram);
}

std::string percent(Duration covered, Duration whole) {
  if (whole <= Duration::zero()) return {};
  return model::format_fixed((covered.count() * 10'000 + whole.count() / 2) / whole.count(), 100);
}

}  // namespace

std::span<const Column> export_columns(What what) {
  switch (what) {
    case What::readings: return kReadings;
    case What::intervals: return kIntervals;
    case What::entries: return kEntries;
    case What::rollups: return kRollups;
  }
  return {};
}

void RowExport::write(const model::StoredRow& row) {
  const model::Series& series = *row.series;
  if (const auto* reading = std::get_if<model::JudgedReading>(&row.body))
    write(series, *reading);
  else if (const auto* interval = std::get_if<model::EnergyInterval>(&row.body))
    write(series, *interval);
  else if (const auto* entry = std::get_if<model::EmissionEntry>(&row.body))
    write(series, *entry);
  else if (const auto* rollup = std::get_if<model::RollupRow>(&row.body))
    gather(row, *rollup);
}

// The revisions of one rollup follow each other; an open one comes alone.
void RowExport::gather(const model::StoredRow& row, const model::RollupRow& rollup) {
  const auto same = [&] {
    const model::Series& a = *latest_->series;
    const model::Series& b = *row.series;
    const auto& known = std::get<model::RollupRow>(latest_->body);
    return known.period == rollup.period && known.begin == rollup.begin && a.user == b.user && a.device == b.device &&
           a.point == b.point && a.carrier == b.carrier && row.sequence != 0;
  };
  if (latest_ && !same()) finish();
  if (!latest_) {
    const bool as_published = rollup.revision == 0;  // else nothing was published in time
    first_ = as_published ? rollup.emitted[model::Basis::primary].co2e : model::Co2e{};
  }
  latest_ = row;
}

void RowExport::finish() {
  if (!latest_) return;
  write(*latest_->series, std::get<model::RollupRow>(latest_->body), latest_->sequence == 0);
  latest_.reset();
}

void RowExport::write(const model::Series& series, const model::JudgedReading& row) {
  writer_.cell(time_(row.at)).cell(series.device).cell(series.point);
  writer_.cell(shortest(row.value)).cell(series.unit);
  write_quality(row.quality);
}

void RowExport::write(const model::Series& series, const model::EnergyInterval& row) {
  writer_.cell(time_(row.begin)).cell(time_(row.end)).cell(series.device).cell(series.point);
  write_amount(series, row.amount);
  writer_.cell(seconds(row.covered));
  write_quality(row.quality);
}

void RowExport::write(const model::Series& series, const model::EmissionEntry& row) {
  writer_.cell(time_(row.begin)).cell(time_(row.end)).cell(series.user).cell(series.device).cell(series.point);
  write_amount(series, row.amount);
  writer_.cell(kilograms(row.primary.emitted.co2e))
      .cell(row.primary.factor_id)
      .cell(row.primary.factor_version)
      .cell(seconds(row.covered));
  write_quality(row.quality);
  writer_.cell(std::to_string(row.revision));
  writer_.cell(row.correction ? to_string(row.correction->cause) : "");
  writer_.cell(row.correction ? row.correction->note : "");
  writer_.cell(row.correction ? time_(row.correction->booked_at) : "");
}

void RowExport::write(const model::Series& series, const model::RollupRow& row, bool open) {
  writer_.cell(to_string(row.period)).cell(time_(row.begin)).cell(time_(row.end));
  writer_.cell(series.user).cell(series.device).cell(series.point);
  write_amount(series, row.amount);
  writer_.cell(kilograms(row.emitted[model::Basis::primary].co2e))
      .cell(seconds(row.covered))
      .cell(percent(row.covered, row.end - row.begin));
  write_quality(row.quality);
  writer_.cell(open ? "open" : "closed").cell(std::to_string(row.revision)).cell(kilograms(first_));
}

void RowExport::write_amount(const model::Series& series, model::Activity amount) {
  const model::Carrier* carrier = model::find_carrier(series.carrier);
  if (!carrier) {
    throw std::runtime_error("the store holds amounts of '" + series.carrier +
                             "', a carrier this program does not know");
  }
  writer_.cell(series.carrier).cell(model::format_fixed(amount.quanta(), carrier->quanta_per_display));
  writer_.cell(carrier->display.symbol);
}

void RowExport::write_quality(model::Quality quality) {
  writer_.cell(to_string(quality.origin)).cell(to_string(quality.rule));
}

}  // namespace carbongate::cli

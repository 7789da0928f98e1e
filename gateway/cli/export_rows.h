// What the columns of `carbongate export` are, and how a stored row fills them. Their meaning: export.h.
#pragma once

#include <optional>
#include <span>

#include "gateway/cli/local_time.h"
#include "gateway/cli/table_writer.h"
#include "gateway/model/rows.h"
#include "gateway/store/history.h"

namespace carbongate::cli {

std::span<const TableWriter::Column> export_columns(store::History::What what);  // static storage

// Writes rows of one kind. Of rollups the newest revision only; finish() writes the last one. `writer` and `time`
// outlive it.
class RowExport {
 public:
  RowExport(TableWriter& writer, LocalTime& time) : writer_(writer), time_(time) {}

  // Throws std::runtime_error for a carrier that this program does not know.
  void write(const model::StoredRow& row);
  void finish();

 private:
  void gather(const model::StoredRow& row, const model::RollupRow& rollup);
  void write(const model::Series& series, const model::JudgedReading& row);
  void write(const model::Series& series, const model::EnergyInterval& row);
  void write(const model::Series& series, const model::EmissionEntry& row);
  void write(const model::Series& series, const model::RollupRow& row, bool open);
  void write_amount(const model::Series& series, model::Activity amount);
  void write_quality(model::Quality quality);
  void write_scope(const model::Series& series);
  void write_emitted(const model::Emitted& primary, const model::Emitted* market);
  void write_stated(const model::Emitted& primary, const model::Emitted* market);
  void write_coal(model::StandardCoal coal);

  TableWriter& writer_;
  LocalTime& time_;
  std::optional<model::StoredRow> latest_;  // rollup that may be followed by a further revision
  model::Co2e first_;                       // as it was published
};

}  // namespace carbongate::cli

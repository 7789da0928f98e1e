// A table of rows of one kind, as `carbongate export` writes it.
#pragma once

#include <optional>

#include "gateway/model/rows.h"
#include "gateway/tables/local_time.h"
#include "gateway/tables/row_cells.h"
#include "gateway/tables/table_writer.h"

namespace carbongate::cli {

// Of rollups the newest revision only; finish() writes the last one. `writer` and `time` outlive it.
class RowExport {
 public:
  RowExport(tables::TableWriter& writer, tables::LocalTime& time) : cells_(writer, time) {}

  // Throws std::runtime_error for a carrier that this program does not know.
  void write(const model::StoredRow& row);
  void finish();

 private:
  void gather(const model::StoredRow& row, const model::RollupRow& rollup);

  tables::RowCells cells_;
  std::optional<model::StoredRow> latest_;  // rollup that may be followed by a further revision
  model::Co2e first_;                       // as it was published
};

}  // namespace carbongate::cli

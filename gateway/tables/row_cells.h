// Rows of the journal as rows of tables: the columns of each kind, and how a row fills them. What they mean:
// gateway/cli/export.h.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "gateway/model/rows.h"
#include "gateway/model/stated.h"
#include "gateway/tables/local_time.h"
#include "gateway/tables/table_writer.h"

namespace carbongate::tables {

enum class Kind : std::uint8_t {
  readings,
  intervals,
  entries,
  rollups,
  totals,
  alerts,
  reports
};  // in the order of RowBody
inline constexpr std::array kKinds{Kind::readings, Kind::intervals, Kind::entries, Kind::rollups,
                                   Kind::totals,   Kind::alerts,    Kind::reports};

std::string_view name_of(Kind kind);  // "readings"
Kind kind_of(const model::RowBody& body);
std::span<const TableWriter::Column> columns_of(Kind kind);  // static storage

// Whether the amounts in the row can be written: a newer program may know carriers that this one does not.
bool knows_carrier(const model::StoredRow& row);

// Writes one row after the other, each as it is. `writer`, whose columns begin with those of the row's kind, and `time`
// outlive it.
class RowCells {
 public:
  RowCells(TableWriter& writer, LocalTime& time) : writer_(writer), time_(time) {}

  // Throws std::runtime_error for a carrier that this program does not know.
  void write(const model::StoredRow& row);

  // `open`: the period is not over. `first`: what it was published as; nullopt: not known.
  void write(const model::Series& series, const model::RollupRow& row, bool open, std::optional<model::Co2e> first);

 private:
  void write(const model::Series& series, const model::JudgedReading& row);
  void write(const model::Series& series, const model::EnergyInterval& row);
  void write(const model::Series& series, const model::EmissionEntry& row);
  void write(const model::Series& series, const model::RollupRow& row);
  void write(const model::Series& series, const model::RunningTotal& row);
  void write(const model::Series& series, const model::Alert& row);
  void write(const model::Series& series, const model::Report& row);
  void write_amount(const model::Series& series, model::Activity amount);
  void write_quality(model::Quality quality);
  void write_flag(model::Quality quality);
  void write_scope(const model::Series& series);
  struct Figures {
    const model::Emitted& emitted;
    model::Stated stated;
    bool lacks_factor = false;  // the 0 is no figure
  };
  void write_emitted(const Figures& primary, const std::optional<Figures>& market);
  void write_stated(const Figures& primary, const std::optional<Figures>& market);
  void write_coal(model::StandardCoal coal);

  TableWriter& writer_;
  LocalTime& time_;
};

}  // namespace carbongate::tables

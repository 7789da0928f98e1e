// Rows of the journal by their number, for who reads beside the gateway.
#pragma once

#include <cstdint>
#include <optional>

#include "gateway/model/rows.h"
#include "gateway/store/block_table.h"
#include "gateway/store/database.h"
#include "gateway/store/reading_walk.h"
#include "gateway/store/record.h"
#include "gateway/store/series_table.h"

namespace carbongate::store {

// Throws SqliteError and DamagedRecord. One thread.
class RowFinder {
 public:
  explicit RowFinder(Database& database)
      : database_(database), blocks_(database), journal_(database, blocks_, ReadingWalk::Kinds::all) {}

  // nullopt: the journal does not keep it any longer.
  std::optional<model::StoredRow> find(std::int64_t sequence) {
    std::optional<model::StoredRow> found;
    journal_.find(sequence, [&](const ReadingWalk::Row& row) {
      found =
          model::StoredRow{static_cast<std::uint64_t>(sequence), series_of(row.series), codec_.decode_row(row.columns)};
      return true;
    });
    return found;
  }

 private:
  // A gateway beside us may have begun a series since we looked.
  const std::shared_ptr<const model::Series>& series_of(std::int64_t id) {
    if (!series_ || !series_->all().contains(id)) series_.emplace(database_);
    return series_->series(id);
  }

  Database& database_;
  std::optional<SeriesTable> series_;
  RecordCodec codec_;
  BlockTable blocks_;
  ReadingWalk journal_;
};

}  // namespace carbongate::store

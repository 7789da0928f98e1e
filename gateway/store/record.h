// Journal rows and states as they lie in the database.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "gateway/model/checkpoint.h"
#include "gateway/model/rows.h"
#include "gateway/store/entry_figures.h"

namespace carbongate::store {

// Numbers in the file: never change. An instant is a report of real-time data: it is kept as long as readings.
enum class RowKind : std::uint8_t {
  reading = 0,
  running_total = 1,
  interval = 2,
  entry = 3,
  rollup = 4,
  alert = 5,
  report = 6,
  instant = 7
};

// The columns of a row besides its sequence and series.
struct RecordColumns {
  RowKind kind = RowKind::reading;
  std::int64_t at_ms = 0;      // when it was read, or where it begins
  double value = 0.0;          // readings only
  std::int64_t quality = 0;    // 0: measured, no rule
  std::string_view body = {};  // protobuf of record.proto; of a reading empty, or the bits of what is no number
};

// Of a reading: its column, or the NaN whose bits are its body, which SQLite would not keep.
double decode_value(double column, std::string_view body);

std::int64_t encode_quality(model::Quality quality);
model::Quality decode_quality(std::int64_t number);  // throws DamagedRecord

// Reuses its messages and buffers from row to row: what it returns is valid until the next call. One thread.
class RecordCodec {
 public:
  RecordCodec();
  ~RecordCodec();

  RecordColumns encode(const model::RowBody& body);
  std::string_view encode(const model::PointState& state);
  std::string_view encode(const model::AccountState& state);
  std::string_view encode(const model::AlertState& state);
  std::string_view encode(const model::StationState& state);

  // Throw DamagedRecord.
  model::RowBody decode_row(const RecordColumns& columns);
  EntryFigures decode_figures(const RecordColumns& columns);  // of an entry: a quarter of the work
  model::PointState decode_point(std::string_view bytes);
  model::AccountState decode_account(std::string_view bytes);
  model::AlertState decode_alert(std::string_view bytes);
  model::StationState decode_station(std::string_view bytes);

 private:
  struct Messages;
  std::unique_ptr<Messages> messages_;
};

}  // namespace carbongate::store
